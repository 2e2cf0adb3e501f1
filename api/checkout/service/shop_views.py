"""An order as one of its shops sees it: the whole where it is the only seller, else its own lines and nothing of the others'."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from api.checkout.models import Order, OrderRefund
from api.checkout.service import views
from api.checkout.service.orders import Content
from api.checkout.tenders import tender_of


@dataclass(frozen=True)
class ShopView(views.View):
    """One shop's part of an order of several sellers."""

    @property
    def total_fen(self) -> int:
        """What its lines cost."""
        return sum(line.net_fen for line in self.content.lines)

    @property
    def gateway_fen(self) -> int:
        """What new money paid of its lines."""
        return sum(share.amount_fen for share in self.content.shares if tender_of(share.tender).is_new_money)

    @property
    def refunded_fen(self) -> int:
        """What came back of its lines."""
        return sum(share.refunded_fen for share in self.content.shares)

    @property
    def points_spent(self) -> int:
        """Points are of the whole order, and not the shop's to know."""
        return 0

    @property
    def sentences(self) -> list[dict[str, Any]]:
        """What was agreed to is of the whole order."""
        return []


@dataclass(frozen=True)
class ShopRefund:
    """What a refund gives back of one shop's lines; what it does to the member's points is not the shop's to know."""

    refund: OrderRefund
    amount_fen: int
    gateway_fen: int
    points_fen: int = 0
    points_back: int = 0
    points_taken: int = 0
    became_debt: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.refund, name)


def view(order: Order, shop_id: int) -> views.View:
    """An order as a shop may see it."""
    whole = views.view(order)
    if order.shop_id == shop_id:
        return whole
    lines = whole.content.of_seller(shop_id)
    own = Content(list(lines.values()), [share for share in whole.content.shares if share.line in lines])
    refunds = [refund for row in whole.refunds if (refund := _of_shop(row, own)).amount_fen]
    return ShopView(order, own, [part for part in whole.parts if part.shop_id == shop_id], refunds, whole.payment)


def _of_shop(refund: OrderRefund, own: Content) -> ShopRefund:
    shares = {share.id: share for share in own.shares}
    cells = [(shares[share_id], fen) for share_id, fen in refund.allocations if share_id in shares]
    new_money = sum(fen for share, fen in cells if tender_of(share.tender).is_new_money)
    return ShopRefund(refund, sum(fen for _, fen in cells), new_money)
