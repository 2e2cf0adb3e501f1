"""What comes in and goes out. Members are shown masked, as everywhere in the office."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from api.kit import http, rooms
from api.members.schemas import LevelSchema, StaffMemberSchema
from api.merges.states import MergeState

NUMBER = validate.Range(1, 2**62)
WHY = validate.Length(4, 300)


class MergePairArgs(http.Schema):
    """Which two, and whose phone is kept."""

    source_id = fields.Integer(required=True, strict=True, validate=NUMBER, metadata={"description": "is folded into the other"})
    target_id = fields.Integer(required=True, strict=True, validate=NUMBER, metadata={"description": "the survivor"})
    phone_of_source = fields.Boolean(load_default=False, metadata={"description": "the survivor takes the phone of the other"})


class MergePreviewArgs(MergePairArgs):
    """The same, in an address, and why both records are opened."""

    source_id = fields.Integer(required=True, validate=NUMBER)
    target_id = fields.Integer(required=True, validate=NUMBER)
    reason = fields.String(required=True, validate=WHY)


class MergeArgs(MergePairArgs):
    """Which two, and why."""

    why = fields.String(required=True, validate=WHY)


class MergeReasonArgs(http.Schema):
    """Why."""

    why = fields.String(required=True, validate=WHY)


class MergesArgs(http.PageArgs):
    """Which merges."""

    state = fields.String(load_default=None, validate=validate.OneOf([str(state) for state in MergeState]))
    member_id = fields.Integer(load_default=None, validate=NUMBER)


class MergeBatchSchema(http.Schema):
    """Points with one expiry."""

    points = fields.Integer(required=True)
    expires_at = fields.String(required=True, allow_none=True)


def _counted(says: str) -> fields.Field[Any]:
    return fields.Integer(required=True, metadata={"description": says} if says else {})


_COUNTS = {name: _counted(says) for part in rooms.member_parts() for name, says in part.counts.items()}

#: What each room counts of one of the two; amounts end in `_fen`.
MergeCountsSchema = http.Schema.from_dict(_COUNTS, name="MergeCountsSchema")


class MergeSideSchema(http.Schema):
    """One of the two, with what each room counts."""

    member = fields.Nested(StaffMemberSchema, required=True)
    level = fields.Nested(LevelSchema, required=True, allow_none=True)
    points = fields.Integer(attribute="holding.points", required=True, metadata={"description": "below zero: owed"})
    pending = fields.Integer(attribute="holding.pending", required=True)
    debt = fields.Integer(attribute="holding.debt", required=True)
    growth = fields.Integer(attribute="holding.growth", required=True)
    batches = fields.List(fields.Nested(MergeBatchSchema), required=True, metadata={"description": "the first hundred to expire"})
    identities = fields.Integer(required=True)
    vehicles = fields.Integer(required=True)
    consents = fields.Integer(required=True)
    channels = fields.List(fields.String(), required=True)
    counts = fields.Nested(MergeCountsSchema, required=True)


class MergeConflictSchema(http.Schema):
    """A field that both give differently, and whose is kept."""

    field = fields.String(required=True, validate=validate.OneOf(["phone", "nickname", "birthday_on", "level"]))
    kept_of = fields.String(required=True, validate=validate.OneOf(["source", "target"]))


class MergePreviewSchema(http.Schema):
    """Both sides, what the survivor will have, and what conflicts."""

    source = fields.Nested(MergeSideSchema, required=True)
    target = fields.Nested(MergeSideSchema, required=True)
    points = fields.Integer(required=True)
    pending = fields.Integer(required=True)
    debt = fields.Integer(required=True)
    growth = fields.Integer(required=True)
    conflicts = fields.List(fields.Nested(MergeConflictSchema), required=True)


class MergeHeldSchema(http.Schema):
    """What the folded membership held."""

    points = fields.Integer(required=True)
    pending = fields.Integer(required=True)
    growth = fields.Integer(required=True)


class MergeUndoneSchema(http.Schema):
    """What undoing gave back, what the survivor owes after it, and what could not return."""

    points = fields.Integer(required=True)
    pending = fields.Integer(required=True)
    growth = fields.Integer(required=True)
    survivor_points = fields.Integer(required=True)
    survivor_pending = fields.Integer(required=True)
    survivor_debt = fields.Integer(required=True)
    spent_since = fields.Integer(required=True)
    lost = fields.List(fields.String(), required=True, metadata={"description": "phone, survivors_phone, identity, vehicle"})


class MergeSchema(http.Schema):
    """A merge of two memberships."""

    id = fields.Integer(required=True)
    state = fields.String(required=True)
    source_id = fields.Integer(required=True)
    target_id = fields.Integer(required=True)
    phone_of_source = fields.Boolean(required=True)
    why = fields.String(required=True)
    proposed_by = fields.String(required=True)
    proposed_at = fields.AwareDateTime(format="iso", required=True)
    decided_by = fields.String(required=True, allow_none=True)
    done_at = fields.AwareDateTime(format="iso", required=True, allow_none=True)
    held = fields.Nested(MergeHeldSchema, required=True, allow_none=True)
    moved = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True, allow_none=True)
    transfer_id = fields.Integer(required=True, allow_none=True)
    undo_why = fields.String(required=True, allow_none=True)
    undo_proposed_by = fields.String(required=True, allow_none=True)
    undo_decided_by = fields.String(required=True, allow_none=True)
    undone = fields.Nested(MergeUndoneSchema, required=True, allow_none=True)
    undo_transfer_id = fields.Integer(required=True, allow_none=True)
    undone_at = fields.AwareDateTime(format="iso", required=True, allow_none=True)


class MergeStepSchema(http.Schema):
    """Who did what, when and why."""

    state = fields.String(required=True)
    by = fields.String(required=True)
    why = fields.String(required=True, allow_none=True)
    at = fields.AwareDateTime(format="iso", required=True)


class MergeRecordSchema(http.Schema):
    """A merge with every step of it."""

    merge = fields.Nested(MergeSchema, required=True)
    steps = fields.List(fields.Nested(MergeStepSchema), required=True)


class MergeUndoPreviewSchema(http.Schema):
    """What undoing would do just now."""

    points = fields.Integer(attribute="outcome.points", required=True, metadata={"description": "go back to the source"})
    pending = fields.Integer(attribute="outcome.pending", required=True)
    growth = fields.Integer(attribute="outcome.growth", required=True)
    survivor_points = fields.Integer(attribute="outcome.survivor_points", required=True)
    survivor_pending = fields.Integer(attribute="outcome.survivor_pending", required=True)
    survivor_debt = fields.Integer(
        attribute="outcome.survivor_debt", required=True, metadata={"description": "points that the survivor spent and will owe"}
    )
    spent_since = fields.Integer(attribute="outcome.spent_since", required=True)
    lost = fields.List(fields.String(), required=True)


MergePage = http.page_of(MergeSchema)
