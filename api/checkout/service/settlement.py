"""A paid order, top to bottom: the order moves, the tenants' cash is booked, each tenant gets its sale, the member the points.

Locks: the payment first (payments holds it when it calls), then the order, then sales, then accounts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select

from api.checkout import mix, things
from api.checkout.mix import Tender
from api.checkout.models import Order, OrderLine, OrderPart, OrderRefund, OrderShare
from api.checkout.service import holds, notifications, partner_events
from api.checkout.states import OrderState
from api.kit import clock, db, states
from api.kit.db import session
from api.kit.errors import Problem
from api.ledger import service as ledger
from api.ledger.service import Asset, Entry, Owner
from api.malls import service as malls
from api.members import service as members
from api.payments import service as payments
from api.payments.models import MerchantAccount, Payment
from api.points import service as points
from api.sales import service as sales
from api.sales.policy import SalesRules
from api.wallet import service as wallet

#: What is written of a tenant's part.
PART = ("order_id", "shop_id", "paid_fen", "paid_at", "sale_id", "sighting_id", "points", "points_from_at", "explanation")


def settle_payment(payment: Payment) -> None:
    """Money of an order has arrived: settle it, revive it when it had been given up, or give the money back and say so."""
    order, content = holds.lock_whole(payment.order_id)
    if order.state == OrderState.HELD and payment.amount_fen == order.gateway_fen:
        settle(order, payment, content)
    elif order.state == OrderState.CLOSED and payment.amount_fen == order.gateway_fen and _held_again(order, content.shares):
        settle(order, payment, content)
        notifications.revived(order)
    elif order.payment_id == payment.id and order.paid_at is not None:
        return
    else:
        why = "late" if order.state == OrderState.CLOSED else "paid_twice"
        payments.intend_refund(payment.id, amount_fen=payment.amount_fen, reason=why, cause_type="late_money", cause_id=payment.id)
        notifications.money_returned(order, payment, why)
        partner_events.money_arrived(order, payment)


def settle_by_value(order: Order) -> None:
    """Settle an order that points and stored value pay alone."""
    settle(order, None, holds.content(order.id))


def _held_again(order: Order, shares: Sequence[OrderShare]) -> bool:
    """Take once more what a closed order would use; False when it is no longer there."""
    cards = holds.drawn(shares)
    holds.alone(order)
    try:
        with session.begin_nested():
            order.holds += 1
            session.flush()
            holds.take(order, cards)
    except Problem:
        session.refresh(order)
        return False
    states.move(order, OrderState.HELD, by="system", reason="money arrived after closing")
    return True


def settle(order: Order, payment: Payment | None, content: holds.Content) -> None:
    """Settle a held order that is paid, by the payment or (None) by value alone."""
    lines, shares = content.lines, content.shares
    paid_at = (payment.paid_at if payment else None) or clock.now()
    if order.member_id is None and payment is not None:
        _know_the_payer(order, payment)
    kind = things.of(order)
    _alone(order, lines if kind.sale_channel else ())
    paid: dict[str, Any] = {"paid_at": paid_at, "member_id": order.member_id}
    if payment is not None:
        paid |= {"payment_id": payment.id, "channel": payment.channel}
    states.move(order, OrderState.PAID, by="system", reason="paid", **paid)
    account = payments.account(payment.account_id) if payment else None
    _say_who_bears(order, shares)
    book(lines, [(share, share.amount_fen) for share in shares], account, cause=("order_settle", order.id))
    parts = _parts(order, lines, shares, payment, kind.sale_channel, paid_at) if kind.sale_channel else []
    kind.paid(order)
    notifications.paid(order, [(part, _write_part(part)) for part, _ in parts])
    partner_events.paid(order, payment, parts)


def _alone(order: Order, sold: Sequence[OrderLine]) -> None:
    """One member's purchases come one after the other, and so do the sightings of one shop. One statement."""
    shops = sorted({line.shop_id for line in sold if line.shop_id is not None})
    db.hold_locks([*holds.locks(order), *(sales.sighting_lock(shop_id) for shop_id in shops)])


def _know_the_payer(order: Order, payment: Payment) -> None:
    """A cashier's charge learns from the wallet who paid: a member by that identity gets the points."""
    if payment.payer_subject:
        account = payments.account(payment.account_id)
        order.member_id = members.by_identity(payment.channel, account.sub_app_id or account.app_id, payment.payer_subject)


def book(
    lines: Sequence[OrderLine],
    amounts: Sequence[tuple[OrderShare, int]],
    account: MerchantAccount | None,
    *,
    cause: tuple[str, int],
    sign: int = 1,
) -> None:
    """Book what tenants are owed: by the gateway (where it collects for the mall), by the mall for stored value, by who bears a benefit."""
    shops = {line.line: line.shop_id for line in lines}
    entries: list[Entry] = []
    for share, fen in amounts:
        shop_id = shops[share.line]
        if shop_id is None or not fen:
            continue
        for owner, part in _owing(share, fen, account, back=sign < 0):
            entries += [Entry(Owner("shop", shop_id), Asset.CASH_FEN, sign * part), Entry(owner, Asset.CASH_FEN, -sign * part)]
    if any(entry.amount for entry in entries):
        ledger.post(*cause, entries)


def _owing(share: OrderShare, fen: int, account: MerchantAccount | None, *, back: bool) -> list[tuple[Owner, int]]:
    """Who owes the tenant this much of a share. Money paid straight to the shop is owed by nobody."""
    if share.tender == Tender.GATEWAY:
        assert account is not None
        return [(Owner("gateway", account.id), fen)] if account.collects == "mall" else []
    if share.tender == Tender.PRINCIPAL:
        return [(Owner("mall", db.mall()), fen)]
    parts = mix.give_back(fen, [whole - returned for _, _, whole, returned in share.bearers]) if back else [row[2] for row in share.bearers]
    owners = [Owner("bearer", number if kind == "shop" else 0) for kind, number, *_ in share.bearers]
    if back:
        share.bearers = [[kind, number, whole, gone + part] for (kind, number, whole, gone), part in zip(share.bearers, parts, strict=True)]
    return [(owner, part) for owner, part in zip(owners, parts, strict=True) if part]


def _say_who_bears(order: Order, shares: Sequence[OrderShare]) -> None:
    """Write down who bears each benefit, to the fen: points the mall, a bonus whoever gave it (the wallet knows, by card)."""
    bonus = [share for share in shares if share.tender == Tender.BONUS]
    borne: dict[int, list[list[Any]]] = {}
    for one in wallet.bonus_bearers("order_hold", holds.cause(order)) if bonus else ():
        borne.setdefault(one.card_id, []).append(["shop" if one.bearer_id else "mall", one.bearer_id, one.bonus_fen])
    for share in shares:
        if share.tender == Tender.POINTS:
            share.bearers = [["mall", 0, share.amount_fen, 0]]
    for share in bonus:
        share.bearers = _taken(borne[share.card_id or 0], share.amount_fen)


def _taken(left: list[list[Any]], fen: int) -> list[list[Any]]:
    """Take so much from the bearers of a card, one after the other."""
    taken = []
    while fen:
        kind, number, has = left[0]
        part = min(fen, has)
        taken.append([kind, number, part, 0])
        fen, left[0][2] = fen - part, has - part
        if not left[0][2]:
            left.pop(0)
    return taken


def payment_over(payment: Payment) -> None:
    """A payment cannot be paid any more: an order that ran out, or that only this code could pay, is given up with it."""
    order = holds.lock(payment.order_id)
    mine = order.payment_id == payment.id and order.state == OrderState.HELD
    if mine and (payment.kind == "auth_code" or order.expires_at <= clock.now()):
        holds.close(order, by="system", reason=payment.trouble or "expired")


def _parts(
    order: Order, lines: Sequence[OrderLine], shares: Sequence[OrderShare], payment: Payment | None, channel: str, paid_at: datetime
) -> list[tuple[OrderPart, bool]]:
    """One sale for each tenant, then the points of each: whoever holds a member's account waits for no shop.

    Beside each part: whether its sale was not known before.
    """
    parts = []
    for shop_id in sorted({line.shop_id for line in lines if line.shop_id is not None}):
        own = {line.line: line for line in lines if line.shop_id == shop_id}
        mine = [(share, share.amount_fen) for share in shares if share.line in own]
        paid_fen = sum(line.amount_fen for line in own.values())
        seen = sales.sight(
            channel=channel,
            source_type=f"order:{shop_id}",
            source_id=order.id,
            shop_id=shop_id,
            member_id=order.member_id,
            paid_at=paid_at,
            paid_fen=paid_fen,
            receipt_no=None,
            external_no=payment.gateway_no if payment else order.number,
            tenders=_tenders(mine, order.channel),
            earning_fen=earning(own, mine),
            claims=True,
        )
        part = OrderPart(
            order_id=order.id, shop_id=shop_id, paid_fen=paid_fen, paid_at=paid_at, sale_id=seen.sale_id, sighting_id=seen.sighting_id
        )
        parts.append((part, seen))
    if order.member_id is not None:
        for part, seen in parts:
            if seen.is_new_sale:
                _awarded(part, points.earn_claimed(sales.recorded(seen), by="checkout"))
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
    _awarded(part, points.earn(sale.id, by="checkout"))


def _awarded(part: OrderPart, award: points.Award) -> None:
    part.points, part.explanation = award.points, award.explanation
    part.points_from_at = award.active_from_at if award.points else None


def _tenders(amounts: Sequence[tuple[OrderShare, int]], channel: str | None) -> list[sales.Tender]:
    sums: dict[str, int] = {}
    for share, fen in amounts:
        kind = channel or "other" if share.tender == Tender.GATEWAY else share.tender
        sums[kind] = sums.get(kind, 0) + fen
    return [sales.Tender(kind, fen) for kind, fen in sums.items()]


def earning(lines: dict[int, OrderLine], amounts: Sequence[tuple[OrderShare, int]]) -> int:
    """How much of these amounts earns points: money, and what the mall's policy lets earn, on lines that earn."""
    policy = malls.policy(SalesRules)
    earns = {
        Tender.GATEWAY: True,
        Tender.PRINCIPAL: policy.earn_on_principal,
        Tender.BONUS: policy.earn_on_bonus,
        Tender.POINTS: policy.earn_on_points,
    }
    return sum(fen for share, fen in amounts if lines[share.line].earns and earns[Tender(share.tender)])


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


def parts_of(order_id: int) -> list[OrderPart]:
    """What each tenant got of an order."""
    return list(session.scalars(select(OrderPart).where(OrderPart.order_id == order_id).order_by(OrderPart.id)))
