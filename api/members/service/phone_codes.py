"""Codes sent to phones: six digits, five minutes, five tries, and only the newest one counts."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func, select, update

from api.kit import clock, db, jobs, sealed
from api.kit.db import rows_changed, session
from api.kit.limits import TooOften
from api.kit.membership import PhoneChange
from api.malls import service as malls
from api.members import phones, sms
from api.members.errors import PhoneCodeEnded, PhoneCodeTooSoon, PhoneCodeWrong, PhoneNotServed, PhoneSignInClosed
from api.members.models import PhoneCode, TextMessage
from api.members.service import text_budgets

LIFE = timedelta(minutes=5)
TRIES = 5
APART = timedelta(seconds=60)
PER_HOUR, PER_DAY = 5, 10
DELIVERY_JOB = jobs.Promised()
_CHANGED = {
    PhoneChange.BY_DESK: ("服务台已把您的会员账号", "，储值暂停使用"),
    PhoneChange.BY_NEW_PHONE: ("您的会员账号已", "，储值暂停使用"),
    PhoneChange.BY_BOTH_PHONES: ("您的会员账号已", ""),
}


def send_code(phone: str, network: str | None = None) -> None:
    """Send a fresh code. PhoneInvalid, PhoneNotServed, PhoneSignInClosed, PhoneCodeTooSoon, TooOften, TextsSpent.

    The answer is the same whether or not a member has this phone. `network` is where a stranger asks from; who is signed in asks for the
    own phone only, and only the mall's budget counts it.
    """
    if not sms.offered():
        raise PhoneSignInClosed()
    number = phones.normalise(phone)
    if not phones.is_mainland(number):
        raise PhoneNotServed()
    phone_key = phones.key(number)
    db.lock("phone-code", phone_key)
    _refuse_too_soon(phone_key)
    code = f"{secrets.randbelow(10**6):06d}"
    now = clock.now()
    row = PhoneCode(phone_key=phone_key, code_hash=_hash(phone_key, code), made_at=now, expires_at=now + LIFE, used_at=None)
    session.add(row)
    session.flush()
    text_budgets.spend(row.id, network)
    _queue_text(number, f"【{malls.mall_info().name}】验证码 {code}，5 分钟内有效，请勿告诉他人。若非本人操作，请忽略。")


def tell_of_change(before: str, now: str, change: PhoneChange) -> None:
    """Tell the phone that an account had that the account has another one."""
    by, rests = _CHANGED[change]
    _queue_text(
        before, f"【{malls.mall_info().name}】{by}改绑到 {sealed.mask_phone(now)}{rests}。若非本人操作，请立即到服务台。", budgeted=False
    )


def use(number: str, code: str) -> None:
    """Use the newest code of a normalised phone. PhoneCodeWrong says how many tries are left; PhoneCodeEnded."""
    use_all([("code", number, code)])


def use_all(codes: Sequence[tuple[str, str, str]]) -> None:
    """Use codes (field, normalised phone, code), all of them or none. PhoneCodeWrong and PhoneCodeEnded name the field."""
    tried = [_try(*proof) for proof in codes]
    session.execute(update(PhoneCode).where(PhoneCode.id.in_(tried)).values(used_at=clock.now()))


def _try(field: str, number: str, code: str) -> int:
    phone_key, now = phones.key(number), clock.now()
    newest = select(func.max(PhoneCode.id)).where(PhoneCode.phone_key == phone_key).scalar_subquery()
    tried = session.execute(
        update(PhoneCode)
        .where(PhoneCode.id == newest, PhoneCode.used_at.is_(None), PhoneCode.expires_at > now, PhoneCode.tries < TRIES)
        .values(tries=PhoneCode.tries + 1)
        .returning(PhoneCode.id, PhoneCode.code_hash, PhoneCode.tries)
    ).first()
    if tried is None:
        raise PhoneCodeEnded(errors={field: ["has ended"]})
    if not hmac.compare_digest(tried.code_hash, _hash(phone_key, code)):
        db.checkpoint()  # a wrong try counts although it is refused
        raise PhoneCodeWrong(tries_left=TRIES - tried.tries, errors={field: ["is wrong"]})
    return int(tried.id)


def newest_text(number: str) -> str | None:
    """The newest unsent text to a phone, for the developer's command."""
    query = select(TextMessage.text_sealed).where(TextMessage.phone_key == phones.key(number), TextMessage.text_sealed.is_not(None))
    text_sealed = session.scalar(query.order_by(TextMessage.id.desc()).limit(1))
    return sealed.unseal(text_sealed) if text_sealed else None


def message(message_id: int) -> tuple[str, str] | None:
    """(phone, text) of a message that is still to be sent."""
    row = session.get(TextMessage, message_id)
    if row is None or row.text_sealed is None:
        return None
    return sealed.unseal(row.phone_sealed), sealed.unseal(row.text_sealed)


def mark_sent(message_id: int) -> bool:
    """Mark a message as sent, and drop its text. False when it was marked before."""
    unsent = (TextMessage.id == message_id, TextMessage.state == "queued")
    return rows_changed(update(TextMessage).where(*unsent).values(state="sent", sent_at=clock.now(), text_sealed=None)) == 1


def _refuse_too_soon(phone_key: str) -> None:
    now = clock.now()
    hour = func.count().filter(PhoneCode.made_at > now - timedelta(hours=1))
    query = select(func.max(PhoneCode.made_at), hour, func.count())
    last, in_hour, in_day = session.execute(
        query.where(PhoneCode.phone_key == phone_key, PhoneCode.made_at > now - timedelta(days=1))
    ).one()
    if last is not None and now - last < APART:
        raise PhoneCodeTooSoon(retry_after=int((last + APART - now).total_seconds()) + 1)
    if in_hour >= PER_HOUR or in_day >= PER_DAY:
        raise TooOften(retry_after=3600)


def _queue_text(number: str, text: str, *, budgeted: bool = True) -> None:
    row = TextMessage(
        phone_key=phones.key(number), phone_sealed=sealed.seal(number), text_sealed=sealed.seal(text),
        queued_at=clock.now(), sent_at=None,
    )  # fmt: skip
    session.add(row)
    session.flush()
    if not budgeted:
        text_budgets.count_notice(row.id)
    if sms.connected():
        jobs.later(DELIVERY_JOB, message_id=row.id)


def _hash(phone_key: str, code: str) -> str:
    return sealed.find_key(f"phone-code:{phone_key}:{code}")
