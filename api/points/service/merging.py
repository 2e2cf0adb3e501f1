"""Two memberships of one person become one: points, batches, awards and debts go along."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select, update

from api.kit.db import session
from api.ledger import service as ledger
from api.ledger.service import Asset, Entry
from api.points.models import Adjustment, Award, Batch, Spend, TakeBack
from api.points.service import batches
from api.sales import service as sales

ASSETS = (Asset.POINTS, Asset.POINTS_PENDING, Asset.GROWTH)


def holds(member_id: int) -> bool:
    """Whether a member has points, spendable, pending or owed."""
    held = ledger.balances(batches.member_account(member_id), ASSETS)
    return any(held[asset] for asset in (Asset.POINTS, Asset.POINTS_PENDING))


def merge(from_member_id: int, into_member_id: int) -> None:
    """Move everything of one member to another, purchases too, once. A debt of the one is paid from the points of the other."""
    source, target = batches.member_account(from_member_id), batches.member_account(into_member_id)
    for owner in sorted((source, target)):
        ledger.lock(owner, Asset.POINTS)
    held = ledger.balances(source, ASSETS)
    entries = [
        entry
        for asset, amount in held.items()
        for entry in (
            Entry(source, asset, -amount, overdraft=asset != Asset.POINTS_PENDING),
            Entry(target, asset, amount, overdraft=asset != Asset.POINTS_PENDING),
        )
    ]
    if any(held.values()):
        ledger.post("points_merge", from_member_id, entries)
    for table in (Batch, Award, Spend, TakeBack, Adjustment):
        session.execute(update(table).where(table.member_id == from_member_id).values(member_id=into_member_id))
    sales.hand_over(from_member_id, into_member_id)
    _settle(into_member_id)


def _settle(member_id: int) -> None:
    """Batches may now hold more than the account, because one of the two owed points."""
    left = session.scalar(select(func.coalesce(func.sum(Batch.left_points), 0)).where(Batch.member_id == member_id)) or 0
    over = int(left) - max(0, ledger.balance(batches.member_account(member_id), Asset.POINTS))
    if over > 0:
        batches.take(member_id, over)


def export(member_id: int) -> dict[str, Any]:
    """A member's own data in this room, as JSON values, for the export the law grants."""
    held = ledger.balances(batches.member_account(member_id), ASSETS)
    awards = session.execute(
        select(Award.sale_id, Award.points, Award.taken_back, Award.earned_at, Award.explanation)
        .where(Award.member_id == member_id)
        .order_by(Award.id)
    )
    return {
        "balances": {str(asset): amount for asset, amount in held.items()},
        "awards": [
            {"sale_id": row.sale_id, "points": row.points - row.taken_back, "at": row.earned_at.isoformat(), "why": row.explanation}
            for row in awards
        ],
    }
