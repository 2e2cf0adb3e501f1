"""Points given or taken by people: with a reason, and above a limit with a second person; and points the mall gives by itself."""

from __future__ import annotations

from sqlalchemy import select

from api.approvals.service import Waiting
from api.kit import clock, pages, states, value_limits
from api.kit.db import session
from api.kit.value_limits import Bound, Limit
from api.ledger import service as ledger
from api.ledger.errors import BalanceTooLow
from api.ledger.service import Asset, Entry
from api.malls import service as malls
from api.members import service as members
from api.points.errors import AdjustmentNotFound, PointsTooFew
from api.points.models import Adjustment
from api.points.policy import PointsRules
from api.points.service import batches
from api.points.states import AdjustmentState

#: Several small adjustments are one large one: of one member by whomever, and by one person for whomever.
OF_MEMBER, OF_PERSON = Limit("adjusted-points-of-member"), Limit("adjusted-points-by-person")
CAUSE = "points_adjustment"
WAITING = Waiting(Adjustment, AdjustmentState.PROPOSED, AdjustmentState.REJECTED, "proposed_by", {"staff": "points.adjust"})


def adjust(member_id: int, points: int, *, why: str, by: str) -> Adjustment:
    """Give (or, below zero, take) points. Above the mall's limit it waits for a second person. PointsTooFew, MemberNotFound, MemberClosed.

    What anybody adjusted for the same member within a day counts towards its limit, and what the same person adjusted for any member
    towards that person's.
    """
    member = members.hold_alone(member_id)
    adjustment = Adjustment(
        state=str(AdjustmentState.PROPOSED), member_id=member.id, points=points, why=why, proposed_by=by, proposed_at=clock.now()
    )
    session.add(adjustment)
    session.flush()
    if value_limits.use(abs(points), _bounds(member.id, by), cause=(CAUSE, adjustment.id)) is None:
        _post(adjustment, by, "within the limit")
    return adjustment


def _bounds(member_id: int, by: str) -> list[Bound]:
    rules = malls.policy(PointsRules)
    return [Bound(OF_MEMBER, member_id, rules.adjustment_limit_points), Bound(OF_PERSON, by, rules.adjustment_person_day_points)]


def approve(adjustment_id: int, *, by: str) -> Adjustment:
    """Post an adjustment that somebody else proposed.

    AnotherPersonNeeded, ApprovalOutdated, AdjustmentNotFound, MemberClosed, PointsTooFew, WrongState.
    """
    adjustment = read(adjustment_id)
    WAITING.refuse_unfit(adjustment, by)
    bounds = _bounds(members.hold_alone(members.surviving(adjustment.member_id)).id, adjustment.proposed_by)
    value_limits.count(abs(adjustment.points), bounds, cause=(CAUSE, adjustment.id))
    _post(adjustment, by, "approved by a second person")
    return adjustment


def reject(adjustment_id: int, *, by: str, why: str) -> Adjustment:
    """Turn an adjustment down; one may withdraw one's own. AdjustmentNotFound, WrongState."""
    adjustment = read(adjustment_id)
    states.move(adjustment, AdjustmentState.REJECTED, by=by, reason=why, decided_by=by)
    return adjustment


def read(adjustment_id: int) -> Adjustment:
    """One adjustment. AdjustmentNotFound."""
    adjustment = session.get(Adjustment, adjustment_id)
    if adjustment is None:
        raise AdjustmentNotFound()
    return adjustment


def listed(
    *, state: str | None = None, member_id: int | None = None, cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT
) -> pages.Page[Adjustment]:
    """Adjustments, newest first."""
    query = select(Adjustment)
    if state is not None:
        query = query.where(Adjustment.state == state)
    if member_id is not None:
        query = query.where(Adjustment.member_id == member_id)
    return pages.page(query, Adjustment.id, cursor=cursor, limit=limit)


def _post(adjustment: Adjustment, by: str, reason: str) -> None:
    owner = members.hold(adjustment.member_id)
    states.move(adjustment, AdjustmentState.POSTED, by=by, reason=reason, decided_by=by)
    change = grant if adjustment.points > 0 else _withdraw
    adjustment.transfer_id = change(owner, abs(adjustment.points), cause_type=CAUSE, cause_id=adjustment.id)
    session.flush()


def grant(member_id: int, points: int, *, cause_type: str, cause_id: int) -> int:
    """Give points that the mall bears, spendable at once, with the mall's usual expiry; the same cause gives once. Returns the transfer."""
    member_id = members.hold(member_id)
    owner = batches.member_account(member_id)
    posted = ledger.post_with_balances(
        cause_type, cause_id, [Entry(owner, Asset.POINTS, points), Entry(batches.bearer(0), Asset.POINTS, -points)]
    )
    if not posted.repeated:
        now = clock.now()
        after = posted.balances[member_id, Asset.POINTS]
        batches.open_batch(member_id, cause_type, cause_id, points, after, earned_at=now, expires_at=batches.expiry_of(now))
    return posted.transfer_id


def _withdraw(member_id: int, points: int, *, cause_type: str, cause_id: int) -> int:
    batches.expire(member_id)
    owner = batches.member_account(member_id)
    try:
        transfer_id = ledger.post(
            cause_type, cause_id, [Entry(owner, Asset.POINTS, -points), Entry(batches.bearer(0), Asset.POINTS, points)]
        )
    except BalanceTooLow as refused:
        raise PointsTooFew(wanted=points) from refused
    batches.take(member_id, points)
    return transfer_id
