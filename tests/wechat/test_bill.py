"""WeChat Pay's trade bill as text: read whole, or refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.wechat.conftest import Simulator, now
from tests.wechat.test_pay import number, paid, refund_of
from wechat import bill
from wechat.client import PayClient
from wechat.errors import UnreadableAnswer

HEADER = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
PAID = (
    "`2026-11-25 00:00:03,`wxa,`190,`0,`,`4200001,`P1,`oA,`JSAPI,`SUCCESS,`OTHERS,`CNY,`12.80,`0.00,`0,`0,`0.00,`0.00,`,`,"
    "`面馆, 三楼,`,`0.07680,`0.60%,`12.80,`0.00,`"
)
BACK = (
    "`2026-11-25 09:00:00,`wxa,`190,`0,`,`4200001,`P1,`oA,`JSAPI,`REFUND,`OTHERS,`CNY,`0.00,`0.00,`503,`R1,`2.80,`0.00,`ORIGINAL,`SUCCESS,"
    "`面馆,`,`-0.01680,`0.60%,`0.00,`2.80,`"
)
TOTALS = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
SUMMARY = TOTALS + "\n`{},`12.80,`2.80,`0.00,`0.06,`12.80,`2.80"


def text(*lines: str, count: int | None = None) -> str:
    return "\r\n".join([HEADER, *lines, *SUMMARY.format(len(lines) if count is None else count).split("\n")]) + "\r\n"


def test_payments_and_money_back_are_read_to_the_fen() -> None:
    one, back = bill.read(text(PAID, BACK))
    assert (one.state, one.out_trade_no, one.transaction_id, one.amount_fen, one.fee_fen) == ("SUCCESS", "P1", "4200001", 1_280, 8)
    assert one.at == datetime(2026, 11, 24, 16, 0, 3, tzinfo=UTC)
    assert (back.state, back.out_refund_no, back.refund_id, back.refund_status) == ("REFUND", "R1", "503", "SUCCESS")
    assert (back.amount_fen, back.fee_fen) == (280, -2)
    assert one.raw["商品名称"] == "面馆, 三楼"


def test_an_empty_bill_is_a_bill() -> None:
    assert bill.read(text()) == []


@pytest.mark.parametrize(
    "broken",
    [
        "",
        HEADER,
        text(PAID)[:-40],
        text(PAID, count=2),
        text(PAID.replace("`12.80,`0.00,`\r", "")).replace("12.80", "12.8"),
        text(PAID.replace("`SUCCESS", "`NOTPAY")),
        text(PAID.removesuffix(",`")),
        text(PAID.replace("2026-11-25", "25.11.2026")),
        text(PAID).replace("微信订单号", "订单号"),
        text(PAID) + "one more line\r\n",
        text(PAID).replace("`wxa", "wxa"),
    ],
)
def test_what_is_less_than_a_bill_is_refused(broken: str) -> None:
    with pytest.raises(UnreadableAnswer):
        bill.read(broken)


def test_what_the_simulator_bills_is_read(wechat: Simulator, pay: PayClient) -> None:
    out_trade_no = paid(wechat, pay)
    given = pay.refund(refund_of(out_trade_no, 280))
    wechat.sim("clock", advance=36 * 3600)
    lines = bill.read(wechat.pay_client(clock=lambda: now() + timedelta(hours=36)).trade_bill((now() + timedelta(hours=8)).date()))
    mine = [(line.state, line.amount_fen, line.out_refund_no) for line in lines if line.out_trade_no == out_trade_no]
    assert mine == [("SUCCESS", 1_280, "0"), ("REFUND", 280, given.out_refund_no)]
    assert number() not in {line.out_trade_no for line in lines}
