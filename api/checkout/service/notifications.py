"""What the tablet, the phone and the member's inbox are told of an order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from api.checkout.models import Order, OrderLine, OrderPart, OrderRefund, OrderShare
from api.kit import clock, live
from api.kit.db import session
from api.kit.money import yuan
from api.malls import service as malls
from api.messages import service as messages
from api.messages.models import Kind

ORDER_PAGE = "order?number={number}"


@dataclass(frozen=True)
class Day:
    """What a shop took in one day of the mall's own through the mall's payments."""

    on: date
    count: int
    total_fen: int
    refunded_fen: int = 0  # of these payments, whenever it came back; not counted while a payment comes in


def day_of(shop_id: int, on: date | None = None) -> Day:
    """How many payments a shop had on a day (today by default), and how much. One statement."""
    day, begins, ends = _whole(on or clock.today(malls.mall_info().timezone))
    of_the_day = (OrderPart.shop_id == shop_id) & (OrderPart.paid_at >= begins) & (OrderPart.paid_at < ends)
    refunded = (
        select(func.coalesce(func.sum(OrderShare.refunded_fen), 0))
        .join(OrderLine, (OrderLine.order_id == OrderShare.order_id) & (OrderLine.line == OrderShare.line))
        .join(OrderPart, (OrderPart.order_id == OrderLine.order_id) & (OrderPart.shop_id == OrderLine.shop_id))
        .where(of_the_day)
    )
    paid = func.coalesce(func.sum(OrderPart.paid_fen), 0)
    count, total, refunded_fen = session.execute(select(func.count(), paid, refunded.scalar_subquery()).where(of_the_day)).one()
    return Day(day, int(count), int(total), int(refunded_fen))


def day_around(at: datetime) -> tuple[date, datetime, datetime]:
    """The mall's own day that an instant lies in, when it begins and when it ends."""
    return _whole(at.astimezone(ZoneInfo(malls.mall_info().timezone)).date())


def _whole(day: date) -> tuple[date, datetime, datetime]:
    timezone = malls.mall_info().timezone
    return day, clock.midnight(day, timezone), clock.midnight(day + timedelta(days=1), timezone)


def paid(order: Order, parts: Sequence[tuple[OrderPart, Day]]) -> None:
    """Notify the shops' tablets, with the day's count and total, and the shopper's phone."""
    for part, today in parts:
        live.publish(
            "shop", part.shop_id, "payment", number=order.number, amount_fen=part.paid_fen, points=part.points, bought=order.kind,
            at=part.paid_at.isoformat(), remark=order.remark, count=today.count, total_fen=today.total_fen,
        )  # fmt: skip
    moved(order)


def moved(order: Order) -> None:
    """Notify the shopper's phone that an order moved."""
    if order.member_id is not None:
        live.publish("member", order.member_id, "order", number=order.number, state=order.state)


def revived(order: Order) -> None:
    """The money of an order that had run out arrived after all, and the purchase stands."""
    _message(
        order,
        f"order:{order.id}:revived",
        ("付款已到账", "Your payment arrived"),
        (
            f"{order.title} 的 ¥{yuan(order.gateway_fen)} 到账较晚，订单已恢复并完成。",
            f"Your ¥{yuan(order.gateway_fen)} to {order.title} arrived late; the order stands and is complete.",
        ),
    )


def money_returned(order: Order, payment: Any, why: str) -> None:
    """Money arrived for an order that is over, or a second time: it goes back, and the shopper is notified."""
    zh, en = {
        "late": ("订单已关闭，优惠已不可用", "the order had been closed and what it used is gone"),
        "paid_twice": ("该订单已付过款", "the order had been paid already"),
        "refused": ("所购内容已无法提供", "what was bought cannot be given any more"),
    }[why]
    _message(
        order,
        f"payment:{payment.id}:returned",
        ("款项将原路退回", "Your money is on its way back"),
        (
            f"{order.title}：{zh}，¥{yuan(payment.amount_fen)} 将原路退回。",
            f"{order.title}: {en}; ¥{yuan(payment.amount_fen)} goes back the way it came.",
        ),
    )


def refunded(order: Order, refund: OrderRefund, shops: Sequence[tuple[int, int]], pieces: Sequence[tuple[str, str]]) -> None:
    """Money of an order is on its way back: so much of each shop's; `pieces` say what each tender gives back, in both languages."""
    for shop_id, fen in shops:
        live.publish("shop", shop_id, "refund", number=order.number, refund=refund.number, amount_fen=fen, state=refund.state)
    moved(order)
    facts = [*pieces, *_taken_back(refund)]
    details_zh, details_en = "，".join(zh for zh, _ in facts), ", ".join(en for _, en in facts)
    _message(
        order,
        f"order_refund:{refund.id}",
        ("退款", "Refund"),
        (
            f"{order.title} 退款 ¥{yuan(refund.amount_fen)}：{details_zh}。",
            f"{order.title} gives back ¥{yuan(refund.amount_fen)}: {details_en}.",
        ),
    )


def _taken_back(refund: OrderRefund) -> list[tuple[str, str]]:
    pieces = []
    if refund.points_taken:
        pieces.append((f"扣回所得 {refund.points_taken:,} 积分", f"{refund.points_taken:,} earned points taken back"))
    if refund.became_debt:
        pieces.append((f"其中 {refund.became_debt:,} 积分记为欠额", f"of these {refund.became_debt:,} as a debt"))
    return pieces


def _message(order: Order, source: str, title: tuple[str, str], body: tuple[str, str]) -> None:
    if order.member_id is None:
        return
    messages.send(
        order.member_id,
        Kind.ORDER,
        source=source,
        title={"zh": title[0], "en": title[1]},
        body={"zh": body[0], "en": body[1]},
        page=ORDER_PAGE.format(number=order.number),
    )
