"""What the mall owes in points, how old it is, whether the books agree; and which members earn or spend oddly."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from api.kit import clock, pages
from api.kit.db import session
from api.malls import service as malls
from api.points import queries
from api.points.errors import AlertNotFound
from api.points.models import Alert, LiabilityReport


@dataclass(frozen=True)
class Liability:
    """Points outstanding (all of it also by age in days and by month of expiry), pending, owed by members, and borne by whom."""

    members: int
    outstanding: int
    pending: int
    debt: int
    issued: int
    expired: int
    by_age: dict[str, int]
    by_expiry: dict[str, int]
    borne_by: dict[str, int]
    agrees: bool

    @property
    def breakage_bp(self) -> int:
        """Of all points ever issued, the share that expired, in basis points."""
        return self.expired * 10_000 // self.issued if self.issued else 0


def liability_report() -> Liability:
    """The entered mall's liability as it is now. It agrees when accounts = entries, and batches = what members hold."""
    session.execute(select(func.set_config("statement_timeout", "10min", True)))
    arguments = {"now": clock.now(), "timezone": malls.mall_info().timezone}
    one: dict[str, int] = {}
    many: dict[str, dict[str, int]] = {"age": {}, "expiring": {}, "borne": {}}
    for figure, key, points in session.connection().exec_driver_sql(queries.LIABILITY, arguments):
        if figure in many:
            many[figure][key] = points
        else:
            one[figure] = points
    agrees = one["entries"] == one["outstanding"] - one["debt"] and one["batches"] == one["outstanding"]
    return Liability(
        one["members"], one["outstanding"], one["pending"], one["debt"], one["issued"], one["expired"],
        many["age"], many["expiring"], many["borne"], agrees,
    )  # fmt: skip


def record_liability() -> Liability:
    """Keep today's report; a second one on the same day replaces it."""
    found = liability_report()
    figures = asdict(found) | {"breakage_bp": found.breakage_bp}
    today = clock.today(malls.mall_info().timezone)
    statement = insert(LiabilityReport).values(reported_on=today, figures=figures, made_at=clock.now())
    session.execute(
        statement.on_conflict_do_update(index_elements=["mall_id", "reported_on"], set_={"figures": figures, "made_at": clock.now()})
    )
    return found


def liability_reports(cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT) -> pages.Page[LiabilityReport]:
    """The daily reports, newest first."""
    return pages.page(select(LiabilityReport), LiabilityReport.id, cursor=cursor, limit=limit)


def watch(day: date | None = None) -> int:
    """Look for odd growth and odd redemption on a day of the mall's own (today); returns how many alerts there are for it."""
    info = malls.mall_info()
    on = day or clock.today(info.timezone)
    arguments = {
        "day": on,
        "begins": clock.midnight(on, info.timezone),
        "ends": clock.midnight(on + timedelta(days=1), info.timezone),
        "now": clock.now(),
        "earned": info.policy.watch_earned_points,
        "spent": info.policy.watch_spent_points,
        "awards": info.policy.watch_awards,
    }
    return len(session.connection().exec_driver_sql(queries.ODD, arguments).all())


def alerts(*, unseen: bool = True, cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT) -> pages.Page[Alert]:
    """Alerts, newest first: those nobody has looked at, or all."""
    query = select(Alert)
    if unseen:
        query = query.where(Alert.seen_by.is_(None))
    return pages.page(query, Alert.id, cursor=cursor, limit=limit)


def settle_alert(alert_id: int, *, by: str, verdict: str) -> Alert:
    """Say what was found when somebody looked. AlertNotFound."""
    alert = session.get(Alert, alert_id, with_for_update=True)
    if alert is None:
        raise AlertNotFound()
    alert.seen_by, alert.seen_at, alert.verdict = by, clock.now(), verdict
    session.flush()
    return alert
