"""A refund undoes what was recorded when the sale earned, part by part, whatever today's rules say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from api.kit import clock, states
from api.kit.db import session
from api.ledger import service as ledger
from api.ledger.service import Asset, Entry
from api.points import reckoning
from api.points.models import Award, Batch, CapUse, TakeBack
from api.points.reckoning import Share
from api.points.service import awards, batches, caps, growth, notifications
from api.points.states import AwardState
from api.sales import service as sales
from api.sales.models import SaleRefund


@dataclass(frozen=True)
class Undone:
    """What one refund takes of an award."""

    points: int
    shop_points: int
    growth: int
    parts: list[dict[str, Any]]


def hold_awards(sale_ids: Sequence[int]) -> None:
    """Hold sales, what they earned, and the caps that it counts for: before any account is touched, in the order in which scoring locks."""
    for sale_id in sorted(sale_ids):
        sales.lock(sale_id)
    query = select(Award).where(Award.sale_id.in_(list(sale_ids))).order_by(Award.id).with_for_update()
    earned = session.scalars(query.execution_options(populate_existing=True)).all()
    if uses := {use_id for award in earned for use_id, _ in award.caps}:
        session.execute(select(CapUse.id).where(CapUse.id.in_(uses)).order_by(CapUse.id).with_for_update()).all()


def take_back(sale_refund_id: int, *, by: str) -> TakeBack | None:
    """Undo the share of an award that a refund stands for, once. Points already spent become a debt. None when the sale earned nothing.

    The share is cumulative (largest remainder of refunded so far), so refunds in any pieces and any order end at the same sum.
    """
    refund = sales.read_refund(sale_refund_id)
    award = session.scalar(select(Award).where(Award.sale_id == refund.sale_id).with_for_update().execution_options(populate_existing=True))
    if award is None or award.points == 0:
        return None
    earlier = session.scalar(select(TakeBack).where(TakeBack.sale_refund_id == sale_refund_id))
    if earlier is not None:
        return earlier
    share = _share(award, refund)
    # Caps before the account, as when earning: the same order of locks.
    caps.STORED.give_back({use_id: share(used) for use_id, used in award.caps})
    made = _post(award, refund, _undone(award, share))
    # A later refund may find nothing left to take: of one point the first half already took all.
    if award.points == award.taken_back and award.state in (AwardState.PENDING, AwardState.ACTIVE):
        gone = AwardState.NOTHING if award.state == AwardState.PENDING else AwardState.REVERSED
        states.move(award, gone, by=by, reason="refunded", facts={"sale_refund": refund.id})
    return made


def _share(award: Award, refund: SaleRefund) -> Share:
    """The part between what was refunded before this refund and after it. What was refunded before the sale earned is out already."""
    gone = award.facts["refunded_fen"]
    whole = award.facts.get("whole_fen", award.paid_fen)
    return reckoning.refund_share(whole - gone, refund.measure_before_fen - gone, refund.measure_fen)


def _undone(award: Award, share: Share) -> Undone:
    parts, points, shop_points = [], 0, 0
    for part in award.parts:
        of_all, of_shop = reckoning.undone(part["points"], part["shop_points"], share)
        points, shop_points = points + of_all, shop_points + of_shop
        parts.append(part | {"taken": part.get("taken", 0) + of_all, "shop_taken": part.get("shop_taken", 0) + of_shop})
    return Undone(points, shop_points, share(award.growth), parts)


def _post(award: Award, refund: SaleRefund, undone: Undone) -> TakeBack:
    made = TakeBack(
        sale_refund_id=refund.id,
        award_id=award.id,
        member_id=award.member_id,
        points=undone.points,
        growth=undone.growth,
        from_expired=0,
        became_debt=0,
        taken_at=clock.now(),
    )
    if undone.points or undone.growth:
        if award.state == AwardState.PENDING:
            _from_pending(award, refund, undone, made)
        else:
            _from_active(award, refund, undone, made)
    award.taken_back += undone.points
    award.growth_taken_back += undone.growth
    award.parts = undone.parts
    session.add(made)
    session.flush()
    if made.became_debt:
        notifications.debt(made)
    growth.credit_later(award.member_id, -undone.growth, f"sale_refund:{refund.id}")
    return made


def _from_pending(award: Award, refund: SaleRefund, undone: Undone, made: TakeBack) -> None:
    owner = batches.member_account(award.member_id)
    entries = [
        Entry(owner, Asset.POINTS_PENDING, -undone.points),
        *awards.borne(award.shop_id, -undone.points, -undone.shop_points, Asset.POINTS_PENDING),
        *_growth(award, undone),
    ]
    made.transfer_id = ledger.post("sale_refund", refund.id, entries)


def _from_active(award: Award, refund: SaleRefund, undone: Undone, made: TakeBack) -> None:
    owner = batches.member_account(award.member_id)
    ledger.lock(owner, Asset.POINTS)
    batch = _own_batch(award)
    made.from_expired = min(max(0, undone.points - batch.left_points), _expired_still(award, batch))
    taken = undone.points - made.from_expired
    entries = [
        Entry(owner, Asset.POINTS, -taken, overdraft=True),
        Entry(batches.mall_account(), Asset.POINTS, -made.from_expired),
        *awards.borne(award.shop_id, -undone.points, -undone.shop_points, Asset.POINTS),
        *_growth(award, undone),
    ]
    posted = ledger.post_with_balances("sale_refund", refund.id, entries)
    made.transfer_id = posted.transfer_id
    if taken:
        after = posted.balances[award.member_id, Asset.POINTS]
        made.became_debt = max(0, -after) - max(0, -(after + taken))
        batches.take(award.member_id, taken, first=batch.id)


def _own_batch(award: Award) -> Batch:
    query = select(Batch).where(Batch.origin_type == "award", Batch.origin_id == award.id)
    return session.scalars(query.execution_options(populate_existing=True)).one()


def _expired_still(award: Award, batch: Batch) -> int:
    """Points of the award that expired unspent: they are gone already and must not be taken a second time."""
    used = session.scalar(select(func.coalesce(func.sum(TakeBack.from_expired), 0)).where(TakeBack.award_id == award.id))
    return max(0, batch.expired_points - int(used or 0))


def _growth(award: Award, undone: Undone) -> list[Entry]:
    owner = batches.member_account(award.member_id)
    return [
        Entry(owner, Asset.GROWTH, -undone.growth, overdraft=True),
        Entry(batches.bearer(0), Asset.GROWTH, undone.growth),
    ]
