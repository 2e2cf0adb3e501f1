"""What a picture's file says before anything is decoded: its size, its passes, where it ends, and what a decoder needs of it.

Files come from strangers: every walk ends after a fixed number of parts and looks at each byte a few times at most.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

# A camera's progressive JPEG has about ten scans; each one costs a pass over the whole picture.
MAX_SCANS = 64
# Cameras write some thirty segments; a profile or a long description adds one for each 64 KB.
MAX_SEGMENTS = 1024
# Encoders write a chunk for each 8 KB, a few for each 1 KB.
MAX_CHUNKS = 16_384
# A phone's HEIC describes some fifty tiles in about two hundred boxes.
MAX_BOXES = 4096

HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"

Span = tuple[int, int]


@dataclass(frozen=True)
class Header:
    """A picture as its file describes it. Width and height 0: the file does not say them.

    `sound`: the walk came to the picture, within its limits. `whole`: the file goes on to the picture's end. `spans`: the bytes that a
    decoder needs, in order; `cut`: the body of the PNG's last chunk of pixels, that stops short. `scans`: passes over the picture;
    `by_scan`: rows are complete with the last of them only, and `begun`: every coefficient has at least begun to its last bit.
    `turned`: the container turns the picture itself. `parts`, `looked`: what the walk cost, in parts of the file and in bytes.
    """

    width: int = 0
    height: int = 0
    sound: bool = True
    whole: bool = True
    spans: tuple[Span, ...] = ()
    cut: Span | None = None
    scans: int = 1
    by_scan: bool = False
    begun: bool = True
    turned: bool = False
    parts: int = 1
    looked: int = 64


def format_of(data: bytes) -> str | None:
    """JPEG, PNG, WEBP or HEIC by the first bytes; None for anything else."""
    if data[:2] == b"\xff\xd8" and len(data) > 3:
        return "JPEG"
    if data[:8] == PNG_MAGIC:
        return "PNG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp" and data[8:12] in HEIC_BRANDS and not _is_avif(data):
        return "HEIC"
    return None


def read(data: bytes, kind: str) -> Header:
    """The header of a file of this format."""
    return _WALKS[kind](data)


def essentials(data: bytes, header: Header) -> bytes:
    """The file without what no decoder needs: descriptions, profiles, further pictures, stray bytes. Other formats stay as they are."""
    if not header.spans:
        return data
    kept = [data[start:end] for start, end in header.spans]
    if data[:8] == PNG_MAGIC:
        if header.cut is not None:
            kept.append(_chunk(b"IDAT", data[slice(*header.cut)]))
        kept.append(_chunk(b"IEND", b""))
    return b"".join(kept)


# JPEG (ITU T.81)

_SOS, _EOI, _COM = 0xDA, 0xD9, 0xFE
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_ALL_COEFFICIENTS = (1 << 64) - 1
# What may follow an FF to begin a segment: not the stuffing, restart marks and other marks that stand alone.
_BEGINS = np.ones(256, dtype=np.bool_)
_BEGINS[[0x00, 0x01, *range(0xD0, 0xD9), 0xFF]] = False
_FIRST_BLOCK, _LARGEST_BLOCK = 1 << 10, 1 << 17


class _Jpeg:
    """One walk over the segments, up to the picture's end."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.bytes = np.frombuffer(data, dtype=np.uint8)
        self.looked = 0
        self.parts = 0
        self.size = (0, 0)
        self.scans = 0
        self.progressive = False
        self.coefficients: dict[int, int] = {}  # of each component, those that have begun to their last bit
        self.spans: list[Span] = [(0, 2)]

    def walk(self) -> Header:
        end = self._walk()
        whole = end is not None
        if self.scans:
            self.spans[-1] = (self.spans[-1][0], len(self.data) if end is None else end)
        return Header(
            *self.size,
            0 < self.scans <= MAX_SCANS and self.parts < MAX_SEGMENTS,
            whole,
            tuple(self.spans),
            scans=self.scans,
            by_scan=self.progressive or self.scans > 1,
            begun=all(mask == _ALL_COEFFICIENTS for mask in self.coefficients.values()),
            parts=self.parts,
            looked=self.looked,
        )

    def _walk(self) -> int | None:
        """Where the picture ends; None when the file ends before it, or goes on for too long."""
        at = 2
        while self.parts < MAX_SEGMENTS and self.scans <= MAX_SCANS:
            self.parts += 1
            begin = self._next(at)
            if begin is None:
                return None
            marker = self.data[begin + 1]
            if marker == _EOI:
                return begin + 2
            at = begin + 2 + max(2, int.from_bytes(self.data[begin + 2 : begin + 4], "big"))
            if at > len(self.data):
                return None
            self._take(marker, begin, at)
        return None

    def _next(self, at: int) -> int | None:
        """Where the next segment begins, over fill, stray bytes and the coded picture."""
        if at + 1 < len(self.data) and self.data[at] == 0xFF and _BEGINS[self.data[at + 1]]:
            self.looked += 2
            return at
        block = _FIRST_BLOCK
        while at + 1 < len(self.data):
            part = self.bytes[at : at + block + 1]
            self.looked += len(part)
            begins = (part[:-1] == 0xFF) & _BEGINS[part[1:]]
            first = int(begins.argmax())
            if begins[first]:
                return at + first
            at += block
            block = min(2 * block, _LARGEST_BLOCK)
        return None

    def _take(self, marker: int, begin: int, end: int) -> None:
        body = self.data[begin + 4 : min(end, begin + 64)]
        if marker == _SOS:
            self._begin_scan(body)
        elif marker in _FRAMES and self.size == (0, 0) and len(body) >= 6:
            self.size = (int.from_bytes(body[3:5], "big"), int.from_bytes(body[1:3], "big"))
            self.progressive = marker in _PROGRESSIVE
            self.coefficients = dict.fromkeys(body[6 : 6 + 3 * body[5] : 3], 0)
        if marker == _SOS and self.scans == 1:
            self.spans.append((begin, end))  # all from here to the end is one span
        elif not self.scans and _is_needed(marker, body):
            self.spans.append((begin, end))

    def _begin_scan(self, body: bytes) -> None:
        self.scans += 1
        count = body[0] if body else 0
        if len(body) < 4 + 2 * count:
            return
        first, last, precision = body[1 + 2 * count], body[2 + 2 * count], body[3 + 2 * count] & 15
        begun = sum(1 << place for place in range(first, min(last, 63) + 1)) if precision == 0 else 0
        for component in body[1 : 1 + 2 * count : 2]:
            if component in self.coefficients:
                self.coefficients[component] |= begun


def _is_needed(marker: int, body: bytes) -> bool:
    if 0xE0 <= marker <= 0xEF:
        return (marker, body[:5]) in ((0xE0, b"JFIF\0"), (0xE1, b"Exif\0"), (0xEE, b"Adobe"))
    return marker != _COM


def _jpeg(data: bytes) -> Header:
    return _Jpeg(data).walk()


# PNG (ISO/IEC 15948)

_PNG_NEEDED = frozenset({b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"IDAT"})
_MAX_EXIF = 1 << 16


def _png(data: bytes) -> Header:
    if len(data) < 33 or data[12:16] != b"IHDR":
        return Header(sound=False)
    width, height = struct.unpack_from(">II", data, 16)
    spans: list[Span] = [(0, 8)]
    cut, ended = None, False
    at, parts, pixels = 8, 0, False
    while at + 8 <= len(data) and parts < MAX_CHUNKS and not ended:
        parts += 1
        length, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        end = at + 12 + length
        ended, pixels = name == b"IEND", pixels or name == b"IDAT"
        if end > len(data):
            cut = (at + 8, min(at + 8 + length, len(data))) if name == b"IDAT" else None
        elif name in _PNG_NEEDED and (name != b"eXIf" or length <= _MAX_EXIF):
            spans.append((at, end))
        at = end
    sound = pixels and parts < MAX_CHUNKS
    return Header(width, height, sound, ended, tuple(spans), cut, parts=parts, looked=8 * parts + 64)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


# WebP (RFC 9649)


def _webp(data: bytes) -> Header:
    chunk = data[12:16]
    if len(data) < 30:
        return Header(sound=False)
    # The file says its own length; the last chunk may lack the byte that makes it even.
    whole = int.from_bytes(data[4:8], "little") + 8 <= len(data) + 1
    if chunk == b"VP8X":
        return Header(1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little"), whole)
    if chunk == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return Header((bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1, whole)
    if chunk == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return Header(width & 0x3FFF, height & 0x3FFF, whole)
    return Header(sound=False)


# HEIC (ISO/IEC 23008-12): boxes in boxes; `meta` may stand before or behind the picture's data.

_HOLDERS = {b"meta": 4, b"iprp": 0, b"ipco": 0}  # what holds the properties, and the bytes before its boxes


def _is_avif(data: bytes) -> bool:
    brands = [data[at : at + 4] for at in range(16, min(int.from_bytes(data[:4], "big"), 256, len(data)), 4)]
    return b"avif" in brands and not any(brand in brands for brand in HEIC_BRANDS[:6])


def _heic(data: bytes) -> Header:
    width = height = parts = 0
    turned, whole = False, True
    for kind, body, end in _boxes(data):
        parts += 1
        if kind == b"ispe" and body + 12 <= len(data):
            # Each item has its size: the picture's is the largest, its tiles and its thumbnail are smaller.
            width, height = max((width, height), struct.unpack_from(">II", data, body + 4), key=lambda size: size[0] * size[1])
        turned |= kind in (b"irot", b"imir")
        whole &= kind not in (b"mdat", b"meta") or end <= len(data)
    return Header(width, height, whole and parts < MAX_BOXES, turned=turned, parts=parts, looked=16 * parts)


def _boxes(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, begin of the body and end of each box, and of the boxes within those that lead to the picture's properties."""
    open_spans = [(0, len(data))]
    for _ in range(MAX_BOXES):
        while open_spans and open_spans[-1][0] + 8 > open_spans[-1][1]:
            open_spans.pop()
        if not open_spans:
            return
        at, limit = open_spans.pop()
        size, kind = struct.unpack_from(">I4s", data, at)
        body = at + 8
        if size == 1 and at + 16 <= limit:
            size, body = int.from_bytes(data[at + 8 : at + 16], "big"), at + 16
        elif size == 0:
            size = limit - at
        end = max(body, at + size)
        open_spans.append((end, limit))
        if kind in _HOLDERS:
            open_spans.append((body + _HOLDERS[kind], min(end, limit)))
        yield kind, body, end


_WALKS = {"JPEG": _jpeg, "PNG": _png, "WEBP": _webp, "HEIC": _heic}
