from __future__ import annotations

import contextlib
import io
import struct
import time
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from ocr.decode import MAX_BYTES, NotAPicture, PhotoRefused, PhotoTooLarge, TooManyPixels, UnreadablePhoto, check, decode


def picture(kind: str = "JPEG", size: tuple[int, int] = (120, 80), mode: str = "RGB", **options: object) -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(3).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(noise).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


def jpeg_header(width: int, height: int) -> bytes:
    frame = struct.pack(">HBHHB", 17, 8, height, width, 3) + b"\x01\x11\x00\x02\x11\x01\x03\x11\x01"
    return b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xc0" + frame + b"\xff\xda" + b"\x00" * 64


def webp_header(width: int, height: int) -> bytes:
    body = b"VP8X" + struct.pack("<I", 10) + b"\x00" * 4 + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body + b"\x00" * 16


def heic_header(width: int, height: int) -> bytes:
    ispe = b"\x00\x00\x00\x14ispe\x00\x00\x00\x00" + struct.pack(">II", width, height)
    return b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + ispe


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_every_accepted_format_is_decoded(kind: str) -> None:
    photo = decode(picture(kind))
    assert (photo.width, photo.height) == (120, 80)
    assert photo.pixels.shape == (80, 120, 3)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "1"])
def test_every_colour_mode_becomes_three_channels(mode: str) -> None:
    kind = "JPEG" if mode in {"CMYK", "L"} else "PNG"
    assert decode(picture(kind, mode=mode)).pixels.shape == (80, 120, 3)


@pytest.mark.parametrize("header", [png_header, jpeg_header, webp_header, heic_header], ids=["png", "jpeg", "webp", "heic"])
def test_a_header_of_50000_by_50000_is_refused_at_once(header: object) -> None:
    side = 16384 if header is webp_header else 50_000
    data = header(side, side)  # type: ignore[operator]
    tracemalloc.start()
    started = time.perf_counter()
    with pytest.raises(TooManyPixels):
        decode(data)
    took, (_, peak) = time.perf_counter() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took < 0.2
    assert peak < 50_000_000


@pytest.mark.parametrize("data", [b"", b"hello", b"PK\x03\x04" + b"\0" * 100, b"GIF89a" + b"\0" * 50, b"%PDF-1.7", b"\xff\xd8"])
def test_what_is_not_a_picture_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(NotAPicture):
        decode(data)


def test_a_large_file_is_refused_before_it_is_looked_at() -> None:
    with pytest.raises(PhotoTooLarge):
        check(b"\xff\xd8\xff" + b"\0" * MAX_BYTES)


def test_a_truncated_picture_is_refused() -> None:
    whole = picture(size=(800, 600))
    with pytest.raises(UnreadablePhoto):
        decode(whole[: len(whole) // 2])


def test_a_picture_with_thousands_of_scans_is_refused() -> None:
    with pytest.raises(UnreadablePhoto):
        check(jpeg_header(4000, 4000) + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" * 2000)


def test_a_png_whose_text_unpacks_without_end_is_refused_or_ignored() -> None:
    bomb = zlib.compress(b"a" * 50_000_000)
    chunk = b"zTXtComment\x00\x00" + bomb
    text = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    whole = picture("PNG")
    tracemalloc.start()
    with contextlib.suppress(PhotoRefused):
        decode(whole[:33] + text + whole[33:])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50_000_000


def test_exif_turns_the_picture_upright() -> None:
    image = Image.new("RGB", (300, 200), "white")
    image.paste("black", (0, 0, 300, 20))  # the top edge as the sensor saw it
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", exif=exif, quality=95)
    photo = decode(buffer.getvalue())
    assert (photo.width, photo.height) == (200, 300)
    assert photo.pixels[150, 195].mean() < 50
    assert photo.pixels[150, 5].mean() > 200


def test_an_exif_directory_that_points_at_itself_does_not_hang() -> None:
    ifd = struct.pack("<HHHII", 1, 0x8769, 4, 1, 8) + struct.pack("<I", 8)
    exif = b"Exif\x00\x00II*\x00\x08\x00\x00\x00" + ifd
    plain = picture()
    looped = plain[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + plain[2:]
    started = time.perf_counter()
    assert decode(looped).pixels.size > 0
    assert time.perf_counter() - started < 1


def test_a_large_photo_is_shrunk_and_says_by_how_much() -> None:
    photo = decode(picture(size=(4000, 3000), quality=40))
    assert max(photo.pixels.shape[:2]) <= 2560
    assert photo.scale * photo.pixels.shape[1] == pytest.approx(4000, abs=2)
    assert (photo.width, photo.height) == (4000, 3000)
