"""Caps: at most so many points a day, week, month or ever, for a member or for the whole mall, of one rule or of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple, Protocol

from api.kit.db import session
from api.points import queries, reckoning
from api.points.reckoning import Facts, Reckoned
from api.points.service import periods

#: What one request is counted under: a row of the table, or whatever a rehearsal counts with.
UseKey = Any


class CapRequest(NamedTuple):
    """One request to a cap for points: for which member (0: the whole mall), in the period that begins on that day."""

    code: str
    member_id: int
    begins_on: date
    wanted: int
    most: int


class Counter(Protocol):
    """Where it is counted how much of the caps is used."""

    def take(self, requests: Sequence[CapRequest]) -> dict[str, tuple[UseKey, int]]:
        """Take what each cap still has: code → (use, granted points)."""

    def give_back(self, uses: Mapping[UseKey, int]) -> None:
        """Return points to caps: another cap was tighter, or the sale was refunded. use → points."""


class Stored:
    """Counted in the table. Rows taken from stay locked until the unit of work ends, so two sales cannot both take the last points."""

    def take(self, requests: Sequence[CapRequest]) -> dict[str, tuple[int, int]]:
        """One statement."""
        codes, members, begins, wanted, most = zip(*requests, strict=True)
        columns = {"codes": codes, "members": members, "begins": begins, "wanted": wanted, "most": most}
        rows = session.connection().exec_driver_sql(queries.TAKE_CAPS, {name: list(values) for name, values in columns.items()})
        return {code: (use_id, points) for use_id, code, points in rows}

    def give_back(self, uses: Mapping[int, int]) -> None:
        """One statement, none for nothing."""
        if uses:
            arguments = {"ids": list(uses), "points": list(uses.values())}
            session.connection().exec_driver_sql(queries.RETURN_TO_CAPS, arguments)


class InMemory:
    """Counted in memory, as Stored counts, for rehearsals."""

    def __init__(self) -> None:
        self.used: dict[tuple[str, date], dict[int, int]] = {}

    def take(self, requests: Sequence[CapRequest]) -> dict[str, tuple[tuple[str, date, int], int]]:
        """The same sum as TAKE_CAPS."""
        answer = {}
        for code, member_id, begins_on, wanted, most in requests:
            used = self.used.setdefault((code, begins_on), {})
            granted = max(min(wanted, most - used.get(member_id, 0)), 0)
            used[member_id] = used.get(member_id, 0) + granted
            answer[code] = ((code, begins_on, member_id), granted)
        return answer

    def give_back(self, uses: Mapping[tuple[str, date, int], int]) -> None:
        """The same sum as RETURN_TO_CAPS."""
        for (code, begins_on, member_id), points in uses.items():
            used = self.used[code, begins_on]
            used[member_id] = max(used[member_id] - points, 0)


STORED = Stored()


def apply(
    reckoned: Reckoned, in_force: Sequence[Any], facts: Facts, member_id: int, counter: Counter = STORED
) -> tuple[Reckoned, list[list[UseKey]]]:
    """Take a reckoning's points from the caps: what they let through, and [use, points] of each. One statement, none without caps."""
    rules = {}
    requests = []
    for rule in in_force:
        if rule.kind == "cap" and (wanted := _wanted(reckoned, rule)) and reckoning.fits(rule.conditions, facts):
            rules[rule.code] = rule
            requests.append(_cap_request(rule, facts, member_id, wanted))
    if not requests:
        return reckoned, []
    granted = counter.take(requests)
    if all(granted[request.code][1] == request.wanted for request in requests):
        return reckoned, [[use, points] for use, points in granted.values()]
    limited = reckoned
    for code, (_, points) in granted.items():
        limited = reckoning.limit(limited, rules[code].of_code, points)
    uses = [[use, _wanted(limited, rules[code])] for code, (use, _) in granted.items()]
    unused = {use: points - used for (use, points), (_, used) in zip(granted.values(), uses, strict=True) if points > used}
    counter.give_back(unused)
    return limited, uses


def _wanted(reckoned: Reckoned, rule: Any) -> int:
    if rule.of_code is None:
        return reckoned.points
    return sum(part.points for part in reckoned.parts if part.code == rule.of_code)


def _cap_request(rule: Any, facts: Facts, member_id: int, wanted: int) -> CapRequest:
    begins_on = periods.begins_on(str(rule.period), facts.local.date())
    return CapRequest(rule.code, member_id if rule.per == "member" else 0, begins_on, wanted, rule.max_points)
