"""Which shop of the mall a slip is from: by tax number, unit, name and learned aliases, in both scripts, with a margin."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz

from api.malls.names import core_name, normalise_name, normalise_number, simplify
from api.malls.service import ShopNames

LIKELY = 70.0  # from here on a shop is offered as a choice
CHOICES = 4
_BRANCH = re.compile(r"[(（\[【]([^()（）\[\]【】]{1,30}?)(?:店|分店|专柜|專櫃|store|branch|outlet)[)）\]】]", re.IGNORECASE)


@dataclass(frozen=True)
class Clues:
    """What the slip says about who sold. Texts as printed."""

    merchant: str | None
    unit: str | None = None
    tax_no: str | None = None
    phone: str | None = None
    mall: str | None = None
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Match:
    """The shop found, or the likely ones when two are too close. score 0..100; how: tax_no, alias, name, similar, line, phone."""

    shop: ShopNames | None
    score: float
    how: str
    likely: tuple[ShopNames, ...] = ()
    branch_unclear: bool = False


NOBODY = Match(None, 0.0, "none")


def match(clues: Clues, shops: Sequence[ShopNames], own_names: Sequence[str], *, at: float, margin: float) -> Match:
    """The one shop whose evidence is at least `at` and `margin` better than any other's; else the likely ones."""
    ranked = sorted(((*_evidence(clues, shop), shop) for shop in shops), key=lambda evidence: -evidence[0])
    if not ranked or ranked[0][0] < LIKELY:
        return NOBODY
    score, how, best = ranked[0]
    second = ranked[1][0] if len(ranked) > 1 else 0.0
    likely = tuple(shop for points, _, shop in ranked[:CHOICES] if points >= max(LIKELY, score - margin))
    if score < at or score - second < margin:
        return Match(None, score, how, likely)
    return Match(best, score, how, likely, how != "tax_no" and other_branch(clues, best, own_names))


def _evidence(clues: Clues, shop: ShopNames) -> tuple[float, str]:
    if clues.tax_no and normalise_number(clues.tax_no) in shop.tax_numbers:
        return 120.0 + _unit_bonus(clues, shop), "tax_no"
    score, how = _by_name(clues, shop)
    if clues.phone and normalise_number(clues.phone) in shop.phones:
        score, how = (score + 12, how) if score >= LIKELY else (90.0, "phone")
    return score + (_unit_bonus(clues, shop) if score >= LIKELY else 0.0), how


def _unit_bonus(clues: Clues, shop: ShopNames) -> float:
    if not clues.unit or not shop.units:
        return 0.0
    return 12.0 if _same_unit(clues, shop) else -6.0


def _same_unit(clues: Clues, shop: ShopNames) -> bool:
    return bool(clues.unit) and normalise_number(clues.unit or "") in shop.units


def _by_name(clues: Clues, shop: ShopNames) -> tuple[float, str]:
    printed = normalise_name(clues.merchant) if clues.merchant else ""
    if printed in shop.aliases:
        return 104.0, "alias"
    if printed and printed in shop.names:
        return 100.0, "name"
    spoken = core_name(clues.merchant) if clues.merchant else ""
    best = max((_alike(spoken, name) for name in shop.cores), default=0.0)
    # The reader may have taken a platform's, a bank's or half a name for the shop's: every line of the head is looked at.
    line = _by_lines(clues, shop)
    return (best, "similar") if best >= max(LIKELY, line) else (line, "line") if line >= LIKELY else (0.0, "none")


def _squeezed(text: str) -> str:
    return re.sub(r"[\W_]+", "", simplify(text))


def _alike(printed: str, name: str) -> float:
    """How alike two names are, both in the form of `names.core_name`, 0 to 96. Part of a word is no name: an apple is no pineapple."""
    plain, own = printed.replace(" ", ""), name.replace(" ", "")
    if not _distinctive(plain) or not _distinctive(own):
        return 0.0
    if plain == own:
        return 96.0
    if _begins(printed, name):
        # A short name says too little of what follows it: 小米 is not 小米粥铺.
        return 96.0 if len(own) >= 8 or len(own) * 5 >= len(plain) * 3 else 80.0
    if _begins(name, printed) or (len(own) >= 8 and f" {name} " in f" {printed} ") or (len(own) >= 10 and plain.startswith(own)):
        return 92.0
    return min(96.0, float(fuzz.ratio(plain, own)))


def _begins(text: str, name: str) -> bool:
    """Whether a text begins with a name, up to the end of a word where words are written apart."""
    return text.startswith(name) and (not name[-1:].isascii() or text[len(name) : len(name) + 1] in ("", " "))


def _distinctive(name: str) -> bool:
    # Two Chinese characters name a shop (喜茶); two letters name nothing.
    return (len(name) >= 2 and not name.isascii()) or len(name) >= 3


def _by_lines(clues: Clues, shop: ShopNames) -> float:
    return max((min(91.0, _alike(line, name)) for line in _head(clues.lines) for name in shop.cores), default=0.0)


HEAD = 12  # lines at the top of a slip that may name the shop
_PRICED = re.compile(r"\d[.,]\d\d(?!\d)")
# What a line says of another shop, or of a payment.
_OF_OTHERS = re.compile(r"opposite|next to|near |对面|旁边|隔壁|信用卡|满减|优惠|积分|会员")


@lru_cache(maxsize=64)
def _head(lines: tuple[str, ...]) -> tuple[str, ...]:
    """The lines above the first price in the form of `names.core_name`, each alone and with the next: long names are broken over two."""
    top = list(itertools.takewhile(lambda line: not _PRICED.search(line), lines[:HEAD]))
    joined = [*top, *(f"{first} {second}" for first, second in itertools.pairwise(top))]
    return tuple(dict.fromkeys(key for line in joined if not _OF_OTHERS.search(simplify(line)) and _distinctive(key := core_name(line))))


def other_branch(clues: Clues, shop: ShopNames, own_names: Sequence[str]) -> bool:
    """Whether the slip names a branch or a mall that is not ours: a chain has shops elsewhere."""
    if _same_unit(clues, shop):
        return False
    branch = _BRANCH.search(clues.merchant or "")
    named = [text for text in (branch[1] if branch else None, clues.mall) if text]
    ours = [_squeezed(name) for name in (*own_names, shop.site) if name]
    return any(not any(_place_agrees(_squeezed(text), own) for own in ours) for text in named)


def _place_agrees(place: str, own: str) -> bool:
    return len(place) >= 2 and (place in own or own in place or fuzz.partial_ratio(place, own) >= 80)
