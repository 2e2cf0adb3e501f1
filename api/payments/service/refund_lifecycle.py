"""Money back: written down with its job, sent under a number of ours, asked about until it is there. A stuck one waits for a person.

Lock order: payment, refund, then (inside a hook) the order.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update

from api.approvals import service as approvals
from api.kit import audit, clock, db, logs, pages, states
from api.kit.db import rows_changed, session
from api.payments.errors import GatewayRefundTooLarge, PaymentNotPaid, RefundNotFound, RefundOnItsWay
from api.payments.gateways import base
from api.payments.gateways.base import CallFailure, GatewayRefundState, RefundRequest, RefundStatus
from api.payments.models import Payment, Refund
from api.payments.service import hooks, lookups, merchants, polling, profit_sharing
from api.payments.service.gateway_calls import new_number, talk
from api.payments.states import PaymentState, RefundState

log = logs.get(__name__)

UNFINISHED = (RefundState.REQUESTED, RefundState.ACCEPTED)
REASON_LENGTH = 80


def intend_refund(payment_id: int, *, amount_fen: int, reason: str, cause_type: str, cause_id: int | str, by: str = "system") -> Refund:
    """Write down that money is to be given back, and the job that sends it. The same cause twice is the same refund.

    Locks the payment: call it before locking the order. PaymentNotPaid, GatewayRefundTooLarge, PaymentNotFound.
    """
    payment = lookups.hold(payment_id)
    same_cause = session.scalars(select(Refund).where(Refund.cause_type == cause_type, Refund.cause_id == str(cause_id))).one_or_none()
    if same_cause is not None:
        return same_cause
    _reserve(payment, amount_fen)
    refund = Refund(
        state=str(RefundState.REQUESTED), number=new_number("R"), payment_id=payment.id, amount_fen=amount_fen,
        reason=reason[:REASON_LENGTH], cause_type=cause_type, cause_id=str(cause_id), asked_by=by, made_at=clock.now(),
    )  # fmt: skip
    session.add(refund)
    session.flush()
    polling.plan_pursuit(refund, at_once=True)
    session.flush()
    return refund


def _reserve(payment: Payment, amount_fen: int) -> None:
    if payment.state != PaymentState.PAID:
        raise PaymentNotPaid(number=payment.number)
    fits = Payment.refunding_fen + amount_fen <= Payment.amount_fen
    taken = update(Payment).where(Payment.id == payment.id, Payment.state == PaymentState.PAID, fits)
    if rows_changed(taken.values(refunding_fen=Payment.refunding_fen + amount_fen)) == 0:
        raise GatewayRefundTooLarge()
    session.refresh(payment, ["refunding_fen"])


def pursue_refund(refund_id: int) -> Refund:
    """The job's step: send it, or ask about it; and plan the next one. Commits what was written before. RefundNotFound."""
    refund = refund_by_id(refund_id)
    if refund.state not in UNFINISHED:
        return refund
    payment = lookups.read(refund.payment_id)
    if refund.sent_at is None and (hindrance := profit_sharing.return_share(payment, refund)):
        return _wait_for_share(refund_id, hindrance)
    gateway = merchants.gateway_of(merchants.account(payment.account_id))
    request = RefundRequest(payment.number, refund.number, refund.amount_fen, payment.amount_fen, refund.reason)
    first = refund.sent_at is None
    if first:
        refund.sent_at = clock.now()
    answer = talk(lambda: gateway.refund(request) if first else gateway.query_refund(request.number, request.refund_number))
    if isinstance(answer, base.NumberUnknown) and not first:
        # It never arrived there, so the same number may be sent again.
        answer = talk(lambda: gateway.refund(request))
    return db.record_answer(lambda: _note_pursued(*_hold(refund_id), answer))


def _note_pursued(payment: Payment, refund: Refund, answer: RefundStatus | CallFailure) -> Refund:
    refund.asked_at, refund.asks = clock.now(), refund.asks + 1
    if refund.state in UNFINISHED:
        _note(payment, refund, answer)
    if refund.state in UNFINISHED:
        polling.plan_pursuit(refund)
        if refund.next_ask_at is None:
            _stick(refund, "unanswered")
    return refund


def _wait_for_share(refund_id: int, hindrance: str) -> Refund:
    """Its part of a share has to come back first."""
    _, refund = _hold(refund_id)
    if refund.state in UNFINISHED and hindrance == "wait":
        refund.trouble = "share-under-way"
        polling.plan_pursuit(refund, after=polling.SOON)
    elif refund.state in UNFINISHED:
        _stick(refund, hindrance)
    session.flush()
    return refund


def _note(payment: Payment, refund: Refund, answer: RefundStatus | CallFailure) -> None:
    if isinstance(answer, RefundStatus):
        apply_status(payment, refund, answer, by=_by(payment), reason="asked")
    elif isinstance(answer, base.Refused) and not isinstance(answer, base.TooSoon):
        _stick(refund, answer.name)
    else:
        refund.trouble = answer.name


def apply_status(payment: Payment, refund: Refund, status: RefundStatus, *, by: str, reason: str) -> str | None:
    """Apply the gateway's status to a locked refund: move it, or do nothing. Returns why it is not of this refund, in a word."""
    if wrong := _disagreement(payment, refund, status):
        log.error("security: a gateway describes another refund than ours", refund=refund.number, reason=wrong)
        refund.trouble = wrong
        return wrong
    if refund.state in (RefundState.DONE, RefundState.DROPPED):
        return "refunded-after-dropping" if refund.state == RefundState.DROPPED and status.state is GatewayRefundState.DONE else None
    if status.state is GatewayRefundState.DONE:
        _finish(payment, refund, status, by=by, reason=reason)
    elif status.state is not GatewayRefundState.WORKING:
        _stick(refund, status.state, by=by)
    elif refund.state == RefundState.REQUESTED:
        values: dict[str, Any] = {"gateway_no": status.gateway_no or refund.gateway_no, "trouble": None}
        states.move(refund, RefundState.ACCEPTED, by=by, reason=reason, **values)
    elif refund.state == RefundState.ACCEPTED and reason.startswith("notice"):
        polling.plan_pursuit(refund, at_once=True)  # the notice only says that there is something to ask about
    return None


def _disagreement(payment: Payment, refund: Refund, status: RefundStatus) -> str | None:
    if status.refund_number != refund.number:
        return "wrong-number"
    if status.amount_fen is not None and status.amount_fen != refund.amount_fen:
        return "wrong-amount"
    if status.merchant_no is not None and status.merchant_no != merchants.account(payment.account_id).merchant_no:
        return "wrong-merchant"
    return None


def _finish(payment: Payment, refund: Refund, status: RefundStatus, *, by: str, reason: str) -> None:
    values: dict[str, Any] = {"done_at": status.done_at or clock.now(), "gateway_no": status.gateway_no or refund.gateway_no}
    states.move(refund, RefundState.DONE, by=by, reason=reason, trouble=None, next_ask_at=None, **values)
    payment.refunded_fen += refund.amount_fen
    session.flush()
    for hook in hooks.on_refund_final:
        hook(refund)


def _stick(refund: Refund, trouble: str, *, by: str = "system") -> None:
    if refund.state in UNFINISHED:
        log.warning("a refund is stuck", refund=refund.number, reason=trouble)
        states.move(refund, RefundState.STUCK, by=by, reason=str(trouble), trouble=str(trouble), next_ask_at=None)
    else:
        refund.trouble = str(trouble)


def send_again(refund_id: int, *, by: str) -> Refund:
    """Send a stuck refund once more, as a person decided. One that the gateway closed gets a new number. RefundNotFound, RefundOnItsWay."""
    _, refund = _hold(refund_id)
    if refund.state != RefundState.STUCK:
        raise RefundOnItsWay(state=refund.state)
    before = {"number": refund.number, "trouble": refund.trouble}
    # After any other end the number may still be alive at the gateway, and a second one could pay twice.
    fresh = {"number": new_number("R"), "sent_at": None} if refund.trouble == GatewayRefundState.CLOSED else {}
    states.move(refund, RefundState.REQUESTED, by=by, reason="sent again", facts=before, trouble=None, **fresh)
    polling.plan_pursuit(refund, at_once=True)
    audit.record(by, "refund sent again", "payment_refund", refund.id, before=before, after={"number": refund.number})
    session.flush()
    return refund


def drop(refund_id: int, *, by: str, why: str) -> Refund:
    """Give a stuck refund up (the shopper got the money another way), by another person than who asked for it.

    RefundNotFound, RefundOnItsWay, AnotherPersonNeeded.
    """
    payment, refund = _hold(refund_id)
    if refund.state != RefundState.STUCK:
        raise RefundOnItsWay(state=refund.state)
    approvals.refuse_alone(refund.asked_by, by)
    states.move(refund, RefundState.DROPPED, by=by, reason=why)
    payment.refunding_fen -= refund.amount_fen
    audit.record(by, "refund dropped", "payment_refund", refund.id, before={"trouble": refund.trouble}, why=why)
    session.flush()
    for hook in hooks.on_refund_final:
        hook(refund)
    return refund


def _by(payment: Payment) -> str:
    return f"gateway:{payment.channel}"


def refund_by_id(refund_id: int) -> Refund:
    """One refund. RefundNotFound."""
    refund = session.get(Refund, refund_id)
    if refund is None:
        raise RefundNotFound()
    return refund


def of_number(number: str, payment: Payment) -> Refund | None:
    """The payment's refund of our number, locked (the payment is already); None when it is none of ours."""
    query = select(Refund).where(Refund.number == number, Refund.payment_id == payment.id).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def _hold(refund_id: int) -> tuple[Payment, Refund]:
    payment = lookups.hold(refund_by_id(refund_id).payment_id)
    query = select(Refund).where(Refund.id == refund_id).with_for_update().execution_options(populate_existing=True)
    return payment, session.scalars(query).one()


def refunds_of(payment_id: int) -> list[Refund]:
    """Every refund of a payment, oldest first."""
    return list(session.scalars(select(Refund).where(Refund.payment_id == payment_id).order_by(Refund.id)))


def refunds_of_order(order_id: int) -> list[Refund]:
    """Every refund of every payment of an order, oldest first. One statement."""
    query = select(Refund).join(Payment, Payment.id == Refund.payment_id).where(Payment.order_id == order_id)
    return list(session.scalars(query.order_by(Refund.id)))


def refunds(*, state: str | None = None, cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT) -> pages.Page[Refund]:
    """Refunds, newest first."""
    query = select(Refund)
    if state is not None:
        query = query.where(Refund.state == state)
    return pages.page(query, Refund.id, cursor=cursor, limit=limit)
