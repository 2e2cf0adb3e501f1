"""The trade bill: CSV in UTF-8 with BOM, a backtick before every value, amounts in yuan, two summary lines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from wechat.simulator.checks import Collector
from wechat.simulator.clock import CHINA_OFFSET
from wechat.simulator.store import BillDifference, Order, Refund, Store

HEADER = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
SUMMARY = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"


@dataclass(frozen=True)
class Row:
    """One line: a payment, or money that went back (`back_fen`, with the numbers and status of the refund)."""

    order: Order
    at: datetime
    state: str
    paid_fen: int = 0
    back_fen: int = 0
    refund_id: str = "0"
    out_refund_no: str = "0"
    refund_status: str = ""

    @property
    def number(self) -> str:
        """Ours: of the refund, or of the order."""
        return self.out_refund_no if self.state == "REFUND" else self.order.out_trade_no


def trade_bill(store: Store, who: Collector, day: date, bill_type: str) -> bytes:
    """The bill of one Beijing day: ALL, SUCCESS or REFUND."""
    orders = [order for order in store.orders.values() if who.owns(order.mchid, order.sub_mchid)]
    refunds = [refund for refund in store.refunds.values() if who.owns(refund.order.mchid, refund.order.sub_mchid)]
    paid = [_payment(order) for order in orders if order.paid_at and _on(order.paid_at, day)]
    back = [_refund(refund) for refund in refunds if _on(refund.created_at, day)]
    back += [_reversal(order) for order in orders if order.paid_at and order.reversed_at and _on(order.reversed_at, day)]
    rows = (paid if bill_type != "REFUND" else []) + (back if bill_type != "SUCCESS" else [])
    rows = _with_differences(store, who, day, rows) if bill_type == "ALL" else rows
    lines = [HEADER, *(_line(_values(row)) for row in rows), SUMMARY, _line(_summary(rows))]
    return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()


def _with_differences(store: Store, who: Collector, day: date, rows: list[Row]) -> list[Row]:
    for difference in store.bill_differences:
        if difference.kind == "extra" and difference.mchid == who.mchid and difference.at and _on(difference.at, day):
            rows = [*rows, _payment(_never_placed(store, difference, difference.at))]
        elif difference.kind != "extra":
            rows = [kept for row in rows if (kept := _changed(row, difference)) is not None]
    return rows


def _changed(row: Row, difference: BillDifference) -> Row | None:
    if difference.mchid != row.order.mchid or difference.number != row.number:
        return row
    if difference.kind == "missing":
        return None
    if difference.kind == "amount":
        if row.back_fen:
            return replace(row, back_fen=row.back_fen + difference.fen)
        return replace(row, paid_fen=row.paid_fen + difference.fen)
    return replace(row, refund_status=difference.status) if row.back_fen else replace(row, state=difference.status)


def _never_placed(store: Store, difference: BillDifference, at: datetime) -> Order:
    appid = next(iter(sorted(store.merchants[difference.mchid].appids)))
    asked = {"amount": {"total": difference.fen}, "description": "?"}
    order = Order(difference.mchid, appid, difference.number, asked, store.people.openid("nobody", appid), at)
    order.transaction_id, order.paid_at = f"42{difference.number.rjust(26, '0')[-26:]}", at
    return order


def _payment(order: Order) -> Row:
    return Row(order, order.paid_at or order.created_at, "SUCCESS", paid_fen=order.total)


def _refund(refund: Refund) -> Row:
    numbers = (refund.refund_id, refund.out_refund_no, refund.status)
    return Row(refund.order, refund.created_at, "REFUND", 0, refund.amount, *numbers)


def _reversal(order: Order) -> Row:
    return Row(order, order.reversed_at or order.created_at, "REVOKED", back_fen=order.total, refund_status="SUCCESS")


def _summary(rows: list[Row]) -> list[str]:
    total, returned = sum(row.paid_fen for row in rows), sum(row.back_fen for row in rows)
    return [str(len(rows)), _yuan(total), _yuan(returned), "0.00", "0.00", _yuan(total), _yuan(returned)]


def _values(row: Row) -> list[str]:
    order = row.order
    when = (row.at + CHINA_OFFSET).strftime("%Y-%m-%d %H:%M:%S")
    numbers = [order.transaction_id or "", order.out_trade_no, order.openid]
    head = [when, order.appid, order.mchid, order.sub_mchid or "0", "", *numbers, order.trade_type, row.state, "OTHERS", "CNY"]
    kind = "ORIGINAL" if row.back_fen else ""
    money = [_yuan(row.paid_fen), "0.00", row.refund_id, row.out_refund_no, _yuan(row.back_fen), "0.00", kind, row.refund_status]
    tail = [order.asked["description"], order.asked.get("attach", ""), "0.00000", "0.60%"]
    return [*head, *money, *tail, _yuan(row.paid_fen), _yuan(row.back_fen), ""]


def _on(at: datetime, day: date) -> bool:
    return (at + CHINA_OFFSET).date() == day


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def _line(values: Iterable[str]) -> str:
    return ",".join(f"`{value}" for value in values)
