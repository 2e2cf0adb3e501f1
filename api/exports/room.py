"""Any list of the office as a CSV file, within what the role may see."""

from __future__ import annotations

from api.kit.roles import ADMINISTRATOR, MALL_ROLES
from api.kit.rooms import Room

ROOM = Room(
    __name__,
    "导出",
    permissions={
        "exports.make": MALL_ROLES,
        "exports.all": {ADMINISTRATOR},
    },
)
