"""The review queue (人工审核): take one case, look, correct, approve or refuse; above a value two different people."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from api.approvals import service as approvals
from api.kit import audit, clock, live, pages, states, storage, value_limits
from api.kit.db import session
from api.kit.value_limits import Bound, Limit
from api.malls import service as malls
from api.malls.errors import AliasTooShort
from api.malls.models import Shop
from api.members.errors import MemberClosed
from api.points import service as points
from api.receipts import photos, queries, service
from api.receipts.errors import (
    FactsIncomplete,
    OwnReceipt,
    PhotoNotFound,
    ReviewDecided,
    ReviewNotFound,
    ReviewNotYours,
    ReviewQueueEmpty,
    SecondReaderNeeded,
)
from api.receipts.models import Receipt, ReceiptCorrection, ReceiptPhoto, ReceiptReview, ReviewerMember
from api.receipts.policy import ReceiptPolicy, ReceiptRules
from api.receipts.reasons import Reason
from api.receipts.states import ReceiptState, ReviewState
from api.sales import same_purchase

#: What one reviewer lets score in a day: for one member, and for everybody together.
FOR_MEMBER, BY_REVIEWER = Limit("receipts-of-member-by-reviewer"), Limit("receipts-by-reviewer")
WAITING = (ReviewState.OPEN, ReviewState.SECOND)


@dataclass(frozen=True)
class Dossier:
    """All that a reviewer looks at: the case, its receipt, what the shopper said, its photos, the reading."""

    review: ReceiptReview
    receipt: Receipt
    corrections: Sequence[ReceiptCorrection]
    photos: Sequence[ReceiptPhoto]
    second_reader_needed: bool
    shop: Shop | None


def queue(*, cursor: str | None, limit: int) -> pages.Page[ReceiptReview]:
    """Cases waiting for a person, the oldest promise first."""
    query = select(ReceiptReview).where(ReceiptReview.state.in_(WAITING))
    return pages.page(query, ReceiptReview.due_at, ReceiptReview.id, cursor=cursor, limit=limit, descending=False)


def take_next(staff_id: int, besides: int | None = None) -> Dossier:
    """Take the case with the oldest promise, for some minutes, then it returns to the queue. ReviewQueueEmpty.

    `besides`: a case in hand, so that the one after it can be looked at ahead; a reviewer holds at most these two.
    """
    until = clock.now() + timedelta(minutes=_policy().take_minutes)
    taken = queries.next_case(staff_id, _own_members(staff_id), until, besides)
    if taken is None:
        raise ReviewQueueEmpty()
    audit.record(f"staff:{staff_id}", "take receipt review", "receipt_review", taken)
    return dossier(taken)


def put_back(review_id: int, staff_id: int) -> ReceiptReview:
    """Give a case back to the queue. ReviewNotYours."""
    review = _held(review_id, staff_id)
    review.taken_by = review.hold_ends_at = None
    audit.record(f"staff:{staff_id}", "put back receipt review", "receipt_review", review_id)
    session.flush()
    return review


def dossier(review_id: int) -> Dossier:
    """A case with everything to look at. ReviewNotFound."""
    review = session.get(ReceiptReview, review_id, populate_existing=True)
    if review is None:
        raise ReviewNotFound()
    receipt = session.get_one(Receipt, review.receipt_id, populate_existing=True)
    return Dossier(
        review,
        receipt,
        service.corrections_of(receipt.id),
        service.photos_of(receipt.id),
        _needs_two(receipt) and review.first_by is None,
        malls.shop_in_view(receipt.shop_id) if receipt.shop_id is not None else None,
    )


def photo(review_id: int, position: int, field: str | None) -> bytes:
    """A photo of the case as JPEG, strangers' digits covered; only the part where a field was read when that stands on it."""
    case = dossier(review_id)
    receipt_photo = next((photo for photo in case.photos if photo.position == position), None)
    if receipt_photo is None:
        raise PhotoNotFound()
    place = service.place_of(case.receipt, field) if field else None
    return photos.masked(storage.read(receipt_photo.file_key), receipt_photo.lines, place[1] if place and place[0] == position else None)


def correct(review_id: int, staff_id: int, *, field: str, value: str, why: str) -> Dossier:
    """A reviewer sets what a field really says. A correction after the first approval makes it a first approval again."""
    review = _held(review_id, staff_id)
    receipt = _receipt(review)
    before = getattr(receipt, field)
    setattr(receipt, field, service.fitting(field, value))
    _derive(receipt, field)
    if review.state == ReviewState.SECOND:
        review.first_by = staff_id  # the facts approved so far are no longer the facts
        review.taken_by = review.hold_ends_at = None
    audit.record(
        f"staff:{staff_id}",
        "correct receipt",
        "receipt",
        receipt.id,
        before={field: _plain(before)},
        after={field: _plain(getattr(receipt, field))},
        why=why,
    )
    session.flush()
    return dossier(review_id)


def _derive(receipt: Receipt, field: str) -> None:
    if field == "paid_at" and receipt.paid_at is not None:
        receipt.paid_on = receipt.paid_at.astimezone(ZoneInfo(malls.mall_info().timezone)).date()
        receipt.minute_known = True
    if field == "receipt_no":
        receipt.number_key = same_purchase.number_key(receipt.receipt_no)


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def approve(review_id: int, staff_id: int, *, why: str, learn_alias: bool, purchase_id: int | None) -> Dossier:
    """Let the receipt score as its facts stand. From a value on, of one receipt or of all that this person let score for this member or
    for everybody within a day, the first approval only calls for a second reader, who is another person.

    `purchase_id`: the receipt that a refund slip belongs to, where several may be meant.

    FactsIncomplete, SecondReaderNeeded, AnotherPersonNeeded, OwnReceipt, ReviewNotYours.
    """
    review = _held(review_id, staff_id)
    receipt = _receipt(review)
    _refuse_unready(review, receipt, staff_id)
    by, now = f"staff:{staff_id}", clock.now()
    if review.first_by is None and (_needs_two(receipt) or _passes_limits(review, receipt, by)):
        states.move(review, ReviewState.SECOND, by=by, reason=why, first_by=staff_id, taken_by=None, hold_ends_at=None)
        audit.record(by, "approve receipt first", "receipt", receipt.id, after=_facts(receipt), why=why)
        return dossier(review_id)
    _approve_receipt(receipt, by, purchase_id)
    final = ReviewState.REFUSED if receipt.state == ReceiptState.REFUSED else ReviewState.APPROVED
    readers: dict[str, Any] = {"second_by": staff_id} if review.first_by is not None else {"first_by": staff_id}
    states.move(review, final, by=by, reason=why, decided_at=now, taken_by=None, hold_ends_at=None, **readers)
    if learn_alias and final == ReviewState.APPROVED:
        _learn_alias(receipt)
    audit.record(by, "approve receipt", "receipt", receipt.id, after=_facts(receipt) | {"state": receipt.state}, why=why)
    return dossier(review_id)


def _refuse_unready(review: ReceiptReview, receipt: Receipt, staff_id: int) -> None:
    if review.first_by == staff_id:
        raise SecondReaderNeeded()
    if review.first_by is not None:
        approvals.refuse_alone(f"staff:{review.first_by}", f"staff:{staff_id}")
    missing = [name for name in ("shop_id", "paid_fen", "paid_at") if not getattr(receipt, name)]
    if missing:
        raise FactsIncomplete(missing=missing)


def _approve_receipt(receipt: Receipt, by: str, purchase_id: int | None) -> None:
    read = service.stored_reading(receipt)
    if receipt.kind == "refund" and read is not None:
        service.apply_refund(receipt, read, by=by, purchase_id=purchase_id)
    else:
        service.score(receipt, by=by, tenders=read.tenders if read is not None else ())


def _learn_alias(receipt: Receipt) -> None:
    if receipt.merchant and receipt.shop_id is not None:
        try:
            malls.learn_alias(receipt.shop_id, receipt.merchant, f"receipt:{receipt.id}")
        except AliasTooShort:
            return


def refuse(review_id: int, staff_id: int, *, reason: Reason, why: str) -> Dossier:
    """Refuse the receipt with a reason the shopper is told. Either of two readers may. OwnReceipt, ReviewNotYours."""
    review = _held(review_id, staff_id)
    receipt = _receipt(review)
    by, now = f"staff:{staff_id}", clock.now()
    service.refuse(receipt, reason, by=by)
    readers: dict[str, Any] = {"second_by": staff_id} if review.first_by not in (None, staff_id) else {"first_by": staff_id}
    states.move(review, ReviewState.REFUSED, by=by, reason=why, decided_at=now, taken_by=None, hold_ends_at=None, **readers)
    audit.record(by, "refuse receipt", "receipt", receipt.id, after={"reason": str(reason)}, why=why)
    return dossier(review_id)


def name_own_member(staff_id: int, member_id: int, *, by: str, why: str) -> None:
    """Write down which member a reviewer is when shopping; those receipts go to others."""
    row = {"staff_id": staff_id, "member_id": member_id}
    session.execute(insert(ReviewerMember).values(**row).on_conflict_do_nothing())
    audit.record(by, "name reviewer's member", "staff_account", staff_id, after=row, why=why)


def mark_late() -> int:
    """Mark cases whose promised time has passed; returns how many are newly late. The mall makes up for it, where its policy says so."""
    late = (
        update(ReceiptReview)
        .where(ReceiptReview.state.in_(WAITING), ReceiptReview.due_at < clock.now(), ReceiptReview.breached_at.is_(None))
        .values(breached_at=clock.now())
        .returning(ReceiptReview.id, ReceiptReview.receipt_id, ReceiptReview.member_id)
        .execution_options(synchronize_session=False)
    )
    late_cases, bonus = session.execute(late).all(), _policy().late_bonus_points
    for review_id, receipt_id, member_id in sorted(late_cases, key=lambda case: case.member_id):
        if bonus:
            with contextlib.suppress(MemberClosed):  # who has left is owed nothing
                points.grant(member_id, bonus, cause_type="late_receipt_review", cause_id=review_id)
        live.publish("member", member_id, "receipt", receipt_id=receipt_id, state=ReceiptState.IN_REVIEW, late=True, bonus_points=bonus)
    return len(late_cases)


def concentration(days: int, least: int) -> list[Any]:
    """Cashiers and shops whose scored receipts go to few members, the most concentrated first. At most 100."""
    return queries.concentration(clock.now() - timedelta(days=days), least)


def _policy() -> ReceiptPolicy:
    return ReceiptPolicy.of(malls.policy(ReceiptRules))


def _own_members(staff_id: int) -> list[int]:
    return list(session.scalars(select(ReviewerMember.member_id).where(ReviewerMember.staff_id == staff_id)))


def _held(review_id: int, staff_id: int) -> ReceiptReview:
    review = session.get(ReceiptReview, review_id, with_for_update=True, populate_existing=True)
    if review is None:
        raise ReviewNotFound()
    if review.state not in WAITING:
        raise ReviewDecided(state=review.state)
    if review.member_id in _own_members(staff_id):
        raise OwnReceipt()
    if review.taken_by != staff_id or review.hold_ends_at is None or review.hold_ends_at < clock.now():
        raise ReviewNotYours()
    return review


def _receipt(review: ReceiptReview) -> Receipt:
    return session.get_one(Receipt, review.receipt_id, with_for_update=True, populate_existing=True)


def _needs_two(receipt: Receipt) -> bool:
    return (receipt.paid_fen or 0) >= _policy().second_reader_from_fen


def _passes_limits(review: ReceiptReview, receipt: Receipt, by: str) -> bool:
    """Whether one person lets more score by this than one may in a day; what stays below is counted."""
    if receipt.kind == "refund" or not receipt.paid_fen:
        return False
    policy = _policy()
    bounds = [
        Bound(FOR_MEMBER, f"{by} {review.member_id}", policy.second_reader_from_fen - 1),
        Bound(BY_REVIEWER, by, policy.reviewer_day_fen),
    ]
    return value_limits.use(receipt.paid_fen, bounds, cause=("receipt_review", review.id)) is not None


def _facts(receipt: Receipt) -> dict[str, Any]:
    return {
        "shop_id": receipt.shop_id,
        "paid_fen": receipt.paid_fen,
        "paid_at": _plain(receipt.paid_at),
        "receipt_no": receipt.receipt_no,
    }
