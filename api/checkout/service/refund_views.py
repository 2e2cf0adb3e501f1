"""Refunds as the mall's staff see them: of which order, asked for by whom, what pays how much back, and whether it can still be given."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from api.checkout.models import Order, OrderRefund
from api.checkout.service import orders, refunds, views
from api.checkout.service.orders import Content
from api.kit import pages
from api.kit.db import session
from api.staff import service as staff


@dataclass(frozen=True)
class RefundRow:
    """A refund with its order and the names of who asked and who decided, where they are staff."""

    refund: OrderRefund
    order: Order
    names: Mapping[str, str]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.refund, name)

    @property
    def kind(self) -> str:
        """What kind of purchase it was."""
        return self.order.kind

    @property
    def title(self) -> str:
        """What was bought."""
        return self.order.title

    @property
    def asked_by_name(self) -> str | None:
        """Who asked, by name; None: no person of the staff."""
        return self.names.get(self.refund.asked_by)

    @property
    def decided_by_name(self) -> str | None:
        """Who decided, by name."""
        return self.names.get(self.refund.decided_by or "")


@dataclass(frozen=True)
class WholeRefund(RefundRow):
    """A refund with what pays how much back."""

    content: Content

    @property
    def given_by(self) -> list[dict[str, Any]]:
        """What each tender gives back."""
        return views.with_source_names(views.given_by(self.refund, self.order, self.content.shares))

    @property
    def left_fen(self) -> int:
        """What is left of what it asks for, as it stands now."""
        return self._left.fen

    @property
    def can_be_given(self) -> bool:
        """Whether what is left covers it, or, where only the whole comes back, is the same."""
        return self.refund.amount_fen == self._left.fen if self._left.as_a_whole else self.refund.amount_fen <= self._left.fen

    @functools.cached_property
    def _left(self) -> refunds.Refundable:
        asked = self.refund.asked["lines"]
        shares = [share for share in self.content.shares if asked is None or share.line in asked]
        return refunds.refundable(self.order, Content(self.content.lines, shares))


def of_mall(*, state: str | None = None, cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT) -> pages.Page[RefundRow]:
    """Refunds of the mall, newest first. Three statements."""
    query = select(OrderRefund)
    if state is not None:
        query = query.where(OrderRefund.state == state)
    page = pages.page(query, OrderRefund.id, cursor=cursor, limit=limit)
    paid = _orders([refund.order_id for refund in page.items])
    names = _names(page.items)
    return pages.Page([RefundRow(refund, paid[refund.order_id], names) for refund in page.items], page.next_cursor)


def _orders(order_ids: Collection[int]) -> dict[int, Order]:
    return {order.id: order for order in session.scalars(select(Order).where(Order.id.in_(order_ids)))}


def _names(shown: Sequence[OrderRefund]) -> dict[str, str]:
    return staff.names_of({who for refund in shown for who in (refund.asked_by, refund.decided_by) if who})


def whole(number: str) -> WholeRefund:
    """A refund with everything that whoever decides has to see. OrderRefundNotFound."""
    refund = refunds.by_number(number)
    order = orders.read(refund.order_id)
    return WholeRefund(refund, order, _names([refund]), orders.content(order.id))
