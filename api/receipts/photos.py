"""What is shown of a photo: upright, the part around a field; to a reviewer with strangers' phone and card digits covered."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from PIL import Image, ImageDraw

from api.receipts import reading

SHOWN_SIDE = 1600
MARGIN = 0.4  # of the line's height, around a crop

Box = Sequence[Sequence[float]]


def masked(data: bytes, lines: Sequence[dict[str, Any]] | None, crop: Box | None = None) -> bytes:
    """The photo as a JPEG, lines with a person's digits blacked out; only the part around `crop` when one is given.

    Without lines (the reader never finished) nothing can be told apart: then only a blurred picture is shown.
    """
    photo = reading.decoded(data)
    image = Image.fromarray(photo.pixels[:, :, ::-1].copy())
    if lines is None:
        image = image.resize((max(1, image.width // 16), max(1, image.height // 16))).resize(image.size)
    _cover(image, [line["box"] for line in lines or () if reading.private(line["text"])], photo.scale)
    return _jpeg(image, photo.scale, crop)


def shown(data: bytes, crop: Box | None = None) -> bytes:
    """The shopper's own photo as a JPEG, upright; only the part around `crop` when one is given."""
    photo = reading.decoded(data)
    return _jpeg(Image.fromarray(photo.pixels[:, :, ::-1].copy()), photo.scale, crop)


def _jpeg(image: Image.Image, scale: float, crop: Box | None) -> bytes:
    if crop is not None:
        image = image.crop(_around(crop, scale, image.size))
    image.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return out.getvalue()


def _cover(image: Image.Image, boxes: Sequence[Box], scale: float) -> None:
    draw = ImageDraw.Draw(image)
    for box in boxes:
        draw.polygon([(x / scale, y / scale) for x, y in box], fill="black")


def _around(box: Box, scale: float, size: tuple[int, int]) -> tuple[int, int, int, int]:
    xs, ys = [x / scale for x, _ in box], [y / scale for _, y in box]
    margin = (max(ys) - min(ys)) * MARGIN + 8
    left, top = max(0, min(xs) - margin), max(0, min(ys) - margin)
    right, low = min(size[0], max(xs) + margin), min(size[1], max(ys) + margin)
    return int(left), int(top), max(int(left) + 1, int(right)), max(int(top) + 1, int(low))
