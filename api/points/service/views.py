"""What a member sees: balance, pending, debt, what expires when, and every movement with its sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from api.kit import clock, pages
from api.kit.db import session
from api.ledger import service as ledger
from api.ledger.service import Asset
from api.malls import service as malls
from api.points import queries
from api.points.models import Adjustment, Award
from api.points.service import batches
from api.points.states import AwardState

#: cause of the ledger → what the line is called.
TITLES = {
    "sale": ("消费积分", "Purchase"),
    "points_activation": ("待生效积分转为可用", "Pending points became spendable"),
    "sale_refund": ("退款扣回", "Taken back after a refund"),
    "points_expiry": ("积分到期", "Expired"),
    "points_adjustment": ("人工调整", "Adjusted by the mall"),
    "points_merge": ("会员合并", "Accounts merged"),
    "late_receipt_review": ("小票答复超时补偿", "For a late answer"),
    "points_merge_undone": ("会员合并撤销", "Merge undone"),
}
OTHER_TITLE = {True: ("积分返还", "Points given back"), False: ("积分消费", "Points spent")}


@dataclass(frozen=True)
class Expiring:
    """Points whose last valid day this is, or that expire within a month."""

    on: date
    points: int


@dataclass(frozen=True)
class Summary:
    """A member's points. `expiring` is by last valid day, soonest first, for the coming twelve months."""

    balance: int
    pending: int
    debt: int
    growth: int
    expiring: Sequence[Expiring]

    @property
    def expiring_by_month(self) -> list[Expiring]:
        """The forecast by month; `on` is the month's first day."""
        months: dict[date, int] = {}
        for line in self.expiring:
            month = line.on.replace(day=1)
            months[month] = months.get(month, 0) + line.points
        return [Expiring(on, points) for on, points in months.items()]


@dataclass(frozen=True)
class HistoryLine:
    """One movement of a member's points."""

    id: int
    points: int
    balance_after: int
    at: datetime
    cause_type: str
    cause_id: str
    title: dict[str, str]
    explanation: dict[str, str] | None


def summary(member_id: int) -> Summary:
    """A member's points as they are now. Points past their time count no more, even before the nightly expiry has run. Three statements."""
    held = ledger.balances(batches.member_account(member_id), [Asset.POINTS, Asset.POINTS_PENDING, Asset.GROWTH])
    now, timezone = clock.now(), ZoneInfo(malls.mall_info().timezone)
    rows = session.connection().exec_driver_sql(queries.FORECAST, {"member_id": member_id}).all()
    gone = sum(points for at, points in rows if at is not None and at <= now)
    balance = held[Asset.POINTS]
    return Summary(
        balance=max(0, balance - gone),
        pending=held[Asset.POINTS_PENDING],
        debt=max(0, -balance),
        growth=held[Asset.GROWTH],
        expiring=_forecast(rows, now, timezone),
    )


def spendable(member_id: int) -> int:
    """How many points a member can spend now. One statement."""
    points = session.connection().exec_driver_sql(queries.SPENDABLE, {"member_id": member_id, "now": clock.now()}).scalar()
    return int(points or 0)


def _forecast(rows: Iterable[Any], now: datetime, timezone: ZoneInfo) -> list[Expiring]:
    year = now + timedelta(days=366)
    return [
        Expiring((at.astimezone(timezone) - timedelta(microseconds=1)).date(), points)
        for at, points in rows
        if at is not None and now < at <= year
    ]


def history(member_id: int, cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT) -> pages.Page[HistoryLine]:
    """A member's movements of spendable points, newest first, each with its explanation. Two or three statements."""
    page = ledger.entries_of(batches.member_account(member_id), Asset.POINTS, cursor, limit)
    awards = _explanations(page.items)
    reasons = _reasons(page.items)
    return pages.Page([_line(row, awards, reasons) for row in page.items], page.next_cursor)


def _explanations(rows: Sequence[Any]) -> dict[tuple[str, str], dict[str, str]]:
    sale_ids = [int(row.cause_id) for row in rows if row.cause_type == "sale"]
    award_ids = [int(row.cause_id) for row in rows if row.cause_type == "points_activation"]
    if not sale_ids and not award_ids:
        return {}
    query = select(Award.id, Award.sale_id, Award.explanation).where(Award.sale_id.in_(sale_ids) | Award.id.in_(award_ids))
    explanations: dict[tuple[str, str], dict[str, str]] = {}
    for row in session.execute(query):
        explanations["sale", str(row.sale_id)] = explanations["points_activation", str(row.id)] = row.explanation
    return explanations


def _reasons(rows: Sequence[Any]) -> dict[str, str]:
    ids = [int(row.cause_id) for row in rows if row.cause_type == "points_adjustment"]
    if not ids:
        return {}
    return {str(row.id): row.why for row in session.execute(select(Adjustment.id, Adjustment.why).where(Adjustment.id.in_(ids)))}


def _line(row: Any, awards: dict[tuple[str, str], dict[str, str]], reasons: dict[str, str]) -> HistoryLine:
    zh, en = TITLES.get(row.cause_type, OTHER_TITLE[row.amount > 0])
    explanation = awards.get((row.cause_type, row.cause_id))
    if row.cause_type == "points_adjustment" and (why := reasons.get(row.cause_id)):
        explanation = {"zh": why, "en": why}
    return HistoryLine(
        row.id, row.amount, row.balance_after, row.posted_at, row.cause_type, row.cause_id, {"zh": zh, "en": en}, explanation
    )


def awards_of(
    member_id: int, *, state: AwardState | None = None, cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT
) -> pages.Page[Award]:
    """A member's awards, newest first, all of them or those in one state (pending ones say from when they count)."""
    query = select(Award).where(Award.member_id == member_id)
    if state is not None:
        query = query.where(Award.state == state)
    return pages.page(query, Award.id, cursor=cursor, limit=limit)
