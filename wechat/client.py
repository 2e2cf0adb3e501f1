"""WeChat Pay API v3 for a direct merchant or a service provider: every request signed, every 2xx answer proved."""

from __future__ import annotations

import gzip
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha1
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import requests

from wechat import records
from wechat.aead import unseal
from wechat.errors import UnreadableAnswer, Untrusted, UserPaying, pay_refusal
from wechat.http import TIMEOUT, new_session, send
from wechat.records import Refund, Transaction
from wechat.signing import Clock, Merchant, Trust, authorization, fresh_nonce, pay_params, unseal_field

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
    profit_sharing: bool = False


@dataclass(frozen=True)
class CodeOrder:
    """What it takes to charge a payment code that the cashier scanned. `store` is our own name of the shop."""

    appid: str
    out_trade_no: str
    description: str
    total_fen: int
    auth_code: str = field(repr=False)
    store: str
    device_id: str = ""
    attach: str = ""
    profit_sharing: bool = False


@dataclass(frozen=True)
class SubMerchant:
    """For whom a service provider collects. Where it has an app of its own, payers' openids are of that app."""

    mchid: str
    appid: str = ""


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
        sub: SubMerchant | None = None,
        answer_key: str = "",
        base_url: str = BASE_URL,
        timeout: tuple[float, float] = TIMEOUT,
        nonce: Callable[[], str] = fresh_nonce,
    ) -> None:
        """`answer_key` is the PUB_KEY_ID_… that answers are to be signed with; empty asks for none.

        With `sub` the merchant is a service provider that collects for this sub-merchant.
        """
        self.merchant = merchant
        self.sub = sub
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
            **self.names(order.appid),
            "description": order.description,
            "out_trade_no": order.out_trade_no,
            "notify_url": order.notify_url,
            "amount": {"total": order.total_fen, "currency": "CNY"},
            "payer": {self._openid_field(): order.payer_openid},
        }
        if order.expires_at is not None:
            asked["time_expire"] = rfc3339(order.expires_at)
        asked |= _extras(order)
        return self.read(self.post(f"{self._transactions}/jsapi", asked), lambda answer: records.text(answer, "prepay_id"))

    def charge_code(self, order: CodeOrder) -> Transaction:
        """Charge a scanned payment code. There is no notice: without an answer, or on USERPAYING, query, and in the end reverse.

        Raises AuthCodeRefused, BalanceShort, PaymentRefused, OrderPaid, OrderReversed, OrderNumberUsed, OutcomeUnknown.
        """
        asked: dict[str, Any] = {
            **self.names(order.appid),
            "description": order.description,
            "out_trade_no": order.out_trade_no,
            "amount": {"total": order.total_fen, "currency": "CNY"},
            "payer": {"auth_code": order.auth_code},
            "scene_info": {"store_info": {"out_id": order.store}},
        }
        if order.device_id:
            asked["scene_info"]["device_id"] = order.device_id
        asked |= _extras(order)
        try:
            answer = self.post(f"{self._transactions}/codepay", asked)
        except UserPaying:
            # 202 comes with the transaction, or with the bare code.
            answer = {"trade_state": "USERPAYING"}
        # The answer promises no more than the merchant, our number and the state.
        given = {**self.names(order.appid), "out_trade_no": order.out_trade_no}
        return self.read({**given, **answer}, records.transaction)

    def reverse(self, out_trade_no: str, appid: str) -> None:
        """Undo the charge of a code: an unpaid order is closed, a paid one refunded; may be repeated. Raises OrderMissing."""
        path = f"{self._transactions}/out-trade-no/{quote(out_trade_no, safe='')}/reverse"
        self.post(path, self.names(appid))

    def pay_params(self, appid: str, prepay_id: str) -> dict[str, str]:
        """The arguments of wx.requestPayment. Success on the phone proves nothing: query, or wait for the notice."""
        timestamp = int(self._clock().timestamp())
        return pay_params(self.merchant, appid, prepay_id, timestamp=timestamp, nonce=self._nonce())

    def query(self, out_trade_no: str) -> Transaction:
        """The order of our number. Raises OrderMissing."""
        path = f"{self._transactions}/out-trade-no/{quote(out_trade_no, safe='')}?{urlencode(self.names())}"
        return self.read(self.get(path), records.transaction)

    def query_paid(self, transaction_id: str) -> Transaction:
        """The paid order of WeChat Pay's number. Raises OrderMissing."""
        path = f"{self._transactions}/id/{quote(transaction_id, safe='')}?{urlencode(self.names())}"
        return self.read(self.get(path), records.transaction)

    def close(self, out_trade_no: str) -> None:
        """Close an unpaid order; may be repeated. Raises OrderPaid, OrderMissing, UserPaying."""
        path = f"{self._transactions}/out-trade-no/{quote(out_trade_no, safe='')}/close"
        self.call("POST", path, self.names())

    def refund(self, order: RefundOrder) -> Refund:
        """Ask for a refund: accepted, not yet done. Raises BalanceShort, OrderMissing, OutcomeUnknown."""
        asked: dict[str, Any] = {
            **self.sub_name(),
            "out_trade_no": order.out_trade_no,
            "out_refund_no": order.out_refund_no,
            "amount": {"refund": order.refund_fen, "total": order.total_fen, "currency": "CNY"},
        }
        if order.reason:
            asked["reason"] = order.reason
        if order.notify_url:
            asked["notify_url"] = order.notify_url
        return self.read(self.post("/v3/refund/domestic/refunds", asked), records.refund)

    def query_refund(self, out_refund_no: str) -> Refund:
        """The refund of our number. Raises OrderMissing."""
        path = f"/v3/refund/domestic/refunds/{quote(out_refund_no, safe='')}"
        return self.read(self.get(with_query(path, self.sub_name())), records.refund)

    def trade_bill(self, day: date) -> str:
        """The bill of one Beijing day as text (CSV, amounts in yuan). Raises PayRefused NO_STATEMENT_EXIST."""
        asked = {"bill_date": day.isoformat(), "bill_type": "ALL", "tar_type": "GZIP", **self.sub_name()}
        url, digest = self.read(self.get(with_query("/v3/bill/tradebill", asked)), _bill_address)
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
        return self.read(self.post("/v3/security/echo", asked), lambda answer: records.text(answer, "echo_message"))

    def download_certificates(self, api_v3_key: bytes) -> Trust:
        """Today's platform certificates. Raises OrderMissing (404) for merchants in public-key mode."""
        response = self._exchange("GET", "/v3/certificates", "")
        trust = Trust.certificates(*self.read(_object(response), lambda answer: open_certificates(answer, api_v3_key)))
        # The answer is signed with one of the certificates inside it, which only our API v3 key could open.
        (self.trust | trust).check(response.headers, response.content, self._clock())
        return trust

    def names(self, appid: str = "") -> dict[str, str]:
        """The fields that say who collects, with the app where the call names one."""
        if self.sub is None:
            return {"appid": appid, "mchid": self.merchant.mchid} if appid else {"mchid": self.merchant.mchid}
        apps = {"sp_appid": appid, "sub_appid": self.sub.appid} if appid else {}
        both = {"sp_mchid": self.merchant.mchid, "sub_mchid": self.sub.mchid}
        return {name: value for name, value in apps.items() if value} | both

    def sub_name(self) -> dict[str, str]:
        """The sub-merchant, for the calls that leave the rest to the signature."""
        return {"sub_mchid": self.sub.mchid} if self.sub else {}

    def get(self, path: str) -> dict[str, Any]:
        """The JSON object of a proved answer."""
        return _object(self.call("GET", path, None))

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The JSON object of a proved answer."""
        return _object(self.call("POST", path, body))

    def call(self, method: str, path: str, body: Mapping[str, Any] | None, serial: str = "") -> requests.Response:
        """A proved answer, also an empty one. `serial` names the key that fields of the body are sealed with."""
        text = "" if body is None else json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        response = self._exchange(method, path, text, serial)
        self.trust.check(response.headers, response.content, self._clock())
        if response.status_code == 202 and (code := _error_of(response)[0]):
            # Accepted, not done: a close while the payer types the password must not pass for a closed order.
            raise pay_refusal(202, code, _error_of(response)[1])
        return response

    def read(self, answer: Mapping[str, Any], how: Callable[[Mapping[str, Any]], T]) -> T:
        """Read an answer strictly. Raises UnreadableAnswer where it has not the documented form."""
        try:
            return how(answer)
        except (ValueError, KeyError, TypeError) as trouble:
            raise UnreadableAnswer(str(trouble)) from trouble

    @property
    def _transactions(self) -> str:
        return "/v3/pay/partner/transactions" if self.sub else "/v3/pay/transactions"

    def _openid_field(self) -> str:
        if self.sub is None:
            return "openid"
        return "sub_openid" if self.sub.appid else "sp_openid"

    def seal(self, plain: str) -> tuple[str, str]:
        """A sensitive field sealed for WeChat Pay, after the serial of the key it is sealed with."""
        return self.trust.seal(plain, self._clock(), self._answer_key)

    def unseal(self, sealed: str) -> str:
        """A sensitive field that WeChat Pay sealed for us. Raises Undecryptable."""
        return unseal_field(self.merchant.private_key, sealed)

    def _exchange(self, method: str, path: str, body: str, serial: str = "") -> requests.Response:
        timestamp = int(self._clock().timestamp())
        signed = authorization(self.merchant, method, path, body, timestamp=timestamp, nonce=self._nonce())
        headers = {"Authorization": signed, "Accept": "application/json", "User-Agent": "mallbridge"}
        if body:
            headers["Content-Type"] = "application/json"
        if serial or self._answer_key:
            headers["Wechatpay-Serial"] = serial or self._answer_key
        request = requests.Request(method, self._base_url + path, headers=headers, data=body.encode() or None)
        response = send(self._http, request, self._timeout)
        if not 200 <= response.status_code < 300:
            raise pay_refusal(response.status_code, *_error_of(response))
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


def with_query(path: str, query: Mapping[str, str]) -> str:
    """The path with its query, where there is one."""
    return f"{path}?{urlencode(query)}" if query else path


def rfc3339(at: datetime) -> str:
    """An instant as WeChat Pay reads it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def _extras(order: JsapiOrder | CodeOrder) -> dict[str, Any]:
    extras: dict[str, Any] = {"attach": order.attach} if order.attach else {}
    return extras | ({"settle_info": {"profit_sharing": True}} if order.profit_sharing else {})


def _bill_address(answer: Mapping[str, Any]) -> tuple[str, str]:
    if answer.get("hash_type") != "SHA1":
        raise ValueError("the bill's hash is not SHA1")
    return records.text(answer, "download_url"), records.text(answer, "hash_value")


def _object(response: requests.Response) -> dict[str, Any]:
    try:
        answer = json.loads(response.content)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise UnreadableAnswer(f"HTTP {response.status_code} without a JSON object")
    return answer


def _error_of(response: requests.Response) -> tuple[str, str]:
    # 502 and 503 may come from a proxy, without JSON.
    try:
        answer = json.loads(response.content)
    except ValueError:
        answer = {}
    fields = answer if isinstance(answer, dict) else {}
    return str(fields.get("code", "")), str(fields.get("message", ""))
