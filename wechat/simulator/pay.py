"""api.mch.weixin.qq.com: orders, refunds, bills, certificates. Every request must be signed, every answer is."""

from __future__ import annotations

import gzip
import json
import re
import secrets
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from hashlib import sha1
from typing import Any

from flask import Blueprint, Response, g, request

from wechat.aead import seal
from wechat.signing import verify
from wechat.simulator import bill
from wechat.simulator.clock import CHINA_OFFSET, rfc3339
from wechat.simulator.postman import Postman
from wechat.simulator.store import MerchantAccount, Order, Refund, Store
from wechat.simulator.wire import PayError, Signer, authenticate, json_answer, sign_answer

PREPAY_LIFE = timedelta(hours=2)
ORDER_LIFE = timedelta(days=7)
REFUND_WINDOW = timedelta(days=365)
REFUNDS_PER_ORDER = 50
REFUNDS_APART = timedelta(minutes=1)
BILL_MONTHS = timedelta(days=92)

_OUT_TRADE_NO = re.compile(r"[0-9A-Za-z_\-*]{6,32}")
_OUT_REFUND_NO = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}")
_NOTIFY_URL = re.compile(r"https?://[^?#\s]{1,247}")

Body = dict[str, Any]


def blueprint(store: Store, signer: Signer, postman: Postman, refund_seconds: float) -> Blueprint:
    """The calls of a direct merchant."""
    api = Blueprint("pay", __name__, url_prefix="/v3")
    till = Till(store, postman, refund_seconds)
    _sign_everything(api, store, signer)
    _order_calls(api, till)
    _refund_calls(api, till)
    _bill_calls(api, till)
    _key_calls(api, store, signer, postman)
    return api


def _sign_everything(api: Blueprint, store: Store, signer: Signer) -> None:
    @api.before_request
    def who() -> None:
        g.merchant = authenticate(store)

    @api.after_request
    def signed(response: Response) -> Response:
        # Bills are downloaded unsigned, and who failed to sign gets nothing that is.
        if response.status_code == 401 or request.path.startswith("/v3/billdownload"):
            return response
        return sign_answer(signer, response)

    @api.errorhandler(PayError)
    def refused(refusal: PayError) -> Response:
        return json_answer(refusal.body, refusal.status)

    @api.errorhandler(TypeError)
    @api.errorhandler(ValueError)
    def unreadable(trouble: Exception) -> Response:
        # A field of a kind that no page documents, such as a list for a number.
        return json_answer({"code": "PARAM_ERROR", "message": f"参数错误: {type(trouble).__name__}"}, 400)


def _order_calls(api: Blueprint, till: Till) -> None:
    @api.post("/pay/transactions/jsapi")
    def prepay() -> Response:
        with till.store.lock:
            return json_answer({"prepay_id": till.prepay(_merchant(), _body()).prepay_id})

    @api.get("/pay/transactions/out-trade-no/<out_trade_no>")
    def query(out_trade_no: str) -> Response:
        with till.store.lock:
            return json_answer(transaction(till.order(_merchant_of_query(), out_trade_no)))

    @api.get("/pay/transactions/id/<transaction_id>")
    def query_by_id(transaction_id: str) -> Response:
        with till.store.lock:
            return json_answer(transaction(till.paid_order(_merchant_of_query(), transaction_id)))

    @api.post("/pay/transactions/out-trade-no/<out_trade_no>/close")
    def close(out_trade_no: str) -> Response:
        _same_merchant(_body().get("mchid"))
        with till.store.lock:
            till.close(till.order(_merchant(), out_trade_no))
        return Response(status=204)


def _refund_calls(api: Blueprint, till: Till) -> None:
    @api.post("/refund/domestic/refunds")
    def refund() -> Response:
        with till.store.lock:
            return json_answer(refund_answer(till.refund(_merchant(), _body())))

    @api.get("/refund/domestic/refunds/<out_refund_no>")
    def query_refund(out_refund_no: str) -> Response:
        with till.store.lock:
            found = till.store.refunds.get((_merchant().mchid, out_refund_no))
            if found is None:
                raise PayError(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
            return json_answer(refund_answer(found))


def _bill_calls(api: Blueprint, till: Till) -> None:
    @api.get("/bill/tradebill")
    def trade_bill() -> Response:
        with till.store.lock:
            plain = till.bill(_merchant(), request.args.to_dict())
            token = secrets.token_urlsafe(24)
            zipped = request.args.get("tar_type") == "GZIP"
            till.store.bills[token] = gzip.compress(plain) if zipped else plain
        # The hash is of the file before compression.
        url = f"{request.host_url}v3/billdownload/file?token={token}"
        return json_answer({"hash_type": "SHA1", "hash_value": sha1(plain).hexdigest(), "download_url": url})

    @api.get("/billdownload/file")
    def download() -> Response:
        file = till.store.bills.get(request.args.get("token", ""))
        if file is None:
            raise PayError(404, "RESOURCE_NOT_EXISTS", "账单文件不存在")
        return Response(file, content_type="application/octet-stream")


def _key_calls(api: Blueprint, store: Store, signer: Signer, postman: Postman) -> None:
    @api.get("/certificates")
    def certificates() -> Response:
        if signer.mode == "public_key":
            # Merchants opened since autumn 2024 have no platform certificate.
            raise PayError(404, "RESOURCE_NOT_EXISTS", "无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥")
        return json_answer({"data": [_sealed_certificate(signer, _merchant(), store.clock())]})

    @api.post("/security/echo")
    def echo() -> Response:
        said = _body()
        message = said.get("echo_message")
        if not isinstance(message, str):
            raise PayError(400, "PARAM_ERROR", "echo_message不能为空")
        if url := said.get("notify_url"):
            content = {"echo_message": message}
            postman.post(_merchant(), url, "SECURITY_ECHO.SUCCESS", "security", "安全回显成功", content)
        return json_answer({"echo_message": message})


class Till:
    """The rules of orders and refunds. The caller holds the store's lock."""

    def __init__(self, store: Store, postman: Postman, refund_seconds: float) -> None:
        self.store = store
        self._postman = postman
        self._refund_seconds = refund_seconds

    def prepay(self, merchant: MerchantAccount, asked: Body) -> Order:
        """A new order, or the same one again where everything asked is the same."""
        check_order(self.store, merchant, asked)
        known = self.store.orders.get((merchant.mchid, asked["out_trade_no"]))
        if known is None:
            known = self._new_order(merchant, asked)
        elif known.state in ("SUCCESS", "REFUND"):
            raise PayError(400, "ORDERPAID", "该订单已支付")
        elif known.state == "CLOSED":
            raise PayError(400, "ORDER_CLOSED", "该订单已关闭")
        elif known.asked != asked:
            raise PayError(403, "OUT_TRADE_NO_USED", "商户订单号重复")
        if self.store.clock() >= known.prepaid_at + PREPAY_LIFE:
            self._new_prepay_id(known)
        return known

    def order(self, merchant: MerchantAccount, out_trade_no: str) -> Order:
        """The merchant's order of this number. Raises 404 ORDER_NOT_EXIST."""
        found = self.store.orders.get((merchant.mchid, out_trade_no))
        if found is None:
            raise PayError(404, "ORDER_NOT_EXIST", "订单不存在")
        return found

    def paid_order(self, merchant: MerchantAccount, transaction_id: str) -> Order:
        """The merchant's paid order of this transaction. Raises 404 ORDER_NOT_EXIST."""
        found = self.store.transactions.get(transaction_id)
        if found is None or found.mchid != merchant.mchid:
            raise PayError(404, "ORDER_NOT_EXIST", "订单不存在")
        return found

    def close(self, order: Order) -> None:
        """Close an unpaid order; closing twice is allowed."""
        if order.state in ("SUCCESS", "REFUND"):
            raise PayError(400, "ORDER_PAID", "订单已支付")
        order.state = "CLOSED"

    def order_at_phone(self, said: Body, mchid: str) -> Order:
        """The order that a phone is about to pay, by the person whose openid it names."""
        order = self._order_said(said, mchid)
        if "person" in said and self.store.people.openid(said["person"], order.appid) != order.asked["payer"]["openid"]:
            raise PayError(409, "OPENID_MISMATCH", "openid不匹配")
        return order

    def _order_said(self, said: Body, mchid: str) -> Order:
        # wx.requestPayment's own arguments must carry a good paySign.
        if "paySign" in said:
            return self._order_of_package(said)
        if "prepay_id" in said:
            return self._prepaid(str(said["prepay_id"]))
        found = self.store.orders.get((str(said.get("mchid", mchid)), str(said.get("out_trade_no"))))
        if found is None:
            raise PayError(404, "ORDER_NOT_EXIST", "订单不存在")
        return found

    def charge(self, order: Order, *, notify: bool) -> None:
        """The payer's money moves, unless the order cannot be paid any more."""
        now = self.store.clock()
        if order.state != "NOTPAY":
            raise PayError(409, "ORDER_" + ("CLOSED" if order.state == "CLOSED" else "PAID"), "订单已支付或已关闭")
        if now >= order.prepaid_at + PREPAY_LIFE or now >= _expiry(order):
            raise PayError(409, "ORDER_EXPIRED", "订单已超时")
        order.state, order.paid_at = "SUCCESS", now
        order.transaction_id = _number("42", now)
        self.store.transactions[order.transaction_id] = order
        if notify:
            self._notify(order, order.asked["notify_url"], "TRANSACTION.SUCCESS", "支付成功", transaction(order))

    def refund(self, merchant: MerchantAccount, asked: Body) -> Refund:
        """Accept a refund, or answer the same one again for the same out_refund_no."""
        order = self._order_to_refund(merchant, asked)
        out_refund_no = asked.get("out_refund_no")
        if not isinstance(out_refund_no, str) or not _OUT_REFUND_NO.fullmatch(out_refund_no):
            raise PayError(400, "PARAM_ERROR", "商户退款单号不合法")
        if (known := self.store.refunds.get((merchant.mchid, out_refund_no))) is not None:
            if known.asked != asked:
                raise PayError(400, "INVALID_REQUEST", "订单号与退款单号不匹配或参数不一致")
            return known
        self._check_refund(merchant, order, asked)
        return self._new_refund(order, asked, out_refund_no)

    def decide(self, refund: Refund, status: str) -> None:
        """A refund reaches its end and is notified."""
        if status not in ("SUCCESS", "ABNORMAL", "CLOSED"):
            raise ValueError("status is SUCCESS, ABNORMAL or CLOSED")
        refund.status = status
        refund.finished_at = self.store.clock() if status == "SUCCESS" else None
        if url := refund.asked.get("notify_url") or refund.order.asked.get("notify_url"):
            self._notify(refund.order, url, f"REFUND.{status}", _REFUND_SUMMARY[status], refund_notice(refund))

    def bill(self, merchant: MerchantAccount, asked: dict[str, str]) -> bytes:
        """The trade bill of a day in Beijing, from ten the next morning."""
        try:
            day = date.fromisoformat(asked.get("bill_date", ""))
        except ValueError:
            raise PayError(400, "PARAM_ERROR", "bill_date格式错误") from None
        now = self.store.clock()
        if not day < (now + CHINA_OFFSET - timedelta(hours=10)).date() <= day + BILL_MONTHS:
            raise PayError(400, "NO_STATEMENT_EXIST", "账单文件不存在")
        return bill.trade_bill(self.store, merchant.mchid, day, asked.get("bill_type", "ALL"))

    def _new_order(self, merchant: MerchantAccount, asked: Body) -> Order:
        now = self.store.clock()
        number = asked["out_trade_no"]
        order = Order(merchant.mchid, asked["appid"], number, asked, "", prepaid_at=now, created_at=now)
        self._new_prepay_id(order)
        self.store.orders[merchant.mchid, number] = order
        return order

    def _new_prepay_id(self, order: Order) -> None:
        order.prepaid_at = self.store.clock()
        order.prepay_id = f"wx{_number('', order.prepaid_at)}{secrets.token_hex(4)}"
        self.store.prepaid[order.prepay_id] = order

    def _prepaid(self, prepay_id: str) -> Order:
        order = self.store.prepaid.get(prepay_id)
        if order is None:
            raise PayError(404, "ORDER_NOT_EXIST", "prepay_id不存在")
        return order

    def _order_of_package(self, said: Body) -> Order:
        order = self._prepaid(str(said.get("package", "")).removeprefix("prepay_id="))
        lines = [str(said.get(name, "")) for name in ("timeStamp", "nonceStr", "package")]
        keys = self.store.merchants[order.mchid].certificates.values()
        signed = any(verify(key, said["paySign"], order.appid, *lines) for key in keys)
        if not signed or said.get("signType") != "RSA" or not isinstance(said["timeStamp"], str):
            raise PayError(400, "SIGN_ERROR", "支付验证签名失败")
        return order

    def _order_to_refund(self, merchant: MerchantAccount, asked: Body) -> Order:
        by_id = self.store.transactions.get(str(asked.get("transaction_id")))
        order = by_id or self.store.orders.get((merchant.mchid, str(asked.get("out_trade_no"))))
        if order is None or order.mchid != merchant.mchid or order.paid_at is None:
            raise PayError(404, "RESOURCE_NOT_EXISTS", "订单不存在")
        return order

    def _check_refund(self, merchant: MerchantAccount, order: Order, asked: Body) -> None:
        now = self.store.clock()
        past = [refund for refund in self.store.refunds.values() if refund.order is order]
        taken = sum(refund.amount for refund in past if refund.status != "CLOSED")
        if _refund_amount(order, asked) + taken > order.total:
            raise PayError(400, "INVALID_REQUEST", "申请退款金额大于订单可退金额")
        if len(past) >= REFUNDS_PER_ORDER:
            raise PayError(400, "INVALID_REQUEST", "部分退款次数超限")
        if order.paid_at is None or now - order.paid_at > REFUND_WINDOW:
            raise PayError(400, "INVALID_REQUEST", "订单已超过可退款期限")
        if past and now - past[-1].created_at < REFUNDS_APART:
            raise PayError(429, "FREQUENCY_LIMITED", "同一笔订单多次部分退款需间隔1分钟")
        if not merchant.can_refund:
            raise PayError(403, "NOT_ENOUGH", "基本账户余额不足")

    def _new_refund(self, order: Order, asked: Body, out_refund_no: str) -> Refund:
        now = self.store.clock()
        amount = int(asked["amount"]["refund"])
        refund = Refund(order, asked, out_refund_no, _number("50", now), amount, now)
        self.store.refunds[order.mchid, out_refund_no] = refund
        order.state = "REFUND"
        self._postman.later(self._refund_seconds, self._settle(refund))
        return refund

    def _settle(self, refund: Refund) -> Callable[[], None]:
        def deed() -> None:
            with self.store.lock:
                if refund.status == "PROCESSING":
                    self.decide(refund, "SUCCESS")

        return deed

    def _notify(self, order: Order, url: str, event: str, summary: str, content: Body) -> None:
        merchant = self.store.merchants[order.mchid]
        original = "refund" if event.startswith("REFUND") else "transaction"
        self._postman.post(merchant, url, event, original, summary, content)


_REFUND_SUMMARY = {"SUCCESS": "退款成功", "ABNORMAL": "退款异常", "CLOSED": "退款关闭"}
_STATE_WORDS = {"SUCCESS": "支付成功", "REFUND": "转入退款", "NOTPAY": "订单未支付", "CLOSED": "订单已关闭"}


def check_order(store: Store, merchant: MerchantAccount, asked: Body) -> None:
    """Refuse an order as the jsapi page documents it."""
    _same_merchant(asked.get("mchid"))
    if asked.get("appid") not in merchant.appids:
        raise PayError(400, "APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配")
    _check_text(asked, "description", 127)
    _check_pattern(asked, "out_trade_no", _OUT_TRADE_NO)
    _check_pattern(asked, "notify_url", _NOTIFY_URL)
    if len(str(asked.get("attach", ""))) > 128:
        raise PayError(400, "PARAM_ERROR", "attach长度超限")
    _check_amount(asked.get("amount"))
    payer = asked.get("payer")
    if not isinstance(payer, dict) or not store.people.is_openid(payer.get("openid"), str(asked["appid"])):
        raise PayError(400, "PARAM_ERROR", "appid和openid不匹配")
    _check_expiry(store, asked.get("time_expire"))


def _check_amount(amount: object) -> None:
    total = amount.get("total") if isinstance(amount, dict) else None
    if type(total) is not int or total < 1:
        raise PayError(400, "PARAM_ERROR", "amount.total必须为大于0的整数")
    if isinstance(amount, dict) and amount.get("currency", "CNY") != "CNY":
        raise PayError(400, "PARAM_ERROR", "币种只支持CNY")


def _check_text(asked: Body, name: str, longest: int) -> None:
    value = asked.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise PayError(400, "PARAM_ERROR", f"{name}不合法")


def _check_pattern(asked: Body, name: str, pattern: re.Pattern[str]) -> None:
    value = asked.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise PayError(400, "PARAM_ERROR", f"{name}不合法")


def _check_expiry(store: Store, text: object) -> None:
    if text is None:
        return
    try:
        expires_at = datetime.fromisoformat(str(text))
    except ValueError:
        expires_at = None
    if expires_at is None or expires_at.tzinfo is None or expires_at <= store.clock():
        raise PayError(400, "PARAM_ERROR", "time_expire不合法或已过期")


def _refund_amount(order: Order, asked: Body) -> int:
    amount = asked.get("amount")
    refund = amount.get("refund") if isinstance(amount, dict) else None
    if not isinstance(amount, dict) or type(refund) is not int or refund < 1:
        raise PayError(400, "PARAM_ERROR", "amount.refund必须为大于0的整数")
    if amount.get("currency") != "CNY":
        raise PayError(400, "PARAM_ERROR", "amount.currency只支持CNY")
    if amount.get("total") != order.total:
        raise PayError(400, "INVALID_REQUEST", "订单金额与原订单不一致")
    return refund


def transaction(order: Order) -> Body:
    """The order as a query and a payment notice show it."""
    shown: Body = {
        "appid": order.appid,
        "mchid": order.mchid,
        "out_trade_no": order.out_trade_no,
        "trade_state": order.state,
        "trade_state_desc": _STATE_WORDS[order.state],
        "attach": order.asked.get("attach", ""),
        "amount": {"total": order.total, "currency": "CNY"},
    }
    if order.paid_at is None:
        return shown
    money = {"total": order.total, "payer_total": order.total, "currency": "CNY", "payer_currency": "CNY"}
    return shown | {
        "transaction_id": order.transaction_id,
        "trade_type": "JSAPI",
        "bank_type": "OTHERS",
        "success_time": rfc3339(order.paid_at),
        "payer": order.asked["payer"],
        "amount": money,
    }


def refund_answer(refund: Refund) -> Body:
    """The refund as the API shows it: `status`."""
    order = refund.order
    shown = {
        "refund_id": refund.refund_id,
        "out_refund_no": refund.out_refund_no,
        "transaction_id": order.transaction_id,
        "out_trade_no": order.out_trade_no,
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "create_time": rfc3339(refund.created_at),
        "status": refund.status,
        "funds_account": "AVAILABLE",
        "amount": _refund_money(refund)
        | {
            "settlement_refund": refund.amount,
            "settlement_total": order.total,
            "discount_refund": 0,
            "currency": "CNY",
        },
    }
    if refund.finished_at is not None:
        shown["success_time"] = rfc3339(refund.finished_at)
    return shown


def refund_notice(refund: Refund) -> Body:
    """The refund as its notice shows it: `refund_status`."""
    shown = {
        "mchid": refund.order.mchid,
        "transaction_id": refund.order.transaction_id,
        "out_trade_no": refund.order.out_trade_no,
        "refund_id": refund.refund_id,
        "out_refund_no": refund.out_refund_no,
        "refund_status": refund.status,
        "user_received_account": "支付用户零钱",
        "amount": _refund_money(refund),
    }
    if refund.finished_at is not None:
        shown["success_time"] = rfc3339(refund.finished_at)
    return shown


def _refund_money(refund: Refund) -> Body:
    total = refund.order.total
    return {"total": total, "refund": refund.amount, "payer_total": total, "payer_refund": refund.amount}


def _sealed_certificate(signer: Signer, merchant: MerchantAccount, now: datetime) -> Body:
    nonce = secrets.token_hex(6)
    sealed = seal(merchant.api_v3_key, nonce, "certificate", signer.certificate_pem.encode())
    return {
        "serial_no": signer.certificate_serial,
        "effective_time": rfc3339(now - timedelta(days=1)),
        "expire_time": rfc3339(now + timedelta(days=5 * 365)),
        "encrypt_certificate": {
            "algorithm": "AEAD_AES_256_GCM",
            "nonce": nonce,
            "associated_data": "certificate",
            "ciphertext": sealed,
        },
    }


def _expiry(order: Order) -> datetime:
    said = order.asked.get("time_expire")
    return datetime.fromisoformat(said) if said else order.created_at + ORDER_LIFE


def _number(prefix: str, now: datetime) -> str:
    stamp = (now.astimezone(UTC) + CHINA_OFFSET).strftime("%Y%m%d%H%M%S")
    return f"{prefix}{stamp}{secrets.randbelow(10**12):012d}"


def _merchant() -> MerchantAccount:
    merchant: MerchantAccount = g.merchant
    return merchant


def _merchant_of_query() -> MerchantAccount:
    _same_merchant(request.args.get("mchid"))
    return _merchant()


def _same_merchant(mchid: object) -> None:
    if mchid != _merchant().mchid:
        raise PayError(400, "PARAM_ERROR", "商户号与签名的商户号不一致")


def _body() -> Body:
    try:
        body = json.loads(request.get_data())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise PayError(400, "PARAM_ERROR", "请求体不是JSON对象")
    return body
