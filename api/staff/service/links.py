"""One-time links by which people set their own password: invitations, forgotten passwords, recovery by command.

Who asks gets leave for one link (with rights over value that takes two people), sees the link once, and hands it over; nobody else, and
nobody later, sees it. It is kept as a keyed hash, holds for 72 hours, and works once.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, update

from api.kit import audit, clock, sealed, states
from api.kit.db import rows_changed, session
from api.malls import service as malls
from api.settings import Settings
from api.staff.errors import LinkNotReady, LinkRefused, OwnAccount, StaffAccountNotFound
from api.staff.models import AccountLink, StaffAccount
from api.staff.service import attempts, credentials, news, second_factors, second_person, sessions
from api.staff.states import AccountState

LIVES = timedelta(hours=72)
WAITS = timedelta(days=14)  # leave that is not used ends
COMMAND = "command"

_public_url = ""


@dataclass(frozen=True)
class ShownLink:
    """A link to hand over; it is shown once."""

    address: str
    ends_at: datetime
    account: StaffAccount


def configure(settings: Settings) -> None:
    """Take the address under which people reach the console."""
    global _public_url
    _public_url = settings.public_url.rstrip("/")


def allow(account: StaffAccount, *, also_codes: bool, by: str) -> AccountLink:
    """Give leave for one link; links and leave from before end."""
    end_all(account.id)
    leave = AccountLink(account_id=account.id, also_codes=also_codes, asked_by=by, asked_at=clock.now())
    session.add(leave)
    session.flush()
    return leave


def ask(account: StaffAccount, *, also_codes: bool, by: str, why: str) -> AccountLink:
    """Leave for a link of an account that is there; its owner is told. StaffAccountNotFound (also closed or suspended), OwnAccount."""
    if account.state not in (AccountState.INVITED, AccountState.ACTIVE):
        raise StaffAccountNotFound()
    if by == f"{account.kind}:{account.id}":
        raise OwnAccount()
    audit.record(by, "asked for a link", "staff_account", account.id, after={"also_codes": also_codes}, why=why)
    second_person.tie(account.id, "link", by=by)
    news.tell(account.id, "link", about_id=account.id, by=by)
    return allow(account, also_codes=also_codes, by=by)


def end_all(account_id: int) -> None:
    """No link of this account works any more."""
    open_links = AccountLink.account_id == account_id, AccountLink.used_at.is_(None), AccountLink.ended_at.is_(None)
    session.execute(update(AccountLink).where(*open_links).values(ended_at=clock.now()))


def newest(account_id: int) -> AccountLink | None:
    """The newest link of an account, without its secret."""
    return session.scalar(select(AccountLink).where(AccountLink.account_id == account_id).order_by(AccountLink.id.desc()).limit(1))


def show(account: StaffAccount, *, by: str) -> ShownLink:
    """The link for which somebody has leave, once. LinkNotReady."""
    now, token = clock.now(), secrets.token_urlsafe(32)
    ready = (
        AccountLink.account_id == account.id, AccountLink.asked_by == by, AccountLink.token_key.is_(None), AccountLink.ended_at.is_(None),
        AccountLink.asked_at > now - WAITS,
    )  # fmt: skip
    # One guarded UPDATE: of two windows that ask at once, one sees it.
    shown = update(AccountLink).where(*ready).values(token_key=_key(token), shown_at=now, ends_at=now + LIVES)
    if rows_changed(shown) == 0:
        raise LinkNotReady()
    second_person.tie(account.id, "link", by=by)
    audit.record(by, "made a link", "staff_account", account.id, after={"ends_at": (now + LIVES).isoformat()})
    entrance = "office" if account.shop_id is None else "shop"
    return ShownLink(f"{_public_url}/{entrance}/{malls.mall_info().code}/password#{token}", now + LIVES, account)


def _key(token: str) -> str:
    return sealed.find_key(f"staff-link:{token}")


def look(token: str) -> tuple[AccountLink, StaffAccount]:
    """What a link is for. LinkRefused."""
    row = session.execute(
        select(AccountLink, StaffAccount)
        .join(StaffAccount, StaffAccount.id == AccountLink.account_id)
        .where(*_works(token), StaffAccount.state.in_([AccountState.INVITED, AccountState.ACTIVE]))
    ).one_or_none()
    if row is None:
        raise LinkRefused()
    return row.AccountLink, row.StaffAccount


def _works(token: str) -> tuple[ColumnElement[bool], ...]:
    unused = AccountLink.used_at.is_(None), AccountLink.ended_at.is_(None)
    return AccountLink.token_key == _key(token), AccountLink.ends_at > clock.now(), *unused


def use(token: str, password: str) -> StaffAccount:
    """The person sets the own password: every sign-in ends, wrong tries are forgotten. LinkRefused, PasswordWeak."""
    link, account = look(token)
    credentials.refuse_weak(password, account.login or "", account.name)
    # One guarded UPDATE: of two who use the link at once, one gets in.
    if rows_changed(update(AccountLink).where(*_works(token)).values(used_at=clock.now())) == 0:
        raise LinkRefused()
    who = f"{account.kind}:{account.id}"
    credentials.set_password(account, password)
    if account.state == AccountState.INVITED:
        states.move(account, AccountState.ACTIVE, by=who, reason="accepted the invitation")
    if link.also_codes:
        second_factors.remove(account.id)
    attempts.forget_devices(account.id)
    sessions.end_all(account.id, "the password was set by a link")
    audit.record(who, "set the password by a link", "staff_account", account.id, after={"asked_by": link.asked_by})
    return account


def recover(login: str) -> ShownLink:
    """By command: a link for somebody who lost everything; all other administrators are told. StaffAccountNotFound."""
    account = by_login(login)
    audit.record(COMMAND, "recovered the account by command", "staff_account", account.id, after={"login": account.login})
    ask(account, also_codes=True, by=COMMAND, why="by command")
    news.tell_administrators("recovered", about_id=account.id, by=COMMAND)
    return show(account, by=COMMAND)


def unlock(login: str) -> StaffAccount:
    """By command: wrong tries at a login are forgotten. StaffAccountNotFound."""
    account = by_login(login)
    attempts.clear_all(account.login or "")
    audit.record(COMMAND, "unlocked the login by command", "staff_account", account.id)
    return account


def by_login(login: str) -> StaffAccount:
    """Somebody's account. StaffAccountNotFound."""
    account = session.scalar(select(StaffAccount).where(StaffAccount.login == login.strip().lower()))
    if account is None:
        raise StaffAccountNotFound()
    return account
