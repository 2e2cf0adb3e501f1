"""An amount that a shopper types at a shop's code plate (码牌)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, validate

from api.kit import http
from api.plates import errors, service
from api.plates.kinds import AMOUNT_REFUSALS, LINE_NAMES, at_shop
from api.purchases.baskets import Basket, Buyer
from api.purchases.registry import OnPhone, PurchaseKind, register

NAME = "plate"


class PlatePurchaseArgs(http.Schema):
    """An amount at a code plate."""

    plate = fields.String(validate=validate.Regexp(r"^[a-z0-9]{8,32}\Z"), required=True, metadata={"description": "the code on the plate"})
    amount_fen = http.fen(required=True)
    excluded_fen = http.fen(0, load_default=0, metadata={"description": "the part of it that takes part in no benefit"})
    remark = fields.String(validate=validate.Length(max=100), load_default=None, allow_none=True)


def _basket(args: Mapping[str, Any], buyer: Buyer) -> Basket:  # noqa: ARG001 - anybody may pay at a plate
    resolved = service.resolve(args["plate"])
    service.check_amount(resolved, args["amount_fen"], args["excluded_fen"])
    ref = {"plate_id": resolved.plate_id, "plate_number": resolved.number}
    return at_shop(NAME, resolved.shop_id, args, ref=ref, remark=args["remark"])


KIND = register(
    PurchaseKind(
        NAME,
        title={"zh": "码牌支付", "en": "Code plate"},
        args=PlatePurchaseArgs,
        basket=_basket,
        refusals=(errors.PlateUnknown, errors.PlateBlank, errors.PlateRetired, errors.PlateShopClosed, *AMOUNT_REFUSALS),
        sale_channel="plate",
        line_names=LINE_NAMES,
        on_phone=OnPhone("scan"),
    )
)
