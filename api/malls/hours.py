"""Opening hours as people write them: "1-5 10:00-22:00; 6-7 10:00-22:30" or "10:00-22:00" for every day; Monday is 1."""

from __future__ import annotations

import re
import unicodedata

_PART = re.compile(r"(?:(?P<first>[1-7])(?:-(?P<last>[1-7]))? )?(?P<opens>\d{1,2}:\d{2})-(?P<closes>\d{1,2}:\d{2})", re.ASCII)
MAX_LENGTH = 200


def normal(written: str) -> str:
    """The one way to write it. ValueError says which part is unclear. Closing after midnight is written past 24: "18:00-26:00"."""
    if len(written) > MAX_LENGTH:
        raise ValueError("too long")
    text = re.sub(r"[~–—至]", "-", unicodedata.normalize("NFKC", written)).replace("；", ";")
    parts = [" ".join(part.split()) for part in text.split(";") if part.strip()]
    if not parts:
        raise ValueError("nothing is written")
    return "; ".join(_normal_part(re.sub(r" ?- ?", "-", part)) for part in parts)


def _normal_part(part: str) -> str:
    match = _PART.fullmatch(part)
    if match is None:
        raise ValueError(f"unclear: {part}")
    first, last = match["first"] or "1", match["last"] or match["first"] or "7"
    opens, closes = _minutes(match["opens"]), _minutes(match["closes"])
    if first > last or not 0 <= opens < closes <= 30 * 60 or opens >= 24 * 60:
        raise ValueError(f"not possible: {part}")
    return f"{first}-{last} {_clock(opens)}-{_clock(closes)}"


def _minutes(time: str) -> int:
    hour, minute = (int(number) for number in time.split(":"))
    if minute > 59:
        raise ValueError(f"not a time: {time}")
    return hour * 60 + minute


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
