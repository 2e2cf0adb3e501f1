"""Accounts of people: opened, changed and moved by administrators; the password is set by the person."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import func, select

from api.kit import audit, clock, pages, states
from api.kit.db import session
from api.kit.pages import Page
from api.kit.roles import SHOP_ROLES, Role
from api.malls import service as malls
from api.staff import passwords, permissions
from api.staff.errors import (
    AdministratorsExist,
    ForTryingOutOnly,
    LastAdministrator,
    LoginTaken,
    OwnAccount,
    RoleNeedsShop,
    StaffAccountNotFound,
)
from api.staff.models import StaffAccount
from api.staff.service import credentials, links, news, second_person, sessions
from api.staff.service.links import ShownLink
from api.staff.states import AccountState

ADMINISTRATORS_BY_COMMAND = 2  # what takes two people needs them from the first minute
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


def open_account(*, login: str, name: str, role: Role, shop_id: int | None, by: str) -> StaffAccount:
    """Invite somebody: an account without a password, and leave for a link to set one. LoginTaken, RoleNeedsShop, ShopNotFound."""
    made = _add(login=login, name=name, role=role, shop_id=shop_id, state=AccountState.INVITED)
    second_person.tie(made.id, "opened", by=by)
    audit.record(by, "opened the account", "staff_account", made.id, after=facts(made))
    links.allow(made, also_codes=False, by=by)
    return made


def seed_account(*, login: str, password: str, name: str, role: Role, shop_id: int | None = None) -> StaffAccount:
    """Somebody of a mall for trying out, with a password that is known and, outside production, without codes. ForTryingOutOnly."""
    if sessions.in_production():
        raise ForTryingOutOnly()
    credentials.refuse_weak(password, login, name)
    kept = {"password_hash": passwords.hash_password(password), "codes_waived": True}
    made = _add(login=login, name=name, role=role, shop_id=shop_id, state=AccountState.ACTIVE, **kept)
    audit.record(links.COMMAND, "opened the account", "staff_account", made.id, after=facts(made))
    return made


def accounts_for_trying_out() -> list[str]:
    """Accounts of this mall whose password everybody knows."""
    known = select(StaffAccount.login).where(StaffAccount.codes_waived, StaffAccount.state != AccountState.CLOSED)
    return [f"the account {login} was made for trying out, with a known password: close it." for login in session.scalars(known)]


def _add(*, login: str, name: str, role: Role, shop_id: int | None, **given: Any) -> StaffAccount:
    login = login.strip().lower()
    _refuse_shop(role, shop_id)
    if session.scalar(select(StaffAccount.id).where(StaffAccount.login == login)):
        raise LoginTaken()
    made = StaffAccount(login=login, name=name.strip(), role=str(role), shop_id=shop_id, made_at=clock.now(), **given)
    session.add(made)
    session.flush()
    return made


def _refuse_shop(role: str, shop_id: int | None) -> None:
    if role == Role.TABLET or (role in SHOP_ROLES) != (shop_id is not None):
        raise RoleNeedsShop()
    if shop_id is not None:
        malls.shop(shop_id)


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
    if (name := changes.get("name", staff.name)) != staff.name:
        _refuse_own(staff, by_id)  # a name says who is one person
        second_person.tie(staff.id, "name", by=by)
    staff.role, staff.shop_id, staff.name = str(role), shop_id, name
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
        links.end_all(staff.id)
    elif staff.state == AccountState.INVITED:
        raise states.WrongState(state=staff.state, wanted=str(to))  # by the link only
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


def first_administrators(logins: Collection[str]) -> list[ShownLink]:
    """The first two people of a mall, by command: each gets a link, shown once. AdministratorsExist, LoginTaken."""
    return [_administrator_by_command(login) for login in logins]


def second_administrator(login: str) -> ShownLink:
    """Another administrator by command, for a mall that has fewer than two; the other is told. AdministratorsExist, LoginTaken."""
    link = _administrator_by_command(login)
    news.tell_administrators("second administrator", about_id=link.account.id, by=links.COMMAND)
    return link


def _administrator_by_command(login: str) -> ShownLink:
    malls.lock_mall()
    here = select(func.count()).where(StaffAccount.role == Role.ADMINISTRATOR, StaffAccount.state != AccountState.CLOSED)
    if (session.scalar(here) or 0) >= ADMINISTRATORS_BY_COMMAND:
        raise AdministratorsExist()
    made = open_account(login=login, name=login.strip(), role=Role.ADMINISTRATOR, shop_id=None, by=links.COMMAND)
    return links.show(made, by=links.COMMAND)


def gives_value(role: str | None, *, account_id: int | None = None) -> bool:
    """Whether an account gets rights over value by this role, or holds them already."""
    roles = [role] if role is not None else []
    if account_id is not None:
        roles.append(account(account_id).role)
    return any(permissions.holds_value(role) for role in roles)
