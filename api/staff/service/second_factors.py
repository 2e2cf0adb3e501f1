"""Codes of an authenticator app (TOTP, RFC 6238): set up, asked at each sign-in, each counted once; and recovery codes for a lost phone."""

from __future__ import annotations

import hmac
import io
import secrets
from dataclasses import dataclass
from datetime import datetime

import pyotp
import segno
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from api.kit import audit, clock, sealed
from api.kit.db import rows_changed, session
from api.malls import service as malls
from api.staff.errors import CodesNotBegun, CodeWrong
from api.staff.models import RecoveryCode, SecondFactor, StaffAccount

DIGITS = 6
SECONDS = 30  # a step
TOLERANCE = 1  # steps that a phone's clock may be off, in either direction
RECOVERY_CODES = 10
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # no 0 o 1 i l: they are read from paper
HALF = 5  # letters of half a recovery code: 31^10 of them


@dataclass(frozen=True)
class Setup:
    """What an authenticator app needs: a picture to scan, or the secret to type. Shown once."""

    secret: str  # in groups of four
    link: str  # otpauth://
    picture: str  # SVG


@dataclass(frozen=True)
class FactorState:
    """Whether codes are asked, since when, and how many recovery codes are left."""

    confirmed_at: datetime | None
    recovery_left: int


def state(account_id: int) -> FactorState:
    """How somebody's codes stand."""
    confirmed = session.scalar(select(SecondFactor.confirmed_at).where(SecondFactor.account_id == account_id))
    unused = select(func.count()).where(RecoveryCode.account_id == account_id, RecoveryCode.used_at.is_(None))
    return FactorState(confirmed, session.scalar(unused) or 0)


def begin(account: StaffAccount) -> Setup:
    """A fresh secret for an authenticator app; what was set up before holds until a code proves the fresh one."""
    secret = pyotp.random_base32()
    kept = insert(SecondFactor).values(account_id=account.id, fresh_secret=sealed.seal(secret))
    session.execute(kept.on_conflict_do_update(index_elements=["account_id"], set_={"fresh_secret": kept.excluded.fresh_secret}))
    mall = malls.mall_info().name
    link = pyotp.TOTP(secret).provisioning_uri(name=account.login or account.name, issuer_name=mall)
    return Setup(" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)), link, _picture(link))


def _picture(link: str) -> str:
    drawn = io.BytesIO()
    segno.make_qr(link, error="m").save(drawn, kind="svg", xmldecl=False, svgns=True, border=4, omitsize=True, dark="#000", light="#fff")
    return drawn.getvalue().decode().strip()


def confirm(account_id: int, code: str, *, by: str) -> list[str]:
    """The fresh secret is in the phone, as its code proves: it holds from now on. Returns new recovery codes. CodesNotBegun, CodeWrong."""
    factor = session.scalar(select(SecondFactor).where(SecondFactor.account_id == account_id).with_for_update())
    if factor is None or factor.fresh_secret is None:
        raise CodesNotBegun()
    if (step := _step_of(sealed.unseal(factor.fresh_secret), code)) is None:
        raise CodeWrong()
    factor.secret, factor.fresh_secret, factor.confirmed_at, factor.last_step = factor.fresh_secret, None, clock.now(), step
    session.flush()
    audit.record(by, "set up the codes", "staff_account", account_id)
    return _new_recovery_codes(account_id)


def renew_recovery(account_id: int, *, by: str) -> list[str]:
    """Ten new recovery codes; the others end."""
    audit.record(by, "made new recovery codes", "staff_account", account_id)
    return _new_recovery_codes(account_id)


def _new_recovery_codes(account_id: int) -> list[str]:
    session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account_id))
    now = clock.now()
    codes = ["-".join("".join(secrets.choice(ALPHABET) for _ in range(HALF)) for _ in range(2)) for _ in range(RECOVERY_CODES)]
    session.add_all(RecoveryCode(account_id=account_id, code_key=_recovery_key(account_id, code), made_at=now) for code in codes)
    session.flush()
    return codes


def is_asked(account_id: int) -> bool:
    """Whether somebody signs in with codes."""
    query = select(SecondFactor.id).where(SecondFactor.account_id == account_id, SecondFactor.confirmed_at.is_not(None))
    return session.scalar(query) is not None


def use(account_id: int, code: str) -> bool:
    """Whether a code is right; of two sign-ins with one code, one gets in."""
    typed = "".join(code.split()).lower()
    if len(typed) == DIGITS and typed.isascii() and typed.isdigit():
        return _use_totp(account_id, typed)
    return _use_recovery(account_id, typed.replace("-", ""))


def _use_totp(account_id: int, code: str) -> bool:
    kept = session.scalar(select(SecondFactor.secret).where(SecondFactor.account_id == account_id))
    if kept is None or (step := _step_of(sealed.unseal(kept), code)) is None:
        return False
    # One guarded UPDATE: no code counts twice, and none from before one that counted.
    taken = update(SecondFactor).where(SecondFactor.account_id == account_id, SecondFactor.last_step < step).values(last_step=step)
    return rows_changed(taken) == 1


def _step_of(secret: str, code: str) -> int | None:
    codes, present = pyotp.TOTP(secret, digits=DIGITS, interval=SECONDS), int(clock.now().timestamp()) // SECONDS
    matching = [
        step
        for step in range(present - TOLERANCE, present + TOLERANCE + 1)
        if hmac.compare_digest(codes.generate_otp(step).encode(), code.encode())
    ]
    return max(matching, default=None)


def _use_recovery(account_id: int, typed: str) -> bool:
    code = f"{typed[:HALF]}-{typed[HALF:]}"
    unused = RecoveryCode.code_key == _recovery_key(account_id, code), RecoveryCode.used_at.is_(None)
    if rows_changed(update(RecoveryCode).where(*unused).values(used_at=clock.now())) == 0:
        return False
    audit.record("system", "signed in with a recovery code", "staff_account", account_id)
    return True


def _recovery_key(account_id: int, code: str) -> str:
    return sealed.find_key(f"staff-recovery:{account_id}:{code}")


def remove(account_id: int) -> None:
    """The phone and the paper are lost: codes are set up anew."""
    session.execute(delete(SecondFactor).where(SecondFactor.account_id == account_id))
    session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account_id))
