from __future__ import annotations

from marshmallow import fields, validate

from api.kit import http

PIN = validate.Regexp(r"^[0-9]{6}\Z", error="six digits")


class PackageSchema(http.Schema):
    """Pay so much, get so much on top."""

    id = fields.Integer(required=True)
    title_zh = fields.String(required=True)
    title_en = fields.String(required=True)
    pays_fen = fields.Integer(required=True)
    bonus_fen = fields.Integer(required=True)
    member_limit = fields.Integer(required=True, allow_none=True, metadata={"description": "how often a member may buy it"})
    ends_at = fields.AwareDateTime(format="iso", required=True, allow_none=True)


class PackagesSchema(http.Schema):
    """What is offered now; at most a hundred, so it is not paged."""

    items = fields.List(fields.Nested(PackageSchema), required=True)


class PayCodeSchema(http.Schema):
    """A code for a shop's scanner: one use, one minute."""

    code = fields.String(required=True)
    expires_at = fields.AwareDateTime(format="iso", required=True)
    seconds = fields.Integer(required=True)
