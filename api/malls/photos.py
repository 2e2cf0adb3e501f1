"""A shop's photo: whatever a camera makes becomes one upright JPEG without what the camera wrote beside it (place, time, owner)."""

from __future__ import annotations

import io
import warnings

from PIL import Image, ImageOps

from api.malls.errors import ShopPhotoTooLarge, ShopPhotoUnreadable

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 40_000_000
MAX_SCANS = 64  # of a progressive JPEG: each costs a pass over the whole picture
SIDE = 1280
QUALITY = 82


def processed(data: bytes) -> bytes:
    """The photo as it is kept and shown. ShopPhotoTooLarge, ShopPhotoUnreadable; limits are checked before anything is decoded."""
    if len(data) > MAX_BYTES:
        raise ShopPhotoTooLarge()
    if data.startswith(b"\xff\xd8") and data.count(b"\xff\xda") > MAX_SCANS:
        raise ShopPhotoUnreadable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _process(data)
    except ShopPhotoTooLarge:
        raise
    except Image.DecompressionBombError as bomb:
        raise ShopPhotoTooLarge() from bomb
    except Exception as trouble:  # the decoders raise whatever a damaged file makes them raise
        raise ShopPhotoUnreadable() from trouble


def _process(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        if image.width * image.height > MAX_PIXELS:
            raise ShopPhotoTooLarge()
        image.draft("RGB", (SIDE, SIDE))
        upright = ImageOps.exif_transpose(image).convert("RGBA")
    upright.thumbnail((SIDE, SIDE))
    paper = Image.new("RGB", upright.size, "white")
    paper.paste(upright, mask=upright.getchannel("A"))
    out = io.BytesIO()
    paper.save(out, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return out.getvalue()
