"""An amount that a cashier types, to be paid by the code on the shopper's phone (收款)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.kit import http
from api.plates import service
from api.plates.kinds import AMOUNT_REFUSALS, LINE_NAMES, at_shop
from api.purchases.baskets import Basket, Buyer
from api.purchases.registry import AskedBy, OnPhone, PurchaseKind, register

NAME = "charge"


class ChargePurchaseArgs(http.Schema):
    """An amount that a cashier typed."""

    amount_fen = http.fen(required=True)
    excluded_fen = http.fen(0, load_default=0, metadata={"description": "the part of it that takes part in no benefit"})


def _basket(args: Mapping[str, Any], buyer: Buyer) -> Basket:
    assert buyer.shop_id is not None
    service.check_amount(service.terms_of(buyer.shop_id)[1], args["amount_fen"], args["excluded_fen"])
    return at_shop(NAME, buyer.shop_id, args, ref={})


KIND = register(
    PurchaseKind(
        NAME,
        title={"zh": "收银台收款", "en": "Charge at the till"},
        args=ChargePurchaseArgs,
        basket=_basket,
        refusals=AMOUNT_REFUSALS,
        asked_by=AskedBy.SHOP,
        sale_channel="charge",
        line_names=LINE_NAMES,
        on_phone=OnPhone("pay-code"),
    )
)
