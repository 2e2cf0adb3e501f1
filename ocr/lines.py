"""Picture to lines: find the text, find which way is up, read it. One instance, one thread."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ocr import dates, models, paddle
from ocr.decode import Photo, Pixels
from ocr.reading import Box, Line

Quad = NDArray[np.float32]

DETECTION_SIDE = 1152
# Text that is low on the detector's canvas, or that fills little of it, is looked at again from closer.
LEGIBLE_PX = 12.0
FILLS = 0.58
CLOSER_SIDE = 1280
CLOSER_LOOKS = 2
MOST_ZOOM = 2.5
# The recogniser gives 18,710 numbers for every 8 pixels of every line: small batches keep that small.
BATCH = 4
# Lower than the detector's own thresholds: faint print is missed at those, and what is not text reads as nothing.
DETECT_PIXEL, DETECT_BOX = 0.20, 0.45
# A line read with less certainty is read again with the grain smoothed out.
DOUBTFUL = 0.90
DISPUTED = 0.80
# Lines with this many digits hold a number, a date or an amount: they get the wider looks.
CLOSE_DIGITS = 8
# A row that the detector had found only the label of counts when it is read with this certainty.
BESIDE = 0.75
# The recogniser gives one answer for every 8 pixels: small digits stand apart only in a wider crop.
WIDER = (1.2, 1.4)
# What a look counts for when its text holds a date that cannot be: mended by look-alikes, or not even so.
MENDED, IMPOSSIBLE = 0.7, 0.2
# Lines read in each direction to tell which way is up; a sure first direction ends the matter.
SAMPLE = 4
SURE = 0.90


@dataclass(frozen=True)
class View:
    """A part of the picture, turned level and enlarged, and the way back to the picture's own pixels."""

    pixels: Pixels
    forth: NDArray[np.float64]

    @property
    def zoom(self) -> float:
        """How many of the view's pixels one pixel of the picture became."""
        return float(np.hypot(self.forth[0, 0], self.forth[0, 1]))

    def back_quad(self, quad: Quad) -> Quad:
        """The same corners on the picture."""
        inverse = cv2.invertAffineTransform(self.forth)
        return np.asarray(quad @ inverse[:, :2].T + inverse[:, 2], dtype=np.float32)

    def back(self, box: Box) -> Box:
        """The same box on the picture."""
        return tuple((float(x), float(y)) for x, y in self.back_quad(np.array(box)))  # type: ignore[return-value]


@dataclass(frozen=True)
class Print:
    """The lines that were read, and the places where print was seen, legible or not, in pixels of the EXIF-upright picture."""

    lines: tuple[Line, ...]
    places: tuple[Box, ...]


WHOLE = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


class LineReader:
    """The two models. Build it once a process, and call it in the thread that built it."""

    def __init__(self, folder: Path | None = None, threads: int | None = None) -> None:
        threads = threads or int(os.environ.get("OCR_THREADS", "1"))
        self._detector, self._recogniser, self._second = paddle.load(folder or models.ensure(), threads, BATCH)

    def read(self, photo: Photo) -> Print:
        """The lines of the photo, from the top of the paper to its foot, wherever up is on the picture."""
        view, quads = self._find(photo.pixels)
        if not quads:
            return Print((), ())
        texts, boxes = self._read_upright(view.pixels, quads, _axis(quads))
        self._read_beside(view.pixels, texts, boxes)
        places = tuple(_scaled(view.back(box), photo.scale) for box in boxes)
        lines = [Line(text, score, place) for (text, score), place in zip(texts, places, strict=True) if text]
        return Print(tuple(_top_down(lines)), places)

    def _find(self, pixels: Pixels) -> tuple[View, list[Quad]]:
        view = View(pixels, WHOLE)
        quads = self._detect(pixels, DETECTION_SIDE)
        for _ in range(CLOSER_LOOKS):
            closer = _closer(pixels, [view.back_quad(quad) for quad in quads])
            if closer is None or closer.zoom < 1.25 * view.zoom:
                break
            closer_quads = self._detect(closer.pixels, max(closer.pixels.shape[:2]))
            if len(closer_quads) < len(quads):
                break
            view, quads = closer, closer_quads
        return view, quads

    def _detect(self, pixels: Pixels, side: int) -> list[Quad]:
        # Shrunk by area here: the detector's own shrinking skips pixels, and grain then hides faint print.
        height, width = pixels.shape[:2]
        shrink = min(1.0, side / max(height, width))
        size = (_whole(width * shrink), _whole(height * shrink))
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if shrink < 1 else cv2.INTER_LINEAR)
        limits: dict[str, Any] = {"limit_side_len": max(size), "limit_type": "max", "thresh": DETECT_PIXEL, "box_thresh": DETECT_BOX}
        prediction: Any = self._detector.predict(small, **limits)[0]
        back = np.array([width / size[0], height / size[1]], dtype=np.float32)
        return [np.asarray(quad, dtype=np.float32) * back for quad in prediction["dt_polys"]]

    def _read_upright(self, pixels: Pixels, quads: list[Quad], axis: float) -> tuple[list[tuple[str, float]], list[Box]]:
        boxes = [_in_reading_order(quad, axis) for quad in quads]
        sample = sorted(range(len(boxes)), key=lambda i: _telling(boxes[i]), reverse=True)[:SAMPLE]
        first = self._recognise(pixels, [boxes[i] for i in sample])
        if _mean(first) < SURE:
            turned = [_upside_down(box) for box in boxes]
            second = self._recognise(pixels, [turned[i] for i in sample])
            if _mean(second) > _mean(first):
                boxes, first = turned, second
        known = dict(zip(sample, first, strict=True))
        others = [i for i in range(len(boxes)) if i not in known]
        known.update(zip(others, self._recognise(pixels, [boxes[i] for i in others]), strict=True))
        return [known[i] for i in range(len(boxes))], boxes

    def _read_beside(self, pixels: Pixels, texts: list[tuple[str, float]], boxes: list[Box]) -> None:
        """Labels whose value the detector passed over are read again with all that stands on their row."""
        rows = {i: row for i, (text, _) in enumerate(texts) if (row := _row_of(text, boxes[i], boxes))}
        for i, reading in zip(rows, self._recognise(pixels, list(rows.values())), strict=True):
            if reading[1] >= BESIDE and len(re.findall(r"\d", reading[0])) >= CLOSE_DIGITS:
                texts[i], boxes[i] = reading, rows[i]

    def _recognise(self, pixels: Pixels, boxes: list[Box]) -> list[tuple[str, float]]:
        crops = [_crop(pixels, box) for box in boxes]
        read = self._predict(crops)
        doubtful = [i for i, (text, score) in enumerate(read) if score < DOUBTFUL or not dates.is_possible(text)]
        looks = [list(_looks(pixels, boxes[i], crops[i], read[i][0])) for i in doubtful]
        again = iter(self._predict([look for some in looks for look in some]))
        for i, some in zip(doubtful, looks, strict=True):
            first = [read[i], *(next(again) for _ in some)]
            read[i] = _vote(first)
            if dates.holds(read[i][0]):
                read[i] = _agreed(read[i], first, self._predict(some, self._second))
        return read

    def _predict(self, crops: list[Pixels], model: Any = None) -> list[tuple[str, float]]:
        # Lines of like width in one batch: the shorter ones are padded to the widest.
        order = sorted(range(len(crops)), key=lambda i: crops[i].shape[1] / crops[i].shape[0])
        predictions = (model or self._recogniser).predict([crops[i] for i in order]) if crops else []
        read = {i: (str(prediction["rec_text"]), float(prediction["rec_score"])) for i, prediction in zip(order, predictions, strict=True)}
        return [read[i] for i in range(len(crops))]


def _row_of(text: str, box: Box, boxes: list[Box]) -> Box | None:
    """The row of a label that the detector found no value beside, up to where other lines end; None for other text."""
    if not text.rstrip().endswith((":", "：")):
        return None
    corners = np.array(box)
    length, height = math.dist(box[0], box[1]), math.dist(box[0], box[3])
    if min(length, height) < 1:
        return None
    along, down = (corners[1] - corners[0]) / length, (corners[3] - corners[0]) / height
    others = (np.array(boxes) - corners[0]).reshape(-1, 4, 2)
    middles = others.mean(axis=1)
    if np.any((middles @ along > length) & (np.abs(middles @ down - height / 2) < 0.7 * height)):
        return None
    end = float((others @ along).max())
    if end < length + 3 * height:
        return None
    row = (corners[0], corners[0] + end * along, corners[3] + end * along, corners[3])
    return tuple((float(x), float(y)) for x, y in row)  # type: ignore[return-value]


def _looks(pixels: Pixels, box: Box, crop: Pixels, text: str) -> Iterator[Pixels]:
    """Other looks at a doubtful line: without the grain, with more paper around it, and wider where digits stand close."""
    median = np.asarray(cv2.medianBlur(crop, 3), dtype=np.uint8)
    smooth = np.asarray(cv2.GaussianBlur(crop, (0, 0), 1.0), dtype=np.uint8)
    yield from (median, smooth, _crop(pixels, _grown(box)))
    if len(re.findall(r"\d", text)) >= CLOSE_DIGITS:
        for look in (crop, median, smooth):
            for factor in WIDER:
                size = (round(2 * factor * look.shape[1]), 2 * look.shape[0])
                yield np.asarray(cv2.resize(look, size, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def _vote(readings: list[tuple[str, float]]) -> tuple[str, float]:
    """The text that several looks at one line agree on; where they see other digits, none of them is sure."""
    votes: dict[str, float] = {}
    for text, score in readings:
        votes[text] = votes.get(text, 0.0) + score * _weight(text)
    if any(_weight(text) < 1 for text in votes):
        votes = _by_digits(votes)
    text = max(votes, key=lambda candidate: votes[candidate])
    score = max(score for read, score in readings if read == text)
    digits = [_digits(read) for read, _ in readings]
    agree = 2 * digits.count(_digits(text)) > len(digits)
    return text, score if agree else min(score, DISPUTED)


def _agreed(voted: tuple[str, float], first: list[tuple[str, float]], second: list[tuple[str, float]]) -> tuple[str, float]:
    """The voted text with each digit of its date as two models see it, each with an equal say, weighted by its certainty."""
    head, stamp = dates.split(dates.mended(voted[0]))
    digits = re.sub(r"\D", "", stamp)
    # The second model reads the barred 0 of thermal printers as a hash.
    barred = [(text.replace("#", "0"), score) for text, score in second]
    shares = zip(_shares(first, len(digits)), _shares(barred, len(digits)), strict=True)
    best = [max({*left, *right}, key=lambda digit: left.get(digit, 0.0) + right.get(digit, 0.0)) for left, right in shares]
    fresh = iter(best)
    text = head + re.sub(r"\d", lambda _: next(fresh), stamp)
    if text == voted[0] or not dates.is_possible(text):
        return voted
    return text, min(voted[1], DISPUTED)


def _shares(readings: list[tuple[str, float]], length: int) -> list[dict[str, float]]:
    """Place by place, what share of the readings with that many digits sees which digit; times their mean certainty."""
    shares: list[dict[str, float]] = [{} for _ in range(length)]
    able = [(digits, score) for text, score in readings if len(digits := _digits(text)) == length]
    for digits, score in able:
        for place, digit in zip(shares, digits, strict=True):
            place[digit] = place.get(digit, 0.0) + score / len(able)
    return shares


def _digits(text: str) -> str:
    """What the looks must agree on: the digits, from the date on where there is one."""
    return re.sub(r"\D", "", dates.split(dates.mended(text))[1])


def _weight(text: str) -> float:
    if dates.is_possible(text):
        return 1.0
    return MENDED if dates.is_possible(dates.mended(text)) else IMPOSSIBLE


def _by_digits(votes: dict[str, float]) -> dict[str, float]:
    """The votes with those for the same digits together: what matters in a date."""
    together: dict[str, float] = {}
    for text, vote in votes.items():
        together[_digits(text)] = together.get(_digits(text), 0.0) + vote
    return {text: together[_digits(text)] + 0.001 * vote for text, vote in votes.items()}


def _grown(box: Box) -> Box:
    """The box with a little more paper around it."""
    corners = np.array(box)
    along, down = corners[1] - corners[0], corners[3] - corners[0]
    height = float(np.linalg.norm(down))
    side = 0.08 * height * along / max(1.0, float(np.linalg.norm(along)))
    up = 0.08 * down
    grown = (corners[0] - side - up, corners[1] + side - up, corners[2] + side + up, corners[3] - side + up)
    return tuple((float(x), float(y)) for x, y in grown)  # type: ignore[return-value]


def _whole(length: float) -> int:
    """The nearest length that the detector takes as it is: a multiple of 32."""
    return max(32, round(length / 32) * 32)


def _closer(pixels: Pixels, quads: list[Quad]) -> View | None:
    """A closer view of the text, when it is small on the picture; None when the whole picture shows it well."""
    if not quads:
        return None
    axis = _axis(quads)
    turn = np.array([[math.cos(axis), math.sin(axis)], [-math.sin(axis), math.cos(axis)]])
    corners = np.concatenate(quads) @ turn.T
    least, most = corners.min(axis=0), corners.max(axis=0)
    side, height = max(pixels.shape[:2]), _height(quads)
    low = height * DETECTION_SIDE / side < LEGIBLE_PX
    if float(max(most - least)) > FILLS * side and not low:
        return None
    # Fainter print around what was found so far is likely: leave it room.
    margin = np.maximum(5 * height, 0.25 * (most - least).max())
    least, most = least - margin, most + margin
    zoom = min(MOST_ZOOM, CLOSER_SIDE / float(max(most - least)))
    forth = zoom * np.hstack([turn, -least[:, None]])
    size = tuple(int(length) for length in np.ceil(zoom * (most - least)))
    view = cv2.warpAffine(pixels, forth, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return View(np.asarray(view, dtype=np.uint8), forth)


def _mean(read: list[tuple[str, float]]) -> float:
    return sum(score for _, score in read) / max(1, len(read))


def _sides(quad: Quad) -> tuple[NDArray[np.float32], NDArray[np.float32], float, float]:
    along, across = quad[1] - quad[0], quad[3] - quad[0]
    return along, across, float(np.linalg.norm(along)), float(np.linalg.norm(across))


def _height(quads: list[Quad]) -> float:
    return float(np.median([min(_sides(quad)[2:]) for quad in quads]))


def _axis(quads: list[Quad]) -> float:
    """The angle of the paper's lines in radians, -pi/2..pi/2, from the long boxes; 0 when none is long."""
    x = y = 0.0
    for quad in quads:
        along, across, length, height = _sides(quad)
        if max(length, height) < 2 * min(length, height):
            continue
        long_side = along if length >= height else across
        weight = max(length, height)
        angle = 2 * math.atan2(float(long_side[1]), float(long_side[0]))
        x += weight * math.cos(angle)
        y += weight * math.sin(angle)
    return math.atan2(y, x) / 2 if x or y else 0.0


def _in_reading_order(quad: Quad, axis: float) -> Box:
    """The least rectangle around the quad, starting at the corner where reading starts if the lines run along axis."""
    corners = cv2.boxPoints(cv2.minAreaRect(quad))
    direction = np.array([math.cos(axis), math.sin(axis)])
    edges = [corners[(i + 1) % 4] - corners[i] for i in range(4)]
    lengths = [float(np.linalg.norm(edge)) + 1e-6 for edge in edges]
    # boxPoints goes clockwise on the screen: the edge that runs with the lines is the top one.
    is_long = max(lengths) >= 2 * min(lengths)
    fits = [
        float(edge @ direction) / length + (1.0 if is_long and length == max(lengths) else 0.0)
        for edge, length in zip(edges, lengths, strict=True)
    ]
    start = int(np.argmax(fits))
    ordered = [corners[(start + step) % 4] for step in range(4)]
    return tuple((float(x), float(y)) for x, y in ordered)  # type: ignore[return-value]


def _upside_down(box: Box) -> Box:
    return (box[2], box[3], box[0], box[1])


def _telling(box: Box) -> float:
    """How well a line shows which way is up: long enough to hold words, not so long as to be slow."""
    length, height = math.dist(box[0], box[1]), math.dist(box[0], box[3])
    ratio = length / max(1.0, height)
    return min(ratio, 8.0) - max(0.0, ratio - 12.0)


def _crop(pixels: Pixels, box: Box) -> Pixels:
    width = max(2, round(math.dist(box[0], box[1])))
    height = max(2, round(math.dist(box[0], box[3])))
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    matrix = cv2.getPerspectiveTransform(np.array(box, dtype=np.float32), target)
    cropped = cv2.warpPerspective(pixels, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cropped, dtype=np.uint8)


def _scaled(box: Box, scale: float) -> Box:
    return tuple((x * scale, y * scale) for x, y in box)  # type: ignore[return-value]


def _top_down(lines: list[Line]) -> list[Line]:
    x = sum(line.box[1][0] - line.box[0][0] for line in lines)
    y = sum(line.box[1][1] - line.box[0][1] for line in lines)
    size = math.hypot(x, y) or 1.0

    def depth(line: Line) -> float:
        middle_x = sum(point[0] for point in line.box) / 4
        middle_y = sum(point[1] for point in line.box) / 4
        return (middle_y * x - middle_x * y) / size

    return sorted(lines, key=depth)
