"""Levels (等级): reached by growth of the last twelve months, held for twelve months, and lost by one step when not kept."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from api.kit import clock
from api.kit.db import session
from api.malls import service as malls
from api.members.errors import LevelNotFound, LevelsOutOfOrder, MemberNotFound
from api.members.models import GrowthEntry, Level, LevelChange, Member
from api.members.states import MemberState

BASE_MULTIPLIER_BP = 10_000
YEAR = timedelta(days=365)

#: rank, name, English name, reach, keep, multiplier: what a new mall starts with. One growth is one yuan.
FIRST_LEVELS = (
    (0, "普卡", "Member", 0, 0, 10_000),
    (1, "银卡", "Silver", 1_000, 800, 11_000),
    (2, "金卡", "Gold", 5_000, 4_000, 12_500),
    (3, "钻石卡", "Diamond", 20_000, 16_000, 15_000),
)


@dataclass(frozen=True)
class Standing:
    """Where a member stands. `growth` is that of the last twelve months; `keep_needs` is what is missing until the level's last day."""

    level: Level | None
    growth: int
    until_on: date | None
    keep_needs: int | None
    next_level: Level | None
    next_needs: int | None


def seed_levels() -> None:
    """Give the entered mall its first levels; a mall that has some keeps them."""
    if session.scalar(select(func.count()).select_from(Level)) == 0:
        for rank, name, name_en, reach, keep, multiplier in FIRST_LEVELS:
            session.add(Level(rank=rank, name=name, name_en=name_en, reach_growth=reach, keep_growth=keep, multiplier_bp=multiplier))
        session.flush()


def all_levels() -> list[Level]:
    """The levels of this mall, lowest first."""
    return list(session.scalars(select(Level).order_by(Level.rank)))


def level_of(rank: int) -> Level | None:
    """The level of a rank, None in a mall that has not set any."""
    return session.scalar(select(Level).where(Level.rank == rank))


def name_of(rank: int) -> str | None:
    """The name of a rank, None in a mall that has not set any."""
    level = level_of(rank)
    return level.name if level else None


def level_multiplier_bp(member_id: int) -> int:
    """How a member's level multiplies points, in basis points (10,000 = once)."""
    query = select(Level.multiplier_bp).join(Member, Member.level_rank == Level.rank).where(Member.id == member_id)
    multiplier = session.scalar(query)
    return BASE_MULTIPLIER_BP if multiplier is None else multiplier


class Earner(NamedTuple):
    """Whose a purchase is, with the level and how it multiplies points, in basis points."""

    id: int
    rank: int
    multiplier_bp: int
    closed: bool


def earner(member_id: int) -> Earner:
    """Who earns for this member now (itself, or whom it was merged into), held against a merge like `hold`. One statement.

    MemberNotFound.
    """
    while True:
        multiplier = func.coalesce(Level.multiplier_bp, BASE_MULTIPLIER_BP)
        query = select(Member.id, Member.folded_into_id, Member.level_rank, multiplier, Member.state).outerjoin(
            Level, Level.rank == Member.level_rank
        )
        row = session.execute(query.where(Member.id == member_id).with_for_update(read=True, of=Member)).first()
        if row is None:
            raise MemberNotFound()
        if row.folded_into_id is None:
            return Earner(row[0], row[2], row[3], row[4] == MemberState.CLOSED)
        member_id = row.folded_into_id


def set_level(rank: int, **values: object) -> tuple[dict[str, object], Level]:
    """Change a level's columns; returns what they were before, and the level. LevelNotFound, LevelsOutOfOrder."""
    level = level_of(rank)
    if level is None:
        raise LevelNotFound()
    before = {name: getattr(level, name) for name in values}
    for name, value in values.items():
        setattr(level, name, value)
    session.flush()
    reaches = [each.reach_growth for each in all_levels()]
    if any(lower >= higher for lower, higher in itertools.pairwise(reaches)):
        raise LevelsOutOfOrder()
    return before, level


def add_growth(member_id: int, growth: int, *, cause: str | None = None) -> None:
    """Add growth (negative: take it back); the same cause counts once. A level that is reached is held from this moment."""
    entry = (
        insert(GrowthEntry)
        .values(member_id=member_id, growth=growth, cause=cause, earned_at=clock.now())
        .on_conflict_do_nothing()
        .returning(GrowthEntry.id)
    )
    if growth == 0 or session.execute(entry).scalar() is None:
        return
    # The UPDATE locks the member, so two additions see each other's growth.
    changed = update(Member).where(Member.id == member_id).values(growth=Member.growth + growth).returning(Member.level_rank)
    rank = session.execute(changed).scalar_one()
    if growth > 0:
        _reach(member_id, rank)


def standing(member: Member) -> Standing:
    """What this member has, needs to keep, and needs to reach next. At most three statements."""
    ladder = {level.rank: level for level in all_levels()}
    now = clock.now()
    counts_from = _counted_from(member.level_until_on) or now
    year, kept = _growth_since(member.id, now - YEAR, counts_from)
    level, above = ladder.get(member.level_rank), ladder.get(member.level_rank + 1)
    keeps = max(level.keep_growth - kept, 0) if level is not None and member.level_until_on is not None else None
    return Standing(level, year, member.level_until_on, keeps, above, max(above.reach_growth - year, 0) if above else None)


def _counted_from(until_on: date | None) -> datetime | None:
    # What is older than this will no longer count on the day of the review.
    return clock.midnight(until_on - YEAR, malls.mall_info().timezone) if until_on else None


def review_levels(limit: int = 1000) -> int:
    """Renew or lower by one step each level whose year has ended, at most `limit` members; returns how many were looked at."""
    today = clock.today(malls.mall_info().timezone)
    due = (
        select(Member)
        .where(Member.level_until_on <= today, Member.state == MemberState.ACTIVE)
        .order_by(Member.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    members = session.scalars(due).all()
    ladder = {level.rank: level for level in all_levels()}
    for member in members:
        _review(member, ladder, today)
    session.flush()
    return len(members)


def _review(member: Member, ladder: dict[int, Level], today: date) -> None:
    begins = clock.midnight(today - YEAR, malls.mall_info().timezone)
    (growth,) = _growth_since(member.id, begins)
    level = ladder.get(member.level_rank)
    if level is not None and growth < level.keep_growth:
        _note(member.id, member.level_rank, member.level_rank - 1, "growth of the year did not keep the level", growth)
        member.level_rank -= 1
    member.level_until_on = today + YEAR if member.level_rank > 0 else None


def settle(member_id: int, rank: int, until_on: date | None) -> None:
    """After a merge: the better of the member's level and this one, or what the growth of both reaches."""
    member = session.get_one(Member, member_id, populate_existing=True)
    if (rank, until_on or date.min) > (member.level_rank, member.level_until_on or date.min):
        if rank != member.level_rank:
            _note(member_id, member.level_rank, rank, "merged with a member of this level", member.growth)
        member.level_rank, member.level_until_on = rank, until_on
        session.flush()
    _reach(member_id, member.level_rank)


def reset(member_id: int, rank: int, until_on: date | None) -> None:
    """After a merge was undone: the level from before, or a higher one that the member's own growth reaches."""
    member = session.get_one(Member, member_id, populate_existing=True)
    if rank != member.level_rank:
        _note(member_id, member.level_rank, rank, "a merge was undone", member.growth)
    member.level_rank, member.level_until_on = rank, until_on
    session.flush()
    _reach(member_id, rank)


def _reach(member_id: int, rank: int) -> None:
    growth = (
        select(func.coalesce(func.sum(GrowthEntry.growth), 0))
        .where(GrowthEntry.member_id == member_id, GrowthEntry.earned_at >= clock.now() - YEAR)
        .scalar_subquery()
    )
    reached = session.execute(
        select(Level.rank, growth.label("growth"))
        .where(Level.rank > rank, Level.reach_growth <= growth)
        .order_by(Level.rank.desc())
        .limit(1)
    ).first()
    if reached is None:
        return
    until = clock.today(malls.mall_info().timezone) + YEAR
    session.execute(update(Member).where(Member.id == member_id).values(level_rank=reached.rank, level_until_on=until))
    _note(member_id, rank, reached.rank, "growth reached the level", reached.growth)


def _growth_since(member_id: int, *since: datetime) -> tuple[int, ...]:
    sums = [func.coalesce(func.sum(GrowthEntry.growth).filter(GrowthEntry.earned_at >= begins), 0) for begins in since]
    row = session.execute(select(*sums).where(GrowthEntry.member_id == member_id, GrowthEntry.earned_at >= min(since))).one()
    return tuple(int(value) for value in row)


def _note(member_id: int, source: int, target: int, reason: str, growth: int) -> None:
    session.add(LevelChange(member_id=member_id, from_rank=source, to_rank=target, reason=reason, growth=growth, changed_at=clock.now()))
