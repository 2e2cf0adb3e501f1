"""Partners outside hear of sales, payments and refunds."""

from __future__ import annotations

from api.kit.roles import ADMINISTRATOR, FINANCE
from api.kit.rooms import Room
from api.partners import sending, service
from api.partners.jobs import QUEUE

ROOM = Room(
    __name__,
    "合作方",
    permissions={
        "partners.read": {ADMINISTRATOR, FINANCE},
        "partners.write": {ADMINISTRATOR},
    },
    configure=sending.configure,
    unfit_for_production=service.unfit_addresses,
    lanes={QUEUE: 4},  # endpoints of partners that are sent to at the same time
)
