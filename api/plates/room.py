"""Code plates on counters: batches, print sheets, spot checks, alarms."""

from __future__ import annotations

from api.kit.roles import ADMINISTRATOR, FINANCE, FLOOR_MANAGER, SERVICE_DESK
from api.kit.rooms import Room

ROOM = Room(
    __name__,
    "码牌",
    permissions={
        "plates.read": {ADMINISTRATOR, FINANCE, FLOOR_MANAGER, SERVICE_DESK},
        "plates.write": {ADMINISTRATOR, FLOOR_MANAGER},
        "plates.approve": {ADMINISTRATOR, FINANCE, FLOOR_MANAGER},
        "plates.check": {ADMINISTRATOR, FLOOR_MANAGER},
    },
    value=frozenset({"plates.approve", "plates.write"}),
)
