from __future__ import annotations

from datetime import date
from typing import Any

from marshmallow import ValidationError, fields, pre_dump, validate, validates_schema

from api.kit import http

TITLE = validate.Length(1, 60)
WHY = validate.Length(2, 300)
CODE = "1 to 40 small letters, digits and hyphens"


class PointsSentenceSchema(http.Schema):
    """One sentence in Chinese and English."""

    zh = fields.String(required=True)
    en = fields.String(required=True)


class ExpiringSchema(http.Schema):
    """Points and their last valid day (by month: the first day of the month)."""

    on = fields.Date(required=True)
    points = fields.Integer(required=True)


class SummarySchema(http.Schema):
    """A member's points as they are now."""

    balance = fields.Integer(required=True)
    pending = fields.Integer(required=True)
    debt = fields.Integer(required=True, metadata={"description": "points owed after refunds; the next earning repays them"})
    growth = fields.Integer(required=True)
    expiring_by_month = fields.List(fields.Nested(ExpiringSchema), required=True)


class ForecastSchema(http.Schema):
    """What expires in the coming twelve months, by last valid day and by month."""

    expiring = fields.List(fields.Nested(ExpiringSchema), required=True, data_key="by_day")
    expiring_by_month = fields.List(fields.Nested(ExpiringSchema), required=True, data_key="by_month")


class HistoryLineSchema(http.Schema):
    """One movement of points."""

    id = fields.Integer(required=True)
    points = fields.Integer(required=True)
    balance_after = fields.Integer(required=True)
    at = fields.AwareDateTime(format="iso", required=True)
    cause_type = fields.String(required=True)
    cause_id = fields.String(required=True)
    title = fields.Nested(PointsSentenceSchema, required=True)
    explanation = fields.Nested(PointsSentenceSchema, required=True, allow_none=True)


class PointsAwardSchema(http.Schema):
    """What a sale earned, in words."""

    id = fields.Integer(required=True)
    sale_id = fields.Integer(required=True)
    shop_id = fields.Integer(required=True)
    state = fields.String(required=True)
    points = fields.Integer(required=True)
    taken_back = fields.Integer(required=True)
    growth = fields.Integer(required=True)
    reason = fields.String(required=True, allow_none=True)
    explanation = fields.Nested(PointsSentenceSchema, required=True)
    earned_at = fields.AwareDateTime(format="iso", required=True)
    active_from_at = fields.AwareDateTime(format="iso", required=True)
    expires_at = fields.AwareDateTime(format="iso", required=True, allow_none=True)


HistoryPage = http.page_of(HistoryLineSchema)
AwardPage = http.page_of(PointsAwardSchema)


class PointsRuleSchema(http.Schema):
    """One version of a rule of points."""

    id = fields.Integer(required=True)
    code = fields.String(required=True)
    version = fields.Integer(required=True)
    state = fields.String(required=True)
    kind = fields.String(required=True)
    title_zh = fields.String(required=True)
    title_en = fields.String(required=True)
    conditions = fields.Dict(keys=fields.String(), required=True)
    enabled = fields.Boolean(required=True)
    starts_at = fields.AwareDateTime(format="iso", required=True)
    ends_at = fields.AwareDateTime(format="iso", required=True, allow_none=True)
    priority = fields.Integer(required=True)
    points = fields.Integer(required=True, allow_none=True)
    per_fen = fields.Integer(required=True, allow_none=True)
    factor_bp = fields.Integer(required=True, allow_none=True)
    stack = fields.String(required=True)
    use_shop_rate = fields.Boolean(required=True)
    rounding = fields.String(required=True, allow_none=True)
    shop_share_bp = fields.Integer(required=True)
    max_points = fields.Integer(required=True, allow_none=True)
    period = fields.String(required=True, allow_none=True)
    per = fields.String(required=True, allow_none=True)
    of_code = fields.String(required=True, allow_none=True)
    proposed_by = fields.String(required=True)
    decided_by = fields.String(required=True, allow_none=True)
    why = fields.String(required=True)
    sentence = fields.Nested(PointsSentenceSchema, required=True, metadata={"description": "the rule in words"})


class EarningChannelSchema(http.Schema):
    """Where purchases come from that can earn points."""

    code = fields.String(required=True)
    title = fields.Nested(PointsSentenceSchema, required=True)


class EarningChannelsSchema(http.Schema):
    """Every channel whose purchases can earn points."""

    items = fields.List(fields.Nested(EarningChannelSchema), required=True)


class RuleFields(http.Schema):
    """What a rule says. With a known code it is the next version of that rule."""

    code = fields.String(required=True, validate=validate.Regexp(r"^[a-z0-9][a-z0-9-]{0,39}\Z", error=CODE))
    kind = fields.String(required=True, validate=validate.OneOf(["base", "multiplier", "bonus", "exclusion", "cap"]))
    title_zh = fields.String(required=True, validate=TITLE)
    title_en = fields.String(required=True, validate=TITLE)
    conditions = fields.Dict(
        keys=fields.String(),
        load_default=dict,
        metadata={
            "description": "all must hold: sites, categories, shops, not_shops, not_categories, levels, channels (lists), min_fen, "
            "weekdays (1 = Monday), month_days, dates ([[first, last]]), hours ([[from, to]])"
        },
    )
    enabled = fields.Boolean(load_default=True, metadata={"description": "false: from starts_at on the rule rests"})
    starts_at = fields.AwareDateTime(load_default=None, allow_none=True)
    ends_at = fields.AwareDateTime(load_default=None, allow_none=True)
    priority = fields.Integer(load_default=0, validate=validate.Range(-1000, 1000))
    points = fields.Integer(load_default=None, allow_none=True, validate=validate.Range(0, 1_000_000))
    per_fen = fields.Integer(load_default=None, allow_none=True, validate=validate.Range(1, 100_000_000))
    factor_bp = fields.Integer(load_default=None, allow_none=True, metadata={"description": "20000 = twice"})
    stack = fields.String(load_default="", validate=validate.Length(max=40), metadata={"description": "of one stack only the best counts"})
    use_shop_rate = fields.Boolean(load_default=True)
    rounding = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(["down", "half_up", "up"]))
    shop_share_bp = fields.Integer(load_default=0, validate=validate.Range(0, 10_000))
    max_points = fields.Integer(load_default=None, allow_none=True, validate=validate.Range(0, 10**12))
    period = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(["day", "week", "month", "ever"]))
    per = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(["member", "mall"]))
    of_code = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=40))


class RuleDraftArgs(RuleFields):
    """A rule that somebody thinks of: nothing is kept."""


class RuleArgs(RuleFields):
    """A rule, or with a known code its next version. A sale earns by the versions in force when it was paid."""

    starts_at = fields.AwareDateTime(required=True)
    why = fields.String(required=True, validate=WHY)


class RuleReadingSchema(http.Schema):
    """How a rule reads back, before anybody proposes it."""

    sentence = fields.Nested(PointsSentenceSchema, required=True)


class RulesArgs(http.PageArgs):
    """Which versions of rules."""

    code = fields.String(load_default=None)
    state = fields.String(load_default=None, validate=validate.OneOf(["proposed", "approved", "rejected"]))


class DecisionArgs(http.Schema):
    """Why something is turned down."""

    why = fields.String(required=True, validate=WHY)


class AdjustArgs(http.Schema):
    """Points to give or, below zero, to take, and why."""

    member_id = fields.Integer(required=True, validate=validate.Range(1, 2**62))
    points = fields.Integer(required=True, validate=[validate.Range(-100_000_000, 100_000_000), validate.NoneOf([0])])
    why = fields.String(required=True, validate=WHY)


class PointsAdjustmentSchema(http.Schema):
    """Points given or taken by staff."""

    id = fields.Integer(required=True)
    state = fields.String(required=True, metadata={"description": "proposed: waits for a second person"})
    member_id = fields.Integer(required=True)
    points = fields.Integer(required=True)
    why = fields.String(required=True)
    proposed_by = fields.String(required=True)
    proposed_at = fields.AwareDateTime(format="iso", required=True)
    decided_by = fields.String(required=True, allow_none=True)


class AdjustmentsArgs(http.PageArgs):
    """Which adjustments."""

    state = fields.String(load_default=None, validate=validate.OneOf(["proposed", "posted", "rejected"]))
    member_id = fields.Integer(load_default=None)


def _points_by(says: dict[str, str]) -> fields.Dict:
    return fields.Dict(keys=fields.String(), values=fields.Integer(), required=True, metadata=says)


class LiabilityFiguresSchema(http.Schema):
    """What the mall owes its members in points."""

    members = fields.Integer(required=True, metadata={"description": "members who hold points"})
    outstanding = fields.Integer(required=True)
    pending = fields.Integer(required=True)
    debt = fields.Integer(required=True, metadata={"description": "owed by members after refunds"})
    issued = fields.Integer(required=True)
    expired = fields.Integer(required=True)
    expired_share_bp = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "of points due in the last twelve months, those that expired; null when none were due"},
    )
    breakage_bp = fields.Integer(required=True, metadata={"description": "of all points ever issued, those that expired"})
    by_age = _points_by({"description": "outstanding points by age of their batch in days"})
    by_expiry = _points_by({"description": "what expires if nobody spends any more, by month (2026-12), or never"})
    expected_expiry = _points_by({"description": "what is likely to expire, by the last twelve months"})
    activating = _points_by({"description": "pending points by the month in which they become spendable"})
    borne_by = _points_by({"description": "by shop number; 0 is the mall"})
    points_a_yuan = fields.Integer(required=True)
    worth_fen = fields.Integer(required=True, metadata={"description": "outstanding and pending, by the mall's policy"})
    agrees = fields.Boolean(required=True, metadata={"description": "batches, accounts and entries agree"})


class LiabilityNowSchema(http.Schema):
    """What the mall owes now, and what the shops that bear points are called."""

    figures = fields.Nested(LiabilityFiguresSchema, required=True)
    shops = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class LiabilityReportSchema(http.Schema):
    """What the mall owed in points on one day."""

    reported_on = fields.Date(required=True)
    figures = fields.Dict(keys=fields.String(), required=True, metadata={"description": "as LiabilityFigures; elder reports know fewer"})
    made_at = fields.AwareDateTime(format="iso", required=True)


class PointsAlertSchema(http.Schema):
    """Growth or redemption that looks odd."""

    id = fields.Integer(required=True)
    kind = fields.String(required=True)
    member_id = fields.Integer(required=True)
    happened_on = fields.Date(required=True)
    facts = fields.Dict(keys=fields.String(), required=True)
    raised_at = fields.AwareDateTime(format="iso", required=True)
    seen_by = fields.String(required=True, allow_none=True)
    seen_at = fields.AwareDateTime(format="iso", required=True, allow_none=True)
    verdict = fields.String(required=True, allow_none=True)


class EvidenceLineSchema(http.Schema):
    """One award or spend of the day."""

    kind = fields.String(required=True, metadata={"enum": ["award", "spend"]})
    id = fields.Integer(required=True)
    points = fields.Integer(required=True)
    at = fields.AwareDateTime(format="iso", required=True)
    shop_id = fields.Integer(required=True, allow_none=True)
    shop = fields.String(required=True, allow_none=True)
    subject = fields.String(required=True, metadata={"description": "the sale's number, or what was bought with points"})
    paid_fen = fields.Integer(required=True, allow_none=True)
    paid_at = fields.AwareDateTime(format="iso", required=True, allow_none=True)


class EvidenceShopSchema(http.Schema):
    """What of the day's awards came from one shop."""

    shop_id = fields.Integer(required=True)
    name = fields.String(required=True)
    awards = fields.Integer(required=True)
    points = fields.Integer(required=True)


class AlertEvidenceSchema(http.Schema):
    """An alert with what the member earned and spent on that day."""

    alert = fields.Nested(PointsAlertSchema, required=True)
    lines = fields.List(fields.Nested(EvidenceLineSchema), required=True, metadata={"description": "newest first, 200 at most"})
    by_shop = fields.List(fields.Nested(EvidenceShopSchema), required=True)


class AlertsArgs(http.PageArgs):
    """Alerts that nobody has looked at, or all."""

    all = fields.Boolean(load_default=False)


class VerdictArgs(http.Schema):
    """What was found."""

    verdict = fields.String(required=True, validate=WHY)


class RehearsalArgs(http.Schema):
    """A proposed version (`rule_id`) or a draft (`rule`), and the days whose sales it is played over: by default the last whole month."""

    rule_id = fields.Integer(load_default=None, allow_none=True, validate=validate.Range(1, 2**62))
    rule = fields.Nested(RuleDraftArgs, load_default=None, allow_none=True)
    first_on = fields.Date(load_default=None, allow_none=True)
    last_on = fields.Date(load_default=None, allow_none=True)

    @validates_schema
    def _one_of_two(self, data: dict[str, Any], **_: Any) -> None:
        if (data.get("rule_id") is None) == (data.get("rule") is None):
            raise ValidationError("exactly one of rule_id and rule is needed", "rule_id")


class MemberHistoryArgs(http.PageArgs):
    """Whose movements of points an export holds."""

    member_id = fields.Integer(required=True, validate=validate.Range(1, 2**63 - 1))


class RehearsalsArgs(http.PageArgs):
    """Which rehearsals."""

    rule_id = fields.Integer(load_default=None)


class RehearsalSchema(http.Schema):
    """A rehearsal and how far it is."""

    id = fields.Integer(required=True)
    progress = fields.String(
        required=True, metadata={"enum": ["waiting", "running", "done", "failed"], "description": "failed: it is tried again a few times"}
    )
    done = fields.Integer(required=True, metadata={"description": "sales played so far"})
    total = fields.Integer(required=True, metadata={"description": "sales to play, 0 before it has begun"})
    rule_id = fields.Integer(required=True, allow_none=True)
    rule = fields.Dict(keys=fields.String(), required=True)
    sentence = fields.Nested(PointsSentenceSchema, required=True)
    first_on = fields.Date(required=True)
    last_on = fields.Date(required=True)
    asked_by = fields.String(required=True)
    asked_at = fields.AwareDateTime(format="iso", required=True)
    begun_at = fields.AwareDateTime(format="iso", required=True, allow_none=True)
    finished_at = fields.AwareDateTime(format="iso", required=True, allow_none=True)


class BeforeAfterSchema(http.Schema):
    """As it really was, and as the rule would have made it."""

    before = fields.Integer(required=True)
    after = fields.Integer(required=True)


class DifferenceSchema(BeforeAfterSchema):
    """And the difference: above zero the rule gives more."""

    difference = fields.Integer(required=True)


class RehearsedSalesSchema(DifferenceSchema):
    """Sales of one day, shop or level; points after refunds."""

    sales = fields.Integer(required=True)
    changed = fields.Integer(required=True, metadata={"description": "sales that would have earned otherwise"})
    shop_before = fields.Integer(required=True, metadata={"description": "of the points those that shops bear"})
    shop_after = fields.Integer(required=True)


class RehearsedDaySchema(RehearsedSalesSchema):
    """One day of the mall's own."""

    on = fields.Date(required=True)

    @pre_dump
    def _day(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return data | {"on": date.fromisoformat(data["on"])}


class RehearsedShopSchema(RehearsedSalesSchema):
    """One shop."""

    shop_id = fields.Integer(required=True)
    name = fields.String(required=True)


class RehearsedLevelSchema(RehearsedSalesSchema):
    """One level: its members when they bought."""

    level = fields.Integer(required=True)
    name = fields.Nested(PointsSentenceSchema, required=True)
    members = fields.Integer(required=True)
    winners = fields.Integer(required=True)
    losers = fields.Integer(required=True)


class RehearsedChangeSchema(http.Schema):
    """How many members would have got so many points more (below zero: fewer)."""

    at_least = fields.Integer(required=True, allow_none=True)
    below = fields.Integer(required=True, allow_none=True)
    members = fields.Integer(required=True)


class RehearsedMembersSchema(http.Schema):
    """Members who bought: in all, touched, with more, with fewer points."""

    all = fields.Integer(required=True)
    touched = fields.Integer(required=True)
    winners = fields.Integer(required=True)
    losers = fields.Integer(required=True)


class RehearsedMemberSchema(BeforeAfterSchema):
    """One member, masked."""

    member_id = fields.Integer(required=True)
    name = fields.String(required=True, allow_none=True, metadata={"description": "masked"})
    level = fields.Integer(required=True)


class RehearsalResultSchema(http.Schema):
    """What a rehearsal found. Points are after the refunds there have been; `fen` is their worth by the mall's policy."""

    sales = fields.Integer(required=True)
    sales_changed = fields.Integer(required=True)
    sales_unknown = fields.Integer(required=True, metadata={"description": "sales whose facts were not kept: they count as unchanged"})
    points_a_yuan = fields.Integer(required=True)
    points = fields.Nested(DifferenceSchema, required=True)
    fen = fields.Nested(DifferenceSchema, required=True)
    borne_by_shops = fields.Nested(BeforeAfterSchema, required=True)
    members = fields.Nested(RehearsedMembersSchema, required=True)
    by_day = fields.List(fields.Nested(RehearsedDaySchema), required=True)
    shops = fields.Integer(required=True)
    by_shop = fields.List(fields.Nested(RehearsedShopSchema), required=True, metadata={"description": "the 100 that change most"})
    by_level = fields.List(fields.Nested(RehearsedLevelSchema), required=True)
    by_change = fields.List(fields.Nested(RehearsedChangeSchema), required=True)
    winners = fields.List(fields.Nested(RehearsedMemberSchema), required=True, metadata={"description": "the 20 who gain most"})
    losers = fields.List(fields.Nested(RehearsedMemberSchema), required=True, metadata={"description": "the 20 who lose most"})


class RehearsalWithResultSchema(RehearsalSchema):
    """A rehearsal, and when it is done its result."""

    result = fields.Nested(RehearsalResultSchema, required=True, allow_none=True)


RehearsalPage = http.page_of(RehearsalSchema)
RulePage = http.page_of(PointsRuleSchema)
AdjustmentPage = http.page_of(PointsAdjustmentSchema)
LiabilityReportPage = http.page_of(LiabilityReportSchema)
PointsAlertPage = http.page_of(PointsAlertSchema)
