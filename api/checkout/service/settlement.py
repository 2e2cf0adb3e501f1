"""A paid order, top to bottom: the order moves, the sellers' cash is booked, each tenant gets its sale, the member the points.

Locks: the payment first (payments holds it when it calls), then the order, then sales, then accounts.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import func, insert, select

from api.checkout.models import Order, OrderPart
from api.checkout.service import holds, notifications, orders, partner_events, postings
from api.checkout.service.orders import Content
from api.checkout.states import OrderState
from api.checkout.tenders import by_tender
from api.checkout.tenders.base import Cell
from api.kit import clock, db, logs, states
from api.kit.db import session
from api.kit.errors import Problem
from api.members import service as members
from api.payments import service as payments
from api.payments.models import Payment
from api.points import service as points
from api.purchases.registry import kind_of
from api.sales import service as sales

log = logs.get(__name__)

#: What is written of a tenant's part.
PART = ("order_id", "shop_id", "paid_fen", "paid_at", "sale_id", "sighting_id", "points", "points_from_at", "explanation")


def settle_payment(payment: Payment) -> None:
    """Money of an order has arrived: settle it, revive it when it had been given up, or give the money back and say so."""
    order, content = orders.lock_whole(payment.order_id)
    match _meaning(order, payment):
        case Arrival.PAYS:
            if not kind_of(order.kind).paid_may_refuse:
                settle(order, payment, content)
            elif not _do_or_undo(order, lambda: settle(order, payment, content)):
                holds.close(order, orders.content(order.id), by="system", reason="its goods could not be given")
                _return_money(order, payment, "refused")
        case Arrival.REVIVES:
            if _do_or_undo(order, lambda: _revive(order, payment, content)):
                notifications.revived(order)
            else:
                _return_money(order, payment, "late")
        case Arrival.RETURNS:
            _return_money(order, payment, "late" if order.state == OrderState.CLOSED else "paid_twice")
        case Arrival.KNOWN:
            pass


class Arrival(StrEnum):
    """What money that arrived means for its order."""

    PAYS = "pays"
    REVIVES = "revives"  # the order had been given up
    RETURNS = "returns"  # it is not the order's any more, or another sum
    KNOWN = "known"  # the order was paid by it before


def _meaning(order: Order, payment: Payment) -> Arrival:
    if payment.amount_fen == order.gateway_fen:
        if order.state == OrderState.HELD:
            return Arrival.PAYS
        if order.state == OrderState.CLOSED:
            return Arrival.REVIVES
    return Arrival.KNOWN if order.payment_id == payment.id and order.paid_at is not None else Arrival.RETURNS


def _do_or_undo(order: Order, work: Callable[[], None]) -> bool:
    """Do all of it, or (False) nothing of it when any of it refuses."""
    orders.hold_member(order)
    try:
        with db.savepoint():
            work()
    except Problem as refusal:
        log.warning("the money of an order goes back", order_id=order.id, problem=refusal.slug())
        session.refresh(order)
        return False
    return True


def _revive(order: Order, payment: Payment, content: Content) -> None:
    """Take again what a closed order used, reserve its goods again and settle it. The refusals of its kind, its tenders and its member."""
    if order.member_id is not None:
        members.hold(order.member_id)
    order.hold_count += 1
    session.flush()
    holds.acquire(order, content, again=True)
    states.move(order, OrderState.HELD, by="system", reason="money arrived after closing")
    settle(order, payment, content)


def _return_money(order: Order, payment: Payment, why: str) -> None:
    payments.intend_refund(payment.id, amount_fen=payment.amount_fen, reason=why, cause_type="late_money", cause_id=payment.id)
    notifications.money_returned(order, payment, why)
    partner_events.money_arrived(order, payment)


def settle_by_value(order: Order) -> None:
    """Settle an order that needs no new money."""
    settle(order, None, orders.content(order.id))


def settle(order: Order, payment: Payment | None, content: Content) -> None:
    """Settle a held order that is paid, by the payment or (None) by value alone."""
    paid_at = (payment.paid_at if payment else None) or clock.now()
    if order.member_id is None and payment is not None:
        _identify_member(order, payment)
    kind = kind_of(order.kind)
    shop_ids = content.shop_ids if kind.sale_channel else []
    # One member's purchases come one after the other, and so do the sightings of one shop. One statement.
    db.hold_locks([*orders.of_member_locks(order), *(sales.sighting_lock(shop_id) for shop_id in shop_ids)])
    paid: dict[str, Any] = {"paid_at": paid_at, "member_id": order.member_id}
    if payment is not None:
        paid |= {"payment_id": payment.id, "channel": payment.channel}
    states.move(order, OrderState.PAID, by="system", reason="paid", **paid)
    account = payments.account(payment.account_id) if payment else None
    _record_bearers(order, content)
    cells = postings.paid_cells(content)
    postings.book(content, cells, account, cause=("order_settle", order.id))
    parts = _record_sales(order, content, cells, payment, kind.sale_channel, paid_at) if kind.sale_channel else []
    days = [(part, _write_part(part)) for part, _ in parts]
    kind.paid(orders.purchase(order, content, merchant_account_id=account.id if account else None))
    notifications.paid(order, days)
    partner_events.paid(order, payment, parts)


def _identify_member(order: Order, payment: Payment) -> None:
    """A cashier's charge learns from the wallet who paid: a member by that identity gets the points."""
    if payment.payer_subject:
        account = payments.account(payment.account_id)
        order.member_id = members.by_identity(payment.channel, account.sub_app_id or account.app_id, payment.payer_subject)


def _record_bearers(order: Order, content: Content) -> None:
    """Write down who bears each benefit, to the fen; a share that said so when it was placed keeps it."""
    for rules, shares in by_tender(content.shares):
        open_shares = [share for share in shares if not share.bearers]
        for share, bearers in zip(open_shares, rules.bearers(order, open_shares), strict=True) if open_shares else ():
            if bearers:
                share.bearers = bearers


def close_with_payment(payment: Payment) -> None:
    """A payment cannot be paid any more: an order that ran out, or that only this code could pay, is given up with it."""
    order = orders.lock(payment.order_id)
    is_current = order.payment_id == payment.id and order.state == OrderState.HELD
    if is_current and (payment.kind == "auth_code" or order.expires_at <= clock.now()):
        holds.close(order, orders.content(order.id), by="system", reason=payment.trouble or "expired")


def _record_sales(
    order: Order, content: Content, cells: list[Cell], payment: Payment | None, channel: str, paid_at: datetime
) -> list[tuple[OrderPart, bool]]:
    """One sale for each tenant, then the points of each: whoever holds a member's account waits for no shop.

    Beside each part: whether its sale was not known before.
    """
    parts = []
    for shop_id in content.shop_ids:
        lines = content.of_seller(shop_id)
        own_cells = [cell for cell in cells if cell.share.line in lines]
        paid_fen = sum(line.net_fen for line in lines.values())
        seen = sales.record_sighting(
            channel=channel,
            source_type=f"order:{shop_id}",
            source_id=order.id,
            shop_id=shop_id,
            member_id=order.member_id,
            paid_at=paid_at,
            paid_fen=paid_fen,
            receipt_no=None,
            external_no=payment.gateway_no if payment else order.number,
            tenders=postings.sale_tenders(own_cells, order.channel),
            earning_fen=postings.earning_fen(lines, own_cells),
            claims=True,
        )
        part = OrderPart(
            order_id=order.id, shop_id=shop_id, paid_fen=paid_fen, paid_at=paid_at, sale_id=seen.sale_id, sighting_id=seen.sighting_id
        )
        parts.append((part, seen))
    if order.member_id is not None:
        for part, seen in parts:
            if seen.is_new_sale:
                _copy_award(part, points.earn_claimed(sales.recorded(seen), by="checkout"))
            else:
                score(part, order.member_id)
    return [(part, seen.is_new_sale) for part, seen in parts]


def _write_part(part: OrderPart) -> notifications.Day:
    """Write a tenant's part down, and read the tenant's day back with it. One statement."""
    on, begins, ends = notifications.day_around(part.paid_at)
    earlier = (OrderPart.shop_id == part.shop_id) & (OrderPart.paid_at >= begins) & (OrderPart.paid_at < ends)
    values = {name: getattr(part, name) for name in PART}
    made = insert(OrderPart).values(**values)
    count, total = select(func.count()).where(earlier), select(func.coalesce(func.sum(OrderPart.paid_fen), 0)).where(earlier)
    row = session.execute(made.returning(count.scalar_subquery(), total.scalar_subquery())).one()
    return notifications.Day(on, int(row[0]) + 1, int(row[1]) + part.paid_fen)


def score(part: OrderPart, member_id: int) -> None:
    """Let a tenant's part of an order earn its points, unless another sighting of the same purchase was first."""
    sale = sales.claim(part.sale_id, part.sighting_id, member_id)
    if sale is None:
        part.points = 0
        part.explanation = {"zh": "这笔消费已积过分", "en": "This purchase has been scored already"}
        return
    _copy_award(part, points.earn(sale.id, by="checkout"))


def _copy_award(part: OrderPart, award: points.Award) -> None:
    part.points, part.explanation = award.points, award.explanation
    part.points_from_at = award.active_from_at if award.points else None
