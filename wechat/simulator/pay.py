"""api.mch.weixin.qq.com: orders, refunds, bills, certificates. Every request must be signed, every answer is."""

from __future__ import annotations

import gzip
from datetime import date, datetime, timedelta
from hashlib import sha1

from flask import Blueprint, Response, g, request

from wechat.aead import seal
from wechat.simulator import bill, checks, circle, combine, complaints, sharing, shown
from wechat.simulator.checks import Body, Collector
from wechat.simulator.circle import Circles
from wechat.simulator.clock import CHINA_OFFSET, rfc3339
from wechat.simulator.complaints import ComplaintDesk
from wechat.simulator.dice import Dice
from wechat.simulator.notice_sender import NoticeSender
from wechat.simulator.store import MerchantAccount, Order, Store
from wechat.simulator.till import Till
from wechat.simulator.wire import PayError, Signer, authenticate, json_answer, sign_answer

BILL_MONTHS = timedelta(days=92)


def blueprint(till: Till, signer: Signer, circles: Circles, desk: ComplaintDesk) -> Blueprint:
    """The calls of a merchant, or of a service provider under /pay/partner."""
    api = Blueprint("pay", __name__, url_prefix="/v3")
    _sign_everything(api, till.store, signer)
    _order_calls(api, till, "/pay/transactions", partner=False)
    _order_calls(api, till, "/pay/partner/transactions", partner=True)
    _refund_calls(api, till)
    combine.routes(api, till)
    sharing.routes(api, till, signer)
    circle.routes(api, till, circles)
    complaints.routes(api, desk, till.store)
    _bill_calls(api, till)
    _key_calls(api, till.store, signer, till.notice_sender)
    return api


def _sign_everything(api: Blueprint, store: Store, signer: Signer) -> None:
    @api.before_request
    def who() -> None:
        g.merchant, g.certificate = authenticate(store)

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


def _order_calls(api: Blueprint, till: Till, base: str, *, partner: bool) -> None:
    kind = "partner" if partner else "direct"

    def prepay() -> Response:
        who = checks.collector(checks.body(), partner, with_app=True)
        with till.store.lock:
            return json_answer({"prepay_id": till.prepay(who, checks.body()).prepay_id})

    def charge_code() -> Response:
        who = checks.collector(checks.body(), partner, with_app=True)
        with till.store.lock:
            order = till.charge_code(who, checks.body())
            return json_answer(_shown(till, order), 202 if order.state == "USERPAYING" else 200)

    def query(out_trade_no: str) -> Response:
        who = checks.collector(request.args, partner)
        with till.store.lock:
            return json_answer(_shown(till, till.order(who, out_trade_no)))

    def query_by_id(transaction_id: str) -> Response:
        who = checks.collector(request.args, partner)
        with till.store.lock:
            return json_answer(_shown(till, till.paid_order(who, transaction_id)))

    def close(out_trade_no: str) -> Response:
        who = checks.collector(checks.body(), partner)
        with till.store.lock:
            till.close(till.order(who, out_trade_no))
        return Response(status=204)

    def reverse(out_trade_no: str) -> Response:
        who = checks.collector(checks.body(), partner, with_app=True)
        with till.store.lock:
            order = till.order(who, out_trade_no)
            till.reverse(order)
            return json_answer({**shown.names(order), "out_trade_no": order.out_trade_no})

    for method, path, call in (
        ("POST", "/jsapi", prepay),
        ("POST", "/codepay", charge_code),
        ("GET", "/out-trade-no/<out_trade_no>", query),
        ("GET", "/id/<transaction_id>", query_by_id),
        ("POST", "/out-trade-no/<out_trade_no>/close", close),
        ("POST", "/out-trade-no/<out_trade_no>/reverse", reverse),
    ):
        api.add_url_rule(base + path, f"{kind}_{call.__name__}", call, methods=[method])


def _shown(till: Till, order: Order) -> Body:
    return shown.transaction(order, till.store.people)


def _refund_calls(api: Blueprint, till: Till) -> None:
    @api.post("/refund/domestic/refunds")
    def refund() -> Response:
        asked = checks.body()
        with till.store.lock:
            accepted = till.refund(checks.merchant(), asked, checks.sub_merchant(asked))
            return json_answer(shown.refund_answer(accepted))

    @api.get("/refund/domestic/refunds/<out_refund_no>")
    def query_refund(out_refund_no: str) -> Response:
        with till.store.lock:
            refund = till.find_refund(checks.merchant(), out_refund_no, checks.sub_merchant(request.args))
            return json_answer(shown.refund_answer(refund))


def _bill_calls(api: Blueprint, till: Till) -> None:
    store = till.store

    @api.get("/bill/tradebill")
    def trade_bill() -> Response:
        with store.lock:
            plain = _bill(store, Collector(checks.merchant().mchid, checks.sub_merchant(request.args)), request.args.to_dict())
            token = store.dice.hex(32, "bill")
            store.bills[token] = gzip.compress(plain) if request.args.get("tar_type") == "GZIP" else plain
        # The hash is of the file before compression.
        url = f"{request.host_url}v3/billdownload/file?token={token}"
        return json_answer({"hash_type": "SHA1", "hash_value": sha1(plain).hexdigest(), "download_url": url})

    @api.get("/billdownload/file")
    def download() -> Response:
        file = store.bills.get(request.args.get("token", ""))
        if file is None:
            raise PayError(404, "RESOURCE_NOT_EXISTS", "账单文件不存在")
        return Response(file, content_type="application/octet-stream")


def _bill(store: Store, who: Collector, asked: dict[str, str]) -> bytes:
    """The trade bill of a day in Beijing, from ten the next morning."""
    try:
        day = date.fromisoformat(asked.get("bill_date", ""))
    except ValueError:
        raise PayError(400, "PARAM_ERROR", "bill_date格式错误") from None
    now = store.clock()
    if not day < (now + CHINA_OFFSET - timedelta(hours=10)).date() <= day + BILL_MONTHS:
        raise PayError(400, "NO_STATEMENT_EXIST", "账单文件不存在")
    return bill.trade_bill(store, who, day, asked.get("bill_type", "ALL"))


def _key_calls(api: Blueprint, store: Store, signer: Signer, notice_sender: NoticeSender) -> None:
    @api.get("/certificates")
    def certificates() -> Response:
        if signer.mode == "public_key":
            # Merchants opened since autumn 2024 have no platform certificate.
            raise PayError(404, "RESOURCE_NOT_EXISTS", "无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥")
        return json_answer({"data": [_sealed_certificate(signer, checks.merchant(), store.clock(), store.dice)]})

    @api.post("/security/echo")
    def echo() -> Response:
        body = checks.body()
        message = body.get("echo_message")
        if not isinstance(message, str):
            raise PayError(400, "PARAM_ERROR", "echo_message不能为空")
        if url := body.get("notify_url"):
            content = {"echo_message": message}
            notice_sender.post(checks.merchant(), url, "SECURITY_ECHO.SUCCESS", "security", "安全回显成功", content)
        return json_answer({"echo_message": message})


def _sealed_certificate(signer: Signer, merchant: MerchantAccount, now: datetime, dice: Dice) -> Body:
    nonce = dice.hex(12, "certificate")
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
