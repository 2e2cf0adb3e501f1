"""Accounts of people: opened, changed, moved and given passwords by administrators."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from api.kit import audit, clock, pages, sealed, states
from api.kit.db import session
from api.kit.pages import Page
from api.kit.roles import SHOP_ROLES, Role
from api.malls import service as malls
from api.staff import passwords
from api.staff.errors import (
    AdministratorExists,
    LastAdministrator,
    LoginTaken,
    OwnAccount,
    PasswordWeak,
    PasswordWrong,
    RoleNeedsShop,
    StaffAccountNotFound,
)
from api.staff.models import StaffAccount
from api.staff.service import sessions
from api.staff.states import AccountState

FACTS = ("login", "name", "role", "shop_id", "state")


def accounts(*, shop_id: int | None, state: str | None, role: str | None = None, cursor: str | None, limit: int) -> Page[StaffAccount]:
    """People of the staff, newest first; tablets are listed with their shop."""
    query = select(StaffAccount).where(StaffAccount.role != Role.TABLET)
    if shop_id is not None:
        query = query.where(StaffAccount.shop_id == shop_id)
    if state is not None:
        query = query.where(StaffAccount.state == state)
    if role is not None:
        query = query.where(StaffAccount.role == role)
    return pages.page(query, StaffAccount.id, cursor=cursor, limit=limit)


def account(account_id: int) -> StaffAccount:
    """One person's account. StaffAccountNotFound, also for tablets."""
    found = session.get(StaffAccount, account_id)
    if found is None or found.role == Role.TABLET:
        raise StaffAccountNotFound()
    return found


def anyone(account_id: int) -> StaffAccount:
    """A person's or a tablet's account. StaffAccountNotFound."""
    found = session.get(StaffAccount, account_id)
    if found is None:
        raise StaffAccountNotFound()
    return found


def open_account(*, login: str, password: str, name: str, role: Role, shop_id: int | None, by: str) -> StaffAccount:
    """Open an account. LoginTaken, PasswordWeak, RoleNeedsShop, ShopNotFound."""
    login = login.strip().lower()
    _refuse_shop(role, shop_id)
    _refuse_weak(password, login)
    if session.scalar(select(StaffAccount.id).where(StaffAccount.login == login)):
        raise LoginTaken()
    made = StaffAccount(
        login=login,
        password_hash=passwords.hashed(password),
        name=name.strip(),
        role=str(role),
        shop_id=shop_id,
        state=AccountState.ACTIVE,
        made_at=clock.now(),
    )
    session.add(made)
    session.flush()
    audit.record(by, "opened the account", "staff_account", made.id, after=facts(made))
    return made


def _refuse_shop(role: str, shop_id: int | None) -> None:
    if role == Role.TABLET or (role in SHOP_ROLES) != (shop_id is not None):
        raise RoleNeedsShop()
    if shop_id is not None:
        malls.shop(shop_id)


def _refuse_weak(password: str, login: str) -> None:
    short = not passwords.SHORTEST <= len(password) <= passwords.LONGEST
    if short or len(set(password)) < 4 or login in password.lower():
        raise PasswordWeak()


def facts(account: StaffAccount) -> dict[str, Any]:
    """An account as the audit log shows it."""
    return {name: getattr(account, name) for name in FACTS}


def change(account_id: int, changes: dict[str, Any], *, by: str, by_id: int, why: str) -> StaffAccount:
    """Change name, role or shop. OwnAccount, LastAdministrator, RoleNeedsShop."""
    found = account(account_id)
    before = facts(found)
    role, shop_id = changes.get("role", found.role), changes.get("shop_id", found.shop_id)
    if (role, shop_id) != (found.role, found.shop_id):
        _refuse_own(found, by_id)
        _refuse_shop(role, shop_id)
        if role != Role.ADMINISTRATOR:
            _keep_an_administrator(found)
        sessions.end_all(found.id, "the role changed")
    found.role, found.shop_id, found.name = str(role), shop_id, changes.get("name", found.name)
    session.flush()
    audit.record(by, "changed the account", "staff_account", found.id, before=before, after=facts(found), why=why)
    return found


def move(account_id: int, to: AccountState, *, by: str, by_id: int, why: str) -> StaffAccount:
    """Suspend an account, let it in again, or close it for good. OwnAccount, LastAdministrator, WrongState."""
    found = account(account_id)
    before = facts(found)
    _refuse_own(found, by_id)
    if to != AccountState.ACTIVE:
        _keep_an_administrator(found)
        sessions.end_all(found.id, f"the account is {to}")
    states.move(found, to, by=by, reason=why)
    audit.record(by, f"moved the account to {to}", "staff_account", found.id, before=before, after=facts(found), why=why)
    return found


def _refuse_own(found: StaffAccount, by_id: int) -> None:
    if found.id == by_id:
        raise OwnAccount()


def _keep_an_administrator(found: StaffAccount) -> None:
    # All administrators' rows are locked in one order, so that two of them cannot remove each other at once.
    administrators = session.scalars(
        select(StaffAccount.id)
        .where(StaffAccount.role == Role.ADMINISTRATOR, StaffAccount.state == AccountState.ACTIVE)
        .order_by(StaffAccount.id)
        .with_for_update(key_share=True)
    ).all()
    if list(administrators) == [found.id]:
        raise LastAdministrator()


def reset_password(account_id: int, password: str, *, by: str, why: str) -> StaffAccount:
    """Give somebody a new password: every sign-in ends, wrong tries are forgotten. PasswordWeak."""
    found = account(account_id)
    _set_password(found, password)
    sessions.end_all(found.id, "the password was reset")
    audit.record(by, "reset the password", "staff_account", found.id, why=why)
    return found


def change_own_password(account_id: int, present: str, new: str, *, by: str, session_id: str) -> None:
    """Change the own password; other sign-ins end. PasswordWrong, PasswordWeak."""
    found = account(account_id)
    if not passwords.matches(present, found.password_hash):
        raise PasswordWrong()
    _set_password(found, new)
    sessions.end_all(found.id, "the password was changed", but=session_id)
    audit.record(by, "changed the own password", "staff_account", found.id)


def _set_password(found: StaffAccount, password: str) -> None:
    login = found.login or ""
    _refuse_weak(password, login)
    found.password_hash = passwords.hashed(password)
    sessions.forgive(sealed.find_key(f"staff-login:{login}"))


def first_administrator(login: str, password: str) -> StaffAccount:
    """Open the first account of a mall. AdministratorExists when there was ever one."""
    malls.hold()
    if session.scalar(select(StaffAccount.id).where(StaffAccount.role == Role.ADMINISTRATOR).limit(1)):
        raise AdministratorExists()
    return open_account(login=login, password=password, name=login, role=Role.ADMINISTRATOR, shop_id=None, by="command")
