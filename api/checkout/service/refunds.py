"""A refund: whole, by line or by an amount. Each tender gets its share back to the fen, in proportion to what is left of it.

A fen that cannot be divided goes in the order of `Tender`. What a refund gives back is a set of cells (share, fen); the order's row is
locked and every share has a CHECK, so that no race and no order of refunds gives back more than was paid. What the mall holds itself
comes back at once; the wallet's part is asked for in the background.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from api.approvals import service as approvals
from api.checkout import errors, mix
from api.checkout.mix import Tender
from api.checkout.models import Order, OrderPart, OrderRefund, OrderShare
from api.checkout.policy import OrderRules
from api.checkout.service import notifications, orders, partner_events, postings
from api.checkout.service.orders import Content
from api.checkout.shares import returning
from api.checkout.states import OrderState, RefundState
from api.checkout.tenders import by_tender, tender_of
from api.checkout.tenders.base import Cell, GivenBack
from api.kit import audit, clock, states, value_limits
from api.kit.db import session
from api.kit.value_limits import Bound, Limit
from api.malls import service as malls
from api.payments import service as payments
from api.payments.models import Refund as GatewayRefund
from api.payments.states import RefundState as GatewayRefundState
from api.points import service as points
from api.purchases.baskets import Refund, RefundedCell
from api.purchases.registry import kind_of
from api.sales import service as sales
from api.sales.models import SaleRefund

BY_PERSON = Limit("refunds-by-person")
WAITING = approvals.Waiting(
    OrderRefund, RefundState.WAITING, RefundState.REJECTED, "asked_by", {"staff": "orders.refund", "shop": "own_payments.refund"}
)


@dataclass(frozen=True)
class Wanted:
    """What is to be given back: some lines whole, an amount, or (both None) everything that is left."""

    lines: tuple[int, ...] | None = None
    amount_fen: int | None = None

    def stored(self) -> dict[str, Any]:
        """As it is kept with the refund."""
        return {"lines": list(self.lines) if self.lines is not None else None, "amount_fen": self.amount_fen}


@dataclass(frozen=True)
class Refundable:
    """What a refund of an order could give back just now; `as_a_whole`: all of it or nothing."""

    fen: int
    as_a_whole: bool = False


def refundable(order: Order, content: Content) -> Refundable:
    """What a refund of these lines of an order could give back just now, as its kind says where it does."""
    if order.state != OrderState.PAID:
        return Refundable(0)
    kind = kind_of(order.kind)
    try:
        exactly = kind.refundable(orders.purchase(order, content))
    except kind.refund_refusals:
        return Refundable(0, as_a_whole=True)
    return Refundable(sum(share.left_fen for share in content.shares)) if exactly is None else Refundable(exactly, as_a_whole=True)


def refund(order: Order, content: Content, wanted: Wanted, *, by: str, reason: str) -> OrderRefund:
    """Give back a part of a locked order, or write it down for a second person when it is large.

    OrderNotPaid, OrderRefundTooLarge, RefundLineUnknown.
    """
    if order.state != OrderState.PAID:
        raise errors.OrderNotPaid(state=order.state)
    allocations = _allocate(content.shares, _as_the_kind_allows(order, content, wanted))
    made = OrderRefund(
        state=str(RefundState.WAITING),
        order_id=order.id,
        number="R" + orders.new_number(),
        amount_fen=sum(fen for _, fen in allocations),
        asked=wanted.stored(),
        allocations=_stored(allocations),
        reason=reason,
        asked_by=by,
        asked_at=clock.now(),
    )
    session.add(made)
    session.flush()
    audit.record(by, "asked for a refund", "order", order.number, after={"amount_fen": made.amount_fen}, why=reason)
    if _use_alone_limits(order, made, by):
        give(order, content, made, by=by)
    return made


def _use_alone_limits(order: Order, refund: OrderRefund, by: str) -> bool:
    """Count a refund as one person's, unless (False) that passes what comes back of the locked order or what one gives back in a day."""
    rules = malls.policy(OrderRules)
    if order.refunded_fen + refund.amount_fen > rules.refund_limit_fen:
        return False
    bound = Bound(BY_PERSON, by, rules.refund_person_day_fen)
    return value_limits.use(refund.amount_fen, [bound], cause=("order_refund", refund.id)) is None


def _as_the_kind_allows(order: Order, content: Content, wanted: Wanted) -> Wanted:
    """Some kinds say themselves how much of them comes back (a recharge: what is unspent of it), and only whole."""
    exactly = kind_of(order.kind).refundable(orders.purchase(order, content))
    if exactly is None:
        return wanted
    if wanted.lines is not None or wanted.amount_fen not in (None, exactly):
        raise errors.OrderRefundTooLarge(left_fen=exactly)
    return Wanted(amount_fen=exactly)


def _allocate(shares: Sequence[OrderShare], wanted: Wanted) -> list[tuple[OrderShare, int]]:
    """How much of which share comes back."""
    left = [share for share in shares if share.left_fen]
    if wanted.lines is not None:
        left = [share for share in left if share.line in wanted.lines]
        if missing := set(wanted.lines) - {share.line for share in left}:
            raise errors.RefundLineUnknown(line=min(missing))
    most = sum(share.left_fen for share in left)
    amount = most if wanted.amount_fen is None else wanted.amount_fen
    if not left or amount > most:
        raise errors.OrderRefundTooLarge(left_fen=most)
    left.sort(key=lambda share: (Tender(share.tender).place, share.id))
    parts = mix.give_back(amount, [share.left_fen for share in left])
    return [(share, part) for share, part in zip(left, parts, strict=True) if part]


def _stored(allocations: Sequence[tuple[OrderShare, int]]) -> list[list[int]]:
    return [[share.id, fen] for share, fen in allocations]


def give(order: Order, content: Content, refund: OrderRefund, *, by: str) -> None:
    """Give a waiting refund of a locked order: shares, tenders, the sellers' books, the sales and their points."""
    shares = {share.id: share for share in content.shares}
    allocations = [(shares[share_id], fen) for share_id, fen in refund.allocations]
    if any(fen > share.left_fen for share, fen in allocations):
        # Another refund was given while this one waited: what is left is divided anew.
        allocations = _allocate(content.shares, Wanted(refund.asked["lines"], refund.amount_fen))
    orders.hold_member(order)
    exactly = kind_of(order.kind).refundable(orders.purchase(order, content))
    if exactly is not None and exactly != refund.amount_fen:  # it was spent, or came back, while the refund waited
        raise errors.OrderRefundTooLarge(left_fen=exactly)
    parts = orders.parts_of(order.id)
    points.hold_awards([part.sale_id for part in parts])
    kind_of(order.kind).refunding(orders.purchase(order, content), _as_seen_by_kind(refund, allocations))
    cells = _mark_returned(order, refund, allocations)
    payment = payments.read(order.payment_id) if order.payment_id else None
    account = payments.account(payment.account_id) if payment else None
    postings.book(content, cells, account, cause=("order_refund", refund.id), sign=-1)
    given = _give_back(order, content, refund, cells)
    taken, debt, recorded = _refund_sales(parts, content, refund, cells, by)
    values: dict[str, Any] = {}
    for back in given:
        values |= back.values
    states.move(
        refund,
        RefundState.GIVEN,
        by=by,
        reason=refund.reason,
        allocations=_stored(allocations),
        points_taken=taken,
        became_debt=debt,
        decided_by=by,
        given_at=clock.now(),
        **values,
    )
    if refund.payment_refund_id is None:
        states.move(refund, RefundState.DONE, by=by, reason="nothing for the wallet to give")
    if order.refunded_fen == order.total_fen:
        states.move(order, OrderState.REFUNDED, by=by, reason=refund.reason)
    pieces = [piece for back in given for piece in back.pieces]
    notifications.refunded(order, refund, [(part.shop_id, sale_refund.amount_fen) for part, sale_refund in recorded], pieces)
    partner_events.refunded(order, recorded)


def _as_seen_by_kind(refund: OrderRefund, allocations: Sequence[tuple[OrderShare, int]]) -> Refund:
    cells = tuple(RefundedCell(share.line, share.tender, share.source_id, fen) for share, fen in allocations)
    return Refund(refund.id, refund.amount_fen, cells)


def _mark_returned(order: Order, refund: OrderRefund, allocations: Sequence[tuple[OrderShare, int]]) -> list[Cell]:
    """Count what comes back, of each share and of who bears it; the cells say how much is whose."""
    # The order is locked, so that nobody else counts; the CHECKs of both tables stand behind it.
    cells = []
    for share, fen in allocations:
        borne = share.bearers
        share.refunded_fen += fen
        share.bearers, parts = returning(borne, fen) if borne else (borne, [])
        cells.append(Cell(share, fen, tuple(zip(borne, parts, strict=True))))
    order.refunded_fen += refund.amount_fen
    session.flush()
    return cells


def _give_back(order: Order, content: Content, refund: OrderRefund, cells: Sequence[Cell]) -> list[GivenBack]:
    """What each tender gave back, in the order in which the shopper reads it."""
    given: dict[int, GivenBack] = {}
    for rules, shares in by_tender(content.shares):
        if own_cells := [cell for cell in cells if tender_of(cell.share.tender) is rules]:
            given[min(code.place for code in rules.codes)] = rules.give_back(order, refund, own_cells, shares)
    return [given[place] for place in sorted(given)]


def _refund_sales(
    parts: Sequence[OrderPart], content: Content, refund: OrderRefund, cells: Sequence[Cell], by: str
) -> tuple[int, int, list[tuple[OrderPart, SaleRefund]]]:
    """Record the refund at each tenant's sale and take its points back.

    Returns points taken, how many became a debt, and what was recorded for each tenant.
    """
    taken, debt, recorded = 0, 0, []
    for part in parts:
        lines = content.of_seller(part.shop_id)
        own_cells = [cell for cell in cells if cell.share.line in lines]
        amount = sum(cell.fen for cell in own_cells)
        if not amount:
            continue
        sale_refund = sales.refund(
            part.sale_id,
            amount_fen=amount,
            source_type=f"order_refund:{part.shop_id}",
            source_id=refund.id,
            at=clock.now(),
            earning_fen=postings.earning_fen(lines, own_cells),
        )
        recorded.append((part, sale_refund))
        undone = points.take_back(sale_refund.id, by=by)
        if undone is not None:
            taken, debt = taken + undone.points, debt + undone.became_debt
    return taken, debt, recorded


def settle_refund(asked: GatewayRefund) -> None:
    """The wallet has given its part of a refund, or a person dropped it: the refund is done, or stuck for staff to see."""
    done = asked.state == GatewayRefundState.DONE
    if done and partner_events.wants_refunds():
        partner_events.given_back(orders.read(payments.read(asked.payment_id).order_id), asked)
    if asked.cause_type != "order_refund":
        return
    refund = session.get(OrderRefund, int(asked.cause_id), populate_existing=True, with_for_update=True)
    if refund is None:
        raise errors.OrderRefundNotFound()
    if refund.state != RefundState.GIVEN:
        return
    states.move(refund, RefundState.DONE if done else RefundState.STUCK, by="system", reason=f"the wallet's part: {asked.state}")
    notifications.moved(orders.read(refund.order_id))


def decide(number: str, *, by: str, approve: bool, why: str | None = None) -> OrderRefund:
    """A second person lets a waiting refund through, or not. OrderRefundNotFound, AnotherPersonNeeded, ApprovalOutdated, WrongState."""
    refund = by_number(number)
    order, content = orders.lock_with_payments(orders.read(refund.order_id))
    session.refresh(refund)
    if approve:
        WAITING.refuse_unfit(refund, by)
    else:
        approvals.refuse_alone(refund.asked_by, by)
    audit.record(by, "approved a refund" if approve else "rejected a refund", "order_refund", number, why=why)
    if approve:
        if refund.state != RefundState.WAITING:
            raise states.WrongState(state=refund.state, wanted=str(RefundState.GIVEN))
        if refund.amount_fen > order.total_fen - order.refunded_fen:
            raise errors.OrderRefundTooLarge(left_fen=order.total_fen - order.refunded_fen)
        give(order, content, refund, by=by)
    else:
        states.move(refund, RefundState.REJECTED, by=by, reason=why, decided_by=by)
    return refund


def by_number(number: str) -> OrderRefund:
    """The refund of a number. OrderRefundNotFound."""
    refund = session.scalar(select(OrderRefund).where(OrderRefund.number == number))
    if refund is None:
        raise errors.OrderRefundNotFound()
    return refund


def by_office(order: Order, wanted: Wanted, *, by: str, reason: str) -> OrderRefund:
    """The mall's staff give money back. OrderNotPaid, OrderRefundTooLarge, RefundLineUnknown."""
    return refund(*orders.lock_with_payments(order), wanted, by=by, reason=reason)


def by_shop(order: Order, shop_id: int, wanted: Wanted, *, by: str, reason: str) -> OrderRefund:
    """A shop gives money back for an order of its own. OrderNotFound, RefundTooLate, …"""
    locked, content = orders.lock_with_payments(order)
    part = session.scalar(select(OrderPart).where(OrderPart.order_id == locked.id, OrderPart.shop_id == shop_id))
    if part is None:
        raise errors.OrderNotFound()
    if part.paid_at + timedelta(days=malls.policy(OrderRules).shop_refund_days) < clock.now():
        raise errors.RefundTooLate()
    return refund(locked, content, _of_shop(locked, content, shop_id, wanted), by=by, reason=reason)


def _of_shop(order: Order, content: Content, shop_id: int, wanted: Wanted) -> Wanted:
    """A shop reaches its own lines only. RefundLineUnknown."""
    if order.shop_id == shop_id:
        return wanted
    own_lines = content.of_seller(shop_id)
    if foreign := set(wanted.lines or ()) - set(own_lines):
        raise errors.RefundLineUnknown(line=min(foreign))
    return Wanted(wanted.lines or tuple(own_lines), wanted.amount_fen)
