"""What WeChat Pay refuses, in our words: one table for every call."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from api.payments.gateways import base
from wechat import errors as vendor

T = TypeVar("T")

_REFUSED: dict[type[vendor.PayRefused], type[base.Refused]] = {
    vendor.OrderMissing: base.NumberUnknown,
    vendor.OrderPaid: base.AlreadyPaid,
    vendor.OrderClosed: base.AlreadyClosed,
    vendor.OrderReversed: base.AlreadyClosed,
    vendor.BalanceShort: base.BalanceShort,
}


def translated(call: Callable[[], T]) -> T:
    """What the call gives; its failures in our words. OutcomeUnknown, Refused."""
    try:
        return call()
    except (vendor.OutcomeUnknown, vendor.UserPaying) as trouble:
        raise base.OutcomeUnknown(trouble.code.lower().replace("_", "-")[:40] or "silent") from None
    except vendor.PayRefused as trouble:
        refusal = next((ours for theirs, ours in _REFUSED.items() if isinstance(trouble, theirs)), None)
        raise (refusal() if refusal else base.Refused(trouble.code.lower().replace("_", "-")[:40] or "refused")) from None
    except vendor.WeChatError as trouble:
        raise base.OutcomeUnknown(type(trouble).__name__.lower()) from None
