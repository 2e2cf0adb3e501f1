"""Nightly: the balance of all cards on the day that is over; used pay codes go."""

from __future__ import annotations

from api.kit import db, jobs, logs
from api.wallet.service import balance_report, pay_codes

log = logs.get(__name__)


class CardsDoNotBalance(Exception):
    """The report found a difference; the job stays failed until somebody looks into it."""


@jobs.nightly("15 19 * * *")
def report_balances() -> None:
    """Keep the report of the day that is over (03:15 in Shanghai); a difference is logged line by line and fails a job."""
    findings = balance_report.record_report(balance_report.yesterday())
    for line in findings.differences[: balance_report.DIFFERENCES_KEPT]:
        log.error("the balances of cards disagree", mall=db.mall(), **line)
    if not findings.agrees:
        # In a job of its own: failing here would undo the report.
        jobs.later(raise_alarm, day=findings.day.isoformat(), differences=len(findings.differences))


@jobs.job()
def raise_alarm(day: str, differences: int) -> None:
    """Fail, so that the page of jobs and the metrics show it."""
    raise CardsDoNotBalance(f"{day}: {differences} differences")


@jobs.nightly("25 19 * * *")
def forget_pay_codes() -> None:
    """Remove pay codes past their time."""
    pay_codes.forget_pay_codes()
