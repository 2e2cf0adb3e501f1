"""Everything the simulator remembers, in memory, behind one lock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import RLock
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from wechat.simulator.clock import SimClock, rfc3339
from wechat.simulator.dice import Dice, FailureRates
from wechat.simulator.faults import Fault
from wechat.simulator.people import People

CODE_LIFE = timedelta(minutes=5)
TOKEN_LIFE = timedelta(seconds=7200)
PAY_CODE_LIFE = timedelta(seconds=60)


@dataclass
class Code:
    """A login or phone-button code: single use, five minutes, for one mini-program."""

    kind: str
    appid: str
    person: str
    expires_at: datetime
    used: bool = False


@dataclass
class PayCode:
    """What the wallet shows to a cashier: single use, a minute. `refuse` is the error that a charge gets."""

    person: str
    expires_at: datetime
    needs_password: bool = False
    refuse: str = ""
    used_for: str = ""


@dataclass
class Token:
    """An access token of a mini-program."""

    value: str
    appid: str
    expires_at: datetime


@dataclass
class MerchantAccount:
    """A merchant: certificates by serial, API v3 key, mini-programs, balance; a service provider's sub-merchants."""

    mchid: str
    api_v3_key: bytes = field(repr=False)
    certificates: dict[str, RSAPublicKey] = field(default_factory=dict, repr=False)
    appids: set[str] = field(default_factory=set)
    subs: set[str] = field(default_factory=set)
    can_refund: bool = True
    share_bp: int = 3000


@dataclass
class Order:
    """A WeChat Pay order. `asked` is the request as it came, to tell a repeat from another order."""

    mchid: str
    appid: str
    out_trade_no: str
    asked: dict[str, Any]
    openid: str
    created_at: datetime
    sub_mchid: str = ""
    sub_appid: str = ""
    trade_type: str = "JSAPI"
    state: str = "NOTPAY"
    prepay_id: str = ""
    prepaid_at: datetime | None = None
    transaction_id: str | None = None
    paid_at: datetime | None = None
    reversed_at: datetime | None = None

    @property
    def total(self) -> int:
        """The amount in fen."""
        return int(self.asked["amount"]["total"])

    @property
    def parts(self) -> list[Order]:
        """What one payment of it pays."""
        return [self]

    @property
    def shares_profit(self) -> bool:
        """Whether its money is frozen for profit sharing."""
        settle = self.asked.get("settle_info")
        return isinstance(settle, dict) and settle.get("profit_sharing") is True


@dataclass
class Combined:
    """Several orders that are paid as one."""

    mchid: str
    appid: str
    out_trade_no: str
    asked: dict[str, Any]
    openid: str
    created_at: datetime
    parts: list[Order]
    sub_appid: str = ""
    trade_type: str = "JSAPI"
    prepay_id: str = ""
    prepaid_at: datetime | None = None

    @property
    def state(self) -> str:
        """That of its orders, which are paid and closed together."""
        return next((part.state for part in self.parts if part.state != "NOTPAY"), "NOTPAY")


@dataclass
class Refund:
    """A refund of an order, in fen."""

    order: Order
    asked: dict[str, Any]
    out_refund_no: str
    refund_id: str
    amount: int
    created_at: datetime
    status: str = "PROCESSING"
    finished_at: datetime | None = None


@dataclass
class Share:
    """A sharing of a payment: each of `parts` as asked, with its result."""

    order: Order
    asked: dict[str, Any]
    out_order_no: str
    order_id: str
    parts: list[dict[str, Any]]
    frees: bool

    @property
    def amount(self) -> int:
        """What it takes, without the parts that failed."""
        return sum(int(part["amount"]) for part in self.parts if part["result"] != "CLOSED")

    def finish(self, now: datetime, bad_accounts: dict[str, str]) -> None:
        """Every part reaches its end; those for a bad account fail."""
        for part in self.parts:
            reason = bad_accounts.get(part["account"])
            part |= {"result": "CLOSED", "fail_reason": reason} if reason else {"result": "SUCCESS"}
            part["finish_time"] = rfc3339(now)


@dataclass
class ShareReturn:
    """A part taken back."""

    share: Share
    asked: dict[str, Any]
    out_return_no: str
    return_id: str
    amount: int
    created_at: datetime
    result: str = "PROCESSING"
    fail_reason: str = ""
    finished_at: datetime | None = None


@dataclass
class Complaint:
    """A payer's complaint of a payment. `accused` is the merchant number it is against, a sub-merchant's or its own."""

    complaint_id: str
    mchid: str
    accused: str
    out_trade_no: str
    transaction_id: str
    amount: int
    detail: str
    problem: str
    refund_wanted: int | None
    phone: str = field(repr=False)
    raised_at: datetime
    state: str = "PENDING"
    times: int = 1
    payer_waits: bool = False
    words: list[dict[str, Any]] = field(default_factory=list)

    def note(self, kind: str, at: datetime, content: str) -> None:
        """Something was said or done."""
        who = "投诉人" if kind.startswith("USER") else "商户"
        line = {"log_id": f"{self.complaint_id}{len(self.words):03d}", "operator": who, "operate_time": rfc3339(at), "operate_type": kind}
        self.words.append(line | {"operate_details": content})


@dataclass
class BillDifference:
    """A bill that does not say what happened: of the order or refund `number`.

    missing: its line is not there · amount: `fen` more (or less) than it was · status: `status` for what it was · extra:
    a line of `fen` for a payment of `at` that nobody asked for.
    """

    kind: str
    number: str
    mchid: str
    fen: int = 1
    status: str = "CLOSED"
    at: datetime | None = None

    def __post_init__(self) -> None:
        if self.kind not in ("missing", "extra", "amount", "status"):
            raise ValueError("kind is missing, extra, amount or status")


@dataclass
class Store:
    """Hold `lock` for whatever reads and writes together."""

    people: People
    clock: SimClock
    dice: Dice = field(default_factory=Dice)
    failure_rates: FailureRates = field(default_factory=FailureRates)
    apps: dict[str, str] = field(default_factory=dict, repr=False)
    merchants: dict[str, MerchantAccount] = field(default_factory=dict)
    templates: dict[str, tuple[str, ...]] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict, repr=False)
    pay_codes: dict[str, PayCode] = field(default_factory=dict, repr=False)
    tokens: dict[str, Token] = field(default_factory=dict, repr=False)
    current_token: dict[str, str] = field(default_factory=dict, repr=False)
    tokens_issued: int = 0
    tokens_asked: int = 0
    forced: dict[str, list[datetime]] = field(default_factory=dict)
    consents: dict[tuple[str, str], int] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)
    last_seen: dict[str, datetime] = field(default_factory=dict, repr=False)
    pages: set[str] = field(default_factory=set)
    codes_made: list[dict[str, Any]] = field(default_factory=list)
    words: dict[str, tuple[str, int]] = field(default_factory=dict)
    shipped: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    orders: dict[tuple[str, str], Order] = field(default_factory=dict)
    combined: dict[tuple[str, str], Combined] = field(default_factory=dict)
    receivers: dict[tuple[str, str], set[tuple[str, str]]] = field(default_factory=dict)
    shares: dict[tuple[str, str], Share] = field(default_factory=dict)
    share_returns: dict[tuple[str, str], ShareReturn] = field(default_factory=dict)
    bad_accounts: dict[str, str] = field(default_factory=dict)
    prepaid: dict[str, Order | Combined] = field(default_factory=dict)
    transactions: dict[str, Order] = field(default_factory=dict)
    refunds: dict[tuple[str, str], Refund] = field(default_factory=dict)
    complaints: dict[str, Complaint] = field(default_factory=dict)
    complaint_urls: dict[str, str] = field(default_factory=dict)
    bill_differences: list[BillDifference] = field(default_factory=list)
    bills: dict[str, bytes] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    lock: RLock = field(default_factory=RLock)
