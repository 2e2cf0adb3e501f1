"""A payment from intention to money: three steps each time, our number first, and an unknown outcome is never a failure.

Lock order: payment, then (inside a hook) the order. Who locks an order and needs its payments takes `hold_all` before the order.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import ScalarSelect, Update, insert, select, update

from api.kit import audit, clock, db, logs, records, states
from api.kit.db import rows_changed, session
from api.payments.errors import GatewayPaymentRefused, GatewaySilentNow, PaymentOver, PaymentPaid
from api.payments.gateways import base
from api.payments.gateways.base import CallFailure, GatewayPaymentState, PaymentRequest, PaymentStatus
from api.payments.models import MerchantAccount, Payment
from api.payments.service import hooks, merchants, polling, profit_sharing
from api.payments.service.gateway_calls import new_number, talk
from api.payments.service.lookups import hold, read
from api.payments.states import PaymentState

log = logs.get(__name__)

CURRENCY = "CNY"
DESCRIPTION_LENGTH = 120


def intend(
    *,
    channel: str,
    account: MerchantAccount,
    order_id: int,
    amount_fen: int,
    description: str,
    payer_subject: ScalarSelect[str] | str | None,
    expires_at: datetime,
    kind: str = "prepay",
    beside: Callable[[ScalarSelect[int]], Update] | None = None,
) -> Payment:
    """The first step: write down what is to be collected, under a number of ours, and the job that asks about it. No gateway is called.

    `payer_subject` may be a query. `beside` gives an update of one row, for the number of the payment, made in the same statement.
    """
    payment = Payment(
        state=str(PaymentState.CREATED),
        number=new_number("P"),
        channel=str(channel),
        account_id=account.id,
        order_id=order_id,
        kind=kind,
        amount_fen=amount_fen,
        description=description[:DESCRIPTION_LENGTH],
        made_at=clock.now(),
        expires_at=expires_at.replace(microsecond=0),
    )
    payment.next_ask_at = polling.next_ask(payment, clock.now())
    values = records.new_values(payment)
    insertion: Any = insert(Payment).values(**values, payer_subject=payer_subject).returning(Payment.id, Payment.payer_subject)
    if beside is not None:
        inserted = insertion.cte("payment")
        number, subject = (select(column).scalar_subquery() for column in inserted.c)
        insertion = beside(number).returning(number, subject)
    row = session.execute(insertion, execution_options={"synchronize_session": False}).one()
    records.adopt(payment, row[0], values | {"payer_subject": row[1]})
    polling.put_planned(payment)
    return payment


def place(payment: Payment) -> dict[str, str]:
    """Let the gateway know of the payment; gives what the payer's phone hands to its wallet. Repeating it is harmless.

    Commits what was written before. GatewaySilentNow (unknown: try again, a job asks too), GatewayPaymentRefused, PaymentPaid, PaymentOver.
    """
    _refuse_over(payment)
    gateway = merchants.gateway_of(merchants.account(payment.account_id))
    request, payment_id, before = _request(payment), payment.id, payment.placed_with
    placed = talk(lambda: gateway.place(request))
    if isinstance(placed, CallFailure):
        placed = _not_placed(payment_id, placed, before)
    facts: dict[str, Any] = {"placed_at": clock.now(), "placed_with": placed, "trouble": None}
    if payment.state != PaymentState.CREATED or not states.try_move(payment, PaymentState.PLACED, by=_by(payment), **facts):
        payment = hold(payment_id)
        _refuse_over(payment)
        if payment.state == PaymentState.CREATED:
            states.move(payment, PaymentState.PLACED, by=_by(payment), **facts)
    return gateway.wallet_arguments(placed)


def _refuse_over(payment: Payment) -> None:
    if payment.state == PaymentState.PAID:
        raise PaymentPaid(number=payment.number)
    if not payment.is_open:
        raise PaymentOver(number=payment.number)


def _not_placed(payment_id: int, failure: CallFailure, before: dict[str, str] | None) -> dict[str, str]:
    """Write down why, so that it outlives the refusal that is raised; what was placed before and still waits is handed out again.

    A refusal is of this call alone. What was placed before may be paid, or be about to: only what the gateway answers about it can end it.
    """
    if isinstance(failure, base.AlreadyPaid) or (before is not None and isinstance(failure, base.Refused)):
        ask(payment_id)
    else:
        db.record_answer(lambda: _note_not_placed(hold(payment_id), failure))
    db.checkpoint()
    payment = hold(payment_id)
    if not isinstance(failure, base.Refused):
        raise GatewaySilentNow(number=payment.number)
    if before is not None or isinstance(failure, base.AlreadyPaid | base.AlreadyClosed):
        _refuse_over(payment)
    if before is not None and not isinstance(failure, base.AlreadyPaid | base.AlreadyClosed):
        return before
    raise GatewayPaymentRefused(number=payment.number, reason=failure.name)


def _note_not_placed(payment: Payment, failure: CallFailure) -> None:
    if isinstance(failure, base.AlreadyClosed) and payment.is_open:
        shut(payment, PaymentState.CLOSED, failure.name)
    elif isinstance(failure, base.Refused) and payment.is_open:
        shut(payment, PaymentState.FAILED, failure.name)
    else:
        payment.trouble = failure.name


def charge(payment: Payment, auth_code: str) -> Payment:
    """Collect from the payer who showed this code (付款码). Paid, paying (the wallet asks for a password), failed, or unknown.

    What is not final is asked about every few seconds and undone after a minute. Commits what was written before.
    """
    _refuse_over(payment)
    gateway = merchants.gateway_of(merchants.account(payment.account_id))
    request = _request(payment)
    answer, payment_id = talk(lambda: gateway.charge(request, auth_code)), payment.id
    if isinstance(answer, base.AlreadyPaid | base.AlreadyClosed):
        return ask(payment_id)
    return db.record_answer(lambda: _note_charged(hold(payment_id), answer))


def _note_charged(payment: Payment, answer: PaymentStatus | CallFailure) -> Payment:
    if isinstance(answer, PaymentStatus):
        apply_status(payment, answer, by=_by(payment), reason="charged")
    elif isinstance(answer, base.Refused) and payment.is_open:
        shut(payment, PaymentState.FAILED, answer.name)
    elif payment.is_open:
        payment.trouble = answer.name
    return payment


def ask(payment_id: int) -> Payment:
    """Ask the gateway for the status of a payment, and apply it. A closed one is asked about too: money may have come late.

    Commits what was written before. PaymentNotFound.
    """
    payment = read(payment_id)
    if payment.state == PaymentState.PAID:
        return payment
    gateway = merchants.gateway_of(merchants.account(payment.account_id))
    number = payment.number
    answer = talk(lambda: gateway.query(number))
    return db.record_answer(lambda: _note_answer(hold(payment_id), answer))


def _note_answer(payment: Payment, answer: PaymentStatus | CallFailure) -> Payment:
    payment.asked_at, payment.asks = clock.now(), payment.asks + 1
    if isinstance(answer, PaymentStatus):
        apply_status(payment, answer, by=_by(payment), reason="asked")
    elif payment.is_open and not isinstance(answer, base.NumberUnknown):
        payment.trouble = answer.name
    return payment


def ask_now(payment_id: int, *, by: str) -> Payment:
    """Ask as a person decided. PaymentNotFound."""
    before = read(payment_id).state
    payment = ask(payment_id)
    audit.record(by, "payment asked about", "payment", payment.id, before={"state": before}, after={"state": payment.state})
    return payment


def close(payment_id: int) -> Payment:
    """Let a payment not be paid any more; when it turns out paid, it is paid. An auth-code payment is undone whatever became of it.

    Still open afterwards: the gateway was silent, or may be about to hear of it; a job goes on. Commits what was written before.
    PaymentNotFound.
    """
    payment = read(payment_id)
    if not payment.is_open:
        return payment
    if payment.kind == "auth_code":
        payment = hold(payment_id)
        if not payment.is_open:
            return payment
        payment.undone_from_at = payment.undone_from_at or clock.now()
    failure = _end(payment)
    payment = db.record_answer(lambda: _note_ended(hold(payment_id), failure))
    return ask(payment_id) if payment.is_open and _counts_after_all(payment, failure) else payment


def _note_ended(payment: Payment, failure: CallFailure | None) -> Payment:
    if not payment.is_open:
        return payment
    if _counts_after_all(payment, failure):
        payment.undone_from_at = None
    elif isinstance(failure, base.NumberUnknown) and _may_be_under_way(payment):
        payment.trouble = "under-way"
    elif failure is None or isinstance(failure, base.AlreadyClosed | base.NumberUnknown):
        shut(payment, PaymentState.CLOSED, "closed")
    else:
        payment.trouble = failure.name
    return payment


def _counts_after_all(payment: Payment, failure: CallFailure | None) -> bool:
    """Whether the payment could not be ended, so that its status at the gateway counts."""
    if payment.kind != "auth_code" or isinstance(failure, base.AlreadyClosed | base.NumberUnknown):
        return isinstance(failure, base.AlreadyPaid)
    return isinstance(failure, base.Refused)


def _end(payment: Payment) -> CallFailure | None:
    gateway = merchants.gateway_of(merchants.account(payment.account_id))
    number, end = payment.number, gateway.reverse if payment.kind == "auth_code" else gateway.close
    return talk(lambda: end(number))


def _may_be_under_way(payment: Payment) -> bool:
    """Whether our first call about it may still reach the gateway, which would let it be paid after all."""
    return payment.state == PaymentState.CREATED and clock.now() - payment.made_at < polling.UNDER_WAY


def ask_soon(payment: Payment) -> None:
    """Somebody waits before a screen for this payment: ask about it now, and not only when that was planned; at most every few seconds."""
    now = clock.now()
    lately = payment.asked_at is not None and now - payment.asked_at < polling.HURRY
    if payment.state not in (PaymentState.PLACED, PaymentState.PAYING) or lately or now - payment.made_at < polling.HURRY:
        return
    earlier = update(Payment).where(Payment.id == payment.id, Payment.next_ask_at == payment.next_ask_at, Payment.next_ask_at > now)
    if rows_changed(earlier.values(next_ask_at=now)):
        polling.put_ask(payment.id, planned_at=now)


def pursue(payment_id: int, *, planned_at: datetime | None = None) -> None:
    """The job's step: ask, or when its time is over end it; and plan the next step while it is open.

    Nothing when another ask is planned by now than the one this step was for.
    """
    payment = read(payment_id)
    if payment.undone_from_at and not payment.is_open and planned_at is None:
        _undo_again(payment)
    if not payment.is_open or (planned_at is not None and payment.next_ask_at != planned_at):
        return
    over = payment.undone_from_at is not None or clock.now() >= _ends(payment)
    payment = ask(payment_id)
    if payment.is_open and over:
        payment = close(payment_id)
    if payment.is_open:
        polling.plan_ask(payment)
        if payment.next_ask_at is None:
            log.error("a gateway never said what became of a payment", payment=payment.number)
    session.flush()


def _undo_again(payment: Payment) -> None:
    """The gateway reported money although we had undone the payment. The report may be older than that; undoing it again is harmless."""
    failure = _end(payment)
    if failure is not None and not isinstance(failure, base.Refused):
        polling.put_ask(payment.id, polling.EVERY)
    elif failure is not None:
        log.warning("a payment was not undone once more", payment=payment.number, reason=failure.name)


def _ends(payment: Payment) -> datetime:
    return payment.made_at + polling.CODE_PATIENCE if payment.kind == "auth_code" else payment.expires_at + polling.GRACE


def apply_status(payment: Payment, status: PaymentStatus, *, by: str, reason: str) -> str | None:
    """Apply the gateway's status to a locked payment: move it, or do nothing. Returns why it is not of this payment, in a word."""
    if wrong := _disagreement(payment, merchants.account(payment.account_id), status):
        log.error("security: a gateway describes another payment than ours", payment=payment.number, reason=wrong)
        payment.trouble = wrong
        return wrong
    if payment.state == PaymentState.PAID:
        return None if status.state is not GatewayPaymentState.PAID or status.gateway_no in (None, payment.gateway_no) else "paid-twice"
    if status.state is GatewayPaymentState.PAID and payment.undone_from_at:
        if not payment.is_open:
            polling.put_ask(payment.id)
    elif status.state is GatewayPaymentState.PAID:
        _pay(payment, status, by=by, reason=reason)
    elif not payment.is_open:
        return None
    elif status.state is GatewayPaymentState.CLOSED:
        shut(payment, PaymentState.CLOSED, reason, by=by)
    elif status.state is GatewayPaymentState.FAILED:
        shut(payment, PaymentState.FAILED, reason, by=by)
    elif status.state is GatewayPaymentState.PAYING and payment.state == PaymentState.CREATED:
        states.move(payment, PaymentState.PAYING, by=by, reason=reason, trouble=None)
    return None


def _pay(payment: Payment, status: PaymentStatus, *, by: str, reason: str) -> None:
    values: dict[str, Any] = {"paid_at": status.paid_at or clock.now(), "gateway_no": status.gateway_no}
    if payment.payer_subject is None:
        values["payer_subject"] = status.payer  # who shows a code is known only now
    states.move(payment, PaymentState.PAID, by=by, reason=reason, trouble=None, next_ask_at=None, **values)
    profit_sharing.plan(payment)
    for hook in hooks.on_paid:
        hook(payment)


def _disagreement(payment: Payment, account: MerchantAccount, status: PaymentStatus) -> str | None:
    if status.number != payment.number:
        return "wrong-number"
    if status.merchant_no is not None and status.merchant_no != account.merchant_no:
        return "wrong-merchant"
    if (status.sub_merchant_no or "") != account.sub_merchant_no and status.merchant_no is not None:
        return "wrong-merchant"
    if status.app_id is not None and status.app_id not in {account.app_id, account.sub_app_id}:
        return "wrong-app"
    if status.currency not in (None, CURRENCY):
        return "wrong-currency"
    if status.amount_fen != payment.amount_fen and (status.amount_fen is not None or status.state is GatewayPaymentState.PAID):
        return "wrong-amount"
    return None


def shut(payment: Payment, to: PaymentState, reason: str, *, by: str | None = None) -> None:
    states.move(payment, to, by=by or _by(payment), reason=reason, closed_at=clock.now(), trouble=reason, next_ask_at=None)
    for hook in hooks.on_closed:
        hook(payment)


def _request(payment: Payment) -> PaymentRequest:
    account = merchants.account(payment.account_id)
    return PaymentRequest(
        number=payment.number,
        amount_fen=payment.amount_fen,
        description=payment.description,
        expires_at=payment.expires_at,
        payer_subject=payment.payer_subject or "",
        store=f"shop-{account.shop_id}" if account.shop_id else f"mall-{db.mall()}",
        shared=account.profit_share_bp > 0,
    )


def _by(payment: Payment) -> str:
    return f"gateway:{payment.channel}"
