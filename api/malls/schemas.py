"""What goes in and out of the room of malls."""

from __future__ import annotations

from marshmallow import fields

from api.kit.http import Schema


class MallSchema(Schema):
    """A mall, as anyone may see it."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    timezone = fields.String(required=True)
    currency = fields.String(required=True)
