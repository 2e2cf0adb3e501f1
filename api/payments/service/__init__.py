"""What can be done with payments: intend, place, charge, ask, close; take notices in; give money back."""

from api.payments.gateways import configure
from api.payments.service.hooks import on_closed, on_paid, on_refund_final
from api.payments.service.inbox import LARGEST as LARGEST_NOTICE
from api.payments.service.inbox import Receipt, handle, note_error, notice, notices, receive, refusals, rerun
from api.payments.service.merchants import (
    account,
    account_for,
    accounts,
    add_key,
    change_account,
    channels_for,
    end_key,
    fingerprint,
    keys,
    open_account,
)
from api.payments.service.paying import ask, charge, close, hold, hold_all, intend, one, payments_of, place, pursue
from api.payments.service.reading import History, Move, Unanswered, history, payments, sweep, unanswered
from api.payments.service.refunding import drop, intend_refund, pursue_refund, refunds, refunds_of, send_again
from api.payments.service.refunding import one as refund

__all__ = [
    "LARGEST_NOTICE",
    "History",
    "Move",
    "Receipt",
    "Unanswered",
    "account",
    "account_for",
    "accounts",
    "add_key",
    "ask",
    "change_account",
    "channels_for",
    "charge",
    "close",
    "configure",
    "drop",
    "end_key",
    "fingerprint",
    "handle",
    "history",
    "hold",
    "hold_all",
    "intend",
    "intend_refund",
    "keys",
    "note_error",
    "notice",
    "notices",
    "on_closed",
    "on_paid",
    "on_refund_final",
    "one",
    "open_account",
    "payments",
    "payments_of",
    "place",
    "pursue",
    "pursue_refund",
    "receive",
    "refund",
    "refunds",
    "refunds_of",
    "refusals",
    "rerun",
    "send_again",
    "sweep",
    "unanswered",
]
