"""Receipts on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import marshmallow as ma
from flask_smorest.fields import Upload

from api.kit.http import PageArgs, Schema, page_of
from api.receipts.reading import located, private
from api.receipts.reasons import REVIEWER_REASONS, NextAction, Reason, next_action, reviewer_sentence, sentence
from api.receipts.states import SHOWN, ReceiptState, ReviewState

BOX = {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}
LINE = {"type": "object", "required": ["text", "box"], "properties": {"text": {"type": ["string", "null"]}, "box": BOX}}
HOUR = {
    "type": "object",
    "required": ["hour", "states"],
    "properties": {"hour": {"type": "integer"}, "states": {"type": "object", "additionalProperties": {"type": "integer"}}},
}
FIELDS = ("shop_id", "paid_fen", "paid_at", "receipt_no", "merchant")
ASKED_OR_READ = (*FIELDS, "currency")


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

    field = ma.fields.String(required=True, validate=ma.validate.OneOf(ASKED_OR_READ))
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
        lambda receipt: next_action(receipt.why), required=True, metadata={"type": "string", "enum": [str(action) for action in NextAction]}
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


class OfficeReceiptsArgs(PageArgs):
    """Which receipts of the mall; `since` and `until` are a half-open range of when they were sent."""

    state = ma.fields.String(load_default=None, validate=ma.validate.OneOf([str(state) for state in ReceiptState]))
    shop_id = ma.fields.Integer(load_default=None, validate=ma.validate.Range(1, 2**63 - 1))
    since = ma.fields.AwareDateTime(load_default=None)
    until = ma.fields.AwareDateTime(load_default=None)


class ReceiptListArgs(OfficeReceiptsArgs):
    """The same, or those of one member."""

    member_id = ma.fields.Integer(load_default=None, validate=ma.validate.Range(1, 2**63 - 1))


class OfficeReceiptSchema(Schema):
    """One receipt in a list of all."""

    id = ma.fields.Integer(required=True)
    member_id = ma.fields.Integer(required=True)
    state = ma.fields.String(required=True)
    reason = ma.fields.String(required=True, attribute="why")
    sentence = ma.fields.Function(lambda receipt: sentence(receipt.why, receipt.details), required=True, metadata={"type": "object"})
    shop_id = ma.fields.Integer(allow_none=True, required=True)
    merchant = ma.fields.String(allow_none=True, required=True)
    paid_fen = ma.fields.Integer(allow_none=True, required=True)
    paid_at = ma.fields.AwareDateTime(allow_none=True, required=True)
    receipt_no = ma.fields.String(allow_none=True, required=True)
    sale_id = ma.fields.Integer(allow_none=True, required=True)
    sent_at = ma.fields.AwareDateTime(required=True)
    decided_at = ma.fields.AwareDateTime(allow_none=True, required=True)


OfficeReceiptPageSchema = page_of(OfficeReceiptSchema)


class MyReceiptsArgs(PageArgs):
    """All of my receipts, or those that ask something, wait, scored, or did not."""

    show = ma.fields.String(load_default=None, validate=ma.validate.OneOf(sorted(SHOWN)))


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
    sentence = ma.fields.Function(lambda review: reviewer_sentence(review.reason), required=True, metadata={"type": "object"})
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
    photo = ma.fields.Integer(allow_none=True, metadata={"description": "on which photo the box stands, from 1"})
    place = ma.fields.List(ma.fields.List(ma.fields.Float()), allow_none=True, metadata={"description": "the box in its own pixels"})


class PhotoSchema(Schema):
    """A photo of the case."""

    position = ma.fields.Integer(required=True)
    format = ma.fields.String(required=True)
    size_bytes = ma.fields.Integer(required=True)
    removed_at = ma.fields.AwareDateTime(allow_none=True)
    lines = ma.fields.Function(lambda photo: _lines(photo.lines or ()), required=True, metadata={"type": "array", "items": LINE})


class ReviewShopSchema(Schema):
    """The shop that the receipt is taken to be of."""

    id = ma.fields.Integer(required=True)
    name = ma.fields.String(required=True)
    unit = ma.fields.String(required=True)
    floor = ma.fields.String(required=True, attribute="floor.label")
    site = ma.fields.String(required=True, attribute="site.name")
    earns_points = ma.fields.Function(lambda shop: not shop.excluded, required=True, metadata={"type": "boolean"})


class DossierSchema(Schema):
    """Everything that a reviewer looks at."""

    review = ma.fields.Nested(ReviewSchema, required=True)
    receipt = ma.fields.Nested(ReceiptSchema, required=True)
    corrections = ma.fields.List(ma.fields.Nested(CorrectionSchema), required=True)
    photos = ma.fields.List(ma.fields.Nested(PhotoSchema), required=True)
    read = ma.fields.Function(lambda dossier: _read(dossier.receipt.reading or {}), required=True, metadata={"type": "object"})
    second_reader_needed = ma.fields.Boolean(required=True)
    shop = ma.fields.Nested(ReviewShopSchema, allow_none=True, required=True)
    evidence = ma.fields.Function(
        lambda dossier: reviewer_sentence(dossier.review.reason, dossier.receipt.details), required=True, metadata={"type": "object"}
    )
    heights = ma.fields.Function(
        lambda dossier: (dossier.receipt.reading or {}).get("heights", []),
        required=True,
        metadata={"type": "array", "items": {"type": "integer"}, "description": "of each photo in its own pixels, to scale places by"},
    )


def _read(reading: dict[str, Any]) -> dict[str, Any]:
    fields = {"merchant": "merchant", "paid_fen": "total_fen", "paid_at": "paid_at", "receipt_no": "receipt_no"}
    return {ours: _read_field(reading, reading[theirs]) for ours, theirs in fields.items() if theirs in reading}


def _read_field(reading: dict[str, Any], field: dict[str, Any]) -> dict[str, Any]:
    photo, place = located(reading, field.get("box")) or (None, None)
    return dict(ReadFieldSchema().dump(field | {"photo": photo, "place": place}))


def _lines(lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"text": None if private(line["text"]) else line["text"], "box": line["box"]} for line in lines]


class NextArgs(Schema):
    """A case in hand, to take the one after it ahead."""

    class Meta:
        unknown = ma.EXCLUDE

    besides = ma.fields.Integer(load_default=None, validate=ma.validate.Range(1, 2**63 - 1))


class RefusalReasonSchema(Schema):
    """A reason that a reviewer may refuse with, and what the shopper is told."""

    reason = ma.fields.String(required=True)
    sentence = ma.fields.Nested(ReceiptSentenceSchema, required=True)
    next_action = ma.fields.String(required=True)


class RefusalReasonsSchema(Schema):
    """The reasons, in the order of the reviewer's keys."""

    reasons = ma.fields.List(ma.fields.Nested(RefusalReasonSchema), required=True)


class RecordSchema(Schema):
    """What was sent in ninety days. `others`: how many shops a member bought at, or how many members bought at a shop."""

    receipts = ma.fields.Integer(required=True)
    scored = ma.fields.Integer(required=True)
    refused = ma.fields.Integer(required=True)
    others = ma.fields.Integer(required=True)
    points = ma.fields.Integer(required=True)
    usual_fen = ma.fields.Integer(required=True)
    largest_fen = ma.fields.Integer(required=True)


class PastReceiptSchema(Schema):
    """An earlier receipt, in one line."""

    id = ma.fields.Integer(required=True)
    state = ma.fields.String(required=True)
    reason = ma.fields.String(required=True, attribute="why")
    sentence = ma.fields.Function(lambda receipt: sentence(receipt.why, receipt.details), required=True, metadata={"type": "object"})
    sent_at = ma.fields.AwareDateTime(required=True)
    shop_id = ma.fields.Integer(allow_none=True, required=True)
    merchant = ma.fields.String(allow_none=True, required=True)
    paid_fen = ma.fields.Integer(allow_none=True, required=True)
    paid_at = ma.fields.AwareDateTime(allow_none=True, required=True)


class HistorySchema(Schema):
    """What is known of a case's member and shop. `shops`: names by id."""

    member_id = ma.fields.Integer(required=True, attribute="member.id")
    joined_at = ma.fields.AwareDateTime(required=True, attribute="member.joined_at")
    level = ma.fields.String(allow_none=True, required=True)
    of_member = ma.fields.Nested(RecordSchema, required=True)
    latest_of_member = ma.fields.List(ma.fields.Nested(PastReceiptSchema), required=True)
    of_shop = ma.fields.Nested(RecordSchema, allow_none=True, required=True)
    latest_of_shop = ma.fields.List(ma.fields.Nested(PastReceiptSchema), required=True)
    shops = ma.fields.Dict(keys=ma.fields.Integer(), values=ma.fields.String(), required=True)


class DayArgs(Schema):
    """Which day of the mall's own; today when it is left out."""

    class Meta:
        unknown = ma.EXCLUDE

    on = ma.fields.Date(load_default=None)


class TodaySchema(Schema):
    """One day of receipts. Times in seconds."""

    on = ma.fields.Date(required=True)
    waiting = ma.fields.Integer(required=True, attribute="queue.cases")
    oldest_at = ma.fields.AwareDateTime(allow_none=True, required=True, attribute="queue.oldest_at")
    next_due_at = ma.fields.AwareDateTime(allow_none=True, required=True, attribute="queue.next_due_at")
    waiting_late = ma.fields.Integer(required=True, attribute="queue.late")
    decided = ma.fields.Integer(required=True)
    automatic = ma.fields.Integer(required=True)
    by_people = ma.fields.Integer(required=True)
    late = ma.fields.Integer(required=True, metadata={"description": "decided by people after the promised time"})
    usual_seconds = ma.fields.Integer(allow_none=True, required=True, metadata={"description": "from opening to decision, on average"})
    points = ma.fields.Integer(required=True)
    states = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Integer(), required=True)
    hours = ma.fields.Function(
        lambda day: [{"hour": hour, "states": states} for hour, states in day.hours],
        required=True,
        metadata={"type": "array", "items": HOUR},
    )


class ShopReceiptsArgs(PageArgs):
    """Which day of the mall's own; today when it is left out."""

    on = ma.fields.Date(load_default=None)


class ShopReceiptSchema(Schema):
    """A receipt of a shop's own purchase, without whose it is."""

    id = ma.fields.Integer(required=True)
    state = ma.fields.String(required=True)
    paid_fen = ma.fields.Integer(allow_none=True, required=True)
    paid_at = ma.fields.AwareDateTime(allow_none=True, required=True)
    minute_known = ma.fields.Boolean(required=True)
    receipt_no = ma.fields.String(allow_none=True, required=True)
    sent_at = ma.fields.AwareDateTime(required=True)
    points = ma.fields.Function(lambda receipt: (receipt.award or {}).get("points"), required=True, metadata={"type": ["integer", "null"]})


ShopReceiptPageSchema = page_of(ShopReceiptSchema)


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

    field = ma.fields.String(load_default=None, validate=ma.validate.OneOf(ASKED_OR_READ))


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
