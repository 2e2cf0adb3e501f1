"""What a purchase earns: rules, awards, batches with expiry, spending, debt."""

from __future__ import annotations

from api.approvals import service as approvals
from api.kit.membership import MemberPart
from api.kit.roles import ADMINISTRATOR, FINANCE, MARKETER, SERVICE_DESK
from api.kit.rooms import Room, answer
from api.malls import service as malls
from api.points import service
from api.points.service import adjustments, rules


def connect() -> None:
    """What waits here for a second person, and what a shop's place changes."""
    answer(malls.PRICED_BY, rules.prices_differ)
    for waiting in (adjustments.WAITING, rules.WAITING):
        answer(approvals.WAITING, waiting)


ROOM = Room(
    __name__,
    "积分",
    permissions={
        "points.read": {ADMINISTRATOR, MARKETER, FINANCE, SERVICE_DESK},
        "points.rules": {ADMINISTRATOR, MARKETER},
        "points.adjust": {ADMINISTRATOR, SERVICE_DESK},
        "points.approve": {ADMINISTRATOR, FINANCE},
        "points.report": {ADMINISTRATOR, MARKETER, FINANCE},
    },
    value=frozenset({"points.adjust", "points.approve", "points.rules"}),
    connect=connect,
    member=MemberPart(
        place=40,
        kind="award",
        lock=service.lock_awards,
        holds_value=service.holds,
        forget=service.forfeit,
        exports={"points": service.export},
    ),
)
