"""Payments and refunds as WeChat Pay describes them, read strictly. Amounts are whole fen, instants aware UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class Transaction:
    """An order as an answer or a payment notice shows it. Only trade_state SUCCESS and REFUND mean that it was paid.

    Of a service provider `mchid` and `appid` are its own, and `sub_mchid` is who was paid.
    """

    mchid: str
    appid: str
    out_trade_no: str
    trade_state: str
    total_fen: int | None
    currency: str
    transaction_id: str | None
    success_at: datetime | None
    payer_openid: str | None
    payer_total_fen: int | None
    trade_type: str
    attach: str
    sub_mchid: str | None
    sub_appid: str | None
    raw: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Refund:
    """A refund; `status` is SUCCESS, CLOSED, PROCESSING or ABNORMAL, in answers as in notices."""

    out_refund_no: str
    refund_id: str
    out_trade_no: str
    transaction_id: str
    status: str
    refund_fen: int
    total_fen: int
    payer_refund_fen: int | None
    currency: str
    success_at: datetime | None
    mchid: str | None
    sub_mchid: str | None
    raw: Mapping[str, Any] = field(repr=False)


def transaction(content: Mapping[str, Any]) -> Transaction:
    """Read a transaction. Raises ValueError where a field is missing or of the wrong kind."""
    amount, payer = _part(content, "amount"), _part(content, "payer")
    return Transaction(
        mchid=text(content, "sp_mchid" if "sp_mchid" in content else "mchid"),
        appid=text(content, "sp_appid" if "sp_appid" in content else "appid"),
        out_trade_no=text(content, "out_trade_no"),
        trade_state=text(content, "trade_state"),
        total_fen=whole(amount, "total") if amount else None,
        currency=str(amount.get("currency", "CNY")),
        transaction_id=content.get("transaction_id") or None,
        success_at=_instant(content, "success_time"),
        payer_openid=payer.get("openid") or payer.get("sub_openid") or payer.get("sp_openid"),
        payer_total_fen=whole(amount, "payer_total") if "payer_total" in amount else None,
        trade_type=str(content.get("trade_type", "")),
        attach=str(content.get("attach", "")),
        sub_mchid=content.get("sub_mchid") or None,
        sub_appid=content.get("sub_appid") or None,
        raw=content,
    )


def refund(content: Mapping[str, Any]) -> Refund:
    """Read a refund: `status` of the API or `refund_status` of a notice. Raises ValueError as transaction does."""
    amount = _part(content, "amount")
    return Refund(
        out_refund_no=text(content, "out_refund_no"),
        refund_id=text(content, "refund_id"),
        out_trade_no=text(content, "out_trade_no"),
        transaction_id=text(content, "transaction_id"),
        status=text(content, "refund_status" if "refund_status" in content else "status"),
        refund_fen=whole(amount, "refund"),
        total_fen=whole(amount, "total"),
        payer_refund_fen=whole(amount, "payer_refund") if "payer_refund" in amount else None,
        currency=str(amount.get("currency", "CNY")),
        success_at=_instant(content, "success_time"),
        mchid=content.get("sp_mchid") or content.get("mchid"),
        sub_mchid=content.get("sub_mchid") or None,
        raw=content,
    )


def text(content: Mapping[str, Any], name: str) -> str:
    """A text that must be there."""
    value = content.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is missing or not a text")
    return value


def whole(content: Mapping[str, Any], name: str) -> int:
    """A whole number that must be there; neither true nor 1.0 is one."""
    value = content.get(name)
    if type(value) is not int:
        raise ValueError(f"{name} is missing or not a whole number")
    return value


def instant(value: str) -> datetime:
    """An RFC 3339 time as aware UTC. Raises ValueError without an offset."""
    read = datetime.fromisoformat(value)
    if read.tzinfo is None:
        raise ValueError("a time without an offset")
    return read.astimezone(UTC)


def _instant(content: Mapping[str, Any], name: str) -> datetime | None:
    return instant(text(content, name)) if content.get(name) else None


def _part(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = content.get(name, {})
    if not isinstance(value, dict):
        raise ValueError(f"{name} is not an object")
    return value
