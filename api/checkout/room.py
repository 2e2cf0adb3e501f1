"""The flow across rooms: quote, hold, pay, settle, refund."""

from __future__ import annotations

from api.approvals import service as approvals
from api.checkout import service
from api.checkout.service import refunds
from api.checkout.tenders import cards
from api.kit.membership import MemberPart
from api.kit.roles import ADMINISTRATOR, FINANCE, SERVICE_DESK, SHOP_CLERK, SHOP_MANAGER, TABLET
from api.kit.rooms import Room, answer
from api.payments import service as payments
from api.wallet import service as wallet


def connect() -> None:
    """What payments, the wallet and approvals ask of orders."""
    answer(payments.on_paid, service.settle_payment)
    answer(payments.on_closed, service.close_with_payment)
    answer(payments.on_refund_final, service.settle_refund)
    answer(payments.ledger_of, service.held_for)
    answer(payments.shop_of, service.shop_of)
    answer(wallet.held, cards.held_by_orders)
    answer(approvals.WAITING, refunds.WAITING)


ROOM = Room(
    __name__,
    "结账",
    permissions={
        "orders.read": {ADMINISTRATOR, FINANCE, SERVICE_DESK},
        "orders.refund": {ADMINISTRATOR, FINANCE, SERVICE_DESK},
        "orders.approve": {ADMINISTRATOR, FINANCE},
        "own_payments.read": {SHOP_MANAGER, SHOP_CLERK, TABLET},
        "own_payments.charge": {SHOP_MANAGER, SHOP_CLERK, TABLET},
        "own_payments.refund": {SHOP_MANAGER, SHOP_CLERK},
    },
    value=frozenset({"orders.approve", "orders.refund", "own_payments.charge", "own_payments.refund"}),
    connect=connect,
    member=MemberPart(
        place=10,
        kind="order",
        lock=service.lock_all,
        counts={"orders": ""},
        count=lambda member_id: {"orders": service.count_of(member_id)},
        hand_over=service.hand_over,
        bring_back=service.bring_back,
        refuse_closing=service.refuse_closing,
        forget=service.forget,
        forget_late=service.forget_late,
        exports={"orders": service.export},
    ),
)
