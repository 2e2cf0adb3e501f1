"""Points that become spendable, points that expire, the daily liability report, and alerts."""

from __future__ import annotations

from datetime import timedelta

from api.kit import clock, db, jobs, logs
from api.malls import service as malls
from api.points import service
from api.points.service import growth as growth_values
from api.points.service import rehearsals

log = logs.get(__name__)

#: How many at once: each keeps its member's account to the end of the job.
AT_ONCE = 200


@jobs.nightly("*/10 * * * *")
def activate_due() -> None:
    """Every ten minutes: make points spendable whose return window has closed."""
    if service.activate_due(AT_ONCE) == AT_ONCE:
        jobs.later(activate_rest)


@jobs.job()
def activate_rest() -> None:
    """The next ones, in a transaction of their own."""
    if service.activate_due(AT_ONCE) == AT_ONCE:
        jobs.later(activate_rest)


@jobs.nightly("5 * * * *")
def expire_due() -> None:
    """Every hour, because midnight is not at the same time in every mall: let points go that are past their time."""
    if service.expire_due(AT_ONCE) == AT_ONCE:
        jobs.later(expire_rest)


@jobs.job()
def expire_rest() -> None:
    """The next members, in a transaction of their own."""
    if service.expire_due(AT_ONCE) == AT_ONCE:
        jobs.later(expire_rest)


@jobs.nightly("10 1 * * *")
def tell_expiring() -> None:
    """Once a day (09:10 in Shanghai): notify members of points that expire soon."""
    _tell_expiring_from(0)


@jobs.job()
def tell_expiring_rest(after_member: int) -> None:
    """The next members, in a transaction of their own."""
    _tell_expiring_from(after_member)


def _tell_expiring_from(after_member: int) -> None:
    last = service.tell_expiring(after_member, AT_ONCE)
    if last is not None:
        jobs.later(tell_expiring_rest, after_member=last)


@jobs.nightly("0 19 * * *")
def report_liability() -> None:
    """Keep the day's liability report (03:00 in Shanghai, after the proof of the ledger); books that disagree are an error in the log."""
    if not service.record_liability().agrees:
        log.error("the batches of points and the ledger disagree", mall=db.mall())


@jobs.nightly("20 * * * *")
def watch() -> None:
    """Every hour: alerts of odd growth and odd redemption, of the day so far and of the day before."""
    timezone = malls.mall_info().timezone
    service.raise_alerts(clock.today(timezone) - timedelta(days=1))
    service.raise_alerts()


@jobs.job(keeps=growth_values.CREDIT)
def credit_growth(member_id: int, growth: int, cause: str) -> None:
    """Growth value for a purchase, or taken back with a refund."""
    growth_values.credit(member_id, growth, cause)


@jobs.job(transaction=False, keeps=rehearsals.RUN)
def rehearse(mall_id: int, rehearsal_id: int) -> None:
    """Run a rule over real sales before anybody approves it."""
    rehearsals.run(mall_id, rehearsal_id)
