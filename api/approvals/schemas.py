"""What comes in and goes out of the room of approvals."""

from __future__ import annotations

from marshmallow import fields, validate

from api.approvals.states import ApprovalState
from api.kit import http


class ApprovalsArgs(http.PageArgs):
    """Which requests."""

    state = fields.String(load_default=None, validate=validate.OneOf([str(state) for state in ApprovalState]))
    act = fields.String(load_default=None, validate=validate.Length(1, 100))


class RejectionArgs(http.Schema):
    """Why it is turned down."""

    why = fields.String(required=True, validate=validate.Length(4, 300))


class ApprovalSchema(http.Schema):
    """What one person asked for and another one decides. `asked` shows the request without secrets, `before` what it would change."""

    id = fields.Integer(required=True)
    act = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf([str(state) for state in ApprovalState]))
    subject = fields.String(required=True, allow_none=True)
    asked = fields.Dict(keys=fields.String(), required=True)
    before = fields.Dict(keys=fields.String(), required=True, allow_none=True)
    why = fields.String(required=True, allow_none=True)
    asked_by = fields.String(required=True)
    asked_at = fields.AwareDateTime(format="iso", required=True)
    expires_at = fields.AwareDateTime(format="iso", required=True)
    decided_by = fields.String(required=True, allow_none=True)
    moved_at = fields.AwareDateTime(format="iso", required=True)


ApprovalPage = http.page_of(ApprovalSchema)
