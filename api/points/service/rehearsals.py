"""A rule is played over real sales before anybody approves it (试算): what it costs, who wins, who loses. Nothing is awarded.

Each award kept its facts as they were; they are reckoned again by the very code that awards, with the changed rule in the place of
the one that was in force. Read in slices of a few thousand, each in a unit of work of its own, so memory and transactions stay small.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import select, update

from api.kit import clock, db, jobs, limits, logs, pages
from api.kit.db import session
from api.malls import service as malls
from api.members.service.masks import masked_names
from api.points import queries, reckoning
from api.points.errors import RehearsalNotFound, RehearsalRangeWrong
from api.points.models import Rehearsal, Rule, TakeBack
from api.points.policy import PointsRules
from api.points.reckoning import Facts, Reckoned, RuleFacts
from api.points.service import caps, periods, rules
from api.points.service.rehearsal_outcome import Outcome, Played
from api.points.states import RuleState
from api.sales import service as sales

log = logs.get(__name__)

RUN = jobs.Promised()
SLICE = 4_000  # sales
LONGEST = timedelta(days=366)
#: The longest period of a cap that can have begun before the range.
LEAD = timedelta(days=31)
#: One person does not keep the worker busy with rehearsals alone.
OFTEN = limits.Limit("rehearsals", 60, 3600)


def request(
    *, by: str, rule_id: int | None = None, rule: dict[str, Any] | None = None, first_on: date | None = None, last_on: date | None = None
) -> Rehearsal:
    """Request a rehearsal of a proposed version or of a draft, by default over the last whole month; a job runs it.

    RuleNotFound, RuleWrong, RehearsalRangeWrong, TooOften.
    """
    values = rules.columns(rules.read(rule_id)) if rule_id is not None else dict(rule or {})
    sentence = rules.sentence_of(values)
    first, last = _range(first_on, last_on)
    limits.spend(OFTEN, f"{db.mall()}:{by}")
    asked = Rehearsal(
        rule={name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()},
        rule_id=rule_id,
        sentence=sentence,
        first_on=first,
        last_on=last,
        asked_by=by,
        asked_at=clock.now(),
    )
    session.add(asked)
    session.flush()
    jobs.later(RUN, rehearsal_id=asked.id, lock=f"rehearsal:{db.mall()}")
    return asked


def _range(first_on: date | None, last_on: date | None) -> tuple[date, date]:
    today = clock.today(malls.mall_info().timezone)
    last_month = today.replace(day=1) - timedelta(days=1)
    first, last = first_on or last_month.replace(day=1), last_on or last_month
    errors = {}
    if first > last:
        errors["last_on"] = ["must not be before first_on"]
    elif last - first >= LONGEST:
        errors["first_on"] = ["the range is a year at most"]
    if last > today:
        errors["last_on"] = ["must not be in the future"]
    if errors:
        raise RehearsalRangeWrong(errors=errors)
    return first, last


def read(rehearsal_id: int) -> Rehearsal:
    """One rehearsal. RehearsalNotFound."""
    rehearsal = session.get(Rehearsal, rehearsal_id, populate_existing=True)
    if rehearsal is None:
        raise RehearsalNotFound()
    return rehearsal


def read_with_names(rehearsal_id: int) -> Rehearsal:
    """One rehearsal with the masked names of the members it names, as they are called now. RehearsalNotFound."""
    rehearsal = read(rehearsal_id)
    if rehearsal.result is not None:
        named = [*rehearsal.result["winners"], *rehearsal.result["losers"]]
        names = masked_names([line["member_id"] for line in named])
        for line in named:
            line["name"] = names.get(line["member_id"])
    return rehearsal


def listed(*, rule_id: int | None = None, cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT) -> pages.Page[Rehearsal]:
    """Rehearsals, newest first: of one version of a rule, or all."""
    query = select(Rehearsal)
    if rule_id is not None:
        query = query.where(Rehearsal.rule_id == rule_id)
    return pages.page(query, Rehearsal.id, cursor=cursor, limit=limit)


def run(mall_id: int, rehearsal_id: int) -> None:
    """Run a requested rehearsal and keep its result; one that is finished stays as it is."""
    try:
        _run(mall_id, rehearsal_id)
    except Exception as error:
        with db.unit_of_work(mall_id):
            _note(rehearsal_id, failure=type(error).__name__)
        raise


def _run(mall_id: int, rehearsal_id: int) -> None:
    with db.unit_of_work(mall_id):
        asked = read(rehearsal_id)
        if asked.finished_at is not None:
            return
        replay = Replay(asked.first_on, asked.last_on, drafted(asked.rule))
        _note(rehearsal_id, begun_at=clock.now(), failure=None, done=0, total=replay.total)
    done = 0
    for part in replay.slices:
        with db.unit_of_work(mall_id):
            done += replay.take(part)
            _note(rehearsal_id, done=done)
    with db.unit_of_work(mall_id):
        _note(rehearsal_id, finished_at=clock.now(), result=replay.outcome.figures())


def _note(rehearsal_id: int, **values: Any) -> None:
    session.execute(update(Rehearsal).where(Rehearsal.id == rehearsal_id).values(**values))


@dataclass(frozen=True)
class Change:
    """The rule to try, in the place of the one with its code; when it rests, that one is only taken away."""

    rule: RuleFacts
    enabled: bool

    def applied(self, in_force: Iterable[RuleFacts]) -> list[RuleFacts]:
        """The rules in force as they would have been."""
        others = [rule for rule in in_force if rule.code != self.rule.code]
        return sorted([*others, *([self.rule] if self.enabled else [])], key=lambda rule: rule.code)


def drafted(values: Mapping[str, Any]) -> Change:
    """A draft's values, what is missing by its default, as a rule that can be reckoned with."""
    defaults: dict[str, Any] = dict.fromkeys(RuleFacts.__slots__)
    defaults |= {"id": 0, "version": 0, "conditions": {}, "priority": 0, "stack": "", "use_shop_rate": True, "shop_share_bp": 0}
    given = {name: value for name, value in values.items() if name in defaults and value is not None}
    return Change(RuleFacts(**(defaults | given)), bool(values.get("enabled", True)))


@dataclass(frozen=True)
class Slice:
    """The awards with ids after `after` up to `last`."""

    after: int
    last: int


class AwardRow(NamedTuple):
    """One award, as REHEARSAL_AWARDS reads it: a plain tuple, because there are hundreds of thousands."""

    id: int
    sale_id: int
    member_id: int
    shop_id: int
    points: int
    taken_back: int
    counts: bool
    earned_at: datetime
    facts: dict[str, Any]
    shop_points: int


class Replay:
    """The sales of some days, earning again in the order in which they earned. Without a change they earn what they earned."""

    def __init__(self, first_on: date, last_on: date, change: Change | None = None) -> None:
        info = malls.mall_info()
        self.begins, self.ends = clock.midnight(first_on, info.timezone), clock.midnight(last_on + timedelta(days=1), info.timezone)
        self.rounding = info.policy.of(PointsRules).points_rounding
        self.counter = caps.InMemory()
        self.outcome = Outcome(points_a_yuan=info.policy.of(PointsRules).points_a_yuan)
        self._returns: list[tuple[datetime, int, dict[Any, int]]] = []
        self._instants, self._rules = _timeline(self.begins - LEAD, self.ends, change)
        self._reads_from = self._warm_up(first_on, info.timezone)
        self.slices, self.total = self._slices()

    def _warm_up(self, first_on: date, timezone: str) -> datetime:
        """Where reading begins so that every cap is as used as it was; what is before the range is run and not counted."""
        asked = {rule.code: str(rule.period) for in_force in self._rules for rule in in_force if rule.kind == "cap"}
        lead = min((periods.begins_on(period, first_on) for period in asked.values() if period != "ever"), default=first_on)
        begins = clock.midnight(lead, timezone)
        codes = [code for code, period in asked.items() if period == "ever"]
        if codes:
            arguments = {"codes": codes, "before": begins, "begins_on": periods.FOREVER_ON}
            for code, member_id, points in session.connection().exec_driver_sql(queries.CAPS_USED_BEFORE, arguments):
                self.counter.used.setdefault((code, periods.FOREVER_ON), {})[member_id] = points
        return begins

    def _slices(self) -> tuple[list[Slice], int]:
        arguments = {"begins": self._reads_from, "ends": self.ends, "size": SLICE}
        rows = session.connection().exec_driver_sql(queries.REHEARSAL_SLICES, arguments).all()
        ends = [last for last, _ in rows]
        return [Slice(after, last) for after, last in zip([0, *ends], ends, strict=False)], sum(count for _, count in rows)

    def take(self, part: Slice) -> int:
        """Run one slice; returns how many sales it had. Slices are taken in order."""
        arguments = {"begins": self._reads_from, "ends": self.ends, "after": part.after, "last": part.last, "counts_from": self.begins}
        rows = [AwardRow._make(row) for row in session.connection().exec_driver_sql(queries.REHEARSAL_AWARDS, arguments)]
        refunds = _refunds([row for row in rows if row.taken_back or not row.points])
        for row in rows:
            played = self._reckon_again(row, refunds.get(row.id, ()))
            if row.counts:
                self.outcome.count(played)
        return len(rows)

    def _reckon_again(self, row: AwardRow, refunds: Sequence[Refund]) -> Played:
        was = row.points - row.taken_back
        if not row.facts:
            return Played(row.member_id, row.shop_id, None, row.earned_at, was, row.shop_points, was, row.shop_points)
        facts = Facts.of(row.facts)
        in_force = self._rules[bisect_right(self._instants, facts.local) - 1 if len(self._rules) > 1 else 0]
        if self._returns:
            self._refund_until(row.earned_at)
        reckoned = reckoning.reckon(facts, in_force, rounding=self.rounding)
        reckoned, uses = caps.apply(reckoned, in_force, facts, row.member_id, self.counter)
        points, shop_points = self._kept(reckoned, uses, row, refunds)
        return Played(row.member_id, row.shop_id, facts.level, facts.local, was, row.shop_points, points, shop_points)

    def _kept(self, reckoned: Reckoned, uses: list[list[Any]], row: AwardRow, refunds: Sequence[Refund]) -> tuple[int, int]:
        """What stays of the points after the refunds there have been; these return points to caps when their time comes."""
        points, shop_points = reckoned.points, reckoned.shop_points
        if not refunds:
            return points, shop_points
        gone = row.facts["refunded_fen"]
        for refund in refunds:
            share = reckoning.refund_share(
                row.facts.get("whole_fen", row.facts["paid_fen"]) - gone, refund.before_fen - gone, refund.amount_fen
            )
            for part in reckoned.parts:
                of_all, of_shop = reckoning.undone(part.points, part.shop_points, share)
                points, shop_points = points - of_all, shop_points - of_shop
            if uses:
                heapq.heappush(self._returns, (refund.at, refund.id, {use: share(used) for use, used in uses}))
        return points, shop_points

    def _refund_until(self, at: datetime) -> None:
        while self._returns and self._returns[0][0] <= at:
            self.counter.give_back(heapq.heappop(self._returns)[2])


def _timeline(begins: datetime, ends: datetime, change: Change | None) -> tuple[list[datetime], list[list[RuleFacts]]]:
    """The instants at which the rules in force changed, and the rules from each of them on."""
    instants = [begins, *sorted(set(_changes(begins, ends)))]
    in_force = [[RuleFacts.of(rule) for rule in rules.in_force(at)] for at in instants]
    return instants, [change.applied(held) if change else held for held in in_force]


def _changes(begins: datetime, ends: datetime) -> Iterator[datetime]:
    for column in (Rule.starts_at, Rule.ends_at):
        instants = session.scalars(select(column).where(Rule.state == RuleState.APPROVED, column > begins, column < ends))
        yield from (at for at in instants if at is not None)


@dataclass(frozen=True)
class Refund:
    """Money of a sale given back after it earned, and when its points were taken back."""

    id: int
    before_fen: int
    amount_fen: int
    at: datetime


def _refunds(rows: Sequence[AwardRow]) -> dict[int, list[Refund]]:
    """The refunds that counted, by award. An award of nothing had nothing taken back, but by other rules it would have."""
    if not rows:
        return {}
    awards = {row.sale_id: row for row in rows}
    taken = select(TakeBack).where(TakeBack.award_id.in_([row.id for row in rows]))
    taken_at = {each.sale_refund_id: each.taken_at for each in session.scalars(taken)}
    by_award: dict[int, list[Refund]] = defaultdict(list)
    for refund in sales.refunds_of(list(awards)):
        award = awards[refund.sale_id]
        at = taken_at.get(refund.id, None if award.points else refund.refunded_at)
        if at is not None:
            by_award[award.id].append(Refund(refund.id, refund.measure_before_fen, refund.measure_fen, at))
    return by_award
