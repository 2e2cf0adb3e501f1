"""What pays for what: the best mix for a basket, and which part of which line each tender pays. Pure rules, no database.

The best mix takes, in this order: as little new money as possible; points before stored value, for they expire and earn nothing;
the cards in their own order (the one that expires first). docs/checkout.md publishes it. Points pay only for lines that take part
in benefits, in whole steps, up to a share of them; a card pays only for the lines of shops that accept it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

from api.kit.money import basis_points, split


class Tender(StrEnum):
    """What can pay for a part of an order, in the order in which a fen that cannot be divided comes back."""

    GATEWAY = "gateway"
    PRINCIPAL = "stored_principal"
    BONUS = "stored_bonus"
    POINTS = "points"


@dataclass(frozen=True)
class Line:
    """One line of what is bought. `discountable`: takes part in benefits; `earns`: earns points. No shop: the mall itself sells it."""

    name: str
    amount_fen: int
    shop_id: int | None = None
    category: str = ""
    discountable: bool = True
    earns: bool = True


@dataclass(frozen=True)
class Card:
    """A card that may pay: how much is on it, and the shops that accept it (None: all)."""

    id: int
    fen: int
    shop_ids: frozenset[int] | None = None

    def pays(self, line: Line) -> bool:
        """Whether the shop of a line accepts the card."""
        return line.shop_id is not None and (self.shop_ids is None or line.shop_id in self.shop_ids)


@dataclass(frozen=True)
class PointsOffer:
    """What points could pay: how many fen the balance is worth, in steps of so many fen, up to a share of the lines in benefits."""

    fen: int = 0
    step_fen: int = 1
    share_bp: int = 10_000

    def limit(self, lines: Sequence[Line]) -> int:
        """The most that points can pay of these lines."""
        eligible = sum(line.amount_fen for line in lines if line.discountable)
        most = min(self.fen, basis_points(eligible, self.share_bp))
        return most - most % self.step_fen


POINTS = 0  # the source of the flow that stands for points; cards are known by their ids, which begin at 1


@dataclass(frozen=True)
class Mix:
    """Who pays how much: `cells[line][source]` in fen, source 0 for points, a card's id, and the rest of each line by the gateway."""

    cells: tuple[Mapping[int, int], ...]
    rest: tuple[int, ...]

    @property
    def points_fen(self) -> int:
        """What points pay."""
        return self.of(POINTS)

    @property
    def gateway_fen(self) -> int:
        """What is left for the wallet."""
        return sum(self.rest)

    def of(self, source: int) -> int:
        """What one source pays, over all lines."""
        return sum(line.get(source, 0) for line in self.cells)


def best(lines: Sequence[Line], *, points: PointsOffer, cards: Sequence[Card]) -> Mix:
    """The best mix. Amounts are whole fen; the cards come in the order in which they are to be used."""
    flow = _Flow(lines, cards)
    flow.place(POINTS, points.limit(lines))
    for card in cards:
        flow.place(card.id, card.fen)
    return flow.mix()


@dataclass
class _Flow:
    """Sources pay lines; a later source may push an earlier one to another line that it may pay as well, never out."""

    lines: Sequence[Line]
    cards: Sequence[Card]
    cells: list[dict[int, int]] = field(init=False)
    free: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.cells = [{} for _ in self.lines]
        self.free = [line.amount_fen for line in self.lines]
        allowed = {card.id: [card.pays(line) for line in self.lines] for card in self.cards}
        self.allowed = allowed | {POINTS: [line.discountable for line in self.lines]}

    def place(self, source: int, amount: int) -> None:
        """Let a source pay as much as it can: spread over its lines by what they still need, then along paths that make room."""
        room = [free if may else 0 for free, may in zip(self.free, self.allowed[source], strict=True)]
        spread = min(amount, sum(room))
        if spread > 0:
            for number, part in enumerate(split(spread, room)):
                self._pay(number, source, part)
        left = amount - spread
        while left > 0 and (path := self._path(source)) is not None:
            left -= self._push(path, left)

    def _pay(self, line: int, source: int, fen: int) -> None:
        self.cells[line][source] = self.cells[line].get(source, 0) + fen
        self.free[line] -= fen

    def _path(self, source: int) -> list[tuple[int, int]] | None:
        """(source, line it pays more of) steps from the source to a line with room; each step frees room in the line before."""
        reached: dict[int, tuple[int, int] | None] = {}  # line → (line before, source that leaves it); None at the beginning
        queue = deque(number for number, may in enumerate(self.allowed[source]) if may)
        reached.update(dict.fromkeys(queue))
        while queue:
            line = queue.popleft()
            if self.free[line] > 0:
                return self._steps(source, line, reached)
            for other, fen in self.cells[line].items():
                for target, may in enumerate(self.allowed[other]):
                    if fen > 0 and may and target not in reached:
                        reached[target] = (line, other)
                        queue.append(target)
        return None

    @staticmethod
    def _steps(source: int, line: int, reached: Mapping[int, tuple[int, int] | None]) -> list[tuple[int, int]]:
        steps = []
        while (before := reached[line]) is not None:
            steps.append((before[1], line))
            line = before[0]
        steps.append((source, line))
        return steps[::-1]

    def _push(self, path: Sequence[tuple[int, int]], left: int) -> int:
        fen = min(left, self.free[path[-1][1]])
        for (_, line), (leaver, _) in pairwise(path):
            fen = min(fen, self.cells[line][leaver])
        for (_, line), (leaver, _) in pairwise(path):
            self._pay(line, leaver, -fen)
        for source, line in path:
            self._pay(line, source, fen)
        return fen

    def mix(self) -> Mix:
        cells = tuple({source: fen for source, fen in line.items() if fen} for line in self.cells)
        return Mix(cells, tuple(self.free))


def shares(mix: Mix, drawn: Mapping[int, tuple[int, int]]) -> list[tuple[int, Tender, int | None, int]]:
    """The mix as (line, tender, card, fen), a card's part of each line divided into principal and bonus as it was drawn."""
    rows: list[tuple[int, Tender, int | None, int]] = []
    for card_id, (principal, _) in drawn.items():
        paid = [line.get(card_id, 0) for line in mix.cells]
        for number, (fen, of_principal) in enumerate(zip(paid, split(principal, paid), strict=True)):
            rows += [(number, Tender.PRINCIPAL, card_id, of_principal), (number, Tender.BONUS, card_id, fen - of_principal)]
    for number, rest in enumerate(mix.rest):
        rows += [(number, Tender.GATEWAY, None, rest), (number, Tender.POINTS, None, mix.cells[number].get(POINTS, 0))]
    order = list(Tender)
    return sorted((row for row in rows if row[3]), key=lambda row: (row[0], order.index(row[1]), row[2] or 0))


def give_back(amount: int, left: Sequence[int]) -> list[int]:
    """Divide a refund over what is left of each share: every part fits, and the last refund ends at zero. ValueError: too much."""
    if not 0 < amount <= sum(left):
        raise ValueError("more than is left")
    return split(amount, left)
