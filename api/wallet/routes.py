from __future__ import annotations

from typing import Any

from flask import request

from api.approvals.errors import AnotherPersonNeeded, ApprovalOutdated
from api.approvals.two_people import two_people
from api.kit import audit, http, identity, limits, pages
from api.kit.limits import Limit, TooOften
from api.kit.once import IdempotencyKeyReused
from api.kit.states import WrongState
from api.kit.tables import exported
from api.members.errors import (
    GatewayBusy,
    GatewayMisconfigured,
    GatewaySilent,
    LoginBlocked,
    LoginCodeRefused,
    MemberClosed,
    MemberNotFound,
    PhoneCodeEnded,
    PhoneCodeTooSoon,
    PhoneCodeWrong,
    PhoneNotServed,
    PhoneSignInClosed,
    ProofOfAnother,
    TextsSpent,
)
from api.members.service import get as active_member
from api.members.service import phone_codes
from api.wallet import errors, schemas, service
from api.wallet.models import (
    BalanceLine,
    BalanceReport,
    CardBatch,
    CardProduct,
    CardRequest,
    CardSale,
    CashHandIn,
    CashShift,
    Recharge,
    RechargePackage,
)
from api.wallet.service import (
    balance_report,
    card_lifecycle,
    card_opening,
    card_requests,
    card_stock,
    cash_shifts,
    package_offers,
    pin_proofs,
    products,
    resting,
    views,
)
from api.wallet.service.card_stock import PrintPart
from api.wallet.service.pay_codes import PayCode
from api.wallet.service.views import Movement, Wallet

CODES_BY_MEMBER = Limit("pay-codes", 30, 60)
BINDINGS_BY_MEMBER = Limit("card-bindings", 10, 3600)
PINS_BY_MEMBER = Limit("wallet-pins", 10, 3600)
CHECKS_BY_SHOP = Limit("card-checks", 60, 60)

members = http.Blueprint("wallet", __name__, audience=identity.members, url_prefix="/wallet", description="My stored value")
shop = http.Blueprint("shop_wallet", __name__, audience=identity.shop_staff, description="Stored value at a till")
office = http.Blueprint("office_wallet", __name__, audience=identity.mall_staff, description="Stored value of the mall")


def _spend(limit: Limit) -> identity.Principal:
    who = identity.member()
    limits.spend(limit, f"{who.mall_id}:{who.id}")
    return who


@members.get("")
@members.response(200, schemas.WalletSchema)
def read_wallet() -> Wallet:
    """My stored value: principal and bonus, what is held, my cards and where each can be used"""
    return views.wallet_of(identity.member().id)


@members.get("/history")
@members.arguments(http.PageArgs, location="query")
@members.response(200, schemas.WalletMovementPage)
@members.problems(pages.CursorInvalid)
def list_movements(args: dict[str, Any]) -> pages.Page[Movement]:
    """Every movement of my stored value, newest first"""
    return views.history_of(identity.member().id, args.get("cursor"), args["limit"])


@members.get("/packages")
@members.response(200, schemas.PackagesSchema)
def list_packages() -> dict[str, Any]:
    """Recharge packages that I can buy now"""
    return {"items": service.packages(identity.member().id)}


@members.post("/pay-code")
@members.response(201, schemas.PayCodeSchema)
@members.problems(MemberNotFound, MemberClosed, TooOften)
def make_pay_code() -> PayCode:
    """A fresh pay code, good for a minute and for one use"""
    return service.new_pay_code(active_member(_spend(CODES_BY_MEMBER).id).id)


@members.put("/rest/end")
@members.arguments(schemas.WakeArgs)
@members.response(204)
@members.problems(errors.NotResting, errors.PinNeeded, errors.PinWrong, errors.PinLocked, TooOften)
def end_rest(args: dict[str, Any]) -> None:
    """Let my stored value pay again before its rest is over: it needs the PIN that I had before"""
    resting.wake(_spend(PINS_BY_MEMBER).id, args["pin"])


@members.put("/pin")
@members.arguments(schemas.PinArgs)
@members.response(204)
@members.problems(
    errors.PinTooSimple, errors.PinProofNeeded, errors.PinProofTooNew, errors.PinNeeded, errors.PinWrong, errors.PinLocked,
    errors.WalletResting, PhoneCodeWrong, PhoneCodeEnded, ProofOfAnother, LoginCodeRefused, LoginBlocked, GatewaySilent, GatewayBusy,
    GatewayMisconfigured, MemberNotFound, MemberClosed, TooOften,
)  # fmt: skip
def set_pin(args: dict[str, Any]) -> None:
    """Set my PIN with a fresh proof: the old one, a code on my phone, or for the first one a login code of my WeChat or Alipay"""
    me = _spend(PINS_BY_MEMBER).id
    if args["old_pin"] is not None:
        pin_proofs.set_with_old(me, args["pin"], args["old_pin"])
    elif args["code"] is not None:
        pin_proofs.set_with_code(me, args["pin"], args["code"])
    else:
        pin_proofs.set_first_with_wallet(me, args["pin"], js_code=args["js_code"], auth_code=args["auth_code"])


@members.post("/pin-codes")
@members.response(202)
@members.problems(
    errors.PinProofNeeded,
    errors.PinProofTooNew,
    MemberNotFound,
    MemberClosed,
    PhoneSignInClosed,
    PhoneNotServed,
    PhoneCodeTooSoon,
    TextsSpent,
    TooOften,
)
def send_pin_code() -> None:
    """Send a code to my phone, with which a PIN is set"""
    phone_codes.send_code(pin_proofs.phone(_spend(PINS_BY_MEMBER).id))


@members.post("/cards")
@members.arguments(schemas.BindCardArgs)
@members.response(204)
@members.problems(errors.CardCodeWrong, errors.CardCodesLocked, errors.CardBound, errors.CardNotUsable, TooOften)
def bind_card(args: dict[str, Any]) -> None:
    """Bind a card of plastic to my wallet, with its number and activation code"""
    who = _spend(BINDINGS_BY_MEMBER)
    card_lifecycle.bind(active_member(who.id).id, args["number"], args["activation_code"])


@members.put("/cards/<int:card_id>/loss")
@members.response(204)
@members.problems(errors.CardNotFound, WrongState)
def report_loss(card_id: int) -> None:
    """My card is lost: nobody can use it from now on; the service desk thaws or replaces it"""
    who = identity.member()
    card_lifecycle.freeze(card_id, by=who.name, why="reported lost by the member", member_id=who.id)


@members.put("/cards/<int:card_id>/reactivation")
@members.response(204)
@members.problems(errors.CardNotFound, errors.CardNotExpired, errors.CardNotUsable)
def reactivate_my_card(card_id: int) -> None:
    """Make my expired card valid again; what is on it was never lost"""
    who = identity.member()
    card_lifecycle.reactivate(card_id, by=who.name, member_id=who.id)


@shop.post("/card-checks")
@shop.arguments(schemas.CardCheckArgs)
@shop.response(200, schemas.CheckedCardsSchema)
@shop.problems(errors.PayCodeWrong, errors.PayCodeUsed, errors.PayCodeExpired, MemberClosed, TooOften)
@shop.permission("cards.check")
def check_cards(args: dict[str, Any]) -> dict[str, Any]:
    """Whose pay code is shown: masked cards, and whether this shop accepts them; the code counts once"""
    who = identity.shop()
    assert who.shop_id is not None
    limits.spend(CHECKS_BY_SHOP, f"{who.mall_id}:{who.shop_id}")
    member_id = service.use_pay_code(args["code"], who.shop_id)
    return {"cards": views.record_card_check(member_id, who.shop_id, by=who.name)}


# The office: cards


@office.get("/cards")
@office.arguments(schemas.CardsArgs, location="query")
@office.response(200, schemas.OfficeCardPage)
@office.problems(pages.CursorInvalid)
@office.permission("cards.read")
@exported("cards", schemas.CardsArgs, schemas.OfficeCardSchema)
def list_cards(args: dict[str, Any]) -> pages.Page[dict[str, Any]]:
    """Cards with what is on them, newest first"""
    return views.listed(**args)


@office.get("/cards/<int:card_id>")
@office.response(200, schemas.WholeCardSchema)
@office.problems(errors.CardNotFound)
@office.permission("cards.read")
def read_card(card_id: int) -> dict[str, Any]:
    """One card with its kind, its moves and what was done with it"""
    return views.whole(card_id)


@office.get("/cards/<int:card_id>/history")
@office.arguments(http.PageArgs, location="query")
@office.response(200, schemas.WalletMovementPage)
@office.problems(errors.CardNotFound, pages.CursorInvalid)
@office.permission("cards.read")
def list_card_movements(args: dict[str, Any], card_id: int) -> pages.Page[Movement]:
    """Every movement of value on a card, newest first"""
    return views.history_of_card(card_id, args.get("cursor"), args["limit"])


@office.put("/cards/<int:card_id>/loss")
@office.arguments(schemas.ReasonArgs)
@office.response(200, schemas.WholeCardSchema)
@office.problems(errors.CardNotFound, WrongState)
@office.permission("cards.write")
def freeze_card(args: dict[str, Any], card_id: int) -> dict[str, Any]:
    """Stop a lost card at once"""
    who = identity.staff().name
    card_lifecycle.freeze(card_id, by=who, why=args["why"])
    audit.record(who, "card frozen", "card", card_id, why=args["why"])
    return views.whole(card_id)


@office.put("/cards/<int:card_id>/reactivation")
@office.arguments(schemas.ReasonArgs)
@office.response(200, schemas.WholeCardSchema)
@office.problems(errors.CardNotFound, errors.CardNotExpired, errors.CardNotUsable)
@office.permission("cards.write")
def reactivate_card(args: dict[str, Any], card_id: int) -> dict[str, Any]:
    """Make an expired card valid again"""
    who = identity.staff().name
    card_lifecycle.reactivate(card_id, by=who, why=args["why"])
    audit.record(who, "card re-activated", "card", card_id, why=args["why"])
    return views.whole(card_id)


@office.get("/card-requests")
@office.arguments(schemas.CardRequestsArgs, location="query")
@office.response(200, schemas.CardRequestPage)
@office.problems(pages.CursorInvalid)
@office.permission("cards.read")
@exported("card_requests", schemas.CardRequestsArgs, schemas.CardRequestSchema)
def list_card_requests(args: dict[str, Any]) -> pages.Page[CardRequest]:
    """What was asked for cards, newest first"""
    return card_requests.listed(**args)


@office.post("/card-requests")
@office.arguments(schemas.CardRequestArgs)
@office.response(201, schemas.CardRequestSchema)
@office.problems(
    errors.CardNotFound, errors.CardNotForSale, errors.NewCardNeeded, errors.BalanceLeft, WrongState, IdempotencyKeyReused
)  # fmt: skip
@office.permission("cards.write")
@office.idempotent
def ask_for_card(args: dict[str, Any]) -> CardRequest:
    """Thaw a card, replace it or make it void; with much on it, a second person decides"""
    return card_requests.propose(by=identity.staff().name, **args)


@office.put("/card-requests/<int:request_id>/approval")
@office.response(200, schemas.CardRequestSchema)
@office.problems(
    errors.CardRequestNotFound, AnotherPersonNeeded, ApprovalOutdated, errors.CardNotForSale, errors.NewCardNeeded, errors.BalanceLeft,
    WrongState,
)  # fmt: skip
@office.permission("cards.approve")
def approve_card_request(request_id: int) -> CardRequest:
    """Do what somebody else asked for, as a second person"""
    return card_requests.approve(request_id, by=identity.staff().name)


@office.put("/card-requests/<int:request_id>/rejection")
@office.arguments(schemas.ReasonArgs)
@office.response(200, schemas.CardRequestSchema)
@office.problems(errors.CardRequestNotFound, WrongState)
@office.permission("cards.approve")
def reject_card_request(args: dict[str, Any], request_id: int) -> CardRequest:
    """Turn down what was asked for"""
    return card_requests.reject(request_id, by=identity.staff().name, why=args["why"])


# The office: stock


@office.get("/card-batches")
@office.arguments(http.PageArgs, location="query")
@office.response(200, schemas.CardBatchPage)
@office.problems(pages.CursorInvalid)
@office.permission("cards.read")
@exported("card_batches", http.PageArgs, schemas.CardBatchSchema)
def list_card_batches(args: dict[str, Any]) -> pages.Page[CardBatch]:
    """Batches of cards, newest first"""
    return card_stock.batches(args.get("cursor"), args["limit"])


@office.post("/card-batches")
@office.arguments(schemas.BatchArgs)
@office.response(201, schemas.CardBatchSchema)
@office.problems(errors.ProductNotFound, errors.ProductWrong, IdempotencyKeyReused)
@office.permission("cards.issue")
@office.idempotent
def issue_cards(args: dict[str, Any]) -> CardBatch:
    """Make a batch of cards without value"""
    return card_stock.issue(args["product_id"], args["cards"], note=args["note"], by=identity.staff().name)


@office.post("/card-batches/<int:batch_id>/print-parts")
@office.response(201, schemas.PrintPartSchema)
@office.problems(errors.CardBatchNotFound, errors.CardBatchHandedOver, errors.PrintedByAnother)
@office.permission("cards.print")
def fetch_print_part(batch_id: int) -> PrintPart:
    """The next numbers and activation codes of a batch for the printer: once, all of them by one person"""
    return card_stock.print_part(batch_id, by=identity.staff().name)


@office.put("/card-batches/<int:batch_id>/codes")
@office.arguments(schemas.ReasonArgs)
@office.problems(errors.CardBatchNotFound, errors.CardBatchSold)
@office.permission("cards.print")
@two_people("card-codes.make", arguments=schemas.ReasonArgs, approver="cards.approve")
def remake_codes(args: dict[str, Any], batch_id: int) -> CardBatch:
    """New activation codes for a batch whose file was lost; those from before count no more"""
    return card_stock.remake_codes(batch_id, by=identity.staff().name, why=args["why"])


@office.put("/card-batches/<int:batch_id>/handover")
@office.arguments(schemas.ReasonArgs)
@office.response(200, schemas.CardBatchSchema)
@office.problems(errors.CardBatchNotFound)
@office.permission("cards.print")
def hand_over_batch(args: dict[str, Any], batch_id: int) -> CardBatch:
    """The printer has the codes: from now on nobody can read them, not even here"""
    return card_stock.hand_over(batch_id, by=identity.staff().name, why=args["why"])


@office.get("/card-sales")
@office.arguments(schemas.CardSalesArgs, location="query")
@office.response(200, schemas.CardSalePage)
@office.problems(pages.CursorInvalid)
@office.permission("cards.read")
@exported("card_sales", schemas.CardSalesArgs, schemas.CardSaleSchema)
def list_card_sales(args: dict[str, Any]) -> pages.Page[CardSale]:
    """Sales of cards at the desk, newest first"""
    return card_stock.sales(**args)


WAYS = {
    "cash": {"zh": "现金", "en": "cash"},
    "bank_card": {"zh": "刷卡", "en": "bank card"},
    "bank_transfer": {"zh": "银行转账", "en": "bank transfer"},
}
BUYERS = {"person": {"zh": "个人", "en": "a person"}, "company": {"zh": "单位", "en": "a company"}}


def _sum_of(args: dict[str, Any]) -> int:
    return sum(line["principal_fen"] for line in args["lines"])


def _sold_alone(args: dict[str, Any]) -> bool:
    key = request.headers.get("Idempotency-Key", "")
    return card_stock.use_alone_limit(_sum_of(args), args["paid_by"], cause=f"{identity.staff().id}:{key}", by=identity.staff().name)


@office.post("/card-sales")
@office.arguments(schemas.CardSaleArgs)
@office.response(201, schemas.CardSaleSchema)
@office.problems(
    errors.CardNotFound, errors.CardNotForSale, errors.CardSaleWrong, errors.CardLimitExceeded, errors.RealNameNeeded,
    errors.TransferNeeded, errors.CardSaleLimitReached, errors.SaleReferenceUsed, errors.CashShiftNeeded, errors.CashHandInNeeded,
    AnotherPersonNeeded, IdempotencyKeyReused,
)  # fmt: skip
@office.permission("cards.sell")
@office.idempotent
@two_people(
    "card-sale.make",
    arguments=schemas.CardSaleArgs,
    approver="cards.sales.approve",
    alone=_sold_alone,
    shown={
        "total_fen": _sum_of,
        "reference": lambda args: args["reference"],
        "lines": lambda args: {"zh": f"{len(args['lines'])} 张卡", "en": f"{len(args['lines'])} cards"},
        "paid_by": lambda args: WAYS[args["paid_by"]],
        "buyer_kind": lambda args: BUYERS[args["buyer_kind"]],
    },
)
def sell_cards(args: dict[str, Any]) -> CardSale:
    """Sell cards from stock: the money is in the till, the principal on the cards. Much other money than cash is seen by another person"""
    lines = [card_stock.SaleLine(**line) for line in args["lines"]]
    buyer = card_stock.Buyer(**args["buyer"]) if args["buyer"] else None
    return card_stock.sell(
        lines, paid_by=args["paid_by"], reference=args["reference"], buyer_kind=args["buyer_kind"], buyer=buyer, by=identity.staff().name
    )


# The office: cash at the desk


def _count(args: dict[str, Any]) -> cash_shifts.Count:
    return cash_shifts.count_of(args["total_fen"], [cash_shifts.Pieces(**line) for line in args["pieces"]])


@office.get("/cash-shifts")
@office.arguments(schemas.CashShiftsArgs, location="query")
@office.response(200, schemas.CashShiftPage)
@office.problems(pages.CursorInvalid)
@office.permission("cash.read")
@exported("cash_shifts", schemas.CashShiftsArgs, schemas.CashShiftSchema)
def list_cash_shifts(args: dict[str, Any]) -> pages.Page[CashShift]:
    """Cash shifts, newest first"""
    return cash_shifts.listed(**args)


@office.post("/cash-shifts")
@office.arguments(schemas.CashShiftArgs)
@office.response(201, schemas.CashShiftSchema)
@office.problems(errors.CashCountWrong, errors.CashFloatTooLarge, errors.CashShiftOpen, IdempotencyKeyReused)
@office.permission("cash.shift")
@office.idempotent
def open_cash_shift(args: dict[str, Any]) -> CashShift:
    """Open my cash shift at a desk with a counted float"""
    return cash_shifts.open_shift(args["desk"], _count(args), by=identity.staff().name)


@office.get("/cash-shifts/mine")
@office.response(200, schemas.OwnCashShiftSchema)
@office.permission("cash.shift")
def read_own_cash_shift() -> dict[str, Any]:
    """My cash shift, when there is one that two people have not counted yet"""
    return {"shift": cash_shifts.own(identity.staff().name)}


@office.get("/cash-shifts/<int:shift_id>")
@office.response(200, schemas.CashShiftSchema)
@office.problems(errors.CashShiftNotFound)
@office.permission("cash.read")
def read_cash_shift(shift_id: int) -> CashShift:
    """One cash shift"""
    return cash_shifts.shift(shift_id)


@office.put("/cash-shifts/<int:shift_id>/count")
@office.arguments(schemas.CountArgs)
@office.response(200, schemas.CashShiftSchema)
@office.problems(errors.CashShiftNotFound, errors.CashShiftOfAnother, errors.CashCountWrong, errors.CashHandInWaits, WrongState)
@office.permission("cash.take")
def count_cash_shift(args: dict[str, Any], shift_id: int) -> CashShift:
    """Count my cash shift; from now on it takes no cash. Where its person is away, who may explain differences counts it"""
    who = identity.staff()
    return cash_shifts.count_shift(shift_id, _count(args), by=who.name, of_another="cash.explain" in who.permissions)


@office.put("/cash-shifts/<int:shift_id>/recount")
@office.arguments(schemas.CountArgs)
@office.response(200, schemas.CashShiftSchema)
@office.problems(errors.CashShiftNotFound, AnotherPersonNeeded, errors.CashCountWrong, WrongState)
@office.permission("cash.take")
def recount_cash_shift(args: dict[str, Any], shift_id: int) -> CashShift:
    """Count what another person counted, and close the shift; only then is it seen whether it agrees"""
    return cash_shifts.close_shift(shift_id, _count(args), by=identity.staff().name)


@office.put("/cash-shifts/<int:shift_id>/explanation")
@office.arguments(schemas.ReasonArgs)
@office.response(200, schemas.CashShiftSchema)
@office.problems(errors.CashShiftNotFound, AnotherPersonNeeded, WrongState)
@office.permission("cash.explain")
def explain_cash_difference(args: dict[str, Any], shift_id: int) -> CashShift:
    """Write down why a shift differed; not by who had it"""
    return cash_shifts.explain_difference(shift_id, by=identity.staff().name, why=args["why"])


@office.post("/cash-shifts/<int:shift_id>/hand-ins")
@office.arguments(schemas.HandInArgs)
@office.response(201, schemas.CashHandInSchema)
@office.problems(errors.CashShiftNotFound, errors.CashShiftOfAnother, errors.CashHandInWaits, WrongState, IdempotencyKeyReused)
@office.permission("cash.shift")
@office.idempotent
def hand_cash_in(args: dict[str, Any], shift_id: int) -> CashHandIn:
    """Hand cash of my shift in; another person takes it"""
    return cash_shifts.hand_in(shift_id, args["amount_fen"], by=identity.staff().name)


@office.get("/cash-hand-ins")
@office.arguments(schemas.HandInsArgs, location="query")
@office.response(200, schemas.CashHandInPage)
@office.problems(pages.CursorInvalid)
@office.permission("cash.read")
@exported("cash_hand_ins", schemas.HandInsArgs, schemas.CashHandInSchema)
def list_cash_hand_ins(args: dict[str, Any]) -> pages.Page[CashHandIn]:
    """Cash handed in, newest first"""
    return cash_shifts.hand_ins(**args)


@office.put("/cash-hand-ins/<int:hand_in_id>/taking")
@office.arguments(schemas.HandInArgs)
@office.response(200, schemas.CashHandInSchema)
@office.problems(errors.CashHandInNotFound, AnotherPersonNeeded, errors.CashHandInDiffers, WrongState)
@office.permission("cash.take")
def take_hand_in(args: dict[str, Any], hand_in_id: int) -> CashHandIn:
    """Take cash that somebody else hands in, with the sum that I counted"""
    return cash_shifts.take_hand_in(hand_in_id, args["amount_fen"], by=identity.staff().name)


@office.put("/cash-hand-ins/<int:hand_in_id>/withdrawal")
@office.arguments(schemas.ReasonArgs)
@office.response(200, schemas.CashHandInSchema)
@office.problems(errors.CashHandInNotFound, errors.CashShiftOfAnother, WrongState)
@office.permission("cash.shift")
def withdraw_hand_in(args: dict[str, Any], hand_in_id: int) -> CashHandIn:
    """Keep in my shift what I handed in and nobody took"""
    return cash_shifts.withdraw_hand_in(hand_in_id, by=identity.staff().name, why=args["why"])


# The office: kinds of cards and packages


@office.get("/card-products")
@office.arguments(http.PageArgs, location="query")
@office.response(200, schemas.CardProductPage)
@office.problems(pages.CursorInvalid)
@office.permission("cards.read")
@exported("card_products", http.PageArgs, schemas.CardProductSchema)
def list_card_products(args: dict[str, Any]) -> pages.Page[CardProduct]:
    """Kinds of cards, newest first"""
    return products.listed(args.get("cursor"), args["limit"])


@office.post("/card-products")
@office.arguments(schemas.ProductArgs)
@office.response(201, schemas.CardProductSchema)
@office.problems(errors.ProductCodeTaken, errors.ProductWrong, IdempotencyKeyReused)
@office.permission("cards.products")
@office.idempotent
@two_people("card-product.make", arguments=schemas.ProductArgs, approver="cards.products.approve")
def make_card_product(args: dict[str, Any]) -> CardProduct:
    """Make a kind of card"""
    return products.make_product(by=identity.staff().name, **args)


@office.patch("/card-products/<int:product_id>")
@office.arguments(schemas.ProductChanges)
@office.response(200, schemas.CardProductSchema)
@office.problems(errors.ProductNotFound, errors.ProductWrong)
@office.permission("cards.products")
@two_people(
    "card-product.change",
    arguments=schemas.ProductChanges,
    approver="cards.products.approve",
    before=lambda args, product_id: {name: getattr(card_opening.product(product_id), name) for name in args if name != "why"},
    alone=lambda args, **_: set(args) <= {"title_zh", "title_en", "closed", "why"} and args.get("closed") is not False,
)
def change_card_product(args: dict[str, Any], product_id: int) -> CardProduct:
    """Change a kind of card, for all its cards"""
    return products.change_product(product_id, by=identity.staff().name, **args)


@office.get("/recharge-packages")
@office.arguments(schemas.PackagesArgs, location="query")
@office.response(200, schemas.OfficePackagePage)
@office.problems(pages.CursorInvalid)
@office.permission("cards.packages")
@exported("recharge_packages", schemas.PackagesArgs, schemas.OfficePackageSchema)
def list_recharge_packages(args: dict[str, Any]) -> pages.Page[RechargePackage]:
    """Recharge packages, newest first"""
    return package_offers.listed(offered=args["offered"], cursor=args.get("cursor"), limit=args["limit"])


@office.post("/recharge-packages")
@office.arguments(schemas.PackageArgs)
@office.response(201, schemas.OfficePackageSchema)
@office.problems(errors.ProductNotFound, errors.PackageWrong, IdempotencyKeyReused)
@office.permission("cards.packages")
@office.idempotent
@two_people("recharge-package.make", arguments=schemas.PackageArgs, approver="cards.packages.approve")
def make_recharge_package(args: dict[str, Any]) -> RechargePackage:
    """Offer a recharge package"""
    who = identity.staff().name
    made = package_offers.make_package(by=who, **args)
    audit.record(who, "recharge package made", "recharge_package", made.id, after=schemas.OfficePackageSchema().dump(made))
    return made


@office.patch("/recharge-packages/<int:package_id>")
@office.arguments(schemas.PackageChanges)
@office.response(200, schemas.OfficePackageSchema)
@office.problems(errors.PackageNotFound, errors.PackageWrong)
@office.permission("cards.packages")
@two_people(
    "recharge-package.change",
    arguments=schemas.PackageChanges,
    approver="cards.packages.approve",
    before=lambda args, package_id: {name: getattr(service.package(package_id), name) for name in args if name != "why"},
    alone=lambda args, package_id: package_offers.only_less(package_id, **{name: value for name, value in args.items() if name != "why"}),
)
def change_recharge_package(args: dict[str, Any], package_id: int) -> RechargePackage:
    """Change what is told of a package, until when it is offered, and how often"""
    who, why = identity.staff().name, args.pop("why")
    before = schemas.OfficePackageSchema().dump(service.package(package_id))
    changed = package_offers.change_package(package_id, **args)
    after = schemas.OfficePackageSchema().dump(changed)
    audit.record(who, "recharge package changed", "recharge_package", package_id, before=before, after=after, why=why)
    return changed


@office.get("/recharges")
@office.arguments(schemas.RechargesArgs, location="query")
@office.response(200, schemas.RechargePage)
@office.problems(pages.CursorInvalid)
@office.permission("cards.read")
@exported("recharges", schemas.RechargesArgs, schemas.RechargeSchema)
def list_recharges(args: dict[str, Any]) -> pages.Page[Recharge]:
    """Recharges with what was paid back of them, newest first"""
    return views.recharges(**args)


# The office: the balance of all cards


@office.get("/card-balance-reports")
@office.arguments(http.PageArgs, location="query")
@office.response(200, schemas.BalanceReportPage)
@office.problems(pages.CursorInvalid)
@office.permission("cards.report")
@exported("card_balance_reports", http.PageArgs, schemas.BalanceReportSchema)
def list_balance_reports(args: dict[str, Any]) -> pages.Page[BalanceReport]:
    """opening + in − out = closing of all cards, day by day, and what does not agree"""
    return balance_report.reports(args.get("cursor"), args["limit"])


@office.get("/card-balance-lines")
@office.arguments(schemas.BalanceLinesArgs, location="query")
@office.response(200, schemas.BalanceLinePage)
@office.problems(errors.BalanceReportNotFound, pages.CursorInvalid)
@office.permission("cards.report")
@exported("card_balance_lines", schemas.BalanceLinesArgs, schemas.BalanceLineSchema)
def list_balance_lines(args: dict[str, Any]) -> pages.Page[BalanceLine]:
    """The cards that moved on the day of a report"""
    return balance_report.lines(args["report_id"], args.get("cursor"), args["limit"])
