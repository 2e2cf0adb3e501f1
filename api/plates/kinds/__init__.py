"""The kinds of purchase that are an amount typed at a shop, each a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.malls import service as malls
from api.plates import errors
from api.purchases.baskets import Basket, Line, Seller

#: How an amount can be refused.
AMOUNT_REFUSALS = (
    errors.PlateAmountTooSmall, errors.PlateAmountTooLarge, errors.PlateAmountTooFine, errors.ExcludedPartNotTaken,
    errors.ExcludedPartTooLarge,
)  # fmt: skip
LINE_NAMES = {"消费": "Purchase", "不参与优惠部分": "Part without benefits"}


def at_shop(kind: str, shop_id: int, args: Mapping[str, Any], *, ref: dict[str, Any], remark: str | None = None) -> Basket:
    """An amount at one shop: the purchase, and the part without benefits where one was named."""
    amount_fen, excluded_fen = args["amount_fen"], args["excluded_fen"]
    shop = malls.shop(shop_id)
    seller = Seller(shop_id)
    lines = [Line("消费", amount_fen - excluded_fen, seller, shop.category)] if amount_fen > excluded_fen else []
    if excluded_fen:
        lines.append(Line("不参与优惠部分", excluded_fen, seller, shop.category, takes_benefits=False, earns=False))
    return Basket(kind, ref, shop.name, tuple(lines), remark)
