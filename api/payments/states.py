"""The lifecycles of a payment, a refund, a notice, a share, a complaint and what is replied to it."""

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
    PaymentState.FAILED: frozenset({PaymentState.PAID}),  # money that came although the gateway had reported a failure
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


class ComplaintState(StrEnum):
    """How far a payer's complaint is, as the gateway says."""

    HEARD = "heard"  # known by a notice; what it is about has not been read yet
    PENDING = "pending"  # it waits for the merchant's answer
    PROCESSING = "processing"  # answered, not settled
    PROCESSED = "processed"  # settled; the payer may go on with it
    FOREIGN = "foreign"  # against a merchant that is none of this mall's


COMPLAINT_MOVES: dict[ComplaintState, frozenset[ComplaintState]] = {
    ComplaintState.HEARD: frozenset({ComplaintState.PENDING, ComplaintState.PROCESSING, ComplaintState.PROCESSED, ComplaintState.FOREIGN}),
    ComplaintState.PENDING: frozenset({ComplaintState.PROCESSING, ComplaintState.PROCESSED}),
    ComplaintState.PROCESSING: frozenset({ComplaintState.PENDING, ComplaintState.PROCESSED}),
    ComplaintState.PROCESSED: frozenset({ComplaintState.PENDING, ComplaintState.PROCESSING}),
    ComplaintState.FOREIGN: frozenset(),
}


class ReplyState(StrEnum):
    """The state of an answer to a complaint, or of the message that it is settled."""

    PLANNED = "planned"  # written down; whether the gateway has it is not known
    SENT = "sent"
    REFUSED = "refused"  # the gateway did not take it
    STUCK = "stuck"  # the gateway never said whether it has it; a person has to look


REPLY_MOVES: dict[ReplyState, frozenset[ReplyState]] = {
    ReplyState.PLANNED: frozenset({ReplyState.SENT, ReplyState.REFUSED, ReplyState.STUCK}),
    ReplyState.SENT: frozenset(),
    ReplyState.REFUSED: frozenset(),
    ReplyState.STUCK: frozenset(),
}
