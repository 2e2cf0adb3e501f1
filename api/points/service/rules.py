"""Rules by version: proposed by one person, approved by another, in force from an instant on. The past is never touched."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on

from api.kit import clock, pages, states
from api.kit.db import session
from api.points import reckoning
from api.points.errors import RuleNotFound, RuleStartsInThePast, RuleWrong, SecondPersonNeeded
from api.points.models import Rule
from api.points.states import RuleState

NEEDS = {
    "base": ("points", "per_fen"),
    "multiplier": ("factor_bp",),
    "bonus": ("points",),
    "exclusion": (),
    "cap": ("max_points", "period", "per"),
}
#: "From now on" may be written a moment before it is read; approving sets the start to the present anyway.
JUST_NOW = timedelta(minutes=5)
STANDARD = {"code": "standard", "kind": "base", "title_zh": "消费积分", "title_en": "Purchase", "points": 1, "per_fen": 100}


def in_force(at: datetime) -> list[Rule]:
    """The versions in force at an instant: of each rule the newest approved one that had begun. One statement."""
    newest = (
        select(Rule)
        .where(Rule.state == RuleState.APPROVED, Rule.starts_at <= at)
        .ext(distinct_on(Rule.code))
        .order_by(Rule.code, Rule.starts_at.desc(), Rule.version.desc())
    )
    return [rule for rule in session.scalars(newest) if rule.enabled and (rule.ends_at is None or at < rule.ends_at)]


def propose(*, by: str, why: str, **values: Any) -> Rule:
    """Propose a rule, or the next version of one (same code). RuleWrong, RuleStartsInThePast."""
    _refuse_wrong(values)
    kind = session.scalar(select(Rule.kind).where(Rule.code == values["code"]).limit(1))
    if kind not in (None, values["kind"]):
        raise RuleWrong(errors={"kind": [f"this rule is of the kind {kind}"]})
    if values["starts_at"] < clock.now() - JUST_NOW:
        raise RuleStartsInThePast()
    return _add(by, why, values)


def _refuse_wrong(values: dict[str, Any]) -> None:
    kind = values.get("kind")
    if kind not in NEEDS:
        raise RuleWrong(errors={"kind": ["must be one of " + ", ".join(NEEDS)]})
    errors = {name: ["is needed for this kind"] for name in NEEDS[kind] if values.get(name) is None}
    errors |= {f"conditions.{name}": [note] for name, note in reckoning.wrong_conditions(values.get("conditions", {})).items()}
    if kind == "multiplier" and not 10_000 <= (values.get("factor_bp") or 0) <= 1_000_000:
        errors["factor_bp"] = ["must be 10000 (×1) to 1000000 (×100)"]
    if values.get("ends_at") is not None and values["ends_at"] <= values["starts_at"]:
        errors["ends_at"] = ["must be after starts_at"]
    if errors:
        raise RuleWrong(errors=errors)


def _add(by: str, why: str, values: dict[str, Any], **decided: Any) -> Rule:
    version = session.scalar(select(func.coalesce(func.max(Rule.version), 0) + 1).where(Rule.code == values["code"]))
    rule = Rule(**({"state": str(RuleState.PROPOSED)} | values | decided), version=version, proposed_by=by, why=why)
    session.add(rule)
    session.flush()
    return rule


def approve(rule_id: int, *, by: str) -> Rule:
    """Put a proposed version into force, from its start or from now when that has passed. SecondPersonNeeded, RuleNotFound, WrongState."""
    rule = read(rule_id)
    if rule.proposed_by == by:
        raise SecondPersonNeeded()
    now = clock.now()
    if rule.ends_at is not None and rule.ends_at <= now:
        raise RuleStartsInThePast()
    states.move(rule, RuleState.APPROVED, by=by, decided_by=by, starts_at=max(rule.starts_at, now))
    return rule


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


def lay_standard(*, starts_at: datetime, by: str = "system") -> Rule | None:
    """Give a mall without rules its first: one point a yuan. None when it has some. Only here may a rule start in the past."""
    if session.scalar(select(Rule.id).limit(1)) is not None:
        return None
    return _add(by, "the first rule of a new mall", STANDARD | {"starts_at": starts_at}, state=str(RuleState.APPROVED), decided_by=by)
