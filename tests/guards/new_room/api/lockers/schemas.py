"""What goes in and out of the room of lockers."""

from __future__ import annotations

from marshmallow import fields

from api.kit import http


class LockerSchema(http.Schema):
    """One locker."""

    door = fields.String(required=True)
    state = fields.String(required=True)


LockerPage = http.page_of(LockerSchema)
