"""Which shop of the mall a slip is from: by tax number, unit, name and learned aliases, in both scripts, with a margin."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from api.malls.names import normalise_name, normalise_number, simplify
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
    if not clues.merchant:
        return _by_lines(clues, shop)
    printed = normalise_name(clues.merchant)
    if printed in shop.aliases:
        return 104.0, "alias"
    best = max((_likeness(printed, name) for name in (*shop.names, *shop.aliases)), default=0.0)
    if best < LIKELY:
        return _by_lines(clues, shop)
    return best, "name" if best >= 100.0 else "similar"


def _squeezed(text: str) -> str:
    return re.sub(r"[\W_]+", "", simplify(text))


def _likeness(printed: str, name: str) -> float:
    if not printed or not name:
        return 0.0
    if printed == name:
        return 100.0
    if _distinctive(name) and printed.startswith(name):
        return 96.0
    if _distinctive(printed) and (name.startswith(printed) or (printed in name and len(printed) * 2 >= len(name))):
        return 92.0
    if _distinctive(name) and name in printed:
        return 92.0
    return float(fuzz.ratio(printed, name))


def _distinctive(name: str) -> bool:
    # Two Chinese characters name a shop (喜茶); two letters name nothing.
    return (len(name) >= 2 and not name.isascii()) or len(name) >= 4


def _by_lines(clues: Clues, shop: ShopNames) -> tuple[float, str]:
    # The reader took a platform's or bank's name for the shop's: look for a known name among the first lines.
    top = [normalise_name(line) for line in clues.lines[:10]]
    hit = any(
        name == line or (len(name) >= 3 and _distinctive(name) and line.startswith(name))
        for line in top
        for name in (*shop.names, *shop.aliases)
    )
    return (89.0, "line") if hit else (0.0, "none")


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
