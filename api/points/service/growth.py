"""Growth (成长值) is not spendable: it is credited beside the points, and the room of members turns it into levels."""

from __future__ import annotations

from sqlalchemy import select

from api.kit import jobs
from api.kit.db import session
from api.members import service as members
from api.points.models import Award, TakeBack

CREDIT = jobs.Promised()


def credit(member_id: int, growth: int, cause: str) -> None:
    """Credit growth in the room of members; the same cause counts once."""
    members.add_growth(members.surviving(_earner(cause) or member_id), growth, cause=cause)


def _earner(cause: str) -> int | None:
    # Whose purchase it is by now: the member may have been merged, or the merge undone, since the job was queued.
    kind, _, number = cause.partition(":")
    if kind not in ("points_award", "sale_refund"):
        return None
    taken = select(TakeBack.award_id).where(TakeBack.sale_refund_id == int(number)).scalar_subquery()
    return session.scalar(select(Award.member_id).where(Award.id == (int(number) if kind == "points_award" else taken)))


def credit_later(member_id: int, growth: int, cause: str) -> None:
    """In a job, because a level that is reached costs statements that a shopper's sale need not wait for."""
    if growth:
        jobs.later(CREDIT, member_id=member_id, growth=growth, cause=cause)
