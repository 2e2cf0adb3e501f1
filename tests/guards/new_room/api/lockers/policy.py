"""What the mall decided about lockers."""

from __future__ import annotations

from dataclasses import dataclass

from api.kit.policy import Rules, number


@dataclass(frozen=True)
class LockerRules(Rules):
    """The mall's rules of lockers."""

    locker_hours: int = number(24, 1, 168, "a locker is opened by staff after so many hours")
