"""Work a confirmed report: sales some hundreds at a time, then refunds one by one, each batch whole or not at all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from api.kit import clock, states
from api.kit.db import session
from api.partners import service as partners
from api.sales import service as sales
from api.tills.models import TillReport, TillRow
from api.tills.service import refunds, row_claims
from api.tills.service.report_intake import of_sale, repeated, reported_purchase
from api.tills.sheets import REFUND, SALE
from api.tills.states import Outcome, ReportState

#: Rows of one transaction: while it lasts, no payment at this shop is recorded.
BATCH = 200
#: A report that has not moved for so long was left by a worker that is gone.
LEFT_AFTER = timedelta(minutes=30)


def work_batch(report_id: int) -> bool:
    """Work some more rows of a report; False when it is done. Whoever works it twice finds nothing left. SalesReportNotFound."""
    report = row_claims.hold_report(report_id)
    if report.state != ReportState.WORKING:
        return False
    if rows := _pending(report, SALE, BATCH):
        _report_sales(report, rows)
    elif rows := _pending(report, REFUND, 1):
        # One at a time: a refund holds its sale, its award and a member's account.
        row_claims.record_outcomes(report, [(rows[0], refunds.give_back(rows[0]))])
    else:
        states.move(report, ReportState.DONE, by="system", ended_at=clock.now())
        return False
    return True


def _pending(report: TillReport, kind: str, limit: int) -> list[TillRow]:
    # In the order of the day: the sales around a batch are few then.
    pending = (TillRow.report_id == report.id) & (TillRow.kind == kind)
    pending &= TillRow.worked_at.is_(None) & (TillRow.outcome != str(Outcome.REFUSED))
    return list(session.scalars(select(TillRow).where(pending).order_by(TillRow.paid_at, TillRow.id).limit(limit)))


def _report_sales(report: TillReport, rows: list[TillRow]) -> None:
    earlier = row_claims.held(report.shop_id, SALE, {str(row.row_key) for row in rows})
    fresh = [row for row in rows if row.row_key not in earlier]
    reported = [reported_purchase(row.id, row) for row in fresh]
    matches = sales.sight_all(report.shop_id, reported, channel=sales.TILL, source_type=sales.TILL)
    becomes: list[tuple[TillRow, dict[str, Any]]] = [
        (row, of_sale(match) | {"holds": True}) for row, match in zip(fresh, matches, strict=True)
    ]  # fmt: skip
    _tell_partners([(row, int(match.sale_id or 0)) for row, match in zip(fresh, matches, strict=True) if match.is_new_sale])
    becomes += [(row, repeated(earlier[row.row_key], row)) for row in rows if row.row_key in earlier]
    row_claims.record_outcomes(report, becomes)


def _tell_partners(new: list[tuple[TillRow, int]]) -> None:
    """Sales that the mall did not know before. At most one statement."""
    news = []
    for row, sale_id in new:
        assert row.paid_at is not None and row.paid_fen is not None
        facts: dict[str, Any] = {"shop_id": row.shop_id, "member_id": None, "channel": sales.TILL, "order": None, "receipt": row.receipt_no}
        news.append(partners.sale_recorded(sale_id, paid_at=row.paid_at, paid_fen=row.paid_fen, **facts))
    partners.publish(*news)


def stalled_reports() -> list[int]:
    """Reports that are being worked and have not moved for LEFT_AFTER, at most 100: they are to be taken up again."""
    old = (TillReport.state == ReportState.WORKING) & (TillReport.moved_at < clock.now() - LEFT_AFTER)
    return list(session.scalars(select(TillReport.id).where(old).order_by(TillReport.id).limit(100)))
