"""Rows of a slip laid out on paper: every cell with its place, ready to be drawn or to be handed over as lines."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ocr.reading import Box, Line

UNIT = 12.0
STEP = 36.0
MARGIN = 36.0


@dataclass(frozen=True)
class Cell:
    """A run of text on the paper: left, top and height in pixels of the paper."""

    text: str
    left: float
    top: float
    height: float
    row: int

    @property
    def right(self) -> float:
        return self.left + width_of(self.text) * self.height / 24 * UNIT


@dataclass(frozen=True)
class Page:
    """All cells, the paper's size in pixels, and where the row stands that first shows the total."""

    cells: tuple[Cell, ...]
    width: float
    height: float
    total_top: float


def width_of(text: str) -> int:
    """Columns of half an ideograph."""
    return sum(2 if ord(character) > 0x2E80 else 1 for character in text)


def lay(rows: str) -> Page:
    """The page for these rows."""
    parsed = [_parse(line) for line in rows.split("\n") if line.strip()]
    columns = max(30, *(_needed(cells, size) for _, cells, size, _ in parsed))
    width = columns * UNIT + 2 * MARGIN
    top, total_top, cells_placed = MARGIN, math.inf, []
    for number, (marks, cells, size, first) in enumerate(parsed):
        if first:
            total_top = min(total_top, top)
        cells_placed += _placed(cells, size, "^" in marks, top, number, width)
        top += STEP * size
    return Page(tuple(cells_placed), width, top + MARGIN, total_top)


def _parse(line: str) -> tuple[str, list[str], int, bool]:
    match = re.match(r"\s*(?P<marks>[#^!]*)(?P<rest>.*)", line)
    assert match is not None
    marks = match["marks"]
    cells = [cell.strip() for cell in match["rest"].split("|") if cell.strip()]
    return marks, cells, 2 if "#" in marks else 1, "!" in marks


def _needed(cells: Sequence[str], size: int) -> int:
    return min(60, sum(width_of(cell) + 2 for cell in cells) * size)


def _placed(cells: Sequence[str], size: int, centred: bool, top: float, row: int, width: float) -> list[Cell]:
    if cells == ["---"]:
        return []
    placed: list[Cell] = []
    high = 24.0 * size
    for place, text in enumerate(cells):
        long = width_of(text) * UNIT * size
        left = MARGIN + place * (width - 2 * MARGIN) / len(cells)
        if len(cells) > 1 and place == len(cells) - 1:
            left = width - MARGIN - long
        elif centred or (len(cells) == 1 and size == 2):
            left = (width - long) / 2
        left = max(left, placed[-1].right + UNIT) if placed else max(MARGIN / 2, left)
        placed.append(Cell(text, left, top, high, row))
    return placed


def as_lines(page: Page, rng: random.Random, cut: bool) -> tuple[list[Line], int, int]:
    """The cells as a reader would hand them over, a little turned; with `cut` the frame ends above the total."""
    turn = math.radians(rng.uniform(-3, 3))
    shown = [cell for cell in page.cells if not cut or cell.top < page.total_top - 1]
    lines = [Line(_spelt(text, rng), round(rng.uniform(0.9, 0.999), 3), _box(cell, text, turn, page)) for cell, text in _read(shown, rng)]
    foot = max((point[1] for line in lines for point in line.box), default=page.height)
    return lines, round(page.width + 200), round(foot + (10 if cut else 260))


def _read(cells: Sequence[Cell], rng: random.Random) -> list[tuple[Cell, str]]:
    """Neighbours that stand close together are read as one line."""
    lines: list[tuple[Cell, str]] = []
    for cell in cells:
        if lines and lines[-1][0].row == cell.row and cell.left - _end(*lines[-1]) < 3 * UNIT and rng.random() < 0.5:
            first, text = lines[-1]
            lines[-1] = (first, text + " " + cell.text)
        else:
            lines.append((cell, cell.text))
    return lines


def _end(cell: Cell, text: str) -> float:
    return cell.left + width_of(text) * cell.height / 24 * UNIT


def _spelt(text: str, rng: random.Random) -> str:
    # Readers lose spaces, and take one width of a sign for the other.
    if rng.random() < 0.2:
        text = text.replace("：", ":")
    if rng.random() < 0.15:
        text = re.sub(r"(?<=[^\x00-\x7f]) (?=\S)", "", text)
    return text.replace("¥", "￥") if rng.random() < 0.5 else text


def _box(cell: Cell, text: str, turn: float, page: Page) -> Box:
    right, low = _end(cell, text), cell.top + cell.height
    corners = ((cell.left, cell.top), (right, cell.top), (right, low), (cell.left, low))
    return tuple(_turned(x + 100, y + 60, turn, page.width / 2) for x, y in corners)  # type: ignore[return-value]


def _turned(x: float, y: float, turn: float, centre: float) -> tuple[float, float]:
    return centre + (x - centre) * math.cos(turn) - y * math.sin(turn), (x - centre) * math.sin(turn) + y * math.cos(turn)
