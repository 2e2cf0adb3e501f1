"""What can be done with orders: quote, hold, pay, settle, refund. Written top to bottom, one file a step."""

from __future__ import annotations

from api.checkout.service.agreeing import held_for
from api.checkout.service.leaving import bring_back, count_of, export, forget, hand_over, lock_all, refuse_closing
from api.checkout.service.paying import claim
from api.checkout.service.quoting import quote
from api.checkout.service.reading import shop_of, value_held
from api.checkout.service.refunding import settle_refund
from api.checkout.service.settling import payment_over, settle_payment

__all__ = [
    "bring_back",
    "claim",
    "count_of",
    "export",
    "forget",
    "hand_over",
    "held_for",
    "lock_all",
    "payment_over",
    "quote",
    "refuse_closing",
    "settle_payment",
    "settle_refund",
    "shop_of",
    "value_held",
]
