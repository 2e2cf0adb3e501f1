"""A Payment is what a gateway is asked to collect, a Refund what it is asked to give back, a Notice what it reports to us.

Lock order, everywhere: payment, then its refund or share, then the order above (inside a hook). Never the other way round.
A complaint is locked before its replies, and no payment while it is.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from api.kit import sealed
from api.kit.db import MallOwned, Model
from api.kit.states import Stateful
from api.payments.states import (
    COMPLAINT_MOVES,
    NOTICE_MOVES,
    OPEN,
    PAYMENT_MOVES,
    REFUND_MOVES,
    REPLY_MOVES,
    SHARE_MOVES,
    ComplaintState,
    NoticeState,
    PaymentState,
    RefundState,
    ReplyState,
    ShareState,
)


class Channel(StrEnum):
    """Whose wallet pays."""

    WECHAT = "wechat"
    ALIPAY = "alipay"


class KeyKind(StrEnum):
    """What a key of a merchant account is for."""

    OWN_KEY = "own_key"  # our private key: signs what we ask
    NOTICE_KEY = "notice_key"  # WeChat's API v3 key: opens notices
    TRUSTED_KEY = "trusted_key"  # the gateway's public key
    TRUSTED_CERTIFICATE = "trusted_certificate"  # the gateway's certificate
    ROOT_CERTIFICATE = "root_certificate"  # Alipay in certificate mode: alipay_root_cert_sn


COLLECTORS = ("mall", "shop")
MODES = ("direct", "partner")
PAYMENT_KINDS = ("prepay", "auth_code")
REPLY_KINDS = ("answer", "completion")
COMPLAINT_DETAIL_LENGTH = 1000
REPLY_LENGTH = 200  # characters: what WeChat Pay takes
LARGEST_SHARE_BP = 3000  # WeChat Pay's default ceiling of a profit share


class MerchantAccount(MallOwned, Model):
    """An account (商户号) at a gateway: the mall's, or one shop's own. `version` grows with every change of it or of its keys.

    `collects` says whose money it is on arrival. In partner mode a service provider's number signs for `sub_merchant_no`.
    """

    __tablename__ = "merchant_accounts"
    __table_args__ = (
        CheckConstraint("channel IN ('wechat', 'alipay')", name="channel_is_known"),
        CheckConstraint("collects IN ('mall', 'shop')", name="collector_is_known"),
        CheckConstraint("mode IN ('direct', 'partner')", name="mode_is_known"),
        CheckConstraint("collects = 'mall' OR shop_id IS NOT NULL", name="a_shop_collects_with_its_own"),
        CheckConstraint(f"profit_share_bp BETWEEN 0 AND {LARGEST_SHARE_BP}", name="share_in_range"),
        CheckConstraint("profit_share_bp = 0 OR collects = 'shop'", name="only_direct_accounts_share"),
        CheckConstraint("profit_share_bp = 0 OR share_receiver_no <> ''", name="a_share_names_its_receiver"),
        CheckConstraint("mode = 'direct' OR sub_merchant_no <> ''", name="a_partner_names_its_merchant"),
        Index(
            "uq_merchant_accounts_number", "mall_id", "channel", "merchant_no", "sub_merchant_no", "app_id", "shop_id",
            unique=True, postgresql_nulls_not_distinct=True,
        ),
        Index("ix_merchant_accounts_shop", "mall_id", "channel", "shop_id"),
    )  # fmt: skip

    channel: Mapped[str]
    name: Mapped[str]
    shop_id: Mapped[int | None] = mapped_column(ForeignKey("shops.id"))
    collects: Mapped[str] = mapped_column(server_default=text("'mall'"), default="mall")
    profit_share_bp: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    share_receiver_no: Mapped[str] = mapped_column(server_default=text("''"), default="")  # whose merchant number gets the share
    mode: Mapped[str] = mapped_column(server_default=text("'direct'"), default="direct")
    merchant_no: Mapped[str]  # WeChat: mchid (the partner's in partner mode); Alipay: seller_id
    app_id: Mapped[str]
    sub_merchant_no: Mapped[str] = mapped_column(server_default=text("''"), default="")
    sub_app_id: Mapped[str] = mapped_column(server_default=text("''"), default="")
    enabled: Mapped[bool] = mapped_column(server_default=text("true"), default=True)
    version: Mapped[int] = mapped_column(server_default=text("1"), default=1)
    made_at: Mapped[datetime]


class MerchantKey(MallOwned, Model):
    """One key of a merchant account, sealed. Valid in [starts_at, ends_at): two of a kind overlap while one follows the other."""

    __tablename__ = "merchant_keys"
    __table_args__ = (
        UniqueConstraint("account_id", "kind", "fingerprint"),
        CheckConstraint(
            "kind IN ('own_key', 'notice_key', 'trusted_key', 'trusted_certificate', 'root_certificate')", name="kind_is_known"
        ),
        CheckConstraint("ends_at IS NULL OR starts_at < ends_at", name="validity_runs_forward"),
        Index("ix_merchant_keys_ends", "mall_id", "ends_at"),
    )

    account_id: Mapped[int] = mapped_column(ForeignKey("merchant_accounts.id"))
    kind: Mapped[str]
    serial: Mapped[str] = mapped_column(server_default=text("''"), default="")  # as the gateway names it: a serial number, PUB_KEY_ID_…
    fingerprint: Mapped[str]  # what people compare: SHA-256 of the key's text, 16 hexadecimal digits
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    made_by: Mapped[str]
    warned_at: Mapped[datetime | None]

    def is_valid(self, now: datetime) -> bool:
        """Whether it may be used now."""
        return self.starts_at <= now and (self.ends_at is None or now < self.ends_at)


class Payment(Stateful, MallOwned, Model):
    """What one gateway is asked to collect for one order. `number` is ours, made before the gateway is called."""

    __tablename__ = "payments"
    noun = "payment"
    lifecycle = PaymentState
    allowed = PAYMENT_MOVES
    __table_args__ = (
        UniqueConstraint("mall_id", "number"),
        CheckConstraint("number ~ '^[0-9A-Z]{24,28}$'", name="number_is_what_both_gateways_take"),
        CheckConstraint("amount_fen > 0", name="amount_is_positive"),
        CheckConstraint("kind IN ('prepay', 'auth_code')", name="kind_is_known"),
        CheckConstraint(
            "refunding_fen BETWEEN 0 AND amount_fen AND refunded_fen BETWEEN 0 AND refunding_fen", name="never_refunded_too_much"
        ),
        CheckConstraint("refunding_fen = 0 OR state = 'paid'", name="only_paid_is_refunded"),
        CheckConstraint("(state = 'paid') = (paid_at IS NOT NULL)", name="paid_has_an_instant"),
        Index("uq_payments_gateway_no", "account_id", "gateway_no", unique=True, postgresql_where=text("gateway_no IS NOT NULL")),
        Index("ix_payments_order", "mall_id", "order_id"),
        Index("ix_payments_newest", "mall_id", "id"),
        Index("ix_payments_unbilled", "account_id", "paid_at", postgresql_where=text("state = 'paid' AND billed_on IS NULL")),
        Index("ix_payments_unanswered", "mall_id", "next_ask_at", postgresql_where=text("state IN ('created', 'placed', 'paying')")),
    )

    number: Mapped[str]
    channel: Mapped[str]
    account_id: Mapped[int] = mapped_column(ForeignKey("merchant_accounts.id"))
    order_id: Mapped[int]
    kind: Mapped[str] = mapped_column(server_default=text("'prepay'"), default="prepay")
    amount_fen: Mapped[int]
    description: Mapped[str]
    payer_subject: Mapped[str | None]  # openid, open_id or user_id; never logged
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    placed_at: Mapped[datetime | None]
    placed_with: Mapped[dict[str, Any] | None]  # what the gateway gave to pay with (prepay_id, trade_no)
    paid_at: Mapped[datetime | None]  # by the gateway's clock
    closed_at: Mapped[datetime | None]
    undone_from_at: Mapped[datetime | None]  # since when an auth-code payment is undone: from then on it is never taken for paid
    gateway_no: Mapped[str | None]
    refunding_fen: Mapped[int] = mapped_column(server_default=text("0"), default=0)  # asked for and not dropped
    refunded_fen: Mapped[int] = mapped_column(server_default=text("0"), default=0)  # arrived
    asks: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    asked_at: Mapped[datetime | None]
    next_ask_at: Mapped[datetime | None]
    trouble: Mapped[str | None]  # the gateway's last failure, by name
    billed_on: Mapped[date | None]  # whose day's bill of the gateway has it

    @property
    def is_open(self) -> bool:
        """Whether it may still be paid, or may have been without our knowing."""
        return self.state in OPEN

    @property
    def came_late(self) -> bool:
        """Whether the money came after we had closed it."""
        return self.paid_at is not None and self.closed_at is not None

    @property
    def refundable_fen(self) -> int:
        """What can still be given back."""
        return self.amount_fen - self.refunding_fen if self.state == PaymentState.PAID else 0


class Refund(Stateful, MallOwned, Model):
    """What one gateway is asked to give back of one payment; one for each cause."""

    __tablename__ = "payment_refunds"
    noun = "payment_refund"
    lifecycle = RefundState
    allowed = REFUND_MOVES
    __table_args__ = (
        UniqueConstraint("mall_id", "number"),
        UniqueConstraint("mall_id", "cause_type", "cause_id"),
        CheckConstraint("number ~ '^[0-9A-Z]{24,28}$'", name="number_is_what_both_gateways_take"),
        CheckConstraint("amount_fen > 0", name="amount_is_positive"),
        CheckConstraint("(state = 'done') = (done_at IS NOT NULL)", name="done_has_an_instant"),
        Index("ix_payment_refunds_payment", "payment_id"),
        Index("ix_payment_refunds_newest", "mall_id", "id"),
        Index("ix_payment_refunds_unbilled", "mall_id", "done_at", postgresql_where=text("state = 'done' AND billed_on IS NULL")),
        Index("ix_payment_refunds_unanswered", "mall_id", "next_ask_at", postgresql_where=text("state IN ('requested', 'accepted')")),
    )

    number: Mapped[str]
    payment_id: Mapped[int] = mapped_column(ForeignKey("payments.id"))
    amount_fen: Mapped[int]
    reason: Mapped[str]
    cause_type: Mapped[str]
    cause_id: Mapped[str]
    asked_by: Mapped[str]
    made_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]  # the first time we asked for it under this number
    done_at: Mapped[datetime | None]
    gateway_no: Mapped[str | None]
    asks: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    asked_at: Mapped[datetime | None]
    next_ask_at: Mapped[datetime | None]
    trouble: Mapped[str | None]
    billed_on: Mapped[date | None]  # whose day's bill of the gateway has it
    share_return_no: Mapped[str | None]  # our number of the part of a share that comes back first
    share_return_fen: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    share_returned_at: Mapped[datetime | None]


class ProfitShare(Stateful, MallOwned, Model):
    """The mall's part (分账) of a payment that a shop collected directly; when it has arrived, the rest is set free for the shop."""

    __tablename__ = "payment_shares"
    noun = "payment_share"
    lifecycle = ShareState
    allowed = SHARE_MOVES
    __table_args__ = (
        UniqueConstraint("mall_id", "number"),
        UniqueConstraint("payment_id"),
        CheckConstraint("amount_fen >= 0 AND returned_fen BETWEEN 0 AND amount_fen", name="no_more_comes_back_than_went"),
        Index("ix_payment_shares_newest", "mall_id", "id"),
        Index("ix_payment_shares_unanswered", "mall_id", "next_ask_at", postgresql_where=text("state IN ('planned', 'sent', 'arrived')")),
    )

    number: Mapped[str]
    payment_id: Mapped[int] = mapped_column(ForeignKey("payments.id"))
    freeing_no: Mapped[str | None]  # our number of setting the rest free
    receiver_no: Mapped[str]
    share_bp: Mapped[int]
    amount_fen: Mapped[int] = mapped_column(server_default=text("0"), default=0)  # reckoned when it is sent, of what was not given back
    returned_fen: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    made_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    arrived_at: Mapped[datetime | None]
    gateway_no: Mapped[str | None]
    asks: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    asked_at: Mapped[datetime | None]
    next_ask_at: Mapped[datetime | None]
    trouble: Mapped[str | None]

    @property
    def is_under_way(self) -> bool:
        """Whether the gateway may be working on it."""
        return self.state == ShareState.SENT or (self.state == ShareState.PLANNED and self.sent_at is not None)


class Notice(Stateful, MallOwned, Model):
    """A genuine notice of a gateway, kept before it is acknowledged. `facts` are its content in our words."""

    __tablename__ = "payment_notices"
    noun = "payment_notice"
    lifecycle = NoticeState
    allowed = NOTICE_MOVES
    __table_args__ = (
        UniqueConstraint("account_id", "notice_no"),
        Index("ix_payment_notices_newest", "mall_id", "id"),
        Index("ix_payment_notices_payment", "payment_id"),
        Index("ix_payment_notices_open", "mall_id", "state", "id", postgresql_where=text("state <> 'handled'")),
    )

    account_id: Mapped[int] = mapped_column(ForeignKey("merchant_accounts.id"))
    channel: Mapped[str]
    notice_no: Mapped[str]  # the gateway's id of it, the same over all deliveries
    event: Mapped[str]
    facts: Mapped[dict[str, Any]]
    received_at: Mapped[datetime]
    copies: Mapped[int] = mapped_column(server_default=text("1"), default=1)
    handled_at: Mapped[datetime | None]
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payments.id"))
    refund_id: Mapped[int | None] = mapped_column(ForeignKey("payment_refunds.id"))
    trouble: Mapped[str | None]  # why it is refused, or what failed

    @property
    def shown_facts(self) -> dict[str, Any]:
        """Its content as staff may see it: without who paid."""
        payment = self.facts.get("payment")
        return self.facts | {"payment": {name: value for name, value in payment.items() if name != "payer"} if payment else None}


class NoticeRefusal(MallOwned, Model):
    """A delivery that could not be proved to come from the gateway: why, and nothing of its content."""

    __tablename__ = "notice_refusals"
    __table_args__ = (Index("ix_notice_refusals_newest", "mall_id", "id"),)

    channel: Mapped[str]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("merchant_accounts.id"))
    reason: Mapped[str]
    serial: Mapped[str] = mapped_column(server_default=text("''"), default="")  # which key it claimed
    body_bytes: Mapped[int]
    digest: Mapped[str]  # SHA-256 of the body, to recognise it again
    at: Mapped[datetime]


class Outcome(StrEnum):
    """What comparing a gateway's bill with our books found."""

    WAITING = "waiting"  # the gateway has not made it, or could not be asked
    NONE = "none"  # nothing moved on that day, by the gateway and by us
    AGREES = "agrees"
    SETTLED = "settled"  # each difference has been answered
    DIFFERS = "differs"


class DifferenceKind(StrEnum):
    """In what a bill and our books differ."""

    MISSING_HERE = "missing_here"  # the gateway moved money that we know nothing of
    MISSING_THERE = "missing_there"  # we believe that money moved, and no bill has it
    AMOUNT = "amount"
    STATUS = "status"  # moved for the one and not for the other
    TWICE = "twice"  # one bill lists it more than once
    CUT_OFF = "cut_off"  # on another day's bill than ours (日切)
    LEDGER = "ledger"  # the bill and the payment agree; the ledger holds another amount


OUTCOMES = tuple(str(outcome) for outcome in Outcome)
DIFFERENCE_KINDS = tuple(str(kind) for kind in DifferenceKind)
BILLED_KINDS = ("payment", "refund")


class GatewayBill(MallOwned, Model):
    """A gateway's bill (对账单) of one Beijing day of one merchant, and what comparing it with our books found.

    A merchant that several accounts stand for (one for each app) has one bill: it hangs on the oldest of them.
    """

    __tablename__ = "gateway_bills"
    __table_args__ = (
        UniqueConstraint("account_id", "billed_on"),
        CheckConstraint(f"outcome IN {OUTCOMES}", name="outcome_is_known"),
        CheckConstraint("paid_count >= 0 AND refund_count >= 0 AND open_count >= 0", name="counts_not_negative"),
        Index("ix_gateway_bills_newest", "mall_id", "billed_on", "id"),
    )

    account_id: Mapped[int] = mapped_column(ForeignKey("merchant_accounts.id"))
    channel: Mapped[str]
    billed_on: Mapped[date]
    outcome: Mapped[str]
    paid_count: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    paid_fen: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    refund_count: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    refund_fen: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    fee_fen: Mapped[int] = mapped_column(server_default=text("0"), default=0)  # what the gateway kept
    open_count: Mapped[int] = mapped_column(server_default=text("0"), default=0)  # differences without an answer
    tries: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    matched_at: Mapped[datetime]
    trouble: Mapped[str | None]


class BillDifference(MallOwned, Model):
    """One thing in which a bill and our books differ; open until somebody answers it, or it goes away by itself."""

    __tablename__ = "bill_differences"
    __table_args__ = (
        UniqueConstraint("bill_id", "kind", "about", "number"),
        CheckConstraint(f"kind IN {DIFFERENCE_KINDS}", name="kind_is_known"),
        CheckConstraint(f"about IN {BILLED_KINDS}", name="about_is_known"),
        CheckConstraint("(settled_at IS NULL) = (settled_by IS NULL)", name="an_answer_has_a_person"),
        Index("ix_bill_differences_newest", "mall_id", "id"),
        Index("ix_bill_differences_open", "mall_id", "id", postgresql_where=text("settled_at IS NULL")),
        Index("ix_bill_differences_number", "mall_id", "number"),
    )

    bill_id: Mapped[int] = mapped_column(ForeignKey("gateway_bills.id"))
    kind: Mapped[str]
    about: Mapped[str]  # a payment or a refund
    number: Mapped[str]  # ours, as the bill or our books have it
    gateway_no: Mapped[str | None]
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payments.id"))
    refund_id: Mapped[int | None] = mapped_column(ForeignKey("payment_refunds.id"))
    bill_fen: Mapped[int | None]
    ours_fen: Mapped[int | None]
    bill_says: Mapped[str | None]
    we_say: Mapped[str | None]
    found_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str | None]
    note: Mapped[str | None]


class Complaint(Stateful, MallOwned, Model):
    """What a payer complains of at the gateway (消费者投诉): one row, as the gateway last described it."""

    __tablename__ = "complaints"
    noun = "complaint"
    lifecycle = ComplaintState
    allowed = COMPLAINT_MOVES
    __table_args__ = (
        UniqueConstraint("mall_id", "channel", "gateway_no"),
        CheckConstraint("channel IN ('wechat', 'alipay')", name="channel_is_known"),
        CheckConstraint("amount_fen >= 0 AND refund_wanted_fen >= 0", name="amounts_are_not_negative"),
        CheckConstraint("times >= 1 AND replies >= 0", name="counts_are_counts"),
        CheckConstraint(f"length(detail) <= {COMPLAINT_DETAIL_LENGTH}", name="detail_is_cut"),
        CheckConstraint("(state IN ('processed', 'foreign')) = (due_at IS NULL)", name="what_is_open_is_due"),
        CheckConstraint("(state = 'processed') = (completed_at IS NOT NULL)", name="processed_has_an_instant"),
        CheckConstraint("state = 'heard' OR refreshed_at IS NOT NULL", name="only_the_unread_was_never_read"),
        Index("ix_complaints_first", "mall_id", "is_open", "urgency", "id"),
        Index("ix_complaints_shop", "mall_id", "shop_id", "is_open", "urgency", "id"),
        Index("ix_complaints_payment", "payment_id"),
        Index("ix_complaints_unread", "mall_id", "next_ask_at", postgresql_where=text("next_ask_at IS NOT NULL")),
    )

    channel: Mapped[str]
    account_id: Mapped[int] = mapped_column(ForeignKey("merchant_accounts.id"))
    gateway_no: Mapped[str]  # the gateway's number of it
    accused_no: Mapped[str] = mapped_column(server_default=text("''"), default="")  # the merchant number it is against
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payments.id"))
    payment_number: Mapped[str | None]  # as the gateway gives it, ours or not
    order_id: Mapped[int | None]
    shop_id: Mapped[int | None] = mapped_column(ForeignKey("shops.id"))
    amount_fen: Mapped[int | None]
    detail: Mapped[str] = mapped_column(server_default=text("''"), default="")
    problem_type: Mapped[str] = mapped_column(server_default=text("''"), default="")
    refund_wanted_fen: Mapped[int | None]
    fully_refunded: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    words: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"), default=list)  # what was said and done, oldest first
    times: Mapped[int] = mapped_column(server_default=text("1"), default=1)  # how often the payer complained of it
    payer_waits: Mapped[bool] = mapped_column(server_default=text("false"), default=False)  # a word of the payer is unanswered
    phone_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    opened_at: Mapped[datetime]
    raised_at: Mapped[datetime]  # when the payer last complained
    waits_since_at: Mapped[datetime | None]  # since when an answer is awaited
    due_at: Mapped[datetime | None]  # when the next thing is due: an answer, or the solution
    urgency: Mapped[int]  # among the open ones the first due is the largest, among the others the youngest
    refreshed_at: Mapped[datetime | None]  # when the gateway was asked for what stands here
    answered_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    replies: Mapped[int] = mapped_column(server_default=text("0"), default=0)  # the number of the last one
    asks: Mapped[int] = mapped_column(server_default=text("0"), default=0)  # without an answer of the gateway
    next_ask_at: Mapped[datetime | None]
    trouble: Mapped[str | None]
    is_open: Mapped[bool] = mapped_column(Computed("state IN ('heard', 'pending', 'processing')", persisted=True))

    @property
    def phone(self) -> str | None:
        """138****8000, or None where the payer left none."""
        return sealed.mask_phone(sealed.unseal(self.phone_sealed)) if self.phone_sealed else None

    @property
    def next_reply(self) -> int:
        """The number of the next reply."""
        return self.replies + 1


class ComplaintReply(Stateful, MallOwned, Model):
    """What staff say to a complaint: an answer, or that it is settled. `seq` counts within the complaint: each is said once."""

    __tablename__ = "complaint_replies"
    noun = "complaint_reply"
    lifecycle = ReplyState
    allowed = REPLY_MOVES
    __table_args__ = (
        UniqueConstraint("complaint_id", "seq"),
        CheckConstraint("seq >= 1", name="seq_counts_from_one"),
        CheckConstraint("kind IN ('answer', 'completion')", name="kind_is_known"),
        CheckConstraint(f"(kind = 'answer') = (content <> '') AND length(content) <= {REPLY_LENGTH}", name="answers_say_something"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_has_an_instant"),
        Index("ix_complaint_replies_unanswered", "mall_id", "next_ask_at", postgresql_where=text("state = 'planned'")),
        Index("uq_complaint_replies_on_its_way", "complaint_id", unique=True, postgresql_where=text("state = 'planned'")),
    )

    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaints.id"))
    seq: Mapped[int]
    kind: Mapped[str]
    content: Mapped[str]
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    tried_at: Mapped[datetime | None]  # when the gateway was last spoken to about it
    sent_at: Mapped[datetime | None]
    asks: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    next_ask_at: Mapped[datetime | None]
    trouble: Mapped[str | None]
