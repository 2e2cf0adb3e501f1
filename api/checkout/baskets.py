"""The baskets that checkout itself knows: an amount on a code plate, a cashier's charge, a recharge of stored value."""

from __future__ import annotations

from api.checkout import errors
from api.checkout.mix import Line, Tender
from api.checkout.models import Order, OrderRefund
from api.checkout.things import Basket, Kind, add
from api.malls import service as malls
from api.payments import service as payments
from api.plates import service as plates
from api.wallet import service as wallet

PLATE = add(Kind("plate", sale_channel="plate"))
CHARGE = add(Kind("charge", sale_channel="charge"))


def plate(code: str, amount_fen: int, excluded_fen: int = 0, *, remark: str | None = None) -> Basket:
    """An amount typed at a shop's code plate. The refusals of the plate and of the amount"""
    resolved = plates.resolve(code)
    plates.check_amount(resolved, amount_fen, excluded_fen)
    ref = {"plate_id": resolved.plate_id, "plate_number": resolved.number}
    return _at_shop(PLATE.name, resolved.shop_id, amount_fen, excluded_fen, ref, remark)


def charge(shop_id: int, amount_fen: int, excluded_fen: int = 0) -> Basket:
    """An amount that a cashier typed, to be paid by the code on the shopper's phone. The refusals of the amount."""
    plates.check_amount(plates.terms_of(shop_id)[1], amount_fen, excluded_fen)
    return _at_shop(CHARGE.name, shop_id, amount_fen, excluded_fen, {}, None)


def _at_shop(kind: str, shop_id: int, amount_fen: int, excluded_fen: int, ref: dict[str, object], remark: str | None) -> Basket:
    shop = malls.shop(shop_id)
    lines = [Line("消费", amount_fen - excluded_fen, shop_id, shop.category)] if amount_fen > excluded_fen else []
    if excluded_fen:
        lines.append(Line("不参与优惠部分", excluded_fen, shop_id, shop.category, discountable=False, earns=False))
    return Basket(kind, ref, shop.name, tuple(lines), remark)


def recharge(member_id: int | None, package_id: int, card_id: int | None = None) -> Basket:
    """A recharge of a card of the member's, by one of the mall's packages. MembershipNeeded, PackageNotFound, CardLimitExceeded, …"""
    if member_id is None:
        raise errors.MembershipNeeded()
    package = wallet.package(package_id)
    wallet.refuse_recharge(member_id, package.pays_fen, card_id=card_id, package_id=package_id)
    ref = {"package_id": package.id, "card_id": card_id, "pays_fen": package.pays_fen, "bonus_fen": package.bonus_fen}
    return Basket("recharge", ref, "储值", (Line("储值", package.pays_fen, discountable=False, earns=False),))


def _reserve(order: Order) -> None:
    assert order.member_id is not None
    wallet.reserve_package(order.id, order.member_id, order.ref["package_id"])


def _free(order: Order) -> None:
    wallet.free_package(order.id)


def _recharged(order: Order) -> None:
    assert order.member_id is not None
    account = payments.one(order.payment_id).account_id if order.payment_id else None
    wallet.recharge(
        order.id,
        order.member_id,
        card_id=order.ref["card_id"],
        principal_fen=order.ref["pays_fen"],
        bonus_fen=order.ref["bonus_fen"],
        package_id=order.ref["package_id"],
        gateway_account_id=account,
    )


def _unspent(order: Order) -> int:
    return wallet.can_take_out(order.id).principal_fen


def _take_out(order: Order, refund: OrderRefund) -> None:
    wallet.take_out(order.id, cause_id=refund.id)


RECHARGE = add(
    Kind(
        "recharge",
        accepts=frozenset({Tender.GATEWAY}),
        placed=_reserve,
        paid=_recharged,
        comes_back=_unspent,
        refunding=_take_out,
        closed=_free,
    )
)
