"""The simulator's clock: the machine's, moved by as much as a test asks for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class SimClock:
    """Now, plus an offset that only control calls change."""

    def __init__(self) -> None:
        self._offset = timedelta()

    def __call__(self) -> datetime:
        """The simulator's present, aware UTC."""
        return datetime.now(UTC) + self._offset

    def advance(self, seconds: float) -> None:
        """Move the simulator's present; negative moves it back."""
        self._offset += timedelta(seconds=seconds)
