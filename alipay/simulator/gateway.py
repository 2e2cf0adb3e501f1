"""gateway.do: proves the request, runs the method, signs the answer over its raw text."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, Response, g, request

from alipay.signing import SIGN_TYPE, request_content, verify
from alipay.simulator.bill import is_available, lines_of, packed
from alipay.simulator.failures import ErrorResponse, Failure
from alipay.simulator.faults import Fault
from alipay.simulator.signer import Signer
from alipay.simulator.store import Application, Store
from alipay.simulator.trades import OK, Trades

BILL_LIFE = timedelta(seconds=30)
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")

Answer = dict[str, Any]


@dataclass
class Desk:
    """Runs one method for one proved request."""

    store: Store
    trades: Trades
    identity: str
    signer: Signer = field(repr=False)
    root: str

    def methods(self) -> dict[str, Callable[[Application, Mapping[str, str]], Answer]]:
        """Every method that this gateway knows."""
        trades = self.trades
        return {
            "alipay.system.oauth.token": self.oauth_token,
            "alipay.trade.create": lambda app, params: trades.create(app, biz(params), params.get("notify_url", "")),
            "alipay.trade.pay": lambda app, params: trades.charge(app, biz(params), params.get("notify_url", "")),
            "alipay.trade.query": lambda app, params: trades.query(app, biz(params)),
            "alipay.trade.close": lambda app, params: trades.close(app, biz(params)),
            "alipay.trade.cancel": lambda app, params: trades.cancel(app, biz(params)),
            "alipay.trade.refund": lambda app, params: trades.refund(app, biz(params)),
            "alipay.trade.fastpay.refund.query": lambda app, params: trades.query_refund(app, biz(params)),
            "alipay.data.dataservice.bill.downloadurl.query": lambda app, params: self.bill(app, biz(params)),
        }

    def oauth_token(self, app: Application, params: Mapping[str, str]) -> Answer:
        """One code, once, by the application it was made for; success carries no code and msg."""
        if params.get("grant_type") != "authorization_code":
            raise ErrorResponse("40002", "Invalid Arguments", "isv.grant-type-invalid", "授权类型无效")
        code = self.store.codes.get(params.get("code", ""))
        dead = code is None or code.used or code.app_id != app.app_id or self.store.clock() >= code.expires_at
        if code is None or dead:
            raise ErrorResponse("40002", "Invalid Arguments", "isv.code-invalid", "授权码code无效")
        code.used = True
        return self._identity(app, code.person)

    def bill(self, app: Application, asked: Answer) -> Answer:
        """Where the seller's bill of a day is to be had for the next 30 seconds."""
        day = _bill_day(asked)
        now, store = self.store.clock(), self.store
        lines = lines_of(store, app.seller_id, day)
        if not lines or not is_available(day, now):
            raise Failure("40004", "Business Failed", "isp.bill_not_exist", "账单不存在")
        token = store.dice.digits(30, "bill", day.isoformat())
        store.bills[token] = packed(lines, app.seller_id, day, now), now + BILL_LIFE
        return OK | {"bill_download_url": f"{request.host_url}downloadBillFile.resource?bizType=trade&fileId={token}"}

    def _identity(self, app: Application, name: str) -> Answer:
        person = self.store.people.named(name)
        answer: Answer = {
            "access_token": f"authusrB{secrets.token_hex(16)}",
            "auth_start": self.store.clock().strftime("%Y-%m-%d %H:%M:%S"),
            "expires_in": 1296000,
            "re_expires_in": 2592000,
            "refresh_token": f"authusrB{secrets.token_hex(16)}",
        }
        if self.identity in ("open_id", "both"):
            answer["open_id"] = self.store.people.open_id(name, app.app_id)
        if self.identity in ("user_id", "both"):
            answer["user_id"] = person.user_id
        return answer


def blueprint(desk: Desk) -> Blueprint:
    """The one address of the gateway."""
    api = Blueprint("gateway", __name__)

    @api.route("/gateway.do", methods=["GET", "POST"])
    def gateway() -> Response:
        params = request.values.to_dict()
        node = params.get("method", "").replace(".", "_") + "_response"
        try:
            with desk.store.lock:
                answer = _run(desk, params)
        except ErrorResponse as failure:
            return _json({"error_response": failure.answer})
        except Failure as failure:
            answer = failure.answer
        except (TypeError, ValueError) as trouble:
            # A field of a kind that no page documents, such as a list for a number.
            answer = Failure("40002", "Invalid Arguments", "isv.invalid-parameter", type(trouble).__name__).answer
        return _signed(desk, node, answer, certified=bool(params.get("app_cert_sn")))

    @api.get("/downloadBillFile.resource")
    def download() -> Response:
        packed_bill, ends_at = desk.store.bills.get(request.args.get("fileId", ""), (b"", desk.store.clock()))
        if desk.store.clock() >= ends_at:
            return Response("", 404)
        return Response(packed_bill, content_type="application/zip")

    return api


def _bill_day(asked: Answer) -> date:
    if asked.get("bill_type") not in ("trade", "signcustomer"):
        raise Failure("40002", "Invalid Arguments", "isv.invalid-parameter", "参数无效：bill_type")
    try:
        return date.fromisoformat(str(asked.get("bill_date")))
    except ValueError:
        raise Failure("40002", "Invalid Arguments", "isv.invalid-parameter", "参数无效：bill_date") from None


def _run(desk: Desk, params: dict[str, str]) -> Answer:
    fault: Fault | None = g.get("fault")
    if fault is not None and fault.kind == "refuse":
        raise Failure(fault.code, "Service Currently Unavailable", fault.sub_code, "系统繁忙")
    if fault is not None and fault.kind == "error_response":
        raise ErrorResponse(fault.code, "Service Currently Unavailable", fault.sub_code, "系统繁忙")
    if fault is not None and fault.kind == "retry" and params.get("method") == "alipay.trade.cancel":
        return {"code": "10000", "msg": "Success", "retry_flag": "Y"}
    app = _authenticate(desk, params)
    method = desk.methods().get(params.get("method", ""))
    if method is None:
        raise ErrorResponse("40002", "Invalid Arguments", "isv.invalid-method", "不存在的方法名")
    answer = method(app, params)
    if fault is not None and fault.kind == "unknown":
        raise Failure("20000", "Service Currently Unavailable", "isp.unknow-error", "系统繁忙")
    if fault is not None and fault.kind == "other_trade":
        return answer | {"out_trade_no": "OTHER"}
    return answer


def _authenticate(desk: Desk, params: dict[str, str]) -> Application:
    for name in ("app_id", "method", "charset", "sign_type", "sign", "timestamp", "version"):
        if not params.get(name):
            raise ErrorResponse("40001", "Missing Required Arguments", f"isv.missing-{name}", f"缺少{name}参数")
    app = desk.store.apps.get(params["app_id"])
    if app is None:
        raise ErrorResponse("40002", "Invalid Arguments", "isv.invalid-app-id", "无效的AppID参数")
    if params["sign_type"] != SIGN_TYPE:
        raise ErrorResponse("40002", "Invalid Arguments", "isv.invalid-signature-type", "无效签名类型")
    if not verify(app.key, request_content(params), params["sign"]):
        raise ErrorResponse("40002", "Invalid Arguments", "isv.invalid-signature", "验签出错，请检查签名")
    _check_certificates(app, params, desk.root)
    if not _TIMESTAMP.fullmatch(params["timestamp"]):
        raise ErrorResponse("40002", "Invalid Arguments", "isv.invalid-timestamp", "非法的时间戳参数")
    return app


def _check_certificates(app: Application, params: dict[str, str], root: str) -> None:
    # No page that we could read names these refusals: the sub_codes are ours.
    named = params.get("app_cert_sn", "")
    if (app.mode == "certificate" and not named) or (app.mode == "key" and named):
        raise ErrorResponse("40002", "Invalid Arguments", "isv.invalid-signature-mode", "应用的加签模式不一致")
    if named and named != app.certificate:
        raise ErrorResponse("40002", "Invalid Arguments", "isv.invalid-app-cert-sn", "应用公钥证书序列号无效")
    if named and params.get("alipay_root_cert_sn") != root:
        raise ErrorResponse("40002", "Invalid Arguments", "isv.invalid-alipay-root-cert-sn", "支付宝根证书序列号无效")


def biz(params: Mapping[str, str]) -> Answer:
    """The biz_content of a request. Raises 40002 where it is not a JSON object."""
    try:
        content = json.loads(params.get("biz_content", ""))
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise Failure("40002", "Invalid Arguments", "isv.invalid-parameter", "参数无效：biz_content")
    return content


def _signed(desk: Desk, node: str, answer: Answer, *, certified: bool) -> Response:
    fault: Fault | None = g.get("fault")
    kind = fault.kind if fault is not None else ""
    text = _compact(answer)
    if kind == "unsigned":
        return _json({node: answer})
    signature, number = desk.signer.sign(text + (" " if kind == "bad_signature" else ""))
    certificate = f',"alipay_cert_sn":"{number}"' if certified else ""
    # Put together as text: the signature is over exactly these characters.
    raw = f'{{"{node}":{text}{certificate},"sign":"{signature}"}}'
    return Response(raw, content_type="text/html;charset=utf-8")


def _json(body: Answer) -> Response:
    return Response(_compact(body), content_type="text/html;charset=utf-8")


def _compact(body: Answer) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
