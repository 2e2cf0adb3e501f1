from __future__ import annotations

from marshmallow import fields

from api.kit import http


class LedgerEntrySchema(http.Schema):
    """One line of an account. `undoes` names the transfer that this one undid."""

    id = fields.Integer(required=True)
    transfer_id = fields.Integer(required=True)
    amount = fields.Integer(required=True)
    balance_after = fields.Integer(required=True, allow_none=True)
    posted_at = fields.AwareDateTime(format="iso", required=True)
    cause_type = fields.String(required=True)
    cause_id = fields.String(required=True)
    undoes = fields.Integer(required=True, allow_none=True)
    note = fields.String(required=True, allow_none=True)


class LedgerProofLineSchema(http.Schema):
    """Something that the proof found wrong."""

    what = fields.String(required=True)
    subject = fields.String(required=True)
    expected = fields.Integer(required=True)
    found = fields.Integer(required=True)


class LedgerProofSchema(http.Schema):
    """A recount of the ledger."""

    id = fields.Integer(required=True)
    proved_at = fields.AwareDateTime(format="iso", required=True)
    differences = fields.Integer(required=True)
    lines = fields.List(fields.Nested(LedgerProofLineSchema), required=True)


LedgerEntryPage = http.page_of(LedgerEntrySchema)
LedgerProofPage = http.page_of(LedgerProofSchema)
