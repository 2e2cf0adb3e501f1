"""Rules by version: proposed by one person, approved by another, in force from an instant on. The past is never touched."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from api.approvals.service import Waiting
from api.kit import clock, pages, records, states
from api.kit.db import session
from api.malls import service as malls
from api.members import service as members
from api.points import reckoning
from api.points.errors import RuleNotFound, RuleStartsInThePast, RuleWrong
from api.points.models import Rule
from api.points.service import wording
from api.points.states import RuleState

NEEDS = {
    "base": ("points", "per_fen"),
    "multiplier": ("factor_bp",),
    "bonus": ("points",),
    "exclusion": (),
    "cap": ("max_points", "period", "per"),
}
#: What a person decides about a rule.
COLUMNS = (
    "code", "kind", "title_zh", "title_en", "conditions", "enabled", "starts_at", "ends_at", "priority", "points", "per_fen", "factor_bp",
    "stack", "use_shop_rate", "rounding", "shop_share_bp", "max_points", "period", "per", "of_code",
)  # fmt: skip
#: "From now on" may be written a moment before it is read; approving sets the start to the present anyway.
JUST_NOW = timedelta(minutes=5)
WAITING = Waiting(Rule, RuleState.PROPOSED, RuleState.REJECTED, "proposed_by", {"staff": "points.rules"})
STANDARD = {"code": "standard", "kind": "base", "title_zh": "消费积分", "title_en": "Purchase", "points": 1, "per_fen": 100}


def in_force(at: datetime) -> list[Rule]:
    """The versions in force at an instant: of each rule the newest approved one that had begun. Copies to read, not to change.

    No statement until a rule changes, then one.
    """
    newest: dict[str, Rule] = {}
    for rule in malls.cached("points rules", _approved):
        if rule.starts_at <= at:
            newest.setdefault(rule.code, rule)
    return [rule for rule in newest.values() if rule.enabled and (rule.ends_at is None or at < rule.ends_at)]


def _approved() -> list[Rule]:
    """Every version that was ever approved, by code, the newest first."""
    rows = session.scalars(
        select(Rule)
        .where(Rule.state == RuleState.APPROVED)
        .order_by(Rule.code, Rule.starts_at.desc(), Rule.version.desc())
        .execution_options(populate_existing=True)
    )
    return [records.copy(rule) for rule in rows]


def prices_differ(before: malls.Place, after: malls.Place) -> bool:
    """Whether an approved version that has not ended knows one of two places of a shop by what they differ in."""
    now = clock.now()
    conditions = [rule.conditions for rule in malls.cached("points rules", _approved) if rule.ends_at is None or rule.ends_at > now]

    def names_one(places: set[Any], *names: str) -> bool:
        return len(places) > 1 and any(places & set(given.get(name, ())) for given in conditions for name in names)

    return names_one({before.category, after.category}, "categories", "not_categories") or names_one(
        {before.site_id, after.site_id}, "sites"
    )


def propose(*, by: str, why: str, **values: Any) -> Rule:
    """Propose a rule, or the next version of one (same code). RuleWrong, RuleStartsInThePast."""
    refuse_wrong(values)
    if values["starts_at"] < clock.now() - JUST_NOW:
        raise RuleStartsInThePast(errors={"starts_at": ["must not be in the past"]})
    return _add(by, why, values)


def refuse_wrong(values: dict[str, Any]) -> None:
    """Refuse a rule that makes no sense, with every wrong field by name. RuleWrong."""
    kind = values.get("kind")
    if kind not in NEEDS:
        raise RuleWrong(errors={"kind": ["must be one of " + ", ".join(NEEDS)]})
    errors = {name: ["is needed for this kind"] for name in NEEDS[kind] if values.get(name) is None}
    errors |= {f"conditions.{name}": [note] for name, note in reckoning.wrong_conditions(values.get("conditions", {})).items()}
    if kind == "multiplier" and not 10_000 <= (values.get("factor_bp") or 0) <= 1_000_000:
        errors["factor_bp"] = ["must be 10000 (×1) to 1000000 (×100)"]
    if kind == "bonus" and values.get("points") == 0:
        errors["points"] = ["must be above zero"]
    if values.get("ends_at") is not None and values.get("starts_at") is not None and values["ends_at"] <= values["starts_at"]:
        errors["ends_at"] = ["must be after starts_at"]
    if errors := errors or _unknown(values):
        raise RuleWrong(errors=errors)


def _unknown(values: dict[str, Any]) -> dict[str, list[str]]:
    """What a rule names and this mall does not have. At most five statements."""
    names, conditions = names_in(values), values.get("conditions") or {}
    known = {"shops": names.shops, "not_shops": names.shops, "sites": names.sites}
    errors = {}
    for name, there in known.items():
        if missing := [value for value in conditions.get(name, ()) if value not in there]:
            errors[f"conditions.{name}"] = [f"there is no number {missing[0]}"]
    if values.get("of_code") and values["of_code"] not in names.rules:
        errors["of_code"] = ["there is no such rule"]
    kind = session.scalar(select(Rule.kind).where(Rule.code == values.get("code")).limit(1))
    if kind not in (None, values["kind"]):
        errors["kind"] = [f"this rule is of the kind {kind}"]
    return errors


def names_in(values: dict[str, Any]) -> wording.Names:
    """What the numbers and codes in a rule are called. At most four statements, each only when it is asked for."""
    conditions = values.get("conditions") or {}
    shop_ids = [*conditions.get("shops", ()), *conditions.get("not_shops", ())]
    codes = select(Rule.code, Rule.title_zh, Rule.title_en).where(Rule.code == values.get("of_code"))
    return wording.Names(
        shops=malls.shop_names(shop_ids) if shop_ids else {},
        sites=malls.site_names() if "sites" in conditions else {},
        levels={level.rank: (level.name, level.name_en) for level in members.all_levels()} if "levels" in conditions else {},
        rules={code: (zh, en) for code, zh, en in session.execute(codes)} if values.get("of_code") else {},
        timezone=malls.mall_info().timezone,
    )


def sentence_of(values: dict[str, Any]) -> dict[str, str]:
    """How a rule that makes sense reads back, in Chinese and English. RuleWrong."""
    refuse_wrong(values)
    return wording.sentence(values, names_in(values))


def _add(by: str, why: str, values: dict[str, Any], **decided: Any) -> Rule:
    version = session.scalar(select(func.coalesce(func.max(Rule.version), 0) + 1).where(Rule.code == values["code"]))
    sentence = wording.sentence(values, names_in(values))
    rule = Rule(**({"state": str(RuleState.PROPOSED)} | values | decided), version=version, proposed_by=by, why=why, sentence=sentence)
    session.add(rule)
    session.flush()
    return rule


def approve(rule_id: int, *, by: str) -> Rule:
    """Put a proposed version into force, from its start or from now when that has passed. AnotherPersonNeeded, ApprovalOutdated,
    RuleNotFound, WrongState."""
    rule = read(rule_id)
    WAITING.refuse_unfit(rule, by)
    now = clock.now()
    if rule.ends_at is not None and rule.ends_at <= now:
        raise RuleStartsInThePast()
    starts_at = max(rule.starts_at, now)
    values = columns(rule) | {"starts_at": starts_at}
    sentence = wording.sentence(values, names_in(values))
    states.move(rule, RuleState.APPROVED, by=by, decided_by=by, starts_at=starts_at, sentence=sentence)
    malls.invalidate_settings()
    return rule


def columns(rule: Rule) -> dict[str, Any]:
    """What a version says, by column, as it was proposed."""
    return {name: getattr(rule, name) for name in COLUMNS}


def reject(rule_id: int, *, by: str, why: str) -> Rule:
    """Turn a proposed version down. RuleNotFound, WrongState."""
    rule = read(rule_id)
    states.move(rule, RuleState.REJECTED, by=by, reason=why, decided_by=by)
    return rule


def read(rule_id: int) -> Rule:
    """One version of a rule. RuleNotFound."""
    rule = session.get(Rule, rule_id)
    if rule is None:
        raise RuleNotFound()
    return rule


def listed(
    *, code: str | None = None, state: str | None = None, cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT
) -> pages.Page[Rule]:
    """Versions of rules, newest first."""
    query = select(Rule)
    if code is not None:
        query = query.where(Rule.code == code)
    if state is not None:
        query = query.where(Rule.state == state)
    return pages.page(query, Rule.id, cursor=cursor, limit=limit)


def add_first_rule(*, starts_at: datetime, by: str = "system") -> Rule | None:
    """Give a mall without rules its first: one point a yuan. None when it has some. Only here may a rule start in the past."""
    if session.scalar(select(Rule.id).limit(1)) is not None:
        return None
    rule = _add(by, "the first rule of a new mall", STANDARD | {"starts_at": starts_at}, state=str(RuleState.APPROVED), decided_by=by)
    malls.invalidate_settings()
    return rule
