"""Make the ranker again from lines: `python -m ocr.ranker.training DIR` (`make train LINES=DIR`). The same lines, the same bytes.

DIR holds files of one JSON a line: `lines` [{text, box, score}], `width`, `height`, and what is wanted: `want` {merchant, total, …}.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ocr.fields import total
from ocr.fields.edges import cut_lines
from ocr.fields.entries import Entry, entries
from ocr.fields.rows import Row, lay_out
from ocr.fields.text import squeezed
from ocr.fields.total import Hypothesis
from ocr.ranker import features
from ocr.ranker.model import WEIGHTS, Ranker, Voices
from ocr.ranker.trees import Floats, Plan, Trees, grow
from ocr.reading import Box, Line

FOLDS = 5


@dataclass(frozen=True)
class Slip:
    """One slip with what is wanted of it. `shop`: what keeps slips of one shop together."""

    file: str
    source: str
    width: int
    height: int
    screenshot: float
    lines: tuple[Line, ...]
    want: dict[str, Any]

    @property
    def shop(self) -> str:
        """The shop's name without spaces, case and legal form."""
        return re.sub(r"sdnbhd|limited|ltd|enterprise", "", squeezed(self.want.get("merchant") or self.file))[:14]

    @property
    def total_fen(self) -> int | None:
        """What was paid, in fen."""
        wanted = self.want.get("total")
        return None if wanted is None else round(wanted * 100)


def load(folder: Path) -> list[Slip]:
    """Every slip of the folder's .jsonl files, in the order of their names."""
    slips = []
    for path in sorted(folder.glob("*.jsonl")):
        for text in path.read_text(encoding="utf-8").splitlines():
            data = json.loads(text)
            lines = tuple(Line(line["text"], line.get("score", 1.0), _box(line["box"])) for line in data["lines"])
            slips.append(Slip(data["file"], path.stem, data["width"], data["height"], data.get("screenshot") or 0.0, lines, data["want"]))
    return slips


def _box(points: Any) -> Box:
    first, second, third, fourth = ((float(x), float(y)) for x, y in points)
    return first, second, third, fourth


def fold_of(shop: str) -> int:
    """Which of the five parts a shop is in: all of its slips in one."""
    return int(hashlib.sha256(shop.encode()).hexdigest(), 16) % FOLDS


@dataclass(frozen=True)
class Example:
    """A slip as the ranker sees it; `right`: which of its amounts was paid."""

    slip: Slip
    rows: Sequence[Row]
    ledger: Sequence[Entry]
    weighed: Sequence[Hypothesis]
    found: Sequence[features.Amount]
    right: int

    @functools.cached_property
    def voices(self) -> Voices:
        """What its labels add to the counts."""
        labels = [(label, amount is self.found[self.right]) for amount in self.found for label in features.labels_of(amount, self.rows)]
        return Voices.counted((label for label, paid in labels if paid), (label for label, paid in labels if not paid))


def examples(slips: Iterable[Slip]) -> list[Example]:
    """The slips whose wanted total is among their amounts."""
    made = []
    for slip in slips:
        rows = lay_out(slip.lines)
        ledger = entries(rows, cut_lines(slip.lines, slip.width, slip.height) if slip.source == "photos" else frozenset())
        found = features.amounts(ledger)
        right = [at for at, amount in enumerate(found) if amount.fen == slip.total_fen]
        if right:
            made.append(Example(slip, rows, ledger, total.weigh(ledger, rows), found, right[0]))
    return made


def _summed(parts: Iterable[Voices]) -> Voices:
    totals, others, numbers = (Counter[str](), Counter[str](), [0, 0])
    for part in parts:
        totals.update(part.totals)
        others.update(part.others)
        numbers[0] += part.of_totals
        numbers[1] += part.of_others
    return Voices(totals, others, *numbers)


LEAST_PAIRS = 2


def train(known: Sequence[Example], plan: Plan = Plan()) -> Ranker:
    """The ranker of these slips. What a label sounds like is learned from other shops than the slip's own, as it will be used."""
    by_shop: dict[str, list[Voices]] = defaultdict(list)
    for example in known:
        by_shop[example.slip.shop].append(example.voices)
    of_shop = {shop: _summed(parts) for shop, parts in by_shop.items()}
    whole = _summed(of_shop.values())
    tables, right, groups, weights = [], [], [], []
    for number, example in enumerate(known):
        speaks = functools.lru_cache(maxsize=None)(whole.without(of_shop[example.slip.shop]).speaks)
        tables.append(features.features(example.rows, example.ledger, example.found, example.weighed, speaks))
        right += [at == example.right for at in range(len(example.found))]
        groups += [number] * len(example.found)
        weights += [len(by_shop[example.slip.shop]) ** -0.5] * len(example.found)
    trees = grow(np.concatenate(tables), np.array(right), np.array(groups), np.array(weights), plan)
    return Ranker(trees, _pruned(whole))


def _pruned(whole: Voices) -> Voices:
    kept = {pair for pair in {*whole.totals, *whole.others} if whole.totals.get(pair, 0) + whole.others.get(pair, 0) >= LEAST_PAIRS}
    return replace(whole, totals={p: n for p, n in whole.totals.items() if p in kept}, others={p: n for p, n in whole.others.items() if p in kept})


def folds(known: Sequence[Example], plan: Plan = Plan()) -> list[Ranker]:
    """A ranker for each fifth of the shops, made without them."""
    return [train([example for example in known if fold_of(example.slip.shop) != fold], plan) for fold in range(FOLDS)]


def calibrated(trees: Trees, tables: Sequence[Floats], right: Sequence[int]) -> Trees:
    """The trees with the scale that makes their probabilities likeliest on slips that they never saw."""
    scales = np.round(np.arange(0.4, 2.01, 0.05), 2)
    losses = [-sum(np.log(replace(trees, scale=float(scale)).probabilities(table)[at] + 1e-9) for table, at in zip(tables, right, strict=True)) for scale in scales]
    return replace(trees, scale=float(scales[int(np.argmin(losses))]))
