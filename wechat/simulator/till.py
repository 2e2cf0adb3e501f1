"""The rules of orders, payment codes and refunds. The caller holds the store's lock."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from wechat.signing import verify
from wechat.simulator import checks, shown
from wechat.simulator.checks import Body, Collector
from wechat.simulator.clock import CHINA_OFFSET
from wechat.simulator.notice_sender import NoticeSender
from wechat.simulator.store import Combined, MerchantAccount, Order, PayCode, Refund, Store
from wechat.simulator.wire import PayError

PREPAY_LIFE = timedelta(hours=2)
ORDER_LIFE = timedelta(days=7)
REVERSE_WINDOW = timedelta(days=7)
REFUND_WINDOW = timedelta(days=365)
REFUNDS_PER_ORDER = 50
REFUNDS_APART = timedelta(minutes=1)

PAID = ("SUCCESS", "REFUND")
PAY_CODE = re.compile(r"1[0-5][0-9]{16}")

_REFUND_SUMMARY = {"SUCCESS": "退款成功", "ABNORMAL": "退款异常", "CLOSED": "退款关闭"}
# How WeChat Pay words what the wallet behind a payment code may answer.
CODE_REFUSALS = {
    "NOT_ENOUGH": (403, "用户余额不足"),
    "TRADE_ERROR": (403, "交易错误"),
    "RULE_LIMIT": (403, "业务规则限制"),
    "BANK_ERROR": (500, "银行系统异常"),
    "SYSTEM_ERROR": (500, "系统异常，请用相同参数重新调用"),
}


class Till:
    """Orders and refunds of every merchant."""

    def __init__(self, store: Store, notice_sender: NoticeSender, refund_seconds: float) -> None:
        self.store = store
        self.notice_sender = notice_sender
        self.refund_seconds = refund_seconds

    def prepay(self, who: Collector, asked: Body) -> Order:
        """A new order, or the same one again where everything asked is the same."""
        checks.order(self.store, asked)
        checks.pattern(asked, "notify_url", checks.NOTIFY_URL)
        openid = checks.payer(self.store, asked, who)
        order = self._known(who, asked) or self._new_order(who, asked, openid)
        self.give_prepay_id(order)
        return order

    def charge_code(self, who: Collector, asked: Body) -> Order:
        """Charge a payment code at once, or leave the payer to type the password."""
        checks.order(self.store, asked)
        _check_scene(asked)
        if (known := self._known(who, asked)) is not None:
            if known.state == "PAYERROR":
                raise PayError(403, "TRADE_ERROR", "支付失败，请撤销订单")
            return known
        code = self._pay_code(asked)
        order = self._new_order(who, asked, self.store.people.openid(code.person, who.appid))
        order.trade_type, order.state = "MICROPAY", "USERPAYING"
        if code.refuse:
            order.state = "PAYERROR"
            status, words = CODE_REFUSALS[code.refuse]
            raise PayError(status, code.refuse, words)
        if not code.needs_password:
            self._pay(order)
        return order

    def reverse(self, order: Order) -> None:
        """Undo the charge of a code: an unpaid order is closed, a paid one refunded. Twice is allowed."""
        if order.trade_type != "MICROPAY":
            raise PayError(400, "INVALID_REQUEST", "非付款码订单不支持撤销")
        if order.state == "REVOKED":
            return
        if order.state == "REFUND":
            raise PayError(403, "TRADE_ERROR", "订单已退款，不能撤销")
        if self.store.clock() - order.created_at > REVERSE_WINDOW:
            raise PayError(400, "INVALID_REQUEST", "订单已超过可撤销期限")
        order.state, order.reversed_at = "REVOKED", self.store.clock()

    def order(self, who: Collector, out_trade_no: str) -> Order:
        """The collector's order of this number. Raises 404 ORDER_NOT_EXIST."""
        return self._theirs(who, self.store.orders.get((who.mchid, out_trade_no)))

    def paid_order(self, who: Collector, transaction_id: str) -> Order:
        """The collector's paid order of this transaction. Raises 404 ORDER_NOT_EXIST."""
        return self._theirs(who, self.store.transactions.get(transaction_id))

    def close(self, order: Order) -> None:
        """Close an unpaid order; closing twice is allowed."""
        if order.state in PAID:
            raise PayError(400, "ORDER_PAID", "订单已支付")
        if order.state == "USERPAYING":
            raise PayError(202, "USERPAYING", "用户支付中，需要输入密码")
        if order.state != "REVOKED":
            order.state = "CLOSED"

    def give_prepay_id(self, order: Order | Combined) -> None:
        """One that is good for two hours, a new one after them."""
        if order.prepaid_at is None or self.store.clock() >= order.prepaid_at + PREPAY_LIFE:
            order.prepaid_at = self.store.clock()
            tail = self.store.dice.hex(8, "prepay", *self.store.dice.nth(order.out_trade_no))
            order.prepay_id = f"wx{self.number('', order.out_trade_no)}{tail}"
            self.store.prepaid[order.prepay_id] = order

    def order_at_phone(self, body: Body, mchid: str) -> Order | Combined:
        """The order that a phone is about to pay, by the person whose openid it names."""
        order = self._order_said(body, mchid)
        if "person" in body and not self._is_payer(order, str(body["person"])):
            raise PayError(409, "OPENID_MISMATCH", "openid不匹配")
        return order

    def charge(self, order: Order | Combined, *, notify: bool, late: bool = False) -> None:
        """The payer's money moves, unless the order cannot be paid any more. `late`: begun in time, ended after it."""
        if order.state not in ("NOTPAY", "USERPAYING"):
            raise PayError(409, "ORDER_" + ("PAID" if order.state in PAID else "CLOSED"), "订单已支付或已关闭")
        if order.state == "NOTPAY" and not late and self.store.clock() >= _expiry(order):
            raise PayError(409, "ORDER_EXPIRED", "订单已超时")
        for part in order.parts:
            self._pay(part)
        # A charged code is not notified: the answer or a query shows it.
        if notify and order.trade_type != "MICROPAY":
            content = shown.combined(order) if isinstance(order, Combined) else shown.transaction(order, self.store.people)
            self._notify(order, order.asked["notify_url"], "TRANSACTION.SUCCESS", "支付成功", content)

    def cancel(self, order: Order | Combined) -> None:
        """The payer does not type the password."""
        if order.state != "USERPAYING":
            raise PayError(409, "NOT_PAYING", "用户不在支付中")
        order.parts[0].state = "PAYERROR"

    def refund(self, merchant: MerchantAccount, asked: Body, sub_mchid: str) -> Refund:
        """Accept a refund, or answer the same one again for the same out_refund_no."""
        order = self._order_to_refund(Collector(merchant.mchid, sub_mchid), asked)
        out_refund_no = checks.pattern(asked, "out_refund_no", checks.OUT_REFUND_NO)
        if (known := self.store.refunds.get((merchant.mchid, out_refund_no))) is not None:
            if known.asked != asked:
                raise PayError(400, "INVALID_REQUEST", "订单号与退款单号不匹配或参数不一致")
            return known
        self._check_refund(merchant, order, asked)
        return self._new_refund(order, asked, out_refund_no)

    def find_refund(self, merchant: MerchantAccount, out_refund_no: str, sub_mchid: str) -> Refund:
        """The merchant's refund of this number. Raises 404 RESOURCE_NOT_EXISTS."""
        refund = self.store.refunds.get((merchant.mchid, out_refund_no))
        if refund is None or refund.order.sub_mchid != sub_mchid:
            raise PayError(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
        return refund

    def decide(self, refund: Refund, status: str) -> None:
        """A refund reaches its end and is notified."""
        if status not in _REFUND_SUMMARY:
            raise ValueError("status is SUCCESS, ABNORMAL or CLOSED")
        refund.status = status
        refund.finished_at = self.store.clock() if status == "SUCCESS" else None
        if url := refund.asked.get("notify_url") or refund.order.asked.get("notify_url"):
            self._notify(refund.order, url, f"REFUND.{status}", _REFUND_SUMMARY[status], shown.refund_notice(refund))

    def number(self, prefix: str, *what: str) -> str:
        """A number as WeChat Pay makes them: a prefix, the second in Beijing, and twelve digits."""
        stamp = (self.store.clock().astimezone(UTC) + CHINA_OFFSET).strftime("%Y%m%d%H%M%S")
        return f"{prefix}{stamp}{self.store.dice.digits(12, 'number', prefix, *self.store.dice.nth(*what))}"

    def still_open(self, known: Order | Combined, asked: Body) -> None:
        """A number that is used already is good only for the same order, and only while that is open."""
        if known.state in PAID:
            raise PayError(400, "ORDERPAID", "该订单已支付")
        if known.state == "CLOSED":
            raise PayError(400, "ORDER_CLOSED", "该订单已关闭")
        if known.state == "REVOKED":
            raise PayError(400, "ORDER_REVERSED", "该订单已撤销")
        if known.asked != asked:
            raise PayError(403, "OUT_TRADE_NO_USED", "商户订单号重复")

    def _known(self, who: Collector, asked: Body) -> Order | None:
        known = self.store.orders.get((who.mchid, asked["out_trade_no"]))
        if known is not None:
            self.still_open(known, asked)
        return known

    def _new_order(self, who: Collector, asked: Body, openid: str) -> Order:
        number, now = asked["out_trade_no"], self.store.clock()
        order = Order(who.mchid, who.appid, number, asked, openid, now, who.sub_mchid, who.sub_appid)
        self.store.orders[who.mchid, number] = order
        return order

    def _pay_code(self, asked: Body) -> PayCode:
        payer = asked.get("payer")
        value = payer.get("auth_code") if isinstance(payer, dict) else None
        if not isinstance(value, str) or not PAY_CODE.fullmatch(value):
            raise PayError(400, "AUTH_CODE_INVALID", "请扫描微信支付授权码(以10/11/12/13/14/15为前缀的18位数字)")
        code = self.store.pay_codes.get(value)
        if code is None or code.used_for:
            raise PayError(400, "AUTH_CODE_INVALID", "101 每个二维码仅限使用一次，请刷新再试")
        if self.store.clock() >= code.expires_at:
            raise PayError(400, "AUTH_CODE_EXPIRED", "101 付款码已过期，请退出重试")
        code.used_for = str(asked["out_trade_no"])
        return code

    def _pay(self, order: Order) -> None:
        order.state, order.paid_at = "SUCCESS", self.store.clock()
        order.transaction_id = self.number("42", order.out_trade_no)
        self.store.transactions[order.transaction_id] = order

    def _theirs(self, who: Collector, order: Order | None) -> Order:
        if order is None or not who.owns(order.mchid, order.sub_mchid):
            raise PayError(404, "ORDER_NOT_EXIST", "订单不存在")
        return order

    def _is_payer(self, order: Order | Combined, person: str) -> bool:
        return self.store.people.openid(person, order.appid) == self.store.people.elsewhere(order.openid, order.appid)

    def _order_said(self, body: Body, mchid: str) -> Order | Combined:
        # wx.requestPayment's own arguments must carry a good paySign.
        if "paySign" in body:
            return self._order_of_package(body)
        if "prepay_id" in body:
            return self._prepaid(str(body["prepay_id"]))
        key = (str(body.get("mchid", mchid)), str(body.get("out_trade_no")))
        order = self.store.orders.get(key) or self.store.combined.get(key)
        if order is None:
            raise PayError(404, "ORDER_NOT_EXIST", "订单不存在")
        return order

    def _prepaid(self, prepay_id: str) -> Order | Combined:
        order = self.store.prepaid.get(prepay_id)
        if order is None:
            raise PayError(404, "ORDER_NOT_EXIST", "prepay_id不存在")
        return order

    def _order_of_package(self, body: Body) -> Order | Combined:
        order = self._prepaid(str(body.get("package", "")).removeprefix("prepay_id="))
        lines = [str(body.get(name, "")) for name in ("timeStamp", "nonceStr", "package")]
        keys = self.store.merchants[order.mchid].certificates.values()
        # Whichever app the phone runs: the provider's, or the sub-merchant's own.
        apps = [appid for appid in (order.appid, order.sub_appid) if appid]
        signed = any(verify(key, body["paySign"], appid, *lines) for key in keys for appid in apps)
        if not signed or body.get("signType") != "RSA" or not isinstance(body["timeStamp"], str):
            raise PayError(400, "SIGN_ERROR", "支付验证签名失败")
        return order

    def _order_to_refund(self, who: Collector, asked: Body) -> Order:
        by_id = self.store.transactions.get(str(asked.get("transaction_id")))
        order = by_id or self.store.orders.get((who.mchid, str(asked.get("out_trade_no"))))
        if order is None or not who.owns(order.mchid, order.sub_mchid) or order.paid_at is None:
            raise PayError(404, "RESOURCE_NOT_EXISTS", "订单不存在")
        if order.state == "REVOKED":
            raise PayError(400, "INVALID_REQUEST", "订单已撤销")
        return order

    def _check_refund(self, merchant: MerchantAccount, order: Order, asked: Body) -> None:
        now = self.store.clock()
        past = [refund for refund in self.store.refunds.values() if refund.order is order]
        taken = sum(refund.amount for refund in past if refund.status != "CLOSED")
        if _refund_amount(order, asked) + taken > order.total:
            raise PayError(400, "INVALID_REQUEST", "申请退款金额大于订单可退金额")
        if len(past) >= REFUNDS_PER_ORDER:
            raise PayError(400, "INVALID_REQUEST", "部分退款次数超限")
        if order.paid_at is None or now - order.paid_at > REFUND_WINDOW:
            raise PayError(400, "INVALID_REQUEST", "订单已超过可退款期限")
        if past and now - past[-1].created_at < REFUNDS_APART:
            raise PayError(429, "FREQUENCY_LIMITED", "同一笔订单多次部分退款需间隔1分钟")
        if not merchant.can_refund:
            raise PayError(403, "NOT_ENOUGH", "基本账户余额不足")
        if _refund_amount(order, asked) + taken > order.total - self._shared_out(order):
            raise PayError(403, "NOT_ENOUGH", "可用余额不足，请先发起分账回退")

    def _shared_out(self, order: Order) -> int:
        """What went to other accounts and did not come back."""
        own_account = order.sub_mchid or order.mchid
        shares = [share for share in self.store.shares.values() if share.order is order]
        given = sum(p["amount"] for share in shares for p in share.parts if p["result"] == "SUCCESS" and p["account"] != own_account)
        back = sum(r.amount for r in self.store.share_returns.values() if r.share in shares and r.result == "SUCCESS")
        return int(given) - back

    def _new_refund(self, order: Order, asked: Body, out_refund_no: str) -> Refund:
        now, amount = self.store.clock(), int(asked["amount"]["refund"])
        refund = Refund(order, asked, out_refund_no, self.number("50", out_refund_no), amount, now)
        self.store.refunds[order.mchid, out_refund_no] = refund
        order.state = "REFUND"
        self.notice_sender.later(self.refund_seconds, self._settle(refund))
        return refund

    def _settle(self, refund: Refund) -> Callable[[], None]:
        def action() -> None:
            with self.store.lock:
                if refund.status == "PROCESSING":
                    self.decide(refund, "SUCCESS")

        return action

    def _notify(self, order: Order | Combined, url: str, event: str, summary: str, content: Body) -> None:
        merchant = self.store.merchants[order.mchid]
        original = "refund" if event.startswith("REFUND") else "transaction"
        self.notice_sender.post(merchant, url, event, original, summary, content)


def _check_scene(asked: Body) -> None:
    scene = asked.get("scene_info")
    store = scene.get("store_info") if isinstance(scene, dict) else None
    if not isinstance(store, dict) or not (store.get("id") or store.get("out_id")):
        raise PayError(400, "PARAM_ERROR", "scene_info.store_info不能为空")


def _refund_amount(order: Order, asked: Body) -> int:
    amount = asked.get("amount")
    refund = checks.amount(amount, "refund")
    if not isinstance(amount, dict) or amount.get("currency") != "CNY":
        raise PayError(400, "PARAM_ERROR", "amount.currency只支持CNY")
    if amount.get("total") != order.total:
        raise PayError(400, "INVALID_REQUEST", "订单金额与原订单不一致")
    return refund


def _expiry(order: Order | Combined) -> datetime:
    asked = order.asked.get("time_expire")
    ends = datetime.fromisoformat(asked) if asked else order.created_at + ORDER_LIFE
    return min(ends, (order.prepaid_at or order.created_at) + PREPAY_LIFE)
