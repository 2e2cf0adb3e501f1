"""Orders found, read whole and locked: the one place where checkout looks them up.

Lock order: the payments of an order, then the order, then sales, then accounts.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from api.checkout import errors
from api.checkout.models import Order, OrderLine, OrderPart, OrderRefund, OrderShare
from api.kit import clock, db
from api.kit.db import session
from api.malls import service as malls
from api.malls.models import Shop
from api.payments import service as payments
from api.payments.models import Payment
from api.purchases.baskets import Allocation, Purchase, PurchasedLine

DIGITS = "0123456789"

_OF_LINE = (OrderShare.order_id == OrderLine.order_id) & (OrderShare.line == OrderLine.line)


@dataclass(frozen=True)
class Content:
    """The lines of an order and who pays what of them, in order."""

    lines: Sequence[OrderLine]
    shares: Sequence[OrderShare]

    def of_seller(self, shop_id: int | None) -> dict[int, OrderLine]:
        """The lines of one seller by their number; None: of the mall itself."""
        return {line.line: line for line in self.lines if line.shop_id == shop_id}

    @property
    def shop_ids(self) -> list[int]:
        """The shops that sell a line of it, in order of their ids."""
        return sorted({line.shop_id for line in self.lines if line.shop_id is not None})


def new_number() -> str:
    """An order's number: the mall's day and twelve digits that nobody can guess the next of."""
    return clock.today(malls.mall_info().timezone).strftime("%y%m%d") + "".join(secrets.choice(DIGITS) for _ in range(12))


def read(order_id: int) -> Order:
    """An order as it is now. OrderNotFound."""
    return _or_not_found(session.get(Order, order_id, populate_existing=True))


def by_number(number: str) -> Order:
    """The order of a number as it is now, its payment at hand. One statement. OrderNotFound."""
    query = select(Order, Payment).outerjoin(Payment, Payment.id == Order.payment_id).where(Order.number == number)
    row = session.execute(query.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise errors.OrderNotFound()
    db.keep(row.Payment)
    order: Order = db.keep(row.Order)
    return order


def whole(number: str) -> tuple[Order, Content]:
    """The order of a number as it is now, with its lines and shares; its payment and shops are at hand. One statement. OrderNotFound."""
    query = (
        select(Order, Payment, OrderLine, OrderShare, Shop)
        .join(OrderLine, OrderLine.order_id == Order.id)
        .outerjoin(Payment, Payment.id == Order.payment_id)
        .outerjoin(OrderShare, _OF_LINE)
        .outerjoin(Shop, Shop.id == OrderLine.shop_id)
        .where(Order.number == number)
        .order_by(OrderLine.line, OrderShare.id)
    )
    rows = session.execute(query.execution_options(populate_existing=True)).all()
    if not rows:
        raise errors.OrderNotFound()
    db.keep(rows[0].Payment)
    return db.keep(rows[0].Order), _content(rows)


def content(order_id: int) -> Content:
    """The lines of an order and who pays what of them, in order; their shops are at hand. One statement."""
    query = select(OrderLine, OrderShare, Shop).outerjoin(OrderShare, _OF_LINE).outerjoin(Shop, Shop.id == OrderLine.shop_id)
    query = query.where(OrderLine.order_id == order_id).order_by(OrderLine.line, OrderShare.id)
    return _content(session.execute(query.execution_options(populate_existing=True)).all())


def _content(rows: Sequence[Any]) -> Content:
    for row in rows:
        db.keep(row.Shop)
    lines = {row.OrderLine.line: row.OrderLine for row in rows}
    return Content(list(lines.values()), [row.OrderShare for row in rows if row.OrderShare is not None])


def lock(order_id: int) -> Order:
    """The order, held until the unit of work ends. OrderNotFound."""
    return _or_not_found(session.get(Order, order_id, populate_existing=True, with_for_update=True))


def lock_whole(order_id: int) -> tuple[Order, Content]:
    """The order, held until the unit of work ends, with its lines, shares and shops. One statement. OrderNotFound."""
    query = (
        select(Order, OrderLine, OrderShare, Shop)
        .join(OrderLine, OrderLine.order_id == Order.id)
        .outerjoin(Shop, Shop.id == OrderLine.shop_id)
        .outerjoin(OrderShare, _OF_LINE)
        .where(Order.id == order_id)
        .order_by(OrderLine.line, OrderShare.id)
        .with_for_update(of=Order)
    )
    rows = session.execute(query.execution_options(populate_existing=True)).all()
    if not rows:
        raise errors.OrderNotFound()
    # Who waited for the lock sees the order as it is now, but its shares as they were when the statement began: read those again.
    order = db.keep(rows[0].Order)
    return order, content(order_id) if order.refunded_fen else _content(rows)


def lock_with_payments(order: Order) -> tuple[Order, Content]:
    """The order with its payments held before it, and with its lines and shares as they are then. Three statements."""
    payments.hold_all(order.id)
    locked = lock(order.id)
    return locked, content(locked.id)


def _or_not_found(order: Order | None) -> Order:
    if order is None:
        raise errors.OrderNotFound()
    return order


def purchase(order: Order, content: Content, *, merchant_account_id: int | None = None) -> Purchase:
    """An order as its kind sees it."""
    allocations: dict[int, list[Allocation]] = {line.line: [] for line in content.lines}
    for share in content.shares:
        allocations[share.line].append(Allocation(share.tender, share.source_id, share.amount_fen, share.refunded_fen))
    lines = tuple(PurchasedLine(line.line, line.as_line(), tuple(allocations[line.line])) for line in content.lines)
    return Purchase(order.id, order.number, order.kind, order.ref, order.member_id, lines, merchant_account_id)


def parts_of(order_id: int) -> list[OrderPart]:
    """What each tenant got of an order."""
    return list(session.scalars(select(OrderPart).where(OrderPart.order_id == order_id).order_by(OrderPart.id)))


def parts_and_refunds(order_id: int) -> tuple[list[OrderPart], list[OrderRefund]]:
    """What each tenant got of an order, and what was asked back of it, oldest first. One statement."""
    query = (
        select(OrderPart, OrderRefund)
        .select_from(Order)
        .outerjoin(OrderPart, OrderPart.order_id == Order.id)
        .outerjoin(OrderRefund, OrderRefund.order_id == Order.id)
        .where(Order.id == order_id)
        .order_by(OrderPart.id, OrderRefund.id)
    )
    rows = session.execute(query).all()
    parts = {part.id: part for part, _ in rows if part is not None}
    refunds = {refund.id: refund for _, refund in rows if refund is not None}
    return list(parts.values()), list(refunds.values())


def of_member_locks(order: Order) -> list[db.Lock]:
    """The lock under which one member's purchases, refunds and cancellations come one after the other; none where nobody is known."""
    return [db.lock_of("value", order.member_id)] if order.member_id is not None else []


def hold_member(order: Order) -> None:
    """Before value moves: nothing else of the same member moves value meanwhile, so that none waits crosswise."""
    db.hold_locks(of_member_locks(order))
