"""Points are spent from the batches that expire first, and come back to the batches they came from."""

from __future__ import annotations

from sqlalchemy import select

from api.kit import clock
from api.kit.db import session
from api.ledger import service as ledger
from api.ledger.errors import BalanceTooLow
from api.ledger.service import Asset, Entry
from api.points import queries
from api.points.errors import GiveBackTooLarge, PointsTooFew, SpendNotFound
from api.points.models import Spend
from api.points.service import batches


def spend(member_id: int, points: int, *, cause_type: str, cause_id: str | int) -> Spend:
    """Take points for something. The same cause again is the same spend. PointsTooFew, CauseClash."""
    if points <= 0:
        raise ValueError("points to spend are a whole number above zero")
    batches.expire(member_id)
    owner = batches.member_account(member_id)
    try:
        posted = ledger.post_with_balances(
            cause_type, cause_id, [Entry(owner, Asset.POINTS, -points), Entry(batches.mall_account(), Asset.POINTS, points)]
        )
    except BalanceTooLow as refused:
        raise PointsTooFew(wanted=points) from refused
    if posted.repeated:
        return spend_of(cause_type, cause_id)
    arguments = {"member_id": member_id, "points": points, "cause_type": cause_type, "cause_id": str(cause_id)}
    arguments |= {"transfer_id": posted.transfer_id, "first": None, "now": clock.now(), "stale": True}
    spend_id, taken = session.connection().exec_driver_sql(queries.SPEND, arguments).one()
    if taken != points:
        raise RuntimeError(f"the batches of member {member_id} hold {taken} of the {points} points on its account")
    return session.get_one(Spend, spend_id)


def spend_of(cause_type: str, cause_id: str | int, *, lock: bool = False) -> Spend:
    """What was spent for a cause. SpendNotFound."""
    query = select(Spend).where(Spend.cause_type == cause_type, Spend.cause_id == str(cause_id))
    query = query.with_for_update() if lock else query
    spent = session.scalar(query.execution_options(populate_existing=True))
    if spent is None:
        raise SpendNotFound()
    return spent


def give_back(cause_type: str, cause_id: str | int, *, refund_type: str, refund_id: str | int, points: int | None = None) -> Spend:
    """Give spent points back, all that are left or some, to the batches they came from with their own expiry. They repay a debt first.

    The same refund again changes nothing. SpendNotFound, GiveBackTooLarge.
    """
    spent = spend_of(cause_type, cause_id, lock=True)
    if ledger.posted(refund_type, refund_id) is not None:
        return spent
    left = spent.points - spent.given_back
    back = left if points is None else points
    if not 0 < back <= left:
        raise GiveBackTooLarge(spent=spent.points, given_back=spent.given_back)
    owner = batches.member_account(spent.member_id)
    entries = [Entry(owner, Asset.POINTS, back), Entry(batches.mall_account(), Asset.POINTS, -back)]
    posted = ledger.post_with_balances(refund_type, refund_id, entries)
    room = batches.spendable(back, posted.balances[spent.member_id, Asset.POINTS])
    session.connection().exec_driver_sql(queries.GIVE_BACK, {"spend_id": spent.id, "points": back, "room": room})
    session.refresh(spent)
    return spent
