"""Why a photo may not be legible: too dark, taken from too far away, or blurred. Judged where print was seen, else on the whole picture."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ocr.decode import Photo
from ocr.reading import Box, Flaw, Line

Picture = NDArray[np.uint8]
Grey = NDArray[np.float32]

# Measured on drawn slips of every strength (`python -m bench.pictures quality`). The reader often copes with less light than this, with
# smaller print and with more blur: a flaw only explains a reading that failed.
DARK = 45.0  # of 255: the paper around the print
# The height of a line's box in pixels, which is about half as much again as its letters; print that is both small and soft is far away.
SMALL_PX, SMALLISH_PX = 13.0, 18.0
# How steeply print rises from ink to paper within one height of a line, in the direction in which it is least steep. Sharp print: 7 to 10.
SOFT = 3.6
SOFTISH, DOUBTFUL = 6.0, 0.8  # and where little print is seen, or is read with less certainty than that
# On a picture without print: the width of its sharpest edges, a standard deviation in pixels of a picture of this side. Sharp: 1.0 to 1.4.
SOFT_EDGE, SIDE = 2.5, 640
# Fewer places, or lower contrast, tell little about print.
FEWEST_PLACES, FAINT = 3, 24.0
# A box larger than this share of the picture is the paper, not a line.
LARGEST_LINE = 0.12
# Enough to judge: so many lines, and of each a part so many times as long as it is high.
MOST_LINES, LONG = 12, 8


def flaw(photo: Photo, lines: Sequence[Line], places: Sequence[Box]) -> Flaw | None:
    """What keeps this photo from being read, if anything does. `places`: where print was seen, in pixels of the original."""
    grey = np.asarray(cv2.cvtColor(photo.pixels, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
    crops = [_crop(grey, place) for place in _places_of_lines(places, photo.scale, max(grey.shape))]
    if _paper(grey, crops) < DARK:
        return "dark"
    few = len(crops) < FEWEST_PLACES
    if few and (edge := sharpest_edge(grey)) is not None and edge > SOFT_EDGE:
        return "blurred"
    doubtful = not lines or float(np.median([line.score for line in lines])) < DOUBTFUL
    if not crops:
        return "far" if places and doubtful else None  # a whole paper, seen as one line that says nothing
    height = float(np.median([crop.shape[0] for crop in crops]))
    soft = float(np.median([steepness(crop) for crop in crops])) < (SOFTISH if few or doubtful else SOFT)
    if height < SMALL_PX or (soft and height < SMALLISH_PX):
        return "far"
    return "blurred" if soft else None


def _paper(grey: Picture, crops: Sequence[Grey]) -> float:
    """How bright the paper is around the print, or without any the brightest part of the picture."""
    return float(np.median([np.percentile(crop, 97) for crop in crops])) if crops else float(np.percentile(grey, 95))


def steepness(crop: Grey) -> float:
    """How many times its contrast a line's print would rise within the line's height, in the direction in which it rises least."""
    smooth = _smoothed(crop, 0.8)
    low, high = np.percentile(smooth, (3, 97))
    x, y = _slopes(smooth)
    angles = np.linspace(0, math.pi, 8, endpoint=False)
    rise = min(float(np.percentile(np.abs(x * math.cos(angle) + y * math.sin(angle)), 97)) for angle in angles)
    return float(rise * crop.shape[0] / max(8.0, float(high - low)))


def sharpest_edge(grey: Picture) -> float | None:
    """How wide the sharpest edges of a picture are, in pixels of a picture of side SIDE; None without any edge."""
    shrink = min(1.0, SIDE / max(grey.shape))
    small = cv2.resize(grey, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    smooth = _smoothed(np.asarray(small, dtype=np.float32), 1.0)
    window = np.ones((33, 33), dtype=np.uint8)
    contrast = cv2.dilate(smooth, window) - cv2.erode(smooth, window)
    steepest = cv2.dilate(np.hypot(*_slopes(smooth)), window)
    # Windows that hold a whole edge: a part of one looks sharper than it is.
    clear = contrast > max(FAINT, 0.6 * float(np.percentile(contrast, 99)))
    if not clear.any():
        return None
    return float(np.percentile(contrast[clear] / (math.sqrt(2 * math.pi) * np.maximum(steepest[clear], 0.1)), 10))


def _smoothed(grey: Grey, sigma: float) -> Grey:
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), sigma), dtype=np.float32)


def _slopes(grey: Grey) -> tuple[Grey, Grey]:
    x, y = (np.asarray(cv2.Sobel(grey, cv2.CV_32F, *order, ksize=3, scale=1 / 8), dtype=np.float32) for order in ((1, 0), (0, 1)))
    return x, y


def _places_of_lines(places: Sequence[Box], scale: float, side: int) -> list[Grey]:
    """The places that can be lines of print, in the working pixels; of many, some from all over."""
    lines = [np.array(place, dtype=np.float32) / np.float32(scale) for place in places]
    lines = [line for line in lines if 4 < min(_sides(line)) < LARGEST_LINE * side]
    return lines[:: max(1, -(-len(lines) // MOST_LINES))]


def _sides(line: Grey) -> tuple[float, float]:
    return float(np.linalg.norm(line[1] - line[0])), float(np.linalg.norm(line[3] - line[0]))


def _crop(grey: Picture, line: Grey) -> Grey:
    width, height = (max(2, round(side)) for side in _sides(line))
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    size = (min(width, LONG * height), min(height, LONG * width))
    crop = cv2.warpPerspective(grey, cv2.getPerspectiveTransform(line, target), size, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(crop if height <= width else np.rot90(crop), dtype=np.float32)
