"""Background work of members."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete

from api.kit import clock, db
from api.kit.db import session
from api.kit.jobs import job, nightly
from api.members import sms
from api.members.models import PhoneCode, TextMessage
from api.members.service import levels, member_codes, phone_codes, profile, search

KEPT = timedelta(days=2)


@job(transaction=False, keeps=phone_codes.DELIVERY_JOB)
def send_text(mall_id: int, message_id: int) -> None:
    """Hand a text message to the SMS gateway: read, call, record. A repeat carries the same reference."""
    text_message = db.in_mall(mall_id, lambda: phone_codes.message(message_id))
    if text_message is None:
        return
    sms.deliver(f"{mall_id}-{message_id}", *text_message)
    db.in_mall(mall_id, lambda: phone_codes.mark_sent(message_id))


@nightly("20 18 * * *")
def forget_used_codes() -> None:
    """Drop used member codes, phone codes, text messages and counts of searches whose time is over."""
    member_codes.forget_used_codes()
    search.forget_searches()
    session.execute(delete(PhoneCode).where(PhoneCode.made_at < clock.now() - KEPT))
    session.execute(delete(TextMessage).where(TextMessage.queued_at < clock.now() - KEPT))


@nightly("30 18 * * *")
def forget_closed() -> None:
    """Remove what of closed accounts came in late, or had to be kept for a time."""
    profile.forget_late()


@nightly("40 18 * * *")
def review_levels() -> None:
    """Renew or lower the levels whose year has ended (at 02:40 in Shanghai)."""
    while levels.review_levels() > 0:
        pass
