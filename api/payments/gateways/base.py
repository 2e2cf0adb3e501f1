"""What a gateway can do, in our words. Vendor words stop in the files beside this one.

Every verb may raise `OutcomeUnknown` (whether it took effect is unknown) or a `Refused` (it did not take effect).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Protocol


class CallFailure(Exception):
    """A call that did not succeed. `name` is one word for people and tables; it holds no secret."""

    name = "refused"

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name or self.name)
        self.name = name or self.name


class OutcomeUnknown(CallFailure):
    """No answer, or none that can be believed: whether the call took effect is unknown."""

    name = "silent"


class Refused(CallFailure):
    """The gateway did not do it."""


class NumberUnknown(Refused):
    """The gateway has nothing under this number."""

    name = "unknown-number"


class AlreadyPaid(Refused):
    """It is paid."""

    name = "already-paid"


class AlreadyClosed(Refused):
    """It is closed."""

    name = "already-closed"


class BalanceShort(Refused):
    """The merchant's balance does not cover the refund."""

    name = "balance-short"


class PayerBalanceShort(Refused):
    """What the payer has in the wallet does not cover the payment."""

    name = "payer-balance-short"


class TooSoon(Refused):
    """Not done now; the same call a little later may be."""

    name = "too-soon"


class NoBill(Refused):
    """There is no bill of that day: it is not made yet, or nothing happened."""

    name = "no-bill"


class Forged(Exception):
    """A notice that cannot be proved to come from the gateway. `reason` is one word."""

    def __init__(self, reason: str, serial: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.serial = serial


class GatewayPaymentState(StrEnum):
    """The state of a payment at the gateway."""

    WAITING = "waiting"
    PAYING = "paying"
    PAID = "paid"
    CLOSED = "closed"
    FAILED = "failed"


class SplitState(StrEnum):
    """The state of a split at the gateway, or of a part that is to come back."""

    WORKING = "working"
    DONE = "done"
    FAILED = "failed"


class GatewayRefundState(StrEnum):
    """The state of a refund at the gateway."""

    WORKING = "working"
    DONE = "done"
    ABNORMAL = "abnormal"
    CLOSED = "closed"


@dataclass(frozen=True)
class PaymentRequest:
    """What is to be collected. `payer_subject` is empty when the payer showed an auth code."""

    number: str
    amount_fen: int
    description: str
    expires_at: datetime
    payer_subject: str = ""
    store: str = ""  # our own name of the place, for auth codes
    shared: bool = False  # part of the money will be passed on (profit sharing)


@dataclass(frozen=True)
class RefundRequest:
    """What is to be given back."""

    number: str
    refund_number: str
    refund_fen: int
    total_fen: int
    reason: str


@dataclass(frozen=True)
class PaymentStatus:
    """A payment as the gateway sees it. What the gateway does not say is None."""

    state: GatewayPaymentState
    number: str
    merchant_no: str | None = None
    sub_merchant_no: str | None = None
    app_id: str | None = None
    gateway_no: str | None = None
    amount_fen: int | None = None
    currency: str | None = None
    paid_at: datetime | None = None
    payer: str | None = field(default=None, repr=False)  # who paid, as the wallet knows them


@dataclass(frozen=True)
class RefundStatus:
    """A refund as the gateway sees it."""

    state: GatewayRefundState
    refund_number: str
    merchant_no: str | None = None
    gateway_no: str | None = None
    amount_fen: int | None = None
    done_at: datetime | None = None


@dataclass(frozen=True)
class SplitRequest:
    """A part of a payment that is split off for somebody else."""

    gateway_no: str  # the gateway's number of the payment
    share_number: str
    receiver_no: str
    amount_fen: int
    description: str


@dataclass(frozen=True)
class SplitStatus:
    """A split as the gateway sees it, or a part that comes back; `reason` is why it failed."""

    state: SplitState
    gateway_no: str | None = None
    reason: str = ""


class BillLineKind(StrEnum):
    """What a line of a bill is about."""

    PAYMENT = "payment"
    REFUND = "refund"
    REVERSAL = "reversal"  # an auth-code payment that was undone: it stands beside the payment


@dataclass(frozen=True)
class BillLine:
    """One line of a gateway's bill of a day. Money is positive whichever way it went; the fee is what the gateway kept."""

    kind: BillLineKind
    number: str  # ours: of the payment, or of the refund
    payment_number: str
    gateway_no: str
    amount_fen: int
    fee_fen: int
    at: datetime
    refund_state: GatewayRefundState | None = None  # of a refund, where the bill says it


class GatewayComplaintState(StrEnum):
    """The state of a complaint at the gateway."""

    PENDING = "pending"
    PROCESSING = "processing"
    PROCESSED = "processed"


@dataclass(frozen=True)
class ComplaintStatus:
    """A payer's complaint as the gateway sees it."""

    complaint_no: str
    state: GatewayComplaintState
    raised_at: datetime
    accused_no: str  # the merchant number it is against; empty where the gateway does not say
    detail: str = field(repr=False)
    problem_type: str
    times: int  # how often the payer complained of it
    payer_waits: bool
    fully_refunded: bool
    refund_wanted_fen: int | None = None
    payment_number: str | None = None
    amount_fen: int | None = None
    phone: str | None = field(default=None, repr=False)


class Speaker(StrEnum):
    """Who wrote a message about a complaint."""

    PAYER = "payer"
    MERCHANT = "merchant"
    PLATFORM = "platform"
    SYSTEM = "system"


@dataclass(frozen=True)
class ComplaintMessage:
    """One message or step of a complaint; `completes`: that it is settled."""

    speaker: Speaker
    at: datetime
    content: str = field(repr=False)
    completes: bool = False


@dataclass(frozen=True)
class ComplaintPage:
    """Some complaints of a period, and how many there are in all."""

    total: int
    complaints: tuple[ComplaintStatus, ...]


@dataclass(frozen=True)
class ComplaintNotice:
    """A notice of a complaint: that it is there, or that something was done about it."""

    complaint_no: str
    did: str


@dataclass(frozen=True)
class ParsedNotice:
    """A genuine notice: about a payment, a refund, a complaint, or about something that this room does not handle."""

    notice_no: str
    event: str
    payment: PaymentStatus | None = None
    refund: RefundStatus | None = None
    complaint: ComplaintNotice | None = None
    number: str = ""
    only_known: bool = False  # known, and nothing follows from it

    def facts(self) -> dict[str, Any]:
        """As JSON, for the inbox."""
        return {
            "number": self.number,
            "payment": _plain(self.payment),
            "refund": _plain(self.refund),
            "complaint": asdict(self.complaint) if self.complaint else None,
            "only_known": self.only_known,
        }


def payment_of(facts: Mapping[str, Any]) -> PaymentStatus | None:
    """The payment status that an inbox row carries."""
    stored = facts.get("payment")
    if not stored:
        return None
    return PaymentStatus(**stored | {"state": GatewayPaymentState(stored["state"]), "paid_at": _instant(stored["paid_at"])})


def refund_of(facts: Mapping[str, Any]) -> RefundStatus | None:
    """The refund status that an inbox row carries."""
    stored = facts.get("refund")
    if not stored:
        return None
    return RefundStatus(**stored | {"state": GatewayRefundState(stored["state"]), "done_at": _instant(stored["done_at"])})


def complaint_of(facts: Mapping[str, Any]) -> ComplaintNotice | None:
    """The complaint that an inbox row names."""
    stored = facts.get("complaint")
    return ComplaintNotice(**stored) if stored else None


def _plain(part: PaymentStatus | RefundStatus | None) -> dict[str, Any] | None:
    if part is None:
        return None
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(part).items()}


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


@dataclass(frozen=True)
class Key:
    """One opened key of an account, and when it is valid."""

    kind: str
    serial: str
    text: str = field(repr=False)
    starts_at: datetime
    ends_at: datetime | None

    def is_valid(self, now: datetime) -> bool:
        """Whether it may be used now."""
        return self.starts_at <= now and (self.ends_at is None or now < self.ends_at)


@dataclass(frozen=True)
class KeyRead:
    """What a key says of itself: what the gateway calls it, and until when it holds."""

    serial: str = ""
    ends_at: datetime | None = None


@dataclass(frozen=True)
class Account:
    """A merchant account with its opened keys, as a gateway needs it."""

    id: int
    version: int
    channel: str
    mode: str
    merchant_no: str
    app_id: str
    sub_merchant_no: str
    sub_app_id: str
    notify_url: str
    keys: tuple[Key, ...] = field(repr=False)

    def valid(self, kind: str, now: datetime) -> list[Key]:
        """The keys of a kind that may be used now, the youngest first."""
        keys = [key for key in self.keys if key.kind == kind and key.is_valid(now)]
        return sorted(keys, key=lambda key: key.starts_at, reverse=True)


class ComplaintDesk(Protocol):
    """The complaints of payers against one merchant account."""

    def complaint(self, complaint_no: str) -> ComplaintStatus:
        """A complaint as it is now. NumberUnknown."""

    def raised(self, begin_on: date, end_on: date, offset: int) -> ComplaintPage:
        """Those raised on these days of the gateway's, both included, from an offset on."""

    def answer(self, complaint_no: str, accused_no: str, content: str) -> None:
        """Send a message to the payer. Repeating it sends it again."""

    def complete(self, complaint_no: str, accused_no: str) -> None:
        """Say that it is settled."""

    def words(self, complaint_no: str) -> list[ComplaintMessage]:
        """What was said and done about a complaint, oldest first. NumberUnknown."""

    def send_notices_here(self) -> None:
        """Let notices of complaints come to this account's address."""


class Gateway(Protocol):
    """One merchant account at one gateway."""

    def place(self, request: PaymentRequest) -> dict[str, str]:
        """Let the payer pay; gives what is needed to. Repeating it with the same number is harmless. AlreadyPaid, AlreadyClosed."""

    def wallet_arguments(self, placed: Mapping[str, str]) -> dict[str, str]:
        """What the payer's phone hands to its wallet, fresh each time."""

    def charge(self, request: PaymentRequest, auth_code: str) -> PaymentStatus:
        """Collect from the payer who showed this code: paid, or paying while the wallet asks for a password."""

    def query(self, number: str) -> PaymentStatus:
        """The payment of our number. NumberUnknown."""

    def close(self, number: str) -> None:
        """Let it not be paid any more. AlreadyPaid, NumberUnknown."""

    def reverse(self, number: str) -> None:
        """Undo an auth-code payment whatever became of it: closed if not paid, given back if paid."""

    def refund(self, request: RefundRequest) -> RefundStatus:
        """Give money back; repeating it with the same refund number is harmless. BalanceShort, TooSoon, NumberUnknown."""

    def query_refund(self, number: str, refund_number: str) -> RefundStatus:
        """The refund of our number. NumberUnknown."""

    def split(self, request: SplitRequest) -> SplitStatus:
        """Pass a part on; repeating it with the same number is harmless."""

    def query_split(self, request: SplitRequest) -> SplitStatus:
        """The split of our number. NumberUnknown."""

    def finish_split(self, request: SplitRequest, finish_number: str) -> SplitStatus:
        """Leave the rest to the shop: nothing more is split off; repeating it with the same number is harmless."""

    def return_split(self, request: SplitRequest, return_number: str, amount_fen: int) -> SplitStatus:
        """Let some of a part come back, before the payment is refunded; repeating it with the same number is harmless."""

    def query_split_return(self, request: SplitRequest, return_number: str) -> SplitStatus:
        """The return of our number. NumberUnknown."""

    def complaints(self) -> ComplaintDesk | None:
        """The complaints of payers; None where this gateway's are not connected."""

    def read_notice(self, headers: Mapping[str, str], body: bytes) -> ParsedNotice:
        """The notice in a raw body. Forged."""

    def bill(self, day: date) -> list[BillLine]:
        """Everything that moved on one Beijing day, from about ten the next morning on. NoBill."""
