"""Two memberships of one person become one, by two people, and can be parted once."""

from __future__ import annotations

from api.approvals import service as approvals
from api.kit.membership import MemberPart
from api.kit.roles import ADMINISTRATOR, FINANCE, SERVICE_DESK
from api.kit.rooms import Room, answer
from api.merges import service


def connect() -> None:
    """What waits here for a second person."""
    for waiting in (service.WAITING, service.WAITING_UNDO):
        answer(approvals.WAITING, waiting)


ROOM = Room(
    __name__,
    "会员合并",
    permissions={
        "merges.read": {ADMINISTRATOR, FINANCE, SERVICE_DESK},
        "merges.propose": {ADMINISTRATOR, SERVICE_DESK},
        "merges.decide": {ADMINISTRATOR, FINANCE},
    },
    value=frozenset({"merges.decide", "merges.propose"}),
    connect=connect,
    member=MemberPart(place=70, forget=service.forget, exports={"merges": service.export}),
)
