"""The mall: its sites, floors, shops and their names, its policy."""

from __future__ import annotations

from api.kit.roles import ADMINISTRATOR, FINANCE, FLOOR_MANAGER, MARKETER, REVIEWER, SERVICE_DESK
from api.kit.rooms import Room

ROOM = Room(
    __name__,
    "商场",
    permissions={
        "shops.read": {ADMINISTRATOR, REVIEWER, MARKETER, FINANCE, FLOOR_MANAGER, SERVICE_DESK},
        "shops.write": {ADMINISTRATOR, FLOOR_MANAGER},
        "shops.approve": {ADMINISTRATOR, FINANCE, MARKETER},
        "shops.import": {ADMINISTRATOR},
        "aliases.write": {ADMINISTRATOR, REVIEWER, FLOOR_MANAGER},
        "policy.read": {ADMINISTRATOR, REVIEWER, MARKETER, FINANCE, FLOOR_MANAGER},
        "policy.write": {ADMINISTRATOR},
        "policy.approve": {ADMINISTRATOR, FINANCE},
    },
    value=frozenset({"policy.approve", "policy.write", "shops.approve", "shops.import", "shops.write"}),
)
