"""Combined orders: placed, paid and closed together, each refunded alone."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from wechat.simulator import checks, shown
from wechat.simulator.checks import Body, Collector
from wechat.simulator.store import Combined, MerchantAccount, Order
from wechat.simulator.till import Till
from wechat.simulator.wire import PayError, json_answer

ORDERS = 50


def routes(api: Blueprint, till: Till) -> None:
    """The calls under /combine-transactions."""

    @api.post("/combine-transactions/jsapi")
    def combine() -> Response:
        with till.store.lock:
            return json_answer({"prepay_id": prepay(till, checks.merchant(), checks.body()).prepay_id})

    @api.get("/combine-transactions/out-trade-no/<out_trade_no>")
    def query_combined(out_trade_no: str) -> Response:
        with till.store.lock:
            return json_answer(shown.combined(find(till, checks.merchant(), out_trade_no)))

    @api.post("/combine-transactions/out-trade-no/<out_trade_no>/close")
    def close_combined(out_trade_no: str) -> Response:
        with till.store.lock:
            close(till, find(till, checks.merchant(), out_trade_no), checks.body())
        return Response(status=204)


def prepay(till: Till, merchant: MerchantAccount, asked: Body) -> Combined:
    """All orders or none; the same again where everything asked is the same."""
    subs = _check(till, merchant, asked)
    number = asked["combine_out_trade_no"]
    known = till.store.combined.get((merchant.mchid, number))
    if known is None:
        known = _new(till, merchant, asked, subs)
    else:
        till.still_open(known, asked)
    till.give_prepay_id(known)
    return known


def find(till: Till, merchant: MerchantAccount, out_trade_no: str) -> Combined:
    """The merchant's combined order. Raises 404 ORDER_NOT_EXIST."""
    order = till.store.combined.get((merchant.mchid, out_trade_no))
    if order is None:
        raise PayError(404, "ORDER_NOT_EXIST", "订单不存在")
    return order


def close(till: Till, combined: Combined, asked: Body) -> None:
    """Close every order of it; only together."""
    named = {(sub.get("mchid"), sub.get("out_trade_no")) for sub in asked.get("sub_orders") or []}
    if asked.get("combine_appid") != combined.appid or named != {(part.mchid, part.out_trade_no) for part in combined.parts}:
        raise PayError(400, "PARAM_ERROR", "combine_appid或sub_orders与下单时不一致")
    for part in combined.parts:
        till.close(part)


def _check(till: Till, merchant: MerchantAccount, asked: Body) -> list[Body]:
    if asked.get("combine_mchid") != merchant.mchid:
        raise PayError(400, "PARAM_ERROR", "商户号与签名的商户号不一致")
    if asked.get("combine_appid") not in merchant.appids:
        raise PayError(400, "APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配")
    checks.pattern(asked, "combine_out_trade_no", checks.OUT_TRADE_NO)
    checks.pattern(asked, "notify_url", checks.NOTIFY_URL)
    checks.expiry(till.store, asked.get("time_expire"))
    subs = asked.get("sub_orders")
    if not isinstance(subs, list) or not 1 <= len(subs) <= ORDERS or not all(isinstance(sub, dict) for sub in subs):
        raise PayError(400, "PARAM_ERROR", "sub_orders为1到50个子单")
    for sub in subs:
        _check_sub(till, asked, sub)
    if len({sub["out_trade_no"] for sub in subs}) < len(subs):
        raise PayError(400, "PARAM_ERROR", "子单商户订单号重复")
    payer = asked.get("combine_payer_info")
    checks.payer(till.store, {"payer": payer}, Collector(merchant.mchid, appid=asked["combine_appid"]))
    return subs


def _check_sub(till: Till, asked: Body, sub: Body) -> None:
    checks.pattern(sub, "out_trade_no", checks.OUT_TRADE_NO)
    checks.text(sub, "description", 127)
    checks.text(sub, "attach", 128)
    checks.amount(sub.get("amount"), "total_amount")
    collecting = till.store.merchants.get(str(sub.get("mchid")))
    if collecting is None or asked["combine_appid"] not in collecting.appids:
        raise PayError(400, "APPID_MCHID_NOT_MATCH", "子单商户号与appid不匹配")
    if sub.get("sub_mchid") and sub["sub_mchid"] not in collecting.subs:
        raise PayError(403, "NO_AUTH", "特约商户号未授权服务商")


def _new(till: Till, merchant: MerchantAccount, asked: Body, subs: list[Body]) -> Combined:
    for sub in subs:
        if (sub["mchid"], sub["out_trade_no"]) in till.store.orders:
            raise PayError(403, "OUT_TRADE_NO_USED", "商户订单号重复")
    openid, now = str(asked["combine_payer_info"]["openid"]), till.store.clock()
    parts = [
        Order(sub["mchid"], asked["combine_appid"], sub["out_trade_no"], _plain(asked, sub), openid, now, str(sub.get("sub_mchid", "")))
        for sub in subs
    ]
    for part in parts:
        till.store.orders[part.mchid, part.out_trade_no] = part
    combined = Combined(merchant.mchid, asked["combine_appid"], asked["combine_out_trade_no"], asked, openid, now, parts)
    till.store.combined[merchant.mchid, combined.out_trade_no] = combined
    return combined


def _plain(asked: Body, sub: Body) -> dict[str, Any]:
    # As an order of its own would have been asked for: `total` there, `total_amount` here.
    return {**sub, "amount": {"total": sub["amount"]["total_amount"]}, "notify_url": asked["notify_url"]}
