from __future__ import annotations

from typing import Any

import flask

from api.exports import jobs, schemas, service
from api.exports.errors import ExportExpired, ExportNotFound, ExportNotReady, TooManyExports
from api.exports.models import Export
from api.kit import http, identity, pages
from api.kit import jobs as kit
from api.kit.states import WrongState
from api.kit.storage import FileRemoved

office = http.Blueprint("exports", __name__, audience=identity.mall_staff, url_prefix="/exports", description="Lists as CSV files")


@office.post("")
@office.arguments(schemas.ExportArgs)
@office.response(202, schemas.ListExportSchema)
@office.problems(identity.PermissionMissing, TooManyExports)
@office.idempotent
@office.permission("exports.make")
def ask_export(args: dict[str, Any]) -> Export:
    """Export a list as CSV, in the background"""
    made = service.ask(**args, who=identity.staff())
    kit.later(jobs.write, export_id=made.id)
    return made


@office.get("")
@office.arguments(schemas.ExportsArgs, location="query")
@office.response(200, schemas.ListExportPage)
@office.problems(pages.CursorInvalid)
@office.permission("exports.make")
def list_exports(args: dict[str, Any]) -> pages.Page[Export]:
    """My exports, newest first"""
    return service.exports(identity.staff(), all_people=args["all"], cursor=args.get("cursor"), limit=args["limit"])


@office.get("/<int:export_id>")
@office.response(200, schemas.ListExportSchema)
@office.problems(ExportNotFound)
@office.permission("exports.make")
def show_export(export_id: int) -> Export:
    """How far an export is"""
    return service.find(export_id, identity.staff())


@office.put("/<int:export_id>/cancellation")
@office.response(200, schemas.ListExportSchema)
@office.problems(ExportNotFound, WrongState)
@office.permission("exports.make")
def cancel_export(export_id: int) -> Export:
    """End an export that is not done"""
    return service.cancel(export_id, identity.staff())


@office.get("/<int:export_id>/file")
@office.response(200, {"type": "string", "format": "binary"}, content_type="text/csv")
@office.problems(ExportNotFound, ExportNotReady, ExportExpired, FileRemoved, identity.PermissionMissing)
@office.permission("exports.make")
def download_export(export_id: int) -> flask.Response:
    """The file: UTF-8 with a byte order mark; the download is written into the audit log"""
    export, file = service.open_file(export_id, identity.staff())
    answer = flask.send_file(file, mimetype="text/csv", as_attachment=True, download_name=export.file_name)
    answer.content_length = export.size_bytes
    return answer
