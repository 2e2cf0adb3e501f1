"""Reports and their rows, page by page."""

from __future__ import annotations

from sqlalchemy import select

from api.kit import pages
from api.kit.db import session
from api.tills.errors import SalesReportNotFound
from api.tills.models import TillReport, TillRow
from api.tills.states import Outcome


def reports(
    *, shop_id: int | None = None, state: str | None = None, cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT
) -> pages.Page[TillReport]:
    """Reports of the mall or of one shop, newest first."""
    query = select(TillReport)
    if shop_id is not None:
        query = query.where(TillReport.shop_id == shop_id)
    if state is not None:
        query = query.where(TillReport.state == state)
    return pages.page(query, TillReport.id, cursor=cursor, limit=limit)


def report(report_id: int, *, shop_id: int | None = None) -> TillReport:
    """A report; with `shop_id` only one of that shop. SalesReportNotFound."""
    row = session.get(TillReport, report_id)
    if row is None or (shop_id is not None and row.shop_id != shop_id):
        raise SalesReportNotFound()
    return row


def rows(
    *,
    report_id: int | None = None,
    shop_id: int | None = None,
    outcome: str | None = None,
    cursor: str | None = None,
    limit: int = pages.DEFAULT_LIMIT,
) -> pages.Page[TillRow]:
    """Rows of one report in its own order; without one, rows of every report that was worked, newest first."""
    query = select(TillRow)
    query = query.where(TillRow.worked_at.is_not(None)) if report_id is None else query.where(TillRow.report_id == report_id)
    if shop_id is not None:
        query = query.where(TillRow.shop_id == shop_id)
    if outcome is not None:
        query = query.where(TillRow.outcome == outcome)
    return pages.page(query, TillRow.id, cursor=cursor, limit=limit, descending=report_id is None)


def refused(report_id: int, limit: int = 500) -> list[TillRow]:
    """The rows of a call that cannot be taken, in their order."""
    query = select(TillRow).where(TillRow.report_id == report_id, TillRow.outcome == str(Outcome.REFUSED))
    return list(session.scalars(query.order_by(TillRow.id).limit(limit)))
