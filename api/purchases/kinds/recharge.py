"""A recharge of stored value (充值) by one of the mall's packages: the mall itself sells it, and only new money pays for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, validate

from api.kit import http
from api.purchases.baskets import Basket, Buyer, Line, Purchase, Refund
from api.purchases.errors import MembershipNeeded
from api.purchases.registry import OnPhone, PurchaseKind, register
from api.wallet import errors
from api.wallet import service as wallet
from api.wallet.models import AT_SALE

NAME = "recharge"
TITLE = {"zh": "储值卡充值", "en": "Stored-value recharge"}
AT_USE = ("充值的 ¥{} 在消费时由商户开票", "¥{} of stored value is invoiced by the shops where it is used")
PACKAGE_REFUSALS = (errors.PackageNotFound, errors.PackageClosed, errors.PackageLimitReached)


class RechargePurchaseArgs(http.Schema):
    """A package, and the card it is to go on."""

    package_id = fields.Integer(validate=validate.Range(1, 2**63 - 1), required=True)
    card_id = fields.Integer(
        validate=validate.Range(1, 2**63 - 1), load_default=None, allow_none=True, metadata={"description": "null: the member's own card"}
    )


def _basket(args: Mapping[str, Any], buyer: Buyer) -> Basket:
    if buyer.member_id is None:
        raise MembershipNeeded()
    package = wallet.package(args["package_id"])
    wallet.refuse_recharge(buyer.member_id, package.pays_fen, card_id=args["card_id"], package_id=package.id)
    ref = {"package_id": package.id, "card_id": args["card_id"], "pays_fen": package.pays_fen, "bonus_fen": package.bonus_fen}
    return Basket(NAME, ref, TITLE["zh"], (Line(TITLE["zh"], package.pays_fen, takes_benefits=False, earns=False),))


def _member(purchase: Purchase) -> int:
    assert purchase.member_id is not None
    return purchase.member_id


def _reserve(purchase: Purchase) -> None:
    wallet.reserve_package(purchase.order_id, _member(purchase), purchase.ref["package_id"])


def _paid(purchase: Purchase) -> None:
    ref = purchase.ref
    wallet.recharge(
        purchase.order_id,
        _member(purchase),
        card_id=ref["card_id"],
        principal_fen=ref["pays_fen"],
        bonus_fen=ref["bonus_fen"],
        package_id=ref["package_id"],
        gateway_account_id=purchase.merchant_account_id,
    )


def _refundable(purchase: Purchase) -> int:
    return wallet.preview_recharge_refund(purchase.order_id).principal_fen


def _refunding(purchase: Purchase, refund: Refund) -> None:
    taken = wallet.refund_recharge(purchase.order_id, cause_id=refund.refund_id)
    if taken.principal_fen != refund.amount_fen:
        raise errors.RechargeSpent()


def _closed(purchase: Purchase) -> None:
    wallet.free_package(purchase.order_id)


def _not_invoiced(purchase: Purchase) -> tuple[str, str] | None:
    recharged = wallet.recharge_of(purchase.order_id)
    return AT_USE if recharged is None or recharged.invoice != AT_SALE else None


KIND = register(
    PurchaseKind(
        NAME,
        title=TITLE,
        args=RechargePurchaseArgs,
        basket=_basket,
        refusals=(MembershipNeeded, *PACKAGE_REFUSALS, errors.CardLimitExceeded),
        reserve_refusals=PACKAGE_REFUSALS,
        refund_refusals=(errors.RechargeNotFound, errors.RechargeSpent),
        only_new_money=True,
        reserve=_reserve,
        paid=_paid,
        refundable=_refundable,
        refunding=_refunding,
        closed=_closed,
        not_invoiced=_not_invoiced,
        line_names={TITLE["zh"]: TITLE["en"], "储值": "Stored value"},
        on_phone=OnPhone("recharge", {"zh": "充值成功", "en": "Recharged"}, "wallet", {"zh": "查看储值", "en": "See stored value"}),
    )
)
