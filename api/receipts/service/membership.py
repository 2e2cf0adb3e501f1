"""What happens to receipts when two memberships become one, and when a member leaves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import delete, or_, select, update

from api.kit import clock, jobs, storage
from api.kit.db import session
from api.kit.membership import Moved, Rows
from api.members.service import member_merge
from api.receipts.models import Receipt, ReceiptCorrection, ReceiptPhoto, ReceiptReview, ReviewerMember
from api.receipts.service.answers import withdraw
from api.receipts.states import OPEN

#: The job that removes the photos of a closed account.
ERASURE = jobs.Promised()

#: What the paper or the shopper said. Its number in comparable form and the hashes of its photos stay: one paper scores once.
_SAID: dict[str, Any] = {
    "reading": None,
    "device": None,
    "merchant": None,
    "cashier": None,
    "receipt_no": None,
    "question": None,
    "details": {},
    "answers": {},
}


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


def forget(member_id: int) -> None:
    """A member closed the account: what is not decided is withdrawn; photos, what was read of them and what the member said goes."""
    lock_all(member_id)
    undecided = select(Receipt.id).where(Receipt.member_id == member_id, Receipt.state.in_(OPEN))
    for receipt_id in session.scalars(undecided.order_by(Receipt.id)).all():
        withdraw(receipt_id, member_id)
    own = select(Receipt.id).where(Receipt.member_id == member_id)
    for statement in (
        update(Receipt).where(Receipt.member_id == member_id).values(**_SAID),
        update(ReceiptPhoto).where(ReceiptPhoto.receipt_id.in_(own)).values(lines=None),
        delete(ReceiptCorrection).where(ReceiptCorrection.receipt_id.in_(own)),
        delete(ReviewerMember).where(ReviewerMember.member_id == member_id),
    ):
        session.execute(statement.execution_options(synchronize_session=False))
    jobs.later(ERASURE, member_id=member_id)


def erase_photos(member_id: int) -> int:
    """Remove the files of a closed account; returns how many. Only now that the closing is committed: a file cannot be brought back."""
    own = select(Receipt.id).where(Receipt.member_id == member_id)
    photos = session.scalars(select(ReceiptPhoto).where(ReceiptPhoto.receipt_id.in_(own), ReceiptPhoto.removed_at.is_(None))).all()
    for photo in photos:
        storage.remove(photo.file_key)
        photo.removed_at = clock.now()
    return len(photos)
