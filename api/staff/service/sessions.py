"""Signing in, staying signed in, and being let in at each request."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import case, delete, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from api.kit import clock, db, identity, live, sealed
from api.kit.db import rows_changed, session
from api.kit.identity import Principal
from api.kit.roles import Role
from api.staff import passwords, permissions
from api.staff.errors import SignInRefused, TokenReused
from api.staff.models import PairingCode, SignInTries, StaffAccount, StaffSession
from api.staff.states import AccountState

TRIES = 5  # wrong passwords until the login is locked
REST = timedelta(minutes=15)  # the first time; it doubles with each wrong try after
LONGEST_REST = timedelta(hours=24)
PERSON_STAYS = timedelta(days=7)  # without using the refresh token
TABLET_STAYS = timedelta(days=400)
RACE = timedelta(seconds=10)  # two windows that refresh together are no theft: the slower one is refused, the sign-in goes on
KEPT_FOR = timedelta(days=30)


@dataclass(frozen=True)
class Tokens:
    """What somebody signed in holds. `expires_in` is the access token's, in seconds."""

    access_token: str
    refresh_token: str
    expires_in: int
    account: StaffAccount


def sign_in(login: str, password: str) -> Tokens:
    """Sign a person in. SignInRefused is the same, after the same work, for a wrong login, a wrong password and a locked login."""
    login_key = sealed.find_key(f"staff-login:{login.strip().lower()}")
    allowed = _count_try(login_key)
    # Durable before the password is looked at, so that parallel guesses cannot outrun the count.
    db.checkpoint()
    account = session.scalar(select(StaffAccount).where(StaffAccount.login == login.strip().lower()))
    right = passwords.matches(password, account.password_hash if account else None)
    if account is None or not (right and allowed and account.state == AccountState.ACTIVE):
        raise SignInRefused()
    clear_wrong_tries(login_key)
    return begin(account)


def _count_try(login_key: str) -> bool:
    now, failed = clock.now(), SignInTries.tries + 1
    rest = func.least(REST.total_seconds() * func.power(2, func.least(failed - TRIES, 16)), LONGEST_REST.total_seconds())
    until = case((failed >= TRIES, now + func.make_interval(0, 0, 0, 0, 0, 0, rest)))
    counted = (
        insert(SignInTries)
        .values(login_key=login_key, tries=1, tried_at=now)
        .on_conflict_do_update(
            index_elements=["mall_id", "login_key"],
            set_={"tries": failed, "tried_at": now, "unlocks_at": until},
            where=or_(SignInTries.unlocks_at.is_(None), SignInTries.unlocks_at <= now),
        )
        .returning(SignInTries.tries)
    )
    return session.scalar(counted) is not None


def clear_wrong_tries(login_key: str) -> None:
    """Forget the wrong tries of a login."""
    session.execute(delete(SignInTries).where(SignInTries.login_key == login_key))


def begin(account: StaffAccount) -> Tokens:
    """Start a sign-in of an account."""
    now = clock.now()
    made = StaffSession(
        account_id=account.id, public_id=secrets.token_hex(16), began_at=now, used_at=now, expires_at=now + _lifetime(account), generation=1
    )
    session.add(made)
    session.flush()
    return _tokens(account, made.public_id, 1)


def _lifetime(account: StaffAccount) -> timedelta:
    return TABLET_STAYS if account.role == Role.TABLET else PERSON_STAYS


def _tokens(account: StaffAccount, public_id: str, generation: int) -> Tokens:
    access = identity.access_token(account.kind, account.id, db.mall(), session_id=public_id, shop_id=account.shop_id)
    refresh_token = f"{public_id}.{generation}.{_signature(public_id, generation)}"
    return Tokens(access, refresh_token, int(identity.ACCESS_TOKEN_LIVES.total_seconds()), account)


def _signature(public_id: str, generation: int) -> str:
    return sealed.find_key(f"staff-refresh:{public_id}:{generation}")


def refresh(token: str) -> Tokens:
    """New tokens for the newest refresh token. TokenReused ends the sign-in of an older one; TokenInvalid for anything else."""
    public_id, generation = _read(token)
    now = clock.now()
    account = session.scalar(
        select(StaffAccount)
        .join(StaffSession, StaffSession.account_id == StaffAccount.id)
        .where(StaffSession.public_id == public_id, StaffAccount.state == AccountState.ACTIVE)
    )
    if account is None:
        raise identity.TokenInvalid()
    live = (StaffSession.public_id == public_id, StaffSession.ended_at.is_(None), StaffSession.expires_at > now)
    rotated = (
        update(StaffSession)
        .where(*live, StaffSession.generation == generation)
        .values(generation=generation + 1, used_at=now, expires_at=now + _lifetime(account))
    )
    if rows_changed(rotated) == 0:
        _refuse_old(public_id, generation, now)
    return _tokens(account, public_id, generation + 1)


def _read(token: str) -> tuple[str, int]:
    public_id, _, rest = token.partition(".")
    number, _, signature = rest.partition(".")
    if not (number.isascii() and number.isdigit() and len(number) <= 9):
        raise identity.TokenInvalid()
    if not hmac.compare_digest(_signature(public_id, int(number)).encode(), signature.encode()):
        raise identity.TokenInvalid()
    return public_id, int(number)


def _refuse_old(public_id: str, generation: int, now: datetime) -> None:
    newest = session.execute(
        select(StaffSession.generation, StaffSession.used_at).where(StaffSession.public_id == public_id, StaffSession.ended_at.is_(None))
    ).one_or_none()
    if newest is None or newest.generation == generation or (newest.generation == generation + 1 and now - newest.used_at <= RACE):
        raise identity.TokenInvalid()
    _end(StaffSession.public_id == public_id, reason="an old refresh token was used")
    db.checkpoint()  # the refusal below undoes the transaction, and the end must stay
    raise TokenReused()


def sign_out(public_id: str) -> None:
    """End one sign-in; its access tokens are refused from the next request on."""
    _end(StaffSession.public_id == public_id, reason="signed out")


def end_all(account_id: int, reason: str, *, but: str = "") -> None:
    """End every sign-in of an account, perhaps but one."""
    _end(StaffSession.account_id == account_id, StaffSession.public_id != but, reason=reason)


def _end(*which: object, reason: str) -> None:
    ended = (
        update(StaffSession)
        .where(StaffSession.ended_at.is_(None), *which)  # type: ignore[arg-type]
        .values(ended_at=clock.now(), end_reason=reason)
        .execution_options(synchronize_session=False)
    )
    live.ask_again(["staff", "shop"], session.scalars(ended.returning(StaffSession.account_id)).all())


def enter(claimed: Principal) -> Principal:
    """Enter the mall of a token, and what `principal_now` says. Two statements."""
    db.enter(claimed.mall_id)
    return principal_now(claimed)


def principal_now(claimed: Principal) -> Principal:
    """The principal of a token with the role it has now; one statement. TokenInvalid for suspended accounts, revoked tablets and
    sign-ins that have ended."""
    ended = exists().where(StaffSession.public_id == claimed.session_id, StaffSession.ended_at.is_not(None))
    active = StaffAccount.state == AccountState.ACTIVE
    row = session.execute(
        select(StaffAccount.role, StaffAccount.shop_id).where(StaffAccount.id == claimed.id, active, ~ended)
    ).one_or_none()
    if row is None or (row.shop_id is None) != (claimed.kind == "staff"):
        raise identity.TokenInvalid()
    return replace(claimed, shop_id=row.shop_id, role=row.role, permissions=permissions.of(row.role))


def forget_old() -> int:
    """Remove what is past its use: ended sign-ins, used codes, counts of tries; returns how many rows."""
    now = clock.now()
    gone = or_(StaffSession.ended_at < now - KEPT_FOR, StaffSession.expires_at < now - KEPT_FOR)
    rested = or_(SignInTries.unlocks_at.is_(None), SignInTries.unlocks_at < now)
    return sum(
        rows_changed(statement)
        for statement in (
            delete(StaffSession).where(gone),
            delete(PairingCode).where(PairingCode.expires_at < now - KEPT_FOR),
            delete(SignInTries).where(SignInTries.tried_at < now - 2 * LONGEST_REST, rested),
        )
    )


identity.entrance("staff", enter)
identity.entrance("shop", enter)
