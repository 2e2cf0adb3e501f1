"""Quotes, orders and refunds; the shop's feed and charges; the office's look at them."""

from __future__ import annotations

from typing import Any

from flask import request

from api.approvals.errors import AnotherPersonNeeded, ApprovalOutdated
from api.checkout import errors, schemas
from api.checkout.models import Order, OrderRefund
from api.checkout.service import charging, notifications, orders, payers, placement, quotes, refund_views, refunds, shop_views, views
from api.checkout.service.payers import Who
from api.checkout.service.quotes import BEST
from api.checkout.tenders import tenders
from api.kit import http, identity, limits, pages
from api.kit.errors import Problem
from api.kit.http import MallNotFound
from api.kit.limits import Limit
from api.kit.once import IdempotencyKeyReused, RequestUnfinished
from api.kit.states import WrongState
from api.kit.tables import exported
from api.members import alipay_login, wechat_login
from api.members import errors as member_errors
from api.payments import errors as payment_errors
from api.purchases import registry
from api.purchases.baskets import Basket, Buyer
from api.purchases.registry import AskedBy

QUOTES = Limit("quotes", 120, 60)
ORDERS = Limit("orders", 30, 60)
PAYERS_BY_ADDRESS = Limit("payers-address", 300, 60)
CLAIMS = Limit("claims", 10, 60)
CHARGES = Limit("charges", 60, 60)

shoppers = http.Blueprint("orders", __name__, audience=identity.payers, description="Quotes and orders")
entering = http.Blueprint(
    "payers", __name__, audience=identity.anyone, url_prefix="/malls/<mall_code>/payers", description="Paying without membership"
)
members = http.Blueprint(
    "order_claims", __name__, audience=identity.members, url_prefix="/order-claims", description="Claiming a purchase after joining"
)
shop = http.Blueprint("shop_payments", __name__, audience=identity.shop_staff, description="A shop's payments")
office = http.Blueprint("office_orders", __name__, audience=identity.mall_staff, description="Orders and refunds of the mall")

OF_A_BASKET: tuple[type[Problem], ...] = (errors.TenderNotUsable, *registry.refusals(AskedBy.PAYER))
OF_A_CHARGE: tuple[type[Problem], ...] = (
    errors.TenderNotUsable, *registry.refusals(AskedBy.SHOP),
    *(refusal for rules in tenders() if rules.code_refusals for refusal in (*rules.code_refusals, *rules.refusals)),
)  # fmt: skip
OF_A_HOLD: tuple[type[Problem], ...] = (
    errors.QuoteChanged, errors.ChannelMissing, errors.WalletUnknown, *(refusal for rules in tenders() for refusal in rules.refusals),
    payment_errors.NoMerchantAccount, payment_errors.GatewayPaymentRefused,
)  # fmt: skip
OVER = (errors.OrderNotFound, errors.OrderPaid, errors.OrderClosed, errors.OrderExpired, errors.WalletSilent)
OF_A_REFUND: tuple[type[Problem], ...] = (
    errors.OrderNotFound, errors.OrderNotPaid, errors.OrderRefundTooLarge, errors.RefundLineUnknown, WrongState,
    *registry.refund_refusals(),
)  # fmt: skip


def _who() -> Who:
    who = identity.principal()
    return Who(who.name, member_id=who.id) if who.kind == "member" else Who(who.name, payer_id=who.id)


def _basket(args: dict[str, Any], who: Who) -> Basket:
    return quotes.basket_of(args["purchase"], Buyer(member_id=who.member_id))


@shoppers.post("/quotes")
@shoppers.arguments(schemas.QuoteArgs)
@shoppers.response(200, schemas.QuoteSchema)
@shoppers.problems(*OF_A_BASKET, limits.TooOften)
def quote(args: dict[str, Any]) -> quotes.Quote:
    """Quote: the best mix, what else could pay, and why not

    Nothing is held; the order holds. `choose` overrides the best mix.
    """
    who = _who()
    limits.spend(QUOTES, who.name)
    return quotes.quote(_basket(args, who), who.member_id, args["choose"] or BEST)


@shoppers.post("/orders")
@shoppers.arguments(schemas.OrderArgs)
@shoppers.response(201, schemas.PlacedSchema)
@shoppers.problems(*OF_A_BASKET, *OF_A_HOLD, limits.TooOften, IdempotencyKeyReused, RequestUnfinished)
@shoppers.idempotent
def place_order(args: dict[str, Any]) -> dict[str, Any]:
    """Place an order: hold what it uses, and begin the wallet's payment

    `wallet` holds the arguments for the phone's wallet; null when the order is paid already, or when the gateway fell silent (then
    `POST /v1/orders/{number}/payments` asks again).
    """
    who = _who()
    limits.spend(ORDERS, who.name)
    placed = placement.order(
        _basket(args, who),
        who,
        expected_fen=args["expected_fen"],
        expected=args["expected"],
        choice=args["choose"] or BEST,
        channel=args["channel"],
        proof={name: args[name] for name in schemas.PROOFS},
    )
    return _placed(placed)


def _placed(placed: placement.Placed) -> dict[str, Any]:
    return {"order": views.view(placed.order, placed.content), "wallet": placed.wallet, "claim_code": placed.claim_code}


@shoppers.get("/orders")
@shoppers.arguments(http.PageArgs, location="query")
@shoppers.response(200, schemas.OrderPage)
@shoppers.problems(pages.CursorInvalid)
def list_my_orders(args: dict[str, Any]) -> pages.Page[Order]:
    """List my own orders"""
    return views.orders_of(_who(), cursor=args.get("cursor"), limit=args["limit"])


@shoppers.get("/orders/<number>")
@shoppers.response(200, schemas.WholeOrderSchema)
@shoppers.problems(errors.OrderNotFound)
def read_my_order(number: str) -> views.View:
    """Read an order of mine: where it stands, who paid what, what it earned

    While it waits for its wallet, reading it lets us ask the wallet; read it again after a second or two.
    """
    return views.view(*placement.read_and_poll(number, _who()))


@shoppers.put("/orders/<number>/cancellation")
@shoppers.response(200, schemas.WholeOrderSchema)
@shoppers.problems(*OVER)
def cancel_order(number: str) -> views.View:
    """Give an order up that is not paid; everything it holds is free again"""
    return views.view(placement.cancel(number, _who()))


@shoppers.post("/orders/<number>/payments")
@shoppers.arguments(schemas.PaymentArgs)
@shoppers.response(201, schemas.PlacedSchema)
@shoppers.problems(
    *OVER,
    errors.WalletUnknown,
    payment_errors.NoMerchantAccount,
    payment_errors.GatewayPaymentRefused,
    IdempotencyKeyReused,
    RequestUnfinished,
)
@shoppers.idempotent
def pay_again(args: dict[str, Any], number: str) -> dict[str, Any]:
    """Pay a held order again, by the same wallet or another"""
    return _placed(placement.pay_again(number, _who(), args["channel"]))


@entering.post("/wechat")
@entering.arguments(schemas.PayerArgs)
@entering.response(200, schemas.PayerSchema)
@entering.problems(MallNotFound, member_errors.LoginCodeRefused, member_errors.GatewaySilent, member_errors.GatewayBusy, limits.TooOften)
def enter_with_wechat(args: dict[str, Any]) -> dict[str, Any]:
    """Pay without joining: a code of wx.login becomes a token that can quote, pay and look at its own orders"""
    return _enter(wechat_login.sign_in, args["code"])


@entering.post("/alipay")
@entering.arguments(schemas.PayerArgs)
@entering.response(200, schemas.PayerSchema)
@entering.problems(MallNotFound, member_errors.LoginCodeRefused, member_errors.GatewaySilent, member_errors.GatewayBusy, limits.TooOften)
def enter_with_alipay(args: dict[str, Any]) -> dict[str, Any]:
    """Pay without joining: a code of my.getAuthCode becomes a token that can quote, pay and look at its own orders"""
    return _enter(alipay_login.sign_in, args["code"])


def _enter(sign_in: Any, code: str) -> dict[str, Any]:
    limits.spend(PAYERS_BY_ADDRESS, request.remote_addr or "unknown")
    return payers.sign_in_payer(sign_in, code)


@members.post("")
@members.arguments(schemas.ClaimArgs)
@members.response(201, schemas.WholeOrderSchema)
@members.problems(errors.ClaimUnknown, errors.ClaimTaken, errors.OrderNotPaid, limits.TooOften)
def claim_order(args: dict[str, Any]) -> views.View:
    """Claim a purchase that I paid before I joined; it earns its points"""
    me = identity.member()
    limits.spend(CLAIMS, me.name)
    return views.view(payers.claim(args["number"], args["claim_code"], me.id))


@shop.get("/payments")
@shop.arguments(schemas.FeedArgs, location="query")
@shop.response(200, schemas.ShopPaymentPage)
@shop.problems(pages.CursorInvalid)
@shop.permission("own_payments.read")
def list_shop_payments(args: dict[str, Any]) -> pages.Page[Any]:
    """List my shop's payments, newest first"""
    return views.of_shop(_shop_id(), args["on"], cursor=args.get("cursor"), limit=args["limit"])


@shop.get("/payments/day")
@shop.arguments(schemas.DayArgs, location="query")
@shop.response(200, schemas.DaySchema)
@shop.permission("own_payments.read")
def read_shop_payment_day(args: dict[str, Any]) -> Any:
    """Count and total of my shop's payments on a day"""
    return notifications.day_of(_shop_id(), args["on"])


@shop.post("/charges")
@shop.arguments(schemas.ChargeArgs)
@shop.response(201, schemas.ShopOrderSchema)
@shop.problems(
    *OF_A_CHARGE, errors.AuthCodeUnknown, errors.ChargeLimitReached,
    payment_errors.NoMerchantAccount, limits.TooOften, IdempotencyKeyReused,
)  # fmt: skip
@shop.permission("own_payments.charge")
@shop.idempotent
def charge(args: dict[str, Any]) -> views.View:
    """Charge the code on a shopper's phone: WeChat, Alipay or the mall's own wallet

    `state` held with `payment_state` paying: the shopper is typing a password; read the order again until it is final.
    """
    who = identity.shop()
    limits.spend(CHARGES, who.name)
    basket = quotes.basket_of(args["purchase"], Buyer(shop_id=_shop_id()))
    return shop_views.view(charging.charge(_shop_id(), basket, args["auth_code"], by=who.name).order, _shop_id())


@shop.get("/orders/<number>")
@shop.response(200, schemas.ShopOrderSchema)
@shop.problems(errors.OrderNotFound)
@shop.permission("own_payments.read")
def read_shop_order(number: str) -> views.View:
    """Read an order that was paid to my shop, or a charge of mine that waits"""
    order = views.for_shop(number, _shop_id())
    placement.poll_payment(order)
    return shop_views.view(order, _shop_id())


@shop.put("/orders/<number>/cancellation")
@shop.response(200, schemas.ShopOrderSchema)
@shop.problems(errors.OrderNotFound, errors.OrderPaid, errors.WalletSilent)
@shop.permission("own_payments.charge")
def cancel_charge(number: str) -> views.View:
    """Give up a charge whose shopper does not come to an end; when the wallet took the money after all, it goes back"""
    charging.cancel(number, _shop_id(), by=identity.shop().name)
    return shop_views.view(orders.by_number(number), _shop_id())


@shop.post("/orders/<number>/refunds")
@shop.arguments(schemas.RefundArgs)
@shop.response(201, schemas.OrderRefundSchema)
@shop.problems(*OF_A_REFUND, errors.RefundTooLate, IdempotencyKeyReused)
@shop.permission("own_payments.refund")
@shop.idempotent
def refund_as_shop(args: dict[str, Any], number: str) -> OrderRefund:
    """Give money back for a payment to my shop; above the mall's limit a second person of the mall decides"""
    order = views.for_shop(number, _shop_id())
    return refunds.by_shop(order, _shop_id(), _wanted(args), by=identity.shop().name, reason=args["reason"])


def _wanted(args: dict[str, Any]) -> refunds.Wanted:
    return refunds.Wanted(tuple(args["lines"]) if args["lines"] is not None else None, args["amount_fen"])


def _shop_id() -> int:
    shop_id = identity.shop().shop_id
    assert shop_id is not None
    return shop_id


@office.get("/orders")
@office.arguments(schemas.OfficeOrdersArgs, location="query")
@office.response(200, schemas.OfficeOrderPage)
@office.problems(pages.CursorInvalid)
@office.permission("orders.read")
@exported("orders", schemas.OfficeOrdersArgs, schemas.OfficeOrderSchema)
def list_orders(args: dict[str, Any]) -> pages.Page[Order]:
    """List orders of the mall"""
    asked = {name: args[name] for name in ("state", "kind", "shop_id", "member_id", "number", "order_id")}
    return views.of_mall(**asked, cursor=args.get("cursor"), limit=args["limit"])


@office.get("/order-kinds")
@office.response(200, schemas.OrderKindsSchema)
@office.permission("orders.read")
def list_order_kinds() -> dict[str, Any]:
    """List the kinds of purchases, to look for orders by them"""
    return {"items": registry.kinds()}


@office.get("/orders/<number>")
@office.response(200, schemas.OfficeWholeOrderSchema)
@office.problems(errors.OrderNotFound)
@office.permission("orders.read")
def read_order(number: str) -> views.View:
    """Read an order with its whole history"""
    return views.view(*orders.whole(number))


@office.post("/orders/<number>/refunds")
@office.arguments(schemas.RefundArgs)
@office.response(201, schemas.OfficeOrderRefundSchema)
@office.problems(*OF_A_REFUND, IdempotencyKeyReused)
@office.permission("orders.refund")
@office.idempotent
def refund_as_office(args: dict[str, Any], number: str) -> OrderRefund:
    """Give money back for an order; above the mall's limit a second person decides"""
    return refunds.by_office(orders.by_number(number), _wanted(args), by=identity.staff().name, reason=args["reason"])


@office.get("/order-refunds")
@office.arguments(schemas.RefundsArgs, location="query")
@office.response(200, schemas.OfficeRefundPage)
@office.problems(pages.CursorInvalid)
@office.permission("orders.read")
@exported("order_refunds", schemas.RefundsArgs, schemas.RefundRowSchema)
def list_refunds(args: dict[str, Any]) -> pages.Page[refund_views.RefundRow]:
    """List refunds of the mall's orders"""
    return refund_views.of_mall(state=args["state"], cursor=args.get("cursor"), limit=args["limit"])


@office.get("/order-refunds/<number>")
@office.response(200, schemas.WholeRefundSchema)
@office.problems(errors.OrderRefundNotFound)
@office.permission("orders.read")
def read_refund(number: str) -> refund_views.WholeRefund:
    """Read a refund: of which order, what pays how much back, and whether it is still there to give"""
    return refund_views.whole(number)


@office.put("/order-refunds/<number>/decision")
@office.arguments(schemas.RefundDecisionArgs)
@office.response(200, schemas.OfficeOrderRefundSchema)
@office.problems(
    errors.OrderRefundNotFound, AnotherPersonNeeded, ApprovalOutdated, errors.OrderRefundTooLarge, errors.RefundLineUnknown, WrongState,
    *registry.refund_refusals(),
)  # fmt: skip
@office.permission("orders.approve")
def decide_refund(args: dict[str, Any], number: str) -> OrderRefund:
    """Let a waiting refund through, or not, as a second person"""
    return refunds.decide(number, by=identity.staff().name, approve=args["approve"], why=args["why"])
