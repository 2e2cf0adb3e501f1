"""Several orders, one password: placed, paid, told and closed together, refunded one by one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import requests

from tests.wechat.conftest import Mailbox, Simulator
from tests.wechat.test_independent import stranger
from tests.wechat.test_pay import number, placed, read, wait_for
from wechat.client import PayClient, RefundOrder
from wechat.combine import Combined, CombinedOrder, SubOrder
from wechat.errors import OrderClosed, OrderMissing, OrderNumberUsed, OrderPaid, PayRefused, UnreadableNotice

OTHER = "1900000309"


@pytest.fixture
def combined(wechat: Simulator, pay: PayClient) -> Combined:
    wechat.sim("merchants", mchid=OTHER, appids=[wechat.settings.appid])
    return Combined(pay)


def basket(wechat: Simulator, **changed: Any) -> CombinedOrder:
    """Two orders: of our own merchant, and of another one of the mall."""
    orders = (
        SubOrder(wechat.settings.mchid, number(), "一楼 奶茶", 1280, "S0017"),
        SubOrder(OTHER, number(), "三楼 面馆", 3600, "S0301"),
    )
    said = {"appid": wechat.settings.appid, "out_trade_no": number(), "payer_openid": wechat.openid("li-lei"), "orders": orders}
    return CombinedOrder(**{**said, "notify_url": "http://127.0.0.1:9/nobody", **changed})


def test_all_orders_are_paid_with_one_password_and_told_in_one_notice(
    wechat: Simulator, pay: PayClient, combined: Combined, mailbox: tuple[Mailbox, str]
) -> None:
    box, url = mailbox
    order = basket(wechat, notify_url=url)
    prepay_id = combined.prepay_jsapi(order)
    assert prepay_id == combined.prepay_jsapi(order)
    assert {part.trade_state for part in combined.query(order.out_trade_no).orders} == {"NOTPAY"}
    numbers = wechat.sim("pay", **pay.pay_params(order.appid, prepay_id))["transaction_ids"]
    seen = combined.query(order.out_trade_no)
    assert [part.transaction_id for part in seen.orders] == numbers
    assert [(part.mchid, part.trade_state, part.total_fen, part.payer_total_fen, part.attach) for part in seen.orders] == [
        (wechat.settings.mchid, "SUCCESS", 1280, 1280, "S0017"),
        (OTHER, "SUCCESS", 3600, 3600, "S0301"),
    ]
    assert seen.payer_openid == order.payer_openid
    notice = read(wechat, wait_for(lambda: box.deliveries)[0])
    assert notice.is_combined and notice.combined() == seen
    with pytest.raises(UnreadableNotice):
        notice.transaction()


def test_the_amounts_are_called_total_amount_here(wechat: Simulator, combined: Combined, pay: PayClient) -> None:
    order = basket(wechat)
    combined.prepay_jsapi(order)
    raw = combined.query(order.out_trade_no).raw["sub_orders"][0]["amount"]
    assert (raw["total_amount"], "total" in raw) == (1280, False)
    asked = {
        "combine_appid": order.appid,
        "combine_mchid": wechat.settings.mchid,
        "combine_out_trade_no": number(),
        "combine_payer_info": {"openid": order.payer_openid},
        "notify_url": order.notify_url,
        "sub_orders": [
            {"mchid": OTHER, "out_trade_no": number(), "description": "x", "attach": "y", "amount": {"total": 1, "currency": "CNY"}}
        ],
    }
    with pytest.raises(PayRefused, match="PARAM_ERROR"):
        pay.post("/v3/combine-transactions/jsapi", asked)


def test_each_order_is_refunded_alone_by_its_own_number(wechat: Simulator, pay: PayClient, combined: Combined) -> None:
    order = basket(wechat)
    combined.prepay_jsapi(order)
    wechat.sim("pay", out_trade_no=order.out_trade_no)
    mine = order.orders[0]
    refund = pay.refund(RefundOrder(mine.out_trade_no, number(), 280, 1280))
    assert refund.transaction_id == pay.query(mine.out_trade_no).transaction_id
    assert [part.trade_state for part in combined.query(order.out_trade_no).orders] == ["REFUND", "SUCCESS"]
    with pytest.raises(OrderMissing):
        pay.refund(RefundOrder(order.orders[1].out_trade_no, number(), 1, 3600))


def test_all_orders_are_closed_together_or_none(wechat: Simulator, combined: Combined) -> None:
    order = basket(wechat)
    combined.prepay_jsapi(order)
    with pytest.raises(PayRefused, match="PARAM_ERROR"):
        combined.close(order.out_trade_no, order.appid, order.orders[:1])
    for _ in range(2):
        combined.close(order.out_trade_no, order.appid, order.orders)
    assert {part.trade_state for part in combined.query(order.out_trade_no).orders} == {"CLOSED"}
    assert requests.post(f"{wechat.url}/_sim/pay", json={"out_trade_no": order.out_trade_no}, timeout=5).status_code == 409
    with pytest.raises(OrderClosed):
        combined.prepay_jsapi(order)


def test_paid_orders_are_not_closed_and_unknown_ones_are_missing(wechat: Simulator, combined: Combined) -> None:
    order = basket(wechat)
    combined.prepay_jsapi(order)
    wechat.sim("pay", out_trade_no=order.out_trade_no)
    with pytest.raises(OrderPaid):
        combined.close(order.out_trade_no, order.appid, order.orders)
    with pytest.raises(OrderMissing):
        combined.query("unknown-number")


def test_a_number_is_used_for_the_same_orders_only(wechat: Simulator, pay: PayClient, combined: Combined) -> None:
    order = basket(wechat)
    combined.prepay_jsapi(order)
    dearer = tuple(replace(sub, total_fen=sub.total_fen + 1) for sub in order.orders)
    with pytest.raises(OrderNumberUsed):
        combined.prepay_jsapi(replace(order, orders=dearer))
    with pytest.raises(OrderNumberUsed):
        combined.prepay_jsapi(replace(order, out_trade_no=number()))
    taken = placed(wechat, pay)
    with pytest.raises(OrderNumberUsed):
        combined.prepay_jsapi(basket(wechat, orders=(replace(order.orders[0], out_trade_no=taken),)))


@pytest.mark.parametrize(
    "change",
    [
        {"total_fen": 0},
        {"attach": ""},
        {"description": ""},
        {"mchid": "1900000999"},
        {"out_trade_no": "short"},
        {"sub_mchid": "1900000999"},
    ],
)
def test_one_wrong_order_refuses_all(wechat: Simulator, combined: Combined, change: dict[str, Any]) -> None:
    order = basket(wechat)
    wrong = replace(order, orders=(order.orders[0], replace(order.orders[1], **change)))
    with pytest.raises(PayRefused):
        combined.prepay_jsapi(wrong)
    with pytest.raises(OrderMissing):
        combined.query(order.out_trade_no)


def test_fifty_orders_are_combined_and_not_one_more(wechat: Simulator, combined: Combined) -> None:
    orders = tuple(SubOrder(OTHER, number(), "x", 1, "y") for _ in range(51))
    with pytest.raises(PayRefused, match="PARAM_ERROR"):
        combined.prepay_jsapi(basket(wechat, orders=orders))
    with pytest.raises(PayRefused, match="PARAM_ERROR"):
        combined.prepay_jsapi(basket(wechat, orders=()))
    assert combined.prepay_jsapi(basket(wechat, orders=orders[:50]))


def test_an_independent_client_combines_queries_and_closes(wechat: Simulator, combined: Combined) -> None:
    client, combine_no = stranger(wechat), number()
    subs = [
        {"mchid": wechat.settings.mchid, "out_trade_no": number(), "description": "奶茶", "attach": "S1", "amount": {"total_amount": 990}},
        {"mchid": OTHER, "out_trade_no": number(), "description": "面", "attach": "S2", "amount": {"total_amount": 10}},
    ]
    status, body = client.combine_pay(combine_no, subs, combine_payer_info={"openid": wechat.openid("han-meimei")})
    assert status == 200 and json.loads(body)["prepay_id"].startswith("wx")
    names = [{"mchid": sub["mchid"], "out_trade_no": sub["out_trade_no"]} for sub in subs]
    assert client.combine_close(combine_no, names)[0] == 204
    states = [sub["trade_state"] for sub in json.loads(client.combine_query(combine_no)[1])["sub_orders"]]
    assert states == ["CLOSED", "CLOSED"]
