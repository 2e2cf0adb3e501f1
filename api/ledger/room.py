"""The only writer of value: accounts, entries, transfers."""

from __future__ import annotations

from api.kit.roles import ADMINISTRATOR, FINANCE
from api.kit.rooms import Room

ROOM = Room(
    __name__,
    "总账",
    permissions={
        "ledger.read": {ADMINISTRATOR, FINANCE},
    },
)
