"""Payments as staff look at them: lists, one with its whole history, and what has no answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from api.kit import clock, pages
from api.kit.db import session
from api.payments.models import Complaint, ComplaintReply, Notice, Payment, ProfitShare, Refund
from api.payments.service import complaint_intake, lookups, polling, profit_sharing, refund_lifecycle
from api.payments.states import OPEN, RefundState, ReplyState, ShareState

AT_ONCE = 200  # of each kind in one sweep of one mall
OVERDUE = timedelta(seconds=60)


@dataclass(frozen=True)
class Move:
    """One step of a lifecycle."""

    seq: int
    from_state: str
    to_state: str
    reason: str | None
    moved_by: str
    moved_at: datetime


@dataclass(frozen=True)
class History:
    """A payment with everything that happened to it."""

    payment: Payment
    moves: list[Move]
    notices: list[Notice]
    refunds: list[Refund]
    share: ProfitShare | None


def payments(
    *,
    state: str | None = None,
    channel: str | None = None,
    number: str | None = None,
    order_id: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    cursor: str | None = None,
    limit: int = pages.DEFAULT_LIMIT,
) -> pages.Page[Payment]:
    """Payments, newest first; `number` is ours or the gateway's; `since` and `until` a half-open range of when they were made."""
    query = select(Payment)
    for column, value in ((Payment.state, state), (Payment.channel, channel), (Payment.order_id, order_id)):
        if value is not None:
            query = query.where(column == value)
    if number is not None:
        query = query.where((Payment.number == number) | (Payment.gateway_no == number))
    if since is not None:
        query = query.where(Payment.made_at >= since)
    if until is not None:
        query = query.where(Payment.made_at < until)
    return pages.page(query, Payment.id, cursor=cursor, limit=limit)


def history(payment_id: int) -> History:
    """A payment with its moves, notices and refunds. PaymentNotFound."""
    payment = lookups.read(payment_id)
    notices = session.scalars(select(Notice).where(Notice.payment_id == payment_id).order_by(Notice.id)).all()
    return History(
        payment, moves(Payment, payment_id), list(notices), refund_lifecycle.refunds_of(payment_id), profit_sharing.of_payment(payment_id)
    )


def moves(model: Any, row_id: int) -> list[Move]:
    """The steps of one row, oldest first."""
    table = model.moves_table
    query = select(table).where(table.c[f"{model.noun}_id"] == row_id).order_by(table.c.seq)
    return [Move(row.seq, row.from_state, row.to_state, row.reason, row.moved_by, row.moved_at) for row in session.execute(query)]


@dataclass(frozen=True)
class Unanswered:
    """Something a gateway has not given a final answer to."""

    kind: str
    id: int
    number: str
    state: str
    trouble: str | None
    since: datetime


def unanswered(limit: int = AT_ONCE) -> list[Unanswered]:
    """Payments, refunds and shares without a final answer, oldest first."""
    payments = session.scalars(select(Payment).where(Payment.state.in_(OPEN)).order_by(Payment.id).limit(limit))
    open_refunds = Refund.state.in_((*refund_lifecycle.UNFINISHED, RefundState.STUCK))
    unanswered = session.scalars(select(Refund).where(open_refunds).order_by(Refund.id).limit(limit))
    open_shares = ProfitShare.state.in_((*profit_sharing.UNFINISHED, ShareState.STUCK))
    shares = session.scalars(select(ProfitShare).where(open_shares).order_by(ProfitShare.id).limit(limit))
    rows: list[tuple[str, Payment | Refund | ProfitShare]] = [("payment", row) for row in payments]
    rows += [("refund", row) for row in unanswered] + [("share", row) for row in shares]
    return [Unanswered(kind, row.id, row.number, row.state, row.trouble, row.made_at) for kind, row in rows]


def sweep() -> int:
    """Put in what has no answer and, it seems, no job: its next question is overdue. Returns how many."""
    late = clock.now() - OVERDUE
    payments = _take_overdue(Payment, tuple(OPEN), late)
    overdue_refunds = _take_overdue(Refund, refund_lifecycle.UNFINISHED, late)
    for payment_id in payments:
        polling.put_ask(payment_id)
    for refund_id in overdue_refunds:
        polling.put_pursuit(refund_id)
    shares = _take_overdue(ProfitShare, profit_sharing.UNFINISHED, late)
    for share_id in shares:
        polling.put_share(share_id)
    unread = _take_overdue(Complaint, complaint_intake.READABLE, late)
    for complaint_id in unread:
        polling.put_reading(complaint_id)
    replies = _take_overdue(ComplaintReply, (ReplyState.PLANNED,), late)
    for reply_id in replies:
        polling.put_reply(reply_id)
    return len(payments) + len(overdue_refunds) + len(shares) + len(unread) + len(replies)


_Pending = type[Payment] | type[Refund] | type[ProfitShare] | type[Complaint] | type[ComplaintReply]


def _take_overdue(model: _Pending, states: tuple[str, ...], late: datetime) -> list[int]:
    """Some rows whose next question is overdue, taken by this sweep: the next one leaves them alone for a while."""
    overdue = (
        select(model.id).where(model.state.in_(states), model.next_ask_at < late).order_by(model.next_ask_at).limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    )  # fmt: skip
    taken = update(model).where(model.id.in_(overdue)).values(next_ask_at=clock.now()).returning(model.id)
    return list(session.scalars(taken, execution_options={"synchronize_session": False}))
