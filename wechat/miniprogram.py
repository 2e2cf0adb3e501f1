"""The mini-program's server calls on api.weixin.qq.com: login, phone number, token, subscribe message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Literal, Protocol

import requests

from wechat.errors import BadToken, UnreadableAnswer, mini_program_refusal
from wechat.http import TIMEOUT, new_session, send
from wechat.signing import Clock

BASE_URL = "https://api.weixin.qq.com"
# A token is renewed a little before WeChat lets it expire; the old one lives 5 minutes beside the new.
RENEW_BEFORE = timedelta(seconds=120)


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


class TokenCache(Protocol):
    """Where the access token is kept, so that all workers share one."""

    def load(self, appid: str) -> AccessToken | None:
        """The token kept for the mini-program, if any."""

    def store(self, appid: str, token: AccessToken) -> None:
        """Keep the token for the mini-program."""

    def drop(self, appid: str, value: str) -> None:
        """Forget the token, if it is still this one."""


class MemoryTokenCache:
    """A token cache for one process."""

    def __init__(self) -> None:
        self._tokens: dict[str, AccessToken] = {}
        self._lock = Lock()

    def load(self, appid: str) -> AccessToken | None:
        """The token kept for the mini-program, if any."""
        return self._tokens.get(appid)

    def store(self, appid: str, token: AccessToken) -> None:
        """Keep the token for the mini-program."""
        self._tokens[appid] = token

    def drop(self, appid: str, value: str) -> None:
        """Forget the token, unless another thread has renewed it meanwhile."""
        with self._lock:
            token = self._tokens.get(appid)
            if token is not None and token.value == value:
                del self._tokens[appid]


class MiniProgram:
    """A mini-program's server side. Safe for several threads."""

    def __init__(
        self,
        appid: str,
        secret: str,
        *,
        clock: Clock,
        tokens: TokenCache | None = None,
        base_url: str = BASE_URL,
        timeout: tuple[float, float] = TIMEOUT,
    ) -> None:
        self.appid = appid
        self._secret = secret
        self._clock = clock
        self._tokens = tokens or MemoryTokenCache()
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
        answer = self._call("GET", "/sns/jscode2session", params=query)
        return Session(_text(answer, "openid"), answer.get("unionid") or None, _text(answer, "session_key"))

    def phone_number(self, code: str) -> PhoneNumber:
        """Exchange the code of the phone button (not the login code). Raises BadCode, TooFrequent, GatewaySilent."""
        answer = self._with_token("/wxa/business/getuserphonenumber", {"code": code})
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
        state: Literal["developer", "trial", "formal"] = "formal",
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
        self._with_token("/cgi-bin/message/subscribe/send", message)

    def access_token(self) -> str:
        """The access token in use, fetched when none is kept or the kept one is about to expire."""
        kept = self._tokens.load(self.appid)
        if kept is not None and self._clock() < kept.expires_at - RENEW_BEFORE:
            return kept.value
        return self._fetch_token()

    def _fetch_token(self) -> str:
        # Normal mode gives every worker that asks the same token, so no lock among workers is needed.
        request = {
            "grant_type": "client_credential",
            "appid": self.appid,
            "secret": self._secret,
            "force_refresh": False,
        }
        asked_at = self._clock()
        answer = self._call("POST", "/cgi-bin/stable_token", json=request)
        lifetime = answer.get("expires_in")
        if type(lifetime) is not int:
            raise UnreadableAnswer("expires_in is missing")
        token = AccessToken(_text(answer, "access_token"), asked_at + timedelta(seconds=lifetime))
        self._tokens.store(self.appid, token)
        return token.value

    def _with_token(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        token = self.access_token()
        try:
            return self._call("POST", path, params={"access_token": token}, json=body)
        except BadToken:
            # Somebody forced a refresh elsewhere: forget this one and try once with the current one.
            self._tokens.drop(self.appid, token)
        return self._call("POST", path, params={"access_token": self.access_token()}, json=body)

    def _call(self, method: str, path: str, **parts: Any) -> dict[str, Any]:
        response = send(self._http, requests.Request(method, self._base_url + path, **parts), self._timeout)
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
