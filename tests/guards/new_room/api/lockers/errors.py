"""How the room of lockers refuses."""

from __future__ import annotations

from api.kit.errors import Conflict, NotFound


class LockerNotFound(NotFound):
    """There is no such locker."""


class LockerHeld(Conflict):
    """Please empty your locker first."""
