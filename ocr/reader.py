"""A photo in, a reading out. One instance a process, used by the thread that built it."""

from __future__ import annotations

from pathlib import Path

from ocr.decode import decode
from ocr.fields.choose import choose
from ocr.lines import LineReader
from ocr.reading import Reading
from ocr.signals import describe

KNOWN = Path(__file__).with_name("known.png")
KNOWN_TOTAL_FEN = 12850


class Reader:
    """Reads receipts. Not safe for several threads: the models mix up their answers."""

    def __init__(self, folder: Path | None = None, threads: int | None = None) -> None:
        self._lines = LineReader(folder, threads)

    def read(self, data: bytes) -> Reading:
        """Everything that the photo tells. Raises a PhotoRefused by name for what is not a readable picture."""
        photo = decode(data)
        return choose(self._lines.read(photo), describe(photo))

    def healthy(self) -> bool:
        """Does the small known receipt still read as it must?"""
        return self.read(KNOWN.read_bytes()).total_fen.value == KNOWN_TOTAL_FEN
