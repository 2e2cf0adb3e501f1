"""The ranker that is shipped: trees and what labels sound like, with the figures it was accepted with."""

from __future__ import annotations

import functools
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ocr.fields.entries import Entry
from ocr.fields.rows import Row
from ocr.fields.total import Hypothesis
from ocr.ranker import features
from ocr.ranker.trees import Trees

WEIGHTS = Path(__file__).with_name("weights.json")
SCHEMA = 1
SMOOTH = 1.0


@dataclass(frozen=True)
class Ranked:
    """An amount with how likely it is what was paid."""

    amount: features.Amount
    probability: float


@dataclass(frozen=True)
class Voices:
    """How often each pair of characters stands in labels of totals, and of other amounts."""

    totals: Mapping[str, int]
    others: Mapping[str, int]
    of_totals: int
    of_others: int

    def speaks(self, label: str) -> float:
        """How much a label sounds like a total: the mean of its pairs' log odds."""
        pairs = features.bigrams(label)
        odds = [
            math.log((self.totals.get(pair, 0) + SMOOTH) / (self.of_totals + 2 * SMOOTH))
            - math.log((self.others.get(pair, 0) + SMOOTH) / (self.of_others + 2 * SMOOTH))
            for pair in sorted(pairs)
        ]
        return sum(odds) / len(odds)

    @classmethod
    def counted(cls, totals: Iterable[str], others: Iterable[str]) -> Voices:
        """From labels of totals and labels of other amounts."""
        sums, rest = (Counter[str](), Counter[str]())
        number = [0, 0]
        for at, (labels, counts) in enumerate(((totals, sums), (others, rest))):
            for label in labels:
                counts.update(features.bigrams(label))
                number[at] += 1
        return cls(sums, rest, *number)

    def without(self, part: Voices) -> Voices:
        """What is left without what a part of it counted."""
        return Voices(
            _less(self.totals, part.totals), _less(self.others, part.others), self.of_totals - part.of_totals,
            self.of_others - part.of_others,
        )  # fmt: skip


def _less(whole: Mapping[str, int], part: Mapping[str, int]) -> dict[str, int]:
    return {pair: count - part.get(pair, 0) for pair, count in whole.items()}


@dataclass(frozen=True)
class Ranker:
    """Trees over the features of a slip's amounts."""

    trees: Trees
    voices: Voices
    figures: Mapping[str, Any] = field(default_factory=dict)

    def rank(self, rows: Sequence[Row], ledger: Sequence[Entry], weighed: Sequence[Hypothesis]) -> list[Ranked]:
        """The slip's amounts, the likeliest first; together their probabilities are one."""
        printed = features.amounts(ledger)
        if not printed:
            return []
        table = features.features(rows, ledger, printed, weighed, functools.lru_cache(maxsize=None)(self.voices.speaks))
        likely = self.trees.probabilities(table)
        ranked = [Ranked(amount, round(float(chance), 4)) for amount, chance in zip(printed, likely, strict=True)]
        return sorted(ranked, key=lambda place: (-place.probability, -place.amount.last))

    def to_json(self) -> dict[str, Any]:
        """Plain values; equal rankers give equal text."""
        pairs = {
            pair: [self.voices.totals.get(pair, 0), self.voices.others.get(pair, 0)]
            for pair in sorted({*self.voices.totals, *self.voices.others})
        }
        return {
            "schema": SCHEMA, "figures": dict(self.figures), "features": features.names(), "pairs": pairs,
            "labels": [self.voices.of_totals, self.voices.of_others], "trees": self.trees.to_json(),
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Ranker:
        """The ranker that `to_json` wrote. ValueError: made for other features than this code has."""
        if data["schema"] != SCHEMA or data["features"] != features.names():
            raise ValueError("The ranker was made for other features: make it again (make train LINES=DIR).")
        pairs = data["pairs"].items()
        totals, others = ({pair: counts[at] for pair, counts in pairs if counts[at]} for at in (0, 1))
        return cls(Trees.from_json(data["trees"]), Voices(totals, others, *data["labels"]), data["figures"])


@functools.cache
def shipped() -> Ranker:
    """The ranker of this version."""
    return Ranker.from_json(json.loads(WEIGHTS.read_text(encoding="utf-8")))
