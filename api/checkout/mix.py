"""What pays for what: the best mix for a basket, and which part of which line each source pays. Pure rules, no database.

The best mix takes, in this order: as little new money as possible; then as much as possible of each source in the order in which the
sources are given (docs/checkout.md publishes it). Each source says how much it has and which lines it may pay.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from api.kit.money import split


class Tender(StrEnum):
    """What can pay for a part of an order, in the order in which a fen that cannot be divided comes back."""

    GATEWAY = "gateway"
    PRINCIPAL = "stored_principal"
    BONUS = "stored_bonus"
    POINTS = "points"

    @property
    def place(self) -> int:
        """Its place in that order."""
        return _PLACES[self]

    @property
    def has_sources(self) -> bool:
        """Whether its shares name what they come from: one card of several."""
        return self in (Tender.PRINCIPAL, Tender.BONUS)


_PLACES = {tender: place for place, tender in enumerate(Tender)}


class SourceKey(NamedTuple):
    """One thing that can pay: the tender it belongs to by name, and its number there (a card's id; 0 where there is only one)."""

    tender: str
    id: int


@dataclass(frozen=True)
class Source:
    """A source that may pay: how many fen it has for this basket, and for each line whether it may pay it."""

    key: SourceKey
    fen: int
    may_pay: tuple[bool, ...]


@dataclass(frozen=True)
class Mix:
    """Who pays how much: `cells[line][source]` in fen, and the `rest` of each line in new money."""

    cells: tuple[Mapping[SourceKey, int], ...]
    rest: tuple[int, ...]

    @property
    def new_money_fen(self) -> int:
        """What is left to be paid in new money."""
        return sum(self.rest)

    def of(self, key: SourceKey) -> int:
        """What one source pays, over all lines."""
        return sum(line.get(key, 0) for line in self.cells)

    def by_line(self, key: SourceKey) -> list[int]:
        """What one source pays of each line."""
        return [line.get(key, 0) for line in self.cells]


def best(amounts: Sequence[int], sources: Sequence[Source]) -> Mix:
    """The best mix for lines that cost so many fen; the sources come in the order in which they are to be used."""
    flow = _Flow(amounts, sources)
    for source in sources:
        flow.place(source.key, source.fen)
    return flow.mix()


class _Flow:
    """Sources pay lines; a later source may push an earlier one to another line that it may pay as well, never out."""

    def __init__(self, amounts: Sequence[int], sources: Sequence[Source]) -> None:
        self.cells: list[dict[SourceKey, int]] = [{} for _ in amounts]
        self.free = list(amounts)
        self.allowed = {source.key: source.may_pay for source in sources}

    def place(self, key: SourceKey, fen: int) -> None:
        """Let a source pay as much as it can: spread over its lines by what they still need, then along paths that make room."""
        room = [free if may else 0 for free, may in zip(self.free, self.allowed[key], strict=True)]
        spread = min(fen, sum(room))
        if spread > 0:
            for line, part in enumerate(split(spread, room)):
                self._pay(line, key, part)
        left = fen - spread
        while left > 0 and (path := self._path(key)) is not None:
            left -= self._push(path, left)

    def _pay(self, line: int, key: SourceKey, fen: int) -> None:
        self.cells[line][key] = self.cells[line].get(key, 0) + fen
        self.free[line] -= fen

    def _path(self, key: SourceKey) -> list[tuple[SourceKey, int]] | None:
        """(source, line it pays more of) steps from the source to a line with room; each step frees room in the line before."""
        reached: dict[int, tuple[int, SourceKey] | None] = {}  # line → (line before, source that leaves it); None at the beginning
        queue = deque(line for line, may in enumerate(self.allowed[key]) if may)
        reached.update(dict.fromkeys(queue))
        while queue:
            line = queue.popleft()
            if self.free[line] > 0:
                return self._steps(key, line, reached)
            for payer, fen in self.cells[line].items():
                for target, may in enumerate(self.allowed[payer]):
                    if fen > 0 and may and target not in reached:
                        reached[target] = (line, payer)
                        queue.append(target)
        return None

    @staticmethod
    def _steps(key: SourceKey, line: int, reached: Mapping[int, tuple[int, SourceKey] | None]) -> list[tuple[SourceKey, int]]:
        steps = []
        while (before := reached[line]) is not None:
            steps.append((before[1], line))
            line = before[0]
        steps.append((key, line))
        return steps[::-1]

    def _push(self, path: Sequence[tuple[SourceKey, int]], left: int) -> int:
        fen = min(left, self.free[path[-1][1]])
        for (_, line), (leaver, _) in pairwise(path):
            fen = min(fen, self.cells[line][leaver])
        for (_, line), (leaver, _) in pairwise(path):
            self._pay(line, leaver, -fen)
        for payer, line in path:
            self._pay(line, payer, fen)
        return fen

    def mix(self) -> Mix:
        cells = tuple({key: fen for key, fen in line.items() if fen} for line in self.cells)
        return Mix(cells, tuple(self.free))


def give_back(amount: int, left: Sequence[int]) -> list[int]:
    """Divide a refund over what is left of each share: every part fits, and the last refund ends at zero. ValueError: too much."""
    if not 0 < amount <= sum(left):
        raise ValueError("more than is left")
    return split(amount, left)
