"""Lines with boxes to rows: what a person would read across, on paper that is turned, bent or crumpled."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from ocr.fields.text import plain
from ocr.reading import Line


@dataclass(frozen=True)
class Item:
    """A line laid flat: `left`, `right` run along the text, `top`, `low`, `middle` down the paper, in pixels."""

    index: int
    text: str
    score: float
    left: float
    right: float
    middle: float
    height: float

    @property
    def centre(self) -> float:
        return (self.left + self.right) / 2


@dataclass(frozen=True)
class Row:
    """Items side by side, from left to right."""

    items: tuple[Item, ...]

    @property
    def text(self) -> str:
        return " ".join(item.text for item in self.items)

    @property
    def middle(self) -> float:
        return sum(item.middle for item in self.items) / len(self.items)

    @property
    def height(self) -> float:
        return max(item.height for item in self.items)

    @property
    def left(self) -> float:
        return self.items[0].left


def lay_out(lines: Sequence[Line]) -> list[Row]:
    """The rows of the paper, from its top to its foot."""
    items = flatten(lines)
    if not items:
        return []
    rows: list[list[Item]] = []
    for item in sorted(items, key=lambda item: item.left):
        home = _home(rows, item)
        if home is None:
            rows.append([item])
        else:
            home.append(item)
    return sorted((Row(tuple(row)) for row in rows), key=lambda row: row.middle)


def _home(rows: list[list[Item]], item: Item) -> list[Item] | None:
    # The row whose last item on the left lies nearest in depth, if it is not another line of print.
    best, nearest = None, math.inf
    for row in rows:
        last = row[-1]
        away = abs(last.middle - item.middle)
        limit = 0.55 * min(max(last.height, item.height), 1.6 * min(last.height, item.height))
        overlap = last.right - item.left
        if away < limit and away < nearest and overlap < 0.5 * min(item.right - item.left, last.right - last.left):
            best, nearest = row, away
    return best


def flatten(lines: Sequence[Line]) -> list[Item]:
    """The lines with the paper's turn and bend taken out."""
    raw = [line for line in lines if line.text.strip()]
    if not raw:
        return []
    x = sum(line.box[1][0] - line.box[0][0] for line in raw)
    y = sum(line.box[1][1] - line.box[0][1] for line in raw)
    size = math.hypot(x, y) or 1.0
    cos, sin = x / size, y / size
    turned = [[(px * cos + py * sin, py * cos - px * sin) for px, py in line.box] for line in lines]
    bend = _bend([turned[i] for i, line in enumerate(lines) if line.text.strip()])
    return [_item(i, line, turned[i], bend) for i, line in enumerate(lines) if line.text.strip()]


@dataclass(frozen=True)
class _Bend:
    """Slope of the print as a plane over the picture: at (x, y) it is base + by_x * x + by_y * y."""

    centre_x: float = 0.0
    centre_y: float = 0.0
    base: float = 0.0
    by_x: float = 0.0
    by_y: float = 0.0

    def slope(self, x: float, y: float) -> float:
        return self.base + self.by_x * (x - self.centre_x) + self.by_y * (y - self.centre_y)

    def depth(self, x: float, y: float) -> float:
        # Follow the slope from (x, y) to the middle of the paper, in a few steps.
        step = (self.centre_x - x) / 8
        for _ in range(8):
            y += step * self.slope(x + step / 2, y)
            x += step
        return y


def _bend(boxes: list[list[tuple[float, float]]]) -> _Bend:
    samples = []
    for box in boxes:
        length = math.dist(box[0], box[1])
        height = max(1.0, math.dist(box[0], box[3]))
        if length < 3 * height:
            continue
        slope = ((box[1][1] - box[0][1]) + (box[2][1] - box[3][1])) / max(1.0, box[1][0] - box[0][0] + box[2][0] - box[3][0])
        samples.append((_centre(box)[0], _centre(box)[1], slope, length))
    points = [_centre(box) for box in boxes]
    middle_x = (min(p[0] for p in points) + max(p[0] for p in points)) / 2
    middle_y = median(p[1] for p in points)
    if len(samples) < 3:
        return _Bend(middle_x, middle_y, median([s[2] for s in samples]) if samples else 0.0)
    return _fit(samples, middle_x, middle_y)


def _fit(samples: list[tuple[float, float, float, float]], middle_x: float, middle_y: float) -> _Bend:
    data = np.array(samples)
    x, y, slope, weight = data[:, 0] - middle_x, data[:, 1] - middle_y, data[:, 2], np.sqrt(data[:, 3])
    spread = max(1.0, float(np.ptp(data[:, 0])), float(np.ptp(data[:, 1])))
    design = np.stack([np.ones_like(x), x / spread, y / spread], axis=1)
    keep = np.ones(len(x), dtype=bool)
    solution = np.zeros(3)
    for _ in range(4):
        scaled = weight[keep, None] * design[keep]
        # A small ridge keeps the bend at zero when the paper gives no evidence of one.
        ridge = np.diag([1e-6, 0.15, 0.15]) * float(np.sum(weight[keep] ** 2)) * 0.1
        solution = np.linalg.solve(scaled.T @ scaled + ridge, scaled.T @ (weight[keep] * slope[keep]))
        miss = np.abs(design @ solution - slope)
        limit = max(0.01, 2.5 * float(np.median(miss)))
        keep = miss <= limit
        if keep.sum() < 3:
            break
    return _Bend(middle_x, middle_y, float(solution[0]), float(solution[1]) / spread, float(solution[2]) / spread)


def _centre(box: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return sum(p[0] for p in box) / 4, sum(p[1] for p in box) / 4


def _item(index: int, line: Line, box: list[tuple[float, float]], bend: _Bend) -> Item:
    x, y = _centre(box)
    half = math.dist(box[0], box[1]) / 2
    height = max(1.0, math.dist(box[0], box[3]))
    return Item(index, plain(line.text), line.score, x - half, x + half, bend.depth(x, y), height)
