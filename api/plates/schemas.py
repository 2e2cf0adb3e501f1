"""What goes in and out of the room of plates."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate, validates_schema
from marshmallow.exceptions import ValidationError

from api.kit import http
from api.kit.http import Schema
from api.kit.money import MAX_FEN
from api.plates.models import ALARM_KINDS, FINDINGS
from api.plates.states import PlateState

WHY = [validate.Length(2, 500), validate.Regexp(r"\s*\S", error="must not be blank")]
NOTE = [validate.Length(max=200), validate.Regexp(r"[^\x00-\x1f]*\Z", error="must not hold control characters")]
ID = validate.Range(1, 2**63 - 1)
CODE = validate.Regexp(r"[a-z2-9]{12}\Z", error="12 small letters and digits")
FEN = validate.Range(1, MAX_FEN)
MOST = 1000


class PlateAmountSchema(Schema):
    """What may be paid: fen, decimals of an amount in yuan, and whether a part that earns no benefit may be named."""

    min_fen = fields.Integer(required=True)
    max_fen = fields.Integer(required=True)
    decimals = fields.Integer(required=True)
    excluded_allowed = fields.Boolean(required=True)


class PlateMallSchema(Schema):
    """Whose mall it is."""

    code = fields.String(required=True)
    name = fields.String(required=True)


class PlateShopSchema(Schema):
    """The shop, shown before an amount is asked for."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    unit = fields.String(required=True)
    site = fields.String(required=True, attribute="site.name")
    floor = fields.String(required=True, attribute="floor.label")
    category = fields.String(required=True)
    opening_hours = fields.String(required=True, allow_none=True)
    earns_points = fields.Function(lambda shop: not shop.excluded, required=True, metadata={"type": "boolean"})
    photo = fields.String(required=True, allow_none=True, metadata={"description": "at /v1/malls/<mall>/shops/<id>/photo?v=<photo>"})


class ScannedPlateSchema(Schema):
    """What a scanner is shown."""

    code = fields.String(required=True, attribute="plate.code")
    number = fields.String(required=True, attribute="plate.number")
    mall = fields.Nested(PlateMallSchema, required=True)
    shop = fields.Nested(PlateShopSchema, required=True)
    amount = fields.Nested(PlateAmountSchema, required=True, attribute="plate")


class PlateSchema(Schema):
    """A plate, as the office sees it."""

    id = fields.Integer(required=True)
    code = fields.String(required=True)
    number = fields.String(required=True, attribute="printed")
    state = fields.String(required=True, validate=validate.OneOf([str(state) for state in PlateState]))
    batch_id = fields.Integer(required=True)
    shop_id = fields.Integer(required=True, allow_none=True)
    moved_at = fields.AwareDateTime(required=True, format="iso")


class PlateMoveSchema(Schema):
    """One move in the life of a plate."""

    from_state = fields.String(required=True)
    to_state = fields.String(required=True)
    reason = fields.String(required=True, allow_none=True)
    facts = fields.Dict(required=True, allow_none=True)
    moved_by = fields.String(required=True)
    moved_at = fields.AwareDateTime(required=True, format="iso")


class PlateWithMovesSchema(Schema):
    """A plate and its moves, newest first."""

    plate = fields.Nested(PlateSchema, required=True)
    history = fields.List(fields.Nested(PlateMoveSchema), required=True)


class PlatesArgs(http.PageArgs):
    """Which plates."""

    state = fields.String(validate=validate.OneOf([str(state) for state in PlateState]))
    shop_id = fields.Integer(validate=ID)
    batch_id = fields.Integer(validate=ID)
    number = fields.Integer(validate=ID)
    code = fields.String(validate=CODE)


class PlateBatchSchema(Schema):
    """Plates made together."""

    id = fields.Integer(required=True)
    note = fields.String(required=True)
    plates = fields.Integer(required=True)
    first_number = fields.Integer(required=True)
    made_by = fields.String(required=True)
    made_at = fields.AwareDateTime(required=True, format="iso")


class IssueArgs(Schema):
    """How many plates to make, and what for."""

    plates = fields.Integer(required=True, strict=True, validate=validate.Range(1, MOST))
    note = fields.String(load_default="", validate=NOTE)


class SheetArgs(Schema):
    """Which plates to print, in the order of their numbers: of a batch, of a shop, or these."""

    batch_id = fields.Integer(validate=ID)
    shop_id = fields.Integer(validate=ID)
    plate_id = fields.List(fields.Integer(validate=ID), validate=validate.Length(1, 120), metadata={"description": "may be repeated"})
    from_number = fields.Integer(load_default=1, validate=ID)


class BindArgs(Schema):
    """Where a blank plate goes."""

    shop_id = fields.Integer(required=True, strict=True, validate=ID)
    why = fields.String(load_default=None, allow_none=True, validate=WHY)


class MovePlateArgs(Schema):
    """Where the plate goes, and why."""

    shop_id = fields.Integer(required=True, strict=True, validate=ID)
    why = fields.String(required=True, validate=WHY)


class RetireArgs(Schema):
    """Why the plate is taken out of use."""

    why = fields.String(required=True, validate=WHY)


class OwnTermsSchema(Schema):
    """A shop's own terms; null is as the mall's policy says."""

    min_fen = fields.Integer(required=True, allow_none=True)
    max_fen = fields.Integer(required=True, allow_none=True)
    decimals = fields.Integer(required=True, allow_none=True)
    excluded_allowed = fields.Boolean(required=True, allow_none=True)


class PlateTermsSchema(Schema):
    """A shop's own terms, and what is in force there."""

    own = fields.Nested(OwnTermsSchema, required=True, allow_none=True)
    in_force = fields.Nested(PlateAmountSchema, required=True)


class SetTermsArgs(Schema):
    """A shop's own terms, and why."""

    min_fen = fields.Integer(required=True, strict=True, allow_none=True, validate=FEN)
    max_fen = fields.Integer(required=True, strict=True, allow_none=True, validate=FEN)
    decimals = fields.Integer(required=True, strict=True, allow_none=True, validate=validate.Range(0, 2))
    excluded_allowed = fields.Boolean(required=True, allow_none=True, truthy={True}, falsy={False})
    why = fields.String(required=True, validate=WHY)


class ScanArgs(Schema):
    """What the scanner read: a code, or the whole address."""

    scanned = fields.String(required=True, validate=validate.Length(1, 500))


class ExpectedSchema(Schema):
    """What should be seen around a scanned code; no plate: it is not one of this mall's."""

    scanned = fields.String(required=True)
    plate = fields.Nested(PlateSchema, required=True, allow_none=True)
    shop = fields.Nested(PlateShopSchema, required=True, allow_none=True)


class CheckArgs(ScanArgs):
    """What stands on a shop's counter, and whether shop, photo and number look right."""

    shop_id = fields.Integer(required=True, strict=True, validate=ID)
    looks_right = fields.Boolean(required=True, truthy={True}, falsy={False})
    note = fields.String(load_default="", validate=NOTE)

    @validates_schema
    def _say_what_is_wrong(self, data: dict[str, Any], **_: Any) -> None:
        if not data["looks_right"] and not data["note"].strip():
            raise ValidationError("say what looks wrong", "note")


class PlateCheckSchema(Schema):
    """A spot check."""

    id = fields.Integer(required=True)
    scanned = fields.String(required=True)
    plate_id = fields.Integer(required=True, allow_none=True)
    shop_id = fields.Integer(required=True)
    finding = fields.String(required=True, validate=validate.OneOf(FINDINGS))
    note = fields.String(required=True)
    checked_by = fields.String(required=True)
    checked_at = fields.AwareDateTime(required=True, format="iso")


class ChecksArgs(http.PageArgs):
    """Which spot checks."""

    shop_id = fields.Integer(validate=ID)


class PlateAlarmSchema(Schema):
    """An alarm; `facts` is the evidence."""

    id = fields.Integer(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(ALARM_KINDS))
    shop_id = fields.Integer(required=True)
    facts = fields.Dict(required=True)
    raised_at = fields.AwareDateTime(required=True, format="iso")
    over_at = fields.AwareDateTime(required=True, allow_none=True, format="iso", metadata={"description": "payments came again"})
    seen_by = fields.String(required=True, allow_none=True)
    seen_at = fields.AwareDateTime(required=True, allow_none=True, format="iso")
    verdict = fields.String(required=True, allow_none=True)


class AlarmsArgs(http.PageArgs):
    """Which alarms."""

    unseen = fields.Boolean(load_default=False)
    kind = fields.String(validate=validate.OneOf(ALARM_KINDS))
    shop_id = fields.Integer(validate=ID)


class PlateVerdictArgs(Schema):
    """What the alarm came to."""

    verdict = fields.String(required=True, validate=WHY)
