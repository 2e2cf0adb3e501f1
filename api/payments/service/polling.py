"""When a gateway is asked about what it has not answered, and the jobs that ask; each of them ends after some time."""

from __future__ import annotations

from datetime import datetime, timedelta

from api.kit import clock, jobs
from api.payments.models import Complaint, ComplaintReply, Payment, ProfitShare, Refund

ASK_PAYMENT = jobs.Promised()
PURSUE_REFUND = jobs.Promised()
PURSUE_SHARE = jobs.Promised()
HANDLE_NOTICE = jobs.Promised()
READ_COMPLAINT = jobs.Promised()
PURSUE_REPLY = jobs.Promised()

#: After the payment was made, in seconds; then as often as EVERY until it expires, so that a lost notice costs a minute at most.
FIRST_ASKS = (8, 20, 45)
EVERY = timedelta(seconds=50)
LONG_EVERY = timedelta(minutes=5)  # for what may still be paid after half an hour
LONG = timedelta(minutes=30)
#: After it expired it is closed; when the gateway is silent, again after so many seconds, the last for as long as GIVE_UP.
GRACE = timedelta(seconds=5)
CLOSING_ASKS = (10, 20, 60, 300, 1800)
GIVE_UP = timedelta(days=3)
#: An auth code is asked about this often, and undone when it is not paid by then.
CODE_EVERY = timedelta(seconds=3)
CODE_PATIENCE = timedelta(seconds=60)
#: A call of ours has been answered, or has failed, after so long: until then a gateway may be about to hear of a payment it does not know.
UNDER_WAY = timedelta(seconds=30)
#: A refund: seconds after it was made; then hourly for a day, then a person has to look.
REFUND_ASKS = (5, 30, 120, 600, 3600)
REFUND_EVERY = timedelta(hours=1)
REFUND_GIVE_UP = timedelta(hours=24)
#: A share: not before a minute has passed since the payment, by the gateway's clock; then like a refund.
SHARE_FIRST = timedelta(seconds=90)
SOON = timedelta(seconds=5)
#: A complaint that the gateway does not describe, seconds after each silence; then the list of complaints finds it.
READINGS = (30, 120, 600, 3600, 6 * 3600)
#: A reply to a complaint of which the gateway does not say whether it has it; then a person has to look.
REPLIES = (35, 120, 600, 3600, 6 * 3600)
#: While somebody waits before a screen, a payment is asked about this often.
HURRY = timedelta(seconds=3)


def next_ask(payment: Payment, now: datetime) -> datetime | None:
    """When to ask about an open payment again; None when it has been asked for long enough."""
    if payment.kind == "auth_code":
        return _later(now, payment.made_at + CODE_PATIENCE, CODE_EVERY)
    first = next((at for seconds in FIRST_ASKS if (at := payment.made_at + timedelta(seconds=seconds)) > now), None)
    regular = first or now + (EVERY if now - payment.made_at < LONG else LONG_EVERY)
    ends = payment.expires_at + GRACE
    return min(regular, ends) if now < ends else _later(now, ends, timedelta(0))


def _later(now: datetime, ends: datetime, every: timedelta) -> datetime | None:
    if now < ends:
        return min(now + every, ends)
    over = now - ends
    if over > GIVE_UP:
        return None
    wait = next((seconds for seconds in CLOSING_ASKS if over.total_seconds() < 3 * seconds), CLOSING_ASKS[-1])
    return now + timedelta(seconds=wait)


def next_pursuit(refund: Refund, now: datetime) -> datetime | None:
    """When to ask about an unfinished refund again; None when a person has to look."""
    began = refund.moved_at if refund.state == "requested" else refund.made_at
    if now - began >= REFUND_GIVE_UP:
        return None
    first = next((at for seconds in REFUND_ASKS if (at := began + timedelta(seconds=seconds)) > now), None)
    return first or now + REFUND_EVERY


def plan_ask(payment: Payment) -> None:
    """Put the next ask about an open payment in, into the transaction."""
    payment.next_ask_at = next_ask(payment, clock.now())
    put_planned(payment)


def put_planned(payment: Payment) -> None:
    """The job of the ask that is planned."""
    if payment.next_ask_at is not None:
        put_ask(payment.id, payment.next_ask_at - clock.now(), planned_at=payment.next_ask_at)


def put_ask(payment_id: int, after: timedelta | None = None, *, planned_at: datetime | None = None) -> None:
    """The job that asks about a payment. It does nothing when another ask was planned meanwhile than the one at `planned_at`."""
    planned = planned_at.isoformat() if planned_at else None
    jobs.later(ASK_PAYMENT, after=after, payment_id=payment_id, planned=planned)


def plan_pursuit(refund: Refund, *, at_once: bool = False, after: timedelta | None = None) -> None:
    """Put the next step of a refund in, into the transaction; by its own schedule where none is given."""
    now = clock.now()
    refund.next_ask_at = now if at_once else now + after if after else next_pursuit(refund, now)
    if refund.next_ask_at is not None:
        put_pursuit(refund.id, None if at_once else refund.next_ask_at - now)


def put_pursuit(refund_id: int, after: timedelta | None = None) -> None:
    """The job that sends or asks about a refund."""
    jobs.later(PURSUE_REFUND, after=after, refund_id=refund_id)


def plan_share(share: ProfitShare, after: timedelta | None = None) -> None:
    """Put the next step of a share in, into the transaction; without `after`, by its own schedule."""
    now = clock.now()
    share.next_ask_at = now + after if after is not None else _next_share(share, now)
    if share.next_ask_at is not None:
        put_share(share.id, share.next_ask_at - now)


def put_share(share_id: int, after: timedelta | None = None) -> None:
    """The job that sends or asks about a share."""
    jobs.later(PURSUE_SHARE, after=after, share_id=share_id)


def _next_share(share: ProfitShare, now: datetime) -> datetime | None:
    began = share.sent_at or now
    if now - began >= REFUND_GIVE_UP:
        return None
    first = next((at for seconds in REFUND_ASKS if (at := began + timedelta(seconds=seconds)) > now), None)
    return first or now + REFUND_EVERY


def plan_reading(complaint: Complaint) -> None:
    """Put the next reading of a complaint in, into the transaction; none when the gateway was silent often enough."""
    complaint.next_ask_at = _step(READINGS, complaint.asks - 1)
    if complaint.next_ask_at is not None:
        put_reading(complaint.id, complaint.next_ask_at - clock.now())


def put_reading(complaint_id: int, after: timedelta | None = None) -> None:
    """The job that asks the gateway what a complaint is about."""
    jobs.later(READ_COMPLAINT, after=after, complaint_id=complaint_id)


def plan_reply(reply: ComplaintReply) -> None:
    """Put the next step of a reply in, into the transaction; none when the gateway was silent often enough."""
    reply.next_ask_at = _step(REPLIES, max(0, reply.asks - 1))
    if reply.next_ask_at is not None:
        put_reply(reply.id, reply.next_ask_at - clock.now())


def put_reply(reply_id: int, after: timedelta | None = None) -> None:
    """The job that sends a reply to a complaint, or asks whether it arrived."""
    jobs.later(PURSUE_REPLY, after=after, reply_id=reply_id)


def _step(ladder: tuple[int, ...], nth: int) -> datetime | None:
    return clock.now() + timedelta(seconds=ladder[nth]) if nth < len(ladder) else None
