"""Caps: at most so many points a day, week, month or ever, for a member or for the whole mall, of one rule or of all."""

from __future__ import annotations

from collections.abc import Sequence

from api.kit.db import session
from api.points import queries, reckoning
from api.points.models import Rule
from api.points.reckoning import Facts, Reckoned
from api.points.service import periods


def within(reckoned: Reckoned, in_force: Sequence[Rule], facts: Facts, member_id: int) -> tuple[Reckoned, list[list[int]]]:
    """What of a reckoning the caps let through, and what was taken of each cap: [use, points]. One statement, none without caps."""
    asking = {
        rule.code: rule for rule in in_force if rule.kind == "cap" and _wanted(reckoned, rule) and reckoning.fits(rule.conditions, facts)
    }
    if not asking:
        return reckoned, []
    granted = _ask(reckoned, list(asking.values()), facts, member_id)
    limited = reckoned
    for code, (_, points) in granted.items():
        limited = reckoning.limit(limited, asking[code].of_code, points)
    uses = [[use_id, _wanted(limited, asking[code])] for code, (use_id, _) in granted.items()]
    unused = {use_id: points - used for (use_id, points), (_, used) in zip(granted.values(), uses, strict=True) if points > used}
    give_back(unused)
    return limited, uses


def _wanted(reckoned: Reckoned, rule: Rule) -> int:
    return sum(part.points for part in reckoned.parts if rule.of_code in (None, part.code))


def _ask(reckoned: Reckoned, asking: Sequence[Rule], facts: Facts, member_id: int) -> dict[str, tuple[int, int]]:
    """code → (use, granted points). The rows stay locked until the unit of work ends, so two sales cannot both take the last points."""
    day = facts.local.date()
    arguments = {
        "codes": [rule.code for rule in asking],
        "members": [member_id if rule.per == "member" else 0 for rule in asking],
        "begins": [periods.begins_on(str(rule.period), day) for rule in asking],
        "wanted": [_wanted(reckoned, rule) for rule in asking],
        "most": [rule.max_points for rule in asking],
    }
    rows = session.connection().exec_driver_sql(queries.ASK_CAPS, arguments)
    return {code: (use_id, points) for use_id, code, points in rows}


def give_back(uses: dict[int, int]) -> None:
    """Return points to caps: another cap was tighter, or the sale was refunded. use → points."""
    if uses:
        arguments = {"ids": list(uses), "points": list(uses.values())}
        session.connection().exec_driver_sql(queries.RETURN_TO_CAPS, arguments)
