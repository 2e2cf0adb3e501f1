"""What the mall owes in points, how old it is, whether the books agree; and which members earn or spend oddly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from api.kit import clock, pages
from api.kit.db import session
from api.malls import service as malls
from api.points import queries
from api.points.errors import AlertNotFound
from api.points.models import Alert, LiabilityReport
from api.points.policy import PointsRules

#: How many awards and spends of a day are shown beside an alert.
EVIDENCE_LINES = 200


@dataclass(frozen=True)
class Liability:
    """Points outstanding (all of it also by age in days and by month of expiry), pending, owed by members, and borne by whom.

    `by_expiry` is what expires if nobody spends any more, `expected_expiry` what is likely to, by the last twelve months (the same
    while nothing was due in them, and `expired_share_bp` is None).
    """

    members: int
    outstanding: int
    pending: int
    debt: int
    issued: int
    expired: int
    expired_share_bp: int | None
    by_age: dict[str, int]
    by_expiry: dict[str, int]
    expected_expiry: dict[str, int]
    activating: dict[str, int]
    borne_by: dict[str, int]
    points_a_yuan: int
    agrees: bool

    @property
    def breakage_bp(self) -> int:
        """Of all points ever issued, the share that expired, in basis points."""
        return self.expired * 10_000 // self.issued if self.issued else 0

    @property
    def worth_fen(self) -> int:
        """What the outstanding and the pending points are worth by the mall's policy, in fen."""
        return (self.outstanding + self.pending) * 100 // self.points_a_yuan

    def figures(self) -> dict[str, Any]:
        """As a day's report keeps them."""
        return asdict(self) | {"breakage_bp": self.breakage_bp, "worth_fen": self.worth_fen}


def liability_report() -> Liability:
    """The entered mall's liability as it is now. It agrees when accounts = entries, and batches = what members hold."""
    session.execute(select(func.set_config("statement_timeout", "10min", True)))
    info = malls.mall_info()
    totals: dict[str, Any] = {}
    series: dict[str, dict[str, int]] = {"age": {}, "expiring": {}, "expected": {}, "activating": {}, "borne": {}}
    for figure, key, points in session.connection().exec_driver_sql(queries.LIABILITY, {"now": clock.now(), "timezone": info.timezone}):
        if figure in series:
            series[figure][key] = points
        else:
            totals[figure] = points
    return Liability(
        members=totals["members"],
        outstanding=totals["outstanding"],
        pending=totals["pending"],
        debt=totals["debt"],
        issued=totals["issued"],
        expired=totals["expired"],
        expired_share_bp=totals["expired_share_bp"],
        by_age=series["age"],
        by_expiry=series["expiring"],
        expected_expiry=series["expected"],
        activating=series["activating"],
        borne_by=series["borne"],
        points_a_yuan=info.policy.of(PointsRules).points_a_yuan,
        agrees=totals["entries"] == totals["outstanding"] - totals["debt"] and totals["batches"] == totals["outstanding"],
    )


def names_of_bearers(figures: dict[str, Any]) -> dict[str, str]:
    """What the shops that bear points are called, by number; the mall itself (0) is not among them."""
    names = malls.shop_names([int(number) for number in figures["borne_by"] if number != "0"])
    return {str(shop_id): name for shop_id, name in names.items()}


def record_liability() -> Liability:
    """Keep today's report; a second one on the same day replaces it."""
    liability = liability_report()
    figures = liability.figures()
    today = clock.today(malls.mall_info().timezone)
    statement = insert(LiabilityReport).values(reported_on=today, figures=figures, made_at=clock.now())
    session.execute(
        statement.on_conflict_do_update(index_elements=["mall_id", "reported_on"], set_={"figures": figures, "made_at": clock.now()})
    )
    return liability


def liability_reports(cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT) -> pages.Page[LiabilityReport]:
    """The daily reports, newest first."""
    return pages.page(select(LiabilityReport), LiabilityReport.id, cursor=cursor, limit=limit)


def raise_alerts(day: date | None = None) -> int:
    """Raise alerts of odd growth and odd redemption on a day of the mall (today); returns how many there are of that day."""
    info = malls.mall_info()
    on = day or clock.today(info.timezone)
    arguments = {
        "day": on,
        "begins": clock.midnight(on, info.timezone),
        "ends": clock.midnight(on + timedelta(days=1), info.timezone),
        "now": clock.now(),
        "earned": info.policy.of(PointsRules).watch_earned_points,
        "spent": info.policy.of(PointsRules).watch_spent_points,
        "awards": info.policy.of(PointsRules).watch_awards,
    }
    return len(session.connection().exec_driver_sql(queries.ODD, arguments).all())


def alerts(*, unseen: bool = True, cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT) -> pages.Page[Alert]:
    """Alerts, newest first: those nobody has looked at, or all."""
    query = select(Alert)
    if unseen:
        query = query.where(Alert.seen_by.is_(None))
    return pages.page(query, Alert.id, cursor=cursor, limit=limit)


@dataclass(frozen=True)
class Evidence:
    """An alert with what the member earned and spent on that day, newest first, and how it spread over shops."""

    alert: Alert
    lines: Sequence[Any]
    by_shop: Sequence[dict[str, Any]]


def evidence(alert_id: int) -> Evidence:
    """Why an alert was raised: the awards and spends of the day, at most EVIDENCE_LINES of them. AlertNotFound."""
    alert = session.get(Alert, alert_id)
    if alert is None:
        raise AlertNotFound()
    timezone = malls.mall_info().timezone
    begins, ends = clock.midnight(alert.happened_on, timezone), clock.midnight(alert.happened_on + timedelta(days=1), timezone)
    arguments = {"member_id": alert.member_id, "begins": begins, "ends": ends, "most": EVIDENCE_LINES}
    rows = session.connection().exec_driver_sql(queries.EVIDENCE, arguments).mappings().all()
    names = malls.shop_names({row["shop_id"] for row in rows if row["shop_id"] is not None})
    lines = [dict(row) | {"shop": names.get(row["shop_id"])} for row in rows]
    return Evidence(alert, lines, _by_shop(lines))


def _by_shop(lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Awards and points of each shop, most points first: many awards of one shop point at its till."""
    shops: dict[int, dict[str, Any]] = {}
    for line in lines:
        if line["shop_id"] is not None:
            shop = shops.setdefault(line["shop_id"], {"shop_id": line["shop_id"], "name": line["shop"] or "", "awards": 0, "points": 0})
            shop["awards"] += 1
            shop["points"] += line["points"]
    return sorted(shops.values(), key=lambda shop: -int(shop["points"]))


def record_verdict(alert_id: int, *, by: str, verdict: str) -> Alert:
    """Record what somebody concluded who looked into an alert. AlertNotFound."""
    alert = session.get(Alert, alert_id, with_for_update=True)
    if alert is None:
        raise AlertNotFound()
    alert.seen_by, alert.seen_at, alert.verdict = by, clock.now(), verdict
    session.flush()
    return alert
