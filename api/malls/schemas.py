"""What goes in and out of the room of malls."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields
from marshmallow.validate import Length, OneOf, Range, Regexp

from api.kit import http, policy
from api.kit.http import Schema
from api.malls.models import ALIAS_KINDS, HTTPS, HTTPS_SAYS

CODE = Regexp(r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,39}\Z", error="1 to 40 letters, digits or . _ / -")
TEXT = [Length(1, 200), Regexp(r"[^\x00-\x1f]*[^\s\x00-\x1f][^\x00-\x1f]*\Z", error="must not be blank or hold control characters")]
OPTIONAL_TEXT = [Length(0, 200), Regexp(r"[^\x00-\x1f]*\Z", error="must not hold control characters")]
WHY = [Length(2, 500), Regexp(r"\s*\S", error="must not be blank")]
ID = Range(1, 2**63 - 1)
TAX_NUMBER = Regexp(r"^[0-9A-Z]{15,20}\Z", error="15 to 20 digits or capital letters")
LINK = Regexp(rf"^{HTTPS}\Z", error=HTTPS_SAYS)
PHONE = Regexp(r"^\+?[0-9][0-9 ()-]{4,24}\Z", error="digits, spaces, ( ) - only")


class MallSchema(Schema):
    """A mall, as anyone may see it."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    timezone = fields.String(required=True)
    currency = fields.String(required=True)


class SiteSchema(Schema):
    """A building."""

    id = fields.Integer(required=True)
    code = fields.String(required=True)
    name = fields.String(required=True)
    address = fields.String(required=True)


class FloorSchema(Schema):
    """A floor; positions grow upwards."""

    id = fields.Integer(required=True)
    site = fields.Nested(SiteSchema, required=True)
    label = fields.String(required=True)
    position = fields.Integer(required=True)


class FloorsArgs(http.PageArgs):
    """Which floors."""

    site = fields.String(validate=Length(1, 40), metadata={"description": "the building's code"})


class ShopSchema(Schema):
    """A shop, as anyone may see it."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    unit = fields.String(required=True)
    site = fields.String(required=True, attribute="site.name")
    floor = fields.String(required=True, attribute="floor.label")
    category = fields.String(required=True)
    phone = fields.String(required=True, allow_none=True)
    opening_hours = fields.String(required=True, allow_none=True)
    earns_points = fields.Function(lambda shop: not shop.excluded, required=True, metadata={"type": "boolean"})
    photo = fields.String(required=True, allow_none=True, metadata={"description": "which photo: at …/shops/<id>/photo?v=<photo>"})


class PhotoArgs(Schema):
    """Which photo, as the shop's answer names it; with it the answer may be cached without limit."""

    v = fields.String(validate=Length(1, 40))


class ShopPhotoFiles(Schema):
    """A photo of the shop: JPEG, PNG or WebP, at most 10 MB and 40 megapixels."""

    photo = fields.Raw(required=True, metadata={"type": "string", "format": "binary"})


class ShopsArgs(http.PageArgs):
    """Which shops. `q` is a name, its pinyin or their initials, a unit, a category."""

    q = fields.String(validate=Length(1, 100))
    category = fields.String(validate=Length(1, 200))
    floor = fields.String(validate=Length(1, 40), metadata={"description": "the floor's label"})
    site = fields.String(validate=Length(1, 40), metadata={"description": "the building's code"})


class OfficeShopSchema(ShopSchema):
    """A shop, as the office sees it."""

    code = fields.String(required=True)
    site_id = fields.Integer(required=True)
    floor_id = fields.Integer(required=True)
    legal_name = fields.String(required=True, allow_none=True)
    trading_names = fields.List(fields.String(), required=True)
    tax_number = fields.String(required=True, allow_none=True)
    invoice_url = fields.String(required=True, allow_none=True)
    starts_on = fields.Date(required=True, allow_none=True)
    ends_on = fields.Date(required=True, allow_none=True)
    points_rate_bp = fields.Integer(required=True)
    excluded = fields.Boolean(required=True)
    closed = fields.Boolean(required=True)


class AddSiteArgs(Schema):
    """A new building."""

    code = fields.String(required=True, validate=CODE)
    name = fields.String(required=True, validate=TEXT)
    address = fields.String(load_default="", validate=OPTIONAL_TEXT)


class ChangeSiteArgs(Schema):
    """What changes, and why."""

    name = fields.String(validate=TEXT)
    address = fields.String(validate=OPTIONAL_TEXT)
    why = fields.String(required=True, validate=WHY)


class AddFloorArgs(Schema):
    """A new floor."""

    site_id = fields.Integer(required=True, strict=True, validate=ID)
    label = fields.String(required=True, validate=[Length(1, 20), TEXT[1]])
    position = fields.Integer(load_default=0, strict=True, validate=Range(-50, 500))


class ChangeFloorArgs(Schema):
    """What changes, and why."""

    label = fields.String(validate=[Length(1, 20), TEXT[1]])
    position = fields.Integer(strict=True, validate=Range(-50, 500))
    why = fields.String(required=True, validate=WHY)


class _ShopArgs(Schema):
    legal_name = fields.String(allow_none=True, validate=TEXT)
    trading_names = fields.List(fields.String(validate=TEXT), validate=Length(max=20))
    tax_number = fields.String(allow_none=True, validate=TAX_NUMBER)
    invoice_url = fields.String(allow_none=True, validate=LINK, metadata={"description": "where a shopper asks for an invoice"})
    category = fields.String(validate=OPTIONAL_TEXT)
    phone = fields.String(allow_none=True, validate=PHONE)
    opening_hours = fields.String(allow_none=True, validate=Length(1, 200))
    starts_on = fields.Date(allow_none=True)
    ends_on = fields.Date(allow_none=True)
    points_rate_bp = fields.Integer(strict=True, validate=Range(0, 1_000_000))
    excluded = fields.Boolean()
    closed = fields.Boolean()


class OpenShopArgs(_ShopArgs):
    """A new shop."""

    code = fields.String(required=True, validate=CODE)
    floor_id = fields.Integer(required=True, strict=True, validate=ID)
    unit = fields.String(required=True, validate=[Length(1, 40), TEXT[1]])
    name = fields.String(required=True, validate=TEXT)


class ChangeShopArgs(_ShopArgs):
    """What changes, and why."""

    code = fields.String(validate=CODE)
    floor_id = fields.Integer(strict=True, validate=ID)
    unit = fields.String(validate=[Length(1, 40), TEXT[1]])
    name = fields.String(validate=TEXT)
    why = fields.String(required=True, validate=WHY)


class OfficeShopsArgs(ShopsArgs):
    """Which shops, closed ones too unless said otherwise."""

    closed = fields.Boolean()


class AliasSchema(Schema):
    """Another way a shop is printed on paper."""

    id = fields.Integer(required=True)
    kind = fields.String(required=True)
    text = fields.String(required=True)
    learned_from = fields.String(required=True)
    learned_at = fields.AwareDateTime(required=True)


class AddAliasArgs(Schema):
    """An alias to learn."""

    kind = fields.String(load_default="name", validate=OneOf(ALIAS_KINDS))
    text = fields.String(required=True, validate=TEXT)


class LearnedSchema(Schema):
    """Whether the alias was new."""

    added = fields.Boolean(required=True)


class WhyArgs(Schema):
    """Why."""

    why = fields.String(required=True, validate=WHY)


class ImportArgs(Schema):
    """Whether only to say what would happen."""

    dry_run = fields.Boolean(load_default=True)


class SheetFiles(Schema):
    """The sheet: CSV (UTF-8 or GB18030) or xlsx, at most 5 MB and 5,000 rows."""

    file = fields.Raw(required=True, metadata={"type": "string", "format": "binary"})


class PlannedRowSchema(Schema):
    """What one row does: create, update, unchanged, or refused with the problems by column."""

    row = fields.Integer(required=True)
    code = fields.String(required=True)
    action = fields.String(required=True, validate=OneOf(["create", "update", "unchanged", "refused"]))
    problems = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    changes = fields.Dict(keys=fields.String(), values=fields.List(fields.Raw(allow_none=True)), required=True)


class ImportReportSchema(Schema):
    """The report of an import."""

    dry_run = fields.Boolean(required=True)
    counts = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    rows = fields.List(fields.Nested(PlannedRowSchema), required=True)


def _rule(name: str) -> fields.Field[Any]:
    limits = policy.fields()[name].metadata
    metadata = {"description": limits["says"]}
    kind = policy.types()[name]
    if kind is bool:
        return fields.Boolean(truthy={True}, falsy={False}, metadata=metadata)
    if kind is int:
        return fields.Integer(strict=True, validate=Range(limits["min"], limits["max"]), metadata=metadata)
    return fields.String(validate=OneOf(limits["choices"]), metadata=metadata)


_RULES: dict[str, ma.fields.Field[Any]] = {name: _rule(name) for name in policy.fields()}

PolicySchema = Schema.from_dict(_RULES, name="PolicySchema")
ChangePolicyArgs = Schema.from_dict(_RULES | {"why": fields.String(required=True, validate=WHY)}, name="ChangePolicyArgs")


class RuleSchema(Schema):
    """One rule of the policy: what it means, its default and its limits."""

    name = fields.String(required=True)
    says = fields.String(required=True)
    default = fields.Raw(required=True)
    min = fields.Integer()
    max = fields.Integer()
    choices = fields.List(fields.String())


class PolicyInForceSchema(Schema):
    """The policy in force and what each rule means."""

    policy = fields.Nested(PolicySchema, required=True)
    rules = fields.List(fields.Nested(RuleSchema), required=True)
