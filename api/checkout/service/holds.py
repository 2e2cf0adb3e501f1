"""An order holds what it uses: points are spent and stored value is drawn at once, and both come back when the order is given up.

The hold *is* the taking, so there is no second counter of "reserved" value that could disagree with the ledger.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import insert, select

from api.checkout import errors, queries, things
from api.checkout.mix import Tender
from api.checkout.models import Order, OrderLine, OrderShare
from api.checkout.policy import OrderRules
from api.checkout.service import notifications
from api.checkout.service.quotes import Quote
from api.checkout.states import OrderState
from api.kit import clock, db, records, states
from api.kit.db import session
from api.malls import service as malls
from api.malls.models import Shop
from api.payments import service as payments
from api.payments.models import Payment
from api.points import service as points
from api.wallet import service as wallet

DIGITS = "0123456789"

_OF_LINE = (OrderShare.order_id == OrderLine.order_id) & (OrderShare.line == OrderLine.line)


@dataclass(frozen=True)
class Content:
    """The lines of an order and who pays what of them, in order."""

    lines: Sequence[OrderLine]
    shares: Sequence[OrderShare]


def place(quote: Quote, *, member_id: int | None, payer_id: int | None, placed_by: str, pin: str | None = None) -> tuple[Order, Content]:
    """Write an order down and take what it uses of points and stored value. PinNeeded, PointsTooFew, CardBalanceTooLow, …"""
    if quote.stored_fen and member_id is not None:
        wallet.demand_pin(member_id, quote.stored_fen, pin)
    now, basket = clock.now(), quote.basket
    shops = basket.shop_ids
    order = Order(
        state=str(OrderState.HELD),
        number=new_number(),
        kind=basket.kind,
        ref=basket.ref,
        title=basket.title,
        shop_id=next(iter(shops)) if len(shops) == 1 else None,
        member_id=member_id,
        payer_id=payer_id,
        placed_by=placed_by,
        total_fen=quote.total_fen,
        gateway_fen=quote.gateway_fen,
        points_spent=quote.points,
        told=quote.told(),
        remark=basket.remark,
        made_at=now,
        expires_at=now + timedelta(minutes=malls.policy(OrderRules).order_minutes),
    )
    content = _write(order, quote)
    things.of(order).placed(order)
    take(order, [wallet.Drawn(card_id, *parts) for card_id, parts in sorted(quote.drawn.items())])
    return order, content


def new_number() -> str:
    """An order's number: the mall's day and twelve digits that nobody can guess the next of."""
    return clock.today(malls.mall_info().timezone).strftime("%y%m%d") + "".join(secrets.choice(DIGITS) for _ in range(12))


def _write(order: Order, quote: Quote) -> Content:
    """The order, its lines and who pays which share of them. One statement.

    What comes back is for reading: the rows of lines and shares are not the session's.
    """
    lines = [
        {"line": number, "shop_id": line.shop_id, "name": line.name, "category": line.category, "amount_fen": line.amount_fen,
         "discountable": line.discountable, "earns": line.earns}
        for number, line in enumerate(quote.basket.lines)
    ]  # fmt: skip
    shares = [{"line": line, "tender": str(tender), "card_id": card, "amount_fen": fen} for line, tender, card, fen in quote.shares]
    values = records.new_values(order)
    written = insert(Order).values(**values).returning(Order.id).cte("written")
    records.adopt(order, session.execute(queries.with_lines(written, lines, shares)).scalars().all()[0], values)
    return Content([OrderLine(**line) for line in lines], [OrderShare(**share, refunded_fen=0) for share in shares])


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
    for row in rows:
        db.keep(row.Shop)
    return order, content(order_id) if order.refunded_fen else _content(rows)


def by_number(number: str) -> Order:
    """The order of a number as it is now, its payment at hand. One statement. OrderNotFound."""
    query = select(Order, Payment).outerjoin(Payment, Payment.id == Order.payment_id).where(Order.number == number)
    found = session.execute(query.execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise errors.OrderNotFound()
    order, payment = found
    db.keep(payment)
    return db.keep(order)


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
    for row in rows:
        db.keep(row.Shop)
    db.keep(rows[0].Payment)
    return db.keep(rows[0].Order), _content(rows)


def content(order_id: int) -> Content:
    """The lines of an order and who pays what of them, in order; their shops are at hand. One statement."""
    query = select(OrderLine, OrderShare, Shop).outerjoin(OrderShare, _OF_LINE).outerjoin(Shop, Shop.id == OrderLine.shop_id)
    query = query.where(OrderLine.order_id == order_id).order_by(OrderLine.line, OrderShare.id)
    rows = session.execute(query.execution_options(populate_existing=True)).all()
    for row in rows:
        db.keep(row.Shop)
    return _content(rows)


def _content(rows: Sequence[Any]) -> Content:
    lines = {row.OrderLine.line: row.OrderLine for row in rows}
    return Content(list(lines.values()), [row.OrderShare for row in rows if row.OrderShare is not None])


def shares_of(order_id: int) -> list[OrderShare]:
    """Who pays what of an order, line by line."""
    return list(content(order_id).shares)


def lines_of(order_id: int) -> list[OrderLine]:
    """The lines of an order."""
    return list(session.scalars(select(OrderLine).where(OrderLine.order_id == order_id).order_by(OrderLine.line)))


def lock(order_id: int) -> Order:
    """The order, held until the unit of work ends. OrderNotFound."""
    order = session.get(Order, order_id, populate_existing=True, with_for_update=True)
    if order is None:
        raise errors.OrderNotFound()
    return order


def lock_paid(order: Order) -> Order:
    """The order and the payment that paid it, held in the one order of locks: payment, then order."""
    payments.hold_all(order.id)
    return lock(order.id)


def cause(order: Order) -> str:
    """What the value that an order holds is held for: the order, and the how-manyth time."""
    return f"{order.id}:{order.holds}"


def drawn(shares: Sequence[OrderShare]) -> list[wallet.Drawn]:
    """What shares take of each card."""
    cards: dict[int, list[int]] = {}
    for share in shares:
        if share.card_id is not None:
            cards.setdefault(share.card_id, [0, 0])[share.tender == Tender.BONUS] += share.amount_fen
    return [wallet.Drawn(card_id, principal, bonus) for card_id, (principal, bonus) in cards.items()]


def take(order: Order, cards: Sequence[wallet.Drawn]) -> None:
    """Take the points and stored value that an order uses."""
    if order.member_id is None or not (order.points_spent or cards):
        return
    alone(order)
    if order.points_spent:
        points.spend(order.member_id, order.points_spent, cause_type="order", cause_id=cause(order))
    if cards:
        wallet.draw(order.member_id, cards, cause_type="order_hold", cause_id=cause(order), shop_id=order.shop_id)


def alone(order: Order) -> None:
    """Before value moves: one member's purchases, refunds and cancellations come one after the other, so that none waits crosswise."""
    db.hold_locks(locks(order))


def locks(order: Order) -> list[db.Lock]:
    """The lock that `alone` takes; none for an order of nobody known."""
    return [db.lock_of("value", order.member_id)] if order.member_id is not None else []


def free(order: Order) -> None:
    """Give back everything that an order holds; again changes nothing."""
    alone(order)
    if order.points_spent:
        points.give_back("order", cause(order), refund_type="order_release", refund_id=cause(order))
    if any(share.card_id is not None for share in shares_of(order.id)):
        wallet.release("order_hold", cause(order), undo_type="order_release_card", undo_id=cause(order))


def close(order: Order, *, by: str, reason: str) -> None:
    """Close a locked, held order: everything it holds is free again."""
    free(order)
    states.move(order, OrderState.CLOSED, by=by, reason=reason)
    things.of(order).closed(order)
    notifications.moved(order)


def read(order_id: int) -> Order:
    """An order as it is now. OrderNotFound."""
    order = session.get(Order, order_id, populate_existing=True)
    if order is None:
        raise errors.OrderNotFound()
    return order
