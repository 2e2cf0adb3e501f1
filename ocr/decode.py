"""Bytes to pixels, with limits that are checked on the header before anything is decoded."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image

from ocr import headers
from ocr.headers import Header

Pixels = NDArray[np.uint8]

MAX_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 40_000_000
# Text on a receipt stays legible at this side; more only costs memory.
WORKING_SIDE = 2560
# A JPEG's blocks are up to this high, and colour is smoothed over so many rows of the next block.
BLOCK_ROWS, SMOOTHED_ROWS = 16, 2

ORIENTATION_TAG, SOFTWARE_TAG, MAKE_TAG, MODEL_TAG = 0x0112, 0x0131, 0x010F, 0x0110

pillow_heif.register_heif_opener()


class PhotoRefused(Exception):
    """This file cannot be read as a photo."""


class NotAPicture(PhotoRefused):
    """This file is not a JPEG, PNG, WebP or HEIC picture."""


class PhotoTooLarge(PhotoRefused):
    """This file is larger than 10 MB."""


class TooManyPixels(PhotoRefused):
    """This picture has more than 40 megapixels."""


class UnreadablePhoto(PhotoRefused):
    """This picture is damaged and cannot be decoded."""


@dataclass(frozen=True)
class Photo:
    """An upright picture in BGR. `scale` times a working pixel is a pixel of the EXIF-upright original."""

    pixels: Pixels
    width: int
    height: int
    scale: float
    format: str
    software: str
    camera: str


def check(data: bytes) -> str:
    """The picture's format, from its magic and header alone. Raises a PhotoRefused by name; decodes nothing."""
    return _checked(data)[0]


def _checked(data: bytes) -> tuple[str, Header]:
    if len(data) > MAX_BYTES:
        raise PhotoTooLarge(PhotoTooLarge.__doc__)
    kind = headers.format_of(data)
    if kind is None:
        raise NotAPicture(NotAPicture.__doc__)
    header = headers.read(data, kind)
    if header.width * header.height > MAX_PIXELS:
        raise TooManyPixels(TooManyPixels.__doc__)
    if not header.sound or header.width <= 0 or header.height <= 0:
        raise UnreadablePhoto(UnreadablePhoto.__doc__)
    return kind, header


def decode(data: bytes) -> Photo:
    """The picture turned upright as its EXIF says, no larger than the working side. Raises a PhotoRefused by name."""
    kind, header = _checked(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _decode(data, kind, header)
    except PhotoRefused:
        raise
    except Exception as trouble:  # the decoders raise whatever a damaged file makes them raise
        raise UnreadablePhoto(UnreadablePhoto.__doc__) from trouble


def _decode(data: bytes, kind: str, header: Header) -> Photo:
    file = headers.essentials(data, header)
    if kind == "JPEG" and not header.whole:
        file = _ended(file, header)
    with _opened(file, kind) as image:
        tags = _tags(image)
        # Where a HEIC says nothing of its own, what its EXIF says of the camera's position holds.
        turn = tags.get(ORIENTATION_TAG, 1) if kind != "HEIC" else 1 if header.turned else image.info.get("original_orientation")
        full = max(image.size)
        _draft(image)
        if kind == "PNG" and not header.whole:
            _insist_on_rows(image, 1)
        upright = _turn(_on_white(image), turn)
        scale = full / max(upright.size)
        width, height = round(upright.width * scale), round(upright.height * scale)
        if max(upright.size) > WORKING_SIDE:
            upright.thumbnail((WORKING_SIDE, WORKING_SIDE), Image.Resampling.BOX)
        pixels = np.ascontiguousarray(np.asarray(upright)[:, :, ::-1])
    camera = f"{tags.get(MAKE_TAG, '')} {tags.get(MODEL_TAG, '')}"
    return Photo(pixels, width, height, full / max(pixels.shape[:2]), kind, _clean(tags.get(SOFTWARE_TAG)), _clean(camera))


def _opened(file: bytes, kind: str) -> Image.Image:
    image = Image.open(io.BytesIO(file), formats=(_PILLOW_NAMES[kind],))
    if image.width * image.height > MAX_PIXELS:
        raise TooManyPixels(TooManyPixels.__doc__)
    return image


def _draft(image: Image.Image) -> None:
    # libjpeg halves for free while decoding; never below the working side.
    image.draft("RGB", (min(image.width, WORKING_SIDE), min(image.height, WORKING_SIDE)))


def _ended(file: bytes, header: Header) -> bytes:
    """A JPEG that stops before its end mark, with that mark, when nothing but it or a few bits are missing. UnreadablePhoto."""
    file = file.rstrip(b"\0")  # an upload that broke off may have been filled up
    if header.by_scan and not header.begun:
        raise UnreadablePhoto(UnreadablePhoto.__doc__)
    if not header.by_scan:
        # Without the mark the decoder stops before the last row of blocks that is there; with it, it would draw what is missing in grey.
        with _opened(file, "JPEG") as image:
            _draft(image)
            last = (header.height - 1) % BLOCK_ROWS + 1
            _insist_on_rows(image, -(-last * image.height // header.height) + SMOOTHED_ROWS + 1)
    return file + b"\xff\xd9"


def _insist_on_rows(image: Image.Image, missing: int) -> None:
    """Load what there is of a picture whose file stops short. UnreadablePhoto when more than so many of its last rows are not there."""
    with contextlib.suppress(OSError):
        image.load()
    image.tile = []  # type: ignore[attr-defined]
    if not np.any(np.asarray(image)[-missing:]):
        raise UnreadablePhoto(UnreadablePhoto.__doc__)


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits of grey, which Pillow would cut off at 255
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        paper = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(paper, layer).convert("RGB")
    return image.convert("RGB")


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _turn(image: Image.Image, orientation: Any) -> Image.Image:
    turn = _TURNS.get(orientation) if isinstance(orientation, int) else None
    return image if turn is None else image.transpose(turn)


def _tags(image: Image.Image) -> dict[int, Any]:
    # Only the first directory is read: later ones may point back at earlier ones.
    try:
        exif = image.getexif()
        return {tag: exif.get(tag) for tag in (ORIENTATION_TAG, SOFTWARE_TAG, MAKE_TAG, MODEL_TAG) if exif.get(tag)}
    except Exception:  # a broken EXIF block does not make the picture unreadable
        return {}


def _clean(value: object) -> str:
    text = str(value or "")
    with contextlib.suppress(UnicodeError):
        text = text.encode("latin-1").decode("utf-8")  # the standard says ASCII; phones write UTF-8
    return re.sub(r"[^\w .,()/+-]", "", text).strip()[:80]


_PILLOW_NAMES = {"JPEG": "JPEG", "PNG": "PNG", "WEBP": "WEBP", "HEIC": "HEIF"}
__all__ = [
    "NotAPicture",
    "Photo",
    "PhotoRefused",
    "PhotoTooLarge",
    "Pixels",
    "TooManyPixels",
    "UnreadablePhoto",
    "check",
    "decode",
]
