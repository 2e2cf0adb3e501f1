"""What can be done with payments: intend, place, charge, ask, close; take notices in; give money back; answer complaints."""

from api.payments.gateways import configure
from api.payments.service.collection import ask, ask_now, ask_soon, charge, close, intend, place, pursue
from api.payments.service.complaint_intake import complaints, direct_notices_here
from api.payments.service.complaint_intake import forget_phones as forget_complaint_phones
from api.payments.service.complaint_intake import read_again as read_complaint
from api.payments.service.complaint_intake import read_lists as read_complaint_lists
from api.payments.service.complaint_replies import ComplaintHistory, complaint_history, pursue_reply
from api.payments.service.complaint_replies import answer as answer_complaint
from api.payments.service.complaint_replies import complete as complete_complaint
from api.payments.service.forgetting import forget_complaints, forget_payers
from api.payments.service.hooks import ledger_of, on_closed, on_paid, on_refund_final, shop_of
from api.payments.service.inbox import LARGEST as LARGEST_NOTICE
from api.payments.service.inbox import Acknowledgement, forget_refusals, handle, note_error, notice, notices, receive, refusals, rerun
from api.payments.service.lookups import hold, hold_all, payments_of, read
from api.payments.service.merchants import (
    account,
    account_for,
    accounts,
    accounts_of_simulators,
    add_key,
    change_account,
    channels_for,
    end_key,
    expiring,
    fingerprint,
    keys,
    open_account,
    warn_of_expiring,
)
from api.payments.service.profit_sharing import pursue_share, shares
from api.payments.service.profit_sharing import send_again as send_share_again
from api.payments.service.reconciliation import ask_for as ask_for_bill
from api.payments.service.reconciliation import bill, billed_accounts, bills, differences, put_due_bills, reconcile, settle_difference
from api.payments.service.refund_lifecycle import drop, intend_refund, pursue_refund, refunds, refunds_of, refunds_of_order, send_again
from api.payments.service.refund_lifecycle import refund_by_id as refund
from api.payments.service.views import History, Move, Unanswered, history, payments, sweep, unanswered

__all__ = [
    "LARGEST_NOTICE",
    "Acknowledgement",
    "ComplaintHistory",
    "History",
    "Move",
    "Unanswered",
    "account",
    "account_for",
    "accounts",
    "accounts_of_simulators",
    "add_key",
    "answer_complaint",
    "ask",
    "ask_for_bill",
    "ask_now",
    "ask_soon",
    "bill",
    "billed_accounts",
    "bills",
    "change_account",
    "channels_for",
    "charge",
    "close",
    "complaint_history",
    "complaints",
    "complete_complaint",
    "configure",
    "differences",
    "direct_notices_here",
    "drop",
    "end_key",
    "expiring",
    "fingerprint",
    "forget_complaint_phones",
    "forget_complaints",
    "forget_payers",
    "forget_refusals",
    "handle",
    "history",
    "hold",
    "hold_all",
    "intend",
    "intend_refund",
    "keys",
    "ledger_of",
    "note_error",
    "notice",
    "notices",
    "on_closed",
    "on_paid",
    "on_refund_final",
    "open_account",
    "payments",
    "payments_of",
    "place",
    "pursue",
    "pursue_refund",
    "pursue_reply",
    "pursue_share",
    "put_due_bills",
    "read",
    "read_complaint",
    "read_complaint_lists",
    "receive",
    "reconcile",
    "refund",
    "refunds",
    "refunds_of",
    "refunds_of_order",
    "refusals",
    "rerun",
    "send_again",
    "send_share_again",
    "settle_difference",
    "shares",
    "shop_of",
    "sweep",
    "unanswered",
    "warn_of_expiring",
]
