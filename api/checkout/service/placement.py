"""From a quote to a paid order: hold, then talk to the wallet holding no transaction, then look at what came of it.

The wallet's own word on the phone proves nothing: an order is paid when payments has found its money (a notice, a query), which calls
`settlement.settle_payment` in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ScalarSelect, Update, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm.attributes import set_committed_value

from api.checkout import errors
from api.checkout.models import Order, Payer
from api.checkout.policy import OrderRules
from api.checkout.service import holds, notifications, orders, settlement
from api.checkout.service.orders import Content
from api.checkout.service.quotes import BEST, quote
from api.checkout.states import OrderState
from api.checkout.tenders import tenders
from api.checkout.tenders.base import Choice, TenderRules
from api.kit import clock, db, identity, sealed
from api.kit.db import session
from api.malls import service as malls
from api.members import service as members
from api.members.proofs import ProvenIdentity
from api.payments import errors as payment_errors
from api.payments import service as payments
from api.payments.models import MerchantAccount, Payment
from api.payments.states import PaymentState
from api.purchases.baskets import Basket, Buyer
from api.purchases.errors import BasketEmpty
from api.purchases.registry import kind_of


@dataclass(frozen=True)
class Who:
    """Who pays: a member, or somebody whom only a wallet knows."""

    name: str
    member_id: int | None = None
    payer_id: int | None = None


@dataclass(frozen=True)
class Placed:
    """An order, and what the phone hands to its wallet (None: nothing is left to pay, or the wallet has not answered yet)."""

    order: Order
    wallet: dict[str, Any] | None
    claim_code: str | None = None
    content: Content | None = None


def basket_of(purchase: Mapping[str, Any], buyer: Buyer) -> Basket:
    """What is bought, by what a phone or a till says of it. The refusals of its kind."""
    basket = kind_of(purchase["kind"]).basket(purchase, buyer)
    if not basket.lines:
        raise BasketEmpty()
    return basket


def order(
    basket: Basket,
    who: Who,
    *,
    expected_fen: int,
    choice: Choice = BEST,
    channel: str | None = None,
    proof: Mapping[str, Any] | None = None,
) -> Placed:
    """Place an order and begin to pay it. `expected_fen` is what the shopper saw as left for the wallet; `proof` lets tenders be used.

    QuoteChanged, ChannelMissing, WalletUnknown and the refusals of the kind and of what is used.
    """
    quoted = quote(basket, who.member_id, choice)
    if quoted.gateway_fen != expected_fen:
        raise errors.QuoteChanged(gateway_fen=quoted.gateway_fen, total_fen=quoted.total_fen)
    if quoted.gateway_fen and channel is None:
        raise errors.ChannelMissing()
    placed, content = holds.place(quoted, member_id=who.member_id, payer_id=who.payer_id, placed_by=who.name, proof=proof)
    claim = claim_code(placed) if who.member_id is None else None
    if not quoted.gateway_fen:
        settlement.settle_by_value(placed)
        return Placed(placed, None, claim)
    arguments = _placed_first(placed, _payment(placed, channel or "", who))
    if arguments is None:  # the wallet was silent; what it did meanwhile may have been told of
        session.refresh(placed)
        return Placed(placed, None, claim)
    # An order is held as long as its payment is open, which placing it has just shown: what was written is what there is.
    return Placed(placed, arguments, claim, content)


def _payment(held: Order, channel: str, who: Who) -> Payment:
    """Write down what a wallet is to collect for an order. NoMerchantAccount, WalletUnknown."""
    account = payments.account_for(held.shop_id, channel)
    payment = _intend(held, account, channel, payer_subject=_subject(who, channel, account))
    if payment.payer_subject is None:
        raise errors.WalletUnknown(channel=channel)
    return payment


def _intend(held: Order, account: MerchantAccount, channel: str, **how: Any) -> Payment:
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


def _subject(who: Who, channel: str, account: MerchantAccount) -> ScalarSelect[str]:
    """Who pays, as the wallet knows it, or nothing: a query that is made a part of another."""
    app_id = account.sub_app_id or account.app_id
    if who.member_id is not None:
        return members.subject_query(who.member_id, channel, app_id)
    own_payer = (Payer.id == who.payer_id, Payer.channel == channel, Payer.app_id == app_id)
    return select(Payer.subject).where(*own_payer).scalar_subquery()


def pay_again(number: str, who: Who, channel: str) -> Placed:
    """Pay a held order once more, by the same wallet or another. OrderPaid, OrderExpired, OrderClosed, WalletSilent."""
    held = own_order(number, who)
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
    held = own_order(number, who)
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
    if locked.state == OrderState.HELD:
        holds.close(locked, content, by=by, reason=reason)


def charge(shop_id: int, basket: Basket, auth_code: str, *, by: str) -> Placed:
    """A cashier charges the code on a shopper's phone: a wallet's, or a tender's own. AuthCodeUnknown, AuthCodeRefused."""
    for rules in tenders():
        if (member_id := rules.redeem_code(auth_code, shop_id)) is not None:
            return _by_value(basket, member_id, rules, by)
    channel = _channel_of(auth_code)
    placed, _ = holds.place(quote(basket, None), member_id=None, payer_id=None, placed_by=by)
    account = payments.account_for(placed.shop_id, channel)
    payments.charge(_intend(placed, account, channel, payer_subject=None, kind="auth_code"), auth_code)
    session.refresh(placed)
    return Placed(placed, None)


def _by_value(basket: Basket, member_id: int, rules: TenderRules, by: str) -> Placed:
    """One tender alone pays, as far as it may without a further proof."""
    quoted = quote(basket, member_id, only=rules)
    if quoted.gateway_fen:
        raise errors.TenderNotUsable(tender=rules.name, reason="too_little", missing_fen=quoted.gateway_fen)
    placed, _ = holds.place(quoted, member_id=member_id, payer_id=None, placed_by=by)
    settlement.settle_by_value(placed)
    return Placed(placed, None)


def _channel_of(auth_code: str) -> str:
    """Whose code it is, by its first two digits (the wallets publish theirs: WeChat 10–15, Alipay 25–30)."""
    head = auth_code[:2]
    if auth_code.isdigit() and auth_code.isascii():
        if "10" <= head <= "15" and len(auth_code) == 18:
            return "wechat"
        if "25" <= head <= "30" and 16 <= len(auth_code) <= 24:
            return "alipay"
    raise errors.AuthCodeUnknown()


def own_order(number: str, who: Who) -> Order:
    """The order of a number, if it is this person's. OrderNotFound."""
    order = orders.by_number(number)
    _refuse_strangers(order, who)
    return order


def _refuse_strangers(order: Order, who: Who) -> None:
    same_member = who.member_id is not None and order.member_id == who.member_id
    if not same_member and (who.payer_id is None or order.payer_id != who.payer_id):
        raise errors.OrderNotFound()


def read_and_poll(number: str, who: Who) -> tuple[Order, Content]:
    """Somebody's own order, for a phone that waits: while its payment is open, a job asks the wallet about it. OrderNotFound."""
    order, content = orders.whole(number)
    _refuse_strangers(order, who)
    poll_payment(order)
    return order, content


def poll_payment(waiting: Order) -> None:
    """Let a job ask the wallet about a held order's payment now."""
    if waiting.state == OrderState.HELD and waiting.payment_id is not None:
        payments.ask_soon(payments.read(waiting.payment_id))


def remember_payer(channel: str, app_id: str, subject: str) -> int:
    """Somebody whom only a wallet knows; recorded, so that they can see what they paid."""
    made = insert(Payer).values(channel=channel, app_id=app_id, subject=subject, seen_at=clock.now())
    made = made.on_conflict_do_update(index_elements=["mall_id", "channel", "app_id", "subject"], set_={"seen_at": clock.now()})
    return int(session.execute(made.returning(Payer.id)).scalar_one())


def sign_in_payer(sign_in: Callable[[str], ProvenIdentity], code: str) -> dict[str, Any]:
    """Exchange a wallet's login code for a token of somebody who pays without being a member. The refusals of the wallet's seam."""
    with db.outside_transaction():
        proven = sign_in(code)
    payer_id = remember_payer(proven.channel, proven.app_id, proven.subjects[0])
    token = identity.access_token("payer", payer_id, db.mall(), session_id="payer")
    return {"access_token": token, "expires_in": int(identity.ACCESS_TOKEN_LIVES.total_seconds())}


def claim_code(placed: Order) -> str:
    """What lets somebody who paid without membership claim the purchase after joining; nobody can make it without our key."""
    return sealed.find_key(f"order claim {db.mall()} {placed.number}")[:24]


def claim(number: str, code: str, member_id: int) -> Order:
    """Somebody joined after paying: the purchase is theirs and earns. ClaimUnknown, ClaimTaken, OrderNotPaid."""
    order = session.scalar(select(Order).where(Order.number == number))
    if order is None or code != claim_code(order) or order.made_at + timedelta(days=malls.policy(OrderRules).claim_days) < clock.now():
        raise errors.ClaimUnknown()
    locked = orders.lock(order.id)
    if locked.member_id not in (None, member_id):
        raise errors.ClaimTaken()
    if locked.state not in (OrderState.PAID, OrderState.REFUNDED):
        raise errors.OrderNotPaid(state=locked.state)
    if locked.member_id is None:
        locked.member_id = member_id
        orders.hold_member(locked)
        for part in orders.parts_of(locked.id):
            settlement.score(part, member_id)
        session.flush()
        notifications.moved(locked)
    return locked
