"""How shop names are compared and searched: one normal form for paper, imports and search boxes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

import zhconv

MAX_NAME = 200

_NOT_WORD = re.compile(r"[\W_]+")
_BRACKETS = re.compile(r"[(\[【〔「『<《{]([^()\[\]【】〔〕「」『』<>《》{}]{0,40})[)\]】〕」』>》}]")
_BRANCH = re.compile(r"(店|分店|门店|旗舰店|专卖店|专柜|体验店|直营店|加盟店|store|branch|outlet|shop)$")
_BRANCH_TAIL = re.compile(r"[-—–·|/]\s*[^-—–·|/]{1,20}(?:分店|门店|旗舰店|体验店|专卖店|专柜|店|store|branch)$")
_COMPANY = re.compile(r"(股份有限公司|有限责任公司|有限公司|个体工商户|分公司|co\.?,?\s*ltd\.?|limited|company|inc\.?)$")


@lru_cache(maxsize=20_000)
def simplify(text: str) -> str:
    """Simplified characters, half width, lower case, no accents, single spaces; punctuation is kept."""
    folded = unicodedata.normalize("NFKC", text[:MAX_NAME])
    plain = "".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))
    return " ".join(str(zhconv.convert(unicodedata.normalize("NFKC", plain), "zh-hans")).casefold().split())


@lru_cache(maxsize=20_000)
def normalise_name(text: str) -> str:
    """The form in which shop names are compared: `simplify`, then branch suffixes and company forms off, then only letters and digits.

    "海底撈火鍋（雲錦天地店）" → "海底捞火锅", "Starbucks Coffee - Jing'an Store" → "starbuckscoffee". A name that is only a
    suffix ("便利店") keeps it: what is left must still be a name.
    """
    name = simplify(text)
    name = _shorter(name, _BRACKETS.sub(lambda match: " " if _is_branch(match[1]) else f" {match[1]} ", name))
    name = _shorter(name, _BRANCH_TAIL.sub("", name))
    name = _shorter(name, _COMPANY.sub("", name))
    return _letters(name)


def _is_branch(inside: str) -> bool:
    return bool(_BRANCH.search(inside.strip()))


def _shorter(before: str, after: str) -> str:
    return after.strip() if len(_letters(after)) >= 2 else before


def _letters(text: str) -> str:
    return _NOT_WORD.sub("", text)


# What many shops are called besides their own name: alone it names none of them.
_GENERIC = re.compile(
    r"sdn\W*bhd|\bs/b\b|\bbhd\b|\((?:m|hk)\)|\b(?:co|corp|corporation|company|limited|ltd|inc|pte|llc|gmbh|enterprises?|trading|holdings?|restaurants?|restoran"
    r"|stationery|hardware|marketing|the|and)\b\.?|有限公司|公司|商行|\(?\b\d{5,8}\W?[a-z]{0,2}\b\)?"
)


@lru_cache(maxsize=20_000)
def core_name(name: str) -> str:
    """The words that are left of a name without legal forms and words of the trade ("Popular Book Co. (M) Sdn Bhd" → "popular book")."""
    return " ".join(_NOT_WORD.sub(" ", _APOSTROPHES.sub("", _GENERIC.sub(" ", simplify(name)))).split())


_APOSTROPHES = re.compile(r"(?<=\w)['’`.](?=\w)")


def normalise_number(text: str) -> str:
    """The form in which units, tax numbers and phones are compared: letters and digits only, upper case, no leading +86."""
    plain = _letters(unicodedata.normalize("NFKC", text[:MAX_NAME])).upper()
    return plain.removeprefix("86") if len(plain) == 13 and plain.isdigit() else plain


def search_text(names: Iterable[str], unit: str, category: str) -> str:
    """What a shop is found by: each name in normal form, its pinyin, its pinyin initials; the unit and the category."""
    words: dict[str, None] = {}
    for name in names:
        plain = _letters(simplify(name))
        words |= dict.fromkeys((plain, _letters(pinyin(plain)), _letters(initials(plain))))
    words |= dict.fromkeys((normalise_number(unit).casefold(), _letters(simplify(category))))
    return " " + " ".join(word for word in words if word) + " "


def search_form(query: str) -> str:
    """A search box's text in the form that `search_text` holds."""
    return _letters(simplify(query))


def pinyin(text: str) -> str:
    """海底捞 → haidilao; other letters stay."""
    from pypinyin import lazy_pinyin  # its dictionary takes half a second to load, and few processes ever name a shop

    return "".join(lazy_pinyin(text))


def initials(text: str) -> str:
    """海底捞 → hdl; other letters stay."""
    from pypinyin import Style, lazy_pinyin

    return "".join(lazy_pinyin(text, style=Style.FIRST_LETTER))
