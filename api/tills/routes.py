from __future__ import annotations

from typing import Any

from flask import Response

from api.kit import http, identity, pages
from api.kit import jobs as kit
from api.kit.sheets import MAX_BYTES, SheetIncomplete, SheetTooLarge, SheetUnreadable
from api.kit.states import WrongState
from api.kit.tables import exported
from api.malls.errors import ShopNotFound
from api.tills import jobs, schemas, service, sheets
from api.tills.errors import NothingToReport, SalesReportEmpty, SalesReportNotFound, TooManySalesReports
from api.tills.models import TillReport, TillRow

FORM = 64 * 1024  # what multipart/form-data puts around a file

shop = http.Blueprint(
    "shop_sales_reports", __name__, audience=identity.shop_staff, url_prefix="/sales-reports", description="What a shop's till sold"
)
office = http.Blueprint(
    "office_sales_reports", __name__, audience=identity.mall_staff, url_prefix="/sales-reports", description="What the tills of shops sold"
)
REFUSALS = (SheetTooLarge, SheetUnreadable, SheetIncomplete, SalesReportEmpty, TooManySalesReports)


def _own() -> int:
    shop_id = identity.shop().shop_id
    assert shop_id is not None
    return shop_id


def _worked(confirmation: service.Confirmation) -> TillReport:
    """The report, with its work put in where this request confirmed it."""
    if confirmation.fresh:
        kit.later(jobs.work, report_id=confirmation.report.id)
    return confirmation.report


@shop.post("")
@shop.arguments(schemas.SalesCallArgs)
@shop.response(202, schemas.SalesCallSchema)
@shop.problems(TooManySalesReports)
@shop.permission("own_sales.report")
def report_sales(args: dict[str, Any]) -> dict[str, Any]:
    """Tell what my till sold, at most 500 rows; the same rows again change nothing"""
    report = _worked(service.take_call(_own(), args["cells"], by=identity.shop().name))
    return {"report": report, "refused": service.refused(report.id)}


@shop.post("/files")
@shop.arguments(schemas.SalesFiles, location="files", content_type="multipart/form-data")
@shop.response(201, schemas.SalesReportSchema)
@shop.problems(*REFUSALS)
@shop.permission("own_sales.report")
@shop.upload(MAX_BYTES + FORM)
def send_shop_sales(files: dict[str, Any]) -> TillReport:
    """Send a file of what my till sold: nothing happens until it is confirmed"""
    file = files["file"]
    return service.take_file(_own(), file.read(), file_name=file.filename, by=identity.shop().name)


@shop.get("/template")
@shop.response(200, content_type="text/csv", description="A sheet with headings, a sale and a refund")
@shop.permission("own_sales.report")
def show_shop_sales_template() -> Response:
    """An example sheet"""
    return _template()


@shop.get("")
@shop.arguments(schemas.SalesReportsArgs, location="query")
@shop.response(200, schemas.SalesReportPage)
@shop.problems(pages.CursorInvalid)
@shop.permission("own_sales.report")
def list_shop_sales_reports(args: dict[str, Any]) -> pages.Page[TillReport]:
    """My shop's reports, newest first"""
    return service.reports(shop_id=_own(), state=args["state"], cursor=args.get("cursor"), limit=args["limit"])


@shop.get("/<int:report_id>")
@shop.response(200, schemas.SalesReportSchema)
@shop.problems(SalesReportNotFound)
@shop.permission("own_sales.report")
def show_shop_sales_report(report_id: int) -> TillReport:
    """How far a report of my shop is"""
    return service.report(report_id, shop_id=_own())


@shop.get("/<int:report_id>/rows")
@shop.arguments(schemas.SalesRowsArgs, location="query")
@shop.response(200, schemas.SalesReportRowPage)
@shop.problems(SalesReportNotFound, pages.CursorInvalid)
@shop.permission("own_sales.report")
def list_shop_sales_report_rows(args: dict[str, Any], report_id: int) -> pages.Page[TillRow]:
    """The rows of a report of my shop, in its own order"""
    report = service.report(report_id, shop_id=_own())
    return service.rows(report_id=report.id, outcome=args["outcome"], cursor=args.get("cursor"), limit=args["limit"])


@shop.put("/<int:report_id>/confirmation")
@shop.response(200, schemas.SalesReportSchema)
@shop.problems(SalesReportNotFound, NothingToReport, WrongState)
@shop.permission("own_sales.report")
def confirm_shop_sales_report(report_id: int) -> TillReport:
    """Let a report of my shop do what it says"""
    return _worked(service.confirm(service.report(report_id, shop_id=_own()), by=identity.shop().name))


@shop.put("/<int:report_id>/cancellation")
@shop.response(200, schemas.SalesReportSchema)
@shop.problems(SalesReportNotFound, WrongState)
@shop.permission("own_sales.report")
def drop_shop_sales_report(report_id: int) -> TillReport:
    """Drop a report of my shop that nobody confirmed"""
    return service.drop(service.report(report_id, shop_id=_own()), by=identity.shop().name)


@office.post("/files")
@office.arguments(schemas.ShopFileArgs, location="query")
@office.arguments(schemas.SalesFiles, location="files", content_type="multipart/form-data")
@office.response(201, schemas.SalesReportSchema)
@office.problems(ShopNotFound, *REFUSALS)
@office.permission("sales_reports.write")
@office.upload(MAX_BYTES + FORM)
def send_sales(args: dict[str, int], files: dict[str, Any]) -> TillReport:
    """Send a file of what a shop's till sold: nothing happens until it is confirmed"""
    file = files["file"]
    return service.take_file(args["shop_id"], file.read(), file_name=file.filename, by=identity.staff().name)


@office.get("/template")
@office.response(200, content_type="text/csv", description="A sheet with headings, a sale and a refund")
@office.permission("sales_reports.write")
def show_sales_template() -> Response:
    """An example sheet"""
    return _template()


@office.get("")
@office.arguments(schemas.OfficeSalesReportsArgs, location="query")
@office.response(200, schemas.SalesReportPage)
@office.problems(pages.CursorInvalid)
@office.permission("sales_reports.read")
@exported("sales_reports", schemas.OfficeSalesReportsArgs, schemas.SalesReportSchema)
def list_sales_reports(args: dict[str, Any]) -> pages.Page[TillReport]:
    """Reports of the mall's shops, newest first"""
    return service.reports(shop_id=args["shop_id"], state=args["state"], cursor=args.get("cursor"), limit=args["limit"])


@office.get("/rows")
@office.arguments(schemas.OfficeSalesRowsArgs, location="query")
@office.response(200, schemas.SalesReportRowPage)
@office.problems(pages.CursorInvalid)
@office.permission("sales_reports.read")
@exported("sales_report_rows", schemas.OfficeSalesRowsArgs, schemas.SalesReportRowSchema)
def list_sales_report_rows(args: dict[str, Any]) -> pages.Page[TillRow]:
    """Rows of one report in its own order; or of every worked report, newest first: what differs, and refunds that wait"""
    return service.rows(
        report_id=args["report_id"], shop_id=args["shop_id"], outcome=args["outcome"], cursor=args.get("cursor"), limit=args["limit"]
    )


@office.get("/<int:report_id>")
@office.response(200, schemas.SalesReportSchema)
@office.problems(SalesReportNotFound)
@office.permission("sales_reports.read")
def show_sales_report(report_id: int) -> TillReport:
    """How far a report is"""
    return service.report(report_id)


@office.put("/<int:report_id>/confirmation")
@office.response(200, schemas.SalesReportSchema)
@office.problems(SalesReportNotFound, NothingToReport, WrongState)
@office.permission("sales_reports.write")
def confirm_sales_report(report_id: int) -> TillReport:
    """Let a report do what it says"""
    return _worked(service.confirm(service.report(report_id), by=identity.staff().name))


@office.put("/<int:report_id>/cancellation")
@office.response(200, schemas.SalesReportSchema)
@office.problems(SalesReportNotFound, WrongState)
@office.permission("sales_reports.write")
def drop_sales_report(report_id: int) -> TillReport:
    """Drop a report that nobody confirmed"""
    return service.drop(service.report(report_id), by=identity.staff().name)


def _template() -> Response:
    return Response(sheets.template(), mimetype="text/csv", headers={"Content-Disposition": 'attachment; filename="sales.csv"'})
