"""From a quote to a paid order: hold, then talk to the wallet holding no transaction, then look at what came of it.

The wallet's own word on the phone proves nothing: an order is paid when payments has found its money (a notice, a query), which calls
`settlement.settle_payment` in the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ScalarSelect, Update, update
from sqlalchemy.orm.attributes import set_committed_value

from api.checkout import errors
from api.checkout.models import Order
from api.checkout.service import holds, orders, payers, settlement
from api.checkout.service.orders import Content
from api.checkout.service.payers import Who
from api.checkout.service.quotes import BEST, Quote, quote
from api.checkout.states import OrderState
from api.checkout.tenders.base import Choice
from api.kit import clock, db
from api.kit.db import session
from api.payments import errors as payment_errors
from api.payments import service as payments
from api.payments.models import MerchantAccount, Payment
from api.payments.states import PaymentState
from api.purchases.baskets import Basket


@dataclass(frozen=True)
class Placed:
    """An order, and what the phone hands to its wallet (None: nothing is left to pay, or the wallet has not answered yet)."""

    order: Order
    wallet: dict[str, Any] | None
    claim_code: str | None = None
    content: Content | None = None


def order(
    basket: Basket,
    who: Who,
    *,
    expected_fen: int,
    expected: Sequence[Mapping[str, Any]] | None = None,
    choice: Choice = BEST,
    channel: str | None = None,
    proof: Mapping[str, Any] | None = None,
) -> Placed:
    """Place an order and begin to pay it. `proof` lets tenders be used.

    `expected_fen` is what the shopper saw as left for the wallet, `expected` what they saw each source pay (None: they were not shown it).

    QuoteChanged, ChannelMissing, WalletUnknown and the refusals of the kind and of what is used.
    """
    quoted = quote(basket, who.member_id, choice)
    _refuse_changed(quoted, expected_fen, expected)
    if quoted.gateway_fen and channel is None:
        raise errors.ChannelMissing()
    placed, content = holds.place(quoted, member_id=who.member_id, payer_id=who.payer_id, placed_by=who.name, proof=proof)
    claim = payers.claim_code(placed) if who.member_id is None else None
    if not quoted.gateway_fen:
        settlement.settle_by_value(placed)
        return Placed(placed, None, claim)
    arguments = _placed_first(placed, _payment(placed, channel or "", who))
    if arguments is None:  # the wallet was silent; what it did meanwhile may have been told of
        session.refresh(placed)
        return Placed(placed, None, claim)
    # An order is held as long as its payment is open, which placing it has just shown: what was written is what there is.
    return Placed(placed, arguments, claim, content)


def _refuse_changed(quoted: Quote, expected_fen: int, expected: Sequence[Mapping[str, Any]] | None) -> None:
    """Nothing is taken of anything but what the shopper saw. QuoteChanged."""
    if quoted.gateway_fen != expected_fen or (expected is not None and _sums(expected) != _sums(quoted.parts)):
        raise errors.QuoteChanged(gateway_fen=quoted.gateway_fen, total_fen=quoted.total_fen, parts=quoted.parts)


def _sums(parts: Sequence[Mapping[str, Any]]) -> dict[tuple[str, int | None], int]:
    return {(part["tender"], part["source_id"]): part["amount_fen"] for part in parts if part["amount_fen"]}


def _payment(held: Order, channel: str, who: Who) -> Payment:
    """Write down what a wallet is to collect for an order. NoMerchantAccount, WalletUnknown."""
    account = payments.account_for(held.shop_id, channel)
    payment = intend(held, account, channel, payer_subject=payers.subject(who, channel, account))
    if payment.payer_subject is None:
        raise errors.WalletUnknown(channel=channel)
    return payment


def intend(held: Order, account: MerchantAccount, channel: str, **how: Any) -> Payment:
    """Write the order's payment down, and with the order which one it is. One statement."""

    def set_payment(payment_id: ScalarSelect[int]) -> Update:
        return update(Order).where(Order.id == held.id).values(payment_id=payment_id, channel=channel)

    payment = payments.intend(
        channel=channel, account=account, order_id=held.id, amount_fen=held.gateway_fen, description=held.title,
        expires_at=held.expires_at, beside=set_payment, **how,
    )  # fmt: skip
    for name, value in {"payment_id": payment.id, "channel": channel}.items():
        set_committed_value(held, name, value)
    return payment


def _placed(payment: Payment) -> dict[str, Any] | None:
    try:
        return payments.place(payment)
    except payment_errors.GatewaySilentNow:
        return None


def _placed_again(held: Order, payment: Payment) -> Placed:
    arguments = _placed(payment)
    session.refresh(held)
    if arguments is None:
        raise errors.WalletSilent()
    return Placed(held, arguments)


def _placed_first(held: Order, payment: Payment) -> dict[str, Any] | None:
    """Place the first payment of an order. What its wallet refuses is given up at once: nobody was told of it yet."""
    try:
        return _placed(payment)
    except payment_errors.GatewayPaymentRefused:
        db.record_answer(lambda: _close(held.id, by="system", reason="the wallet refused it"))
        db.checkpoint()
        raise


def pay_again(number: str, who: Who, channel: str) -> Placed:
    """Pay a held order once more, by the same wallet or another. OrderPaid, OrderExpired, OrderClosed, WalletSilent."""
    held = payers.own_order(number, who)
    _refuse_over(held)
    if held.payment_id is not None:
        earlier = payments.read(held.payment_id)
        if earlier.channel == channel and earlier.kind == "prepay" and earlier.is_open:
            return _placed_again(held, earlier)
        _close_payment(held)
    return _placed_again(held, _payment(_still_held(held), channel, who))


def _close_payment(held: Order) -> None:
    """Close the order's payment at its wallet, so that it cannot be paid twice. OrderPaid when it was, WalletSilent."""
    assert held.payment_id is not None
    closed = payments.close(held.payment_id)
    session.refresh(held)
    if closed.state == PaymentState.PAID:
        raise errors.OrderPaid()
    if closed.is_open:
        raise errors.WalletSilent()


def _refuse_over(held: Order) -> None:
    if held.state in (OrderState.PAID, OrderState.REFUNDED):
        raise errors.OrderPaid()
    if held.state == OrderState.CLOSED:
        raise errors.OrderClosed()
    if held.expires_at <= clock.now():
        raise errors.OrderExpired()


def _still_held(held: Order) -> Order:
    locked = orders.lock(held.id)
    _refuse_over(locked)
    return locked


def cancel(number: str, who: Who) -> Order:
    """Give a held order up: its payment is closed first, then what it holds is free. Again changes nothing. OrderPaid, WalletSilent."""
    held = payers.own_order(number, who)
    if held.state in (OrderState.PAID, OrderState.REFUNDED):
        raise errors.OrderPaid()
    if held.state == OrderState.HELD:
        give_up(held, by=who.name, reason="cancelled")
    return held


def give_up(held: Order, *, by: str, reason: str) -> None:
    """Close the payment at the wallet, then the order. OrderPaid when its money arrived meanwhile; WalletSilent: nothing changed."""
    if held.payment_id is not None and payments.read(held.payment_id).is_open:
        _close_payment(held)
        db.checkpoint()
        db.record_answer(lambda: _close(held.id, by=by, reason=reason))
    else:
        _close(held.id, by=by, reason=reason)


def _close(order_id: int, *, by: str, reason: str) -> None:
    locked, content = orders.lock_with_payments(orders.read(order_id))
    if locked.state in (OrderState.PAID, OrderState.REFUNDED):
        raise errors.OrderPaid()
    if locked.state == OrderState.HELD:
        holds.close(locked, content, by=by, reason=reason)


def read_and_poll(number: str, who: Who) -> tuple[Order, Content]:
    """Somebody's own order, for a phone that waits: while its payment is open, a job asks the wallet about it. OrderNotFound."""
    order, content = orders.whole(number)
    payers.refuse_strangers(order, who)
    poll_payment(order)
    return order, content


def poll_payment(waiting: Order) -> None:
    """Let a job ask the wallet about a held order's payment now."""
    if waiting.state == OrderState.HELD and waiting.payment_id is not None:
        payments.ask_soon(payments.read(waiting.payment_id))
