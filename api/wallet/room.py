"""Stored value on cards: principal, bonus, PIN, pay code, cards of plastic."""

from __future__ import annotations

from api.approvals import service as approvals
from api.kit.membership import MemberPart
from api.kit.roles import ADMINISTRATOR, FINANCE, MARKETER, SERVICE_DESK, SHOP_CLERK, SHOP_MANAGER, TABLET
from api.kit.rooms import Room, answer
from api.wallet import service
from api.wallet.service import card_requests


def connect() -> None:
    """What waits here for a second person."""
    answer(approvals.WAITING, card_requests.WAITING)


ROOM = Room(
    __name__,
    "储值卡",
    permissions={
        "cards.read": {ADMINISTRATOR, FINANCE, SERVICE_DESK},
        "cards.write": {ADMINISTRATOR, SERVICE_DESK},
        "cards.sell": {ADMINISTRATOR, SERVICE_DESK},
        "cards.sales.approve": {ADMINISTRATOR, FINANCE},
        "cash.read": {ADMINISTRATOR, FINANCE, SERVICE_DESK},
        "cash.shift": {ADMINISTRATOR, SERVICE_DESK},
        "cash.take": {ADMINISTRATOR, FINANCE, SERVICE_DESK},
        "cash.explain": {ADMINISTRATOR, FINANCE},
        "cards.approve": {ADMINISTRATOR, FINANCE},
        "cards.issue": {ADMINISTRATOR, FINANCE},
        "cards.print": {ADMINISTRATOR},
        "cards.products": {ADMINISTRATOR, FINANCE},
        "cards.products.approve": {ADMINISTRATOR, FINANCE},
        "cards.packages": {ADMINISTRATOR, MARKETER, FINANCE},
        "cards.packages.approve": {ADMINISTRATOR, FINANCE},
        "cards.report": {ADMINISTRATOR, FINANCE},
        "cards.check": {SHOP_MANAGER, SHOP_CLERK, TABLET},
    },
    value=frozenset(
        {
            "cash.explain",
            "cash.shift",
            "cash.take",
            "cards.approve",
            "cards.issue",
            "cards.packages",
            "cards.packages.approve",
            "cards.print",
            "cards.products.approve",
            "cards.products",
            "cards.sales.approve",
            "cards.sell",
            "cards.write",
        }
    ),
    connect=connect,
    member=MemberPart(
        place=50,
        counts={"cards": "stored-value cards that are neither void nor replaced", "stored_fen": "what is on them, principal and bonus"},
        count=service.holdings,
        hand_over=service.hand_over,
        bring_back=service.bring_back,
        holds_value=service.holds,
        refuse_closing=service.refuse_closing,
        phone_changed=service.rest_after,
        forget=service.forget,
        exports={"wallet": service.export},
    ),
)
