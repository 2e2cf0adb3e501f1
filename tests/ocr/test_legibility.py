"""A poor photo of a receipt is told from a photo of something else, and a good one is never called poor."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ocr import known, legibility, papers
from ocr.reader import Reader
from ocr.reading import Reading

Pixels = NDArray[np.float32]


def on_a_table() -> Pixels:
    """The known receipt, large in the picture, a little turned."""
    paper = known.draw().convert("L").resize((900, 990)).rotate(2, expand=True, fillcolor=110)
    table = Image.new("L", (1200, 1300), 110)
    table.paste(paper, (130, 130))
    return np.asarray(table, dtype=np.float32) * 0.9


def photo(pixels: Pixels) -> bytes:
    grain = np.random.default_rng(2).normal(0, 2, pixels.shape)
    buffer = io.BytesIO()
    Image.fromarray(np.clip(pixels + grain, 0, 255).astype(np.uint8)).convert("RGB").save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def shaken(pixels: Pixels, length: int) -> Pixels:
    kernel = np.zeros((length, length), dtype=np.float32)
    cv2.line(kernel, (0, length - 1), (length - 1, 0), 1.0)
    return np.asarray(cv2.filter2D(pixels, -1, kernel / kernel.sum()), dtype=np.float32)


def from_afar(pixels: Pixels, times: float) -> Pixels:
    small = cv2.resize(pixels, None, fx=1 / times, fy=1 / times, interpolation=cv2.INTER_AREA)
    table = np.full_like(pixels, 100)
    table[400 : 400 + small.shape[0], 300 : 300 + small.shape[1]] = small
    return table


def blurred(sigma: float) -> Pixels:
    return np.asarray(cv2.GaussianBlur(on_a_table(), (0, 0), sigma), dtype=np.float32)


POOR = {
    "out of focus": (lambda: blurred(7), "blurred"),
    "shaken": (lambda: shaken(on_a_table(), 40), "blurred"),
    "in the dark": (lambda: on_a_table() * 0.03, "dark"),
    "from far away": (lambda: from_afar(on_a_table(), 6), "far"),
}


@pytest.mark.parametrize(("made", "flaw"), POOR.values(), ids=POOR.keys())
def test_a_poor_photo_says_what_is_wrong_with_it(reader: Reader, made: object, flaw: str) -> None:
    assert reader.read(photo(made())).picture.flaw == flaw  # type: ignore[operator]


GOOD = {
    "sharp": on_a_table,
    "a little soft": lambda: blurred(1.5),
    "from a little away": lambda: from_afar(on_a_table(), 2),
}


@pytest.mark.parametrize("made", GOOD.values(), ids=GOOD.keys())
def test_a_good_photo_has_no_flaw(reader: Reader, made: object) -> None:
    reading = reader.read(photo(made()))  # type: ignore[operator]
    assert (reading.picture.flaw, reading.total_fen.value) == (None, known.TOTAL_FEN)


def test_what_shows_no_print_is_not_blurred_for_that(reader: Reader) -> None:
    box = np.full((900, 1200), 200, dtype=np.float32)
    box[300:600, 400:800] = 60
    for pixels in (box, np.full((900, 1200), 180, dtype=np.float32)):
        assert reader.read(photo(pixels)).picture.flaw is None


def test_edges_are_as_wide_as_they_were_blurred() -> None:
    step = np.full((640, 640), 40, dtype=np.uint8)
    step[:, 320:] = 220
    widths = [legibility.sharpest_edge(np.asarray(cv2.GaussianBlur(step, (0, 0), sigma), dtype=np.uint8)) for sigma in (0.3, 2.0, 4.0)]
    assert widths == [pytest.approx(1.1, abs=0.2), pytest.approx(2.1, abs=0.2), pytest.approx(3.1, abs=0.3)]
    assert legibility.sharpest_edge(np.full((640, 640), 90, dtype=np.uint8)) is None


def test_a_flaw_is_kept_with_the_reading_and_one_poor_part_makes_a_poor_receipt(reader: Reader) -> None:
    good, poor = reader.read(photo(on_a_table())), reader.read(photo(blurred(7)))
    assert Reading.from_json(poor.to_json()).picture.flaw == "blurred"
    assert papers.join([good, poor]).picture.flaw == "blurred"
    before = good.to_json()
    del before["picture"]["flaw"]  # as readings were stored that know nothing of flaws
    assert Reading.from_json(before).picture.flaw is None
