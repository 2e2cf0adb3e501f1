"""Everything the simulator remembers, in memory, behind one lock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from threading import RLock
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from alipay.simulator.clock import SimClock
from alipay.simulator.dice import Dice, FailureRates
from alipay.simulator.faults import Fault
from alipay.simulator.people import People

CODE_LIFE = timedelta(minutes=5)
PAY_CODE_LIFE = timedelta(seconds=60)


@dataclass
class Application:
    """An application: its public key, content key and seller, its certificate's number, and whether it uses that.

    `mode` is key, certificate or, while it changes over, both.
    """

    app_id: str
    key: RSAPublicKey = field(repr=False)
    content_key: str = field(repr=False)
    seller_id: str = ""
    can_refund: bool = True
    certificate: str = ""
    mode: str = "both"


@dataclass
class Code:
    """An authorisation code: single use, five minutes, for one application."""

    app_id: str
    person: str
    expires_at: datetime
    used: bool = False


@dataclass
class PayCode:
    """What a phone shows to be scanned: single use, a minute. `refuse` is the sub_code that it ends in, if any."""

    person: str
    expires_at: datetime
    needs_password: bool = False
    refuse: str = ""
    used: bool = False


@dataclass
class Refund:
    """A refund of a trade, in fen."""

    out_request_no: str
    amount: int
    at: datetime


@dataclass
class Trade:
    """A trade of an application. `asked` is its biz_content, to tell a repeat from another trade."""

    app_id: str
    out_trade_no: str
    trade_no: str
    asked: dict[str, Any]
    total: int
    notify_url: str
    created_at: datetime
    expires_at: datetime
    buyer: dict[str, str] = field(default_factory=dict)
    status: str = "WAIT_BUYER_PAY"
    paid_at: datetime | None = None
    closed_at: datetime | None = None
    refunds: list[Refund] = field(default_factory=list)

    @property
    def refunded(self) -> int:
        """The sum of all refunds in fen."""
        return sum(refund.amount for refund in self.refunds)


@dataclass
class Difference:
    """What the bill says otherwise than we do, on one day or on any.

    missing: without the lines of the trade, or of its one refund · amount: off by `fen` · twice: said twice · extra: a
    payment of `fen` that nobody made.
    """

    kind: str
    out_trade_no: str = ""
    out_request_no: str | None = None
    fen: int = 1
    day: str = ""

    def __post_init__(self) -> None:
        if self.kind not in ("missing", "amount", "twice", "extra"):
            raise ValueError("kind is missing, amount, twice or extra")
        if not self.out_trade_no and self.kind != "extra":
            raise ValueError("which out_trade_no")
        self.on = date.fromisoformat(self.day) if self.day else None

    @property
    def number(self) -> str:
        """The number of an extra payment."""
        return self.out_trade_no or "UNKNOWN0000000000"

    def hits(self, out_trade_no: str, out_request_no: str) -> bool:
        """Whether it is about this line: of the payment and all refunds, or, where one is named, of that refund."""
        return out_trade_no == self.out_trade_no and self.out_request_no in (None, out_request_no)


@dataclass
class Store:
    """Hold `lock` for whatever reads and writes together."""

    people: People
    clock: SimClock
    apps: dict[str, Application] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict, repr=False)
    pay_codes: dict[str, PayCode] = field(default_factory=dict, repr=False)
    trades: dict[tuple[str, str], Trade] = field(default_factory=dict)
    by_trade_no: dict[str, Trade] = field(default_factory=dict)
    bills: dict[str, tuple[bytes, datetime]] = field(default_factory=dict, repr=False)
    differences: list[Difference] = field(default_factory=list)
    dice: Dice = field(default_factory=Dice)
    failure_rates: FailureRates = field(default_factory=FailureRates)
    faults: list[Fault] = field(default_factory=list)
    lock: RLock = field(default_factory=RLock)
