"""What points write into a member's inbox: points that expire soon, once for each day of expiry, and a debt when it arises."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from api.kit import clock
from api.kit.db import session
from api.malls import service as malls
from api.messages import service as messages
from api.messages.models import Kind
from api.points.models import Batch, TakeBack
from api.points.policy import PointsRules

PAGE = "points"


def debt(made: TakeBack) -> None:
    """Notify a member: points already spent were taken back and are owed now."""
    points = made.became_debt
    messages.send(
        made.member_id,
        Kind.POINTS,
        source=f"points_take_back:{made.id}",
        title={"zh": f"积分欠额 {points:,}", "en": f"You owe {points:,} points"},
        body={
            "zh": f"退货应扣回的积分中有 {points:,} 分已经用掉，将从下次获得的积分里补扣，不用付钱。",
            "en": f"{points:,} points of a refund were spent already. The next points you earn repay them; no money is due.",
        },
        page=PAGE,
    )


def expiring(after_member: int, limit: int) -> int | None:
    """Notify so many members, by number from one on, of points that expire soon. The last member's number; None when nobody is left.

    Each day of expiry is announced once: repeating this notifies nobody twice.
    """
    info, now = malls.mall_info(), clock.now()
    soon = (
        Batch.left_points > 0,
        Batch.expires_at > now,
        Batch.expires_at <= now + timedelta(days=info.policy.of(PointsRules).expiry_notice_days),
    )
    member_ids = list(
        session.scalars(
            select(Batch.member_id).where(*soon, Batch.member_id > after_member).distinct().order_by(Batch.member_id).limit(limit)
        )
    )
    rows = session.execute(
        select(Batch.member_id, Batch.expires_at, func.sum(Batch.left_points))
        .where(*soon, Batch.member_id.in_(member_ids))
        .group_by(Batch.member_id, Batch.expires_at)
        .order_by(Batch.member_id, Batch.expires_at)
    )
    for member_id, at, points in rows:
        assert at is not None
        _send_expiry_notice(member_id, int(points), (at.astimezone(ZoneInfo(info.timezone)) - timedelta(microseconds=1)).date())
    return member_ids[-1] if len(member_ids) == limit else None


def _send_expiry_notice(member_id: int, points: int, on: date) -> None:
    messages.send(
        member_id,
        Kind.POINTS,
        source=f"points_expiry:{member_id}:{on}",
        title={"zh": f"{points:,} 积分即将到期", "en": f"{points:,} points expire soon"},
        body={"zh": f"您有 {points:,} 积分在 {on} 之后到期，请在此之前使用。", "en": f"{points:,} of your points can be used until {on}."},
        page=PAGE,
    )
