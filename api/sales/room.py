"""One row a purchase, whatever the channel: the identity that is scored once."""

from __future__ import annotations

from api.kit.membership import MemberPart
from api.kit.roles import ADMINISTRATOR, FINANCE, FLOOR_MANAGER, REVIEWER, SERVICE_DESK, SHOP_CLERK, SHOP_MANAGER, TABLET
from api.kit.rooms import Room
from api.sales import service

ROOM = Room(
    __name__,
    "销售",
    permissions={
        "sales.read": {ADMINISTRATOR, REVIEWER, FINANCE, FLOOR_MANAGER, SERVICE_DESK},
        "own_sales.read": {SHOP_MANAGER, SHOP_CLERK, TABLET},
    },
    member=MemberPart(
        place=30,
        kind="sale",
        lock=service.lock_all,
        counts={"sales": ""},
        count=lambda member_id: {"sales": service.count_of(member_id)},
        hand_over=service.hand_over,
        bring_back=service.bring_back,
    ),
)
