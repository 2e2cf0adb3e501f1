"""Bytes to pixels, with limits that are checked on the header before anything is decoded."""

from __future__ import annotations

import contextlib
import io
import re
import struct
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

MAX_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 40_000_000
# A camera's progressive JPEG has about ten scans; each one costs a pass over the whole picture.
MAX_SCANS = 64
# Text on a receipt stays legible at this side; more only costs memory.
WORKING_SIDE = 2560

HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
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
    if len(data) > MAX_BYTES:
        raise PhotoTooLarge(PhotoTooLarge.__doc__)
    kind = _format(data)
    width, height = _SIZES[kind](data)
    if width <= 0 or height <= 0:
        raise UnreadablePhoto(UnreadablePhoto.__doc__)
    if width * height > MAX_PIXELS:
        raise TooManyPixels(TooManyPixels.__doc__)
    if kind == "JPEG" and data.count(b"\xff\xda") > MAX_SCANS:
        raise UnreadablePhoto(UnreadablePhoto.__doc__)
    return kind


def decode(data: bytes) -> Photo:
    """The picture turned upright as its EXIF says, no larger than the working side. Raises a PhotoRefused by name."""
    kind = check(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _decode(data, kind)
    except PhotoRefused:
        raise
    except Exception as trouble:  # the decoders raise whatever a damaged file makes them raise
        raise UnreadablePhoto(UnreadablePhoto.__doc__) from trouble


def _decode(data: bytes, kind: str) -> Photo:
    with Image.open(io.BytesIO(data), formats=(_PILLOW_NAMES[kind],)) as image:
        if image.width * image.height > MAX_PIXELS:
            raise TooManyPixels(TooManyPixels.__doc__)
        tags = _tags(image)
        full = max(image.size)
        # libjpeg halves for free while decoding; never below the working side.
        image.draft("RGB", (min(image.width, WORKING_SIDE), min(image.height, WORKING_SIDE)))
        upright = _turn(_on_white(image), tags.get(ORIENTATION_TAG, 1))
        scale = full / max(upright.size)
        width, height = round(upright.width * scale), round(upright.height * scale)
        if max(upright.size) > WORKING_SIDE:
            upright.thumbnail((WORKING_SIDE, WORKING_SIDE), Image.Resampling.BOX)
        pixels = np.ascontiguousarray(np.asarray(upright)[:, :, ::-1])
    camera = f"{tags.get(MAKE_TAG, '')} {tags.get(MODEL_TAG, '')}"
    return Photo(pixels, width, height, full / max(pixels.shape[:2]), kind, _clean(tags.get(SOFTWARE_TAG)), _clean(camera))


def _on_white(image: Image.Image) -> Image.Image:
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


def _format(data: bytes) -> str:
    if data[:3] == b"\xff\xd8\xff":
        return "JPEG"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "PNG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp" and data[8:12] in HEIC_BRANDS:
        return "HEIC"
    raise NotAPicture(NotAPicture.__doc__)


def _jpeg_size(data: bytes) -> tuple[int, int]:
    at = 2
    while at + 9 < len(data):
        if data[at] != 0xFF:
            break
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        elif marker in (0xD9, 0xDA):
            break
        else:
            at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
    return 0, 0


def _png_size(data: bytes) -> tuple[int, int]:
    if len(data) < 24 or data[12:16] != b"IHDR":
        return 0, 0
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _webp_size(data: bytes) -> tuple[int, int]:
    if len(data) < 30:
        return 0, 0
    chunk = data[12:16]
    if chunk == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if chunk == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    if chunk == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return 0, 0


def _heic_size(data: bytes) -> tuple[int, int]:
    # ISO 23008-12: each image item carries an `ispe` box (size, type, version, width, height); the largest is the picture.
    sizes = [
        struct.unpack_from(">II", data, box.end() + 4)
        for box in re.finditer(rb"\x00\x00\x00\x14ispe", data[: 1 << 20])
        if box.end() + 12 <= len(data)
    ]
    width, height = max(sizes, key=lambda size: size[0] * size[1], default=(0, 0))
    return width, height


_SIZES = {"JPEG": _jpeg_size, "PNG": _png_size, "WEBP": _webp_size, "HEIC": _heic_size}
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
