"""The trade bill: CSV in UTF-8 with BOM, a backtick before every value, amounts in yuan, two summary lines."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from wechat.simulator.clock import CHINA_OFFSET
from wechat.simulator.store import Order, Refund, Store

HEADER = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
SUMMARY = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"


def trade_bill(store: Store, mchid: str, day: date, bill_type: str) -> bytes:
    """The bill of one Beijing day: ALL, SUCCESS or REFUND."""
    paid = [order for order in store.orders.values() if order.mchid == mchid and _on(order.paid_at, day)]
    back = [refund for (owner, _), refund in store.refunds.items() if owner == mchid and _on(refund.created_at, day)]
    paid, back = (paid if bill_type != "REFUND" else []), (back if bill_type != "SUCCESS" else [])
    rows = [_paid_row(order) for order in paid] + [_refund_row(refund) for refund in back]
    lines = [HEADER, *map(_line, rows), SUMMARY, _line(_summary(paid, back))]
    return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()


def _summary(paid: list[Order], back: list[Refund]) -> list[str]:
    total, returned = sum(order.total for order in paid), sum(refund.amount for refund in back)
    count = str(len(paid) + len(back))
    return [count, _yuan(total), _yuan(returned), "0.00", "0.00", _yuan(total), _yuan(returned)]


def _paid_row(order: Order) -> list[str]:
    money = [_yuan(order.total), "0.00", "0", "0", "0.00", "0.00", "", ""]
    tail = [order.asked["description"], order.asked.get("attach", ""), "0.00000", "0.60%"]
    return [*_head(order, order.paid_at, "SUCCESS"), *money, *tail, _yuan(order.total), "0.00", ""]


def _refund_row(refund: Refund) -> list[str]:
    order = refund.order
    numbers = [refund.refund_id, refund.out_refund_no]
    money = ["0.00", "0.00", *numbers, _yuan(refund.amount), "0.00", "ORIGINAL", refund.status]
    tail = [order.asked["description"], order.asked.get("attach", ""), "0.00000", "0.60%"]
    return [*_head(order, refund.created_at, "REFUND"), *money, *tail, "0.00", _yuan(refund.amount), ""]


def _head(order: Order, at: datetime | None, state: str) -> list[str]:
    when = (at + CHINA_OFFSET).strftime("%Y-%m-%d %H:%M:%S") if at else ""
    payer = order.asked["payer"]["openid"]
    numbers = [order.transaction_id or "", order.out_trade_no, payer]
    return [when, order.appid, order.mchid, "0", "", *numbers, "JSAPI", state, "OTHERS", "CNY"]


def _on(at: datetime | None, day: date) -> bool:
    return at is not None and (at + CHINA_OFFSET).date() == day


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def _line(values: Iterable[str]) -> str:
    return ",".join(f"`{value}" for value in values)
