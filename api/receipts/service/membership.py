"""What happens to receipts when two memberships become one."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import or_, select

from api.kit.db import session
from api.kit.membership import Moved, Rows
from api.members.service import member_merge
from api.receipts.models import Receipt, ReceiptReview, ReviewerMember


def lock_all(member_id: int, ids: Iterable[int] | None = None) -> None:
    """Hold a member's receipts, all or these: their decisions wait."""
    query = select(Receipt.id).where(Receipt.member_id == member_id).order_by(Receipt.id).with_for_update()
    session.execute(query if ids is None else query.where(Receipt.id.in_(list(ids)))).all()


def hand_over(from_member_id: int, into_member_id: int) -> list[Moved]:
    """Two memberships became one: receipts, their cases, and what reviewers must not see of their own. Returns what moved."""
    named = select(ReviewerMember.staff_id).where(ReviewerMember.member_id == into_member_id)
    return [
        *member_merge.move("receipt", Receipt, from_member_id, into_member_id),
        *member_merge.move("receipt_review", ReceiptReview, from_member_id, into_member_id),
        *member_merge.move("reviewer_member", ReviewerMember, from_member_id, into_member_id, ReviewerMember.staff_id.not_in(named)),
    ]


def bring_back(rows: Rows, from_member_id: int, into_member_id: int) -> None:
    """The merge was undone: receipts come back, but those that have scored since: their purchase was earned by the survivor."""
    scored_before = or_(Receipt.sale_id.is_(None), Receipt.sale_id.in_(list(rows.get("sale", ()))))
    came = member_merge.bring_back(Receipt, rows.get("receipt", ()), from_member_id, into_member_id, scored_before)
    of_them = ReceiptReview.receipt_id.in_(came)
    member_merge.bring_back(ReceiptReview, rows.get("receipt_review", ()), from_member_id, into_member_id, of_them)
    member_merge.bring_back(ReviewerMember, rows.get("reviewer_member", ()), from_member_id, into_member_id)
