"""Signing in, staying signed in, and being let in at each request."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, exists, or_, select, update

from api.kit import clock, db, identity, live, pages, sealed
from api.kit.db import rows_changed, session
from api.kit.identity import Principal
from api.kit.pages import Page
from api.kit.roles import Role
from api.settings import Settings
from api.staff import passwords, permissions
from api.staff.errors import CodeNeeded, CodeWrong, SignInNotFound, SignInRefused, TokenReused
from api.staff.models import KnownDevice, PairingCode, SecondFactor, SignInTries, StaffAccount, StaffSession
from api.staff.service import attempts, second_factors
from api.staff.states import AccountState

PERSON_STAYS = timedelta(days=7)  # without using the refresh token
TABLET_STAYS = timedelta(days=400)
RACE = timedelta(seconds=10)  # two windows that refresh together are no theft: the slower one is refused, the sign-in goes on
KEPT_FOR = timedelta(days=30)


#: What the own account must still do before anything else: while it does, it may do that only.
PASSWORD_DUE, CODES_DUE = "password", "codes"
OF_ONESELF = frozenset({"self.read", "self.write"})

_production = True


@dataclass(frozen=True)
class Origin:
    """Where a sign-in comes from, as its owner will see it."""

    address: str = ""
    device: str = ""


@dataclass(frozen=True)
class Tokens:
    """What somebody signed in holds. `expires_in` is the access token's, in seconds; `device_token`: this device is known from now on."""

    access_token: str
    refresh_token: str
    expires_in: int
    account: StaffAccount
    device_token: str | None = None


def configure(settings: Settings) -> None:
    """Take whether accounts made for trying out may do without codes here."""
    global _production
    _production = settings.production


def _for_trying_out(account: StaffAccount) -> bool:
    """In production, an account whose password everybody knows: nobody signs in with it."""
    return _production and account.codes_waived


def in_production() -> bool:
    """Whether this is a mall of real people."""
    return _production


def sign_in(login: str, password: str, *, code: str | None = None, device_token: str | None = None, origin: Origin | None = None) -> Tokens:
    """Sign a person in. SignInRefused is the same, after the same work, for a wrong login, a wrong password and a login that rests; who
    knows the password hears CodeNeeded or CodeWrong where codes are set up."""
    login, origin = login.strip().lower(), origin or Origin()
    device_id = attempts.known_device(login, device_token) if device_token else None
    lanes = attempts.lanes(login, origin.address, device_id)
    allowed = attempts.count(lanes)
    # Durable before the password is looked at, so that parallel guesses cannot outrun the count.
    db.checkpoint()
    account = session.scalar(select(StaffAccount).where(StaffAccount.login == login))
    right = passwords.matches(password, account.password_hash if account and not _for_trying_out(account) else None)
    if account is None or not (right and allowed and account.state == AccountState.ACTIVE):
        raise SignInRefused()
    if second_factors.is_asked(account.id):
        lanes = [*lanes, _check_code(account, code, attempts.code_lane(login, device_id))]
    attempts.clear(lanes)
    return replace(begin(account, origin), device_token=attempts.know_device(account.id, device_id))


def _check_code(account: StaffAccount, code: str | None, lane: attempts.Lane) -> attempts.Lane:
    if not code:
        raise CodeNeeded()
    allowed = attempts.count([lane])
    db.checkpoint()
    if not (allowed and second_factors.use(account.id, code)):
        raise CodeWrong()
    return lane


def begin(account: StaffAccount, origin: Origin) -> Tokens:
    """Start a sign-in of an account."""
    now = clock.now()
    made = StaffSession(
        account_id=account.id, public_id=secrets.token_hex(16), generation=1, began_at=now, used_at=now,
        expires_at=now + _lifetime(account), address=origin.address or None, device=origin.device or None,
    )  # fmt: skip
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
    if account is None or _for_trying_out(account):
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


def end_of_shop(shop_id: int, reason: str) -> None:
    """End every sign-in of a shop's people and tablets."""
    _end(StaffSession.account_id.in_(select(StaffAccount.id).where(StaffAccount.shop_id == shop_id)), reason=reason)


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
        select(StaffAccount.role, StaffAccount.shop_id, *_DUE).where(StaffAccount.id == claimed.id, active, ~ended)
    ).one_or_none()
    if row is None or (_production and row.codes_waived) or (row.shop_id is None) != (claimed.kind == "staff"):
        raise identity.TokenInvalid()
    allowed = permissions.of(row.role)
    return replace(claimed, shop_id=row.shop_id, role=row.role, permissions=allowed & OF_ONESELF if _due(row) else allowed)


_CONFIRMED = exists().where(SecondFactor.account_id == StaffAccount.id, SecondFactor.confirmed_at.is_not(None)).label("has_codes")
_DUE = StaffAccount.password_given, StaffAccount.codes_waived, _CONFIRMED


def _due(row: Any) -> list[str]:
    missing = permissions.holds_value(row.role) and not row.has_codes and not row.codes_waived
    return [PASSWORD_DUE] * row.password_given + [CODES_DUE] * missing


def due(account_id: int) -> list[str]:
    """What somebody must still do before anything else: an own password, codes."""
    return _due(session.execute(select(StaffAccount.role, *_DUE).where(StaffAccount.id == account_id)).one())


def listed(account_id: int, *, cursor: str | None, limit: int) -> Page[StaffSession]:
    """The sign-ins of an account that go on, newest first."""
    query = select(StaffSession).where(
        StaffSession.account_id == account_id, StaffSession.ended_at.is_(None), StaffSession.expires_at > clock.now()
    )
    return pages.page(query, StaffSession.id, cursor=cursor, limit=limit)


def end_one(account_id: int, sign_in_id: int, *, reason: str) -> None:
    """End one sign-in of an account. SignInNotFound."""
    of_account = StaffSession.id == sign_in_id, StaffSession.account_id == account_id
    if session.scalar(select(StaffSession.id).where(*of_account, StaffSession.ended_at.is_(None))) is None:
        raise SignInNotFound()
    _end(*of_account, reason=reason)


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
            delete(SignInTries).where(SignInTries.tried_at < now - 2 * attempts.OF_A_PAIR.longest, rested),
            delete(KnownDevice).where(KnownDevice.used_at < now - attempts.DEVICE_KEPT),
        )
    )


identity.entrance("staff", enter)
identity.entrance("shop", enter)
