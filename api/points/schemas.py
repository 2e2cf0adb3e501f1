from __future__ import annotations

from marshmallow import fields

from api.kit import http


class PointsSentenceSchema(http.Schema):
    """One sentence in Chinese and English."""

    zh = fields.String(required=True)
    en = fields.String(required=True)


class ExpiringSchema(http.Schema):
    """Points and their last valid day (by month: the first day of the month)."""

    on = fields.Date(required=True)
    points = fields.Integer(required=True)


class SummarySchema(http.Schema):
    """A member's points as they are now."""

    balance = fields.Integer(required=True)
    pending = fields.Integer(required=True)
    debt = fields.Integer(required=True, metadata={"description": "points owed after refunds; the next earning repays them"})
    growth = fields.Integer(required=True)
    expiring_by_month = fields.List(fields.Nested(ExpiringSchema), required=True)


class ForecastSchema(http.Schema):
    """What expires in the coming twelve months, by last valid day and by month."""

    expiring = fields.List(fields.Nested(ExpiringSchema), required=True, data_key="by_day")
    expiring_by_month = fields.List(fields.Nested(ExpiringSchema), required=True, data_key="by_month")


class HistoryLineSchema(http.Schema):
    """One movement of points."""

    id = fields.Integer(required=True)
    points = fields.Integer(required=True)
    balance_after = fields.Integer(required=True)
    at = fields.AwareDateTime(format="iso", required=True)
    cause_type = fields.String(required=True)
    cause_id = fields.String(required=True)
    title = fields.Nested(PointsSentenceSchema, required=True)
    explanation = fields.Nested(PointsSentenceSchema, required=True, allow_none=True)


class PointsAwardSchema(http.Schema):
    """What a sale earned, in words."""

    id = fields.Integer(required=True)
    sale_id = fields.Integer(required=True)
    shop_id = fields.Integer(required=True)
    state = fields.String(required=True)
    points = fields.Integer(required=True)
    taken_back = fields.Integer(required=True)
    growth = fields.Integer(required=True)
    reason = fields.String(required=True, allow_none=True)
    explanation = fields.Nested(PointsSentenceSchema, required=True)
    earned_at = fields.AwareDateTime(format="iso", required=True)
    active_from_at = fields.AwareDateTime(format="iso", required=True)
    expires_at = fields.AwareDateTime(format="iso", required=True, allow_none=True)


HistoryPage = http.page_of(HistoryLineSchema)
AwardPage = http.page_of(PointsAwardSchema)
