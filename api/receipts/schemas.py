"""Receipts on the wire."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask_smorest.fields import Upload

from api.kit.http import PageArgs, Schema, page_of
from api.receipts.reasons import REVIEWER_REASONS, NextAction, Reason, next_action, sentence
from api.receipts.states import ReceiptState, ReviewState

FIELDS = ("shop_id", "paid_fen", "paid_at", "receipt_no", "merchant")


class ReceiptSentenceSchema(Schema):
    """One sentence in both languages."""

    zh = ma.fields.String(required=True)
    en = ma.fields.String(required=True)


class PhotosArgs(Schema):
    """One to four pictures that belong together as one long receipt, in order from its head."""

    photo = ma.fields.List(Upload(format="binary"), load_default=[])


class ChoiceSchema(Schema):
    """One answer that the photo supports; `box` is where it stands on the photo (four corners, pixels of the upright picture)."""

    class Meta:
        unknown = ma.EXCLUDE

    value = ma.fields.Raw(required=True, metadata={"description": "send this back as the answer", "type": ["integer", "string"]})
    label = ma.fields.String(required=True)
    photo = ma.fields.Integer(allow_none=True, metadata={"description": "on which photo, from 1"})
    box = ma.fields.List(ma.fields.List(ma.fields.Float()), allow_none=True)


class QuestionSchema(Schema):
    """The one question that is open."""

    class Meta:
        unknown = ma.EXCLUDE

    field = ma.fields.String(required=True, validate=ma.validate.OneOf(FIELDS))
    choices = ma.fields.List(ma.fields.Nested(ChoiceSchema), required=True)


class ReceiptAwardSchema(Schema):
    """The points that the receipt earned, and why these."""

    points = ma.fields.Integer(required=True)
    state = ma.fields.String(required=True)
    explanation = ma.fields.Nested(ReceiptSentenceSchema(unknown=ma.EXCLUDE))


class ReceiptSchema(Schema):
    """A receipt as its shopper sees it."""

    id = ma.fields.Integer(required=True)
    state = ma.fields.String(required=True, validate=ma.validate.OneOf([str(state) for state in ReceiptState]))
    reason = ma.fields.String(required=True, attribute="why", validate=ma.validate.OneOf([str(reason) for reason in Reason]))
    sentence = ma.fields.Function(lambda receipt: sentence(receipt.why, receipt.details), required=True, metadata={"type": "object"})
    next_action = ma.fields.Function(
        lambda receipt: next_action(receipt.why), required=True, metadata={"type": "string", "enum": [str(one) for one in NextAction]}
    )
    sent_at = ma.fields.AwareDateTime(required=True)
    decided_at = ma.fields.AwareDateTime(allow_none=True, required=True)
    decide_by = ma.fields.Function(
        lambda receipt: receipt.details.get("decide_by") if receipt.state == ReceiptState.IN_REVIEW else None,
        metadata={"type": ["string", "null"], "format": "date-time", "description": "promised time of a reviewer's decision"},
    )
    shop_id = ma.fields.Integer(allow_none=True, required=True)
    merchant = ma.fields.String(allow_none=True, required=True, metadata={"description": "as printed"})
    paid_fen = ma.fields.Integer(allow_none=True, required=True)
    paid_at = ma.fields.AwareDateTime(allow_none=True, required=True)
    receipt_no = ma.fields.String(allow_none=True, required=True)
    question = ma.fields.Nested(QuestionSchema, allow_none=True, required=True)
    award = ma.fields.Nested(ReceiptAwardSchema, allow_none=True, required=True)
    poll_url = ma.fields.Function(lambda receipt: f"/v1/receipts/{receipt.id}", required=True, metadata={"type": "string"})
    live_url = ma.fields.Function(lambda _: "/v1/live", required=True, metadata={"type": "string"})


ReceiptPageSchema = page_of(ReceiptSchema)


class AnswerArgs(Schema):
    """The value of one of the choices, or null when none of them is right."""

    value = ma.fields.Raw(required=True, allow_none=True, metadata={"type": ["integer", "string"]})


class CorrectionArgs(Schema):
    """What a field should be. Amounts in fen, times with their offset, a shop by its id; all as text."""

    field = ma.fields.String(required=True, validate=ma.validate.OneOf(FIELDS))
    value = ma.fields.String(required=True, validate=ma.validate.Length(1, 100))
    note = ma.fields.String(load_default=None, allow_none=True, validate=ma.validate.Length(max=500))


class ReviewSchema(Schema):
    """A case in the queue."""

    id = ma.fields.Integer(required=True)
    state = ma.fields.String(required=True, validate=ma.validate.OneOf([str(state) for state in ReviewState]))
    receipt_id = ma.fields.Integer(required=True)
    member_id = ma.fields.Integer(required=True)
    reason = ma.fields.String(required=True)
    sentence = ma.fields.Function(lambda review: sentence(review.reason), required=True, metadata={"type": "object"})
    opened_at = ma.fields.AwareDateTime(required=True)
    decide_by = ma.fields.AwareDateTime(required=True, attribute="due_at")
    breached_at = ma.fields.AwareDateTime(allow_none=True)
    taken_by = ma.fields.Integer(allow_none=True)
    taken_until = ma.fields.AwareDateTime(allow_none=True, attribute="hold_ends_at")
    first_by = ma.fields.Integer(allow_none=True)
    second_by = ma.fields.Integer(allow_none=True)
    decided_at = ma.fields.AwareDateTime(allow_none=True)


ReviewPageSchema = page_of(ReviewSchema)


class CorrectionSchema(Schema):
    """What the shopper said beside what was read."""

    field = ma.fields.String(required=True)
    read_value = ma.fields.String(allow_none=True)
    value = ma.fields.String(required=True)
    note = ma.fields.String(allow_none=True)
    made_at = ma.fields.AwareDateTime(required=True)


class ReadFieldSchema(Schema):
    """What was read of a field, how surely, and where it stands."""

    class Meta:
        unknown = ma.EXCLUDE

    value = ma.fields.Raw(allow_none=True, metadata={"type": ["integer", "string"]})
    confidence = ma.fields.Float()
    box = ma.fields.List(ma.fields.List(ma.fields.Float()), allow_none=True)


class PhotoSchema(Schema):
    """A photo of the case."""

    position = ma.fields.Integer(required=True)
    format = ma.fields.String(required=True)
    size_bytes = ma.fields.Integer(required=True)
    removed_at = ma.fields.AwareDateTime(allow_none=True)


class DossierSchema(Schema):
    """Everything that a reviewer looks at."""

    review = ma.fields.Nested(ReviewSchema, required=True)
    receipt = ma.fields.Nested(ReceiptSchema, required=True)
    corrections = ma.fields.List(ma.fields.Nested(CorrectionSchema), required=True)
    photos = ma.fields.List(ma.fields.Nested(PhotoSchema), required=True)
    read = ma.fields.Function(lambda dossier: _read(dossier.receipt.reading or {}), required=True, metadata={"type": "object"})
    second_reader_needed = ma.fields.Boolean(required=True)


def _read(reading: dict[str, Any]) -> dict[str, Any]:
    shown = ReadFieldSchema()
    fields = {"merchant": "merchant", "paid_fen": "total_fen", "paid_at": "paid_at", "receipt_no": "receipt_no"}
    return {ours: shown.dump(reading[theirs]) for ours, theirs in fields.items() if theirs in reading}


class ReviewerCorrectionArgs(Schema):
    """What a field really says, and why the reviewer thinks so."""

    field = ma.fields.String(required=True, validate=ma.validate.OneOf(FIELDS))
    value = ma.fields.String(required=True, validate=ma.validate.Length(1, 100))
    why = ma.fields.String(required=True, validate=ma.validate.Length(1, 500))


class ApprovalArgs(Schema):
    """Why it is let through; learn_alias: remember the printed name as this shop's; purchase_id: whose points a refund slip takes."""

    why = ma.fields.String(required=True, validate=ma.validate.Length(1, 500))
    learn_alias = ma.fields.Boolean(load_default=True)
    purchase_id = ma.fields.Integer(load_default=None, allow_none=True, validate=ma.validate.Range(1, 2**63 - 1))


class RefusalArgs(Schema):
    """A reason for the shopper, and a note for the mall."""

    reason = ma.fields.Enum(Reason, by_value=True, required=True, validate=ma.validate.OneOf(REVIEWER_REASONS))
    why = ma.fields.String(required=True, validate=ma.validate.Length(1, 500))


class CropArgs(Schema):
    """Only the part of the photo where this field was read."""

    class Meta:
        unknown = ma.EXCLUDE

    field = ma.fields.String(load_default=None, validate=ma.validate.OneOf(FIELDS))


class OwnMemberArgs(Schema):
    """Why this is written down."""

    why = ma.fields.String(required=True, validate=ma.validate.Length(1, 500))


class ConcentrationArgs(Schema):
    """How far back, and from how many receipts on."""

    class Meta:
        unknown = ma.EXCLUDE

    days = ma.fields.Integer(load_default=30, validate=ma.validate.Range(1, 366))
    least = ma.fields.Integer(load_default=5, validate=ma.validate.Range(1, 10_000))


class ConcentrationSchema(Schema):
    """One cashier of a shop: how many scored receipts to how many members, and how many of them to the busiest one."""

    shop_id = ma.fields.Integer(required=True)
    cashier = ma.fields.String(allow_none=True, required=True)
    receipts = ma.fields.Integer(required=True)
    members = ma.fields.Integer(required=True)
    top_receipts = ma.fields.Integer(required=True)
    top_member_id = ma.fields.Integer(allow_none=True, required=True)
    paid_fen = ma.fields.Integer(required=True)


class ConcentrationListSchema(Schema):
    """The most concentrated hundred."""

    items = ma.fields.List(ma.fields.Nested(ConcentrationSchema), required=True)


__all__ = ["PageArgs"]
