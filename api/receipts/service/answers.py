"""What the shopper does with a receipt: answer its question, correct it, withdraw it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from api.kit import clock, states
from api.kit.db import session
from api.kit.money import MAX_FEN
from api.malls import service as malls
from api.receipts import reading
from api.receipts.decision import AMOUNT, likely_answer
from api.receipts.errors import AnswerNotOffered, CorrectionTooLate, CorrectionUnfit, NoQuestionOpen
from api.receipts.models import Receipt, ReceiptCorrection, ReceiptReview
from api.receipts.policy import ReceiptPolicy, ReceiptRules
from api.receipts.reasons import Reason
from api.receipts.service.decisions import settle
from api.receipts.service.moves import hold_own, move, photos_of, reading_of
from api.receipts.service.outcomes import to_review
from api.receipts.states import OPEN, ReceiptState, ReviewState


def answer(receipt_id: int, member_id: int, value: Any) -> Receipt:
    """Answer the open question; None says that no choice is right. An answer settles only what the photo supports."""
    receipt = hold_own(receipt_id, member_id)
    question = receipt.question
    if receipt.state != ReceiptState.ASKING or question is None:
        raise NoQuestionOpen(state=receipt.state)
    by, policy = f"member:{member_id}", ReceiptPolicy.of(malls.policy(ReceiptRules))
    if value is None:
        to_review(receipt, Reason.NO_CHOICE_FITS, by=by, policy=policy)
        return receipt
    if type(value) not in (int, str) or value not in [choice["value"] for choice in question["choices"]]:
        raise AnswerNotOffered()
    receipt.answers = receipt.answers | {question["field"]: value}
    if question["field"] == AMOUNT and not likely_answer(question["choices"], value):
        to_review(receipt, Reason.ANSWER_UNLIKELY, by=by, policy=policy, paid_fen=value)
    else:
        settle(receipt, reading_of(receipt), photos_of(receipt.id), by=by)
    return receipt


CORRECTABLE = ("shop_id", "paid_fen", "paid_at", "receipt_no", "merchant")


def correct(receipt_id: int, member_id: int, *, field: str, value: str, note: str | None) -> Receipt:
    """The shopper says what a field should be; a reviewer sees crop, reading and correction. CorrectionTooLate, CorrectionUnfit."""
    receipt = hold_own(receipt_id, member_id)
    if not _may_correct(receipt):
        raise CorrectionTooLate(state=receipt.state)
    fitting(field, value)
    before = getattr(receipt, field)
    read_value = before.isoformat() if isinstance(before, datetime) else None if before is None else str(before)
    session.add(ReceiptCorrection(receipt_id=receipt.id, field=field, read_value=read_value, value=value, note=note, made_at=clock.now()))
    if receipt.state != ReceiptState.IN_REVIEW:
        to_review(
            receipt, Reason.CORRECTED, by=f"member:{member_id}", policy=ReceiptPolicy.of(malls.policy(ReceiptRules)), facts={"field": field}
        )
    return receipt


def fitting(field: str, value: str) -> Any:
    """The value as its column takes it. CorrectionUnfit; ShopNotFound for a shop that is not of this mall."""
    if field == "shop_id" and value.isascii() and value.isdigit() and int(value) < 2**63:
        return malls.shop(int(value)).id
    if field == "paid_fen" and value.isascii() and value.isdigit() and 0 < int(value) <= MAX_FEN:
        return int(value)
    if field == "paid_at":
        return _moment(value)
    if field in ("receipt_no", "merchant") and 0 < len(value.strip()) <= 100:
        return value.strip()
    raise CorrectionUnfit(field=field)


def _moment(value: str) -> datetime:
    try:
        at = datetime.fromisoformat(value)
    except ValueError as error:
        raise CorrectionUnfit(field="paid_at") from error
    if not 2000 <= at.year <= 2999:
        raise CorrectionUnfit(field="paid_at")
    return at.astimezone(UTC) if at.tzinfo else reading.aware(at, malls.mall_info().timezone)


def _may_correct(receipt: Receipt) -> bool:
    if receipt.state in (ReceiptState.ASKING, ReceiptState.IN_REVIEW):
        return True
    if receipt.state != ReceiptState.REFUSED or receipt.reading is None or receipt.decided_at is None:
        return False
    in_time = clock.now() < receipt.decided_at + timedelta(days=ReceiptPolicy.of(malls.policy(ReceiptRules)).appeal_days)
    cases = select(func.count()).where(ReceiptReview.receipt_id == receipt.id, ReceiptReview.state == ReviewState.REFUSED)
    return in_time and (session.scalar(cases) or 0) < 2


def withdraw(receipt_id: int, member_id: int) -> Receipt:
    """Take a receipt back before it is decided. Twice is once. WrongState when it is decided."""
    receipt = hold_own(receipt_id, member_id)
    if receipt.state == ReceiptState.WITHDRAWN:
        return receipt
    if receipt.state not in OPEN:
        raise states.WrongState(state=receipt.state, wanted=str(ReceiptState.WITHDRAWN))
    for case in session.scalars(
        select(ReceiptReview).where(ReceiptReview.receipt_id == receipt.id, ReceiptReview.state.in_((ReviewState.OPEN, ReviewState.SECOND)))
    ):
        states.move(case, ReviewState.DROPPED, by=f"member:{member_id}", decided_at=clock.now())
    move(receipt, ReceiptState.WITHDRAWN, Reason.WITHDRAWN, by=f"member:{member_id}", question=None, decided_at=clock.now())
    return receipt
