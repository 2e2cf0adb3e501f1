from __future__ import annotations

from typing import Any

from api.approvals.errors import AnotherPersonNeeded, ApprovalOutdated
from api.kit import audit, http, identity, pages
from api.kit.limits import TooOften
from api.kit.states import WrongState
from api.kit.tables import exported
from api.members.errors import MemberClosed, MemberNotFound
from api.members.service import of_any_state as find_member
from api.points import schemas, service
from api.points.errors import (
    AdjustmentNotFound,
    AlertNotFound,
    PointsTooFew,
    RehearsalNotFound,
    RehearsalRangeWrong,
    RuleNotFound,
    RuleStartsInThePast,
    RuleWrong,
)
from api.points.models import Adjustment, Alert, Award, LiabilityReport, Rehearsal, Rule
from api.points.service import adjustments, rehearsals, reports, rules
from api.points.service.views import HistoryLine
from api.points.states import AwardState
from api.sales.channels import channels

members = http.Blueprint("points", __name__, audience=identity.members, url_prefix="/points", description="My points")
office = http.Blueprint("office_points", __name__, audience=identity.mall_staff, url_prefix="/points", description="Points of the mall")


@members.get("")
@members.response(200, schemas.SummarySchema)
def read_points() -> service.Summary:
    """My points: balance, pending, debt, and what expires when"""
    return service.summary(identity.member().id)


@members.get("/expiring")
@members.response(200, schemas.ForecastSchema)
def read_expiring() -> service.Summary:
    """What of my points expires on which day and in which month"""
    return service.summary(identity.member().id)


@members.get("/history")
@members.arguments(http.PageArgs, location="query")
@members.response(200, schemas.HistoryPage)
@members.problems(pages.CursorInvalid)
def list_history(args: dict[str, Any]) -> pages.Page[HistoryLine]:
    """Every movement of my points, newest first"""
    return service.history(identity.member().id, args.get("cursor"), args["limit"])


@members.get("/pending")
@members.arguments(http.PageArgs, location="query")
@members.response(200, schemas.AwardPage)
@members.problems(pages.CursorInvalid)
def list_pending(args: dict[str, Any]) -> pages.Page[Award]:
    """My points that are not spendable yet, and from when they are"""
    return service.awards_of(identity.member().id, state=AwardState.PENDING, cursor=args.get("cursor"), limit=args["limit"])


@members.get("/awards")
@members.arguments(http.PageArgs, location="query")
@members.response(200, schemas.AwardPage)
@members.problems(pages.CursorInvalid)
def list_awards(args: dict[str, Any]) -> pages.Page[Award]:
    """What each of my purchases earned, and why"""
    return service.awards_of(identity.member().id, cursor=args.get("cursor"), limit=args["limit"])


@office.get("/members/<int:member_id>")
@office.response(200, schemas.SummarySchema)
@office.problems(MemberNotFound)
@office.permission("points.read")
def read_member_points(member_id: int) -> service.Summary:
    """A member's points"""
    return service.summary(find_member(member_id).id)


@office.get("/members/<int:member_id>/history")
@office.arguments(http.PageArgs, location="query")
@office.response(200, schemas.HistoryPage)
@office.problems(MemberNotFound, pages.CursorInvalid)
@office.permission("points.read")
def list_member_history(args: dict[str, Any], member_id: int) -> pages.Page[HistoryLine]:
    """Every movement of a member's points"""
    return service.history(find_member(member_id).id, args.get("cursor"), args["limit"])


@office.get("/members/<int:member_id>/awards")
@office.arguments(http.PageArgs, location="query")
@office.response(200, schemas.AwardPage)
@office.problems(MemberNotFound, pages.CursorInvalid)
@office.permission("points.read")
def list_member_awards(args: dict[str, Any], member_id: int) -> pages.Page[Award]:
    """What each purchase of a member earned, and why"""
    return service.awards_of(find_member(member_id).id, cursor=args.get("cursor"), limit=args["limit"])


@office.get("/channels")
@office.response(200, schemas.EarningChannelsSchema)
@office.permission("points.report")
def list_earning_channels() -> dict[str, Any]:
    """List the channels whose purchases can earn points, to name them in a rule"""
    return {"items": [channel for channel in channels() if channel.scores]}


@office.get("/rules")
@office.arguments(schemas.RulesArgs, location="query")
@office.response(200, schemas.RulePage)
@office.problems(pages.CursorInvalid)
@office.permission("points.report")
@exported("points_rules", schemas.RulesArgs, schemas.PointsRuleSchema)
def list_rules(args: dict[str, Any]) -> pages.Page[Rule]:
    """Versions of the rules of points, newest first"""
    return rules.listed(code=args["code"], state=args["state"], cursor=args.get("cursor"), limit=args["limit"])


@office.post("/rules")
@office.arguments(schemas.RuleArgs)
@office.response(201, schemas.PointsRuleSchema)
@office.problems(RuleWrong, RuleStartsInThePast)
@office.idempotent
@office.permission("points.rules")
def propose_rule(args: dict[str, Any]) -> Rule:
    """Propose a rule of points, or the next version of one"""
    who = identity.staff().name
    rule = rules.propose(by=who, **args)
    audit.record(who, "points rule proposed", "points_rule", rule.id, after=schemas.PointsRuleSchema().dump(rule), why=rule.why)
    return rule


@office.get("/rules/<int:rule_id>")
@office.response(200, schemas.PointsRuleSchema)
@office.problems(RuleNotFound)
@office.permission("points.report")
def read_rule(rule_id: int) -> Rule:
    """One version of a rule of points"""
    return rules.read(rule_id)


@office.post("/rules/reading")
@office.arguments(schemas.RuleDraftArgs)
@office.response(200, schemas.RuleReadingSchema)
@office.problems(RuleWrong)
@office.permission("points.report")
def read_rule_back(args: dict[str, Any]) -> dict[str, Any]:
    """How a rule reads back as a sentence, while it is written; nothing is kept"""
    return {"sentence": rules.sentence_of(args)}


@office.post("/rehearsals")
@office.arguments(schemas.RehearsalArgs)
@office.response(202, schemas.RehearsalSchema)
@office.problems(RuleNotFound, RuleWrong, RehearsalRangeWrong, TooOften)
@office.idempotent
@office.permission("points.report")
def rehearse_rule(args: dict[str, Any]) -> Rehearsal:
    """Play a rule over real sales before it is approved: what it costs, who wins, who loses. Nothing is awarded"""
    return rehearsals.request(by=identity.staff().name, **args)


@office.get("/rehearsals")
@office.arguments(schemas.RehearsalsArgs, location="query")
@office.response(200, schemas.RehearsalPage)
@office.problems(pages.CursorInvalid)
@office.permission("points.report")
@exported("rehearsals", schemas.RehearsalsArgs, schemas.RehearsalSchema)
def list_rehearsals(args: dict[str, Any]) -> pages.Page[Rehearsal]:
    """Rehearsals of rules, newest first"""
    return rehearsals.listed(rule_id=args["rule_id"], cursor=args.get("cursor"), limit=args["limit"])


@office.get("/rehearsals/<int:rehearsal_id>")
@office.response(200, schemas.RehearsalWithResultSchema)
@office.problems(RehearsalNotFound)
@office.permission("points.report")
def read_rehearsal(rehearsal_id: int) -> Rehearsal:
    """How far a rehearsal is, and what it found"""
    return rehearsals.read_with_names(rehearsal_id)


@office.put("/rules/<int:rule_id>/approval")
@office.response(200, schemas.PointsRuleSchema)
@office.problems(RuleNotFound, AnotherPersonNeeded, ApprovalOutdated, RuleStartsInThePast, WrongState)
@office.permission("points.approve")
def approve_rule(rule_id: int) -> Rule:
    """Put a proposed version into force, as a second person"""
    who = identity.staff().name
    rule = rules.approve(rule_id, by=who)
    audit.record(who, "points rule approved", "points_rule", rule.id, before={"state": "proposed"}, after={"state": rule.state})
    return rule


@office.put("/rules/<int:rule_id>/rejection")
@office.arguments(schemas.DecisionArgs)
@office.response(200, schemas.PointsRuleSchema)
@office.problems(RuleNotFound, WrongState)
@office.permission("points.approve")
def reject_rule(args: dict[str, Any], rule_id: int) -> Rule:
    """Turn a proposed version down"""
    who = identity.staff().name
    rule = rules.reject(rule_id, by=who, why=args["why"])
    audit.record(
        who, "points rule rejected", "points_rule", rule.id, before={"state": "proposed"}, after={"state": rule.state}, why=args["why"]
    )
    return rule


@office.get("/adjustments")
@office.arguments(schemas.AdjustmentsArgs, location="query")
@office.response(200, schemas.AdjustmentPage)
@office.problems(pages.CursorInvalid)
@office.permission("points.read")
@exported("adjustments", schemas.AdjustmentsArgs, schemas.PointsAdjustmentSchema)
def list_adjustments(args: dict[str, Any]) -> pages.Page[Adjustment]:
    """Adjustments of points, newest first"""
    return adjustments.listed(state=args["state"], member_id=args["member_id"], cursor=args.get("cursor"), limit=args["limit"])


@office.post("/adjustments")
@office.arguments(schemas.AdjustArgs)
@office.response(201, schemas.PointsAdjustmentSchema)
@office.problems(MemberNotFound, MemberClosed, PointsTooFew)
@office.idempotent
@office.permission("points.adjust")
def adjust_points(args: dict[str, Any]) -> Adjustment:
    """Give a member points or take some; above the limit it waits for a second person"""
    who = identity.staff().name
    made = adjustments.adjust(args["member_id"], args["points"], why=args["why"], by=who)
    after = schemas.PointsAdjustmentSchema().dump(made)
    audit.record(who, "points adjusted", "member", made.member_id, after=after, why=made.why)
    return made


@office.put("/adjustments/<int:adjustment_id>/approval")
@office.response(200, schemas.PointsAdjustmentSchema)
@office.problems(AdjustmentNotFound, AnotherPersonNeeded, ApprovalOutdated, MemberClosed, PointsTooFew, WrongState)
@office.permission("points.approve")
def approve_adjustment(adjustment_id: int) -> Adjustment:
    """Post an adjustment that somebody else proposed"""
    who = identity.staff().name
    made = adjustments.approve(adjustment_id, by=who)
    after = {"adjustment": made.id, "state": made.state, "points": made.points}
    audit.record(who, "points adjustment approved", "member", made.member_id, before={"state": "proposed"}, after=after)
    return made


@office.put("/adjustments/<int:adjustment_id>/rejection")
@office.arguments(schemas.DecisionArgs)
@office.response(200, schemas.PointsAdjustmentSchema)
@office.problems(AdjustmentNotFound, WrongState)
@office.permission("points.approve")
def reject_adjustment(args: dict[str, Any], adjustment_id: int) -> Adjustment:
    """Turn an adjustment down"""
    who = identity.staff().name
    made = adjustments.reject(adjustment_id, by=who, why=args["why"])
    after = {"adjustment": made.id, "state": made.state}
    audit.record(who, "points adjustment rejected", "member", made.member_id, before={"state": "proposed"}, after=after, why=args["why"])
    return made


@office.get("/liability")
@office.arguments(http.PageArgs, location="query")
@office.response(200, schemas.LiabilityReportPage)
@office.problems(pages.CursorInvalid)
@office.permission("points.report")
@exported("liability", http.PageArgs, schemas.LiabilityReportSchema)
def list_liability(args: dict[str, Any]) -> pages.Page[LiabilityReport]:
    """What the mall owed in points, day by day"""
    return reports.liability_reports(args.get("cursor"), args["limit"])


@office.get("/liability/now")
@office.response(200, schemas.LiabilityNowSchema)
@office.permission("points.report")
def read_liability() -> dict[str, Any]:
    """What the mall owes in points now: outstanding, pending, by age, by month of expiry, borne by whom"""
    figures = reports.liability_report().figures()
    return {"figures": figures, "shops": reports.names_of_bearers(figures)}


@office.get("/alerts")
@office.arguments(schemas.AlertsArgs, location="query")
@office.response(200, schemas.PointsAlertPage)
@office.problems(pages.CursorInvalid)
@office.permission("points.report")
@exported("alerts", schemas.AlertsArgs, schemas.PointsAlertSchema)
def list_alerts(args: dict[str, Any]) -> pages.Page[Alert]:
    """Odd growth and odd redemption"""
    return reports.alerts(unseen=not args["all"], cursor=args.get("cursor"), limit=args["limit"])


@office.get("/alerts/<int:alert_id>")
@office.response(200, schemas.AlertEvidenceSchema)
@office.problems(AlertNotFound)
@office.permission("points.report")
def read_alert(alert_id: int) -> reports.Evidence:
    """Why an alert was raised: what the member earned and spent on that day"""
    return reports.evidence(alert_id)


@office.put("/alerts/<int:alert_id>/verdict")
@office.arguments(schemas.VerdictArgs)
@office.response(200, schemas.PointsAlertSchema)
@office.problems(AlertNotFound)
@office.permission("points.report")
def settle_alert(args: dict[str, Any], alert_id: int) -> Alert:
    """Say what was found"""
    who = identity.staff().name
    alert = reports.record_verdict(alert_id, by=who, verdict=args["verdict"])
    audit.record(who, "points alert settled", "points_alert", alert.id, after={"verdict": alert.verdict})
    return alert


@exported("points_history", schemas.MemberHistoryArgs, schemas.HistoryLineSchema, permission="points.read")
def history_of_member(args: dict[str, Any]) -> pages.Page[HistoryLine]:
    """Every movement of a member's points, for an export."""
    return service.history(find_member(args["member_id"]).id, args.get("cursor"), args["limit"])
