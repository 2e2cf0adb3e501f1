"""What a date or a time cannot be, and what it then was: printed digits that small print makes look alike."""

from __future__ import annotations

import re

_DATE = re.compile(r"(?<!\d)(?P<y>2\d{3})(?P<a>[-/.年])(?P<m>\d{2})(?P<b>[-/.月])(?P<d>\d{2})(?!\d{3})")
_TIME = re.compile(r"(?<![\d:])(\d{2})[:：](\d{2})(?:[:：](\d{2}))?(?![\d:])")
# Small print closes the loop of a 0: it looks like one of these.
_LIKE_ZERO = "689"


def mended(text: str) -> str:
    """The text with the digits of impossible dates as they must have been; dates that are possible stay untouched.

    A year of a receipt begins with 20; a month that is none and a day that is none begin or end with a closed 0.
    """
    return _DATE.sub(lambda match: f"20{match['y'][2:]}{match['a']}{_month(match['m'])}{match['b']}{_day(match['d'])}", text)


def holds(text: str) -> bool:
    """Does the text hold a date, possible or not?"""
    return _DATE.search(text) is not None


def split(text: str) -> tuple[str, str]:
    """What stands before the first date of the text, and the text from there on; all of it there when it holds none."""
    match = _DATE.search(text)
    start = match.start() if match else 0
    return text[:start], text[start:]


def is_possible(text: str) -> bool:
    """No date in the text has a month, a day or a century that cannot be, no time an hour or a minute."""
    dates = all(m["y"][:2] == "20" and 1 <= int(m["m"]) <= 12 and 1 <= int(m["d"]) <= 31 for m in _DATE.finditer(text))
    return dates and all(int(h) < 24 and int(m) < 60 and int(s or 0) < 60 for h, m, s in _TIME.findall(text))


def _month(month: str) -> str:
    return f"0{month[1]}" if int(month) > 12 and month[0] in _LIKE_ZERO and month[1] != "0" else month


def _day(day: str) -> str:
    if int(day) <= 31:
        return day
    if day[0] == "3":
        return "30" if day[1] in _LIKE_ZERO else day
    return f"0{day[1]}" if day[0] in _LIKE_ZERO and day[1] != "0" else day
