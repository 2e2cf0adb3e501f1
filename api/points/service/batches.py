"""Batches: what came together expires together. Every function here runs while the member's account is held by a post."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import CTE, Table, insert, literal, select
from sqlalchemy.sql.dml import ReturningInsert

from api.kit import clock
from api.kit.db import session
from api.ledger import service as ledger
from api.ledger.service import Asset, Entry, Owner, PostedTransfer
from api.malls import service as malls
from api.points import queries
from api.points.models import Award, Batch
from api.points.policy import PointsRules
from api.points.service import periods


def member_account(member_id: int) -> Owner:
    """The owner of a member's points."""
    return Owner("member", member_id)


def mall_account() -> Owner:
    """Who takes in points that were spent or expired."""
    return Owner("mall", malls.mall_info().id)


def bearer(shop_id: int) -> Owner:
    """Who bears points: a shop, or the mall itself (0)."""
    return Owner("bearer", shop_id)


def expiry_of(earned_at: datetime) -> datetime | None:
    """When points earned then expire by the mall's policy."""
    info = malls.mall_info()
    rules = info.policy.of(PointsRules)
    return periods.expires_at(earned_at, rule=rules.points_expiry, length=rules.points_expiry_length, timezone=info.timezone)


def spendable(points: int, balance_after: int) -> int:
    """Of points just posted, those that did not go into repaying a debt."""
    return min(points, max(0, balance_after))


def open_batch(
    member_id: int, origin_type: str, origin_id: int, points: int, balance_after: int, *, earned_at: datetime, expires_at: datetime | None
) -> None:
    """Remember points just posted. Points that repaid a debt are in the batch, but nothing of them is left."""
    batch = _batch(member_id, origin_type, points, balance_after, earned_at, expires_at)
    session.execute(insert(Batch).values(origin_id=origin_id, **batch))


def _batch(
    member_id: int, origin_type: str, points: int, balance_after: int, earned_at: datetime, expires_at: datetime | None
) -> dict[str, Any]:
    return {
        "member_id": member_id, "origin_type": origin_type, "points": points, "left_points": spendable(points, balance_after),
        "earned_at": earned_at, "expires_at": expires_at,
    }  # fmt: skip


def open_for_award(award: Award, posted: PostedTransfer) -> None:
    """The batch of an award that has just become spendable. A repeated post has opened it already."""
    if not posted.repeated:
        session.execute(insert(Batch).values(origin_id=award.id, **_of_award(award, posted)))


def opening(award: Award, posted: PostedTransfer, written: CTE) -> ReturningInsert[Any]:
    """The same in the statement that writes the award: `written` gives its number, and so does this."""
    batch, columns = _of_award(award, posted), cast(Table, Batch.__table__).c
    row = select(written.c.id, *(literal(value, columns[name].type) for name, value in batch.items()))
    return insert(Batch).from_select(["origin_id", *batch], row, include_defaults=False).returning(Batch.origin_id)


def _of_award(award: Award, posted: PostedTransfer) -> dict[str, Any]:
    points = award.points - (award.taken_back or 0)
    after = posted.balances[award.member_id, Asset.POINTS]
    return _batch(award.member_id, "award", points, after, award.earned_at, award.expires_at)


def take(member_id: int, points: int, *, first: int | None = None) -> int:
    """Take points out of batches, of one first and then those that expire soonest; returns how many there were to take."""
    arguments = {"member_id": member_id, "points": points, "first": first, "now": clock.now(), "stale": True}
    return int(session.connection().exec_driver_sql(queries.TAKE, arguments).scalar_one())


def expire(member_id: int) -> int:
    """Let the member's points that are past their time go; returns how many. Two statements when there are some, one when not."""
    now = clock.now()
    due = select(Batch.id).where(Batch.member_id == member_id, Batch.left_points > 0, Batch.expires_at <= now).limit(1)
    if session.scalar(due) is None:
        return 0
    ledger.lock(member_account(member_id), Asset.POINTS)
    rows = session.scalars(
        select(Batch)
        .where(Batch.member_id == member_id, Batch.left_points > 0, Batch.expires_at <= now)
        .order_by(Batch.id)
        .execution_options(populate_existing=True)
    ).all()
    for batch in rows:
        # A batch can expire again when points that were spent from it came back: the cause counts how many went.
        ledger.post(
            "points_expiry",
            f"{batch.id}:{batch.expired_points + batch.left_points}",
            [
                Entry(member_account(member_id), Asset.POINTS, -batch.left_points),
                Entry(mall_account(), Asset.POINTS, batch.left_points),
            ],
        )
    gone = sum(batch.left_points for batch in rows)
    for batch in rows:
        batch.expired_points += batch.left_points
        batch.left_points = 0
    session.flush()
    return gone


def expire_due(limit: int = 200) -> int:
    """Let points go that are past their time, of at most so many members; returns how many members."""
    due = select(Batch.member_id).where(Batch.left_points > 0, Batch.expires_at <= clock.now()).distinct().limit(limit)
    member_ids = sorted(session.scalars(due))
    for member_id in member_ids:
        expire(member_id)
    return len(member_ids)
