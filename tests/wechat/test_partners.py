"""A service provider collects for its sub-merchants: the same client, the same simulator, other names on the wire."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from wechatpayv3 import WeChatPayType

from tests.wechat.conftest import Mailbox, Simulator, now
from tests.wechat.test_codes import scanned
from tests.wechat.test_independent import stranger
from tests.wechat.test_pay import number, read, refund_of, wait_for
from wechat.client import PayClient, SubMerchant
from wechat.errors import OrderMissing, OrderPaid, PayRefused

SUB_APP = "wx00000000000sub01"


@pytest.fixture
def partner(wechat: Simulator) -> PayClient:
    return wechat.pay_client(sub=SubMerchant(wechat.settings.sub_mchid))


def test_an_order_for_a_sub_merchant_is_paid_notified_and_refunded(
    wechat: Simulator, partner: PayClient, mailbox: tuple[Mailbox, str]
) -> None:
    box, url = mailbox
    order = wechat.order(number(), notify_url=url)
    params = partner.pay_params(order.appid, partner.prepay_jsapi(order))
    wechat.sim("pay", **params)
    seen = partner.query(order.out_trade_no)
    names = (seen.mchid, seen.sub_mchid, seen.appid, seen.sub_appid, seen.payer_openid)
    assert names == (wechat.settings.mchid, wechat.settings.sub_mchid, wechat.settings.appid, None, order.payer_openid)
    assert read(wechat, wait_for(lambda: box.deliveries)[0]).transaction() == seen
    assert partner.query_paid(str(seen.transaction_id)) == seen
    asked = refund_of(order.out_trade_no, 280, notify_url=url)
    assert partner.refund(asked).status == "PROCESSING"
    told = read(wechat, wait_for(lambda: box.deliveries[1:])[0]).refund()
    assert (told.mchid, told.sub_mchid, told.refund_fen) == (wechat.settings.mchid, wechat.settings.sub_mchid, 280)
    assert partner.query_refund(asked.out_refund_no).status == "SUCCESS"


def test_an_order_in_the_sub_merchants_own_app_names_the_payer_there(wechat: Simulator) -> None:
    partner = wechat.pay_client(sub=SubMerchant(wechat.settings.sub_mchid, SUB_APP))
    openid = wechat.sim("users", person="li-lei", appid=SUB_APP)["openid"]
    order = wechat.order(number(), payer_openid=openid)
    wechat.sim("pay", **partner.pay_params(SUB_APP, partner.prepay_jsapi(order)))
    seen = partner.query(order.out_trade_no)
    assert (seen.sub_appid, seen.payer_openid) == (SUB_APP, openid)
    assert seen.raw["payer"]["sp_openid"] == wechat.openid("li-lei")
    with pytest.raises(PayRefused, match="PARAM_ERROR"):
        partner.prepay_jsapi(wechat.order(number()))


def test_a_code_is_charged_and_reversed_for_a_sub_merchant(wechat: Simulator, partner: PayClient) -> None:
    order = scanned(wechat)
    charged = partner.charge_code(order)
    assert (charged.trade_state, charged.sub_mchid, charged.payer_openid) == ("SUCCESS", wechat.settings.sub_mchid, wechat.openid("li-lei"))
    partner.reverse(order.out_trade_no, order.appid)
    assert partner.query(order.out_trade_no).trade_state == "REVOKED"


def test_orders_of_one_collector_are_nothing_to_another(wechat: Simulator, pay: PayClient, partner: PayClient) -> None:
    order = wechat.order(number())
    partner.prepay_jsapi(order)
    for ask in (pay.query, pay.close):
        with pytest.raises(OrderMissing):
            ask(order.out_trade_no)
    wechat.sim("pay", out_trade_no=order.out_trade_no)
    with pytest.raises(OrderPaid):
        partner.close(order.out_trade_no)
    with pytest.raises(OrderMissing):
        pay.refund(refund_of(order.out_trade_no, 1))
    asked = refund_of(order.out_trade_no, 1)
    partner.refund(asked)
    with pytest.raises(OrderMissing):
        pay.query_refund(asked.out_refund_no)


def test_a_sub_merchant_of_somebody_else_is_refused(wechat: Simulator) -> None:
    stray = wechat.pay_client(sub=SubMerchant("1900000999"))
    with pytest.raises(PayRefused, match="NO_AUTH"):
        stray.prepay_jsapi(wechat.order(number()))
    with pytest.raises(PayRefused, match="NO_AUTH"):
        stray.query("anything")


def test_the_bill_of_a_sub_merchant_is_its_own(wechat: Simulator, pay: PayClient, partner: PayClient) -> None:
    theirs, ours = wechat.order(number()), wechat.order(number())
    partner.prepay_jsapi(theirs)
    pay.prepay_jsapi(ours)
    for order in (theirs, ours):
        wechat.sim("pay", out_trade_no=order.out_trade_no)
    wechat.sim("clock", advance=36 * 3600)
    try:
        later = wechat.pay_client(clock=lambda: now() + timedelta(hours=36), sub=partner.sub)
        text = later.trade_bill((now() + timedelta(hours=8)).date())
    finally:
        wechat.sim("clock", advance=-36 * 3600)
    assert theirs.out_trade_no in text and ours.out_trade_no not in text
    row = next(line for line in text.splitlines() if theirs.out_trade_no in line).split(",")
    assert row[3] == f"`{wechat.settings.sub_mchid}"


def test_an_independent_client_in_partner_mode_orders_charges_closes_and_refunds(wechat: Simulator) -> None:
    client, sub = stranger(wechat, partner_mode=True), wechat.settings.sub_mchid
    out_trade_no = number()
    payer = {"sp_openid": wechat.openid("han-meimei")}
    status, body = client.pay("奶茶", out_trade_no, {"total": 990}, payer, sub_mchid=sub)
    assert status == 200, body
    wechat.sim("pay", out_trade_no=out_trade_no)
    status, body = client.query(out_trade_no=out_trade_no, sub_mchid=sub)
    assert (status, json.loads(body)["sub_mchid"], json.loads(body)["payer"]) == (200, sub, payer)
    amount = {"refund": 90, "total": 990, "currency": "CNY"}
    status, body = client.refund(number(), amount, out_trade_no=out_trade_no, sub_mchid=sub)
    assert (status, json.loads(body)["status"]) == (200, "PROCESSING")
    unpaid = number()
    client.pay("奶茶", unpaid, {"total": 990}, payer, sub_mchid=sub)
    assert client.close(unpaid, sub_mchid=sub)[0] == 204
    code = replace(scanned(wechat), out_trade_no=number())
    said = {"payer": {"auth_code": code.auth_code}, "scene_info": {"store_info": {"out_id": "S1"}}}
    status, body = client.pay("奶茶", code.out_trade_no, {"total": 990}, pay_type=WeChatPayType.CODEPAY, sub_mchid=sub, **said)
    assert (status, json.loads(body)["trade_state"]) == (200, "SUCCESS")
    assert client.codepay_reverse(code.out_trade_no, sub_mchid=sub)[0] == 200
