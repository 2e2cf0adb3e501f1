"""The pay code (付款码): eighteen digits on the phone for a minute, good for one use, read by a shop's scanner or by a cashier.

It begins with 90, which no wallet's own code does. Each is a row under its keyed hash: random, so that nothing can be told from it, and
used by one guarded UPDATE, so that a flushed cache brings none back.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from api.kit import clock, sealed
from api.kit.db import rows_changed, session
from api.kit.errors import Problem
from api.members import service as members
from api.wallet.errors import PayCodeExpired, PayCodeUsed, PayCodeWrong
from api.wallet.models import PayCode as PayCodeRow

PREFIX, DIGITS = "90", 18
SECONDS = 60
KEPT_FOR = timedelta(days=1)


@dataclass(frozen=True)
class PayCode:
    """A code to be shown, and until when it counts."""

    code: str = field(repr=False)
    expires_at: datetime
    seconds: int = SECONDS


def new_pay_code(member_id: int) -> PayCode:
    """A fresh pay code for a member, good for SECONDS."""
    now = clock.now()
    rest = DIGITS - len(PREFIX)
    code = PREFIX + f"{secrets.randbelow(10**rest):0{rest}d}"
    expires_at = now + timedelta(seconds=SECONDS)
    session.add(PayCodeRow(code_key=_key(code), member_id=member_id, made_at=now, expires_at=expires_at))
    session.flush()
    return PayCode(code, expires_at)


def is_pay_code(text: str) -> bool:
    """Whether a text has the form of a pay code, and of nobody else's."""
    return len(text) == DIGITS and text.isascii() and text.isdigit() and text.startswith(PREFIX)


def use_pay_code(code: str, shop_id: int | None) -> int:
    """Who showed this code, once. PayCodeWrong, PayCodeUsed, PayCodeExpired, MemberClosed."""
    if not is_pay_code(code):
        raise PayCodeWrong()
    now = clock.now()
    fresh = (PayCodeRow.code_key == _key(code), PayCodeRow.used_at.is_(None), PayCodeRow.expires_at > now)
    used = update(PayCodeRow).where(*fresh).values(used_at=now, used_in_shop_id=shop_id).returning(PayCodeRow.member_id)
    member_id = session.scalar(used)
    if member_id is None:
        raise _refusal(code)
    return members.get(members.surviving(member_id)).id


def _refusal(code: str) -> Problem:
    row = session.execute(select(PayCodeRow.used_at).where(PayCodeRow.code_key == _key(code))).first()
    if row is None:
        return PayCodeWrong()
    return PayCodeUsed() if row.used_at is not None else PayCodeExpired()


def forget_pay_codes() -> int:
    """Drop codes that expired long ago; returns how many."""
    return rows_changed(delete(PayCodeRow).where(PayCodeRow.expires_at < clock.now() - KEPT_FOR))


def _key(code: str) -> str:
    return sealed.find_key(f"pay-code:{code}")
