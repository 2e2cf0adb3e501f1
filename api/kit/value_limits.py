"""Limits of value: how much one subject or person may move in a window, counted in the database and never past the limit.

A use is counted under a lock on its mall, limit and subject, in one statement; the same cause counts once. Rows only grow: what is given
back is a row below zero, and a job sweeps what is older than every window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Boolean, CheckConstraint, ColumnElement, DateTime, Index, Text, UniqueConstraint, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped

from api.kit import clock, jobs
from api.kit.db import MallOwned, Model, session

DAY = timedelta(days=1)
#: Longer than every window. The database sweeps nothing younger.
KEPT_FOR = timedelta(days=40)


class ValueUse(MallOwned, Model):
    """So much of a limit was used by a subject, for a cause. It only grows."""

    __tablename__ = "value_uses"
    __table_args__ = (
        CheckConstraint("amount <> 0", name="is_some"),
        UniqueConstraint("mall_id", "limit_name", "subject", "cause_type", "cause_id"),
        Index("ix_value_uses_window", "mall_id", "limit_name", "subject", "used_at"),
        Index("ix_value_uses_age", "mall_id", "used_at"),
    )

    limit_name: Mapped[str]
    subject: Mapped[str]
    amount: Mapped[int]
    cause_type: Mapped[str]
    cause_id: Mapped[str]
    used_at: Mapped[datetime]


@dataclass(frozen=True)
class Limit:
    """What is limited, and in how long a time up to now: a use leaves the window when it is as old as that."""

    name: str
    window: timedelta = DAY

    def __post_init__(self) -> None:
        if not timedelta(0) < self.window <= KEPT_FOR - DAY:
            raise ValueError("a window is as long as uses are kept, or shorter")


@dataclass(frozen=True)
class Bound:
    """At most so much of a limit for one subject: a member, a person of the staff, an order."""

    limit: Limit
    subject: object
    most: int


def use(amount: int, bounds: Sequence[Bound], *, cause: tuple[str, object]) -> Limit | None:
    """Count an amount towards every bound, or (when one of them would be passed) towards none and say which. One statement."""
    used = _count(amount, bounds, cause, enforced=True)
    return next((bound.limit for bound, before in zip(bounds, used, strict=True) if before + amount > bound.most), None)


def count(amount: int, bounds: Sequence[Bound], *, cause: tuple[str, object]) -> Limit | None:
    """Count an amount although a bound is passed, because a second person or a proof lets it; says which was. One statement."""
    used = _count(amount, bounds, cause, enforced=False)
    return next((bound.limit for bound, before in zip(bounds, used, strict=True) if before + amount > bound.most), None)


def release(amount: int, bounds: Sequence[Bound], *, cause: tuple[str, object]) -> None:
    """Give back what was counted for a cause that came to nothing. The cause is that of the giving back. One statement."""
    _count(-amount, bounds, cause, enforced=False)


def used(limit: Limit, subject: object) -> int:
    """How much of a limit a subject has used in its window."""
    query = select(func.coalesce(func.sum(ValueUse.amount), 0)).where(*_in_window(limit), ValueUse.subject == str(subject))
    return int(session.execute(query).scalar_one())


def subjects_at(limit: Limit, least: int) -> int:
    """How many subjects have used at least so much of a limit in its window."""
    busy = select(ValueUse.subject).where(*_in_window(limit)).group_by(ValueUse.subject).having(func.sum(ValueUse.amount) >= least)
    return int(session.execute(select(func.count()).select_from(busy.subquery())).scalar_one())


def _in_window(limit: Limit) -> tuple[ColumnElement[bool], ...]:
    return (ValueUse.limit_name == limit.name, ValueUse.used_at > clock.now() - limit.window)


def _count(amount: int, bounds: Sequence[Bound], cause: tuple[str, object], *, enforced: bool) -> list[int]:
    """What was used before of each bound in its window, this cause left out."""
    now = clock.now()
    texts, numbers, times = ARRAY(Text()), ARRAY(BigInteger()), ARRAY(DateTime(timezone=True))
    used = func.use_value(
        literal([bound.limit.name for bound in bounds], texts),
        literal([str(bound.subject) for bound in bounds], texts),
        literal([bound.most for bound in bounds], numbers),
        literal([now - bound.limit.window for bound in bounds], times),
        literal(amount, BigInteger()),
        literal(cause[0], Text()),
        literal(str(cause[1]), Text()),
        literal(now, DateTime(timezone=True)),
        literal(enforced, Boolean()),
    )
    return list(session.execute(select(used)).scalar_one())


@jobs.nightly("55 19 * * *")
def forget_old_uses() -> None:
    """Remove uses that no window reaches any more."""
    sweep()


def sweep() -> None:
    """Remove uses of this mall that no window reaches any more."""
    session.execute(select(func.sweep_value_uses(clock.now() - KEPT_FOR)))
