"""An order holds what it uses: every tender takes its part at once, and gives it back when the order is given up.

The hold *is* the taking, so there is no second counter of "reserved" value that could disagree with the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import insert

from api.checkout import queries
from api.checkout.models import Order, OrderLine, OrderShare
from api.checkout.policy import OrderRules
from api.checkout.service import notifications, orders
from api.checkout.service.orders import Content
from api.checkout.service.quotes import Quote
from api.checkout.states import OrderState
from api.checkout.tenders import by_tender
from api.kit import clock, records, states
from api.kit.db import session
from api.malls import service as malls
from api.members import service as members
from api.members.errors import MemberClosed
from api.purchases.registry import kind_of


def place(
    quote: Quote, *, member_id: int | None, payer_id: int | None, placed_by: str, proof: Mapping[str, Any] | None = None
) -> tuple[Order, Content]:
    """Write an order down, keep its thing for it, and take what it uses. MemberClosed, the refusals of its kind and of its tenders."""
    number = orders.new_number()
    if member_id is not None:
        for rules, shares in by_tender(quote.shares):
            rules.authorise(member_id, number, shares, proof or {})
    now, basket = clock.now(), quote.basket
    order = Order(
        state=str(OrderState.HELD),
        number=number,
        kind=basket.kind,
        ref=basket.ref,
        title=basket.title,
        shop_id=basket.only_shop_id,
        member_id=member_id,
        payer_id=payer_id,
        placed_by=placed_by,
        total_fen=quote.total_fen,
        gateway_fen=quote.gateway_fen,
        agreed_terms=quote.agreed_terms(),
        remark=basket.remark,
        made_at=now,
        expires_at=now + timedelta(minutes=malls.policy(OrderRules).order_minutes),
        **quote.order_values,
    )
    content = _write(order, quote)
    acquire(order, content)
    return order, content


def _write(order: Order, quote: Quote) -> Content:
    """The order, its lines and who pays which share of them. One statement. MemberClosed.

    What comes back is for reading: the rows of lines and shares are not the session's.
    """
    lines = [
        {"line": number, "shop_id": line.shop_id, "name": line.name, "category": line.category, "quantity": line.quantity,
         "item_ref": line.item_ref, "list_fen": line.list_fen, "net_fen": line.net_fen, "takes_benefits": line.takes_benefits,
         "earns": line.earns}
        for number, line in enumerate(quote.basket.lines)
    ]  # fmt: skip
    shares = [
        {"line": share.line, "tender": str(share.tender), "source_id": share.source_id, "amount_fen": share.fen, "bearers": share.bearers}
        for share in quote.shares
    ]
    values = records.new_values(order)
    # The member is held by the statement that names it: whoever closes or merges it waits for this order, or was first and refuses it.
    holder = {} if order.member_id is None else {"member_id": members.held_if_active(order.member_id)}
    written = insert(Order).values(**(values | holder)).returning(Order.id, Order.member_id).cte("written")
    order_id, member_id = session.execute(queries.with_lines(written, lines, shares)).all()[0]
    if member_id != order.member_id:
        raise MemberClosed()
    records.adopt(order, order_id, values)
    return Content([OrderLine(**line) for line in lines], [OrderShare(**share, refunded_fen=0) for share in shares])


def acquire(order: Order, content: Content, *, again: bool = False) -> None:
    """Keep the thing for an order and take what it uses of each tender; `again`: late money revives it. The refusals of both."""
    kind = kind_of(order.kind)
    own_value = [(rules, shares) for rules, shares in by_tender(content.shares) if not rules.is_new_money]
    if kind.reserves or own_value:  # the member before the thing and the value, as whoever closes an order
        orders.hold_member(order)
    kind.reserve(orders.purchase(order, content))
    for rules, shares in own_value:
        if again:
            rules.take_again(order, shares)
        else:
            rules.take(order, shares)


def close(order: Order, content: Content, *, by: str, reason: str) -> None:
    """Close a locked, held order: everything it holds is free again."""
    orders.hold_member(order)
    for rules, shares in by_tender(content.shares):
        rules.release(order, shares)
    states.move(order, OrderState.CLOSED, by=by, reason=reason)
    kind_of(order.kind).closed(orders.purchase(order, content))
    notifications.moved(order)
