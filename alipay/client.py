"""Alipay's gateway.do with RSA2: every request signed, every answer proved over its raw text before it is read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from alipay import bill, records
from alipay.bill import BillLine
from alipay.errors import GatewaySilent, UnreadableAnswer, Untrusted, refusal
from alipay.http import TIMEOUT, download, new_session, post_form
from alipay.money import yuan
from alipay.records import Cancelled, Identity, Refund, RefundState, Trade
from alipay.signing import SIGN_TYPE, Clock, beijing, request_content, sign, signed_node
from alipay.trust import AppCertificates, Trust

GATEWAY = "https://openapi.alipay.com/gateway.do"
SUCCESS = "10000"
WAITING = "10003"
# Refusals before any business (wrong app, wrong signature, missing parameter) may come unsigned; 40004 may not.
UNSIGNED_REFUSALS = ("40001", "40002", "40006", "20001")

T = TypeVar("T")


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
class CodeOrder:
    """What a payment by the buyer's auth code needs (the cashier scans the phone)."""

    out_trade_no: str
    subject: str
    total_fen: int
    auth_code: str = field(repr=False)
    notify_url: str = ""
    expires_at: datetime | None = None


class AlipayClient:
    """An application's client. Every call may raise GatewaySilent, Untrusted, UnreadableAnswer or a Refused."""

    def __init__(
        self,
        app_id: str,
        key: RSAPrivateKey,
        trust: Trust,
        *,
        clock: Clock,
        certificates: AppCertificates | None = None,
        gateway: str = GATEWAY,
        timeout: tuple[float, float] = TIMEOUT,
    ) -> None:
        """`certificates` turns on certificate mode: what we send then names them."""
        self.app_id = app_id
        self.trust = trust
        self._key = key
        self._certificates = certificates
        self._clock = clock
        self._gateway = gateway
        self._timeout = timeout
        self._http = new_session()

    def oauth_token(self, code: str) -> Identity:
        """Exchange a my.getAuthCode code. Raises BadCode."""
        # These two are top-level parameters, not biz_content.
        return _read(self.call("alipay.system.oauth.token", {"grant_type": "authorization_code", "code": code}), records.identity)

    def create(self, order: TradeOrder) -> str:
        """Make a trade for a mini-program; gives the trade_no. Raises TradeNumberUsed, TradePaid, TradeClosed."""
        content = {
            "out_trade_no": order.out_trade_no,
            "subject": order.subject,
            "total_amount": yuan(order.total_fen),
            "product_code": "JSAPI_PAY",
            "op_app_id": self.app_id,
            "buyer_open_id": order.buyer_open_id,
            "buyer_id": order.buyer_id,
            "time_expire": beijing(order.expires_at) if order.expires_at else "",
        }
        answer = self._business("alipay.trade.create", content, notify_url=order.notify_url)
        return _read(answer, lambda node: records.text(node, "trade_no"))

    def pay(self, order: CodeOrder) -> Trade:
        """Charge the buyer by the code on the phone; a trade that is not paid yet waits for a password: query, or cancel.

        Raises AuthCodeRefused, BuyerCannotPay, TradePaid, TradeClosed, TradeNumberUsed; OutcomeUnknown: query.
        """
        content = {
            "out_trade_no": order.out_trade_no,
            "scene": "bar_code",
            "auth_code": order.auth_code,
            "subject": order.subject,
            "total_amount": yuan(order.total_fen),
            "product_code": "FACE_TO_FACE_PAYMENT",
            "time_expire": beijing(order.expires_at) if order.expires_at else "",
        }
        answer = self._business("alipay.trade.pay", content, notify_url=order.notify_url, accepts=(SUCCESS, WAITING))
        return _read(answer, lambda node: records.charge(node, waiting=node.get("code") == WAITING))

    def query(self, out_trade_no: str) -> Trade:
        """The trade of our number. Raises TradeMissing."""
        return _read(self._business("alipay.trade.query", {"out_trade_no": out_trade_no}), records.trade)

    def close(self, out_trade_no: str) -> None:
        """Close an unpaid trade. Raises TradeStateRefuses, TradeMissing."""
        self._business("alipay.trade.close", {"out_trade_no": out_trade_no})

    def cancel(self, out_trade_no: str) -> Cancelled:
        """Undo a payment whose outcome is unknown, within a day of it: closed if unpaid, else given back whole.

        Only for that: a payment that was seen to succeed is refunded. Query afterwards where it did nothing, because
        the payment may still be under way. Raises CancelRefused, RefundTooLarge, BalanceShort, TradeStateRefuses.
        """
        return _read(self._business("alipay.trade.cancel", {"out_trade_no": out_trade_no}), records.cancelled)

    def refund(self, out_trade_no: str, out_request_no: str, refund_fen: int, reason: str = "") -> Refund:
        """Give money back; repeat only with the same out_request_no. Raises RefundTooLarge, BalanceShort."""
        content = {
            "out_trade_no": out_trade_no,
            "out_request_no": out_request_no,
            "refund_amount": yuan(refund_fen),
            "refund_reason": reason,
        }
        return _read(self._business("alipay.trade.refund", content), records.refund)

    def query_refund(self, out_trade_no: str, out_request_no: str) -> RefundState:
        """Whether the refund has been done."""
        content = {"out_trade_no": out_trade_no, "out_request_no": out_request_no}
        answer = self._business("alipay.trade.fastpay.refund.query", content)
        return _read(answer, lambda node: records.refund_state(node, out_trade_no, out_request_no))

    def trade_bill(self, day: date) -> list[BillLine]:
        """Every payment and refund of the seller on one Beijing day, from about nine the next morning on.

        Raises BillMissing: not made yet, or nothing happened on that day.
        """
        content = {"bill_type": "trade", "bill_date": day.isoformat()}
        answer = self._business("alipay.data.dataservice.bill.downloadurl.query", content)
        # The address is good for 30 seconds, and was proved with the answer; the file behind it is not signed.
        address = _read(answer, lambda node: records.text(node, "bill_download_url"))
        return bill.read(download(self._http, address, self._timeout, bill.LARGEST_ZIP), day)

    def _business(
        self, method: str, fields: Mapping[str, str], *, notify_url: str = "", accepts: tuple[str, ...] = (SUCCESS,)
    ) -> dict[str, Any]:
        content = {name: value for name, value in fields.items() if value}
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        answer = self.call(method, {"biz_content": text, "notify_url": notify_url}, accepts=accepts)
        # A signature proves the sender, not the subject: an answer may be genuine and about another trade.
        if answer.get("out_trade_no", fields.get("out_trade_no")) != fields.get("out_trade_no"):
            raise Untrusted("the answer is about another trade")
        return answer

    def call(self, method: str, parameters: Mapping[str, str], *, accepts: tuple[str, ...] = (SUCCESS,)) -> dict[str, Any]:
        """One method of the gateway with its top-level parameters; gives the proved answer node."""
        params = {
            "app_id": self.app_id,
            "method": method,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": SIGN_TYPE,
            "timestamp": beijing(self._clock()),
            "version": "1.0",
            **(asdict(self._certificates) if self._certificates else {}),
            **parameters,
        }
        form = {name: value for name, value in params.items() if value}
        form["sign"] = sign(self._key, request_content(form))
        response = post_form(self._http, self._gateway, form, self._timeout)
        if response.status_code != 200:
            raise GatewaySilent(f"HTTP {response.status_code}")
        return read_answer(response.content.decode("utf-8", "replace"), method, self.trust, accepts=accepts)


def read_answer(raw: str, method: str, trust: Trust, *, accepts: tuple[str, ...] = (SUCCESS,)) -> dict[str, Any]:
    """The proved node of a raw answer. Raises Untrusted, UnreadableAnswer, or a Refused for any code but the accepted."""
    envelope = _object(raw)
    if "error_response" in envelope:
        # May come unsigned: good for a refusal, never for a success.
        raise _refused(_object(signed_node(raw, "error_response")))
    node = signed_node(raw, method.replace(".", "_") + "_response")
    signature, answer = envelope.get("sign"), _object(node)
    if signature is None and answer.get("code") in UNSIGNED_REFUSALS:
        raise _refused(answer)
    trust.check(node, signature, str(envelope.get("alipay_cert_sn") or ""))
    # alipay.system.oauth.token answers success without a code.
    if answer.get("code", SUCCESS) not in accepts:
        raise _refused(answer)
    return answer


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
