"""A photo in, a reading out. One instance a process, used by the thread that built it."""

from __future__ import annotations

import contextlib
import ctypes
from datetime import date
from pathlib import Path

from ocr import known
from ocr.decode import decode
from ocr.fields.choose import choose
from ocr.lines import LineReader
from ocr.reading import Reading
from ocr.signals import describe


class Reader:
    """Reads receipts. Not safe for several threads: the models mix up their answers."""

    def __init__(self, folder: Path | None = None, threads: int | None = None) -> None:
        self._lines = LineReader(folder, threads)

    def read(self, data: bytes, today: date | None = None) -> Reading:
        """Everything that the photo tells, uploaded on `today`. Raises a PhotoRefused by name for what is not a readable picture."""
        try:
            photo = decode(data)
            seen = self._lines.read(photo)
            return choose(seen.lines, describe(photo, data, seen.lines, seen.places), today)
        finally:
            _give_back()

    def healthy(self) -> bool:
        """Does the small known receipt still read as it must?"""
        return self.read(known.PICTURE.read_bytes()).total_fen.value == known.TOTAL_FEN


def _give_back() -> None:
    """Hand the memory of the last photo back to the system; glibc keeps it otherwise, and every shape of photo adds to it."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
