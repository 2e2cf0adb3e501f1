"""What the picture itself tells about where it came from: a hash for re-uploads, and signs of a screen or of editing.

None of these is proof. Each score is how much a person should look, 0 (no sign) to 1 (clear sign).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ocr.decode import Photo, Pixels
from ocr.legibility import flaw
from ocr.reading import Box, Line, Picture, Signals

# Programs that change pixels. What cameras, phones and messengers write into the same tag is not on this list.
_EDITORS = re.compile(
    r"photoshop|lightroom|gimp|affinity|pixelmator|snapseed|picsart|meitu|美图|醒图|xingtu|canva|paint\.net|pixlr|"
    r"facetune|befunky|fotor|illustrator|acorn|photoscape|vsco|ps express|photopea|airbrush|stable ?diffusion|midjourney|dall",
    re.IGNORECASE,
)
_GENERATED = (b"c2pa", b"trainedAlgorithmicMedia", b"Stable Diffusion", b"parameters\x00")
# Screens of phones, in pixels of the short side: a photo from a camera has none of these widths.
_SCREEN_WIDTHS = {640, 720, 750, 828, 1080, 1125, 1170, 1179, 1206, 1220, 1224, 1242, 1260, 1284, 1290, 1320, 1344, 1440}


def describe(photo: Photo, data: bytes = b"", lines: Sequence[Line] = (), places: Sequence[Box] = ()) -> Picture:
    """The picture's size, hash, signals and flaw. `data`: the file as sent, for what its wrapping tells; `places`: where print was seen."""
    grey = np.asarray(cv2.cvtColor(photo.pixels, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
    shot, why_shot = _screenshot(photo, grey, lines)
    moire, why_moire = (0.0, ()) if shot >= 0.5 else _screen_photo(grey)
    edited, why_edited = _edited(photo, data, lines)
    signals = Signals(round(moire, 3), round(shot, 3), round(edited, 3), (*why_shot, *why_moire, *why_edited))
    return Picture(photo.width, photo.height, photo.format, phash(photo.pixels), signals, flaw(photo, lines, places))


def phash(pixels: Pixels) -> str:
    """A 64-bit perceptual hash as 16 hex digits: the same for the same picture stored again, at any size.

    It does not recognise a second photo of the same paper; compare printed facts for that.
    """
    grey = cv2.resize(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), (32, 32), interpolation=cv2.INTER_AREA)
    low = cv2.dct(grey.astype(np.float32))[:8, :8].flatten()[1:]
    bits = "".join("1" if bit else "0" for bit in low > np.median(low))
    return f"{int(bits, 2):016x}"


def distance(a: str, b: str) -> int:
    """How many of the 63 bits of two hashes differ. Up to 4: the same picture, stored again."""
    return (int(a, 16) ^ int(b, 16)).bit_count()


def _screenshot(photo: Photo, grey: NDArray[np.uint8], lines: Sequence[Line]) -> tuple[float, tuple[str, ...]]:
    """A picture that never went through a lens: no grain, few colours, level text, the shape of a phone's screen."""
    reasons = []
    short, long = sorted((photo.width, photo.height))
    if not photo.camera and (short in _SCREEN_WIDTHS and 1.6 < long / short < 3.0):
        reasons.append("screen_size")
    if _flat_share(grey) > 0.55:
        reasons.append("no_grain")
    if lines and _all_level(lines):
        reasons.append("level_text")
    score = {0: 0.0, 1: 0.1, 2: 0.6, 3: 0.95}[len(reasons)]
    return score, tuple(reasons) if score >= 0.5 else ()


def _flat_share(grey: NDArray[np.uint8]) -> float:
    """The share of small blocks in which every pixel has the same value: a lens and its sensor leave almost none."""
    height, width = (side // 8 * 8 for side in grey.shape)
    blocks = grey[:height, :width].reshape(height // 8, 8, width // 8, 8)
    return float(np.mean(np.ptp(blocks, axis=(1, 3)) <= 2))


def _all_level(lines: Sequence[Line]) -> bool:
    tilts = [
        abs(line.box[1][1] - line.box[0][1]) / max(1.0, abs(line.box[1][0] - line.box[0][0]))
        for line in lines
        if abs(line.box[1][0] - line.box[0][0]) > 60
    ]
    return len(tilts) >= 3 and float(np.quantile(tilts, 0.8)) < 0.008


def _screen_photo(grey: NDArray[np.uint8]) -> tuple[float, tuple[str, ...]]:
    """A display's grid under a camera leaves sharp, isolated peaks in the spectrum, far from its centre."""
    side = min(512, *(length // 2 * 2 for length in grey.shape))
    if side < 256:
        return 0.0, ()
    top, left = (grey.shape[0] - side) // 2, (grey.shape[1] - side) // 2
    patch = grey[top : top + side, left : left + side].astype(np.float32)
    window = np.outer(np.hanning(side), np.hanning(side)).astype(np.float32)
    spectrum = np.log1p(np.abs(np.fft.fftshift(np.fft.fft2((patch - patch.mean()) * window)))).astype(np.float32)
    peaks = spectrum - cv2.blur(spectrum, (31, 31))
    peaks = np.where(_ring(side), peaks, 0.0)
    strongest = np.sort(peaks.ravel())[-8:]
    # Photos of paper reach 3; a faint grid starts at 5.
    score = float(np.clip((strongest.mean() - 3.4) / 2.0, 0.0, 1.0))
    return score, ("moire",) if score >= 0.5 else ()


def _ring(side: int) -> NDArray[np.bool_]:
    # Print and paper live below a fifth of the sampling rate; on the axes lie the borders and the JPEG blocks.
    axis = np.abs(np.arange(side) - side // 2)
    x, y = np.meshgrid(axis, axis)
    radius = np.hypot(x, y) / side
    off_grid = (x % (side // 8) > 2) & (y % (side // 8) > 2)
    return np.asarray((radius > 0.2) & (radius < 0.48) & off_grid, dtype=np.bool_)


def _edited(photo: Photo, data: bytes, lines: Sequence[Line]) -> tuple[float, tuple[str, ...]]:
    reasons: list[tuple[str, float]] = []
    if _EDITORS.search(photo.software):
        reasons.append(("editing_software", 0.8))
    if any(mark in data[:65536] for mark in _GENERATED):
        reasons.append(("generated", 0.7))
    if _patched(photo, lines):
        reasons.append(("patched_line", 0.5))
    score = 1.0
    for _, weight in reasons:
        score *= 1 - weight
    return 1 - score, tuple(name for name, _ in reasons)


def _patched(photo: Photo, lines: Sequence[Line]) -> bool:
    """Does one line of text compress quite unlike all the others, as one does that was pasted in later?"""
    if photo.format != "JPEG" or len(lines) < 8:
        return False
    residue = _residue(photo.pixels)
    levels = np.array([_level(residue, line, photo.scale) for line in lines])
    levels = levels[np.isfinite(levels)]
    if len(levels) < 8:
        return False
    middle = float(np.median(levels))
    spread = 1.4826 * float(np.median(np.abs(levels - middle))) + 0.25
    return bool((np.abs(levels - middle) > 8 * spread).sum() in (1, 2))


def _residue(pixels: Pixels) -> NDArray[np.float32]:
    """What changes when the picture is stored once more at a known quality (error level analysis)."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    _, stored = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, 90])
    again = cv2.imdecode(stored, cv2.IMREAD_GRAYSCALE)
    return np.asarray(cv2.absdiff(grey, again), dtype=np.float32)


def _level(residue: NDArray[np.float32], line: Line, scale: float) -> float:
    xs = [point[0] / scale for point in line.box]
    ys = [point[1] / scale for point in line.box]
    part = residue[max(0, int(min(ys))) : int(max(ys)) + 1, max(0, int(min(xs))) : int(max(xs)) + 1]
    return float(part.mean()) if part.size >= 64 else float("nan")
