"""A refund: whole, by line or by an amount. Each tender gets its share back to the fen, in proportion to what is left of it.

A fen that cannot be divided goes in the order of `Tender`: the wallet first, then what was paid in, then bonus, then points. What a
refund gives back is a set of cells (share, fen); the order's row is locked and every share has a CHECK, so that no race and no order of
refunds gives back more than was paid. Points and stored value come back at once; the wallet's part is asked for in the background.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from api.checkout import errors, mix, things
from api.checkout.mix import Tender
from api.checkout.models import Order, OrderLine, OrderPart, OrderRefund, OrderShare
from api.checkout.policy import OrderRules
from api.checkout.service import holds, notifications, partner_events, settlement
from api.checkout.states import OrderState, RefundState
from api.kit import audit, clock, pages, states
from api.kit.db import session
from api.malls import service as malls
from api.payments import service as payments
from api.payments.models import Refund as GatewayRefund
from api.payments.states import RefundState as GivenBack
from api.points import service as points
from api.sales import service as sales
from api.sales.models import SaleRefund
from api.wallet import service as wallet


@dataclass(frozen=True)
class Wanted:
    """What is to be given back: some lines whole, an amount, or (both None) everything that is left."""

    lines: tuple[int, ...] | None = None
    amount_fen: int | None = None

    def stored(self) -> dict[str, Any]:
        """As it is kept with the refund."""
        return {"lines": list(self.lines) if self.lines is not None else None, "amount_fen": self.amount_fen}


def refund(order: Order, wanted: Wanted, *, by: str, reason: str, needs_second: bool) -> OrderRefund:
    """Give back a part of a locked order, or write it down for a second person. OrderNotPaid, OrderRefundTooLarge, RefundLineUnknown."""
    if order.state != OrderState.PAID:
        raise errors.OrderNotPaid(state=order.state)
    shares = holds.shares_of(order.id)
    cells = _cells(shares, _as_the_thing_allows(order, wanted))
    made = OrderRefund(
        state=str(RefundState.WAITING),
        order_id=order.id,
        number="R" + holds.new_number(),
        amount_fen=sum(fen for _, fen in cells),
        asked=wanted.stored(),
        cells=[[share.id, fen] for share, fen in cells],
        reason=reason,
        asked_by=by,
        asked_at=clock.now(),
    )
    session.add(made)
    session.flush()
    audit.record(by, "asked for a refund", "order", order.number, after={"amount_fen": made.amount_fen}, why=reason)
    if not needs_second or made.amount_fen <= malls.policy(OrderRules).refund_limit_fen:
        give(order, made, by=by)
    return made


def _as_the_thing_allows(order: Order, wanted: Wanted) -> Wanted:
    """Some things say themselves how much of them comes back (a recharge: what is unspent of it), and only whole."""
    exactly = things.of(order).comes_back(order)
    if exactly is None:
        return wanted
    if wanted.lines is not None or wanted.amount_fen not in (None, exactly):
        raise errors.OrderRefundTooLarge(left_fen=exactly)
    return Wanted(amount_fen=exactly)


def _cells(shares: Sequence[OrderShare], wanted: Wanted) -> list[tuple[OrderShare, int]]:
    """How much of which share comes back."""
    left = [share for share in shares if share.refunded_fen < share.amount_fen]
    if wanted.lines is not None:
        left = [share for share in left if share.line in wanted.lines]
        if missing := set(wanted.lines) - {share.line for share in left}:
            raise errors.RefundLineUnknown(line=min(missing))
    amounts = [share.amount_fen - share.refunded_fen for share in left]
    if not left or (wanted.amount_fen or 0) > sum(amounts):
        raise errors.OrderRefundTooLarge(left_fen=sum(amounts))
    order = list(Tender)
    ranked = sorted(zip(left, amounts, strict=True), key=lambda pair: (order.index(Tender(pair[0].tender)), pair[0].id))
    amount = sum(amounts) if wanted.amount_fen is None else wanted.amount_fen
    parts = mix.give_back(amount, [fen for _, fen in ranked])
    return [(share, part) for (share, _), part in zip(ranked, parts, strict=True) if part]


def give(order: Order, refund: OrderRefund, *, by: str) -> None:
    """Give a waiting refund: shares, points, stored value, the tenants' books, the sale and its points, the wallet's part."""
    shares = {share.id: share for share in holds.shares_of(order.id)}
    cells = [(shares[share_id], fen) for share_id, fen in refund.cells]
    if any(share.refunded_fen + fen > share.amount_fen for share, fen in cells):
        # Another refund was given while this one waited: what is left is divided anew.
        cells = _cells(list(shares.values()), Wanted(refund.asked["lines"], refund.amount_fen))
    holds.alone(order)
    points.hold_awards([part.sale_id for part in settlement.parts_of(order.id)])
    things.of(order).refunding(order, refund)
    _count(order, refund, cells)
    lines = {line.line: line for line in holds.lines_of(order.id)}
    payment = payments.one(order.payment_id) if order.payment_id else None
    account = payments.account(payment.account_id) if payment else None
    settlement.book(list(lines.values()), cells, account, cause=("order_refund", refund.id), sign=-1)
    points_back = _points_back(order, refund, list(shares.values()), cells)
    _cards_back(order, refund, cells)
    taken, debt, recorded = _sales_back(order, refund, lines, cells, by)
    gateway_fen = _sum(cells, Tender.GATEWAY)
    asked = _ask_gateway(order, refund, gateway_fen)
    states.move(
        refund,
        RefundState.GIVEN,
        by=by,
        reason=refund.reason,
        cells=[[share.id, fen] for share, fen in cells],
        gateway_fen=gateway_fen,
        points_fen=_sum(cells, Tender.POINTS),
        points_back=points_back,
        points_taken=taken,
        became_debt=debt,
        decided_by=by,
        payment_refund_id=asked,
        given_at=clock.now(),
    )
    if asked is None:
        states.move(refund, RefundState.DONE, by=by, reason="nothing for the wallet to give")
    if order.refunded_fen == order.total_fen:
        states.move(order, OrderState.REFUNDED, by=by, reason=refund.reason)
    notifications.refunded(order, refund, [part.shop_id for part, _ in recorded])
    partner_events.refunded(order, recorded)


def _count(order: Order, refund: OrderRefund, cells: Sequence[tuple[OrderShare, int]]) -> None:
    # The order is locked, so that nobody else counts; the CHECKs of both tables stand behind it.
    for share, fen in cells:
        share.refunded_fen += fen
    order.refunded_fen += refund.amount_fen
    session.flush()


def _sum(cells: Sequence[tuple[OrderShare, int]], tender: Tender) -> int:
    return sum(fen for share, fen in cells if share.tender == tender)


def _points_back(order: Order, refund: OrderRefund, shares: Sequence[OrderShare], cells: Sequence[tuple[OrderShare, int]]) -> int:
    """Points come back by the cumulative part of what they paid, so that refunds in any pieces end at all of them."""
    fen = _sum(cells, Tender.POINTS)
    if not fen:
        return 0
    paid = sum(share.amount_fen for share in shares if share.tender == Tender.POINTS)
    after = sum(share.refunded_fen for share in shares if share.tender == Tender.POINTS)
    count = order.points_spent * after // paid - order.points_spent * (after - fen) // paid
    if count:
        points.give_back("order", holds.cause(order), refund_type="order_refund_points", refund_id=refund.id, points=count)
    return count


def _cards_back(order: Order, refund: OrderRefund, cells: Sequence[tuple[OrderShare, int]]) -> None:
    back: dict[int, list[int]] = {}
    for share, fen in cells:
        if share.card_id is not None:
            back.setdefault(share.card_id, [0, 0])[share.tender == Tender.BONUS] += fen
    if back:
        parts = [wallet.Drawn(card_id, principal, bonus) for card_id, (principal, bonus) in back.items()]
        wallet.put_back(parts, cause_type="order_refund_card", cause_id=refund.id, of_id=holds.cause(order))


def _sales_back(
    order: Order, refund: OrderRefund, lines: dict[int, OrderLine], cells: Sequence[tuple[OrderShare, int]], by: str
) -> tuple[int, int, list[tuple[OrderPart, SaleRefund]]]:
    """Record the refund at each tenant's sale and take its points back.

    Returns points taken, how many became a debt, and what was recorded for each tenant.
    """
    taken, debt, back = 0, 0, []
    for part in settlement.parts_of(order.id):
        own = {number: line for number, line in lines.items() if line.shop_id == part.shop_id}
        mine = [(share, fen) for share, fen in cells if share.line in own]
        amount = sum(fen for _, fen in mine)
        if not amount:
            continue
        recorded = sales.refund(
            part.sale_id,
            amount_fen=amount,
            source_type=f"order_refund:{part.shop_id}",
            source_id=refund.id,
            at=clock.now(),
            earning_fen=settlement.earning(own, mine),
        )
        back.append((part, recorded))
        undone = points.take_back(recorded.id, by=by)
        if undone is not None:
            taken, debt = taken + undone.points, debt + undone.became_debt
    return taken, debt, back


def _ask_gateway(order: Order, refund: OrderRefund, gateway_fen: int) -> int | None:
    if not gateway_fen:
        return None
    assert order.payment_id is not None
    asked = payments.intend_refund(
        order.payment_id, amount_fen=gateway_fen, reason=refund.reason, cause_type="order_refund", cause_id=refund.id, by=refund.asked_by
    )
    return asked.id


def settle_refund(asked: GatewayRefund) -> None:
    """The wallet has given its part of a refund, or a person dropped it: the refund is done, or stuck for staff to see."""
    done = asked.state == GivenBack.DONE
    if done and partner_events.wants_refunds():
        partner_events.given_back(holds.read(payments.one(asked.payment_id).order_id), asked)
    if asked.cause_type != "order_refund":
        return
    refund = session.get(OrderRefund, int(asked.cause_id), populate_existing=True, with_for_update=True)
    if refund is None:
        raise errors.OrderRefundNotFound()
    if refund.state != RefundState.GIVEN:
        return
    states.move(refund, RefundState.DONE if done else RefundState.STUCK, by="system", reason=f"the wallet's part: {asked.state}")
    notifications.moved(holds.read(refund.order_id))


def decide(number: str, *, by: str, approve: bool, why: str | None = None) -> OrderRefund:
    """A second person lets a waiting refund through, or not. OrderRefundNotFound, RefundNeedsSecondPerson, WrongState."""
    refund = by_number(number)
    order = holds.lock_paid(holds.read(refund.order_id))
    session.refresh(refund)
    if refund.asked_by == by:
        raise errors.RefundNeedsSecondPerson()
    audit.record(by, "approved a refund" if approve else "rejected a refund", "order_refund", number, why=why)
    if approve:
        if refund.state != RefundState.WAITING:
            raise states.WrongState(state=refund.state, wanted=str(RefundState.GIVEN))
        if refund.amount_fen > order.total_fen - order.refunded_fen:
            raise errors.OrderRefundTooLarge(left_fen=order.total_fen - order.refunded_fen)
        give(order, refund, by=by)
    else:
        states.move(refund, RefundState.REJECTED, by=by, reason=why, decided_by=by)
    return refund


def by_number(number: str) -> OrderRefund:
    """The refund of a number. OrderRefundNotFound."""
    found = session.scalar(select(OrderRefund).where(OrderRefund.number == number))
    if found is None:
        raise errors.OrderRefundNotFound()
    return found


def by_shop(order: Order, shop_id: int, wanted: Wanted, *, by: str, reason: str) -> OrderRefund:
    """A shop gives money back for an order of its own. OrderNotFound, RefundTooLate, …"""
    part = session.scalar(select(OrderPart).where(OrderPart.order_id == order.id, OrderPart.shop_id == shop_id))
    if part is None:
        raise errors.OrderNotFound()
    if part.paid_at + timedelta(days=malls.policy(OrderRules).shop_refund_days) < clock.now():
        raise errors.RefundTooLate()
    return refund(order, _of_shop(order, shop_id, wanted), by=by, reason=reason, needs_second=True)


def _of_shop(order: Order, shop_id: int, wanted: Wanted) -> Wanted:
    """A shop reaches its own lines only."""
    if order.shop_id == shop_id:
        return wanted
    own = tuple(line.line for line in holds.lines_of(order.id) if line.shop_id == shop_id)
    asked = own if wanted.lines is None else tuple(line for line in wanted.lines if line in own)
    return Wanted(asked, wanted.amount_fen)


def refunds_of(order_id: int) -> list[OrderRefund]:
    """Every refund of an order, oldest first."""
    return list(session.scalars(select(OrderRefund).where(OrderRefund.order_id == order_id).order_by(OrderRefund.id)))


def refunds(*, state: str | None = None, cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT) -> pages.Page[Any]:
    """Refunds of the mall, newest first."""
    query = select(OrderRefund)
    if state is not None:
        query = query.where(OrderRefund.state == state)
    return pages.page(query, OrderRefund.id, cursor=cursor, limit=limit)


def waiting_fen(order_id: int) -> int:
    """How much of an order waits for a second person."""
    query = select(func.coalesce(func.sum(OrderRefund.amount_fen), 0)).where(
        OrderRefund.order_id == order_id, OrderRefund.state == RefundState.WAITING
    )
    return int(session.scalar(query) or 0)
