"""What a rehearsal found: totals, by day, shop and level, and which members win or lose. Grows with members and shops, not with sales."""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from heapq import nlargest
from typing import Any, NamedTuple

from api.malls import service as malls
from api.members import service as members

#: How many members and shops are named.
NAMED_MEMBERS, NAMED_SHOPS = 20, 100
#: A member's points more or fewer, as a person sorts them: at least the first, below the second of each neighbouring pair.
STEPS = (-10_000, -1_000, -100, -10, 0, 1, 10, 100, 1_000, 10_000)


class Played(NamedTuple):
    """One sale played again: the points that it kept after refunds, and those that it would have; `level` None: not reckoned."""

    member_id: int
    shop_id: int
    level: int | None
    local: datetime
    before: int
    shop_before: int
    after: int
    shop_after: int


@dataclass(slots=True)
class Tally:
    """Sales and points, before and after, in all and borne by shops."""

    sales: int = 0
    changed: int = 0
    before: int = 0
    after: int = 0
    shop_before: int = 0
    shop_after: int = 0

    def add(self, played: Played) -> None:
        """Count one sale."""
        self.sales += 1
        self.changed += played.after != played.before
        self.before += played.before
        self.after += played.after
        self.shop_before += played.shop_before
        self.shop_after += played.shop_after

    def figures(self) -> dict[str, int]:
        """As the result keeps it."""
        return {name: getattr(self, name) for name in self.__slots__} | {"difference": self.after - self.before}


@dataclass
class Outcome:
    """The running account of a rehearsal. `points_a_yuan`: so many points are worth one yuan."""

    points_a_yuan: int
    unknown: int = 0
    days: dict[date, Tally] = field(default_factory=dict)
    shops: dict[int, Tally] = field(default_factory=dict)
    levels: dict[int, Tally] = field(default_factory=dict)
    # A member is a number in these; three machine words each, however many sales.
    _place: dict[int, int] = field(default_factory=dict)
    _before: array[int] = field(default_factory=lambda: array("q"))
    _after: array[int] = field(default_factory=lambda: array("q"))
    _level: array[int] = field(default_factory=lambda: array("h"))

    @property
    def whole(self) -> Tally:
        """All days together."""
        total = Tally()
        for day in self.days.values():
            for name in Tally.__slots__:
                setattr(total, name, getattr(total, name) + getattr(day, name))
        return total

    def count(self, played: Played) -> None:
        """Take one sale into account."""
        _tally(self.days, played.local.date()).add(played)
        _tally(self.shops, played.shop_id).add(played)
        if played.level is None:
            self.unknown += 1
        else:
            _tally(self.levels, played.level).add(played)
        self._count_member(played)

    def _count_member(self, played: Played) -> None:
        place = self._place.setdefault(played.member_id, len(self._before))
        if place == len(self._before):
            self._before.append(0)
            self._after.append(0)
            self._level.append(0)
        self._before[place] += played.before
        self._after[place] += played.after
        self._level[place] = played.level or self._level[place]

    def figures(self) -> dict[str, Any]:
        """The result as JSON values; reads the names of shops and levels. `fen` is what points are worth by the mall's policy."""
        whole = self.whole.figures()
        before_fen, after_fen = (whole[name] * 100 // self.points_a_yuan for name in ("before", "after"))
        return {
            "sales": whole["sales"],
            "sales_changed": whole["changed"],
            "sales_unknown": self.unknown,
            "points_a_yuan": self.points_a_yuan,
            "points": {name: whole[name] for name in ("before", "after", "difference")},
            "fen": {"before": before_fen, "after": after_fen, "difference": after_fen - before_fen},
            "borne_by_shops": {"before": whole["shop_before"], "after": whole["shop_after"]},
            "members": self._members(),
            "by_day": [{"on": day.isoformat()} | tally.figures() for day, tally in sorted(self.days.items())],
            "shops": len(self.shops),
            "by_shop": self._by_shop(),
            "by_level": self._by_level(),
            "by_change": self._by_change(),
            "winners": self._named(1),
            "losers": self._named(-1),
        }

    def _differences(self) -> Iterable[int]:
        return (after - before for before, after in zip(self._before, self._after, strict=True))

    def _members(self) -> dict[str, int]:
        more = sum(difference > 0 for difference in self._differences())
        fewer = sum(difference < 0 for difference in self._differences())
        return {"all": len(self._place), "touched": more + fewer, "winners": more, "losers": fewer}

    def _by_shop(self) -> list[dict[str, Any]]:
        largest = nlargest(NAMED_SHOPS, self.shops.items(), key=lambda item: (abs(item[1].after - item[1].before), item[1].sales))
        names = malls.shop_names([shop_id for shop_id, _ in largest])
        return [{"shop_id": shop_id, "name": names.get(shop_id, "")} | tally.figures() for shop_id, tally in largest]

    def _by_level(self) -> list[dict[str, Any]]:
        """Sales by the level that the member had at the time; winners and losers by the last one."""
        names = {level.rank: (level.name, level.name_en) for level in members.all_levels()}
        rows = []
        for rank, tally in sorted(self.levels.items()):
            zh, en = names.get(rank, ("普通会员" if rank == 0 else f"等级 {rank}", "Member" if rank == 0 else f"Level {rank}"))
            rows.append({"level": rank, "name": {"zh": zh, "en": en}} | tally.figures() | self._of_level(rank))
        return rows

    def _of_level(self, rank: int) -> dict[str, int]:
        differences = [difference for level, difference in zip(self._level, self._differences(), strict=True) if level == rank]
        return {
            "members": len(differences),
            "winners": sum(each > 0 for each in differences),
            "losers": sum(each < 0 for each in differences),
        }

    def _by_change(self) -> list[dict[str, int | None]]:
        """How many members get so many points more or fewer: `at_least` to below `below`."""
        bounds = [None, *STEPS, None]
        counts = [0] * (len(bounds) - 1)
        for difference in self._differences():
            counts[sum(difference >= step for step in STEPS)] += 1
        return [
            {"at_least": low, "below": high, "members": count}
            for low, high, count in zip(bounds, bounds[1:], counts, strict=False)
            if count
        ]

    def _named(self, sign: int) -> list[dict[str, int]]:
        """The members with the largest gain (1) or loss (-1). Numbers only: names are looked up, masked, when somebody reads this."""
        changes = ((sign * (self._after[place] - self._before[place]), member_id, place) for member_id, place in self._place.items())
        largest = nlargest(NAMED_MEMBERS, (each for each in changes if each[0] > 0), key=lambda each: (each[0], -each[1]))
        return [
            {"member_id": member_id, "level": self._level[place], "before": self._before[place], "after": self._after[place]}
            for _, member_id, place in largest
        ]


def _tally(tallies: dict[Any, Tally], key: Hashable) -> Tally:
    tally = tallies.get(key)
    if tally is None:
        tally = tallies[key] = Tally()
    return tally
