"""Who works at the mall and in its shops: accounts, roles, tablets; the audit log and the page of jobs."""

from __future__ import annotations

from api.approvals import service as approvals
from api.kit import identity, rooms
from api.kit.roles import ADMINISTRATOR, FINANCE, FLOOR_MANAGER, SHOP_MANAGER, TABLET, Role
from api.kit.rooms import Room
from api.staff import service


def _connect() -> None:
    rooms.answer(approvals.JUDGES, service.refuse_alone)
    identity.stand_in("staff", service.standing)


ROOM = Room(
    __name__,
    "员工",
    permissions={
        "self.read": frozenset(Role),
        "self.write": frozenset(Role) - {TABLET},
        "staff.read": {ADMINISTRATOR},
        "staff.write": {ADMINISTRATOR},
        "tablets.manage": {ADMINISTRATOR, FLOOR_MANAGER},
        "own_tablets.manage": {SHOP_MANAGER},
        "audit.read": {ADMINISTRATOR, FINANCE},
        "jobs.read": {ADMINISTRATOR},
        "jobs.retry": {ADMINISTRATOR},
    },
    connect=_connect,
)
