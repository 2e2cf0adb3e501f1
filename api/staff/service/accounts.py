"""Accounts of people: opened, changed, moved and given passwords by administrators."""

from __future__ import annotations

from collections.abc import Collection
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
from api.staff.service import second_person, sessions
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
    row = session.get(StaffAccount, account_id)
    if row is None or row.role == Role.TABLET:
        raise StaffAccountNotFound()
    return row


def account_or_tablet(account_id: int) -> StaffAccount:
    """A person's or a tablet's account. StaffAccountNotFound."""
    row = session.get(StaffAccount, account_id)
    if row is None:
        raise StaffAccountNotFound()
    return row


def names_of(principals: Collection[str]) -> dict[str, str]:
    """The names of those who are people or tablets of the staff: {"staff:3": "王芳"}. One statement, none where nobody is."""
    ids = {who: int(number) for who in principals for kind, _, number in [who.partition(":")] if kind in ("staff", "shop")}
    if not ids:
        return {}
    names: dict[int, str] = {
        row.id: row.name for row in session.execute(select(StaffAccount.id, StaffAccount.name).where(StaffAccount.id.in_(ids.values())))
    }
    return {who: names[account_id] for who, account_id in ids.items() if account_id in names}


def open_account(*, login: str, password: str, name: str, role: Role, shop_id: int | None, by: str) -> StaffAccount:
    """Open an account. LoginTaken, PasswordWeak, RoleNeedsShop, ShopNotFound."""
    login = login.strip().lower()
    _refuse_shop(role, shop_id)
    _refuse_weak(password, login)
    if session.scalar(select(StaffAccount.id).where(StaffAccount.login == login)):
        raise LoginTaken()
    made = StaffAccount(
        login=login,
        password_hash=passwords.hash_password(password),
        name=name.strip(),
        role=str(role),
        shop_id=shop_id,
        state=AccountState.ACTIVE,
        made_at=clock.now(),
    )
    session.add(made)
    session.flush()
    second_person.tie(made.id, "opened", by=by)
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
    staff = account(account_id)
    before = facts(staff)
    role, shop_id = changes.get("role", staff.role), changes.get("shop_id", staff.shop_id)
    if (role, shop_id) != (staff.role, staff.shop_id):
        _refuse_own(staff, by_id)
        _refuse_shop(role, shop_id)
        if role != Role.ADMINISTRATOR:
            _keep_an_administrator(staff)
        sessions.end_all(staff.id, "the role changed")
        second_person.tie(staff.id, "role", by=by)
    staff.role, staff.shop_id, staff.name = str(role), shop_id, changes.get("name", staff.name)
    session.flush()
    audit.record(by, "changed the account", "staff_account", staff.id, before=before, after=facts(staff), why=why)
    return staff


def move(account_id: int, to: AccountState, *, by: str, by_id: int, why: str) -> StaffAccount:
    """Suspend an account, let it in again, or close it for good. OwnAccount, LastAdministrator, WrongState."""
    staff = account(account_id)
    before = facts(staff)
    _refuse_own(staff, by_id)
    if to != AccountState.ACTIVE:
        _keep_an_administrator(staff)
        sessions.end_all(staff.id, f"the account is {to}")
    states.move(staff, to, by=by, reason=why)
    if to == AccountState.ACTIVE:
        second_person.tie(staff.id, "state", by=by)
    audit.record(by, f"moved the account to {to}", "staff_account", staff.id, before=before, after=facts(staff), why=why)
    return staff


def _refuse_own(staff: StaffAccount, by_id: int) -> None:
    if staff.id == by_id:
        raise OwnAccount()


def _keep_an_administrator(staff: StaffAccount) -> None:
    # All administrators' rows are locked in one order, so that two of them cannot remove each other at once.
    administrators = session.scalars(
        select(StaffAccount.id)
        .where(StaffAccount.role == Role.ADMINISTRATOR, StaffAccount.state == AccountState.ACTIVE)
        .order_by(StaffAccount.id)
        .with_for_update(key_share=True)
    ).all()
    if list(administrators) == [staff.id]:
        raise LastAdministrator()


def reset_password(account_id: int, password: str, *, by: str, why: str) -> StaffAccount:
    """Give somebody a new password: every sign-in ends, wrong tries are forgotten. PasswordWeak."""
    staff = account(account_id)
    _set_password(staff, password)
    sessions.end_all(staff.id, "the password was reset")
    second_person.tie(staff.id, "password", by=by)
    audit.record(by, "reset the password", "staff_account", staff.id, why=why)
    return staff


def change_own_password(account_id: int, present: str, new: str, *, by: str, session_id: str) -> None:
    """Change the own password; other sign-ins end. PasswordWrong, PasswordWeak."""
    staff = account(account_id)
    if not passwords.matches(present, staff.password_hash):
        raise PasswordWrong()
    _set_password(staff, new)
    sessions.end_all(staff.id, "the password was changed", but=session_id)
    audit.record(by, "changed the own password", "staff_account", staff.id)


def _set_password(staff: StaffAccount, password: str) -> None:
    login = staff.login or ""
    _refuse_weak(password, login)
    staff.password_hash = passwords.hash_password(password)
    sessions.clear_wrong_tries(sealed.find_key(f"staff-login:{login}"))


def first_administrator(login: str, password: str) -> StaffAccount:
    """Open the first account of a mall. AdministratorExists when there was ever one."""
    malls.lock_mall()
    if session.scalar(select(StaffAccount.id).where(StaffAccount.role == Role.ADMINISTRATOR).limit(1)):
        raise AdministratorExists()
    return open_account(login=login, password=password, name=login, role=Role.ADMINISTRATOR, shop_id=None, by="command")
