"""Who works at the mall and in its shops: accounts, roles, tablets; the audit log and the page of jobs."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from api.approvals import service as approvals
from api.kit import identity, rooms
from api.kit.roles import ADMINISTRATOR, FINANCE, FLOOR_MANAGER, SHOP_MANAGER, TABLET, Role
from api.kit.rooms import Room
from api.malls import service as malls
from api.settings import Settings
from api.staff import service
from api.staff.service import links, sessions


def _configure(settings: Settings) -> None:
    sessions.configure(settings)
    links.configure(settings)


def _connect() -> None:
    rooms.answer(malls.WELCOMES, _welcome)
    rooms.answer(malls.SHOP_CLOSED, _shop_closed)
    rooms.answer(approvals.JUDGES, service.refuse_alone)
    for kind in ("staff", "shop"):
        identity.stand_in(kind, functools.partial(service.standing, kind=kind))


def _shop_closed(shop_id: int) -> None:
    sessions.end_of_shop(shop_id, "the shop closed")


def _welcome(logins: Sequence[str]) -> list[str]:
    return [f"{link.account.login}: {link.address}" for link in service.first_administrators(logins)]


ROOM = Room(
    __name__,
    "员工",
    permissions={
        "self.read": frozenset(Role),
        "self.write": frozenset(Role) - {TABLET},
        "staff.read": {ADMINISTRATOR},
        "staff.write": {ADMINISTRATOR},
        "staff.approve": {ADMINISTRATOR, FINANCE},
        "tablets.manage": {ADMINISTRATOR, FLOOR_MANAGER},
        "own_tablets.manage": {SHOP_MANAGER},
        "audit.read": {ADMINISTRATOR, FINANCE},
        "jobs.read": {ADMINISTRATOR},
        "jobs.retry": {ADMINISTRATOR},
    },
    value=frozenset({"own_tablets.manage", "staff.approve", "staff.write", "tablets.manage"}),
    configure=_configure,
    connect=_connect,
    unfit_for_production=service.accounts_for_trying_out,
)
