"""How a report of a till is refused."""

from __future__ import annotations

from api.kit.errors import Conflict, NotFound, TooMany, Unprocessable


class SalesReportNotFound(NotFound):
    """There is no such sales report."""


class SalesReportEmpty(Unprocessable):
    """There is no row below the headings."""


class TooManySalesReports(TooMany):
    """Too many sales reports of this shop are not done yet; confirm or drop some, or wait for them."""


class NothingToReport(Conflict):
    """Every row of this report is refused; correct them and send it again."""
