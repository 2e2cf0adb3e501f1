"""Profit sharing: receivers, sharings, the rest set free, parts taken back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, request

from wechat.simulator import checks
from wechat.simulator.checks import Body, Collector
from wechat.simulator.clock import rfc3339
from wechat.simulator.store import Order, Share, ShareReturn, Store
from wechat.simulator.till import PAID, Till
from wechat.simulator.wire import PayError, Signer, json_answer

SHARED_FROM = timedelta(minutes=1)
SHARED_UNTIL = timedelta(days=30)
RECEIVERS = 50
TYPES = ("MERCHANT_ID", "PERSONAL_OPENID", "PERSONAL_SUB_OPENID")
RELATIONS = (
    "SERVICE_PROVIDER", "STORE", "STAFF", "STORE_OWNER", "PARTNER", "HEADQUARTER", "BRAND", "DISTRIBUTOR", "USER",
    "SUPPLIER", "CUSTOM",
)  # fmt: skip


def routes(api: Blueprint, till: Till, signer: Signer) -> None:
    """The calls under /profitsharing."""
    books = ProfitShares(till)
    store = till.store

    @api.post("/profitsharing/receivers/add")
    def add_receiver() -> Response:
        with store.lock:
            return json_answer(books.add_receiver(checks.body(), signer))

    @api.post("/profitsharing/receivers/delete")
    def delete_receiver() -> Response:
        with store.lock:
            return json_answer(books.delete_receiver(checks.body()))

    @api.post("/profitsharing/orders")
    def share() -> Response:
        with store.lock:
            return json_answer(_shown(books.share(checks.body())))

    @api.post("/profitsharing/orders/unfreeze")
    def unfreeze() -> Response:
        with store.lock:
            return json_answer(_shown(books.unfreeze(checks.body())))

    @api.get("/profitsharing/orders/<out_order_no>")
    def query_share(out_order_no: str) -> Response:
        with store.lock:
            share = books.find(request.args, out_order_no)
            if share.order.transaction_id != request.args.get("transaction_id"):
                raise PayError(404, "RESOURCE_NOT_EXISTS", "记录不存在")
            return json_answer(_shown(share))

    @api.post("/profitsharing/return-orders")
    def give_back() -> Response:
        with store.lock:
            return json_answer(_shown_return(books.give_back(checks.body())))

    @api.get("/profitsharing/return-orders/<out_return_no>")
    def query_return(out_return_no: str) -> Response:
        with store.lock:
            books.find(request.args, request.args.get("out_order_no", ""))
            share_return = store.share_returns.get((checks.merchant().mchid, out_return_no))
            if share_return is None:
                raise PayError(404, "RESOURCE_NOT_EXISTS", "记录不存在")
            return json_answer(_shown_return(share_return))

    @api.get("/profitsharing/transactions/<transaction_id>/amounts")
    def amounts(transaction_id: str) -> Response:
        with store.lock:
            order = store.transactions.get(transaction_id)
            if order is None or order.mchid != checks.merchant().mchid:
                raise PayError(404, "RESOURCE_NOT_EXISTS", "记录不存在")
            return json_answer({"transaction_id": transaction_id, "unsplit_amount": books.unshared(order)})


class ProfitShares:
    """Who may receive, and what was shared. The caller holds the store's lock."""

    def __init__(self, till: Till) -> None:
        self._till = till
        self._store: Store = till.store

    def add_receiver(self, asked: Body, signer: Signer) -> Body:
        """An account may receive from now on; its name must be sealed for us."""
        account = _account(asked)
        if asked.get("relation_type") not in RELATIONS or (asked["relation_type"] == "CUSTOM" and not asked.get("custom_relation")):
            raise PayError(400, "PARAM_ERROR", "relation_type不合法")
        if "name" in asked and signer.unseal(request.headers.get("Wechatpay-Serial", ""), str(asked["name"])) is None:
            raise PayError(400, "PARAM_ERROR", "敏感字段name解密失败")
        self._store.receivers.setdefault(_key(asked), set()).add(account)
        return {name: asked[name] for name in ("sub_mchid", "type", "account", "name", "relation_type") if name in asked}

    def delete_receiver(self, asked: Body) -> Body:
        """An account may not receive any more."""
        self._store.receivers.setdefault(_key(asked), set()).discard(_account(asked))
        return {name: asked[name] for name in ("sub_mchid", "type", "account") if name in asked}

    def share(self, asked: Body) -> Share:
        """Share a payment, or answer the same sharing again for the same number."""
        order = self._order(asked)
        if (known := self._known(asked)) is not None:
            return known
        if type(asked.get("unfreeze_unsplit")) is not bool:
            raise PayError(400, "PARAM_ERROR", "unfreeze_unsplit不合法")
        parts = self._parts(asked)
        self._check_amount(order, sum(part["amount"] for part in parts))
        return self._new(order, asked, parts, frees=asked["unfreeze_unsplit"])

    def unfreeze(self, asked: Body) -> Share:
        """Set free what is left, as one part for the merchant itself."""
        order = self._order(asked)
        if (known := self._known(asked)) is not None:
            return known
        checks.text(asked, "description", 80)
        left = self.unshared(order)
        part = {"type": "MERCHANT_ID", "account": order.sub_mchid or order.mchid, "amount": left, "description": asked["description"]}
        return self._new(order, asked, [part], frees=True)

    def find(self, fields: Mapping[str, Any], out_order_no: str) -> Share:
        """The collector's sharing of this number. Raises 404 RESOURCE_NOT_EXISTS."""
        share = self._store.shares.get((checks.merchant().mchid, out_order_no))
        if share is None or share.order.sub_mchid != checks.sub_merchant(fields):
            raise PayError(404, "RESOURCE_NOT_EXISTS", "记录不存在")
        return share

    def give_back(self, asked: Body) -> ShareReturn:
        """Take a part back from a merchant, or answer the same return again for the same number."""
        share = self.find(asked, str(asked.get("out_order_no")))
        number = checks.pattern(asked, "out_return_no", checks.OUT_REFUND_NO)
        key = (checks.merchant().mchid, number)
        if (known := self._store.share_returns.get(key)) is not None:
            if known.asked != asked:
                raise PayError(400, "INVALID_REQUEST", "回退单号重复且参数不一致")
            return known
        amount = checks.amount(asked, "amount")
        if amount > self._can_return(share, str(asked.get("return_mchid"))):
            raise PayError(400, "INVALID_REQUEST", "回退金额超过已分账金额")
        made = ShareReturn(share, asked, number, self._till.number("30", number), amount, self._store.clock())
        self._store.share_returns[key] = made
        self._till.notice_sender.later(self._till.refund_seconds, self._finish_return(made))
        return made

    def unshared(self, order: Order) -> int:
        """What of a payment can still be shared."""
        shares = [share for share in self._store.shares.values() if share.order is order]
        late = order.paid_at is None or self._store.clock() - order.paid_at > SHARED_UNTIL
        if not order.shares_profit or late or any(share.frees for share in shares):
            return 0
        refunded = sum(r.amount for r in self._store.refunds.values() if r.order is order and r.status != "CLOSED")
        return max(0, order.total - refunded - sum(share.amount for share in shares))

    def _order(self, asked: Body) -> Order:
        who = Collector(checks.merchant().mchid, checks.sub_merchant(asked))
        order = self._store.transactions.get(str(asked.get("transaction_id")))
        if order is None or not who.owns(order.mchid, order.sub_mchid) or order.state not in PAID:
            raise PayError(404, "RESOURCE_NOT_EXISTS", "订单不存在")
        checks.pattern(asked, "out_order_no", checks.OUT_REFUND_NO)
        if not order.shares_profit:
            raise PayError(400, "INVALID_REQUEST", "非分账订单不支持分账")
        if order.paid_at is None or self._store.clock() - order.paid_at < SHARED_FROM:
            raise PayError(400, "INVALID_REQUEST", "订单处理中，暂时无法分账，请稍后再试")
        return order

    def _known(self, asked: Body) -> Share | None:
        known = self._store.shares.get((checks.merchant().mchid, str(asked["out_order_no"])))
        if known is not None and known.asked != asked:
            raise PayError(400, "INVALID_REQUEST", "商户分账单号重复且参数不一致")
        return known

    def _parts(self, asked: Body) -> list[Body]:
        parts = asked.get("receivers")
        if not isinstance(parts, list) or not 1 <= len(parts) <= RECEIVERS or not all(isinstance(part, dict) for part in parts):
            raise PayError(400, "PARAM_ERROR", "receivers为1到50个接收方")
        for part in parts:
            checks.amount(part, "amount")
            checks.text(part, "description", 80)
            if _account(part) not in self._store.receivers.get(_key(asked), set()):
                raise PayError(403, "NO_AUTH", "分账接收方与分账方无分账关系")
        return parts

    def _check_amount(self, order: Order, amount: int) -> None:
        if amount > self.unshared(order):
            raise PayError(403, "NOT_ENOUGH", "分账金额不足")
        shared = sum(share.amount for share in self._store.shares.values() if share.order is order)
        if (shared + amount) * 10_000 > order.total * self._store.merchants[order.mchid].share_bp:
            raise PayError(400, "INVALID_REQUEST", "分账金额超出最大分账比例")

    def _new(self, order: Order, asked: Body, parts: list[Body], *, frees: bool) -> Share:
        number, now = str(asked["out_order_no"]), self._store.clock()
        given = [{**part, "result": "PENDING", "create_time": rfc3339(now)} for part in parts]
        share = Share(order, asked, number, self._till.number("30", number), given, frees)
        self._store.shares[checks.merchant().mchid, number] = share
        self._till.notice_sender.later(self._till.refund_seconds, self._finish(share))
        return share

    def _finish(self, share: Share) -> Callable[[], None]:
        def action() -> None:
            with self._store.lock:
                share.finish(self._store.clock(), self._store.bad_accounts)

        return action

    def _finish_return(self, made: ShareReturn) -> Callable[[], None]:
        def action() -> None:
            with self._store.lock:
                bad = self._store.bad_accounts.get(str(made.asked["return_mchid"]))
                made.result, made.fail_reason, made.finished_at = "FAILED" if bad else "SUCCESS", bad or "", self._store.clock()

        return action

    def _can_return(self, share: Share, mchid: str) -> int:
        given = sum(int(part["amount"]) for part in share.parts if part["account"] == mchid and part["result"] == "SUCCESS")
        returns = self._store.share_returns.values()
        back = sum(r.amount for r in returns if r.share is share and r.asked["return_mchid"] == mchid and r.result != "FAILED")
        return given - back


def _key(asked: Body) -> tuple[str, str]:
    return checks.merchant().mchid, checks.sub_merchant(asked)


def _account(asked: Body) -> tuple[str, str]:
    if asked.get("type") not in TYPES:
        raise PayError(400, "PARAM_ERROR", "type不合法")
    return str(asked["type"]), checks.text(asked, "account", 64)


def _shown(share: Share) -> Body:
    sub = {"sub_mchid": share.order.sub_mchid} if share.order.sub_mchid else {}
    return {
        **sub,
        "transaction_id": share.order.transaction_id,
        "out_order_no": share.out_order_no,
        "order_id": share.order_id,
        "state": "FINISHED" if all(part["result"] != "PENDING" for part in share.parts) else "PROCESSING",
        "receivers": share.parts,
    }


def _shown_return(made: ShareReturn) -> Body:
    shown = {
        "order_id": made.share.order_id,
        "out_order_no": made.share.out_order_no,
        "out_return_no": made.out_return_no,
        "return_id": made.return_id,
        "return_mchid": made.asked["return_mchid"],
        "amount": made.amount,
        "description": made.asked.get("description", ""),
        "result": made.result,
        "create_time": rfc3339(made.created_at),
    }
    shown |= {"fail_reason": made.fail_reason} if made.fail_reason else {}
    return shown | ({"finish_time": rfc3339(made.finished_at)} if made.finished_at else {})
