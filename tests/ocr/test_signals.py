from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

from ocr import known, signals
from ocr.decode import decode
from ocr.reading import Line


def photo_of(image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=88, **options)
    return buffer.getvalue()


def through_a_lens(seed: int = 5, turn: float = 3.0) -> Image.Image:
    paper = known.draw().convert("RGB").rotate(turn, expand=True, fillcolor="grey").filter(ImageFilter.GaussianBlur(1))
    noise = np.random.default_rng(seed).normal(0, 6, (paper.height, paper.width, 3))
    return Image.fromarray(np.clip(np.asarray(paper) * 0.9 + noise, 0, 255).astype(np.uint8))


def test_a_stored_copy_has_nearly_the_same_hash() -> None:
    image = through_a_lens()
    first = decode(photo_of(image))
    copy = decode(photo_of(image.resize((image.width // 2, image.height // 2))))
    assert signals.distance(signals.phash(first.pixels), signals.phash(copy.pixels)) <= 4


def test_a_turned_photo_has_another_hash() -> None:
    first, turned = decode(photo_of(through_a_lens())), decode(photo_of(through_a_lens(turn=90)))
    assert signals.distance(signals.phash(first.pixels), signals.phash(turned.pixels)) > 12


def test_a_screenshot_is_told_from_a_photo() -> None:
    page = Image.new("RGB", (1080, 2340), "white")
    page.paste(known.draw().convert("RGB").resize((900, 1000)), (90, 600))
    level = [Line("text", 0.99, ((100.0, y), (500.0, y), (500.0, y + 30.0), (100.0, y + 30.0))) for y in (100.0, 200.0, 300.0)]
    data = photo_of(page)
    assert signals.describe(decode(data), data, level).signals.screenshot > 0.5
    shot = photo_of(through_a_lens())
    assert signals.describe(decode(shot), shot).signals.screenshot < 0.5


def test_a_photo_of_a_screen_shows_its_grid() -> None:
    paper = np.asarray(through_a_lens().resize((900, 900)).convert("L"), dtype=np.float32)
    x, y = np.meshgrid(np.arange(900), np.arange(900))
    grid = 18 * np.sin(2 * np.pi * (0.31 * x + 0.04 * y)) + 18 * np.sin(2 * np.pi * (0.29 * y - 0.05 * x))
    screen = Image.fromarray(np.clip(paper * 0.8 + grid + 25, 0, 255).astype(np.uint8))
    data = photo_of(screen)
    plain = photo_of(through_a_lens().resize((900, 900)))
    assert signals.describe(decode(data), data).signals.screen_photo > 0.5
    assert signals.describe(decode(plain), plain).signals.screen_photo < 0.5


@pytest.mark.parametrize(
    ("software", "edited"), [("Adobe Photoshop 25.1", True), ("Snapseed 2.0", True), ("17.4.1", False), ("HUAWEI P60", False)]
)
def test_editing_software_is_named_by_its_tag(software: str, edited: bool) -> None:
    exif = Image.Exif()
    exif[0x0131] = software
    data = photo_of(through_a_lens(), exif=exif)
    assert (signals.describe(decode(data), data).signals.edited >= 0.5) is edited
