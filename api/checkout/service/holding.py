"""An order holds what it uses: points are spent and stored value is drawn at once, and both come back when the order is given up.

The hold *is* the taking, so there is no second counter of "reserved" value that could disagree with the ledger.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select

from api.checkout import errors, queries, things
from api.checkout.mix import Tender
from api.checkout.models import Order, OrderLine, OrderShare
from api.checkout.service import telling
from api.checkout.service.quoting import Quote
from api.checkout.states import OrderState
from api.kit import clock, db, states
from api.kit.db import session
from api.malls import service as malls
from api.malls.models import Shop
from api.payments import service as payments
from api.points import service as points
from api.wallet import service as wallet

DIGITS = "0123456789"

_OF_LINE = (OrderShare.order_id == OrderLine.order_id) & (OrderShare.line == OrderLine.line)


def place(quote: Quote, *, member_id: int | None, payer_id: int | None, placed_by: str, pin: str | None = None) -> Order:
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
        expires_at=now + timedelta(minutes=malls.policy().order_minutes),
    )
    session.add(order)
    session.flush()
    db.keep(order)
    _write_lines(order, quote)
    things.of(order).placed(order)
    take(order, [wallet.Drawn(card_id, *parts) for card_id, parts in sorted(quote.drawn.items())])
    return order


def new_number() -> str:
    """An order's number: the mall's day and twelve digits that nobody can guess the next of."""
    return clock.today(malls.mall_info().timezone).strftime("%y%m%d") + "".join(secrets.choice(DIGITS) for _ in range(12))


def _write_lines(order: Order, quote: Quote) -> None:
    """The lines and who pays which share of them. One statement."""
    lines = [
        {"line": number, "shop_id": line.shop_id, "name": line.name, "category": line.category, "amount_fen": line.amount_fen,
         "discountable": line.discountable, "earns": line.earns}
        for number, line in enumerate(quote.basket.lines)
    ]  # fmt: skip
    shares = [{"line": line, "tender": str(tender), "card_id": card, "amount_fen": fen} for line, tender, card, fen in quote.shares]
    arguments = {"order_id": order.id, "lines": json.dumps(lines, ensure_ascii=False), "shares": json.dumps(shares)}
    session.connection().exec_driver_sql(queries.WRITE_LINES, arguments)


def lock_whole(order_id: int) -> tuple[Order, list[OrderLine], list[OrderShare]]:
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
    if order.refunded_fen:
        return order, *content(order_id)
    lines = {row.OrderLine.line: row.OrderLine for row in rows}
    return order, list(lines.values()), [row.OrderShare for row in rows if row.OrderShare is not None]


def content(order_id: int) -> tuple[list[OrderLine], list[OrderShare]]:
    """The lines of an order and who pays what of them, in order. One statement."""
    query = select(OrderLine, OrderShare).outerjoin(OrderShare, _OF_LINE).where(OrderLine.order_id == order_id)
    rows = session.execute(query.order_by(OrderLine.line, OrderShare.id).execution_options(populate_existing=True)).all()
    lines = {line.line: line for line, _ in rows}
    return list(lines.values()), [share for _, share in rows if share is not None]


def shares_of(order_id: int) -> list[OrderShare]:
    """Who pays what of an order, line by line."""
    return content(order_id)[1]


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
    if order.member_id is not None:
        db.alone("value", order.member_id)


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
    telling.moved(order)


def read(order_id: int) -> Order:
    """An order as it is now. OrderNotFound."""
    order = session.get(Order, order_id, populate_existing=True)
    if order is None:
        raise errors.OrderNotFound()
    return order
