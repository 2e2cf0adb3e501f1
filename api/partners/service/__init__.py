"""What can be done with partners: keep their endpoints, tell them of what happened, deliver it, look at what was sent."""

from __future__ import annotations

from api.partners.service.delivery_log import attempts, counts, deliveries, delivery, endpoints
from api.partners.service.dispatch import fan_out, forget_old, next_request, record_result, sweep
from api.partners.service.events import NewEvent, is_wanted, payment_paid, publish, refund_done, sale_recorded, sale_refunded
from api.partners.service.redelivery import resend, resend_failed, resend_since
from api.partners.service.registration import add, change, find, pause, remove, resume, rotate, test, unfit_addresses

__all__ = [
    "NewEvent",
    "add",
    "attempts",
    "change",
    "counts",
    "deliveries",
    "delivery",
    "endpoints",
    "fan_out",
    "find",
    "forget_old",
    "is_wanted",
    "next_request",
    "pause",
    "payment_paid",
    "publish",
    "record_result",
    "refund_done",
    "remove",
    "resend",
    "resend_failed",
    "resend_since",
    "resume",
    "rotate",
    "sale_recorded",
    "sale_refunded",
    "sweep",
    "test",
    "unfit_addresses",
]
