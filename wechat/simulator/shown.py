"""Orders and refunds as WeChat Pay shows them."""

from __future__ import annotations

from typing import Any

from wechat.simulator.clock import rfc3339
from wechat.simulator.people import People
from wechat.simulator.store import Combined, Order, Refund

Body = dict[str, Any]

STATE_WORDS = {
    "SUCCESS": "支付成功",
    "REFUND": "转入退款",
    "NOTPAY": "订单未支付",
    "CLOSED": "订单已关闭",
    "REVOKED": "订单已撤销",
    "USERPAYING": "用户支付中，需要输入密码",
    "PAYERROR": "支付失败，请撤销订单",
}


def transaction(order: Order, people: People) -> Body:
    """The order as a query, a charge of a code and a payment notice show it."""
    shown: Body = {
        **names(order),
        "out_trade_no": order.out_trade_no,
        "trade_state": order.state,
        "trade_state_desc": STATE_WORDS[order.state],
        "attach": order.asked.get("attach", ""),
        "amount": {"total": order.total, "currency": "CNY"},
    }
    if order.trade_type == "MICROPAY":
        shown["trade_type"] = "MICROPAY"
    if order.paid_at is None:
        return shown
    money = {"total": order.total, "payer_total": order.total, "currency": "CNY", "payer_currency": "CNY"}
    return shown | {
        "transaction_id": order.transaction_id,
        "trade_type": order.trade_type,
        "bank_type": "OTHERS",
        "success_time": rfc3339(order.paid_at),
        "payer": payer(order, people),
        "amount": money,
    }


def combined(order: Combined) -> Body:
    """A combined order as a query and its notice show it."""
    return {
        "combine_appid": order.appid,
        "combine_mchid": order.mchid,
        "combine_out_trade_no": order.out_trade_no,
        "combine_payer_info": {"openid": order.openid},
        "sub_orders": [_part(part) for part in order.parts],
    }


def _part(part: Order) -> Body:
    shown: Body = {
        "mchid": part.mchid,
        **({"sub_mchid": part.sub_mchid} if part.sub_mchid else {}),
        "trade_type": part.trade_type,
        "trade_state": part.state,
        "attach": part.asked["attach"],
        "out_trade_no": part.out_trade_no,
        "amount": {"total_amount": part.total, "currency": "CNY"},
    }
    if part.paid_at is None:
        return shown
    shown["amount"] |= {"payer_amount": part.total, "payer_currency": "CNY"}
    return shown | {"transaction_id": part.transaction_id, "bank_type": "OTHERS", "success_time": rfc3339(part.paid_at)}


def names(order: Order) -> Body:
    """Who collects."""
    if not order.sub_mchid:
        return {"appid": order.appid, "mchid": order.mchid}
    sub = {"sub_appid": order.sub_appid} if order.sub_appid else {}
    return {"sp_appid": order.appid, "sp_mchid": order.mchid, **sub, "sub_mchid": order.sub_mchid}


def payer(order: Order, people: People) -> Body:
    """The payer, in each app that has a part in it."""
    if not order.sub_mchid:
        return {"openid": order.openid}
    sub = {"sub_openid": people.elsewhere(order.openid, order.sub_appid)} if order.sub_appid else {}
    return {"sp_openid": people.elsewhere(order.openid, order.appid), **sub}


def refund_answer(refund: Refund) -> Body:
    """The refund as the API shows it: `status`."""
    order = refund.order
    shown = {
        "refund_id": refund.refund_id,
        "out_refund_no": refund.out_refund_no,
        "transaction_id": order.transaction_id,
        "out_trade_no": order.out_trade_no,
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "create_time": rfc3339(refund.created_at),
        "status": refund.status,
        "funds_account": "AVAILABLE",
        "amount": _refund_money(refund)
        | {
            "settlement_refund": refund.amount,
            "settlement_total": order.total,
            "discount_refund": 0,
            "currency": "CNY",
        },
    }
    if refund.finished_at is not None:
        shown["success_time"] = rfc3339(refund.finished_at)
    return shown


def refund_notice(refund: Refund) -> Body:
    """The refund as its notice shows it: `refund_status`."""
    order = refund.order
    shown = {
        **({"sp_mchid": order.mchid, "sub_mchid": order.sub_mchid} if order.sub_mchid else {"mchid": order.mchid}),
        "transaction_id": order.transaction_id,
        "out_trade_no": order.out_trade_no,
        "refund_id": refund.refund_id,
        "out_refund_no": refund.out_refund_no,
        "refund_status": refund.status,
        "user_received_account": "支付用户零钱",
        "amount": _refund_money(refund),
    }
    if refund.finished_at is not None:
        shown["success_time"] = rfc3339(refund.finished_at)
    return shown


def _refund_money(refund: Refund) -> Body:
    total = refund.order.total
    return {"total": total, "refund": refund.amount, "payer_total": total, "payer_refund": refund.amount}
