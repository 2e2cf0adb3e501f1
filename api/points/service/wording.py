"""A rule of points reads back as a sentence, in Chinese and English: what the second person reads before approving."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from api.kit.money import yuan
from api.points import reckoning
from api.sales.channels import channel_title

#: A sentence or a piece of one: Chinese, English.
Words = tuple[str, str]

WEEKDAYS = (
    ("周一", "Monday"), ("周二", "Tuesday"), ("周三", "Wednesday"), ("周四", "Thursday"), ("周五", "Friday"), ("周六", "Saturday"),
    ("周日", "Sunday"),
)  # fmt: skip
PERIODS = {
    "day": ("每天", "a day"),
    "week": ("每周", "a week"),
    "month": ("每月", "a month"),
    "ever": ("累计", "in all"),
}
ROUNDINGS = {
    "down": ("，不足一分舍去", ", fractions are dropped"),
    "half_up": ("，四舍五入", ", rounded half up"),
    "up": ("，不足一分进一", ", fractions count as one"),
}


@dataclass(frozen=True)
class Names:
    """What the numbers in a rule's conditions are called, and the codes of rules."""

    shops: Mapping[int, str] = field(default_factory=dict)
    sites: Mapping[int, str] = field(default_factory=dict)
    levels: Mapping[int, Words] = field(default_factory=dict)
    rules: Mapping[str, Words] = field(default_factory=dict)
    timezone: str = "Asia/Shanghai"


def sentence(rule: Mapping[str, Any], names: Names) -> dict[str, str]:
    """The rule in words: for which purchases, what it does, who bears it, and from when. `rule` holds the columns' values."""
    zh_where, en_where = _where(rule.get("conditions") or {}, names)
    zh_does, en_does = _EFFECTS[rule["kind"]](rule, names)
    more = [words for make in (_bearer, _rests, _dates) if (words := make(rule, names)) is not None]
    return {
        "zh": f"{zh_where}：{zh_does}。" + "".join(f"{zh}。" for zh, _ in more),
        "en": f"{en_where}: {en_does}." + "".join(f" {en}." for _, en in more),
    }


def _where(conditions: Mapping[str, Any], names: Names) -> Words:
    pieces = [_CONDITIONS[name](conditions[name], names) for name in _CONDITIONS if name in conditions]
    if not pieces:
        return "所有消费", "Every purchase"
    return "，".join(zh for zh, _ in pieces), "Purchases " + ", ".join(en for _, en in pieces)


def _listed(words: Sequence[Words], join: str = "or") -> Words:
    zh = "、".join(zh for zh, _ in words)
    *most, last = [en for _, en in words]
    return zh, f"{', '.join(most)} {join} {last}" if most else last


def _plain(values: Sequence[Any]) -> list[Words]:
    return [(str(value), str(value)) for value in values]


def _named(values: Sequence[int], known: Mapping[int, str]) -> list[Words]:
    return _plain([known.get(value, f"#{value}") for value in values])


def _channel(code: str) -> Words:
    title = channel_title(code)
    return f"“{title['zh']}”", f"“{title['en']}”"


def _around(zh: str, en: str, words: Words) -> Words:
    return zh.format(words[0]), en.format(words[1])


def _pairs(values: Sequence[Sequence[str]]) -> Words:
    return _listed([(f"{first} 至 {last}", f"{first} to {last}") for first, last in values])


#: In the order in which a person would say them.
_CONDITIONS: dict[str, Callable[[Any, Names], Words]] = {
    "dates": lambda values, _: _around("{} 期间", "from {}", _pairs(values)),
    "weekdays": lambda values, _: _around("{}", "on {}", _listed([WEEKDAYS[day - 1] for day in values])),
    "month_days": lambda values, _: _around("每月 {} 日", "on day {} of the month", _listed(_plain(values))),
    "hours": lambda values, _: _around("{}（只认得知时刻的消费）", "between {} (only where the time is known)", _pairs(values)),
    "sites": lambda values, names: _around("在 {}", "at {}", _listed(_named(values, names.sites))),
    "categories": lambda values, _: _around("{} 业态", "in the category {}", _listed(_plain(values))),
    "not_categories": lambda values, _: _around("{} 业态除外", "outside the category {}", _listed(_plain(values))),
    "shops": lambda values, names: _around("在 {}", "in {}", _listed(_named(values, names.shops))),
    "not_shops": lambda values, names: _around("{} 除外", "but not in {}", _listed(_named(values, names.shops))),
    "levels": lambda values, names: _around(
        "{} 会员", "by members at {}", _listed([names.levels.get(rank, (f"等级 {rank}", f"level {rank}")) for rank in values])
    ),
    "channels": lambda values, _: _around("通过 {}", "by {}", _listed([_channel(code) for code in values])),
    "min_fen": lambda value, _: (f"可积分金额满 ¥{yuan(value)}", f"of ¥{yuan(value)} or more"),
}


def _base(rule: Mapping[str, Any], _: Names) -> Words:
    points, each = rule["points"], yuan(rule["per_fen"])
    zh, en = f"每 ¥{each} 得 {points:,} 分", f"{points:,} {_points(points)} for every ¥{each}"
    if rule.get("use_shop_rate", True):
        zh, en = zh + "，再乘以店铺的积分倍率", en + ", times the shop's own rate"
    rounding = ROUNDINGS.get(rule.get("rounding") or "", ("", ""))
    rank = ("", "")
    if rule.get("priority"):
        rank = f"（优先级 {rule['priority']}，高者适用）", f" (priority {rule['priority']}: the highest that fits counts)"
    return zh + rounding[0] + rank[0], en + rounding[1] + rank[1]


def _multiplier(rule: Mapping[str, Any], _: Names) -> Words:
    times = reckoning.times(rule["factor_bp"])
    if stack := rule.get("stack"):
        return f"积分{times}（同组“{stack}”只取最高的一个）", f"points {times} (of the group “{stack}” only the highest counts)"
    return f"积分{times}", f"points {times}"


def _bonus(rule: Mapping[str, Any], _: Names) -> Words:
    return f"每笔另加 {rule['points']:,} 分", f"{rule['points']:,} more {_points(rule['points'])} for each"


def _cap(rule: Mapping[str, Any], names: Names) -> Words:
    zh_period, en_period = PERIODS[rule["period"]]
    zh_who, en_who = ("每位会员", "a member earns") if rule["per"] == "member" else ("全商场", "the whole mall gives")
    zh_of, en_of = "", ""
    if code := rule.get("of_code"):
        zh_rule, en_rule = names.rules.get(code, (code, code))
        zh_of, en_of = f"由“{zh_rule}”", f" by “{en_rule}”"
    most = rule["max_points"]
    return f"{zh_who}{zh_period}最多{zh_of}得 {most:,} 分", f"{en_who} at most {most:,} {_points(most)}{en_of} {en_period}"


def _points(number: int) -> str:
    return "point" if number == 1 else "points"


_EFFECTS: dict[str, Callable[[Mapping[str, Any], Names], Words]] = {
    "base": _base,
    "multiplier": _multiplier,
    "bonus": _bonus,
    "exclusion": lambda _rule, _names: ("不积分", "no points"),
    "cap": _cap,
}


def _bearer(rule: Mapping[str, Any], _: Names) -> Words | None:
    share = rule.get("shop_share_bp") or 0
    if rule["kind"] in {"exclusion", "cap"}:
        return None
    if share == 0:
        return "积分由商场承担", "The mall bears the points"
    if share == reckoning.WHOLE:
        return "积分由店铺承担", "The shop bears the points"
    percent = reckoning.plain(Fraction(share, 100))
    return f"店铺承担 {percent}%，其余由商场承担", f"The shop bears {percent}% of the points, the mall the rest"


def _rests(rule: Mapping[str, Any], _: Names) -> Words | None:
    return None if rule.get("enabled", True) else ("届时停用", "From then on the rule rests")


def _dates(rule: Mapping[str, Any], names: Names) -> Words | None:
    begins, ends = (_at(rule.get(name), names) for name in ("starts_at", "ends_at"))
    if begins is None:
        return None
    until = (f"，到 {ends} 为止", f" until {ends}") if ends else ("", "")
    return f"自 {begins} 起{until[0]}", f"From {begins}{until[1]}"


def _at(instant: datetime | None, names: Names) -> str | None:
    return instant.astimezone(ZoneInfo(names.timezone)).strftime("%Y-%m-%d %H:%M") if instant is not None else None
