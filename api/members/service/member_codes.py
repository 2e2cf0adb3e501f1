"""The member code (会员码): a signed moment, shown on the phone for a minute, that counts once.

Eighty bits as sixteen letters and digits (Crockford's alphabet: no I, L, O, U), short enough to be typed at a till:
44 bits say who and when, disguised by the other 36, which are a keyed hash over mall, member and the full moment. Codes are made
without writing anything; a used one is a row, so a flushed cache brings none back.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from api.kit import clock, db, sealed
from api.kit.db import rows_changed, session
from api.members.errors import MemberCodeExpired, MemberCodeUnknown, MemberCodeUsed
from api.members.models import Member, SpentProof
from api.members.service import profile

SECONDS = 60
AHEAD = 5  # seconds that another server's clock may be before ours
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 16
KIND = "member-code"

_WHO_BITS, _WHEN_BITS, _SALT_BITS, _PROOF_BITS = 32, 9, 3, 36
_BODY_BITS = _WHO_BITS + _WHEN_BITS + _SALT_BITS
_AS_READ = str.maketrans({"I": "1", "L": "1", "O": "0", " ": None, "-": None})


@dataclass(frozen=True)
class MemberCode:
    """A code to be shown, and until when it counts."""

    code: str = field(repr=False)
    expires_at: datetime
    seconds: int = SECONDS


def new_code(member_id: int) -> MemberCode:
    """A fresh code for a member, good for SECONDS."""
    now = int(clock.now().timestamp())
    salt = secrets.randbelow(1 << _SALT_BITS)
    proof = _proof(member_id, now, salt)
    body = ((member_id << _WHEN_BITS | now % (1 << _WHEN_BITS)) << _SALT_BITS) | salt
    return MemberCode(_written((body ^ _disguise(proof)) << _PROOF_BITS | proof), datetime.fromtimestamp(now + SECONDS, UTC))


def use_code(code: str, *, by: str, shop_id: int | None) -> Member:
    """Who showed this code, once. MemberCodeUnknown, MemberCodeExpired, MemberCodeUsed."""
    member_id, made_at, digest = _read(code)
    now = clock.now()
    if now.timestamp() - made_at > SECONDS:
        raise MemberCodeExpired()
    spent = (
        insert(SpentProof)
        .values(
            kind=KIND, digest=digest, member_id=member_id, spent_by=by, shop_id=shop_id, spent_at=now,
            forget_at=now + timedelta(days=1),
        )
        .on_conflict_do_nothing()
        .returning(SpentProof.id)
    )  # fmt: skip
    member = profile.get(member_id)
    if session.execute(spent).scalar() is None:
        raise MemberCodeUsed()
    return member


def forget_used_codes() -> int:
    """Drop used codes that expired long ago; returns how many."""
    return rows_changed(delete(SpentProof).where(SpentProof.forget_at < clock.now()))


def is_code(text: str) -> bool:
    """Whether a text has the form of a member code."""
    plain = _plain(text)
    return len(plain) == LENGTH and set(plain) <= set(ALPHABET)


def _read(code: str) -> tuple[int, int, str]:
    if not is_code(code):
        raise MemberCodeUnknown()
    number = 0
    for letter in _plain(code):
        number = number << 5 | ALPHABET.index(letter)
    proof = number & ((1 << _PROOF_BITS) - 1)
    body = (number >> _PROOF_BITS) ^ _disguise(proof)
    salt = body & ((1 << _SALT_BITS) - 1)
    when = body >> _SALT_BITS & ((1 << _WHEN_BITS) - 1)
    member_id = body >> (_SALT_BITS + _WHEN_BITS)
    latest = int(clock.now().timestamp()) + AHEAD
    made_at = latest - (latest - when) % (1 << _WHEN_BITS)
    if not hmac.compare_digest(str(_proof(member_id, made_at, salt)), str(proof)):
        raise MemberCodeUnknown()
    return member_id, made_at, sealed.find_key(f"{KIND}:{number}:{made_at}")


def _proof(member_id: int, made_at: int, salt: int) -> int:
    if not 0 < member_id < 1 << _WHO_BITS:
        raise MemberCodeUnknown()
    keyed = sealed.find_key(f"{KIND}-proof:{db.mall()}:{member_id}:{made_at}:{salt}")
    return int(keyed, 16) & ((1 << _PROOF_BITS) - 1)


def _disguise(proof: int) -> int:
    return int(sealed.find_key(f"{KIND}-disguise:{db.mall()}:{proof}"), 16) & ((1 << _BODY_BITS) - 1)


def _written(number: int) -> str:
    return "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(LENGTH)))


def _plain(code: str) -> str:
    return code.upper().translate(_AS_READ)
