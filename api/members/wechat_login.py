"""The seam to WeChat's mini-program: a login code becomes an identity, a phone button's code a verified phone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from api.kit import clock, logs, tokens
from api.members import errors, phones
from api.members.proofs import ProvenIdentity
from api.settings import Settings
from wechat import errors as vendor
from wechat.miniprogram import AccessToken, MiniProgram

log = logs.get(__name__)
T = TypeVar("T")

_program: MiniProgram | None = None


def configure(settings: Settings) -> None:
    """Take the mini-program's id and secret; nothing is contacted yet."""
    global _program
    _program = MiniProgram(
        settings.wechat_appid,
        settings.wechat_secret,
        clock=clock.now,
        tokens=tokens.SharedTokens(AccessToken),
        base_url=settings.wechat_api,
    )


def sign_in(js_code: str) -> ProvenIdentity:
    """Who is behind a code of wx.login. LoginCodeRefused, LoginBlocked, GatewaySilent, GatewayBusy, GatewayMisconfigured."""
    program = _ready()
    session = _translated(lambda: program.code_to_session(js_code), errors.LoginCodeRefused)
    return ProvenIdentity("wechat", program.appid, (session.openid,), session.unionid)


def phone(code: str) -> str:
    """The normalised phone behind a code of the phone button. PhoneProofRefused, GatewaySilent, …"""
    program = _ready()
    number = _translated(lambda: program.phone_number(code), errors.PhoneProofRefused)
    return phones.normalise(f"+{number.country_code}{number.pure}")


def _ready() -> MiniProgram:
    if _program is None:
        raise RuntimeError("The WeChat seam is not configured.")
    return _program


def _translated(call: Callable[[], T], refused: type[errors.LoginCodeRefused | errors.PhoneProofRefused]) -> T:
    try:
        return call()
    except vendor.BadCode:
        raise refused() from None
    except vendor.Blocked:
        raise errors.LoginBlocked() from None
    except (vendor.TooFrequent, vendor.Busy):
        raise errors.GatewayBusy() from None
    except (vendor.BadApp, vendor.BadToken) as trouble:
        log.error("WeChat refuses our credentials", errcode=trouble.errcode)
        raise errors.GatewayMisconfigured() from None
    except vendor.WeChatError as trouble:
        log.warning("WeChat did not answer usefully", error_type=type(trouble).__name__)
        raise errors.GatewaySilent() from None
