"""api.weixin.qq.com: errors are HTTP 200 with an errcode."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from flask import Blueprint, request

from wechat.simulator.store import TOKEN_LIFE, Code, Store, Token

LOGINS_PER_MINUTE = 100
FORCED_PER_DAY = 20
FORCED_APART = timedelta(seconds=30)
RENEWAL = timedelta(minutes=5)
THING_LENGTH = 20

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

    return api


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
