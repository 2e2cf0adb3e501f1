"""The rules of trades and refunds. The caller holds the store's lock. Amounts inside are whole fen."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from alipay.money import fen, yuan
from alipay.signing import BEIJING, beijing, instant
from alipay.simulator.failures import Failure, business
from alipay.simulator.notice_sender import NoticeSender
from alipay.simulator.store import Application, PayCode, Refund, Store, Trade

TRADE_LIFE = timedelta(days=15)
REFUNDS_APART = timedelta(seconds=3)
CANCEL_WITHIN = timedelta(hours=24)
LARGEST_FEN = 100_000_000 * 100

_OUT_TRADE_NO = re.compile(r"[0-9A-Za-z_]{1,64}")
_SUBJECT = re.compile(r"[^/=&]{1,256}")
_AUTH_CODE = re.compile(r"(?:2[5-9]|30)\d{14,22}")
_TIMEOUT = re.compile(r"([1-9]\d{0,4})([mhd])")
_UNIT = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}

Content = dict[str, Any]
OK: Content = {"code": "10000", "msg": "Success"}
WAITING: Content = {"code": "10003", "msg": " order success pay inprocess"}


class Trades:
    """Every trade of every application."""

    def __init__(self, store: Store, notice_sender: NoticeSender, identity: str) -> None:
        self._store = store
        self._notice_sender = notice_sender
        self._identity = identity

    def create(self, app: Application, asked: Content, notify_url: str) -> Content:
        """A new trade, or the same one again where everything asked is the same."""
        total = _check_create(asked)
        trade = self._store.trades.get((app.app_id, asked["out_trade_no"]))
        if trade is None:
            trade = self._new(app, asked, total, notify_url)
            trade.buyer = _asked_buyer(asked)
        else:
            _check_repeat(self._aged(trade), asked)
        return OK | {"out_trade_no": trade.out_trade_no, "trade_no": trade.trade_no}

    def charge(self, app: Application, asked: Content, notify_url: str) -> Content:
        """Pay at once with the code of a phone, or wait for its password (10003)."""
        total = _check_charge(asked)
        trade = self._store.trades.get((app.app_id, asked["out_trade_no"]))
        if trade is None:
            code = self._use_pay_code(str(asked["auth_code"]))
            trade = self._new(app, asked, total, notify_url)
            trade.buyer = self._buyer_of(code.person, app)
            if not code.needs_password:
                self.pay(trade, notify=True)
        else:
            _check_repeat(self._aged(trade), asked)
        paid = yuan(total if trade.paid_at else 0)
        shown = dict.fromkeys(("receipt_amount", "invoice_amount", "buyer_pay_amount"), paid) | {"point_amount": "0.00"}
        shown |= _numbers(trade) | {"total_amount": yuan(total), "buyer_logon_id": "138****0000"} | trade.buyer
        if trade.paid_at is None:
            return WAITING | shown
        return OK | shown | {"gmt_payment": beijing(trade.paid_at), "fund_bill_list": _fund_bill(paid)}

    def _use_pay_code(self, value: str) -> PayCode:
        code = self._store.pay_codes.get(value)
        if code is None or code.used or self._store.clock() >= code.expires_at:
            raise business("PAYMENT_AUTH_CODE_INVALID", "支付失败，获取顾客账户信息失败，请顾客刷新付款码后重新收款")
        code.used = True
        if code.refuse:
            raise business(code.refuse.removeprefix("ACQ."), "支付失败")
        return code

    def _buyer_of(self, name: str, app: Application) -> dict[str, str]:
        person = self._store.people.named(name)
        both = {"buyer_open_id": self._store.people.open_id(name, app.app_id), "buyer_user_id": person.user_id}
        return {field: value for field, value in both.items() if self._identity in ("both", field.removeprefix("buyer_"))}

    def query(self, app: Application, asked: Content) -> Content:
        """The trade as it is now."""
        trade = self.find(app, asked)
        shown = OK | {
            **_numbers(trade),
            "trade_status": trade.status,
            "total_amount": yuan(trade.total),
            "buyer_logon_id": "138****0000",
            **trade.buyer,
        }
        if trade.paid_at is None:
            return shown
        paid = yuan(trade.total)
        shown |= dict.fromkeys(("receipt_amount", "invoice_amount", "buyer_pay_amount"), paid)
        return shown | {"point_amount": "0.00", "send_pay_date": beijing(trade.paid_at), "fund_bill_list": _fund_bill(paid)}

    def close(self, app: Application, asked: Content) -> Content:
        """Close a trade that waits for its buyer."""
        trade = self.find(app, asked)
        if trade.status != "WAIT_BUYER_PAY":
            raise business("TRADE_STATUS_ERROR", "交易状态不合法")
        trade.status, trade.closed_at = "TRADE_CLOSED", self._store.clock()
        return OK | _numbers(trade)

    def cancel(self, app: Application, asked: Content) -> Content:
        """Undo a trade of the last 24 hours: close it, or give everything back. An unknown one: nothing, and no action."""
        try:
            trade = self.find(app, asked)
        except Failure:
            return OK | {"out_trade_no": str(asked.get("out_trade_no", "")), "retry_flag": "N"}
        if trade.status == "WAIT_BUYER_PAY":
            trade.status, trade.closed_at = "TRADE_CLOSED", self._store.clock()
        elif trade.refunded < trade.total and trade.paid_at is not None:
            self._check_cancel(app, trade)
            self._give_back(trade, trade.total, trade.out_trade_no)
        return OK | _numbers(trade) | {"retry_flag": "N", "action": "refund" if trade.paid_at else "close"}

    def _check_cancel(self, app: Application, trade: Trade) -> None:
        if trade.status == "TRADE_FINISHED":
            raise business("TRADE_HAS_FINISHED", "交易已经完结")
        if self._store.clock() - trade.created_at >= CANCEL_WITHIN:
            raise business("TRADE_CANCEL_TIME_OUT", "超过撤销时间范围")
        if trade.refunds:
            raise business("REASON_TRADE_REFUND_FEE_ERR", "退款金额无效")
        if not app.can_refund:
            raise business("SELLER_BALANCE_NOT_ENOUGH", "商户的支付宝账户中无足够的资金进行撤销")

    def refund(self, app: Application, asked: Content) -> Content:
        """Give money back; the same out_request_no again answers fund_change N."""
        trade = self.find(app, asked)
        amount = _amount(asked.get("refund_amount"))
        number = str(asked.get("out_request_no") or trade.out_trade_no)
        known = next((refund for refund in trade.refunds if refund.out_request_no == number), None)
        if known is None:
            self._check_refund(app, trade, amount, whole="out_request_no" not in asked)
            self._give_back(trade, amount, number)
        elif known.amount != amount:
            raise business("DISCORDANT_REPEAT_REQUEST", "不一致的请求")
        return OK | {
            **_numbers(trade),
            "buyer_logon_id": "138****0000",
            **trade.buyer,
            "fund_change": "Y" if known is None else "N",
            "refund_fee": yuan(trade.refunded),
            "gmt_refund_pay": beijing(trade.refunds[-1].at),
        }

    def query_refund(self, app: Application, asked: Content) -> Content:
        """A refund of the trade; an unknown one is a success without refund_status."""
        trade = self.find(app, asked)
        number = str(asked.get("out_request_no", ""))
        known = next((refund for refund in trade.refunds if refund.out_request_no == number), None)
        shown = OK | _numbers(trade) | {"out_request_no": number}
        if known is None:
            return OK.copy()
        return shown | {
            "total_amount": yuan(trade.total),
            "refund_amount": yuan(known.amount),
            "refund_status": "REFUND_SUCCESS",
            "gmt_refund_pay": beijing(known.at),
        }

    def find(self, app: Application, asked: Content) -> Trade:
        """The application's trade; trade_no wins over out_trade_no. Raises ACQ.TRADE_NOT_EXIST."""
        by_number = self._store.trades.get((app.app_id, str(asked.get("out_trade_no"))))
        trade = self._store.by_trade_no.get(str(asked["trade_no"])) if asked.get("trade_no") else by_number
        if trade is None or trade.app_id != app.app_id:
            raise business("TRADE_NOT_EXIST", "交易不存在")
        return self._aged(trade)

    def pay(self, trade: Trade, *, notify: bool, late: bool = False) -> None:
        """The buyer pays on the phone, unless the trade cannot be paid any more; `late`: begun before its time was over."""
        if late and trade.paid_at is None and trade.closed_at == trade.expires_at:
            trade.closed_at = None
        elif self._aged(trade).status != "WAIT_BUYER_PAY":
            raise business("TRADE_HAS_CLOSE" if trade.paid_at is None else "TRADE_HAS_SUCCESS", "交易不可支付")
        trade.status, trade.paid_at = "TRADE_SUCCESS", self._store.clock()
        if notify:
            self._notify(trade)

    def give_up(self, trade: Trade) -> None:
        """The buyer does not enter the password, and the trade is over."""
        if trade.status != "WAIT_BUYER_PAY":
            raise business("TRADE_STATUS_ERROR", "交易状态不合法")
        trade.status, trade.closed_at = "TRADE_CLOSED", self._store.clock()

    def finish(self, trade: Trade) -> None:
        """The refund window ends."""
        trade.status = "TRADE_FINISHED"
        self._notify(trade)

    def _new(self, app: Application, asked: Content, total: int, notify_url: str) -> Trade:
        now = self._store.clock()
        out_trade_no = str(asked["out_trade_no"])
        tail = self._store.dice.digits(15, "trade", self._store.dice.place(out_trade_no))
        number = f"{now.astimezone(BEIJING):%Y%m%d}22001{tail}"
        trade = Trade(app.app_id, out_trade_no, number, asked, total, notify_url, now, _expiry(asked, now))
        self._store.trades[app.app_id, out_trade_no] = trade
        self._store.by_trade_no[number] = trade
        return trade

    def _aged(self, trade: Trade) -> Trade:
        if trade.status == "WAIT_BUYER_PAY" and self._store.clock() >= trade.expires_at:
            trade.status, trade.closed_at = "TRADE_CLOSED", trade.expires_at
        return trade

    def _check_refund(self, app: Application, trade: Trade, amount: int, *, whole: bool) -> None:
        if trade.status != "TRADE_SUCCESS":
            raise business("TRADE_STATUS_ERROR", "交易状态不合法")
        if whole and amount != trade.total:
            raise business("REFUND_AMT_NOT_EQUAL_TOTAL", "退款金额不等于订单金额")
        if amount + trade.refunded > trade.total:
            raise business("REASON_TRADE_REFUND_FEE_ERR", "退款金额无效")
        if trade.refunds and self._store.clock() - trade.refunds[-1].at < REFUNDS_APART:
            raise business("SYSTEM_ERROR", "同一笔交易的退款需间隔3秒以上")
        if not app.can_refund:
            raise business("SELLER_BALANCE_NOT_ENOUGH", "商户的支付宝账户中无足够的资金进行撤销")

    def _give_back(self, trade: Trade, amount: int, number: str) -> None:
        now = self._store.clock()
        trade.refunds.append(Refund(number, amount, now))
        if trade.refunded == trade.total:
            trade.status, trade.closed_at = "TRADE_CLOSED", now
        # The refund has no notify_url of its own: its message goes to the payment's.
        self._notify(trade)

    def _notify(self, trade: Trade) -> None:
        if trade.notify_url:
            self._notice_sender.post(trade.notify_url, notice(trade, self._store.apps[trade.app_id]))


def notice(trade: Trade, app: Application) -> dict[str, str]:
    """The fields of a trade notice, but for those that belong to the delivery."""
    paid = yuan(trade.total if trade.paid_at else 0)
    shown = {
        "notify_type": "trade_status_sync",
        "app_id": app.app_id,
        "auth_app_id": app.app_id,
        "charset": "utf-8",
        "version": "1.0",
        "trade_no": trade.trade_no,
        "out_trade_no": trade.out_trade_no,
        "seller_id": app.seller_id,
        "trade_status": trade.status,
        "total_amount": yuan(trade.total),
        "subject": trade.asked["subject"],
        "gmt_create": beijing(trade.created_at),
        **dict.fromkeys(("receipt_amount", "invoice_amount", "buyer_pay_amount"), paid),
        "point_amount": "0.00",
        "fund_bill_list": f'[{{"amount":"{paid}","fundChannel":"ALIPAYACCOUNT"}}]',
    }
    shown |= {name.replace("buyer_user_id", "buyer_id"): value for name, value in trade.buyer.items()}
    return shown | _notice_times(trade)


def _notice_times(trade: Trade) -> dict[str, str]:
    times: dict[str, str] = {}
    if trade.paid_at:
        times["gmt_payment"] = beijing(trade.paid_at)
    if trade.refunds:
        at = trade.refunds[-1].at
        # Alone among the times, gmt_refund carries milliseconds.
        times["gmt_refund"] = f"{beijing(at)}.{at.microsecond // 1000:03d}"
        times["refund_fee"] = yuan(trade.refunded)
        times["out_biz_no"] = trade.refunds[-1].out_request_no
    if trade.closed_at:
        times["gmt_close"] = beijing(trade.closed_at)
    return times


def _numbers(trade: Trade) -> dict[str, str]:
    return {"trade_no": trade.trade_no, "out_trade_no": trade.out_trade_no}


def _fund_bill(paid: str) -> list[dict[str, str]]:
    return [{"fund_channel": "ALIPAYACCOUNT", "amount": paid}]


def _asked_buyer(asked: Content) -> dict[str, str]:
    if asked.get("buyer_open_id"):
        return {"buyer_open_id": str(asked["buyer_open_id"])}
    return {"buyer_user_id": str(asked.get("buyer_id", ""))}


def _check_create(asked: Content) -> int:
    if not asked.get("buyer_open_id") and not str(asked.get("buyer_id", "")).startswith("2088"):
        raise business("INVALID_PARAMETER", "参数无效：buyer_id与buyer_open_id不能同时为空")
    if asked.get("product_code") == "JSAPI_PAY" and not asked.get("op_app_id"):
        raise business("INVALID_PARAMETER", "参数无效：op_app_id")
    return _check_trade(asked)


def _check_charge(asked: Content) -> int:
    if asked.get("scene") != "bar_code":
        raise business("INVALID_PARAMETER", "参数无效：scene")
    if not _AUTH_CODE.fullmatch(str(asked.get("auth_code", ""))):
        raise business("PAYMENT_AUTH_CODE_INVALID", "支付失败，付款码无效")
    return _check_trade(asked)


def _check_trade(asked: Content) -> int:
    if not _OUT_TRADE_NO.fullmatch(str(asked.get("out_trade_no", ""))):
        raise business("INVALID_PARAMETER", "参数无效：out_trade_no")
    if not _SUBJECT.fullmatch(str(asked.get("subject", ""))):
        raise business("INVALID_PARAMETER", "参数无效：subject")
    return _amount(asked.get("total_amount"))


def _check_repeat(trade: Trade, asked: Content) -> None:
    if trade.paid_at is not None:
        raise business("TRADE_HAS_SUCCESS", "交易已被支付")
    if trade.status == "TRADE_CLOSED":
        raise business("TRADE_HAS_CLOSE", "交易已经关闭")
    if trade.asked != asked:
        raise business("CONTEXT_INCONSISTENT", "交易信息被篡改")


def _amount(value: object) -> int:
    try:
        amount = fen(str(value))
    except ValueError:
        amount = 0
    if not 1 <= amount <= LARGEST_FEN:
        raise business("INVALID_PARAMETER", "参数无效：金额")
    return amount


def _expiry(asked: Content, now: datetime) -> datetime:
    if asked.get("time_expire"):
        try:
            return instant(str(asked["time_expire"]))
        except ValueError:
            raise business("INVALID_PARAMETER", "参数无效：time_expire") from None
    timeout = asked.get("timeout_express")
    if not timeout:
        return now + TRADE_LIFE
    if timeout == "1c":
        # The end of today in Beijing.
        tomorrow = (now.astimezone(BEIJING) + timedelta(days=1)).date()
        return datetime.combine(tomorrow, datetime.min.time(), BEIJING).astimezone(UTC)
    match = _TIMEOUT.fullmatch(str(timeout))
    if match is None or int(match[1]) * _UNIT[match[2]] > TRADE_LIFE:
        raise business("INVALID_PARAMETER", "参数无效：timeout_express")
    return now + int(match[1]) * _UNIT[match[2]]
