"""The mini-program's server calls on api.weixin.qq.com: login, phone, token, messages, codes, shipping, content."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any, Literal, Protocol

import requests

from wechat.errors import BadScene, BadToken, ShippingUnchanged, UnreadableAnswer, WeChatError, mini_program_refusal
from wechat.http import TIMEOUT, new_session, send
from wechat.signing import Clock

BASE_URL = "https://api.weixin.qq.com"
# A token is renewed a little before WeChat lets it expire; the old one lives 5 minutes beside the new.
RENEW_BEFORE = timedelta(seconds=120)

State = Literal["developer", "trial", "formal"]
Scene = Literal["profile", "comment", "forum", "social"]

_JSON = {"Content-Type": "application/json"}
_SCENE = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~]{1,32}")
_VERSIONS = {"developer": "develop", "trial": "trial", "formal": "release"}
_LOGISTICS = {"express": 1, "city": 2, "virtual": 3, "pickup": 4}
_SCENES = {"profile": 1, "comment": 2, "forum": 3, "social": 4}


@dataclass(frozen=True)
class Session:
    """Who signed in. `unionid` is given only where the mini-program is bound to an open-platform account."""

    openid: str
    unionid: str | None
    session_key: str = field(repr=False)


@dataclass(frozen=True)
class PhoneNumber:
    """A phone number that WeChat has verified; `pure` is without the country code."""

    pure: str = field(repr=False)
    country_code: str


@dataclass(frozen=True)
class AccessToken:
    """The token of api.weixin.qq.com and when it stops working."""

    value: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True)
class Shipping:
    """How a payment was fulfilled. A payment whose fulfilment is not reported stays frozen."""

    transaction_id: str
    payer_openid: str
    item: str
    kind: Literal["express", "city", "virtual", "pickup"] = "pickup"
    tracking_no: str = ""
    express_company: str = ""


@dataclass(frozen=True)
class Verdict:
    """What WeChat thinks of a text: `suggest` is pass, review or risky, `label` the kind of trouble (100: none)."""

    suggest: str
    label: int
    trace_id: str


class TokenStore(Protocol):
    """Where the access token is kept, so that all workers share one and one of them renews it."""

    def get(self, appid: str) -> AccessToken | None:
        """The token kept for the mini-program, if any."""

    def put(self, appid: str, token: AccessToken) -> None:
        """Keep the token for the mini-program."""

    def lock(self, appid: str) -> AbstractContextManager[object]:
        """Held while the mini-program's token is renewed; who waited for it gets the new one."""


class MemoryTokens:
    """A token store for one process."""

    def __init__(self) -> None:
        self._tokens: dict[str, AccessToken] = {}
        self._locks: defaultdict[str, Lock] = defaultdict(Lock)

    def get(self, appid: str) -> AccessToken | None:
        """The token kept for the mini-program, if any."""
        return self._tokens.get(appid)

    def put(self, appid: str, token: AccessToken) -> None:
        """Keep the token for the mini-program."""
        self._tokens[appid] = token

    def lock(self, appid: str) -> AbstractContextManager[object]:
        """Held by one thread at a time."""
        return self._locks[appid]


class MiniProgram:
    """A mini-program's server side. Safe for several threads."""

    def __init__(
        self,
        appid: str,
        secret: str,
        *,
        clock: Clock,
        tokens: TokenStore | None = None,
        base_url: str = BASE_URL,
        timeout: tuple[float, float] = TIMEOUT,
    ) -> None:
        self.appid = appid
        self._secret = secret
        self._clock = clock
        self._tokens = tokens or MemoryTokens()
        self._base_url = base_url.rstrip("/")
        self._timeout = timeout
        self._http = new_session()

    def code_to_session(self, js_code: str) -> Session:
        """Exchange a wx.login code. Raises BadCode, CodeUsed, TooFrequent, Blocked, Busy, GatewaySilent."""
        query = {
            "appid": self.appid,
            "secret": self._secret,
            "js_code": js_code,
            "grant_type": "authorization_code",
        }
        answer = _answer(self._send("GET", "/sns/jscode2session", params=query))
        return Session(_text(answer, "openid"), answer.get("unionid") or None, _text(answer, "session_key"))

    def phone_number(self, code: str) -> PhoneNumber:
        """Exchange the code of the phone button (not the login code). Raises BadCode, TooFrequent, GatewaySilent."""
        answer = self._post("/wxa/business/getuserphonenumber", {"code": code})
        phone = answer.get("phone_info")
        if not isinstance(phone, dict) or _watermark(phone) != self.appid:
            raise UnreadableAnswer("phone_info is missing, or was made for another mini-program")
        return PhoneNumber(_text(phone, "purePhoneNumber"), _text(phone, "countryCode"))

    def send_subscribe_message(
        self,
        openid: str,
        template_id: str,
        values: Mapping[str, str],
        *,
        page: str | None = None,
        state: State = "formal",
    ) -> None:
        """Send one subscribe message. Raises MessageRefused where the user has not agreed, BadMessage."""
        message: dict[str, Any] = {
            "touser": openid,
            "template_id": template_id,
            "data": {key: {"value": value} for key, value in values.items()},
            "miniprogram_state": state,
            "lang": "zh_CN",
        }
        if page is not None:
            message["page"] = page
        self._post("/cgi-bin/message/subscribe/send", message)

    def unlimited_code(self, scene: str, page: str, *, width: int = 430, state: State = "formal", check_page: bool = True) -> bytes:
        """The picture of a mini-program code that opens `page` with this scene. Raises BadScene, BadMessage, TooFrequent."""
        if not _SCENE.fullmatch(scene):
            raise BadScene(40129, "the scene is empty, too long, or has a character that no code carries")
        asked = {"scene": scene, "page": page, "width": width, "env_version": _VERSIONS[state], "check_path": check_page}
        response = self._with_token("/wxa/getwxacodeunlimit", asked)
        # A refusal is JSON where the picture would be: only the type tells them apart.
        if not response.headers.get("Content-Type", "").startswith("image/") or not response.content:
            _answer(response)
            raise UnreadableAnswer("no picture came")
        return response.content

    def report_shipping(self, shipping: Shipping) -> None:
        """Report a payment as fulfilled; once more is allowed. Raises ShippingUnknown, ShippingRefused."""
        item: dict[str, Any] = {"item_desc": shipping.item}
        if shipping.tracking_no:
            item |= {"tracking_no": shipping.tracking_no, "express_company": shipping.express_company}
        with suppress(ShippingUnchanged):
            self._post(
                "/wxa/sec/order/upload_shipping_info",
                {
                    "order_key": {"order_number_type": 2, "transaction_id": shipping.transaction_id},
                    "logistics_type": _LOGISTICS[shipping.kind],
                    "delivery_mode": 1,
                    "shipping_list": [item],
                    "upload_time": self._clock().astimezone(UTC).isoformat(timespec="milliseconds"),
                    "payer": {"openid": shipping.payer_openid},
                },
            )

    def check_text(self, openid: str, content: str, *, scene: Scene = "comment", title: str = "", nickname: str = "") -> Verdict:
        """Whether a text may be shown. Its author was here within two hours, else UserAway. Raises BadMessage."""
        asked = {"version": 2, "openid": openid, "scene": _SCENES[scene], "content": content}
        asked |= {name: value for name, value in (("title", title), ("nickname", nickname)) if value}
        answer = self._post("/wxa/msg_sec_check", asked)
        result = answer.get("result")
        if not isinstance(result, dict) or type(result.get("label")) is not int:
            raise UnreadableAnswer("result is missing")
        return Verdict(_text(result, "suggest"), result["label"], _text(answer, "trace_id"))

    def access_token(self) -> str:
        """The access token in use, renewed when none is kept or the kept one is about to expire."""
        return self._token_other_than("")

    def _token_other_than(self, refused: str) -> str:
        if kept := self._kept(refused):
            return kept
        with self._tokens.lock(self.appid):
            # Another thread may have renewed the token while this one waited.
            return self._kept(refused) or self._fetch_token()

    def _kept(self, refused: str) -> str | None:
        kept = self._tokens.get(self.appid)
        if kept is None or kept.value == refused or self._clock() >= kept.expires_at - RENEW_BEFORE:
            return None
        return kept.value

    def _fetch_token(self) -> str:
        # Normal mode: it does not invalidate the token of a worker that does not know of the renewal.
        request = {
            "grant_type": "client_credential",
            "appid": self.appid,
            "secret": self._secret,
            "force_refresh": False,
        }
        asked_at = self._clock()
        answer = _answer(self._send("POST", "/cgi-bin/stable_token", json=request))
        lifetime = answer.get("expires_in")
        if type(lifetime) is not int:
            raise UnreadableAnswer("expires_in is missing")
        token = AccessToken(_text(answer, "access_token"), asked_at + timedelta(seconds=lifetime))
        self._tokens.put(self.appid, token)
        return token.value

    def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return _answer(self._with_token(path, body))

    def _with_token(self, path: str, body: Mapping[str, Any]) -> requests.Response:
        # Unescaped, since some calls show \u4e00 to people as it came.
        text = json.dumps(body, ensure_ascii=False).encode()
        token = self.access_token()
        response = self._send("POST", path, params={"access_token": token}, data=text, headers=_JSON)
        if not _token_is_refused(response):
            return response
        # Somebody forced a refresh elsewhere: once more, with the current one.
        token = self._token_other_than(token)
        return self._send("POST", path, params={"access_token": token}, data=text, headers=_JSON)

    def _send(self, method: str, path: str, **parts: Any) -> requests.Response:
        return send(self._http, requests.Request(method, self._base_url + path, **parts), self._timeout)


def _token_is_refused(response: requests.Response) -> bool:
    if response.headers.get("Content-Type", "").startswith("image/"):
        return False
    try:
        _answer(response)
    except BadToken:
        return True
    except WeChatError:
        return False
    return False


def _answer(response: requests.Response) -> dict[str, Any]:
    answer = _json_object(response)
    errcode = answer.get("errcode", 0)
    if type(errcode) is not int:
        raise UnreadableAnswer("errcode is not a number")
    if errcode != 0:
        raise mini_program_refusal(errcode, str(answer.get("errmsg", "")))
    return answer


def _json_object(response: requests.Response) -> dict[str, Any]:
    if response.status_code >= 500:
        raise mini_program_refusal(-1, f"HTTP {response.status_code}")
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if response.status_code != 200 or not isinstance(answer, dict):
        raise UnreadableAnswer(f"HTTP {response.status_code} without a JSON object")
    return answer


def _watermark(phone: Mapping[str, Any]) -> object:
    mark = phone.get("watermark")
    return mark.get("appid") if isinstance(mark, dict) else None


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise UnreadableAnswer(f"{name} is missing")
    return value
