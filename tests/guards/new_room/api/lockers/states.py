"""The lifecycle of a locker."""

from __future__ import annotations

from enum import StrEnum


class LockerState(StrEnum):
    """Whether something lies in it."""

    FREE = "free"
    TAKEN = "taken"


ALLOWED: dict[LockerState, frozenset[LockerState]] = {
    LockerState.FREE: frozenset({LockerState.TAKEN}),
    LockerState.TAKEN: frozenset({LockerState.FREE}),
}
