"""What is known of each printed amount of a slip, as numbers: its label, its place and print, and the arithmetic it takes part in."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from ocr.fields.entries import Entry
from ocr.fields.labels import SUMS_AND_PAID, Role
from ocr.fields.money import in_words
from ocr.fields.rows import Row
from ocr.fields.text import squeezed
from ocr.fields.total import WEIGHTS, Hypothesis
from ocr.ranker.trees import Floats

Speaks = Callable[[str], float]
ROLES = tuple(Role)
EVIDENCE = tuple(WEIGHTS)
_DIGITS = re.compile(r"\d+")
_TAX_TABLE = re.compile(r"税|gst|sst|vat|tax|mwst|ust|netto|brutto")
_QUANTITY = re.compile(r"\bx\s?\d|\d\s?[x@*×]|pcs|件|kg", re.IGNORECASE)
_NEAR = 10  # fen: how far rounding moves a sum


@dataclass(frozen=True)
class Amount:
    """One value that is printed on the slip, with every entry that prints it."""

    fen: int
    entries: tuple[Entry, ...]

    @property
    def first(self) -> int:
        """The highest row that prints it."""
        return min(entry.row for entry in self.entries)

    @property
    def last(self) -> int:
        """The lowest row that prints it."""
        return max(entry.row for entry in self.entries)


def amounts(ledger: Sequence[Entry]) -> list[Amount]:
    """The values that could have been paid, from the top of the slip to its foot."""
    values: dict[int, list[Entry]] = defaultdict(list)
    for entry in ledger:
        if entry.fen > 0:
            values[entry.fen].append(entry)
    return [Amount(fen, tuple(same)) for fen, same in values.items()]


def bigrams(label: str) -> set[str]:
    """Pairs of characters of a label without its digits: a letter that was misread leaves most of them right."""
    key = _DIGITS.sub("", squeezed(label))
    padded = f"^{key}$"
    return {padded[at : at + 2] for at in range(len(padded) - 1)} if key else {"^$"}


def labels_of(amount: Amount, rows: Sequence[Row]) -> list[str]:
    """What stands with an amount: its own label, or where it has none what the row above says."""
    spoken = []
    for entry in amount.entries:
        own = entry.label
        if not squeezed(own) and entry.row:
            own = rows[entry.row - 1].text if len(rows[entry.row - 1].items) == 1 else ""
        spoken.append(own)
    return spoken


@dataclass(frozen=True)
class _Slip:
    rows: Sequence[Row]
    ledger: Sequence[Entry]
    printed: Sequence[Amount]
    usual: float
    right: float
    articles: Mapping[int, int]  # row → the last amount of a row without a known label
    reached: frozenset[int]  # values that are printed, whatever their sign


def features(
    rows: Sequence[Row], ledger: Sequence[Entry], printed: Sequence[Amount], weighed: Sequence[Hypothesis], speaks: Speaks
) -> Floats:
    """A row of numbers for each amount. `weighed`: what the rules make of the slip; `speaks`: how much a label sounds like a total."""
    if not printed:
        return np.zeros((0, 0))
    heights = [entry.item.height for entry in ledger]
    articles = {entry.row: entry.fen for entry in ledger if entry.role is None and entry.fen}
    slip = _Slip(
        rows, ledger, printed, median(heights), max(entry.item.right for entry in ledger), articles,
        frozenset(abs(entry.fen) for entry in ledger),
    )  # fmt: skip
    by_fen = {hypothesis.fen: (place, hypothesis) for place, hypothesis in enumerate(weighed)}
    ranks = {fen: place for place, fen in enumerate(sorted((amount.fen for amount in printed), reverse=True))}
    spoken = [_spoken(slip, amount, speaks) for amount in printed]
    loudest = max(voice[0] for voice in spoken)
    table = [
        [
            *_by_role(slip, amount),
            *voice,
            voice[0] - loudest,
            *_by_place(slip, amount),
            *_by_value(slip, amount, ranks[amount.fen]),
            *_by_arithmetic(slip, amount),
            *_by_rules(by_fen.get(amount.fen), len(weighed)),
        ]
        for amount, voice in zip(printed, spoken, strict=True)
    ]
    rounded: Floats = np.array(table, dtype=np.float64).round(4)
    return rounded


def _by_role(slip: _Slip, amount: Amount) -> Iterable[float]:
    roles = [entry.role for entry in amount.entries]
    yield from (float(roles.count(role)) for role in ROLES)
    yield float(roles.count(None))
    present = {entry.role for entry in slip.ledger if entry.fen}
    yield from (
        float(role in present) for role in (Role.CASH, Role.CHANGE, Role.SUBTOTAL, Role.TOTAL, Role.PAYABLE, Role.PAID, Role.ROUNDING)
    )
    last, first = amount.last, amount.first
    yield float(sum(entry.role in SUMS_AND_PAID and entry.row > last and entry.fen != amount.fen for entry in slip.ledger))
    yield float(sum(entry.role in SUMS_AND_PAID and entry.row < first and entry.fen != amount.fen for entry in slip.ledger))
    yield float(any(entry.role is Role.DISCOUNT and entry.row > last and entry.fen for entry in slip.ledger))
    yield float(any(entry.role in (Role.CASH, Role.TENDER) and entry.row > last and entry.fen for entry in slip.ledger))


def _spoken(slip: _Slip, amount: Amount, speaks: Speaks) -> list[float]:
    own = [speaks(label) for label in labels_of(amount, slip.rows)]
    whole = [speaks(slip.rows[entry.row].text) for entry in amount.entries]
    above = speaks(slip.rows[amount.first - 1].text) if amount.first else 0.0
    below = speaks(slip.rows[amount.last + 1].text) if amount.last + 1 < len(slip.rows) else 0.0
    lengths = [len(squeezed(entry.label)) for entry in amount.entries]
    return [max(own), min(own), max(whole), above, below, float(min(lengths)), float(max(lengths))]


def _by_place(slip: _Slip, amount: Amount) -> Iterable[float]:
    best = max(amount.entries, key=lambda entry: entry.item.height)
    lowest = max(amount.entries, key=lambda entry: entry.row)
    deepest = max(entry.row for entry in slip.ledger if entry.strong or entry.cents or entry.row == amount.last)
    yield amount.first / len(slip.rows)
    yield amount.last / len(slip.rows)
    yield float(min(12, deepest - amount.last))
    yield float(len({entry.row for entry in amount.entries}))
    yield best.item.height / slip.usual
    yield lowest.item.height / slip.usual
    yield float(sum(entry_beside.item.height > best.item.height * 1.05 for entry_beside in slip.ledger))
    yield max(entry.item.right for entry in amount.entries) / max(1.0, slip.right)
    row = slip.rows[lowest.row]
    yield float(len(row.items))
    yield float(sum(entry.row == lowest.row for entry in slip.ledger))
    yield float(any(_is_last_of_its_row(entry, slip.ledger) for entry in amount.entries))
    yield float(any(entry.stacked for entry in amount.entries))
    yield max(entry.item.score for entry in amount.entries)
    text = squeezed(row.text)
    yield float("%" in row.text) + float(bool(_TAX_TABLE.search(text)))
    yield float(bool(_QUANTITY.search(row.text)))


def _is_last_of_its_row(entry: Entry, ledger: Sequence[Entry]) -> bool:
    return not any(entry_beside.row == entry.row and entry_beside.item.left > entry.item.right for entry_beside in ledger)


def _by_value(slip: _Slip, amount: Amount, rank: int) -> Iterable[float]:
    values = [amount_beside.fen for amount_beside in slip.printed]
    yield float(min(12, rank))
    yield amount.fen / max(values)
    yield math.log10(amount.fen)
    yield float(any(entry.cents for entry in amount.entries))
    yield float(any(entry.strong for entry in amount.entries))
    yield float(amount.fen % 100 == 0)
    yield float(amount.fen % 1000 == 0) + float(amount.fen % 5000 == 0) + float(amount.fen % 10000 == 0)
    yield float(amount.fen % 5 == 0)
    yield float(len(slip.printed))
    yield float(any(fen != amount.fen and abs(fen - amount.fen) <= _NEAR for fen in values))
    below = [amount_beside for amount_beside in slip.printed if amount_beside.last > amount.last]
    yield float(any(0 < abs(amount_beside.fen - amount.fen) <= _NEAR for amount_beside in below))
    yield float(100 * amount.fen in slip.reached) + float(amount.fen % 100 == 0 and amount.fen // 100 in slip.reached)


def _by_arithmetic(slip: _Slip, amount: Amount) -> Iterable[float]:
    fen, first, last = amount.fen, amount.first, amount.last
    below = [entry for entry in slip.ledger if entry.row > last and entry.fen]
    above = [entry for entry in slip.ledger if entry.row < first and entry.fen]
    # Handed over less change: both below, or the change below what is called cash.
    handed = [(given.fen, back.fen) for given in below for back in below if given.fen - back.fen == fen and back.row >= given.row]
    yield float(bool(handed))
    roles = {entry.fen: entry.role for entry in slip.ledger}
    yield float(any(roles.get(back) is Role.CHANGE or roles.get(given) is Role.CASH for given, back in handed))
    yield float(any(entry.fen > fen and entry.fen - fen in slip.reached and entry.fen - fen for entry in above))
    yield float(any(entry.fen < fen and fen - entry.fen in slip.reached for entry in above))
    # It is what was handed over: less an amount below, it is one above.
    yield float(any(entry.fen < fen and any(entry_below.fen == fen - entry.fen for entry_below in below) for entry in above))
    lines = [value for row, value in sorted(slip.articles.items()) if row < first]
    yield float(bool(lines) and sum(lines) == fen and len(lines) > 1)
    yield float(_closes_a_run(lines, fen))
    yield float(bool(lines) and lines[-1] == fen and len(lines) == 1)
    yield float(bool(lines) and 0 < abs(sum(lines) - fen) <= _NEAR)
    yield float(sum(entry.fen == fen for entry in below) + sum(entry.fen == fen for entry in above))
    yield float(_is_sum_of_two(fen, above))
    yield float(_is_sum_of_two(fen, below))
    sums_above = [entry for entry in slip.ledger if entry.row <= first and entry.fen != fen and entry.role in SUMS_AND_PAID]
    rounds = any(entry.role is Role.ROUNDING for entry in amount.entries)
    yield float(rounds and any(abs(entry.fen - fen) <= _NEAR for entry in slip.ledger if entry.row <= first and entry.fen != fen))
    yield float(any(abs(entry.fen - fen) <= _NEAR for entry in sums_above))
    later = [entry for entry in slip.ledger if entry.row >= last and entry.fen != fen and 0 < abs(entry.fen - fen) <= _NEAR]
    yield float(any(entry.role in (Role.ROUNDING, *SUMS_AND_PAID) for entry in later))
    yield float(any(entry.fen % 5 == 0 for entry in later) and fen % 5 != 0)
    yield float(any(0 < abs(entry.fen) <= _NEAR and fen - entry.fen in slip.reached for entry in slip.ledger))
    yield float(any(0 < abs(entry.fen) <= _NEAR and fen + entry.fen in slip.reached for entry in slip.ledger))
    taxes = [abs(entry.fen) for entry in slip.ledger if entry.role in (Role.TAX, Role.FEE) and entry.fen and entry.fen != fen]
    before = {entry.fen for entry in slip.ledger if entry.row <= first and entry.fen > 0 and entry.fen != fen}
    after = {entry.fen for entry in slip.ledger if entry.row >= last and entry.fen > 0 and entry.fen != fen}
    yield float(any(fen - tax in before for tax in taxes))
    yield float(any(fen + tax in after for tax in taxes))
    yield float(any(abs(fen - tax - value) <= _NEAR for tax in taxes for value in before))
    yield float(any(abs(fen + tax - value) <= _NEAR for tax in taxes for value in after))
    signs = [entry.fen for entry in above if entry.fen < 0 or entry.role in (Role.DISCOUNT, Role.ROUNDING)]
    yield float(any(entry.fen - abs(less) == fen or entry.fen + less == fen for entry in above for less in signs if entry.fen != fen))
    yield float(any(in_words(row.text) == fen for row in slip.rows))
    yield float(sum(entry.role in (Role.TENDER, Role.CASH) and entry.fen == fen for entry in below))


def _closes_a_run(lines: Sequence[int], fen: int) -> bool:
    total = 0
    for count, value in enumerate(reversed(lines), start=1):
        total += value
        if total == fen and count > 1:
            return True
    return False


def _is_sum_of_two(fen: int, entries: Sequence[Entry]) -> bool:
    values = {entry.fen for entry in entries if 0 < entry.fen < fen}
    return any(fen - value in values and fen != 2 * value for value in values)


def _by_rules(weighed: tuple[int, Hypothesis] | None, count: int) -> Iterable[float]:
    if weighed is None:
        yield from [0.0] * len(EVIDENCE)
        yield from (0.0, 0.0, 12.0, float(count))
        return
    place, hypothesis = weighed
    yield from (float(kind in hypothesis.evidence) for kind in EVIDENCE)
    yield from (hypothesis.belief, hypothesis.doubt, float(min(12, place)), float(count))


def names() -> list[str]:
    """What each number is called, in their order."""
    return [
        *(f"role {role}" for role in ROLES), "role none",
        *(f"slip has {role}" for role in (Role.CASH, Role.CHANGE, Role.SUBTOTAL, Role.TOTAL, Role.PAYABLE, Role.PAID, Role.ROUNDING)),
        "other sums below", "other sums above", "discount below", "tender below",
        "label", "label least", "row", "row above", "row below", "label length least", "label length most", "label behind the loudest",
        "first row", "last row", "amounts below", "rows", "height", "height of the lowest", "taller ones", "right edge", "items of its row",
        "amounts of its row", "last of its row", "label above it", "read as", "tax table", "quantity",
        "rank by value", "part of the largest", "size", "cents", "strong", "whole yuan", "round", "fives", "amounts", "near another",
        "near one below", "hundredfold",
        "cash less change", "cash less change by label", "less than one above", "more than one above", "handed over", "sum of articles",
        "sum of the last articles", "only article", "near the sum", "again", "sum of two above", "sum of two below",
        "rounded", "near a sum above", "rounded below", "rounded below to fives", "a rounding more", "a rounding less",
        "sum and tax", "without its tax", "nearly sum and tax", "nearly without its tax", "one above less a discount",
        "in words", "tenders of it",
        *(f"rules: {kind}" for kind in EVIDENCE), "rules: confidence", "rules: doubt", "rules: place", "rules: hypotheses",
    ]  # fmt: skip
