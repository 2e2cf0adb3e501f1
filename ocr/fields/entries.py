"""Amounts, each with its label: the ledger of a slip, top to bottom."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ocr.fields.labels import Role, role_of
from ocr.fields.money import Money, amounts
from ocr.fields.rows import Item, Row
from ocr.fields.text import squeezed

_DATE = re.compile(
    r"\d{4}\s?[-/.年]\s?\d{1,2}\s?[-/.月]\s?\d{1,2}|\d{1,2}[-/]\d{1,2}[-/]\d{2,4}|\d{1,2}:\d{2}:\d{2}"
    r"|(?<!\d)\d{1,2}[\s-]?(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[\s.,'-]{0,2}(20)?\d\d(?!\d)",
    re.IGNORECASE,
)
# A number this long without cents is a code, not money.
MAX_FEN = 100_000_000


@dataclass(frozen=True)
class Entry:
    """One amount on one row. role None: an article's line, or an amount without any label."""

    fen: int
    role: Role | None
    label: str
    row: int
    item: Item
    strong: bool
    cents: bool
    stacked: bool = False


def entries(rows: Sequence[Row], cut: frozenset[int] = frozenset()) -> list[Entry]:
    """Every amount of the slip with its role. `cut`: indexes of lines that the frame cuts through; they say nothing."""
    ledger: list[Entry] = []
    waiting: tuple[Role, str] | None = None
    headings: list[tuple[Role, str]] = []
    for number, row in enumerate(rows):
        here = _of_row(number, row, cut)
        if headings and len(here) == len(headings) and all(entry.role is None and not entry.label for entry in here):
            here = [_under(entry, *heading) for entry, heading in zip(here, headings, strict=True)]
        if waiting and here and all(entry.role is None and not entry.label for entry in here):
            here = [_under(entry, *waiting) for entry in here]
        ledger += here
        waiting = None if here else _waiting(row)
        headings = [] if here else _headings(row)
    return ledger


def _under(entry: Entry, role: Role, label: str) -> Entry:
    return Entry(entry.fen, role, label, entry.row, entry.item, entry.strong, entry.cents, stacked=True)


def _waiting(row: Row) -> tuple[Role, str] | None:
    # A label alone on its row belongs to the amount that stands alone on the next.
    if len(row.items) != 1:
        return None
    role = role_of(row.text)
    return None if role is None or len(squeezed(row.text)) > 24 else (role, row.text)


_TOLD_TOGETHER = frozenset({Role.PAID, Role.PAYABLE, Role.TOTAL, Role.CASH, Role.CHANGE, Role.DISCOUNT, Role.ROUNDING, Role.TENDER})


def _headings(row: Row) -> list[tuple[Role, str]]:
    """Labels side by side whose amounts stand side by side on the next row (应收 实收 找零)."""
    words = row.text.split()
    roles = [role_of(word) for word in words]
    if len(words) < 2 or not all(role in _TOLD_TOGETHER for role in roles):
        return []
    return [(role, word) for role, word in zip(roles, words, strict=True) if role]


# No sum is rounded by more than this many fen.
_MOST_ROUNDING = 500
# An offer for another day: its amounts were not paid today.
_OFFER = re.compile(r"满\s?\d|下次|再消费|每消费|送\s?\d+\s?元")


def _of_row(number: int, row: Row, cut: frozenset[int]) -> list[Entry]:
    ledger: list[Entry] = []
    words: list[str] = []
    items = _mended(row.items)
    for place, item in enumerate(items):
        if _is_broken(items, place):
            continue
        start = 0
        for money in () if _DATE.search(item.text) else amounts(item):
            before = item.text[start : money.start].strip(" :()[]")
            if squeezed(before):
                words.append(before)
            offered = money.fen > 0 and _OFFER.search(item.text)
            if item.index not in cut and abs(money.fen) < MAX_FEN and not offered:
                ledger.append(_entry(money, words, number))
            start = money.end
        rest = item.text[start:].strip(" :()[]")
        if squeezed(rest):
            words = [*words, rest] if start == 0 else [rest]
        elif start:
            words = words[-1:]
    return ledger


def _mended(items: Sequence[Item]) -> list[Item]:
    """The items, with a number put together again that was read in two pieces (1000. | 0.00)."""
    whole: list[Item] = []
    for item in items:
        left = whole[-1] if whole else None
        cents = re.fullmatch(r"(?:\d?\.)?(\d\d\s?元?)", item.text)
        if left is not None and cents and re.search(r"\d\.$", left.text) and item.left - left.right < 0.8 * item.height:
            score = min(left.score, item.score)
            whole[-1] = replace(left, text=left.text + cents[1], right=item.right, score=score)
        else:
            whole.append(item)
    return whole


def _is_broken(items: Sequence[Item], place: int) -> bool:
    """Is this half of a number that was read in two pieces (1080. | 00)?"""
    left, right = items[max(0, place - 1)], items[min(place + 1, len(items) - 1)]
    before = left is not items[place] and re.search(r"\d[.,]$", left.text) and items[place].left - left.right < left.height
    return bool(before) or (right is not items[place] and bool(re.fullmatch(r"\D?\d+[.,]", items[place].text)))


def _entry(money: Money, words: list[str], number: int) -> Entry:
    nearest = words[-1] if words else ""
    role = role_of(nearest)
    label = nearest
    if role is None and len(words) > 1:
        label = " ".join(words)
        role = role_of(label)
    if role is Role.ROUNDING and money.fen >= _MOST_ROUNDING:
        role = Role.PAYABLE  # the sum after rounding, under the same word
    return Entry(money.fen, role, label, number, money.item, money.strong, money.cents)
