"""What takes two people: asked by one, decided by another."""

from __future__ import annotations

from api.kit.roles import MALL_ROLES
from api.kit.rooms import Room

ROOM = Room(
    __name__,
    "审批",
    permissions={"approvals.read": MALL_ROLES, "approvals.decide": MALL_ROLES},
)
