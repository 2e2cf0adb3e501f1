"""A kind of purchase that only tests sell: goods of several sellers, the mall among them, out of a stock that can run out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from marshmallow import fields

from api.kit import http
from api.kit.errors import Conflict
from api.purchases import registry
from api.purchases.baskets import Basket, Buyer, Line, Purchase, Refund, Seller

NAME = "stall"


class StallSoldOut(Conflict):
    """The stall has sold everything."""


class StallGoodArgs(http.Schema):
    """One good; without a shop the mall sells it."""

    shop_id = fields.Integer(load_default=None, allow_none=True)
    fen = http.fen(required=True)


class StallPurchaseArgs(http.Schema):
    """Goods of the stall."""

    goods = fields.List(fields.Nested(StallGoodArgs), required=True)


@dataclass
class Stall:
    """What is left, which orders hold some of it, and what the hooks were told."""

    left: int = 10
    held: set[int] = field(default_factory=set)
    paid: list[Purchase] = field(default_factory=list)
    refunds: list[tuple[Purchase, Refund]] = field(default_factory=list)

    def basket(self, args: Mapping[str, Any], buyer: Buyer) -> Basket:
        lines = tuple(
            Line(f"货 {number}", good["fen"], Seller(good["shop_id"]), "百货", item_ref=f"good-{number}", list_fen=good["fen"] + 100)
            for number, good in enumerate(args["goods"])
        )
        return Basket(NAME, {"goods": len(lines)}, "小摊", lines)

    reserve_again: Callable[[Purchase], None] | None = None

    def reserve(self, purchase: Purchase) -> None:
        if self.reserve_again is not None:
            self.reserve_again(purchase)
        if not self.left:
            raise StallSoldOut()
        self.left -= 1
        self.held.add(purchase.order_id)

    def closed(self, purchase: Purchase) -> None:
        self.held.discard(purchase.order_id)
        self.left += 1


@contextmanager
def open_stall() -> Iterator[Stall]:
    """The kind, known for as long as this is open."""
    stall = Stall()
    kind = registry.PurchaseKind(
        NAME,
        title={"zh": "小摊", "en": "Stall"},
        args=StallPurchaseArgs,
        basket=stall.basket,
        reserve_refusals=(StallSoldOut,),
        sale_channel="stall",
        reserve=stall.reserve,
        paid=stall.paid.append,
        refunding=lambda purchase, refund: stall.refunds.append((purchase, refund)),
        closed=stall.closed,
        line_names={"小摊": "Stall"},
    )
    registry.register(kind)
    try:
        yield stall
    finally:
        registry.unregister(NAME)
