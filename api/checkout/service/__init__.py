"""What can be done with orders: quote, hold, pay, settle, refund. Written top to bottom, one file a step."""

from __future__ import annotations

from api.checkout.service.ledger_positions import held_for
from api.checkout.service.membership import bring_back, count_of, export, forget, forget_late, hand_over, lock_all, refuse_closing
from api.checkout.service.payers import claim
from api.checkout.service.quotes import quote
from api.checkout.service.refunds import settle_refund
from api.checkout.service.settlement import close_with_payment, settle_payment
from api.checkout.service.views import shop_of

__all__ = [
    "bring_back",
    "claim",
    "close_with_payment",
    "count_of",
    "export",
    "forget",
    "forget_late",
    "hand_over",
    "held_for",
    "lock_all",
    "quote",
    "refuse_closing",
    "settle_payment",
    "settle_refund",
    "shop_of",
]
