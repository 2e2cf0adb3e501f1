"""From each state of an order, and of an order's refund, the states it may move to."""

from __future__ import annotations

from enum import StrEnum


class OrderState(StrEnum):
    """Where an order (订单) stands."""

    HELD = "held"  # what it uses of points and stored value is taken; the rest waits for the wallet
    PAID = "paid"
    CLOSED = "closed"  # cancelled or expired: everything it held is free again
    REFUNDED = "refunded"  # given back in whole


_O = OrderState

ORDER_MOVES: dict[OrderState, frozenset[OrderState]] = {
    _O.HELD: frozenset({_O.PAID, _O.CLOSED}),
    _O.CLOSED: frozenset({_O.HELD}),  # money that arrived late, while everything can still be taken again
    _O.PAID: frozenset({_O.REFUNDED}),
}


class RefundState(StrEnum):
    """Where a refund of an order (退款单) stands."""

    WAITING = "waiting"  # for a second person
    REJECTED = "rejected"
    GIVEN = "given"  # points and stored value are back; the gateway has been asked for its part
    DONE = "done"
    STUCK = "stuck"  # the gateway will not give its part, and a person has dropped asking: it must be settled by hand


_R = RefundState

REFUND_MOVES: dict[RefundState, frozenset[RefundState]] = {
    _R.WAITING: frozenset({_R.GIVEN, _R.REJECTED}),
    _R.GIVEN: frozenset({_R.DONE, _R.STUCK}),
}
