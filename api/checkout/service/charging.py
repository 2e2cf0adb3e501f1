"""A cashier charges the code on a shopper's phone: one of a wallet, or one that a tender of the mall has made."""

from __future__ import annotations

from api.checkout import errors
from api.checkout.policy import OrderRules
from api.checkout.service import holds, orders, settlement
from api.checkout.service.placement import Placed, give_up, intend
from api.checkout.service.quotes import quote
from api.checkout.tenders import tenders
from api.checkout.tenders.base import TenderRules
from api.kit import db, value_limits
from api.kit.db import session
from api.kit.errors import Problem
from api.kit.value_limits import Bound, Limit
from api.malls import service as malls
from api.payments import service as payments
from api.purchases.baskets import Basket

BY_PERSON = Limit("charges-by-person")
CASHIER = "shop:"
#: What a cashier is told of why a shopper's own value does not pay: nothing that measures it.
FOR_A_CASHIER = frozenset({"tender", "reason", "limit_fen"})


def charge(shop_id: int, basket: Basket, auth_code: str, *, by: str) -> Placed:
    """A cashier charges the code on a shopper's phone: a wallet's, or a tender's own, which is used up whatever the answer is.

    AuthCodeUnknown, TenderNotUsable, NoMerchantAccount and the refusals of the kind and of the tender. What a wallet refuses is a closed
    order, whose view says why.
    """
    for rules in tenders():
        if (member_id := rules.redeem_code(auth_code, shop_id)) is not None:
            try:
                with db.savepoint():
                    return _by_value(basket, member_id, rules, by)
            except Problem as refusal:
                refusal.facts = {name: fact for name, fact in refusal.facts.items() if name in FOR_A_CASHIER}
                db.checkpoint()  # a code that was refused for one amount must not be tried with the next
                raise
    channel = _channel_of(auth_code)
    placed, _ = holds.place(quote(basket, None), member_id=None, payer_id=None, placed_by=by)
    account = payments.account_for(placed.shop_id, channel)
    payments.charge(intend(placed, account, channel, payer_subject=None, kind="auth_code"), auth_code)
    session.refresh(placed)
    return Placed(placed, None)


def cancel(number: str, shop_id: int, *, by: str) -> None:
    """A shop gives up a charge that its own cashier began; a shopper's order is the shopper's. OrderNotFound, OrderPaid, WalletSilent."""
    held = orders.by_number(number)
    if held.shop_id != shop_id or not held.placed_by.startswith(CASHIER):
        raise errors.OrderNotFound()
    give_up(held, by=by, reason="cancelled at the till")


def _by_value(basket: Basket, member_id: int, rules: TenderRules, by: str) -> Placed:
    """One tender alone pays, as far as it may without a further proof. A cashier is told no figure of the shopper's money."""
    quoted = quote(basket, member_id, only=rules)
    if quoted.gateway_fen:
        raise errors.TenderNotUsable(tender=rules.name, reason="too_little")
    placed, _ = holds.place(quoted, member_id=member_id, payer_id=None, placed_by=by)
    bound = Bound(BY_PERSON, by, malls.policy(OrderRules).charge_person_day_fen)
    if value_limits.use(placed.total_fen, [bound], cause=("order", placed.number)) is not None:
        raise errors.ChargeLimitReached()
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
