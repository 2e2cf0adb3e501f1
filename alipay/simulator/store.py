"""Everything the simulator remembers, in memory, behind one lock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import RLock
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from alipay.simulator.clock import SimClock
from alipay.simulator.faults import Fault
from alipay.simulator.people import People

CODE_LIFE = timedelta(minutes=5)
PAY_CODE_LIFE = timedelta(seconds=60)


@dataclass
class Application:
    """An application: its public key, content key and seller."""

    app_id: str
    key: RSAPublicKey = field(repr=False)
    content_key: str = field(repr=False)
    seller_id: str = ""
    can_refund: bool = True


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
class Store:
    """Hold `lock` for whatever reads and writes together."""

    people: People
    clock: SimClock
    apps: dict[str, Application] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict, repr=False)
    pay_codes: dict[str, PayCode] = field(default_factory=dict, repr=False)
    trades: dict[tuple[str, str], Trade] = field(default_factory=dict)
    by_trade_no: dict[str, Trade] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    lock: RLock = field(default_factory=RLock)
