from __future__ import annotations

from typing import Any

from marshmallow import fields

from api.kit import http
from api.sales.channels import channel_title

#: A part of what was paid.
TENDER = {
    "type": "object",
    "properties": {"kind": {"type": "string"}, "amount_fen": {"type": "integer"}},
    "required": ["kind", "amount_fen"],
}

CHANNEL_TITLE = fields.Function(
    lambda row: dict(channel_title(row.channel)),
    required=True,
    metadata={
        "description": "what the channel is called",
        "type": "object",
        "properties": {"zh": {"type": "string"}, "en": {"type": "string"}},
        "required": ["zh", "en"],
    },
)


class SaleSchema(http.Schema):
    """One purchase."""

    id = fields.Integer(required=True)
    shop_id = fields.Integer(required=True)
    channel = fields.String(required=True)
    channel_title = CHANNEL_TITLE
    paid_at = fields.AwareDateTime(format="iso", required=True)
    minute_known = fields.Boolean(required=True)
    paid_fen = fields.Integer(required=True)
    refunded_fen = fields.Integer(required=True)
    receipt_no = fields.String(allow_none=True, required=True)
    tenders = fields.Method("_tenders", metadata={"type": "array", "items": TENDER})
    scored = fields.Function(lambda sale: sale.scored_by is not None, metadata={"type": "boolean"})

    def _tenders(self, sale: Any) -> list[dict[str, Any]]:
        return [{"kind": kind, "amount_fen": amount} for kind, amount in sale.tenders]


class OfficeSaleSchema(SaleSchema):
    """One purchase, with whose it is."""

    member_id = fields.Integer(allow_none=True, required=True)
    scored_by = fields.Integer(allow_none=True, required=True)
    scored_at = fields.AwareDateTime(format="iso", allow_none=True, required=True)
    recorded_at = fields.AwareDateTime(format="iso", required=True)


class SightingSchema(http.Schema):
    """One channel's word of a purchase."""

    id = fields.Integer(required=True)
    sale_id = fields.Integer(required=True)
    channel = fields.String(required=True)
    channel_title = CHANNEL_TITLE
    source_type = fields.String(required=True)
    source_id = fields.Integer(required=True)
    member_id = fields.Integer(allow_none=True, required=True)
    paid_at = fields.AwareDateTime(format="iso", required=True)
    minute_known = fields.Boolean(required=True)
    paid_fen = fields.Integer(required=True)
    receipt_no = fields.String(allow_none=True, required=True)
    external_no = fields.String(allow_none=True, required=True)
    differs = fields.List(fields.String(), required=True)
    seen_at = fields.AwareDateTime(format="iso", required=True)


class SaleWithSightingsSchema(http.Schema):
    """One purchase with everything told of it."""

    sale = fields.Nested(OfficeSaleSchema, required=True)
    sightings = fields.List(fields.Nested(SightingSchema), required=True)


class DayTotalSchema(http.Schema):
    """What a shop sold on one day, as far as the mall knows."""

    on = fields.Date(required=True)
    count = fields.Integer(required=True)
    paid_fen = fields.Integer(required=True)
    refunded_fen = fields.Integer(required=True)


class DayArgs(http.Schema):
    """Which day of the mall's own; today when it is left out."""

    on = fields.Date(load_default=None)


class ShopSalesArgs(http.PageArgs):
    """Which of the shop's sales: of one day of the mall's own, or all."""

    on = fields.Date(load_default=None)


class OfficeSalesArgs(http.PageArgs):
    """Which sales of the mall."""

    shop_id = fields.Integer(load_default=None)
    member_id = fields.Integer(load_default=None)


SalePage = http.page_of(SaleSchema)
OfficeSalePage = http.page_of(OfficeSaleSchema)
