"""What the mall decided about code plates: amounts, and when silence is odd."""

from __future__ import annotations

from dataclasses import dataclass

from api.kit.money import MAX_FEN
from api.kit.policy import Rules, number, yes


@dataclass(frozen=True)
class PlateRules(Rules):
    """The mall's rules of code plates; a shop may have terms of its own."""

    place = 50

    plate_min_fen: int = number(1, 1, MAX_FEN, "the least that is paid by a plate")
    plate_max_fen: int = number(5_000_000, 1, MAX_FEN, "the most that is paid by a plate")
    plate_decimals: int = number(2, 0, 2, "decimals of an amount in yuan that a shopper types")
    plate_excluded: bool = yes(False, "a shopper may name a part that earns no benefit")
    silence_minutes: int = number(30, 10, 240, "a shop's plates are silent when nothing was paid for so many minutes")
    silence_usual: int = number(4, 1, 1000, "silence is odd where in that time of the week at least so many payments usually come")

    def contradictions(self) -> list[str]:
        """The least is not more than the most."""
        return ["plate_min_fen", "plate_max_fen"] if self.plate_min_fen > self.plate_max_fen else []
