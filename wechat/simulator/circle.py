"""The smart business circle: who lets purchases be reported, purchases and refunds reported, points and parking recorded."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Response, request

from wechat.simulator import checks
from wechat.simulator.checks import Body
from wechat.simulator.clock import rfc3339
from wechat.simulator.notice_sender import HURRIED
from wechat.simulator.store import MerchantAccount
from wechat.simulator.till import Till
from wechat.simulator.wire import PayError, json_answer

REFUNDS_NOTIFIED = timedelta(days=30)


@dataclass
class Purchase:
    """A purchase at one of the mall's shops."""

    content: Body
    paid_at: datetime
    reported: Body | None = None
    refunded: int = 0


@dataclass
class Circle:
    """A mall's side: where notices go, which members let purchases be reported, what was bought and what the mall reported."""

    notify_url: str = ""
    auth_url: str = ""
    members: dict[str, Body] = field(default_factory=dict)
    purchases: dict[str, Purchase] = field(default_factory=dict)
    parkings: list[Body] = field(default_factory=list)


class Circles:
    """Every mall's circle, by merchant. The caller holds the store's lock."""

    def __init__(self, till: Till) -> None:
        self._till = till
        self._circles: dict[str, Circle] = {}

    def of(self, mchid: str) -> Circle:
        """The circle of a merchant."""
        return self._circles.setdefault(mchid, Circle())

    def join(self, merchant: MerchantAccount, body: Body, openid: str) -> bool:
        """A member lets purchases be reported; that is notified on a schedule of its own."""
        circle, now = self.of(merchant.mchid), self._till.store.clock()
        circle.members[openid] = {"authorize_state": "AUTHORIZED", "authorize_time": rfc3339(now)}
        mode = str(body.get("auth_type", "REGISTERED_MODE"))
        content = {"mchid": merchant.mchid, "openid": openid, "code": str(body["code"]), "auth_type": mode}
        return self._notify(merchant, circle.auth_url, "MALL_AUTH.ACTIVATE_CARD", "mall_auth", "商圈会员授权", content, HURRIED)

    def leave(self, mchid: str, openid: str) -> None:
        """A member takes it back."""
        now = rfc3339(self._till.store.clock())
        self.of(mchid).members[openid] = {**self.of(mchid).members[openid], "authorize_state": "DEAUTHORIZED", "deauthorize_time": now}

    def buy(self, merchant: MerchantAccount, body: Body, openid: str, appid: str) -> tuple[str, bool]:
        """A purchase; notified if the member lets it be reported, or hands it in (`commit_tag`)."""
        circle, now = self.of(merchant.mchid), self._till.store.clock()
        number = self._till.number("42", "mall", openid)
        content: dict[str, Any] = {
            "mchid": merchant.mchid,
            "merchant_name": str(body.get("merchant_name", "演示商圈")),
            "shop_name": str(body["shop_name"]),
            "shop_number": str(body["shop_number"]),
            "appid": appid,
            "openid": openid,
            "time_end": rfc3339(now),
            "amount": int(body["amount"]),
            "transaction_id": number,
        }
        if body.get("commit_tag"):
            content["commit_tag"] = str(body["commit_tag"])
        circle.purchases[number] = Purchase(content, now)
        known = circle.members.get(openid, {}).get("authorize_state") == "AUTHORIZED"
        if not known and "commit_tag" not in content:
            return number, False
        is_notified = self._notify(merchant, circle.notify_url, "MALL_TRANSACTION.SUCCESS", "mall_transaction", "支付成功", content)
        return number, is_notified

    def give_back(self, merchant: MerchantAccount, body: Body) -> tuple[str, bool]:
        """Money back for a purchase; notified only if the mall reported the points of that purchase, for 30 days."""
        circle, now = self.of(merchant.mchid), self._till.store.clock()
        bought = circle.purchases[str(body["transaction_id"])]
        amount = int(body["amount"])
        if amount < 1 or bought.refunded + amount > bought.content["amount"]:
            raise ValueError("more than was paid")
        bought.refunded += amount
        number = self._till.number("50", "mall", str(body["transaction_id"]))
        content = {name: value for name, value in bought.content.items() if name not in ("time_end", "amount", "commit_tag")}
        content |= {"refund_time": rfc3339(now), "pay_amount": bought.content["amount"], "refund_amount": amount, "refund_id": number}
        if bought.reported is None or now - bought.paid_at > REFUNDS_NOTIFIED:
            return number, False
        return number, self._notify(merchant, circle.notify_url, "MALL_REFUND.SUCCESS", "mall_refund", "退款成功", content)

    def report(self, merchant: MerchantAccount, asked: Body) -> None:
        """The mall reports what a purchase earned."""
        bought = self.of(merchant.mchid).purchases.get(str(asked.get("transaction_id")))
        if bought is None or bought.content["openid"] != asked.get("openid") or bought.content["appid"] != asked.get("appid"):
            raise PayError(404, "RESOURCE_NOT_EXISTS", "交易不存在")
        points = asked.get("increased_points")
        if type(asked.get("earn_points")) is not bool or type(points) is not int or points < 0:
            raise PayError(400, "PARAM_ERROR", "earn_points或increased_points不合法")
        if asked["earn_points"] is not (points > 0) or (not points and not asked.get("no_points_remarks")):
            raise PayError(400, "PARAM_ERROR", "未获得积分时需填写no_points_remarks")
        checks.text(asked, "points_update_time", 64)
        bought.reported = asked

    def _notify(
        self, merchant: MerchantAccount, url: str, event: str, original: str, summary: str, content: Body, *schedule: tuple[int, ...]
    ) -> bool:
        if url:
            self._till.notice_sender.post(merchant, url, event, original, summary, content, *schedule)
        return bool(url)


def routes(api: Blueprint, till: Till, circles: Circles) -> None:
    """The calls under /businesscircle."""
    store = till.store

    @api.post("/businesscircle/points/notify")
    def points() -> Response:
        with store.lock:
            checks.sub_merchant(checks.body())
            circles.report(checks.merchant(), checks.body())
        return Response(status=204)

    @api.post("/businesscircle/parkings")
    def parking() -> Response:
        asked = checks.body()
        if type(asked.get("brandid")) is not int or asked.get("state") not in ("IN", "OUT"):
            raise PayError(400, "PARAM_ERROR", "brandid或state不合法")
        for name in ("openid", "plate_number", "time"):
            checks.text(asked, name, 64)
        with store.lock:
            circles.of(checks.merchant().mchid).parkings.append(asked)
        return Response(status=204)

    @api.get("/businesscircle/user-authorizations/<openid>")
    def authorization(openid: str) -> Response:
        if not store.people.is_openid(openid, request.args.get("appid", "")):
            raise PayError(400, "PARAM_ERROR", "appid和openid不匹配")
        with store.lock:
            known = circles.of(checks.merchant().mchid).members.get(openid, {"authorize_state": "UNAUTHORIZED"})
            return json_answer({"openid": openid, **known})

    @api.get("/businesscircle/users/<openid>/points/commit_status")
    def commit_status(openid: str) -> Response:
        if not request.args.get("brandid", "").isdigit():
            raise PayError(400, "PARAM_ERROR", "brandid不合法")
        with store.lock:
            bought = circles.of(checks.merchant().mchid).purchases.values()
            waits = any(purchase.content["openid"] == openid and purchase.reported is None for purchase in bought)
            return json_answer({"points_commit_status": "PENDING" if waits else "FINISHED"})
