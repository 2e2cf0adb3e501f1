"""api.weixin.qq.com: errors are HTTP 200 with an errcode."""

from __future__ import annotations

import re
import secrets
import struct
import zlib
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, request

from wechat.simulator.store import TOKEN_LIFE, Code, Order, Store, Token

LOGINS_PER_MINUTE = 100
FORCED_PER_DAY = 20
FORCED_APART = timedelta(seconds=30)
RENEWAL = timedelta(minutes=5)
THING_LENGTH = 20
TEXT_LENGTH = 2500
SEEN_WITHIN = timedelta(hours=2)

_SCENE = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~]{1,32}")

Answer = dict[str, Any]


class Refusal(Exception):
    """An errcode and its message."""

    def __init__(self, errcode: int, errmsg: str) -> None:
        super().__init__(errmsg)
        self.errcode = errcode
        self.errmsg = errmsg


def blueprint(store: Store) -> Blueprint:
    """The calls of a mini-program's server."""
    api = Blueprint("miniprogram", __name__)

    @api.errorhandler(Refusal)
    def refused(refusal: Refusal) -> Answer:
        return {"errcode": refusal.errcode, "errmsg": f"{refusal.errmsg}, rid: {store.dice.hex(8, 'rid')}"}

    @api.get("/sns/jscode2session")
    def login() -> Answer:
        with store.lock:
            return code_to_session(store, request.args.to_dict())

    @api.post("/cgi-bin/stable_token")
    def token() -> Answer:
        with store.lock:
            return stable_token(store, _body())

    @api.post("/wxa/business/getuserphonenumber")
    def phone() -> Answer:
        with store.lock:
            return phone_number(store, _appid_of_token(store), _body())

    @api.post("/cgi-bin/message/subscribe/send")
    def message() -> Answer:
        with store.lock:
            return send_message(store, _appid_of_token(store), _body())

    _pages_and_people(api, store)
    return api


def _pages_and_people(api: Blueprint, store: Store) -> None:
    @api.post("/wxa/getwxacodeunlimit")
    def unlimited_code() -> Response:
        with store.lock:
            return Response(code_picture(store, _appid_of_token(store), _body()), content_type="image/png")

    @api.post("/wxa/sec/order/upload_shipping_info")
    def shipping() -> Answer:
        with store.lock:
            return upload_shipping(store, _appid_of_token(store), _body())

    @api.post("/wxa/msg_sec_check")
    def content() -> Answer:
        with store.lock:
            return check_text(store, _appid_of_token(store), _body())


def code_picture(store: Store, appid: str, asked: Answer) -> bytes:
    """getwxacodeunlimit: a picture, or a refusal in JSON. Which scene it carries is kept in store.codes_made."""
    if not _SCENE.fullmatch(str(asked.get("scene", ""))):
        raise Refusal(40129, "invalid scene")
    page = asked.get("page", "")
    if not isinstance(page, str) or page.startswith("/") or "?" in page:
        raise Refusal(41030, "invalid page")
    if asked.get("check_path", True) and page and store.pages and page not in store.pages:
        raise Refusal(41030, "invalid page")
    width = asked.get("width", 430)
    if type(width) is not int or not 280 <= width <= 1280:
        raise Refusal(40097, "invalid args")
    store.codes_made.append({"appid": appid, **asked})
    return _picture(width)


def upload_shipping(store: Store, appid: str, asked: Answer) -> Answer:
    """upload_shipping_info: a paid order by its payer, once, and once more with other content."""
    key, payer, items = asked.get("order_key"), asked.get("payer"), asked.get("shipping_list")
    if not isinstance(key, dict) or not isinstance(payer, dict) or not isinstance(items, list) or not asked.get("upload_time"):
        raise Refusal(47001, "data format error")
    order = _shipped_order(store, key)
    if asked.get("logistics_type") not in (1, 2, 3, 4):
        raise Refusal(10060005, "物流类型有误")
    _check_items(asked, items)
    if store.people.elsewhere(order.openid, appid) != payer.get("openid"):
        raise Refusal(10060031, "该笔支付单不属于该用户")
    report = {name: value for name, value in asked.items() if name != "upload_time"}
    before = store.shipped.setdefault(str(order.transaction_id), [])
    if before and before[-1] == report:
        raise Refusal(10060023, "发货信息未更新")
    if len(before) >= 2:
        raise Refusal(10060003, "支付单已使用重新发货机会")
    before.append(report)
    return {"errcode": 0, "errmsg": "ok"}


def check_text(store: Store, appid: str, asked: Answer) -> Answer:
    """msg_sec_check: risky where a word stands in it that was planted as such."""
    openid, content = str(asked.get("openid", "")), asked.get("content")
    if asked.get("version") != 2 or asked.get("scene") not in (1, 2, 3, 4):
        raise Refusal(40097, "invalid args")
    if not store.people.is_openid(openid, appid):
        raise Refusal(40003, "invalid openid")
    if not isinstance(content, str) or not 1 <= len(content) <= TEXT_LENGTH:
        raise Refusal(47003, "argument invalid! content")
    if store.clock() - store.last_seen.get(openid, store.clock()) > SEEN_WITHIN:
        raise Refusal(61010, "code is expired")
    text = f"{content}{asked.get('title', '')}{asked.get('nickname', '')}"
    suggest, label = next((verdict for word, verdict in store.words.items() if word in text), ("pass", 100))
    detail = [{"strategy": "content_model", "errcode": 0, "suggest": suggest, "label": label, "prob": 90}]
    result = {"suggest": suggest, "label": label}
    return {"errcode": 0, "errmsg": "ok", "result": result, "detail": detail, "trace_id": store.dice.hex(24, "trace")}


def _shipped_order(store: Store, key: Answer) -> Order:
    if key.get("order_number_type") == 2:
        order = store.transactions.get(str(key.get("transaction_id")))
    else:
        order = store.orders.get((str(key.get("mchid")), str(key.get("out_trade_no"))))
    if order is None or order.paid_at is None:
        raise Refusal(10060001, "支付单不存在")
    if order.state != "SUCCESS":
        raise Refusal(10060004, "支付单处于不可发货的状态")
    return order


def _check_items(asked: Answer, items: list[Any]) -> None:
    if not 1 <= len(items) <= 15 or (asked.get("delivery_mode") == 1 and len(items) != 1):
        raise Refusal(10060024, "物流信息列表长度有误")
    for item in items:
        description = item.get("item_desc") if isinstance(item, dict) else None
        if not description:
            raise Refusal(10060008, "商品描述字段不能为空")
        if len(str(description)) > 120:
            raise Refusal(10060009, "商品描述字段太长")
        if asked["logistics_type"] == 1 and not (item.get("tracking_no") and item.get("express_company")):
            raise Refusal(10060014, "参数错误")


def _picture(width: int) -> bytes:
    # A white square: PNG in black and white, one bit a dot.
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\x00" + b"\xff" * ((width + 7) // 8)) * width
    head = struct.pack(">IIBBBBB", width, width, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def code_to_session(store: Store, asked: dict[str, str]) -> Answer:
    """jscode2session: one code, once, by the mini-program it was made for."""
    appid = asked.get("appid", "")
    _check_app(store, appid, asked.get("secret", ""))
    if asked.get("grant_type") != "authorization_code":
        raise Refusal(40002, "invalid grant_type")
    if not asked.get("js_code"):
        raise Refusal(41008, "missing code")
    person = store.people.named(_use_code(store, "login", appid, asked["js_code"]).person)
    if person.blocked:
        raise Refusal(40226, "code blocked")
    store.last_seen[store.people.openid(person.name, appid)] = store.clock()
    return {
        "session_key": store.dice.hex(24, "session", person.name),
        "openid": store.people.openid(person.name, appid),
        "unionid": person.unionid,
    }


def stable_token(store: Store, asked: Answer) -> Answer:
    """stable_token: the same token until shortly before its end; force mode is rationed."""
    appid = str(asked.get("appid", ""))
    _check_app(store, appid, str(asked.get("secret", "")))
    if asked.get("grant_type") != "client_credential":
        raise Refusal(40002, "invalid grant_type")
    store.tokens_asked += 1
    now = store.clock()
    current = store.tokens.get(store.current_token.get(appid, ""))
    if asked.get("force_refresh") is True:
        _ration_force(store, appid)
        store.tokens.pop(store.current_token.get(appid, ""), None)
        current = None
    if current is None or current.expires_at - now <= RENEWAL:
        current = _new_token(store, appid)
    return {"access_token": current.value, "expires_in": int((current.expires_at - now).total_seconds())}


def phone_number(store: Store, appid: str, asked: Answer) -> Answer:
    """getuserphonenumber: a code of the phone button, once; a login code does not do."""
    person = store.people.named(_use_code(store, "phone", appid, str(asked.get("code", ""))).person)
    info = {
        "phoneNumber": person.phone,
        "purePhoneNumber": person.phone,
        "countryCode": "86",
        "watermark": {"timestamp": int(store.clock().timestamp()), "appid": appid},
    }
    return {"errcode": 0, "errmsg": "ok", "phone_info": info}


def send_message(store: Store, appid: str, asked: Answer) -> Answer:
    """subscribe/send: one message for each time the user agreed."""
    openid, template = str(asked.get("touser", "")), str(asked.get("template_id", ""))
    if not store.people.is_openid(openid, appid):
        raise Refusal(40003, "invalid openid")
    if template not in store.templates:
        raise Refusal(40037, "invalid template_id")
    if str(asked.get("page", "")).startswith("/"):
        raise Refusal(41030, "invalid page")
    _check_values(store.templates[template], asked.get("data"))
    if store.consents.get((openid, template), 0) < 1:
        raise Refusal(43101, "user refuse to accept the msg")
    store.consents[openid, template] -= 1
    store.messages.append({"at": store.clock().isoformat(), "appid": appid, **asked})
    return {"errcode": 0, "errmsg": "ok"}


def _check_app(store: Store, appid: str, secret: str) -> None:
    if appid not in store.apps:
        raise Refusal(40013, "invalid appid")
    if not secrets.compare_digest(store.apps[appid].encode(), secret.encode()):
        raise Refusal(40125, "invalid appsecret")


def _use_code(store: Store, kind: str, appid: str, value: str) -> Code:
    code = store.codes.get(value)
    if code is None or code.kind != kind or code.appid != appid or store.clock() >= code.expires_at:
        raise Refusal(40029, "invalid code")
    _ration_logins(store, code.person)
    if code.used:
        raise Refusal(40163, "code been used")
    code.used = True
    return code


def _ration_logins(store: Store, name: str) -> None:
    person, now = store.people.named(name), store.clock().timestamp()
    person.logins = [at for at in person.logins if now - at < 60]
    if len(person.logins) >= LOGINS_PER_MINUTE:
        raise Refusal(45011, "api minute-quota reach limit")
    person.logins.append(now)


def _ration_force(store: Store, appid: str) -> None:
    now = store.clock()
    today = [at for at in store.forced.get(appid, []) if now - at < timedelta(days=1)]
    if today and now - today[-1] < FORCED_APART:
        raise Refusal(45011, "api minute-quota reach limit")
    if len(today) >= FORCED_PER_DAY:
        raise Refusal(45009, "reach max api daily quota limit")
    store.forced[appid] = [*today, now]


def _new_token(store: Store, appid: str) -> Token:
    # As long as real ones may be: a column of 512 characters must do.
    token = Token(store.dice.hex(136, "token", appid), appid, store.clock() + TOKEN_LIFE)
    store.tokens[token.value] = token
    store.current_token[appid] = token.value
    store.tokens_issued += 1
    return token


def _appid_of_token(store: Store) -> str:
    value = request.args.get("access_token", "")
    if not value:
        raise Refusal(41001, "access_token missing")
    token = store.tokens.get(value)
    if token is None:
        raise Refusal(40001, "invalid credential, access_token is invalid or not latest")
    if store.clock() >= token.expires_at:
        raise Refusal(42001, "access_token expired")
    return token.appid


def _check_values(keys: tuple[str, ...], data: object) -> None:
    if not isinstance(data, dict) or set(data) != set(keys):
        raise Refusal(47003, "argument invalid! data keys do not match the template")
    for key, holder in data.items():
        value = holder.get("value") if isinstance(holder, dict) else None
        if not isinstance(value, str) or not value or (key.startswith("thing") and len(value) > THING_LENGTH):
            raise Refusal(47003, f"argument invalid! data.{key}.value invalid")


def _body() -> Answer:
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise Refusal(47001, "data format error")
    return body
