"""Make the ranker again from lines. The same lines, the same bytes.

A folder holds files of one JSON a line: `lines` [{text, box, score}], `width`, `height`, and what is wanted: `want` {merchant, total, …}.
"""

from __future__ import annotations

import functools
import hashlib
import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rapidfuzz import fuzz

from ocr.fields import total
from ocr.fields.edges import cut_lines
from ocr.fields.entries import Entry, entries
from ocr.fields.rows import Row, lay_out
from ocr.fields.text import squeezed
from ocr.fields.total import Hypothesis
from ocr.ranker import features
from ocr.ranker.model import Ranker, Voices
from ocr.ranker.trees import Plan, grow
from ocr.reading import Box, Line

FOLDS = 5


@dataclass(frozen=True)
class Slip:
    """One slip with what is wanted of it. `shop`: a name that all slips of one shop share, however each spells it."""

    file: str
    source: str
    width: int
    height: int
    screenshot: float
    lines: tuple[Line, ...]
    want: dict[str, Any]
    shop: str

    @property
    def total_fen(self) -> int | None:
        """What was paid, in fen."""
        wanted = self.want.get("total")
        return None if wanted is None else round(wanted * 100)


ALIKE = 84  # of 100: names that are closer than that are one shop's


def _shops(names: Iterable[str]) -> dict[str, str]:
    """For each name the first name of the same shop. Names are misspelt and misread, and a shop in two folds would flatter the figures."""
    first: dict[str, str] = {}
    keys: dict[str, str] = {}
    for name in sorted(set(names)):
        key = re.sub(r"sdnbhd|limited|ltd|enterprise|trading|restoran|marketing", "", squeezed(name)) or squeezed(name)
        same = next((known_name for known_name, known in keys.items() if fuzz.ratio(key, known) >= ALIKE or _holds(key, known)), name)
        first[name] = first.get(same, name)
        keys[name] = key
    return first


def _holds(first: str, second: str) -> bool:
    short, long = sorted((first, second), key=len)
    return len(short) >= 5 and fuzz.partial_ratio(short, long) >= 92


def load(folder: Path) -> list[Slip]:
    """Every slip of the folder's .jsonl files, in the order of their names."""
    slips = []
    for path in sorted(folder.glob("*.jsonl")):
        for text in _slips_of(path):
            data = json.loads(text)
            lines = tuple(Line(line["text"], line.get("score", 1.0), _box(line["box"])) for line in data["lines"])
            shop = data["want"].get("merchant") or data["file"]
            screen = data.get("screenshot") or 0.0
            slips.append(Slip(data["file"], path.stem, data["width"], data["height"], screen, lines, data["want"], shop))
    shops = _shops(slip.shop for slip in slips)
    return [replace(slip, shop=shops[slip.shop]) for slip in slips]


def _slips_of(path: Path) -> list[str]:
    # Only a line feed ends a slip: its text may hold other separators of lines.
    return [text for text in path.read_text(encoding="utf-8").split("\n") if text.strip()]


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
    printed: Sequence[features.Amount]
    right: int

    @functools.cached_property
    def voices(self) -> Voices:
        """What its labels add to the counts."""
        labels = [(label, amount is self.printed[self.right]) for amount in self.printed for label in features.labels_of(amount, self.rows)]
        return Voices.counted((label for label, paid in labels if paid), (label for label, paid in labels if not paid))


def examples(slips: Iterable[Slip]) -> list[Example]:
    """The slips whose wanted total is among their amounts."""
    made = []
    for slip in slips:
        rows = lay_out(slip.lines)
        ledger = entries(rows, cut_lines(slip.lines, slip.width, slip.height) if slip.source == "photos" else frozenset())
        printed = features.amounts(ledger)
        right = [at for at, amount in enumerate(printed) if amount.fen == slip.total_fen]
        if right:
            made.append(Example(slip, rows, ledger, total.weigh(ledger, rows), printed, right[0]))
    return made


COPIES = 2  # of each slip, with labels misread


def misread(slip: Slip, copy: int) -> Slip:
    """The slip as read from a worse photo: in a third of its lines letters are lost or taken for others; digits stay."""
    chance = random.Random(f"{slip.file} {copy}")  # noqa: S311  (the same each time, no secret)
    lines = [replace(line, text=_misread(line.text, chance)) if chance.random() < 0.35 else line for line in slip.lines]
    return replace(slip, lines=tuple(lines))


def _misread(text: str, chance: random.Random) -> str:
    share = chance.choice((0.15, 0.4, 1.0))
    return "".join(_other(letter, chance) if letter.isalpha() and chance.random() < share else letter for letter in text)


def _other(letter: str, chance: random.Random) -> str:
    return (
        chance.choice(("", "T", "I", "L", "R", "M", "E", "O", "A", "N"))
        if letter.isascii()
        else chance.choice(("", "口", "日", "丁", "人"))
    )


def _summed(parts: Iterable[Voices]) -> Voices:
    totals, others, numbers = (Counter[str](), Counter[str](), [0, 0])
    for part in parts:
        totals.update(part.totals)
        others.update(part.others)
        numbers[0] += part.of_totals
        numbers[1] += part.of_others
    return Voices(totals, others, *numbers)


LEAST_PAIRS = 2
COPY_WEIGHT = 0.5


def train(known: Sequence[Example], plan: Plan = Plan()) -> Ranker:
    """The ranker of these slips. What a label sounds like is learned from other shops than the slip's own, as it will be used."""
    by_shop: dict[str, list[Voices]] = defaultdict(list)
    for example in known:
        by_shop[example.slip.shop].append(example.voices)
    of_shop = {shop: _summed(parts) for shop, parts in by_shop.items()}
    whole = _summed(of_shop.values())
    tables, right, groups, weights = [], [], [], []
    copies = [copy for part in range(COPIES) for copy in examples(misread(example.slip, part) for example in known)]
    for number, example in enumerate([*known, *copies]):
        speaks = functools.lru_cache(maxsize=None)(whole.without(of_shop[example.slip.shop]).speaks)
        tables.append(features.features(example.rows, example.ledger, example.printed, example.weighed, speaks))
        right += [at == example.right for at in range(len(example.printed))]
        groups += [number] * len(example.printed)
        weight = len(by_shop[example.slip.shop]) ** -0.5 * (1.0 if number < len(known) else COPY_WEIGHT)
        weights += [weight] * len(example.printed)
    trees = grow(np.concatenate(tables), np.array(right), np.array(groups), np.array(weights), plan)
    return Ranker(trees, _pruned(whole))


def _pruned(whole: Voices) -> Voices:
    kept = {pair for pair in {*whole.totals, *whole.others} if whole.totals.get(pair, 0) + whole.others.get(pair, 0) >= LEAST_PAIRS}
    return replace(
        whole, totals={p: n for p, n in whole.totals.items() if p in kept}, others={p: n for p, n in whole.others.items() if p in kept}
    )


def folds(known: Sequence[Example], plan: Plan = Plan()) -> list[Ranker]:
    """A ranker for each fifth of the shops, made without them."""
    return [train([example for example in known if fold_of(example.slip.shop) != fold], plan) for fold in range(FOLDS)]


def measured(slips: Sequence[Slip], known: Sequence[Example]) -> dict[str, Any]:
    """How often the first amount is right on shops that were left out, and of those said at 0.9 and more."""
    rankers = folds(known)
    figures: dict[str, Any] = {}
    sure = [0, 0]
    for source in sorted({slip.source for slip in slips}):
        asked = [slip for slip in slips if slip.source == source and slip.total_fen is not None]
        right = 0
        for example in known:
            if example.slip.source == source:
                first = rankers[fold_of(example.slip.shop)].rank(example.rows, example.ledger, example.weighed)[0]
                good = first.amount.fen == example.slip.total_fen
                right += good
                sure[0] += first.probability >= 0.9 and good
                sure[1] += first.probability >= 0.9
        figures[source] = {"right": right, "asked": len(asked)}
    return figures | {"at 0.9": {"right": sure[0], "said": sure[1]}}
