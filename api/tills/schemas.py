"""What goes in and out of the room of tills."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields
from marshmallow.validate import Length, OneOf

from api.kit import http
from api.tills.sheets import REFUND, SALE
from api.tills.states import Outcome, ReportState, Waits

CALL_ROWS = 500

STATES = [str(state) for state in ReportState]
OUTCOMES = [str(outcome) for outcome in Outcome]


class SalesRowArgs(http.Schema):
    """One receipt or refund as the till has it; what cannot be taken is said of the row, and does not stop the others."""

    receipt_no = fields.String(required=True, validate=Length(1, 200))
    kind = fields.String(load_default=SALE, validate=OneOf([SALE, REFUND]))
    paid_at = fields.String(
        required=True, validate=Length(1, 40), metadata={"description": "2026-11-26 12:05, local to the mall, or RFC 3339 with an offset"}
    )
    paid_fen = fields.Integer(strict=True, metadata={"description": "the amount in fen; or paid_yuan"})
    paid_yuan = fields.String(validate=Length(1, 40), metadata={"description": "the amount in yuan, at most two decimals; or paid_fen"})
    original_no = fields.String(validate=Length(max=200), metadata={"description": "of a refund: the receipt that is given back"})
    original_on = fields.String(validate=Length(max=40), metadata={"description": "of a refund: the day of that receipt"})
    tender = fields.String(validate=Length(max=200))


class SalesCallArgs(http.Schema):
    """Rows of one call."""

    rows = fields.List(fields.Nested(SalesRowArgs), required=True, validate=Length(1, CALL_ROWS))

    @ma.post_load
    def _as_cells(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {"cells": [{name: str(value) for name, value in row.items()} for row in data["rows"]]}


class SalesFiles(http.Schema):
    """The sheet: CSV (UTF-8 or GB18030) or xlsx, at most 5 MB and 20,000 rows."""

    file = fields.Raw(required=True, metadata={"type": "string", "format": "binary"})


class ShopFileArgs(http.Schema):
    """Whose till it is."""

    shop_id = fields.Integer(required=True)


class SalesReportsArgs(http.PageArgs):
    """Which reports."""

    state = fields.String(load_default=None, validate=OneOf(STATES))


class OfficeSalesReportsArgs(SalesReportsArgs):
    """Which reports of the mall."""

    shop_id = fields.Integer(load_default=None)


class SalesRowsArgs(http.PageArgs):
    """Which rows of a report."""

    outcome = fields.String(load_default=None, validate=OneOf(OUTCOMES))


class OfficeSalesRowsArgs(SalesRowsArgs):
    """Which rows: of one report in its own order, or worked ones of every report, newest first."""

    report_id = fields.Integer(load_default=None)
    shop_id = fields.Integer(load_default=None)


class SalesReportSchema(http.Schema):
    """One report. `counts` says how many rows are what; until it is worked, what they would be."""

    id = fields.Integer(required=True)
    shop_id = fields.Integer(required=True)
    source = fields.String(required=True, validate=OneOf(["file", "call"]))
    file_name = fields.String(required=True, allow_none=True)
    state = fields.String(required=True, validate=OneOf(STATES))
    rows = fields.Integer(required=True, attribute="row_count")
    worked = fields.Integer(required=True, attribute="worked_count")
    counts = fields.Dict(keys=fields.String(validate=OneOf(OUTCOMES)), values=fields.Integer(), required=True)
    sent_by = fields.String(required=True)
    sent_at = fields.AwareDateTime(format="iso", required=True)
    confirmed_by = fields.String(required=True, allow_none=True)
    ended_at = fields.AwareDateTime(format="iso", required=True, allow_none=True)


class SalesReportRowSchema(http.Schema):
    """One row. `told` are the cells of a refused row as they were sent, `problems` why it was refused, by column; `waits` why a
    refund waits; `differs` what was told otherwise before, `known_fen` the amount that was told, or that is left to give back."""

    id = fields.Integer(required=True)
    report_id = fields.Integer(required=True)
    shop_id = fields.Integer(required=True)
    line = fields.Integer(required=True)
    outcome = fields.String(required=True, validate=OneOf(OUTCOMES))
    worked = fields.Function(lambda row: row.worked_at is not None, metadata={"type": "boolean"})
    kind = fields.String(required=True, validate=OneOf([SALE, REFUND]))
    receipt_no = fields.String(required=True, allow_none=True)
    paid_at = fields.AwareDateTime(format="iso", required=True, allow_none=True)
    paid_fen = fields.Integer(required=True, allow_none=True)
    original_no = fields.String(required=True, allow_none=True)
    original_on = fields.Date(required=True, allow_none=True)
    tender = fields.String(required=True, allow_none=True)
    problems = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    told = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    differs = fields.List(fields.String(), required=True)
    known_fen = fields.Integer(required=True, allow_none=True)
    waits = fields.String(required=True, allow_none=True, validate=OneOf([str(why) for why in Waits]))
    sale_id = fields.Integer(required=True, allow_none=True)


class SalesCallSchema(http.Schema):
    """What became of a call: its report, to be looked at again while it is worked, and the rows that cannot be taken."""

    report = fields.Nested(SalesReportSchema, required=True)
    refused = fields.List(fields.Nested(SalesReportRowSchema), required=True)


SalesReportPage = http.page_of(SalesReportSchema)
SalesReportRowPage = http.page_of(SalesReportRowSchema)
