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


@dataclass(frozen=True)
class SubTransaction:
    """One order of a combined one."""

    mchid: str
    sub_mchid: str | None
    out_trade_no: str
    trade_state: str
    total_fen: int
    payer_total_fen: int | None
    currency: str
    transaction_id: str | None
    success_at: datetime | None
    attach: str


@dataclass(frozen=True)
class CombinedTransaction:
    """A combined order as a query or its notice shows it. Each of its orders has a state of its own."""

    mchid: str
    appid: str
    out_trade_no: str
    payer_openid: str | None
    orders: tuple[SubTransaction, ...]
    raw: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class SharedPart:
    """What became of one part: `result` is PENDING, SUCCESS or CLOSED."""

    type: str
    account: str
    amount_fen: int
    result: str
    fail_reason: str
    finished_at: datetime | None


@dataclass(frozen=True)
class Sharing:
    """A sharing; `state` is PROCESSING or FINISHED, which says nothing of the parts' success."""

    out_order_no: str
    order_id: str
    transaction_id: str
    state: str
    parts: tuple[SharedPart, ...]


@dataclass(frozen=True)
class ShareReturn:
    """A part taken back; `result` is PROCESSING, SUCCESS or FAILED."""

    out_return_no: str
    return_id: str
    out_order_no: str
    mchid: str
    amount_fen: int
    result: str
    fail_reason: str


@dataclass(frozen=True)
class Authorization:
    """Whether a payer lets purchases be reported to a mall: UNAUTHORIZED, AUTHORIZED or DEAUTHORIZED, and since when."""

    openid: str
    state: str
    authorized_at: datetime | None
    deauthorized_at: datetime | None


@dataclass(frozen=True)
class MallPayment:
    """A purchase at one of the mall's shops. `commit_tag` is there only if the payer handed it in by hand."""

    mchid: str
    merchant_name: str
    shop_name: str
    shop_number: str
    appid: str
    openid: str
    paid_at: datetime
    amount_fen: int
    transaction_id: str
    commit_tag: str | None


@dataclass(frozen=True)
class MallRefund:
    """Money given back for a purchase whose points we reported."""

    mchid: str
    merchant_name: str
    shop_name: str
    shop_number: str
    appid: str
    openid: str
    refunded_at: datetime
    paid_fen: int
    refund_fen: int
    transaction_id: str
    refund_id: str


@dataclass(frozen=True)
class MallCard:
    """A member who lets purchases be reported: REGISTERED_MODE or REGISTERED_AND_AUTHORIZATION_MODE."""

    mchid: str
    openid: str
    card_code: str
    auth_type: str


@dataclass(frozen=True)
class ComplaintNotice:
    """What a notice says of a complaint: its number, and what was done (CREATE_COMPLAINT, USER_RESPONSE, …)."""

    complaint_id: str
    action: str


@dataclass(frozen=True)
class ComplaintOrder:
    """A payment that a complaint is about."""

    transaction_id: str
    out_trade_no: str
    amount_fen: int


@dataclass(frozen=True)
class Complaint:
    """A payer's complaint; `state` is PENDING, PROCESSING or PROCESSED. `payer_phone` comes sealed for the merchant's certificate."""

    complaint_id: str
    mchid: str
    state: str
    detail: str
    raised_at: datetime
    orders: tuple[ComplaintOrder, ...]
    problem_type: str
    problem_description: str
    refund_wanted_fen: int | None
    times: int
    fully_refunded: bool
    payer_waits: bool
    payer_phone: str | None = field(repr=False)


@dataclass(frozen=True)
class ComplaintPage:
    """Some of the complaints of a period, and how many there are in all."""

    total: int
    complaints: tuple[Complaint, ...]


@dataclass(frozen=True)
class ComplaintWord:
    """One thing that was said or done: `kind` is MERCHANT_RESPONSE, USER_RESPONSE, MERCHANT_CONFIRM_COMPLETE, …"""

    kind: str
    at: datetime
    content: str


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


def combined(content: Mapping[str, Any]) -> CombinedTransaction:
    """Read a combined order. Raises ValueError as transaction does."""
    return CombinedTransaction(
        mchid=text(content, "combine_mchid"),
        appid=text(content, "combine_appid"),
        out_trade_no=text(content, "combine_out_trade_no"),
        payer_openid=_part(content, "combine_payer_info").get("openid"),
        orders=tuple(_sub_transaction(sub) for sub in _parts(content, "sub_orders")),
        raw=content,
    )


def _sub_transaction(content: Mapping[str, Any]) -> SubTransaction:
    amount = _part(content, "amount")
    return SubTransaction(
        mchid=text(content, "mchid"),
        sub_mchid=content.get("sub_mchid") or None,
        out_trade_no=text(content, "out_trade_no"),
        trade_state=text(content, "trade_state"),
        total_fen=whole(amount, "total_amount"),
        payer_total_fen=whole(amount, "payer_amount") if "payer_amount" in amount else None,
        currency=str(amount.get("currency", "CNY")),
        transaction_id=content.get("transaction_id") or None,
        success_at=_instant(content, "success_time"),
        attach=str(content.get("attach", "")),
    )


def sharing(content: Mapping[str, Any]) -> Sharing:
    """Read a sharing. Raises ValueError as transaction does."""
    return Sharing(
        out_order_no=text(content, "out_order_no"),
        order_id=text(content, "order_id"),
        transaction_id=text(content, "transaction_id"),
        state=text(content, "state"),
        parts=tuple(_shared_part(part) for part in _parts(content, "receivers")),
    )


def _shared_part(content: Mapping[str, Any]) -> SharedPart:
    return SharedPart(
        type=text(content, "type"),
        account=text(content, "account"),
        amount_fen=whole(content, "amount"),
        result=text(content, "result"),
        fail_reason=str(content.get("fail_reason", "")),
        finished_at=_instant(content, "finish_time"),
    )


def share_return(content: Mapping[str, Any]) -> ShareReturn:
    """Read a part taken back. Raises ValueError as transaction does."""
    return ShareReturn(
        out_return_no=text(content, "out_return_no"),
        return_id=text(content, "return_id"),
        out_order_no=text(content, "out_order_no"),
        mchid=text(content, "return_mchid"),
        amount_fen=whole(content, "amount"),
        result=text(content, "result"),
        fail_reason=str(content.get("fail_reason", "")),
    )


def authorization(content: Mapping[str, Any]) -> Authorization:
    """Read an authorisation. Raises ValueError as transaction does."""
    return Authorization(
        openid=text(content, "openid"),
        state=text(content, "authorize_state"),
        authorized_at=_instant(content, "authorize_time"),
        deauthorized_at=_instant(content, "deauthorize_time"),
    )


def mall_payment(content: Mapping[str, Any]) -> MallPayment:
    """Read a purchase in the mall. Raises ValueError as transaction does."""
    return MallPayment(
        **_shop(content),
        paid_at=instant(text(content, "time_end")),
        amount_fen=whole(content, "amount"),
        transaction_id=text(content, "transaction_id"),
        commit_tag=content.get("commit_tag") or None,
    )


def mall_refund(content: Mapping[str, Any]) -> MallRefund:
    """Read a refund in the mall. Raises ValueError as transaction does."""
    return MallRefund(
        **_shop(content),
        refunded_at=instant(text(content, "refund_time")),
        paid_fen=whole(content, "pay_amount"),
        refund_fen=whole(content, "refund_amount"),
        transaction_id=text(content, "transaction_id"),
        refund_id=text(content, "refund_id"),
    )


def mall_card(content: Mapping[str, Any]) -> MallCard:
    """Read an authorisation. Raises ValueError as transaction does."""
    return MallCard(
        mchid=text(content, "mchid"),
        openid=text(content, "openid"),
        card_code=text(content, "code"),
        auth_type=text(content, "auth_type"),
    )


def complaint_notice(content: Mapping[str, Any]) -> ComplaintNotice:
    """Read what a notice tells of a complaint. Raises ValueError as transaction does."""
    return ComplaintNotice(text(content, "complaint_id"), str(content.get("action_type", "")))


def complaint(content: Mapping[str, Any]) -> Complaint:
    """Read a complaint. Raises ValueError as transaction does."""
    return Complaint(
        complaint_id=text(content, "complaint_id"),
        mchid=str(content.get("complainted_mchid") or ""),
        state=text(content, "complaint_state"),
        detail=str(content.get("complaint_detail") or ""),
        raised_at=instant(text(content, "complaint_time")),
        orders=tuple(_complaint_order(order) for order in _parts(content, "complaint_order_info")),
        problem_type=str(content.get("problem_type") or ""),
        problem_description=str(content.get("problem_description") or ""),
        refund_wanted_fen=whole(content, "apply_refund_amount") if content.get("apply_refund_amount") is not None else None,
        times=whole(content, "user_complaint_times") if "user_complaint_times" in content else 1,
        fully_refunded=content.get("complaint_full_refunded") is True,
        payer_waits=content.get("incoming_user_response") is True,
        payer_phone=text(content, "payer_phone") if content.get("payer_phone") else None,
    )


def _complaint_order(content: Mapping[str, Any]) -> ComplaintOrder:
    return ComplaintOrder(text(content, "transaction_id"), text(content, "out_trade_no"), whole(content, "amount"))


def complaint_page(content: Mapping[str, Any]) -> ComplaintPage:
    """Read a page of complaints. Raises ValueError as transaction does."""
    return ComplaintPage(whole(content, "total_count"), tuple(complaint(part) for part in _parts(content, "data")))


def complaint_words(content: Mapping[str, Any]) -> tuple[ComplaintWord, ...]:
    """Read what was said of a complaint. Raises ValueError as transaction does."""
    return tuple(
        ComplaintWord(text(word, "operate_type"), instant(text(word, "operate_time")), str(word.get("operate_details") or ""))
        for word in _parts(content, "data")
    )


def _shop(content: Mapping[str, Any]) -> dict[str, str]:
    return {name: text(content, name) for name in ("mchid", "merchant_name", "shop_name", "shop_number", "appid", "openid")}


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


def _parts(content: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = content.get(name, [])
    if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
        raise ValueError(f"{name} is not a list of objects")
    return value
