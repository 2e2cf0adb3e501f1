from __future__ import annotations

from marshmallow import fields
from marshmallow.validate import Length, OneOf, Range, Regexp

from api.kit import http
from api.payments.gateways.base import Speaker
from api.payments.models import (
    BILLED_KINDS,
    COLLECTORS,
    DIFFERENCE_KINDS,
    LARGEST_SHARE_BP,
    MODES,
    OUTCOMES,
    PAYMENT_KINDS,
    REPLY_KINDS,
    REPLY_LENGTH,
    Channel,
    KeyKind,
)
from api.payments.states import ComplaintState, NoticeState, PaymentState, RefundState, ReplyState, ShareState

CHANNELS = [str(channel) for channel in Channel]
PAYMENT_STATES = [str(state) for state in PaymentState]
REFUND_STATES = [str(state) for state in RefundState]
SHARE_STATES = [str(state) for state in ShareState]
NOTICE_STATES = [str(state) for state in NoticeState]
COMPLAINT_STATES = [str(state) for state in ComplaintState if state != ComplaintState.FOREIGN]
REPLY_STATES = [str(state) for state in ReplyState]
WHY = Length(2, 300)
NUMBER = Regexp(r"[0-9A-Za-z_.\-]{1,64}\Z", error="1 to 64 letters and digits")


class PaymentsArgs(http.PageArgs):
    """Which payments: by state, wallet, our number or the gateway's, order, and when they were made (half-open)."""

    state = fields.String(load_default=None, validate=OneOf(PAYMENT_STATES))
    channel = fields.String(load_default=None, validate=OneOf(CHANNELS))
    number = fields.String(load_default=None, validate=Length(1, 64))
    order_id = fields.Integer(load_default=None, validate=Range(1, 2**63 - 1))
    since = fields.AwareDateTime(load_default=None)
    until = fields.AwareDateTime(load_default=None)


class GatewayPaymentSchema(http.Schema):
    """What one gateway was asked to collect."""

    id = fields.Integer(required=True)
    number = fields.String(required=True)
    channel = fields.String(required=True, validate=OneOf(CHANNELS))
    account_id = fields.Integer(required=True)
    order_id = fields.Integer(required=True)
    kind = fields.String(required=True, validate=OneOf(PAYMENT_KINDS))
    amount_fen = fields.Integer(required=True)
    refunding_fen = fields.Integer(required=True, metadata={"description": "asked to be given back, arrived or not"})
    refunded_fen = fields.Integer(required=True, metadata={"description": "given back and arrived"})
    description = fields.String(required=True)
    state = fields.String(required=True, validate=OneOf(PAYMENT_STATES))
    gateway_no = fields.String(required=True, allow_none=True)
    made_at = fields.AwareDateTime(required=True)
    expires_at = fields.AwareDateTime(required=True)
    paid_at = fields.AwareDateTime(required=True, allow_none=True)
    closed_at = fields.AwareDateTime(required=True, allow_none=True)
    came_late = fields.Boolean(required=True)
    asks = fields.Integer(required=True)
    asked_at = fields.AwareDateTime(required=True, allow_none=True)
    trouble = fields.String(required=True, allow_none=True, metadata={"description": "the gateway's last refusal or silence, by name"})


class PaymentMoveSchema(http.Schema):
    """One step of a lifecycle."""

    seq = fields.Integer(required=True)
    from_state = fields.String(required=True)
    to_state = fields.String(required=True)
    reason = fields.String(required=True, allow_none=True)
    moved_by = fields.String(required=True)
    moved_at = fields.AwareDateTime(required=True)


class NoticesArgs(http.PageArgs):
    """Which notices: by state, account, and the number of a payment or refund."""

    state = fields.String(load_default=None, validate=OneOf(NOTICE_STATES))
    account_id = fields.Integer(load_default=None, validate=Range(1, 2**63 - 1))
    number = fields.String(load_default=None, validate=Length(1, 64))


class GatewayNoticeSchema(http.Schema):
    """A genuine notice of a gateway, in our words."""

    id = fields.Integer(required=True)
    account_id = fields.Integer(required=True)
    channel = fields.String(required=True, validate=OneOf(CHANNELS))
    notice_no = fields.String(required=True)
    event = fields.String(required=True)
    facts = fields.Dict(required=True, attribute="shown_facts")
    state = fields.String(required=True, validate=OneOf(NOTICE_STATES))
    received_at = fields.AwareDateTime(required=True)
    copies = fields.Integer(required=True, metadata={"description": "how often it was delivered"})
    handled_at = fields.AwareDateTime(required=True, allow_none=True)
    payment_id = fields.Integer(required=True, allow_none=True)
    refund_id = fields.Integer(required=True, allow_none=True)
    trouble = fields.String(required=True, allow_none=True)


class NoticeRefusalSchema(http.Schema):
    """A delivery that could not be proved to come from a gateway."""

    id = fields.Integer(required=True)
    channel = fields.String(required=True, validate=OneOf(CHANNELS))
    account_id = fields.Integer(required=True, allow_none=True)
    reason = fields.String(required=True)
    serial = fields.String(required=True)
    body_bytes = fields.Integer(required=True)
    digest = fields.String(required=True)
    at = fields.AwareDateTime(required=True)


class RefundsArgs(http.PageArgs):
    """Which refunds."""

    state = fields.String(load_default=None, validate=OneOf(REFUND_STATES))


class GatewayRefundSchema(http.Schema):
    """What one gateway was asked to give back."""

    id = fields.Integer(required=True)
    number = fields.String(required=True)
    payment_id = fields.Integer(required=True)
    amount_fen = fields.Integer(required=True)
    reason = fields.String(required=True)
    cause_type = fields.String(required=True)
    cause_id = fields.String(required=True)
    asked_by = fields.String(required=True)
    state = fields.String(required=True, validate=OneOf(REFUND_STATES))
    gateway_no = fields.String(required=True, allow_none=True)
    made_at = fields.AwareDateTime(required=True)
    sent_at = fields.AwareDateTime(required=True, allow_none=True)
    done_at = fields.AwareDateTime(required=True, allow_none=True)
    asks = fields.Integer(required=True)
    asked_at = fields.AwareDateTime(required=True, allow_none=True)
    trouble = fields.String(required=True, allow_none=True)


class SharesArgs(http.PageArgs):
    """Which shares."""

    state = fields.String(load_default=None, validate=OneOf(SHARE_STATES))


class PaymentShareSchema(http.Schema):
    """The mall's part of a payment that a shop collected directly."""

    id = fields.Integer(required=True)
    number = fields.String(required=True)
    payment_id = fields.Integer(required=True)
    receiver_no = fields.String(required=True)
    share_bp = fields.Integer(required=True)
    amount_fen = fields.Integer(required=True)
    returned_fen = fields.Integer(required=True)
    state = fields.String(required=True, validate=OneOf(SHARE_STATES))
    gateway_no = fields.String(required=True, allow_none=True)
    made_at = fields.AwareDateTime(required=True)
    sent_at = fields.AwareDateTime(required=True, allow_none=True)
    arrived_at = fields.AwareDateTime(required=True, allow_none=True)
    trouble = fields.String(required=True, allow_none=True)


class PaymentHistorySchema(http.Schema):
    """A payment with everything that happened to it."""

    payment = fields.Nested(GatewayPaymentSchema, required=True)
    moves = fields.List(fields.Nested(PaymentMoveSchema), required=True)
    notices = fields.List(fields.Nested(GatewayNoticeSchema), required=True)
    refunds = fields.List(fields.Nested(GatewayRefundSchema), required=True)
    share = fields.Nested(PaymentShareSchema, required=True, allow_none=True)


class DropArgs(http.Schema):
    """The reason, for the audit log."""

    why = fields.String(required=True, validate=WHY)


class MerchantsArgs(http.PageArgs):
    """Which merchant accounts."""

    channel = fields.String(load_default=None, validate=OneOf(CHANNELS))
    shop_id = fields.Integer(load_default=None, validate=Range(1, 2**63 - 1))


class MerchantAccountSchema(http.Schema):
    """An account at a gateway, without its keys."""

    id = fields.Integer(required=True)
    channel = fields.String(required=True, validate=OneOf(CHANNELS))
    name = fields.String(required=True)
    shop_id = fields.Integer(required=True, allow_none=True)
    collects = fields.String(required=True, validate=OneOf(COLLECTORS))
    profit_share_bp = fields.Integer(required=True)
    share_receiver_no = fields.String(required=True)
    mode = fields.String(required=True, validate=OneOf(MODES))
    merchant_no = fields.String(required=True)
    app_id = fields.String(required=True)
    sub_merchant_no = fields.String(required=True)
    sub_app_id = fields.String(required=True)
    enabled = fields.Boolean(required=True)
    version = fields.Integer(required=True)
    made_at = fields.AwareDateTime(required=True)


class MerchantAccountArgs(http.Schema):
    """A new merchant account. WeChat: merchant_no is the mchid; Alipay: the seller_id (2088…)."""

    channel = fields.String(required=True, validate=OneOf(CHANNELS))
    name = fields.String(required=True, validate=Length(1, 60))
    shop_id = fields.Integer(load_default=None, allow_none=True, validate=Range(1, 2**63 - 1))
    collects = fields.String(load_default="mall", validate=OneOf(COLLECTORS))
    profit_share_bp = fields.Integer(load_default=0, validate=Range(0, LARGEST_SHARE_BP))
    share_receiver_no = fields.String(load_default="", validate=Length(0, 64))
    mode = fields.String(load_default="direct", validate=OneOf(MODES))
    merchant_no = fields.String(required=True, validate=NUMBER)
    app_id = fields.String(required=True, validate=NUMBER)
    sub_merchant_no = fields.String(load_default="", validate=Length(0, 64))
    sub_app_id = fields.String(load_default="", validate=Length(0, 64))


class MerchantChangeArgs(http.Schema):
    """What may change of a merchant account: not its numbers, since payments hang on them."""

    name = fields.String(validate=Length(1, 60))
    profit_share_bp = fields.Integer(validate=Range(0, LARGEST_SHARE_BP))
    share_receiver_no = fields.String(validate=Length(0, 64))
    enabled = fields.Boolean()
    why = fields.String(required=True, validate=WHY)


class MerchantKeySchema(http.Schema):
    """A key of a merchant account: everything but the key."""

    id = fields.Integer(required=True)
    account_id = fields.Integer(required=True)
    kind = fields.String(required=True, validate=OneOf([str(kind) for kind in KeyKind]))
    serial = fields.String(required=True)
    fingerprint = fields.String(required=True)
    starts_at = fields.AwareDateTime(required=True)
    ends_at = fields.AwareDateTime(required=True, allow_none=True)
    made_by = fields.String(required=True)


class MerchantKeyArgs(http.Schema):
    """A key to be kept. It is never shown again."""

    kind = fields.String(required=True, validate=OneOf([str(kind) for kind in KeyKind]))
    text = fields.String(required=True, validate=Length(1, 20_000), load_only=True, metadata={"description": "PEM, or the bare key"})
    certificate = fields.String(load_default="", validate=Length(0, 20_000), metadata={"description": "PEM, beside our own key"})
    serial = fields.String(load_default="", validate=Length(0, 128), metadata={"description": "PUB_KEY_ID_… of a WeChat Pay public key"})
    starts_at = fields.AwareDateTime(load_default=None, allow_none=True)
    ends_at = fields.AwareDateTime(load_default=None, allow_none=True)


class KeyEndArgs(http.Schema):
    """From when on a key is no longer believed; now where it is not said."""

    ends_at = fields.AwareDateTime(load_default=None, allow_none=True)
    why = fields.String(required=True, validate=WHY)


class GatewayBillsArgs(http.PageArgs):
    """Which bills."""

    outcome = fields.String(load_default=None, validate=OneOf(OUTCOMES))
    account_id = fields.Integer(load_default=None, validate=Range(1, 2**63 - 1))


class GatewayBillArgs(http.Schema):
    """Which day's bill of which account to compare; the day is Beijing's."""

    account_id = fields.Integer(required=True, validate=Range(1, 2**63 - 1))
    billed_on = fields.Date(required=True)


class GatewayBillSchema(http.Schema):
    """A gateway's bill of one Beijing day, and what comparing it with our books found."""

    id = fields.Integer(required=True)
    account_id = fields.Integer(required=True)
    channel = fields.String(required=True, validate=OneOf(CHANNELS))
    billed_on = fields.Date(required=True)
    outcome = fields.String(required=True, validate=OneOf(OUTCOMES))
    paid_count = fields.Integer(required=True)
    paid_fen = fields.Integer(required=True)
    refund_count = fields.Integer(required=True)
    refund_fen = fields.Integer(required=True)
    fee_fen = fields.Integer(required=True, metadata={"description": "what the gateway kept"})
    open_count = fields.Integer(required=True, metadata={"description": "differences without an answer"})
    tries = fields.Integer(required=True)
    matched_at = fields.AwareDateTime(required=True)
    trouble = fields.String(required=True, allow_none=True, metadata={"description": "why the bill could not be had, by name"})


class BillDifferencesArgs(http.PageArgs):
    """Which differences: of a bill, of a kind, open or settled, or about one number of ours."""

    bill_id = fields.Integer(load_default=None, validate=Range(1, 2**63 - 1))
    kind = fields.String(load_default=None, validate=OneOf(DIFFERENCE_KINDS))
    state = fields.String(load_default=None, validate=OneOf(["open", "settled"]))
    number = fields.String(load_default=None, validate=Length(1, 64))


class BillDifferenceSchema(http.Schema):
    """One thing in which a bill and our books differ."""

    id = fields.Integer(required=True)
    bill_id = fields.Integer(required=True)
    kind = fields.String(required=True, validate=OneOf(DIFFERENCE_KINDS))
    about = fields.String(required=True, validate=OneOf(BILLED_KINDS))
    number = fields.String(required=True)
    gateway_no = fields.String(required=True, allow_none=True)
    payment_id = fields.Integer(required=True, allow_none=True)
    refund_id = fields.Integer(required=True, allow_none=True)
    bill_fen = fields.Integer(required=True, allow_none=True)
    ours_fen = fields.Integer(required=True, allow_none=True)
    bill_says = fields.String(required=True, allow_none=True)
    we_say = fields.String(required=True, allow_none=True)
    found_at = fields.AwareDateTime(required=True)
    settled_at = fields.AwareDateTime(required=True, allow_none=True)
    settled_by = fields.String(required=True, allow_none=True)
    note = fields.String(required=True, allow_none=True)


class SettlementArgs(http.Schema):
    """How a difference was answered."""

    note = fields.String(required=True, validate=WHY)


GatewayBillPage = http.page_of(GatewayBillSchema)
BillDifferencePage = http.page_of(BillDifferenceSchema)


class ComplaintsArgs(http.PageArgs):
    """Which complaints: by state, shop, and the gateway's number of it or of ours of the payment."""

    state = fields.String(load_default=None, validate=OneOf(COMPLAINT_STATES))
    shop_id = fields.Integer(load_default=None, validate=Range(1, 2**63 - 1))
    number = fields.String(load_default=None, validate=Length(1, 64))


class ComplaintSchema(http.Schema):
    """What a payer complains of at the wallet's service, as that last described it."""

    id = fields.Integer(required=True)
    channel = fields.String(required=True, validate=OneOf(CHANNELS))
    account_id = fields.Integer(required=True)
    gateway_no = fields.String(required=True)
    state = fields.String(required=True, validate=OneOf([str(state) for state in ComplaintState]))
    payment_id = fields.Integer(required=True, allow_none=True, metadata={"description": "where the payment is one of ours"})
    payment_number = fields.String(required=True, allow_none=True)
    order_id = fields.Integer(required=True, allow_none=True)
    shop_id = fields.Integer(required=True, allow_none=True)
    amount_fen = fields.Integer(required=True, allow_none=True, metadata={"description": "of the payment"})
    detail = fields.String(required=True)
    problem_type = fields.String(required=True, metadata={"description": "REFUND, SERVICE_NOT_WORK, OTHERS, …"})
    refund_wanted_fen = fields.Integer(required=True, allow_none=True)
    fully_refunded = fields.Boolean(required=True)
    times = fields.Integer(required=True, metadata={"description": "how often the payer complained of it"})
    payer_waits = fields.Boolean(required=True, metadata={"description": "a word of the payer is not answered"})
    phone = fields.String(required=True, allow_none=True, metadata={"description": "masked"})
    opened_at = fields.AwareDateTime(required=True)
    raised_at = fields.AwareDateTime(required=True, metadata={"description": "when the payer last complained"})
    waits_since_at = fields.AwareDateTime(required=True, allow_none=True, metadata={"description": "since when an answer is awaited"})
    due_at = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "an answer within 24 h, the solution within 72 h; none when settled"},
    )
    refreshed_at = fields.AwareDateTime(required=True, allow_none=True)
    answered_at = fields.AwareDateTime(required=True, allow_none=True)
    completed_at = fields.AwareDateTime(required=True, allow_none=True)
    next_reply = fields.Integer(required=True, metadata={"description": "the number under which the next reply is put"})
    trouble = fields.String(required=True, allow_none=True)


class ComplaintReplySchema(http.Schema):
    """What staff said to a complaint: an answer, or that it is settled."""

    seq = fields.Integer(required=True)
    kind = fields.String(required=True, validate=OneOf(REPLY_KINDS))
    content = fields.String(required=True)
    state = fields.String(required=True, validate=OneOf(REPLY_STATES))
    made_by = fields.String(required=True)
    made_at = fields.AwareDateTime(required=True)
    sent_at = fields.AwareDateTime(required=True, allow_none=True)
    trouble = fields.String(required=True, allow_none=True)


class ComplaintWordSchema(http.Schema):
    """One thing that was said or done about a complaint at the wallet's service."""

    speaker = fields.String(required=True, validate=OneOf([str(speaker) for speaker in Speaker]))
    at = fields.String(required=True, metadata={"format": "date-time"})
    content = fields.String(required=True)
    completes = fields.Boolean(required=True, metadata={"description": "said that it is settled"})


class ComplaintHistorySchema(http.Schema):
    """A complaint with what was said and done, and the payment that it is about."""

    complaint = fields.Nested(ComplaintSchema, required=True)
    words = fields.List(fields.Nested(ComplaintWordSchema), required=True)
    replies = fields.List(fields.Nested(ComplaintReplySchema), required=True)
    moves = fields.List(fields.Nested(PaymentMoveSchema), required=True)
    payment = fields.Nested(PaymentHistorySchema, required=True, allow_none=True)


class ComplaintAnswerArgs(http.Schema):
    """What the payer is told."""

    content = fields.String(
        required=True,
        validate=[
            Length(1, REPLY_LENGTH),
            Regexp(r"(?=[\s\S]*\S)[^\x00-\x09\x0b-\x1f]*\Z", error="must not be blank or hold control characters"),
        ],
    )


GatewayPaymentPage = http.page_of(GatewayPaymentSchema)
GatewayNoticePage = http.page_of(GatewayNoticeSchema)
NoticeRefusalPage = http.page_of(NoticeRefusalSchema)
GatewayRefundPage = http.page_of(GatewayRefundSchema)
MerchantAccountPage = http.page_of(MerchantAccountSchema)
MerchantKeyPage = http.page_of(MerchantKeySchema)
PaymentSharePage = http.page_of(PaymentShareSchema)
ComplaintPage = http.page_of(ComplaintSchema)
