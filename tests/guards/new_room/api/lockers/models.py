"""A Locker is one door of a cabinet."""

from __future__ import annotations

from api.lockers.states import ALLOWED, LockerState
from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from api.kit.db import MallOwned, Model
from api.kit.states import Stateful


class Locker(Stateful, MallOwned, Model):
    """One door, by the number on it."""

    __tablename__ = "lockers"
    noun = "locker"
    lifecycle = LockerState
    allowed = ALLOWED
    __table_args__ = (
        UniqueConstraint("mall_id", "door"),
        CheckConstraint("(state = 'taken') = (member_id IS NOT NULL)", name="taken_by_a_member"),
    )

    door: Mapped[str]
    member_id: Mapped[int | None] = mapped_column(ForeignKey("members.id"))
