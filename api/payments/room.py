"""What gateways collect and give back: payments, refunds, notices, complaints, bills, merchant accounts."""

from __future__ import annotations

from api.kit.roles import ADMINISTRATOR, FINANCE, SERVICE_DESK
from api.kit.rooms import Room
from api.payments import service

ROOM = Room(
    __name__,
    "收款",
    permissions={
        "payments.read": {ADMINISTRATOR, FINANCE, SERVICE_DESK},
        "payments.ask": {ADMINISTRATOR, FINANCE, SERVICE_DESK},
        "notices.read": {ADMINISTRATOR, FINANCE},
        "notices.rerun": {ADMINISTRATOR, FINANCE},
        "complaints.read": {ADMINISTRATOR, FINANCE, SERVICE_DESK},
        "complaints.answer": {ADMINISTRATOR, SERVICE_DESK},
        "refunds.send": {ADMINISTRATOR, FINANCE},
        "refunds.drop": {FINANCE},
        "shares.send": {ADMINISTRATOR, FINANCE},
        "bills.read": {ADMINISTRATOR, FINANCE},
        "bills.settle": {ADMINISTRATOR, FINANCE},
        "merchants.read": {ADMINISTRATOR, FINANCE},
        "merchants.write": {ADMINISTRATOR},
        "merchants.approve": {ADMINISTRATOR, FINANCE},
    },
    value=frozenset({"merchants.approve", "merchants.write", "refunds.drop", "refunds.send", "shares.send"}),
    configure=service.configure,
    unfit_for_production=service.accounts_of_simulators,
)
