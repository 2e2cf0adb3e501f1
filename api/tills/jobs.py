"""Background work of sales reports: carry out what was confirmed, and try again what waits."""

from __future__ import annotations

from api.kit import db, jobs, logs
from api.tills import service
from api.tills.sheets import MAX_ROWS

log = logs.get(__name__)


@jobs.job(transaction=False)
def work(mall_id: int, report_id: int) -> None:
    """Work a report batch by batch, each in a transaction of its own; whoever takes it up again goes on where it stands."""
    for _ in range(MAX_ROWS + 2):  # no batch works less than a row
        if not db.in_mall(mall_id, lambda: service.work_batch(report_id)):
            break
    shop_id = db.in_mall(mall_id, lambda: service.report(report_id).shop_id)
    for row_id in db.in_mall(mall_id, lambda: service.take_waiting(shop_id)):
        db.in_mall(mall_id, lambda row_id=row_id: service.retry(row_id))  # type: ignore[misc]


@jobs.job()
def retry(row_id: int) -> None:
    """Try one waiting refund."""
    service.retry(row_id)


@jobs.nightly("*/15 * * * *")
def look_again() -> None:
    """What came since: sales of refunds that wait, photos that differ, reports left by a worker, reports nobody confirmed."""
    for row_id in service.take_waiting():
        jobs.later(retry, row_id=row_id)
    for report_id in service.stalled_reports():
        jobs.later(work, report_id=report_id)
    log.info("sales reports looked at again", differing=service.mark_differing(), dropped=service.drop_forgotten())
