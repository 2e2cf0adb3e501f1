"""Who counts as another person: two accounts of two human beings, of whom neither has just made, let in or raised the other."""

from __future__ import annotations

import unicodedata
from datetime import datetime, timedelta

from sqlalchemy import select

from api.approvals.errors import AnotherPersonNeeded
from api.kit import clock, db
from api.kit.db import session
from api.kit.identity import Principal
from api.kit.roles import Role
from api.staff import permissions
from api.staff.models import AccountTie, StaffAccount
from api.staff.states import AccountState

#: How long an account does not count as another person for who opened it, gave it a password or a role, or let it in again.
TIED_FOR = timedelta(days=30)
_OF_STAFF = ("staff", "shop")


def tie(account_id: int, did: str, *, by: str) -> None:
    """Remember that somebody opened, let in or raised an account."""
    if by.partition(":")[0] in _OF_STAFF and _number(by) != account_id:
        session.add(AccountTie(account_id=account_id, by=by, did=did, at=clock.now()))
        session.flush()


def refuse_alone(asker: str, decider: str, since: datetime | None = None) -> None:
    """Two who are not two people apart do not agree about value; a tie that was there when it was asked still counts. AnotherPersonNeeded.

    The person is the account, whatever its role was when it asked. Another account of the same name counts as the same person.
    """
    if asker == decider:
        raise AnotherPersonNeeded()
    kinds = {who.partition(":")[0] for who in (asker, decider)}
    if not kinds <= set(_OF_STAFF):
        return
    first, second = _number(asker), _number(decider)
    if first == second or _tied(first, second, since or clock.now()) or _namesakes(first, second):
        raise AnotherPersonNeeded()


def _number(who: str) -> int:
    return int(who.partition(":")[2])


def _tied(first: int, second: int, since: datetime) -> bool:
    """Whether a chain of ties leads from one account to the other: who opened B, who opened C, is behind C too."""
    recent = AccountTie.at > since - TIED_FOR
    ties = session.execute(select(AccountTie.account_id, AccountTie.by).where(recent)).all()
    neighbours: dict[int, set[int]] = {}
    for account_id, by in ties:
        neighbours.setdefault(account_id, set()).add(_number(by))
        neighbours.setdefault(_number(by), set()).add(account_id)
    reached, waiting = {first}, [first]
    while waiting:
        for other_id in neighbours.get(waiting.pop(), set()) - reached:
            reached.add(other_id)
            waiting.append(other_id)
    return second in reached


def _namesakes(first: int, second: int) -> bool:
    names = session.scalars(select(StaffAccount.name).where(StaffAccount.id.in_([first, second])))
    plain = [_letters(name) for name in names]
    return len(plain) > len(set(plain))


def _letters(name: str) -> str:
    """A name without what is not seen or not said: spaces, marks, format characters."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", name).casefold() if sign.isalnum())


def standing(account_id: int, kind: str) -> Principal | None:
    """Somebody of the mall's staff or a shop's with the rights of today, without a sign-in; None when the account is not active."""
    query = select(StaffAccount.role, StaffAccount.shop_id).where(StaffAccount.id == account_id, StaffAccount.state == AccountState.ACTIVE)
    row = session.execute(query).one_or_none()
    if row is None or (row.shop_id is None) != (kind == "staff"):
        return None
    return Principal(kind, account_id, db.mall(), shop_id=row.shop_id, role=Role(row.role), permissions=permissions.of(row.role))
