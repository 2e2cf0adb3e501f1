"""WeChat Pay API v3 for a direct merchant: every request signed, every 2xx answer proved before it is read."""

from __future__ import annotations

import gzip
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha1
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import requests

from wechat import records
from wechat.aead import unseal
from wechat.errors import UnreadableAnswer, Untrusted, pay_refusal
from wechat.http import TIMEOUT, new_session, send
from wechat.records import Refund, Transaction
from wechat.signing import Clock, Merchant, Trust, authorization, fresh_nonce, pay_params

BASE_URL = "https://api.mch.weixin.qq.com"

T = TypeVar("T")


@dataclass(frozen=True)
class JsapiOrder:
    """What a mini-program order needs. `total_fen` from 1 on: nothing to pay means no order."""

    appid: str
    out_trade_no: str
    description: str
    total_fen: int
    payer_openid: str
    notify_url: str
    expires_at: datetime | None = None
    attach: str = ""


@dataclass(frozen=True)
class RefundOrder:
    """What a refund needs. Repeat it only with the same out_refund_no."""

    out_trade_no: str
    out_refund_no: str
    refund_fen: int
    total_fen: int
    reason: str = ""
    notify_url: str = ""


class PayClient:
    """A merchant's client. Every call may raise GatewaySilent, Untrusted, UnreadableAnswer or a PayRefused."""

    def __init__(
        self,
        merchant: Merchant,
        trust: Trust,
        *,
        clock: Clock,
        answer_key: str = "",
        base_url: str = BASE_URL,
        timeout: tuple[float, float] = TIMEOUT,
        nonce: Callable[[], str] = fresh_nonce,
    ) -> None:
        """`answer_key` is the PUB_KEY_ID_… that answers are to be signed with; empty asks for none."""
        self.merchant = merchant
        self.trust = trust
        self._clock = clock
        self._answer_key = answer_key
        self._base_url = base_url.rstrip("/")
        self._timeout = timeout
        self._nonce = nonce
        self._http = new_session()

    def prepay_jsapi(self, order: JsapiOrder) -> str:
        """Place an order; gives the prepay_id, good for 2 h. Raises OrderNumberUsed, OrderPaid, OrderClosed."""
        asked: dict[str, Any] = {
            "appid": order.appid,
            "mchid": self.merchant.mchid,
            "description": order.description,
            "out_trade_no": order.out_trade_no,
            "notify_url": order.notify_url,
            "amount": {"total": order.total_fen, "currency": "CNY"},
            "payer": {"openid": order.payer_openid},
        }
        if order.expires_at is not None:
            asked["time_expire"] = order.expires_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")
        if order.attach:
            asked["attach"] = order.attach
        return _read(self._post("/v3/pay/transactions/jsapi", asked), lambda answer: records.text(answer, "prepay_id"))

    def pay_params(self, appid: str, prepay_id: str) -> dict[str, str]:
        """The arguments of wx.requestPayment. Success on the phone proves nothing: query, or wait for the notice."""
        timestamp = int(self._clock().timestamp())
        return pay_params(self.merchant, appid, prepay_id, timestamp=timestamp, nonce=self._nonce())

    def query(self, out_trade_no: str) -> Transaction:
        """The order of our number. Raises OrderMissing."""
        path = f"/v3/pay/transactions/out-trade-no/{quote(out_trade_no, safe='')}?mchid={self.merchant.mchid}"
        return _read(self._get(path), records.transaction)

    def query_paid(self, transaction_id: str) -> Transaction:
        """The paid order of WeChat Pay's number. Raises OrderMissing."""
        path = f"/v3/pay/transactions/id/{quote(transaction_id, safe='')}?mchid={self.merchant.mchid}"
        return _read(self._get(path), records.transaction)

    def close(self, out_trade_no: str) -> None:
        """Close an unpaid order; may be repeated. Raises OrderPaid, OrderMissing."""
        path = f"/v3/pay/transactions/out-trade-no/{quote(out_trade_no, safe='')}/close"
        self._call("POST", path, {"mchid": self.merchant.mchid})

    def refund(self, order: RefundOrder) -> Refund:
        """Ask for a refund: accepted, not yet done. Raises BalanceShort, OrderMissing, OutcomeUnknown."""
        asked: dict[str, Any] = {
            "out_trade_no": order.out_trade_no,
            "out_refund_no": order.out_refund_no,
            "amount": {"refund": order.refund_fen, "total": order.total_fen, "currency": "CNY"},
        }
        if order.reason:
            asked["reason"] = order.reason
        if order.notify_url:
            asked["notify_url"] = order.notify_url
        return _read(self._post("/v3/refund/domestic/refunds", asked), records.refund)

    def query_refund(self, out_refund_no: str) -> Refund:
        """The refund of our number. Raises OrderMissing."""
        return _read(self._get(f"/v3/refund/domestic/refunds/{quote(out_refund_no, safe='')}"), records.refund)

    def trade_bill(self, day: date) -> str:
        """The bill of one Beijing day as text (CSV, amounts in yuan). Raises PayRefused NO_STATEMENT_EXIST."""
        asked = f"/v3/bill/tradebill?bill_date={day.isoformat()}&bill_type=ALL&tar_type=GZIP"
        url, digest = _read(self._get(asked), _bill_address)
        parts = urlsplit(url)
        # The file itself comes unsigned: the signed SHA-1 of its content is the proof.
        response = self._exchange("GET", f"{parts.path}?{parts.query}", "")
        try:
            plain = gzip.decompress(response.content)
        except (OSError, EOFError) as trouble:
            raise UnreadableAnswer("the bill is not gzip") from trouble
        if not hmac.compare_digest(sha1(plain, usedforsecurity=False).hexdigest(), digest.lower()):
            raise Untrusted("the bill is not the one that was announced")
        return plain.decode("utf-8-sig")

    def echo(self, message: str, notify_url: str = "") -> str:
        """WeChat Pay's self-test: says the message back, and sends a SECURITY_ECHO.SUCCESS if asked to."""
        asked = {"echo_message": message} | ({"notify_url": notify_url} if notify_url else {})
        return _read(self._post("/v3/security/echo", asked), lambda answer: records.text(answer, "echo_message"))

    def download_certificates(self, api_v3_key: bytes) -> Trust:
        """Today's platform certificates. Raises OrderMissing (404) for merchants in public-key mode."""
        response = self._exchange("GET", "/v3/certificates", "")
        trust = Trust.certificates(*_read(_object(response), lambda answer: open_certificates(answer, api_v3_key)))
        # The answer is signed with one of the certificates inside it, which only our API v3 key could open.
        (self.trust | trust).check(response.headers, response.content, self._clock())
        return trust

    def _get(self, path: str) -> dict[str, Any]:
        return _object(self._call("GET", path, None))

    def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return _object(self._call("POST", path, body))

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None) -> requests.Response:
        text = "" if body is None else json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        response = self._exchange(method, path, text)
        self.trust.check(response.headers, response.content, self._clock())
        return response

    def _exchange(self, method: str, path: str, body: str) -> requests.Response:
        timestamp = int(self._clock().timestamp())
        signed = authorization(self.merchant, method, path, body, timestamp=timestamp, nonce=self._nonce())
        headers = {"Authorization": signed, "Accept": "application/json", "User-Agent": "mallbridge"}
        if body:
            headers["Content-Type"] = "application/json"
        if self._answer_key:
            headers["Wechatpay-Serial"] = self._answer_key
        request = requests.Request(method, self._base_url + path, headers=headers, data=body.encode() or None)
        response = send(self._http, request, self._timeout)
        if not 200 <= response.status_code < 300:
            raise pay_refusal(response.status_code, *_said(response))
        return response


def open_certificates(answer: Mapping[str, Any], api_v3_key: bytes) -> list[str]:
    """The PEMs in an answer of /v3/certificates. Raises Undecryptable, or ValueError for its form."""
    entries = answer.get("data")
    if not isinstance(entries, list):
        raise ValueError("data is missing")
    return [_open_certificate(entry["encrypt_certificate"], api_v3_key) for entry in entries]


def _open_certificate(sealed: Mapping[str, Any], api_v3_key: bytes) -> str:
    sealed_for = str(sealed.get("associated_data") or "")
    return unseal(api_v3_key, records.text(sealed, "nonce"), sealed_for, records.text(sealed, "ciphertext")).decode()


def _bill_address(answer: Mapping[str, Any]) -> tuple[str, str]:
    if answer.get("hash_type") != "SHA1":
        raise ValueError("the bill's hash is not SHA1")
    return records.text(answer, "download_url"), records.text(answer, "hash_value")


def _read(answer: Mapping[str, Any], how: Callable[[Mapping[str, Any]], T]) -> T:
    try:
        return how(answer)
    except (ValueError, KeyError, TypeError) as trouble:
        raise UnreadableAnswer(str(trouble)) from trouble


def _object(response: requests.Response) -> dict[str, Any]:
    try:
        answer = json.loads(response.content)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise UnreadableAnswer(f"HTTP {response.status_code} without a JSON object")
    return answer


def _said(response: requests.Response) -> tuple[str, str]:
    # 502 and 503 may come from a proxy, without JSON.
    try:
        answer = json.loads(response.content)
    except ValueError:
        answer = {}
    fields = answer if isinstance(answer, dict) else {}
    return str(fields.get("code", "")), str(fields.get("message", ""))
