"""Where the frame cuts the paper: what is cut there may say less than was printed."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ocr.fields.rows import Item
from ocr.reading import Box, Line


def cut_lines(lines: Sequence[Line], width: int, height: int) -> frozenset[int]:
    """Indexes of the lines whose first or last character is at the picture's edge."""
    return frozenset(i for i, line in enumerate(lines) if _is_cut(line.box, width, height))


def _is_cut(box: Box, width: int, height: int) -> bool:
    # The detector stops a little before the edge of the picture, so a line is cut when it ends within a third of its height.
    margin = max(2.0, 0.3 * math.dist(box[0], box[3]))
    ends = [_middle(box[0], box[3]), _middle(box[1], box[2])]
    return any(x < margin or y < margin or x > width - margin or y > height - margin for x, y in ends)


def _middle(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
    return (a[0] + b[0]) / 2, (a[1] + b[1]) / 2


def runs_out_below(lines: Sequence[Line], items: Sequence[Item], width: int, height: int) -> bool:
    """Would the next row of print below these items lie outside the picture?"""
    return any(_below_is_outside(lines[item.index].box, width, height) for item in items)


def _below_is_outside(box: Box, width: int, height: int) -> bool:
    down_x, down_y = box[3][0] - box[0][0], box[3][1] - box[0][1]
    x, y = _middle(box[2], box[3])
    x, y = x + 1.2 * down_x, y + 1.2 * down_y
    return not (0 <= x <= width and 0 <= y <= height)
