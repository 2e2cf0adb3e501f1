"""What WeChat Pay refuses in a request, field by field, before it looks at anything else."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import g, request

from wechat.simulator.store import MerchantAccount, Store
from wechat.simulator.wire import PayError

Body = dict[str, Any]

OUT_TRADE_NO = re.compile(r"[0-9A-Za-z_\-*]{6,32}")
OUT_REFUND_NO = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}")
NOTIFY_URL = re.compile(r"https?://[^?#\s]{1,247}")


@dataclass(frozen=True)
class Collector:
    """Who collects: a merchant, or a service provider for one of its sub-merchants."""

    mchid: str
    sub_mchid: str = ""
    appid: str = ""
    sub_appid: str = ""

    def owns(self, mchid: str, sub_mchid: str) -> bool:
        """Whether an order belongs to it."""
        return (self.mchid, self.sub_mchid) == (mchid, sub_mchid)


def merchant() -> MerchantAccount:
    """Who signed this request."""
    signed_by: MerchantAccount = g.merchant
    return signed_by


def body() -> Body:
    """The JSON object of this request."""
    try:
        sent = json.loads(request.get_data())
    except ValueError:
        sent = None
    if not isinstance(sent, dict):
        raise PayError(400, "PARAM_ERROR", "请求体不是JSON对象")
    return sent


def collector(fields: Mapping[str, Any], partner: bool, *, with_app: bool = False) -> Collector:
    """Who collects by these fields; with `partner` by sp_… and sub_…."""
    prefix = "sp_" if partner else ""
    signed_by, appid = merchant(), fields.get(f"{prefix}appid", "")
    if not isinstance(appid, str):
        raise PayError(400, "PARAM_ERROR", f"{prefix}appid不合法")
    if fields.get(f"{prefix}mchid") != signed_by.mchid:
        raise PayError(400, "PARAM_ERROR", "商户号与签名的商户号不一致")
    if with_app and appid not in signed_by.appids:
        raise PayError(400, "APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配")
    if not partner:
        return Collector(signed_by.mchid, appid=appid)
    return Collector(signed_by.mchid, sub_merchant(fields), appid, str(fields.get("sub_appid", "")))


def sub_merchant(fields: Mapping[str, Any]) -> str:
    """The sub-merchant named, one of who signed; nothing where none is named."""
    sub = fields.get("sub_mchid", "")
    if sub and sub not in merchant().subs:
        raise PayError(403, "NO_AUTH", "特约商户号未授权服务商")
    return str(sub)


def order(store: Store, asked: Body) -> None:
    """The fields that every kind of order has."""
    text(asked, "description", 127)
    pattern(asked, "out_trade_no", OUT_TRADE_NO)
    if len(str(asked.get("attach", ""))) > 128:
        raise PayError(400, "PARAM_ERROR", "attach长度超限")
    amount(asked.get("amount"), "total")
    expiry(store, asked.get("time_expire"))


def payer(store: Store, asked: Body, who: Collector) -> str:
    """The payer's openid of a JSAPI order, in the app it was made for."""
    given = asked.get("payer")
    if isinstance(given, dict):
        names = {"sp_openid": who.appid, "sub_openid": who.sub_appid} if who.sub_mchid else {"openid": who.appid}
        for name, appid in names.items():
            if appid and store.people.is_openid(given.get(name), appid):
                return str(given[name])
    raise PayError(400, "PARAM_ERROR", "appid和openid不匹配")


def amount(given: object, name: str) -> int:
    """A whole number of fen from 1 on, in yuan renminbi."""
    total = given.get(name) if isinstance(given, dict) else None
    if type(total) is not int or total < 1:
        raise PayError(400, "PARAM_ERROR", f"amount.{name}必须为大于0的整数")
    if isinstance(given, dict) and given.get("currency", "CNY") != "CNY":
        raise PayError(400, "PARAM_ERROR", "币种只支持CNY")
    return total


def text(asked: Mapping[str, Any], name: str, longest: int) -> str:
    """A text of 1 to so many characters."""
    value = asked.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise PayError(400, "PARAM_ERROR", f"{name}不合法")
    return value


def pattern(asked: Mapping[str, Any], name: str, form: re.Pattern[str]) -> str:
    """A text of this form."""
    value = asked.get(name)
    if not isinstance(value, str) or not form.fullmatch(value):
        raise PayError(400, "PARAM_ERROR", f"{name}不合法")
    return value


def expiry(store: Store, given: object) -> None:
    """A time with an offset that is still to come, or none."""
    if given is None:
        return
    try:
        expires_at = datetime.fromisoformat(str(given))
    except ValueError:
        expires_at = None
    if expires_at is None or expires_at.tzinfo is None or expires_at <= store.clock():
        raise PayError(400, "PARAM_ERROR", "time_expire不合法或已过期")
