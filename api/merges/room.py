"""Two memberships of one person become one, by two people, and can be parted once."""

from __future__ import annotations

from api.kit.membership import MemberPart
from api.kit.roles import ADMINISTRATOR, FINANCE, SERVICE_DESK
from api.kit.rooms import Room
from api.merges import service

ROOM = Room(
    __name__,
    "会员合并",
    permissions={
        "merges.read": {ADMINISTRATOR, FINANCE, SERVICE_DESK},
        "merges.propose": {ADMINISTRATOR, SERVICE_DESK},
        "merges.decide": {ADMINISTRATOR, FINANCE},
    },
    value=frozenset({"merges.decide", "merges.propose"}),
    member=MemberPart(place=70, forget=service.forget, exports={"merges": service.export}),
)
