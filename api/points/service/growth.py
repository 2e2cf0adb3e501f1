"""Growth (成长值) is not spendable: it is credited beside the points, and the room of members turns it into levels."""

from __future__ import annotations

from api.kit import jobs
from api.members import service as members


@jobs.job()
def credit(member_id: int, growth: int, cause: str) -> None:
    """Tell the room of members; the same cause counts once."""
    members.add_growth(members.surviving(member_id), growth, cause=cause)


def credit_later(member_id: int, growth: int, cause: str) -> None:
    """In a job, because a level that is reached costs statements that a shopper's sale need not wait for."""
    if growth:
        jobs.later(credit, member_id=member_id, growth=growth, cause=cause)
