"""The simulator's clock: the machine's, moved by as much as a test asks for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class SimClock:
    """Now, plus an offset that only control calls change; or stopped, so that nothing but control calls moves it."""

    def __init__(self) -> None:
        self._offset = timedelta()
        self._stopped_at: datetime | None = None

    def __call__(self) -> datetime:
        """The simulator's present, aware UTC."""
        return (self._stopped_at or datetime.now(UTC)) + self._offset

    def advance(self, seconds: float) -> None:
        """Move the simulator's present; negative moves it back."""
        self._offset += timedelta(seconds=seconds)

    def stop(self, at: datetime) -> None:
        """Stand still at this instant."""
        self._stopped_at, self._offset = at, timedelta()

    def start(self) -> None:
        """Go again, with the machine's time."""
        self._stopped_at, self._offset = None, timedelta()
