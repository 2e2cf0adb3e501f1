"""Orders as they are shown: to who paid, to the shop they were paid to, and to the mall's staff."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from api.checkout import errors
from api.checkout.mix import Tender
from api.checkout.models import Order, OrderLine, OrderPart, OrderRefund, OrderShare
from api.checkout.service import invoices as invoicing
from api.checkout.service import orders
from api.checkout.service import refunds as refunding
from api.checkout.service.orders import Content
from api.checkout.service.payers import Who
from api.checkout.shares import by_source
from api.checkout.states import OrderState
from api.checkout.tenders import tender_of
from api.checkout.tenders.base import Sentence, ShownOrder, TenderRules, two
from api.kit import clock, pages
from api.kit.db import session
from api.malls import service as malls
from api.payments import service as payments
from api.payments.models import Payment
from api.payments.models import Refund as GatewayRefund
from api.payments.states import PaymentState
from api.payments.states import RefundState as GatewayRefundState
from api.purchases.registry import OnPhone, kind_of


def shop_of(payment: Payment) -> int | None:
    """The shop that a payment was for; None where it was for several, or for the mall itself. One statement."""
    return session.scalar(select(Order.shop_id).where(Order.id == payment.order_id))


@dataclass(frozen=True)
class LineLeft:
    """A line of an order with what has not come back of it."""

    line: OrderLine
    left_fen: int

    def __getattr__(self, name: str) -> Any:
        return getattr(self.line, name)


@dataclass(frozen=True)
class RefundInParts:
    """A refund with what gives how much of it back."""

    refund: Any
    given_by: list[dict[str, Any]]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.refund, name)


@dataclass(frozen=True)
class View:
    """An order with everything that belongs to it."""

    order: Order
    content: Content
    parts: Sequence[OrderPart]
    refunds: Sequence[Any]
    payment: Payment | None
    returned: Sequence[GatewayRefund] = ()  # money that arrived for it, and went back because it was given up

    def __getattr__(self, name: str) -> Any:
        return getattr(self.order, name)

    @property
    def on_phone(self) -> OnPhone:
        """How the phone goes on from it."""
        return kind_of(self.order.kind).on_phone

    @property
    def lines(self) -> Sequence[OrderLine]:
        """What was bought."""
        return self.content.lines

    @property
    def lines_left(self) -> list[LineLeft]:
        """What was bought, with what has not come back of it."""
        left = dict.fromkeys((line.line for line in self.content.lines), 0)
        for share in self.content.shares:
            left[share.line] += share.left_fen
        return [LineLeft(line, left[line.line]) for line in self.content.lines]

    @property
    def sentences(self) -> list[dict[str, Any]]:
        """What the shopper agreed to, line by line."""
        return list(self.order.agreed_terms["sentences"])

    @property
    def points(self) -> int | None:
        """What the purchase earned in all; None while nobody is known to give points to."""
        known = [part.points for part in self.parts if part.points is not None]
        return sum(known) if known else None

    @property
    def points_taken(self) -> int:
        """How many of them refunds took back."""
        return sum(refund.points_taken for refund in self.refunds)

    @property
    def points_from_at(self) -> datetime | None:
        """When the last of its points can be spent; None when it earned none."""
        return max((part.points_from_at for part in self.parts if part.points_from_at), default=None)

    @property
    def explanations(self) -> list[Any]:
        """Why it earned so much, a sentence a tenant."""
        return [part.explanation for part in self.parts if part.explanation]

    @property
    def tenders(self) -> list[dict[str, Any]]:
        """What each tender paid, and how much of that came back."""
        shares = self.content.shares
        back = by_source((share, share.refunded_fen) for share in shares)
        return [
            {
                "tender": tender,
                "source_id": source_id,
                "title": tender_of(tender).share_title(tender, self),
                "amount_fen": amount,
                "refunded_fen": back[tender, source_id],
            }
            for (tender, source_id), amount in by_source((share, share.amount_fen) for share in shares).items()
        ]

    @property
    def refunds_in_parts(self) -> list[RefundInParts]:
        """What was asked back of it, each with what gives how much of that back."""
        return [RefundInParts(refund, given_by(refund, self, self.content.shares)) for refund in self.refunds]

    @property
    def tenders_by_name(self) -> list[dict[str, Any]]:
        """`tenders`, each with what staff call its source: a card by its masked number."""
        return with_source_names(self.tenders)

    @property
    def invoices(self) -> list[invoicing.Invoiceable]:
        """What each seller invoices of it; nothing before it is paid, nothing that came back."""
        return invoicing.of(self.order, self.content) if self.order.paid_at is not None else []

    @property
    def payment_state(self) -> str | None:
        """Where the wallet's payment stands."""
        return self.payment.state if self.payment else None

    @property
    def payment_refusal(self) -> str | None:
        """Why the wallet refused to pay, in a word; None where it did not."""
        return self.payment.trouble if self.payment and self.payment.state == PaymentState.FAILED else None

    @functools.cached_property
    def refundable(self) -> refunding.Refundable:
        """What a refund could give back just now."""
        return refunding.refundable(self.order, self.content)

    @property
    def history(self) -> list[dict[str, Any]]:
        """Every move of the order, oldest first."""
        table = Order.moves_table
        rows = session.execute(select(table).where(table.c.order_id == self.order.id).order_by(table.c.seq))
        return [{"from": row.from_state, "to": row.to_state, "reason": row.reason, "by": row.moved_by, "at": row.moved_at} for row in rows]


def given_by(refund: Any, order: ShownOrder, shares: Iterable[OrderShare]) -> list[dict[str, Any]]:
    """What each source of these shares gives back by a refund; while it waits, as it was divided when it was asked for."""
    by_id = {share.id: share for share in shares}
    back = by_source((by_id[share_id], fen) for share_id, fen in refund.allocations if share_id in by_id)
    return [
        {
            "tender": tender,
            "source_id": source_id,
            "title": tender_of(tender).share_title(tender, order),
            "amount_fen": fen,
            "sentence": tender_of(tender).back_sentence(tender, order, refund, fen),
        }
        for (tender, source_id), fen in back.items()
    ]


def with_source_names(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of tenders with what staff call their sources. A statement for a tender that has several."""
    named: dict[tuple[TenderRules, int], str] = {}
    for rules in {tender_of(row["tender"]) for row in rows}:
        ids = {row["source_id"] for row in rows if row["source_id"] is not None and tender_of(row["tender"]) is rules}
        named |= {(rules, source_id): name for source_id, name in (rules.source_names(ids) if ids else {}).items()}
    return [row | {"source": named.get((tender_of(row["tender"]), row["source_id"]))} for row in rows]


def view(order: Order, content: Content | None = None) -> View:
    """An order with its lines, shares, parts and refunds; `content` where its lines and shares are known. At most three statements,
    one more of an order that was given up after its payment had begun.
    """
    known = content or orders.content(order.id)
    # Before it is paid, no tenant has a part of it and nothing comes back.
    parts, refunds = orders.parts_and_refunds(order.id) if order.paid_at is not None else ([], [])
    payment = payments.read(order.payment_id) if order.payment_id else None
    closed_with_payment = order.state == OrderState.CLOSED and payment is not None
    returned = payments.refunds_of_order(order.id) if closed_with_payment else []
    return View(order, known, parts, refunds, payment, [refund for refund in returned if refund.state != GatewayRefundState.DROPPED])


def orders_of(who: Who, *, cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT) -> pages.Page[Order]:
    """Somebody's own orders, newest first."""
    own = Order.member_id == who.member_id if who.member_id is not None else Order.payer_id == who.payer_id
    return pages.page(select(Order).where(own), Order.id, cursor=cursor, limit=limit)


@dataclass(frozen=True)
class ShopPayment:
    """One line of a shop's feed."""

    number: str
    kind: str
    state: str
    title: str
    amount_fen: int
    refunded_fen: int
    channel: str | None
    paid_by: Sentence
    points: int | None
    points_taken: int
    remark: str | None
    at: datetime


@dataclass(frozen=True)
class _Paid:
    """What paid a shop's lines of an order, as the shop is told it."""

    channel: str | None
    points_spent: int = 0  # the number of points is not the shop's to know


@dataclass(frozen=True)
class _PaidLines:
    """What was paid of a shop's lines of an order: by which tenders, and how much of it came back."""

    tenders: Sequence[Tender] = ()
    refunded_fen: int = 0

    def in_words(self, channel: str | None) -> Sentence:
        """Everything that paid: 微信支付 + 储值本金 + 积分抵扣."""
        titles = [tender_of(tender).share_title(tender, _Paid(channel)) for tender in self.tenders]
        return two(" + ".join(title["zh"] for title in titles), " + ".join(title["en"] for title in titles))


def of_shop(shop_id: int, on: date | None = None, *, cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT) -> pages.Page[Any]:
    """The payments of a shop, newest first, of one day of the mall's own or of all."""
    query = select(OrderPart).where(OrderPart.shop_id == shop_id)
    if on is not None:
        timezone = malls.mall_info().timezone
        begins, ends = clock.midnight(on, timezone), clock.midnight(on + timedelta(days=1), timezone)
        query = query.where(OrderPart.paid_at >= begins, OrderPart.paid_at < ends)
    page = pages.page(query, OrderPart.paid_at, OrderPart.id, cursor=cursor, limit=limit)
    paid = {order.id: order for order in session.scalars(select(Order).where(Order.id.in_([part.order_id for part in page.items])))}
    paid_lines = _paid_lines(paid, shop_id)
    taken = _points_taken([order.id for order in paid.values() if order.shop_id == shop_id and order.refunded_fen])
    lines = [_line(part, paid[part.order_id], paid_lines[part.order_id], taken.get(part.order_id, 0)) for part in page.items]
    return pages.Page(lines, page.next_cursor)


def _paid_lines(order_ids: Collection[int], shop_id: int) -> dict[int, _PaidLines]:
    query = (
        select(OrderShare.order_id, OrderShare.tender, func.sum(OrderShare.refunded_fen))
        .join(OrderLine, (OrderLine.order_id == OrderShare.order_id) & (OrderLine.line == OrderShare.line))
        .where(OrderShare.order_id.in_(order_ids), OrderLine.shop_id == shop_id)
        .group_by(OrderShare.order_id, OrderShare.tender)
    )
    by_order: dict[int, dict[Tender, int]] = {order_id: {} for order_id in order_ids}
    for order_id, tender, refunded_fen in session.execute(query):
        by_order[order_id][Tender(tender)] = int(refunded_fen)
    return {
        order_id: _PaidLines(sorted(refunded, key=lambda tender: tender.place), sum(refunded.values()))
        for order_id, refunded in by_order.items()
    }


def _points_taken(order_ids: Collection[int]) -> dict[int, int]:
    """How many earned points refunds of these orders took back. No statement where none was refunded."""
    if not order_ids:
        return {}
    query = select(OrderRefund.order_id, func.sum(OrderRefund.points_taken)).where(OrderRefund.order_id.in_(order_ids))
    return {order_id: int(taken) for order_id, taken in session.execute(query.group_by(OrderRefund.order_id))}


def _line(part: OrderPart, order: Order, paid_lines: _PaidLines, points_taken: int) -> ShopPayment:
    return ShopPayment(
        order.number, order.kind, order.state, order.title, part.paid_fen, paid_lines.refunded_fen, order.channel,
        paid_lines.in_words(order.channel), part.points, points_taken, order.remark, part.paid_at,
    )  # fmt: skip


def for_shop(number: str, shop_id: int) -> Order:
    """An order that a shop may see: one paid to it, or placed at its counter. OrderNotFound."""
    order = orders.by_number(number)
    if order.shop_id != shop_id and shop_id not in {part.shop_id for part in orders.parts_of(order.id)}:
        raise errors.OrderNotFound()
    return order


def of_mall(
    *,
    state: str | None = None,
    kind: str | None = None,
    shop_id: int | None = None,
    member_id: int | None = None,
    number: str | None = None,
    order_id: int | None = None,
    cursor: str | None = None,
    limit: int = pages.DEFAULT_LIMIT,
) -> pages.Page[Order]:
    """Orders of the mall, newest first."""
    wanted = {"state": state, "kind": kind, "shop_id": shop_id, "member_id": member_id, "number": number, "id": order_id}
    query = select(Order).filter_by(**{name: value for name, value in wanted.items() if value is not None})
    return pages.page(query, Order.id, cursor=cursor, limit=limit)
