"""What goes in and out of the room of exports."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields
from marshmallow.validate import Length, OneOf

from api.exports.states import ExportState
from api.kit import http, tables

MOST_COLUMNS = 60


class ColumnSchema(http.Schema):
    """A column of the list, and the heading it gets."""

    name = fields.String(required=True, validate=Length(1, 60))
    title = fields.String(load_default="", validate=Length(max=60))


class ExportArgs(http.Schema):
    """Which list, filtered how, which of its columns (all when left out), and the language of sentences in it."""

    table = fields.String(required=True, validate=Length(1, 40))
    filters = fields.Dict(keys=fields.String(validate=Length(1, 60)), load_default=dict, metadata={"additionalProperties": True})
    columns = fields.List(fields.Nested(ColumnSchema), load_default=list, validate=Length(max=MOST_COLUMNS))
    language = fields.String(load_default="zh", validate=OneOf(["zh", "en"]))

    @ma.validates_schema
    def _fit(self, data: dict[str, Any], **_: Any) -> None:
        """The list is one that may leave, and what is asked of it fits it."""
        table = tables.every().get(data["table"])
        if table is None:
            raise ma.ValidationError({"table": [f"Must be one of: {', '.join(sorted(tables.every()))}."]})
        odd = sorted({column["name"] for column in data["columns"]} - set(table.columns))
        if odd:
            raise ma.ValidationError({"columns": [f"This list has no column {', '.join(odd)}."]})
        try:
            table.load(data["filters"])
        except ma.ValidationError as wrong:
            raise ma.ValidationError({"filters": wrong.messages}) from wrong


class ExportsArgs(http.PageArgs):
    """Which exports: mine, or everybody's for an administrator."""

    all = fields.Boolean(load_default=False)


class ListExportSchema(http.Schema):
    """One export. `rows` grows while it is made; `cut` says that the list was longer than `row_limit`."""

    id = fields.Integer(required=True)
    table = fields.String(required=True)
    filters = fields.Dict(required=True)
    state = fields.String(required=True, validate=OneOf([str(state) for state in ExportState]))
    rows = fields.Integer(required=True, attribute="rows_done")
    row_limit = fields.Integer(required=True)
    cut = fields.Boolean(required=True)
    size_bytes = fields.Integer(required=True)
    trouble = fields.String(required=True, allow_none=True, metadata={"description": "the name of the refusal that ended it"})
    asked_by = fields.String(required=True)
    asked_at = fields.AwareDateTime(required=True)
    ended_at = fields.AwareDateTime(required=True, allow_none=True)
    expires_at = fields.AwareDateTime(required=True, allow_none=True)
    file_name = fields.String(required=True)


ListExportPage = http.page_of(ListExportSchema)
