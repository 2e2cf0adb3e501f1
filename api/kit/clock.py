"""The one clock. Every server follows the database's clock, so a server whose own clock is wrong still agrees with the others.

Between two readings of it time runs on by the monotonic clock, so a step of the server's own clock changes nothing.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_skew = timedelta(0)
_base: tuple[datetime, float] | None = None
_fixed: datetime | None = None
_lock = threading.Lock()


def now() -> datetime:
    """The present instant, aware, in UTC."""
    if _fixed is not None:
        return _fixed
    if _base is None:
        return datetime.now(UTC)
    database_time, when = _base
    return database_time + timedelta(seconds=time.monotonic() - when)


def today(timezone: str) -> date:
    """The calendar day it is now in the mall's own time zone."""
    return now().astimezone(ZoneInfo(timezone)).date()


def midnight(day: date, timezone: str) -> datetime:
    """The instant at which the mall's own day begins, aware, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(timezone)).astimezone(UTC)


def monotonic() -> float:
    """Seconds on a clock that never steps back; only differences mean anything."""
    return time.monotonic()


def follow(database_now: datetime, took: float = 0.0) -> None:
    """Take the database's clock as the truth; called on each new database connection. `took`: the seconds that asking it took.

    It was read somewhere between question and answer: ours is right to half of that.
    """
    global _base, _skew
    present = database_now + timedelta(seconds=took / 2)
    with _lock:
        _base = (present.astimezone(UTC), time.monotonic())
        _skew = present - datetime.now(UTC)


def skew() -> timedelta:
    """How far this server's own clock is behind the database's."""
    return _skew


def fix(at: datetime | None) -> None:
    """Stop at one instant (tests only), or run again with None."""
    global _fixed
    if at is not None and at.tzinfo is None:
        raise ValueError("The clock takes aware instants only.")
    _fixed = at
