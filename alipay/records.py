"""Identities, trades and refunds as Alipay describes them, read strictly. Amounts are whole fen, instants aware UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from alipay.money import fen
from alipay.signing import instant

WAITING, PAID, FINISHED, CLOSED = "WAIT_BUYER_PAY", "TRADE_SUCCESS", "TRADE_FINISHED", "TRADE_CLOSED"

Answer = Mapping[str, Any]


@dataclass(frozen=True)
class Identity:
    """Who signed in. New applications are given open_id and not user_id: keep both, with the app id."""

    user_id: str | None
    open_id: str | None
    union_id: str | None
    access_token: str = field(repr=False)


@dataclass(frozen=True)
class Trade:
    """A trade as a query or a payment by auth code shows it. An answer names no seller and no app: a notice does.

    `trade_no` and `total_fen` may be missing only while the buyer has not paid.
    """

    out_trade_no: str
    trade_no: str | None
    trade_status: str
    total_fen: int | None
    buyer: str | None
    paid_at: datetime | None
    raw: Answer = field(repr=False)

    @property
    def is_paid(self) -> bool:
        """Whether the buyer's money is with the seller. A closed trade with `paid_at` was paid, and given back whole."""
        return self.trade_status in (PAID, FINISHED)


@dataclass(frozen=True)
class Cancelled:
    """The answer to a cancel: what it did, `close` or `refund`; neither where Alipay knows no such trade.

    `again` means that it is not done: repeat it.
    """

    action: str | None
    again: bool
    raw: Answer = field(repr=False)


@dataclass(frozen=True)
class Refund:
    """The answer to a refund. `refunded_fen` is the trade's sum of refunds; not `moved` means: query the refund."""

    out_trade_no: str
    trade_no: str
    moved: bool
    refunded_fen: int
    refunded_at: datetime | None
    raw: Answer = field(repr=False)


@dataclass(frozen=True)
class RefundState:
    """A refund as its query shows it; an unknown out_request_no is simply not done."""

    out_trade_no: str
    out_request_no: str
    done: bool
    refund_fen: int | None
    refunded_at: datetime | None
    raw: Answer = field(repr=False)


def identity(answer: Answer) -> Identity:
    """Read an identity. Raises ValueError where a field is missing or of the wrong kind, as all readers here do."""
    if not answer.get("user_id") and not answer.get("open_id"):
        raise ValueError("neither user_id nor open_id")
    return Identity(
        user_id=answer.get("user_id") or None,
        open_id=answer.get("open_id") or None,
        union_id=answer.get("union_id") or None,
        access_token=text(answer, "access_token"),
    )


def trade(answer: Answer) -> Trade:
    """Read the answer to a query."""
    return _trade(answer, text(answer, "trade_status"), _instant(answer, "send_pay_date"))


def charge(answer: Answer, *, waiting: bool) -> Trade:
    """Read the answer to a payment by auth code, which carries no trade_status of its own."""
    return _trade(answer, WAITING if waiting else PAID, _instant(answer, "gmt_payment"))


def _trade(answer: Answer, status: str, paid_at: datetime | None) -> Trade:
    unpaid = status == WAITING
    return Trade(
        out_trade_no=text(answer, "out_trade_no"),
        trade_no=answer.get("trade_no") or None if unpaid else text(answer, "trade_no"),
        trade_status=status,
        total_fen=None if unpaid and not answer.get("total_amount") else fen(text(answer, "total_amount")),
        buyer=answer.get("buyer_open_id") or answer.get("buyer_user_id") or None,
        paid_at=None if unpaid else paid_at,
        raw=answer,
    )


def cancelled(answer: Answer) -> Cancelled:
    """Read the answer to a cancel."""
    action = answer.get("action") or None
    if action not in (None, "close", "refund"):
        raise ValueError("an action that no page documents")
    return Cancelled(action=action, again=text(answer, "retry_flag").upper() != "N", raw=answer)


def refund(answer: Answer) -> Refund:
    """Read the answer to a refund."""
    return Refund(
        out_trade_no=text(answer, "out_trade_no"),
        trade_no=text(answer, "trade_no"),
        moved=answer.get("fund_change") == "Y",
        refunded_fen=fen(text(answer, "refund_fee")),
        refunded_at=_instant(answer, "gmt_refund_pay"),
        raw=answer,
    )


def refund_state(answer: Answer, out_trade_no: str, out_request_no: str) -> RefundState:
    """Read the answer to a refund's query."""
    return RefundState(
        out_trade_no=out_trade_no,
        out_request_no=out_request_no,
        done=answer.get("refund_status") == "REFUND_SUCCESS",
        refund_fen=fen(text(answer, "refund_amount")) if answer.get("refund_amount") else None,
        refunded_at=_instant(answer, "gmt_refund_pay"),
        raw=answer,
    )


def text(answer: Answer, name: str) -> str:
    """A text that must be there."""
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is missing or not a text")
    return value


def _instant(answer: Answer, name: str) -> datetime | None:
    return instant(text(answer, name)) if answer.get(name) else None
