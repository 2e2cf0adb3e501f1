"""Alipay's gateway.do with RSA2: every request signed, every answer proved over its raw text before it is read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from alipay.errors import GatewaySilent, UnreadableAnswer, Untrusted, refusal
from alipay.http import TIMEOUT, new_session, post_form
from alipay.money import fen, yuan
from alipay.signing import SIGN_TYPE, Clock, beijing, instant, request_content, sign, signed_node, verify

GATEWAY = "https://openapi.alipay.com/gateway.do"
SUCCESS = "10000"
# Refusals before any business (wrong app, wrong signature, missing parameter) may come unsigned; 40004 may not.
UNSIGNED_REFUSALS = ("40001", "40002", "40006", "20001")

T = TypeVar("T")


@dataclass(frozen=True)
class Identity:
    """Who signed in. New applications are given open_id and not user_id: keep both, with the app id."""

    user_id: str | None
    open_id: str | None
    union_id: str | None
    access_token: str = field(repr=False)


@dataclass(frozen=True)
class TradeOrder:
    """What a mini-program trade needs. The buyer is an open_id, or a user_id (2088…)."""

    out_trade_no: str
    subject: str
    total_fen: int
    notify_url: str
    buyer_open_id: str = ""
    buyer_id: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Trade:
    """A trade as a query shows it. Only TRADE_SUCCESS and TRADE_FINISHED mean paid."""

    out_trade_no: str
    trade_no: str
    trade_status: str
    total_fen: int
    buyer: str | None
    paid_at: datetime | None
    raw: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Refund:
    """The answer to a refund. `refunded_fen` is the trade's sum of refunds; not `moved` means: query the refund."""

    out_trade_no: str
    trade_no: str
    moved: bool
    refunded_fen: int
    raw: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class RefundState:
    """A refund as its query shows it; an unknown out_request_no is simply not done."""

    out_trade_no: str
    out_request_no: str
    done: bool
    refund_fen: int | None
    raw: Mapping[str, Any] = field(repr=False)


class AlipayClient:
    """An application's client. Every call may raise GatewaySilent, Untrusted, UnreadableAnswer or a Refused."""

    def __init__(
        self,
        app_id: str,
        key: RSAPrivateKey,
        alipay_key: RSAPublicKey,
        *,
        clock: Clock,
        gateway: str = GATEWAY,
        timeout: tuple[float, float] = TIMEOUT,
    ) -> None:
        self.app_id = app_id
        self.alipay_key = alipay_key
        self._key = key
        self._clock = clock
        self._gateway = gateway
        self._timeout = timeout
        self._http = new_session()

    def oauth_token(self, code: str) -> Identity:
        """Exchange a my.getAuthCode code. Raises BadCode."""
        # These two are top-level parameters, not biz_content.
        answer = self.call("alipay.system.oauth.token", {"grant_type": "authorization_code", "code": code})
        if not answer.get("user_id") and not answer.get("open_id"):
            raise UnreadableAnswer("neither user_id nor open_id")
        return Identity(
            user_id=answer.get("user_id") or None,
            open_id=answer.get("open_id") or None,
            union_id=answer.get("union_id") or None,
            access_token=_text(answer, "access_token"),
        )

    def create(self, order: TradeOrder) -> str:
        """Make a trade for a mini-program; gives the trade_no. Raises TradeNumberUsed, TradePaid, TradeClosed."""
        said = {
            "out_trade_no": order.out_trade_no,
            "subject": order.subject,
            "total_amount": yuan(order.total_fen),
            "product_code": "JSAPI_PAY",
            "op_app_id": self.app_id,
            "buyer_open_id": order.buyer_open_id,
            "buyer_id": order.buyer_id,
            "time_expire": beijing(order.expires_at) if order.expires_at else "",
        }
        answer = self._business("alipay.trade.create", said, notify_url=order.notify_url)
        return _read(answer, lambda told: _text(told, "trade_no"))

    def query(self, out_trade_no: str) -> Trade:
        """The trade of our number. Raises TradeMissing."""
        return _read(self._business("alipay.trade.query", {"out_trade_no": out_trade_no}), _trade)

    def close(self, out_trade_no: str) -> None:
        """Close an unpaid trade. Raises TradeStateRefuses, TradeMissing."""
        self._business("alipay.trade.close", {"out_trade_no": out_trade_no})

    def refund(self, out_trade_no: str, out_request_no: str, refund_fen: int, reason: str = "") -> Refund:
        """Give money back; repeat only with the same out_request_no. Raises RefundTooLarge, BalanceShort."""
        said = {
            "out_trade_no": out_trade_no,
            "out_request_no": out_request_no,
            "refund_amount": yuan(refund_fen),
            "refund_reason": reason,
        }
        return _read(self._business("alipay.trade.refund", said), _refund)

    def query_refund(self, out_trade_no: str, out_request_no: str) -> RefundState:
        """Whether the refund has been done."""
        said = {"out_trade_no": out_trade_no, "out_request_no": out_request_no}
        answer = self._business("alipay.trade.fastpay.refund.query", said)
        return _read(answer, lambda told: _refund_state(told, out_trade_no, out_request_no))

    def _business(self, method: str, said: Mapping[str, str], *, notify_url: str = "") -> dict[str, Any]:
        content = {name: value for name, value in said.items() if value}
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        return self.call(method, {"biz_content": text, "notify_url": notify_url})

    def call(self, method: str, said: Mapping[str, str]) -> dict[str, Any]:
        """One method of the gateway with its top-level parameters; gives the proved answer node."""
        params = {
            "app_id": self.app_id,
            "method": method,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": SIGN_TYPE,
            "timestamp": beijing(self._clock()),
            "version": "1.0",
            **said,
        }
        form = {name: value for name, value in params.items() if value}
        form["sign"] = sign(self._key, request_content(form))
        response = post_form(self._http, self._gateway, form, self._timeout)
        if response.status_code != 200:
            raise GatewaySilent(f"HTTP {response.status_code}")
        return read_answer(response.content.decode("utf-8", "replace"), method, self.alipay_key)


def read_answer(raw: str, method: str, alipay_key: RSAPublicKey) -> dict[str, Any]:
    """The proved node of a raw answer. Raises Untrusted, UnreadableAnswer, or a Refused for any code but 10000."""
    envelope = _object(raw)
    if "error_response" in envelope:
        # May come unsigned: good for a refusal, never for a success.
        raise _refused(_object(signed_node(raw, "error_response")))
    node = signed_node(raw, method.replace(".", "_") + "_response")
    signature, answer = envelope.get("sign"), _object(node)
    if signature is None and answer.get("code") in UNSIGNED_REFUSALS:
        raise _refused(answer)
    if not isinstance(signature, str) or not verify(alipay_key, node, signature):
        raise Untrusted("the answer's signature is missing or does not match")
    # alipay.system.oauth.token answers success without a code.
    if answer.get("code", SUCCESS) != SUCCESS:
        raise _refused(answer)
    return answer


def _trade(answer: Mapping[str, Any]) -> Trade:
    paid_at = answer.get("send_pay_date")
    return Trade(
        out_trade_no=_text(answer, "out_trade_no"),
        trade_no=_text(answer, "trade_no"),
        trade_status=_text(answer, "trade_status"),
        total_fen=fen(_text(answer, "total_amount")),
        buyer=answer.get("buyer_open_id") or answer.get("buyer_user_id") or None,
        paid_at=instant(str(paid_at)) if paid_at else None,
        raw=answer,
    )


def _refund(answer: Mapping[str, Any]) -> Refund:
    return Refund(
        out_trade_no=_text(answer, "out_trade_no"),
        trade_no=_text(answer, "trade_no"),
        moved=answer.get("fund_change") == "Y",
        refunded_fen=fen(_text(answer, "refund_fee")),
        raw=answer,
    )


def _refund_state(answer: Mapping[str, Any], out_trade_no: str, out_request_no: str) -> RefundState:
    amount = answer.get("refund_amount")
    return RefundState(
        out_trade_no=out_trade_no,
        out_request_no=out_request_no,
        done=answer.get("refund_status") == "REFUND_SUCCESS",
        refund_fen=fen(str(amount)) if amount else None,
        raw=answer,
    )


def _read(answer: Mapping[str, Any], how: Callable[[Mapping[str, Any]], T]) -> T:
    try:
        return how(answer)
    except ValueError as trouble:
        raise UnreadableAnswer(str(trouble)) from trouble


def _refused(answer: Mapping[str, Any]) -> Exception:
    sub_msg = answer.get("sub_msg") or answer.get("msg") or ""
    return refusal(str(answer.get("code", "")), str(answer.get("sub_code", "")), str(sub_msg))


def _object(text: str) -> dict[str, Any]:
    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise UnreadableAnswer("the answer is not a JSON object")
    return answer


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise UnreadableAnswer(f"{name} is missing")
    return value
