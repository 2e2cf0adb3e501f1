"""The lifecycles of a payment, a refund, a notice and a share."""

from __future__ import annotations

from enum import StrEnum


class PaymentState(StrEnum):
    """How far a payment is, as far as we know."""

    CREATED = "created"  # written down; whether the gateway knows of it is not known
    PLACED = "placed"  # the gateway has it, the shopper may pay
    PAYING = "paying"  # the shopper is asked for a password at this moment
    PAID = "paid"
    CLOSED = "closed"  # it cannot be paid any more
    FAILED = "failed"  # the gateway refused it


OPEN = frozenset({PaymentState.CREATED, PaymentState.PLACED, PaymentState.PAYING})

PAYMENT_MOVES: dict[PaymentState, frozenset[PaymentState]] = {
    PaymentState.CREATED: frozenset(
        {PaymentState.PLACED, PaymentState.PAYING, PaymentState.PAID, PaymentState.CLOSED, PaymentState.FAILED}
    ),
    PaymentState.PLACED: frozenset({PaymentState.PAID, PaymentState.CLOSED, PaymentState.FAILED}),
    PaymentState.PAYING: frozenset({PaymentState.PAID, PaymentState.CLOSED, PaymentState.FAILED}),
    PaymentState.PAID: frozenset(),
    PaymentState.CLOSED: frozenset({PaymentState.PAID}),  # money that came late
    PaymentState.FAILED: frozenset({PaymentState.PAID}),  # money that came although we were told that it would not
}


class RefundState(StrEnum):
    """How far a refund is, as far as we know."""

    REQUESTED = "requested"  # written down; whether the gateway knows of it is not known
    ACCEPTED = "accepted"  # the gateway works on it
    DONE = "done"  # the shopper has the money
    STUCK = "stuck"  # a person has to look: the gateway refused it, or gave no answer for a day
    DROPPED = "dropped"  # given up by a person; it no longer counts against the payment


REFUND_MOVES: dict[RefundState, frozenset[RefundState]] = {
    RefundState.REQUESTED: frozenset({RefundState.ACCEPTED, RefundState.DONE, RefundState.STUCK}),
    RefundState.ACCEPTED: frozenset({RefundState.DONE, RefundState.STUCK}),
    RefundState.DONE: frozenset(),
    RefundState.STUCK: frozenset({RefundState.REQUESTED, RefundState.DONE, RefundState.DROPPED}),
    RefundState.DROPPED: frozenset(),
}


class NoticeState(StrEnum):
    """What became of a notice that is proved to be genuine."""

    RECEIVED = "received"
    HANDLED = "handled"
    REFUSED = "refused"  # genuine, but it does not agree with what we know
    ERROR = "error"  # handling it failed; it is tried again


NOTICE_MOVES: dict[NoticeState, frozenset[NoticeState]] = {
    NoticeState.RECEIVED: frozenset({NoticeState.HANDLED, NoticeState.REFUSED, NoticeState.ERROR}),
    NoticeState.ERROR: frozenset({NoticeState.HANDLED, NoticeState.REFUSED, NoticeState.RECEIVED}),
    NoticeState.REFUSED: frozenset({NoticeState.RECEIVED}),
    NoticeState.HANDLED: frozenset(),
}


class ShareState(StrEnum):
    """How far the mall's part of a directly collected payment is."""

    PLANNED = "planned"
    SENT = "sent"
    ARRIVED = "arrived"  # the mall has its part; the rest is still held
    DONE = "done"  # the rest is free for the shop
    STUCK = "stuck"  # a person has to look
    DROPPED = "dropped"  # everything was given back before


SHARE_MOVES: dict[ShareState, frozenset[ShareState]] = {
    ShareState.PLANNED: frozenset({ShareState.SENT, ShareState.ARRIVED, ShareState.STUCK, ShareState.DROPPED}),
    ShareState.SENT: frozenset({ShareState.ARRIVED, ShareState.STUCK}),
    ShareState.ARRIVED: frozenset({ShareState.DONE, ShareState.STUCK}),
    ShareState.DONE: frozenset(),
    ShareState.STUCK: frozenset({ShareState.PLANNED, ShareState.ARRIVED}),
    ShareState.DROPPED: frozenset(),
}
