"""Amounts with the label that speaks for each: the ledger of a slip, top to bottom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ocr.fields.labels import Role, role_of
from ocr.fields.money import Money, amounts
from ocr.fields.rows import Item, Row
from ocr.fields.text import squeezed

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
    found: list[Entry] = []
    waiting: tuple[Role, str] | None = None
    for number, row in enumerate(rows):
        here = _of_row(number, row, cut)
        if waiting and here and all(entry.role is None and not entry.label for entry in here):
            here = [_under(entry, *waiting) for entry in here]
        found += here
        waiting = None if here else _waiting(row)
    return found


def _under(entry: Entry, role: Role, label: str) -> Entry:
    return Entry(entry.fen, role, label, entry.row, entry.item, entry.strong, entry.cents, stacked=True)


def _waiting(row: Row) -> tuple[Role, str] | None:
    # A label alone on its row speaks for the amount that stands alone on the next.
    if len(row.items) != 1:
        return None
    role = role_of(row.text)
    return None if role is None or len(squeezed(row.text)) > 24 else (role, row.text)


def _of_row(number: int, row: Row, cut: frozenset[int]) -> list[Entry]:
    found: list[Entry] = []
    words: list[str] = []
    for item in row.items:
        start = 0
        for money in amounts(item):
            before = item.text[start : money.start].strip(" :()[]")
            if squeezed(before):
                words.append(before)
            if item.index not in cut and abs(money.fen) < MAX_FEN:
                found.append(_entry(money, words, number))
            start = money.end
        rest = item.text[start:].strip(" :()[]")
        if squeezed(rest):
            words = [*words, rest] if start == 0 else [rest]
        elif start:
            words = words[-1:]
    return found


def _entry(money: Money, words: list[str], number: int) -> Entry:
    nearest = words[-1] if words else ""
    role = role_of(nearest)
    label = nearest
    if role is None and len(words) > 1:
        label = " ".join(words)
        role = role_of(label)
    return Entry(money.fen, role, label, number, money.item, money.strong, money.cents)
