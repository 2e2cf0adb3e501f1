"""Lockers in the mall's halls: a member takes a free one and gives it back."""

from __future__ import annotations

from api.lockers import service
from prometheus_client import CollectorRegistry, Gauge

from api.kit.membership import MemberPart
from api.kit.roles import ADMINISTRATOR, SERVICE_DESK
from api.kit.rooms import Check, Room


def metrics(registry: CollectorRegistry) -> None:
    """How many doors one cabinet has."""
    Gauge("locker_doors", "Doors of a cabinet", registry=registry).set(service.DOORS)


ROOM = Room(
    __name__,
    "储物柜",
    permissions={"lockers.read": {ADMINISTRATOR, SERVICE_DESK}},
    member=MemberPart(
        place=80,
        kind="locker",
        lock=service.lock_all,
        counts={"lockers": "lockers that the member holds"},
        count=lambda member_id: {"lockers": service.count_of(member_id)},
        hand_over=service.hand_over,
        bring_back=service.bring_back,
        refuse_closing=service.refuse_closing,
        exports={"lockers": service.export},
    ),
    checks={"lockers": Check(service.trouble, needed=False)},
    metrics=metrics,
)
