"""Carry a decision out: score, ask, put before a person, or say no."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from api.kit import clock
from api.kit.db import session
from api.malls import service as malls
from api.partners import service as partners
from api.points import service as points
from api.receipts import reading
from api.receipts.decision import Choice, Outcome, Question
from api.receipts.models import Receipt, ReceiptReview
from api.receipts.policy import ReceiptPolicy, ReceiptRules
from api.receipts.reasons import Reason, shown_reason
from api.receipts.service.moves import CHANNEL, move
from api.receipts.states import ReceiptState, ReviewState
from api.sales import service as sales


def carry_out(
    receipt: Receipt,
    outcome: Outcome,
    *,
    by: str,
    policy: ReceiptPolicy,
    tenders: Sequence[tuple[str, int]] = (),
    **changes: Any,
) -> None:
    """Move the receipt as decided: score it, open its case, ask its question, or say no."""
    if outcome.state == ReceiptState.SCORED:
        score(receipt, by=by, tenders=tenders, **changes)
    elif outcome.state == ReceiptState.IN_REVIEW:
        to_review(receipt, outcome.reason, by=by, policy=policy, facts=outcome.facts, **changes)
    elif outcome.question is not None:
        question = _question(outcome.question, changes.get("reading") or receipt.reading or {})
        move(receipt, outcome.state, outcome.reason, by=by, facts=outcome.facts, question=question, **changes)
    else:
        move(receipt, outcome.state, outcome.reason, by=by, facts=outcome.facts, decided_at=clock.now(), question=None, **changes)


def _question(question: Question, stored: dict[str, Any]) -> dict[str, Any]:
    return {
        "field": question.field,
        "choices": [_choice(choice, stored) for choice in question.choices],
        "asked_at": clock.now().isoformat(),
    }


def _choice(choice: Choice, stored: dict[str, Any]) -> dict[str, Any]:
    photo, box = reading.located(stored, choice.box) or (None, None)
    return {"value": choice.value, "label": choice.label, "confidence": choice.confidence, "photo": photo, "box": box}


def score(receipt: Receipt, *, by: str, tenders: Sequence[tuple[str, int]] = (), **changes: Any) -> None:
    """Record the sale and award its points, unless another sighting of the same purchase was first."""
    facts = _scoring_facts(receipt, changes)
    sighting = sales.record_sighting(
        channel=CHANNEL,
        source_type=CHANNEL,
        source_id=receipt.id,
        shop_id=facts["shop_id"],
        member_id=receipt.member_id,
        paid_at=facts["paid_at"],
        minute_known=facts["minute_known"],
        paid_fen=facts["paid_fen"],
        receipt_no=facts["receipt_no"] if facts["number_key"] is not None else None,  # a number in doubt joins no purchases
        tenders=_tenders(tenders, facts["paid_fen"]),
        claims=True,
    )
    if sighting.is_new_sale:
        _tell_partners(receipt, sighting.sale_id, facts)
    now = clock.now()
    if not sighting.is_new_sale and not sales.claim_score(sighting.sale_id, sighting.sighting_id, receipt.member_id):
        reason, why = _who_was_first(receipt.member_id, sighting)
        move(receipt, ReceiptState.REFUSED, reason, by=by, facts=why, decided_at=now, question=None, **changes)
        return
    award = points.earn_claimed(sales.recorded(sighting), by=by) if sighting.is_new_sale else points.earn(sighting.sale_id, by=by)
    details = {"shop": malls.shop(facts["shop_id"]).name, "amount_fen": award.paid_fen, "points": award.points}
    stored_award = {"points": award.points, "state": str(award.state), "explanation": award.explanation}
    changes |= {"sale_id": sighting.sale_id, "award": stored_award, "decided_at": now, "question": None}
    move(receipt, ReceiptState.SCORED, Reason.AWARDED if award.points else Reason.EARNS_NOTHING, by=by, facts=details, **changes)


def _tell_partners(receipt: Receipt, sale_id: int, facts: dict[str, Any]) -> None:
    partners.publish(
        partners.sale_recorded(
            sale_id, shop_id=facts["shop_id"], member_id=receipt.member_id, channel=CHANNEL, paid_at=facts["paid_at"],
            paid_fen=facts["paid_fen"], order=None, receipt=facts["receipt_no"],
        )
    )  # fmt: skip


_SCORED_FACTS = ("shop_id", "paid_at", "minute_known", "paid_fen", "receipt_no", "number_key")


def _scoring_facts(receipt: Receipt, changes: dict[str, Any]) -> dict[str, Any]:
    return {name: changes.get(name, getattr(receipt, name)) for name in _SCORED_FACTS}


def _tenders(printed: Sequence[tuple[str, int]], paid_fen: int) -> list[sales.Tender]:
    # Cash handed over is more than was paid: what does not add up is not passed on.
    return [sales.Tender(kind, amount) for kind, amount in printed] if sum(amount for _, amount in printed) <= paid_fen else []


def _who_was_first(member_id: int, sighting: sales.RecordedSighting) -> tuple[Reason, dict[str, Any]]:
    sale = sales.read(sighting.sale_id)
    first = sales.sighting(sale.scored_by) if sale.scored_by is not None else None
    if first is None or first.channel == CHANNEL:
        return (Reason.SCORED_BEFORE if sale.member_id == member_id else Reason.SCORED_FOR_ANOTHER), {}
    return Reason.SCORED_BY_CHANNEL, {"channel": first.channel}


def to_review(
    receipt: Receipt, reason: Reason, *, by: str, policy: ReceiptPolicy, facts: dict[str, Any] | None = None, **changes: Any
) -> None:
    """Put the receipt before a person, with the promised time."""
    now = clock.now()
    due = now + timedelta(minutes=policy.review_minutes)
    details = (facts or {}) | {"decide_by": due.isoformat()}
    move(receipt, ReceiptState.IN_REVIEW, shown_reason(reason), by=by, facts=details, question=None, decided_at=None, **changes)
    session.add(
        ReceiptReview(state=ReviewState.OPEN, receipt_id=receipt.id, member_id=receipt.member_id, reason=reason, opened_at=now, due_at=due)
    )


def refuse(receipt: Receipt, reason: Reason, *, by: str) -> None:
    """Refuse the receipt for a reason that the shopper is told."""
    details = {"kind": receipt.kind, "shop": receipt.merchant, "days": ReceiptPolicy.of(malls.policy(ReceiptRules)).window_days}
    move(receipt, ReceiptState.REFUSED, reason, by=by, facts=details, question=None, decided_at=clock.now())
