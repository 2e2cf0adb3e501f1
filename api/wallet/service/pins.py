"""The wallet's PIN: six digits, kept as argon2id, asked for above a limit; five wrong tries and it rests for half an hour."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import case, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from api.kit import clock, db, value_limits
from api.kit.db import session
from api.kit.value_limits import Bound, Limit
from api.malls import service as malls
from api.members import service as members
from api.wallet.errors import PinLocked, PinNeeded, PinTooSimple, PinWrong
from api.wallet.models import WalletPin
from api.wallet.policy import WalletRules

TRIES = 5
REST = timedelta(minutes=30)
WITHOUT_PIN = Limit("stored-value-without-pin")
_RUN = "01234567890"

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)  # OWASP password storage cheat sheet: argon2id, 19 MiB, t=2, p=1


def is_set(member_id: int) -> bool:
    """Whether the member has a PIN."""
    return session.scalar(select(WalletPin.id).where(WalletPin.member_id == member_id)) is not None


def needed(amount_fen: int) -> bool:
    """Whether a payment with so much stored value asks for the PIN."""
    return amount_fen > malls.policy(WalletRules).pin_above_fen


def demand_pin(member_id: int, amount_fen: int, pin: str | None, *, cause: tuple[str, str]) -> None:
    """Ask for the PIN above the mall's limits of a payment and of a day. PinNeeded, PinWrong (`left`), PinLocked (`until`), MemberClosed.

    What is paid without it counts for its cause, and stays counted when the payment is given up: otherwise giving up would be a way
    around. Call it before anything is written: a wrong try is made durable although it is refused.
    """
    members.hold(member_id)  # before the row of the PIN: who closes the account holds the member and then drops it
    if needed(amount_fen):
        verify(member_id, pin)
        return
    bound = Bound(WITHOUT_PIN, member_id, malls.policy(WalletRules).pin_free_day_fen)
    if value_limits.use(amount_fen, [bound], cause=cause) is not None:
        verify(member_id, pin)


def verify(member_id: int, pin: str | None) -> None:
    """Compare the PIN and count the try. PinNeeded, PinWrong, PinLocked."""
    if pin is None:
        raise PinNeeded(is_set=is_set(member_id), limit_fen=malls.policy(WalletRules).pin_above_fen)
    tried = _count_try(member_id)
    if tried is None:
        _refuse_locked(member_id)
        raise PinNeeded(is_set=False, limit_fen=malls.policy(WalletRules).pin_above_fen)
    pin_hash, tries, unlocks_at = tried
    if not _matches(pin, pin_hash):
        db.checkpoint()  # a wrong try counts although it is refused
        if unlocks_at is not None:
            raise PinLocked(until=unlocks_at.isoformat())
        raise PinWrong(left=TRIES - tries)
    session.execute(update(WalletPin).where(WalletPin.member_id == member_id).values(tries=0, unlocks_at=None))


def _count_try(member_id: int) -> tuple[str, int, datetime | None] | None:
    # One guarded UPDATE that keeps the row locked until the PIN was looked at: parallel guesses wait for each other.
    now = clock.now()
    rested = WalletPin.unlocks_at <= now
    tries = case((rested, 1), else_=WalletPin.tries + 1)
    counted = (
        update(WalletPin)
        .where(WalletPin.member_id == member_id, or_(WalletPin.unlocks_at.is_(None), rested))
        .values(tries=tries, unlocks_at=case((tries >= TRIES, now + REST)))
        .returning(WalletPin.pin_hash, WalletPin.tries, WalletPin.unlocks_at)
        .execution_options(synchronize_session=False)
    )
    row = session.execute(counted).first()
    return None if row is None else (row.pin_hash, row.tries, row.unlocks_at)


def _refuse_locked(member_id: int) -> None:
    until = session.scalar(select(WalletPin.unlocks_at).where(WalletPin.member_id == member_id))
    if until is not None:
        raise PinLocked(until=until.isoformat())


def _matches(pin: str, kept: str) -> bool:
    try:
        return _hasher.verify(kept, pin)
    except (VerificationError, InvalidHashError):
        return False


def refuse_simple(pin: str) -> None:
    """PinTooSimple for what everybody tries first."""
    if len(set(pin)) == 1 or pin in _RUN or pin in _RUN[::-1]:
        raise PinTooSimple()


def set_pin(member_id: int, pin: str) -> None:
    """Set the first PIN or another one, which ends a rest; who calls this has the proof of who sets it. PinTooSimple."""
    values = _fresh(pin)
    session.execute(
        insert(WalletPin).values(member_id=member_id, **values).on_conflict_do_update(index_elements=["mall_id", "member_id"], set_=values)
    )


def set_first(member_id: int, pin: str) -> bool:
    """Set the first PIN; False, and nothing changes, when there is one. Who calls this has the proof of who sets it. PinTooSimple."""
    made = insert(WalletPin).values(member_id=member_id, **_fresh(pin)).on_conflict_do_nothing().returning(WalletPin.id)
    return session.scalar(made) is not None


def _fresh(pin: str) -> dict[str, Any]:
    refuse_simple(pin)
    return {"pin_hash": _hasher.hash(pin), "tries": 0, "unlocks_at": None, "set_at": clock.now()}
