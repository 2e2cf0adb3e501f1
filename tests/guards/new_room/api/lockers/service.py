"""What can be done with lockers: take one, give it back, open those that were forgotten."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from api.lockers.errors import LockerHeld, LockerNotFound
from api.lockers.models import Locker
from api.lockers.policy import LockerRules
from api.lockers.states import LockerState
from sqlalchemy import func, select

from api.kit import clock, jobs, pages, states
from api.kit.db import session
from api.kit.membership import Moved, Rows
from api.malls import service as malls
from api.members.service import member_merge

DOORS = 24
OPEN = jobs.Promised()


def take(door: str, member_id: int) -> Locker:
    """Give the member a free locker. LockerNotFound, WrongState."""
    locker = session.scalar(select(Locker).where(Locker.door == door))
    if locker is None:
        raise LockerNotFound()
    states.move(locker, LockerState.TAKEN, by=f"member:{member_id}", member_id=member_id)
    jobs.later(OPEN, locker_id=locker.id)
    return locker


def open_forgotten(locker_id: int | None = None) -> int:
    """Free lockers whose time is over, all or this one; returns how many."""
    before = clock.now() - timedelta(hours=malls.policy(LockerRules).locker_hours)
    query = select(Locker).where(Locker.state == LockerState.TAKEN, Locker.moved_at < before)
    forgotten = session.scalars(query if locker_id is None else query.where(Locker.id == locker_id)).all()
    for locker in forgotten:
        states.move(locker, LockerState.FREE, by="system", member_id=None)
    return len(forgotten)


def listed(*, cursor: str | None, limit: int) -> pages.Page[Locker]:
    """Every locker, newest first."""
    return pages.page(select(Locker), Locker.id, cursor=cursor, limit=limit)


def lock_all(member_id: int, ids: Iterable[int] | None = None) -> None:
    """Hold a member's lockers, all or these."""
    query = select(Locker.id).where(Locker.member_id == member_id).order_by(Locker.id).with_for_update()
    session.execute(query if ids is None else query.where(Locker.id.in_(list(ids)))).all()


def count_of(member_id: int) -> int:
    """How many lockers a member holds."""
    return session.scalar(select(func.count()).where(Locker.member_id == member_id)) or 0


def hand_over(from_member_id: int, into_member_id: int) -> list[Moved]:
    """Two memberships became one: the lockers of the one are the other's."""
    return member_merge.move("locker", Locker, from_member_id, into_member_id)


def bring_back(rows: Rows, from_member_id: int, into_member_id: int) -> None:
    """The merge was undone: the lockers come back."""
    member_merge.bring_back(Locker, rows.get("locker", ()), from_member_id, into_member_id)


def refuse_closing(member_id: int) -> None:
    """Who closes the account has emptied the locker. LockerHeld."""
    if count_of(member_id):
        raise LockerHeld()


def export(member_id: int) -> list[dict[str, Any]]:
    """The member's lockers, as JSON values."""
    return [{"door": locker.door} for locker in session.scalars(select(Locker).where(Locker.member_id == member_id))]


def trouble() -> str | None:
    """What is wrong with the cabinets, or None."""
    return None
