"""Days, weeks, months and expiry in the mall's own calendar."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from api.kit import clock

FOREVER_ON = date(2000, 1, 1)


@lru_cache(maxsize=4096)
def begins_on(period: str, day: date) -> date:
    """The first day of the day, week (from Monday) or month that a day lies in; one fixed day for `ever`."""
    if period == "week":
        return day - timedelta(days=day.weekday())
    if period == "month":
        return day.replace(day=1)
    return FOREVER_ON if period == "ever" else day


def expires_at(earned_at: datetime, *, rule: str, length: int, timezone: str) -> datetime | None:
    """The first instant at which points are no longer valid, or None for never. A last day is valid to its end in the mall's own time.

    Rules: never; days (the Nth day after is the last); month_end and year_end (of the Nth month or year after the one earned in).
    """
    if rule == "never":
        return None
    day = earned_at.astimezone(ZoneInfo(timezone)).date()
    if rule == "days":
        return clock.midnight(day + timedelta(days=length + 1), timezone)
    if rule == "year_end":
        return clock.midnight(date(min(day.year + length + 1, 9998), 1, 1), timezone)
    months = day.year * 12 + day.month - 1 + length + 1
    return clock.midnight(date(months // 12, months % 12 + 1, 1), timezone)
