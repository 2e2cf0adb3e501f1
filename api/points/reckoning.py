"""What a sale earns. Pure arithmetic on facts and the rules in force; no database, no clock.

One base rule (the highest priority that fits) × the shop's rate × the level × the best multiplier of each stack, rounded once;
then bonuses. Each part is a difference of rounded running products, so the parts always add up to the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from fractions import Fraction
from functools import lru_cache
from operator import itemgetter
from typing import Any, Protocol

from api.kit.money import split, yuan

WHOLE = 10_000  # basis points
LEVEL_TITLE = {"zh": "会员等级", "en": "Member level"}


class RuleLike(Protocol):
    """A version of a rule, as the table has it."""

    id: Any
    code: Any
    version: Any
    kind: Any
    title_zh: Any
    title_en: Any
    conditions: Any
    priority: Any
    points: Any
    per_fen: Any
    factor_bp: Any
    stack: Any
    use_shop_rate: Any
    rounding: Any
    shop_share_bp: Any
    of_code: Any


@dataclass(slots=True)
class RuleFacts:
    """A version of a rule apart from its table, as far as reckoning asks: for rules that are only thought of, and for many sales."""

    id: int
    code: str
    version: int
    kind: str
    title_zh: str
    title_en: str
    conditions: Mapping[str, Any]
    priority: int
    points: int | None
    per_fen: int | None
    factor_bp: int | None
    stack: str
    use_shop_rate: bool
    rounding: str | None
    shop_share_bp: int
    max_points: int | None
    period: str | None
    per: str | None
    of_code: str | None

    @classmethod
    def of(cls, rule: Any) -> RuleFacts:
        """What a row of the table says."""
        return cls(**{name: getattr(rule, name) for name in cls.__slots__})


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a sale, in the mall's own time."""

    base_fen: int
    paid_fen: int
    local: datetime
    minute_known: bool
    channel: str
    shop_id: int
    site_id: int
    category: str
    shop_rate_bp: int
    shop_excluded: bool
    level: int
    level_bp: int

    def kept(self) -> dict[str, Any]:
        """As an award keeps them."""
        return {name: getattr(self, name) for name in _KEPT} | {"paid_at": self.local.isoformat()}

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Facts:
        """What an award kept. KeyError when it kept none."""
        base_fen, paid_fen, *others = _kept_values(kept)
        return cls(base_fen, paid_fen, datetime.fromisoformat(kept["paid_at"]), *others)


_KEPT = tuple(name for name in Facts.__slots__ if name != "local")
_kept_values = itemgetter(*_KEPT)


@dataclass(frozen=True, slots=True)
class Part:
    """The points that one rule gave, at the rate that was in force, and who bears them."""

    code: str
    version: int
    rule_id: int
    kind: str
    title: dict[str, str]
    rate: str
    points: int
    shop_points: int

    def stored(self) -> dict[str, Any]:
        """As the award keeps it."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Reckoned:
    """What a sale earns: the parts (the base part is the first, even where it rounds to nothing), or the reason why nothing."""

    parts: tuple[Part, ...] = ()
    reason: str | None = None
    capped: bool = False
    reason_title: dict[str, str] = field(default_factory=dict)

    @property
    def points(self) -> int:
        """All parts together."""
        return sum([part.points for part in self.parts])

    @property
    def shop_points(self) -> int:
        """The part of the points that the shop bears."""
        return sum([part.shop_points for part in self.parts])


def fits(conditions: dict[str, Any], facts: Facts) -> bool:
    """Whether every condition of a rule holds. A rule by the hour never fits a sale whose minute is unknown."""
    return all(_CONDITIONS[name](wanted, facts) for name, wanted in conditions.items())


def _in_hours(hours: Sequence[Sequence[str]], facts: Facts) -> bool:
    if not facts.minute_known:
        return False
    at = facts.local.time()
    return any(_between(time.fromisoformat(begin), time.fromisoformat(end), at) for begin, end in hours)


def _between(begin: time, end: time, at: time) -> bool:
    return begin <= at < end if begin < end else at >= begin or at < end


def _in_dates(ranges: Sequence[Sequence[str]], facts: Facts) -> bool:
    day = facts.local.date()
    return any(date.fromisoformat(first) <= day <= date.fromisoformat(last) for first, last in ranges)


_CONDITIONS: dict[str, Callable[[Any, Facts], bool]] = {
    "sites": lambda wanted, facts: facts.site_id in wanted,
    "categories": lambda wanted, facts: facts.category in wanted,
    "shops": lambda wanted, facts: facts.shop_id in wanted,
    "not_shops": lambda wanted, facts: facts.shop_id not in wanted,
    "not_categories": lambda wanted, facts: facts.category not in wanted,
    "levels": lambda wanted, facts: facts.level in wanted,
    "channels": lambda wanted, facts: facts.channel in wanted,
    "min_fen": lambda wanted, facts: facts.base_fen >= wanted,
    "weekdays": lambda wanted, facts: facts.local.isoweekday() in wanted,
    "month_days": lambda wanted, facts: facts.local.day in wanted,
    "dates": _in_dates,
    "hours": _in_hours,
}


def wrong_conditions(conditions: dict[str, Any]) -> dict[str, str]:
    """What is wrong with the conditions of a rule, by name; empty when nothing is."""
    wrong = {name: "there is no such condition" for name in conditions if name not in _CONDITIONS}
    return wrong | {name: note for name, value in conditions.items() if name not in wrong and (note := _wrong_value(name, value))}


def _wrong_value(name: str, value: Any) -> str | None:
    if name == "min_fen":
        return None if type(value) is int and value >= 0 else "must be an amount in fen"
    if not isinstance(value, list) or not value:
        return "must be a list with something in it"
    if name in {"dates", "hours"}:
        parse: Callable[[str], Any] = date.fromisoformat if name == "dates" else time.fromisoformat
        return None if all(_is_pair(pair, parse) for pair in value) else "must be a list of pairs: first and last day, or HH:MM from and to"
    kind = str if name in {"categories", "not_categories", "channels"} else int
    if any(type(item) is not kind for item in value):
        return "must be a list of texts" if kind is str else "must be a list of whole numbers"
    limit = {"weekdays": 7, "month_days": 31}.get(name)
    return None if limit is None or all(1 <= item <= limit for item in value) else f"must be 1 to {limit}"


def _is_pair(pair: Any, parse: Callable[[str], Any]) -> bool:
    if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(item, str) for item in pair):
        return False
    try:
        first, last = parse(pair[0]), parse(pair[1])
    except ValueError:
        return False
    return isinstance(first, time) or first <= last


def reckon(facts: Facts, rules: Iterable[RuleLike], *, rounding: str) -> Reckoned:
    """What the sale earns by the rules in force. `rounding` is the mall's, unless the base rule says otherwise."""
    fitting = [rule for rule in rules if rule.kind != "cap" and (not rule.conditions or fits(rule.conditions, facts))]
    if facts.shop_excluded or facts.shop_rate_bp == 0:
        return Reckoned(reason="shop_excluded")
    if facts.base_fen <= 0:
        return Reckoned(reason="nothing_earning")
    if barred := [rule for rule in fitting if rule.kind == "exclusion"]:
        return Reckoned(reason="excluded", reason_title=_title(barred[0]))
    bases = [rule for rule in fitting if rule.kind == "base"]
    if not bases:
        return Reckoned(reason="no_rule")
    base = min(bases, key=lambda rule: (-rule.priority, rule.code))
    parts = [*_rated(facts, base, _best(fitting), rounding), *[_bonus(rule) for rule in fitting if rule.kind == "bonus"]]
    whole = Reckoned(tuple([part for part in parts if part.points or part.kind == "base"]))
    return whole if whole.points else Reckoned(reason="too_small")


def _best(fitting: Sequence[RuleLike]) -> list[RuleLike]:
    """Of each stack the highest factor; multipliers of different stacks multiply each other."""
    multipliers = [rule for rule in fitting if rule.kind == "multiplier"]
    if len(multipliers) < 2:
        return multipliers
    best: dict[str, RuleLike] = {}
    for rule in sorted(multipliers, key=lambda rule: (-rule.factor_bp, rule.code)):
        best.setdefault(rule.stack or rule.code, rule)
    return sorted(best.values(), key=lambda rule: str(rule.code))


def _rated(facts: Facts, base: RuleLike, multipliers: Sequence[RuleLike], rounding: str) -> list[Part]:
    """The running product is an exact fraction, over/under, of whole numbers."""
    mode = base.rounding or rounding
    over, under = facts.base_fen * base.points, base.per_fen
    if base.use_shop_rate:
        over, under = over * facts.shop_rate_bp, under * WHOLE
    so_far = _rounded(over, under, mode)
    parts = [_part(base, base_rate(base, facts), so_far)]
    if facts.level_bp != WHOLE:
        over, under = over * facts.level_bp, under * WHOLE
        points, so_far = _rounded(over, under, mode) - so_far, _rounded(over, under, mode)
        shop_points = _shop_part(points, base.shop_share_bp)
        parts.append(Part(base.code, base.version, base.id, "level", LEVEL_TITLE, times(facts.level_bp), points, shop_points))
    for rule in multipliers:
        over, under = over * rule.factor_bp, under * WHOLE
        points, so_far = _rounded(over, under, mode) - so_far, _rounded(over, under, mode)
        parts.append(_part(rule, times(rule.factor_bp), points))
    return _no_part_below_zero(parts)


def _no_part_below_zero(parts: list[Part]) -> list[Part]:
    """A level below ×1 lowers the base part; only then can a part be negative."""
    lowered_by = sum([min(part.points, 0) for part in parts])
    if not lowered_by:
        return parts
    base = parts[0]
    points = base.points + lowered_by
    lowered = replace(base, points=points, shop_points=split(points, [base.shop_points, base.points - base.shop_points])[0])
    return [lowered, *(part for part in parts[1:] if part.points > 0)]


def _rounded(over: int, under: int, mode: str) -> int:
    down, rest = divmod(over, under)
    if mode == "down" or not rest:
        return down
    return down + 1 if mode == "up" or rest * 2 >= under else down


def _shop_part(points: int, shop_share_bp: int) -> int:
    """Of points the part that the shop bears."""
    return split(points, [shop_share_bp, WHOLE - shop_share_bp])[0] if shop_share_bp else 0


def _bonus(rule: RuleLike) -> Part:
    return _part(rule, f"+{rule.points}", rule.points)


def _part(rule: RuleLike, rate: str, points: int) -> Part:
    shop_points = _shop_part(points, rule.shop_share_bp)
    return Part(rule.code, rule.version, rule.id, rule.kind, _title(rule), rate, points, shop_points)


def _title(rule: RuleLike) -> dict[str, str]:
    return {"zh": rule.title_zh, "en": rule.title_en}


def base_rate(rule: RuleLike, facts: Facts) -> str:
    """A base rule's rate as it applied: points a yuan, with the shop's own rate in it."""
    return _rate(rule.points, rule.per_fen, facts.shop_rate_bp if rule.use_shop_rate else WHOLE)


@lru_cache(maxsize=4096)
def _rate(points: int, per_fen: int, bp: int) -> str:
    return plain(Fraction(points * 100, per_fen) * Fraction(bp, WHOLE))


@lru_cache(maxsize=4096)
def times(factor_bp: int) -> str:
    """20,000 → "×2", 15,000 → "×1.5"."""
    return "×" + plain(Fraction(factor_bp, WHOLE))


def plain(number: Fraction) -> str:
    """A ratio for people: at most four decimals, no zeros at the end."""
    whole, rest = divmod(number.numerator * 10_000 // number.denominator, 10_000)
    return f"{whole}.{rest:04d}".rstrip("0").rstrip(".")


def limit(reckoned: Reckoned, of_code: str | None, granted: int) -> Reckoned:
    """Keep at most `granted` points of one rule's part, or of all; the last parts give way first."""
    over = sum(part.points for part in reckoned.parts if of_code in (None, part.code)) - granted
    if over <= 0:
        return reckoned
    kept: list[Part] = []
    for part in reversed(reckoned.parts):
        cut = min(over, part.points) if of_code in (None, part.code) else 0
        over -= cut
        points = part.points - cut
        kept.append(replace(part, points=points, shop_points=split(points, [part.shop_points, part.points - part.shop_points])[0]))
    return Reckoned(tuple(part for part in reversed(kept) if part.points or part.kind == "base"), capped=True)


#: How much of a quantity a refund takes.
Share = Callable[[int], int]


def refund_share(whole_fen: int, before_fen: int, refunded_fen: int) -> Share:
    """The part of a quantity that a refund takes, when of the whole so much was refunded before it.

    It is a difference of cumulative splits (largest remainder), so refunds in any pieces and any order end at the same sum. What was
    refunded before the sale earned (below zero) is out already.
    """
    before, after = max(0, before_fen), max(0, before_fen + refunded_fen)

    def share(quantity: int) -> int:
        if after == before:
            return 0
        return split(quantity, [after, whole_fen - after])[0] - split(quantity, [before, whole_fen - before])[0]

    return share


def undone(points: int, shop_points: int, share: Share) -> tuple[int, int]:
    """Of a part's points those that a refund takes back, and of these the shop's."""
    of_shop = share(shop_points)
    return of_shop + share(points - shop_points), of_shop


REASONS = {
    "shop_excluded": ("本店不参与积分", "This shop gives no points"),
    "nothing_earning": ("本单没有可积分的实付金额", "Nothing of this purchase was paid in a way that earns points"),
    "excluded": ("本单不参与积分", "This purchase earns no points"),
    "no_rule": ("没有适用的积分规则", "No rule of points applies to this purchase"),
    "too_small": ("金额不足一分", "The amount is too small for a single point"),
    "capped": ("已达到积分上限", "The limit of points has been reached"),
    "refunded": ("本单已退款", "This purchase has been refunded"),
    "member_closed": ("会员已注销", "The membership was closed"),
}


def explain(facts: Facts, reckoned: Reckoned) -> dict[str, str]:
    """The sentence under the points, in Chinese and English."""
    if not reckoned.points:
        zh, en = REASONS[reckoned.reason or "capped"]
        title = reckoned.reason_title
        return {
            "zh": f"0 分：{zh}" + (f"（{title['zh']}）" if title else ""),
            "en": f"0 points: {en}" + (f" ({title['en']})" if title else ""),
        }
    rated = [part for part in reckoned.parts if part.kind != "bonus"]
    bonuses = [part for part in reckoned.parts if part.kind == "bonus"]
    texts = {language: _sentence(facts, reckoned, rated, bonuses, language) for language in ("zh", "en")}
    if reckoned.capped:
        texts = {"zh": texts["zh"] + "，已达上限", "en": texts["en"] + ", limit reached"}
    return texts


def _sentence(facts: Facts, reckoned: Reckoned, rated: Sequence[Part], bonuses: Sequence[Part], language: str) -> str:
    zh = language == "zh"
    unit = "分/元" if zh else "a yuan"
    notes = [rated[0].title[language], *(f"{part.title[language]} {part.rate}" for part in rated[1:])]
    bracket = f"（{' · '.join(notes)}）" if zh else f" ({' · '.join(notes)})"
    terms = [f"¥{yuan(facts.base_fen)} × {rated[0].rate} {unit}{bracket}"]
    terms += [f"{part.points} {part.title[language]}" for part in bonuses]
    return f"{reckoned.points} {'分' if zh else 'points'} = {' + '.join(terms)}"
