"""A page of print as a phone sees it: ink on paper, crumpled, turned, in bad light, on a table."""

from __future__ import annotations

import math
import random
import re
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bench.papers.page import Page, width_of

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]

_OWN = Path(__file__).parents[2] / "deploy" / "fonts" / "receipt.otf"
_SYSTEM = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/opentype/noto/NotoSerifCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/truetype/arphic/uming.ttc",
)


@lru_cache
def _font(path: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)


def photograph(page: Page, rng: random.Random, cut: bool) -> bytes:
    """A JPEG of the page. With `cut` the frame ends above the row that first shows the total."""
    noise = np.random.default_rng(rng.randrange(2**32))
    paper = _crumpled(_printed(page, rng), noise, rng)
    photo, forth = _on_a_table(paper, noise, rng)
    if cut:
        photo = photo[: _row_of(page, forth)]
    photo = _in_bad_light(photo, noise, rng)
    if not cut and rng.random() < 0.1:
        photo = np.rot90(photo, rng.choice([1, 2, 3]))
    done, data = cv2.imencode(".jpg", np.ascontiguousarray(photo), [cv2.IMWRITE_JPEG_QUALITY, rng.randint(60, 92)])
    assert done
    return data.tobytes()


def spoilt(photo: bytes, flaw: str, strength: float, rng: random.Random) -> bytes:
    """The photo taken worse: out of `focus` (pixels), with `shake` (pixels), `dark` (share of the light), or `far` (times the distance)."""
    noise = np.random.default_rng(rng.randrange(2**32))
    picture = np.asarray(cv2.imdecode(np.frombuffer(photo, dtype=np.uint8), cv2.IMREAD_COLOR), dtype=np.float32)
    if flaw == "focus":
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), strength), dtype=np.float32)
    elif flaw == "shake":
        picture = np.asarray(cv2.filter2D(picture, -1, _path(round(strength), rng.uniform(0, math.pi))), dtype=np.float32)
    elif flaw == "dark":
        picture *= strength
    elif flaw == "far":
        picture = _moved_away(picture, strength, noise)
    picture += 2 * noise.standard_normal(picture.shape)
    done, data = cv2.imencode(".jpg", _bytes(picture), [cv2.IMWRITE_JPEG_QUALITY, 80])
    assert done
    return data.tobytes()


def _path(length: int, angle: float) -> Floats:
    """What a point becomes when the camera moves so far while it takes the picture."""
    middle = (length - 1) / 2
    along = (round(middle * math.cos(angle)), round(middle * math.sin(angle)))
    path = np.zeros((length, length), dtype=np.uint8)
    centre = round(middle)
    cv2.line(path, (centre - along[0], centre - along[1]), (centre + along[0], centre + along[1]), (1,))
    return np.asarray(path / path.sum(), dtype=np.float32)


def _moved_away(picture: Floats, times: float, noise: np.random.Generator) -> Floats:
    height, width = picture.shape[:2]
    small = cv2.resize(picture, None, fx=1 / times, fy=1 / times, interpolation=cv2.INTER_AREA)
    table = np.repeat((90 + 12 * _smooth(noise, height, width, 14))[:, :, None], 3, axis=2).astype(np.float32)
    top, left = (height - small.shape[0]) // 2, (width - small.shape[1]) // 2
    table[top : top + small.shape[0], left : left + small.shape[1]] = small
    return table


def _printed(page: Page, rng: random.Random) -> Grey:
    # The product's own font lacks rarer characters: it is for machines without another.
    face = rng.choice([path for path in _SYSTEM if Path(path).exists()] or [str(_OWN)])
    ink = rng.randint(25, 95)
    image = Image.new("L", (round(page.width), round(page.height)), 246)
    pen = ImageDraw.Draw(image)
    for cell in page.cells:
        _write(pen, cell.text, cell.left, cell.top, round(cell.height), face, ink)
    return np.asarray(image, dtype=np.uint8)


def _write(pen: ImageDraw.ImageDraw, text: str, left: float, top: float, size: int, face: str, ink: int) -> None:
    # Tills print on a grid: an ideograph takes two columns, a Latin letter one; words are set as words.
    font = _font(face, size)
    wide = sum(max(font.getlength(run), width_of(run) * size / 2) for run in _runs(text))
    if wide > 1.02 * width_of(text) * size / 2:
        font = _font(face, round(size * width_of(text) * size / 2 / wide))
    for run in _runs(text):
        pen.text((left, top - 0.12 * size), run, fill=ink, font=font)
        left += max(font.getlength(run), width_of(run) * size / 2)


def _runs(text: str) -> list[str]:
    return re.findall(r"[\x20-\x7e]+|[^\x20-\x7e]", text)


def _crumpled(paper: Grey, noise: np.random.Generator, rng: random.Random) -> Grey:
    height, width = paper.shape
    bend = rng.uniform(0.5, 5.0)
    folds = [_smooth(noise, height, width, 5) * bend for _ in range(2)]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    moved = cv2.remap(paper, x + folds[0], y + folds[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    shade = 1 + 0.03 * bend * _smooth(noise, height, width, 9)
    return _bytes(moved.astype(np.float32) * shade)


def _smooth(noise: np.random.Generator, height: int, width: int, cells: int) -> Floats:
    rough = noise.standard_normal((cells * 2, cells)).astype(np.float32)
    return cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32)


def _on_a_table(paper: Grey, noise: np.random.Generator, rng: random.Random) -> tuple[Grey, Floats]:
    height, width = paper.shape
    zoom = rng.uniform(1.0, 1.5)
    wide, high = round(width * zoom * rng.uniform(1.15, 1.6)), round(height * zoom * rng.uniform(1.1, 1.3))
    table = _bytes(rng.randint(40, 170) + 12 * _smooth(noise, high, wide, 14) + 5 * noise.standard_normal((high, wide)))
    turn = math.radians(rng.uniform(-5, 5))
    corners = np.array([[-width, -height], [width, -height], [width, height], [-width, height]], dtype=np.float32) * zoom / 2
    spin = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]], dtype=np.float32)
    lens = noise.uniform(-0.02, 0.02, (4, 2)).astype(np.float32) * width
    target = (corners @ spin + np.array([wide / 2, high / 2]) + lens).astype(np.float32)
    source = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    forth = cv2.getPerspectiveTransform(source, target).astype(np.float32)
    mask = cv2.warpPerspective(np.full_like(paper, 255), forth, (wide, high))
    laid = cv2.warpPerspective(paper, forth, (wide, high), flags=cv2.INTER_AREA)
    return np.where(mask > 127, laid, table).astype(np.uint8), forth


def _row_of(page: Page, forth: Floats) -> int:
    """The picture's row just above the highest corner of the row with the total."""
    edge = np.array([[[30.0, page.total_top - 8], [page.width - 30, page.total_top - 8]]], dtype=np.float32)
    return max(200, int(cv2.perspectiveTransform(edge, forth)[0, :, 1].min()))


def _in_bad_light(photo: Grey, noise: np.random.Generator, rng: random.Random) -> NDArray[np.uint8]:
    height, width = photo.shape
    angle, depth = rng.uniform(0, math.tau), rng.uniform(0.0, 0.45)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    ramp = (x / width - 0.5) * math.cos(angle) + (y / height - 0.5) * math.sin(angle) + 0.5
    light = 1 - depth * np.clip(ramp, 0, 1)
    blurred = cv2.GaussianBlur(photo, (0, 0), rng.uniform(0.3, 1.1)).astype(np.float32) * light
    grey = blurred + rng.uniform(1, 7) * noise.standard_normal((height, width))
    tint = np.array([rng.uniform(0.86, 1.0), rng.uniform(0.94, 1.0), 1.0])
    return _bytes(grey[:, :, None] * tint)


def _bytes(values: NDArray[np.floating] | Floats) -> NDArray[np.uint8]:
    return np.clip(values, 0, 255).astype(np.uint8)
