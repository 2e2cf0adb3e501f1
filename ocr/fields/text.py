"""One spelling for matching: half width, simplified characters, no accidents of the printer."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import zhconv

_DASHES = str.maketrans({"−": "-", "–": "-", "—": "-", "－": "-", "‐": "-", "﹣": "-", "ー": "-", "一": "一"})
_COLONS = str.maketrans({"：": ":", "∶": ":", "︰": ":", "﹕": ":"})
# What the traditional words of Hong Kong, Macau and Taiwan become where zhconv keeps a local word.
_LOCAL_WORDS = (("赎", "零"), ("找续", "找零"), ("帐", "账"), ("収", "收"), ("閤", "合"), ("價", "价"), ("佔", "占"))


@lru_cache(maxsize=20_000)
def plain(text: str) -> str:
    """The text in half-width, simplified characters, with plain dashes, colons and yen signs. Length may change."""
    text = unicodedata.normalize("NFKC", text).translate(_DASHES).translate(_COLONS)
    text = zhconv.convert(text, "zh-hans")
    for printed, common in _LOCAL_WORDS:
        text = text.replace(printed, common)
    return text.replace("¥", "¥").replace("￥", "¥").strip()


@lru_cache(maxsize=20_000)
def squeezed(text: str) -> str:
    """`plain` in lower case without spaces or punctuation: what labels are matched against."""
    return re.sub(r"[\s\W_]+", "", plain(text).lower())


@lru_cache(maxsize=20_000)
def is_traditional(text: str) -> bool:
    """Does the text hold a character that only the traditional script has?"""
    text = unicodedata.normalize("NFKC", text)
    return bool(zhconv.convert(text, "zh-hans") != text)


def has_han(text: str) -> bool:
    """Does the text hold a Chinese character?"""
    return any("一" <= character <= "鿿" for character in text)
