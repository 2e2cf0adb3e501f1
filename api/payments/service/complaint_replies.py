"""What staff reply to a complaint, in three steps: written down, sent while no transaction is open, and its result noted.

A reply is sent once: its number in the complaint is unique, one at most is on its way, and after an unknown outcome the gateway
is asked whether it has the reply before it is sent again. Lock order: complaint, then its reply.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, or_, select, update

from api.kit import audit, clock, db, logs, states
from api.kit.db import session
from api.payments.errors import (
    ComplaintMovedOn,
    ComplaintNotAnswered,
    ComplaintOver,
    ComplaintReplyOnItsWay,
    ComplaintUnread,
)
from api.payments.gateways import base
from api.payments.gateways.base import CallFailure, ComplaintDesk, ComplaintMessage, Speaker
from api.payments.models import Complaint, ComplaintReply
from api.payments.service import complaint_intake, merchants, polling, views
from api.payments.service.gateway_calls import talk
from api.payments.states import ComplaintState, ReplyState

log = logs.get(__name__)

ANSWER, COMPLETION = "answer", "completion"


@dataclass(frozen=True)
class ComplaintHistory:
    """A complaint with what was replied, its steps, and the payment that it is about with everything that happened to it."""

    complaint: Complaint
    words: list[dict[str, Any]]
    replies: list[ComplaintReply]
    moves: list[views.Move]
    payment: views.History | None


def answer(complaint_id: int, seq: int, content: str, *, by: str) -> ComplaintReply:
    """Say something to the payer, at most 200 characters, as the reply of this number. The same once more is the same reply.

    Commits what was written before it speaks. ComplaintNotFound, ComplaintUnread, ComplaintOver, ComplaintMovedOn, ComplaintReplyOnItsWay.
    """
    reply = _intend(complaint_id, seq, ANSWER, content.strip(), by=by)
    return pursue_reply(reply.id)


def complete(complaint_id: int, seq: int, *, by: str) -> ComplaintReply:
    """Say that a complaint is settled, as the reply of this number. As `answer`; ComplaintNotAnswered besides."""
    reply = _intend(complaint_id, seq, COMPLETION, "", by=by)
    return pursue_reply(reply.id)


def _intend(complaint_id: int, seq: int, kind: str, content: str, *, by: str) -> ComplaintReply:
    complaint = complaint_intake.hold(complaint_id)
    same_number = session.scalars(_replies(complaint_id).where(ComplaintReply.seq == seq)).one_or_none()
    if same_number is not None and (same_number.kind, same_number.content) == (kind, content):
        return same_number
    _refuse(complaint, seq, kind)
    reply = ComplaintReply(
        state=str(ReplyState.PLANNED), complaint_id=complaint.id, seq=seq, kind=kind, content=content, made_by=by, made_at=clock.now(),
    )  # fmt: skip
    session.add(reply)
    complaint.replies = seq
    session.flush()
    polling.plan_reply(reply)
    if kind == ANSWER:
        audit.record(by, "complaint answered", "complaint", complaint.id, after={"seq": seq, "content": content})
    else:
        audit.record(by, "complaint completed", "complaint", complaint.id, after={"seq": seq})
    session.flush()
    return reply


def _refuse(complaint: Complaint, seq: int, kind: str) -> None:
    if complaint.state == ComplaintState.HEARD:
        raise ComplaintUnread()
    if seq != complaint.next_reply:
        raise ComplaintMovedOn(next_reply=complaint.next_reply)
    if complaint.state not in (ComplaintState.PENDING, ComplaintState.PROCESSING):
        raise ComplaintOver(state=complaint.state)
    if kind == COMPLETION and complaint.state == ComplaintState.PENDING:
        raise ComplaintNotAnswered()
    on_its_way = select(ComplaintReply.seq).where(ComplaintReply.complaint_id == complaint.id, ComplaintReply.state == ReplyState.PLANNED)
    if (before := session.scalar(on_its_way)) is not None:
        raise ComplaintReplyOnItsWay(seq=before)


def pursue_reply(reply_id: int) -> ComplaintReply:
    """Send a reply, or after an unknown outcome ask whether it arrived; and plan the next step. Nothing while another worker sends it."""
    tried = _claim(reply_id)
    reply = session.get_one(ComplaintReply, reply_id, populate_existing=True)
    if tried is None:
        return reply
    complaint = complaint_intake.complaint_by_id(reply.complaint_id)
    desk = complaint_intake.desk_of(merchants.account(complaint.account_id))
    send = _sending(desk, complaint, reply)
    failure: CallFailure | None = None
    if tried == 1:
        failure = talk(send)
    else:
        number, before = complaint.gateway_no, _times_sent(reply)
        words = talk(lambda: desk.words(number))
        if isinstance(words, CallFailure):
            failure = base.OutcomeUnknown(words.name)  # whatever it answers to the question, the reply may be there
        elif sum(_is_same(reply, word) for word in words) <= before:
            failure = talk(send)
    return db.record_answer(lambda: _note(reply_id, failure))


def _claim(reply_id: int) -> int | None:
    """Take a reply for one attempt; the number of the attempt, or None where another worker has it."""
    now = clock.now()
    free = or_(ComplaintReply.tried_at.is_(None), ComplaintReply.tried_at <= now - polling.UNDER_WAY)
    taken = update(ComplaintReply).where(ComplaintReply.id == reply_id, ComplaintReply.state == ReplyState.PLANNED, free)
    values = taken.values(tried_at=now, asks=ComplaintReply.asks + 1).returning(ComplaintReply.asks)
    return session.scalars(values, execution_options={"synchronize_session": False}).one_or_none()


def _sending(desk: ComplaintDesk, complaint: Complaint, reply: ComplaintReply) -> Callable[[], None]:
    number, accused, content = complaint.gateway_no, complaint.accused_no, reply.content
    return (lambda: desk.answer(number, accused, content)) if reply.kind == ANSWER else (lambda: desk.complete(number, accused))


def _is_same(reply: ComplaintReply, word: ComplaintMessage) -> bool:
    """Whether a message at the gateway is this reply, or an earlier one with the same content."""
    if reply.kind == COMPLETION:
        return word.completes
    return word.speaker is Speaker.MERCHANT and not word.completes and word.content.strip() == reply.content


def _times_sent(reply: ComplaintReply) -> int:
    """How many replies with the same content were sent before, as far as we know."""
    same = ComplaintReply.kind == reply.kind, ComplaintReply.content == reply.content, ComplaintReply.state == ReplyState.SENT
    query = select(func.count()).select_from(ComplaintReply).where(ComplaintReply.complaint_id == reply.complaint_id, *same)
    return session.scalar(query) or 0


def _note(reply_id: int, failure: CallFailure | None) -> ComplaintReply:
    reply = session.get_one(ComplaintReply, reply_id)
    complaint = complaint_intake.hold(reply.complaint_id)
    query = select(ComplaintReply).where(ComplaintReply.id == reply_id).with_for_update().execution_options(populate_existing=True)
    reply = session.scalars(query).one()
    if reply.state != ReplyState.PLANNED:
        return reply
    if failure is None:
        states.move(reply, ReplyState.SENT, by=reply.made_by, sent_at=clock.now(), next_ask_at=None, trouble=None)
        _move_on(complaint, reply, clock.now())
    elif isinstance(failure, base.Refused):
        reason = failure.name
        states.move(reply, ReplyState.REFUSED, by=f"gateway:{complaint.channel}", reason=reason, trouble=reason, next_ask_at=None)
        polling.put_reading(complaint.id)  # it may have moved on there
    else:
        reply.trouble = failure.name
        polling.plan_reply(reply)
        if reply.next_ask_at is None:
            log.error("a gateway never said whether it has a reply to a complaint", complaint=complaint.id, seq=reply.seq)
            states.move(reply, ReplyState.STUCK, by="system", reason="unanswered")
    session.flush()
    return reply


def _move_on(complaint: Complaint, reply: ComplaintReply, now: datetime) -> None:
    """What the gateway makes of a reply that it has; it says the same in a notice. Readings that began before are out of date."""
    if complaint.state not in (ComplaintState.PENDING, ComplaintState.PROCESSING):
        return
    if reply.kind == ANSWER:
        to, more = ComplaintState.PROCESSING, {"answered_at": complaint.answered_at or now}
    else:
        to, more = ComplaintState.PROCESSED, {"completed_at": now}
    complaint_intake.move(complaint, to, by=reply.made_by, refreshed_at=now, payer_waits=False, waits_since_at=None, **more)


def complaint_history(complaint_id: int) -> ComplaintHistory:
    """A complaint with what was said and done, and with its payment. ComplaintNotFound."""
    complaint = complaint_intake.complaint_by_id(complaint_id)
    replies = list(session.scalars(_replies(complaint_id).order_by(ComplaintReply.seq)))
    payment = views.history(complaint.payment_id) if complaint.payment_id is not None else None
    return ComplaintHistory(complaint, complaint.words, replies, views.moves(Complaint, complaint_id), payment)


def _replies(complaint_id: int) -> Select[ComplaintReply]:
    return select(ComplaintReply).where(ComplaintReply.complaint_id == complaint_id).execution_options(populate_existing=True)
