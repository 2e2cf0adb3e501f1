"""What can be done with partners: keep their endpoints, tell them of what happened, deliver it, look at what was sent."""

from __future__ import annotations

from api.partners.service.delivery_log import attempts, counts, deliveries, delivery, endpoints
from api.partners.service.dispatch import forget_old, note, spread, sweep, take
from api.partners.service.events import News, payment_paid, refund_done, sale_recorded, sale_refunded, tell, wanted
from api.partners.service.redelivery import resend, resend_failed, resend_since
from api.partners.service.registration import add, change, go_on, one, pause, remove, rotate, test

__all__ = [
    "News",
    "add",
    "attempts",
    "change",
    "counts",
    "deliveries",
    "delivery",
    "endpoints",
    "forget_old",
    "go_on",
    "note",
    "one",
    "pause",
    "payment_paid",
    "refund_done",
    "remove",
    "resend",
    "resend_failed",
    "resend_since",
    "rotate",
    "sale_recorded",
    "sale_refunded",
    "spread",
    "sweep",
    "take",
    "tell",
    "test",
    "wanted",
]
