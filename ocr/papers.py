"""Two readings of paper: are they one and the same, and do several photos make one long receipt?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from ocr.fields.choose import choose
from ocr.fields.entries import entries
from ocr.fields.labels import SUMS_AND_PAID, Role
from ocr.fields.rows import lay_out
from ocr.fields.text import squeezed
from ocr.reading import Box, Line, Picture, Reading
from ocr.signals import distance

MOST_PHOTOS = 4
# Up to here two hashes are one picture, stored again; different papers start at 12.
SAME_PICTURE = 4
SAME_NAME = 75
SAME_LINE = 72
LEGIBLE = 0.9
READABLE = 0.79


class Verdict(StrEnum):
    """What two readings are to each other. The first three are one purchase, to be scored once."""

    SAME = "same"
    REPRINT = "reprint"
    TAMPERED = "tampered"
    DIFFERENT = "different"


@dataclass(frozen=True)
class Comparison:
    """A verdict, and the facts that support it (number, minute, amount, shop, lines, picture)."""

    verdict: Verdict
    agreeing: tuple[str, ...]
    differing: tuple[str, ...]


def compare(a: Reading, b: Reading) -> Comparison:
    """Are two photos of one purchase? Judged by printed facts; the picture only settles a stored copy."""
    facts = {
        "number": _numbers_agree(a, b),
        "minute": _minutes_agree(a, b),
        "amount": _amounts_agree(a, b),
        "shop": _shops_agree(a, b),
        "lines": _lines_agree(a, b),
    }
    agreeing = tuple(name for name, agree in facts.items() if agree)
    differing = tuple(name for name, agree in facts.items() if agree is False)
    if int(a.picture.phash, 16) and distance(a.picture.phash, b.picture.phash) <= SAME_PICTURE and "amount" not in differing:
        return Comparison(Verdict.SAME, (*agreeing, "picture"), differing)
    return Comparison(_verdict(a, b, set(agreeing), set(differing)), agreeing, differing)


def _verdict(a: Reading, b: Reading, agreeing: set[str], differing: set[str]) -> Verdict:
    nameless = any(reading.receipt_no.value is None and reading.paid_at.value is None for reading in (a, b))
    if not _one_paper(agreeing, differing, nameless):
        return Verdict.DIFFERENT
    if "amount" in differing:
        return Verdict.TAMPERED
    return Verdict.REPRINT if a.reprint != b.reprint else Verdict.SAME


def _one_paper(agreeing: set[str], differing: set[str], nameless: bool) -> bool:
    """Shop and number; or shop and minute and amount; or a number and a minute that no two papers share."""
    if "shop" in differing or ("number" in differing and "minute" in differing):
        return False
    if "number" in agreeing:
        return "minute" not in differing or "lines" in agreeing
    if "minute" in agreeing:
        return "number" not in differing and bool(agreeing & {"amount", "lines"})
    if nameless and {"shop", "amount"} <= agreeing:
        return True  # a photo that shows neither number nor time earns nothing: better ask than score it twice
    # Neither read: the same articles at the same prices, and nothing that contradicts it.
    return not differing & {"number", "minute"} and {"amount", "lines"} <= agreeing


def _numbers_agree(a: Reading, b: Reading) -> bool | None:
    first, second = (_skeleton(reading.receipt_no.value) for reading in (a, b))
    if not first or not second:
        return None
    if first == second:
        return True
    # One misread character in a long number is the camera; two different numbers of one till differ in the last digits.
    sure = min(_legible(a), _legible(b))
    near = len(first) >= 8 and Levenshtein.distance(first, second) == 1
    if not near or (first[:-3] == second[:-3] and sure >= LEGIBLE):
        return False
    # A digit that the camera confuses, far from the end where the till counts up, is one number read twice.
    return True if first.translate(_LOOKALIKE) == second.translate(_LOOKALIKE) else None


def _legible(reading: Reading) -> float:
    return min((reading.lines[index].score for index in reading.receipt_no.line_indexes), default=0.0)


_LOOKALIKE = str.maketrans("689", "000")
# Characters that cameras take for one another.
_ALIKE = str.maketrans("OQDILZSBG", "000112586")


def _skeleton(number: str | None) -> str:
    return re.sub(r"\W", "", number or "").upper().translate(_ALIKE)


def _minutes_agree(a: Reading, b: Reading) -> bool | None:
    first, second = a.paid_at.value, b.paid_at.value
    if first is None or second is None:
        return None
    if first.date() == second.date() and (_is_midnight(a) or _is_midnight(b)):
        return None
    if first.replace(second=0) == second.replace(second=0):
        return True
    sure = min(a.paid_at.confidence, b.paid_at.confidence)
    return None if sure < 0.6 else False


def _is_midnight(reading: Reading) -> bool:
    # A date that was read without its time stands at 00:00:00.
    at = reading.paid_at.value
    return at is not None and (at.hour, at.minute, at.second) == (0, 0, 0)


def _amounts_agree(a: Reading, b: Reading) -> bool | None:
    """The totals, and every sum of the same part: who changes an amount seldom changes all that depend on it."""
    first, second = _sums(a), _sums(b)
    if any(first[role] != second[role] for role in first.keys() & second.keys()):
        return False
    if a.total_fen.value is None or b.total_fen.value is None:
        return None
    return a.total_fen.value == b.total_fen.value


def _sums(reading: Reading) -> dict[Role, int]:
    # Not what was hardly read: a misread digit is no fraud. But a pen or a pasted digit reads less surely than print.
    sums = [entry for entry in entries(lay_out(reading.lines)) if entry.role in (*SUMS_AND_PAID, Role.REFUND)]
    return {entry.role: abs(entry.fen) for entry in sums if entry.role and entry.cents and entry.item.score >= READABLE}


def _shops_agree(a: Reading, b: Reading) -> bool | None:
    first, second = squeezed(a.merchant.value or ""), squeezed(b.merchant.value or "")
    if not first or not second:
        return None
    if fuzz.partial_ratio(first, second) >= SAME_NAME:
        return True
    return None if min(a.merchant.confidence, b.merchant.confidence) < 0.7 else False


def _lines_agree(a: Reading, b: Reading) -> bool | None:
    """The amounts on both papers, as two lists: the articles of one purchase are rarely those of another."""
    first, second = _prices(a), _prices(b)
    if min(len(first), len(second)) < 3:
        return None
    common = len(first & second) / min(len(first), len(second))
    return True if common >= 0.6 else False if common < 0.3 else None


def _prices(reading: Reading) -> set[str]:
    return {price for line in reading.lines for price in re.findall(r"\d+\.\d\d(?!\d)", line.text)}


def join(readings: Sequence[Reading], today: date | None = None) -> Reading:
    """One reading of a long receipt that was photographed in parts, top first. Lines seen twice count once.

    Boxes stay in the pixels of their own photo, moved down by the heights of the photos before. `today`: the day of
    upload. Raises ValueError for no photo, or for more than four.
    """
    if not 1 <= len(readings) <= MOST_PHOTOS:
        raise ValueError(f"A receipt has one to {MOST_PHOTOS} photos.")
    lines = list(readings[0].lines)
    down = float(readings[0].picture.height)
    for part in readings[1:]:
        fresh = part.lines[_overlap(lines, part.lines) :]
        lines += [Line(line.text, line.score, _moved(line.box, down)) for line in fresh]
        down += part.picture.height
    return choose(lines, _joined(readings, down), today)


def _overlap(above: Sequence[Line], below: Sequence[Line]) -> int:
    """How many of the first lines of `below` are the last lines of `above`."""
    upper, lower = [squeezed(line.text) for line in above], [squeezed(line.text) for line in below]
    best = 0
    for count in range(2, min(len(upper), len(lower)) + 1):
        pairs = list(zip(upper[-count:], lower[:count], strict=True))
        alike = sum(fuzz.ratio(x, y) >= SAME_LINE for x, y in pairs)
        if alike >= 0.75 * count:
            best = count
    return best


def _moved(box: Box, down: float) -> Box:
    return tuple((x, y + down) for x, y in box)  # type: ignore[return-value]


def _joined(readings: Sequence[Reading], height: float) -> Picture:
    first, flaw = readings[0].picture, next((reading.picture.flaw for reading in readings if reading.picture.flaw), None)
    return replace(first, width=max(reading.picture.width for reading in readings), height=round(height), flaw=flaw)


def row_texts(reading: Reading) -> list[str]:
    """The rows of the paper as a person reads them across, for showing to a reviewer."""
    return [row.text for row in lay_out(reading.lines)]
