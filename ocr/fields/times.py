"""When it was paid: dates in every order that shops print, with or without a time beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from ocr import dates
from ocr.fields.rows import Item, Row
from ocr.fields.text import has_han, squeezed

_MONTHS = {
    name: number for number, name in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1)
}
_SEP = r"\s?[-/.]\s?"
_NAMED = "|".join(_MONTHS)
_PATTERNS = (
    ("roc", re.compile(r"(?:民国|中华民国)\s?(?P<y>\d{2,3})\s?年?\s?[-/.]?\s?(?P<m>\d{1,2})\s?[月\-/.]\s?(?P<d>\d{1,2})")),
    ("roc", re.compile(rf"(?<![\d.])(?P<y>1[01]\d)(?:{_SEP}|年)(?P<m>\d{{1,2}})(?:{_SEP}|月)(?P<d>\d{{1,2}})(?!\d)")),
    ("ymd", re.compile(r"(?<!\d)(?P<y>20[0-4]\d)\s?[-/.年—]\s?(?P<m>[01]?\d)\s?[-/.月—]\s?(?P<d>[0-3]\d|\d(?!\d))")),
    ("ymd", re.compile(r"(?<!\d)(?P<y>20[0-4]\d)\s?(?P<m>0\d|1[0-2])\s(?P<d>[0-3]\d)(?=\s\d{1,2}\s?:)")),
    # The point between year and month, or month and day, is easily lost.
    ("ymd", re.compile(r"(?<!\d)(?P<y>20[0-4]\d)[-/.年]?(?P<m>0\d|1[0-2])[-/.月](?P<d>[0-3]\d)")),
    ("ymd", re.compile(r"(?<!\d)(?P<y>20[0-4]\d)[-/.年](?P<m>0\d|1[0-2])[-/.月]?(?P<d>[0-3]\d)")),
    ("dmy", re.compile(rf"(?<![\d.])(?P<d>\d{{1,2}}){_SEP}(?P<m>\d{{1,2}}){_SEP}(?P<y>20\d\d)(?!\d{{3}})")),
    ("dby", re.compile(rf"(?<!\d)(?P<d>\d{{1,2}})[\s\-/.,]*(?P<b>{_NAMED})[a-z]*[\s\-/.,]*(?P<y>20\d\d|\d\d)(?!\d)", re.IGNORECASE)),
    ("dby", re.compile(rf"(?P<b>{_NAMED})[a-z]*[\s\-/.,]*(?P<d>\d{{1,2}})(?:st|nd|rd|th)?[\s\-/.,]+(?P<y>20\d\d)", re.IGNORECASE)),
    ("two", re.compile(r"(?<![\d./-])(?P<a>\d{2})\s?([-/.])\s?(?P<b>\d{1,2})\s?\2\s?(?P<c>\d{2})(?:(?![\d/.%])|(?=[012]\d:[0-5]\d))")),
    ("two", re.compile(r"(?<!\d)(?P<a>\d{2})年(?P<b>\d{1,2})月(?P<c>\d{1,2})")),
    ("run", re.compile(r"(?<!\d)(?P<y>20[0-4]\d)(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])(?!\d)")),
)
_TIME = re.compile(
    r"(?P<half>上午|下午|晚上|中午|am|pm)?\s?(?<!\d)(?<!\d[:.])(?P<h>[012]?\d)\s?[:;时点]\s?(?P<m>[0-5]\d)(?:\s?[:;.分]?\s?(?P<s>[0-5]\d)(?![\d:]))?\s?(?P<after>[ap]\.?m\b\.?)?",
    re.IGNORECASE,
)
_RUN_TIME = re.compile(r"^\s?(?P<h>[01]\d|2[0-3])(?P<m>[0-5]\d)(?P<s>[0-5]\d)?(?!\d)")

_GOOD = re.compile(
    r"(结账|付款|支付|交易|销售|收银|消费|买单|结单|收款|成交|购票|购买|开票|结算|退货|退款|充值|paid|payment|trans|sale|txn)\w{0,2}(时间|日期|date|time)?|datetime|日期时间|日期/时间"
)
_FAIR = re.compile(r"时间|日期|date|time|下单|订单|点单|落单")
_WEAK = re.compile(r"打印|列印|印单|补打|print|开单|开始|创建")
_BAD = re.compile(
    r"开台|入座|入台|到店|场次|放映|开场|演出|观影|有效|到期|截止|截至|期限|生日|注册|送达|取餐时|预计|期望|预约|预订|就餐时间段|入场|进场|expir|valid|until|before|best|生产|保质|打烊|营业|business|open|原|showtime|session|兑奖|兑换|活动|领奖|使用期|失效|起至|checkin|arriv|deliverytime|提货时间"
)


@dataclass(frozen=True)
class Moment:
    """A date or date with time, where it was printed, and how likely it is when the slip was paid."""

    when: datetime
    has_time: bool
    items: tuple[Item, ...]
    score: float


def moments(rows: Sequence[Row], order: str) -> list[Moment]:
    """Every date of the slip, best first. `order`: "dmy" or "mdy", for dates whose order nothing on the slip settles."""
    stamps = _stamps(rows)
    candidates = [moment for number in range(len(rows)) for moment in _of_row(rows, number, order, stamps)]
    candidates.sort(key=lambda moment: moment.score, reverse=True)
    return [_with_time(candidates), *candidates[1:]] if candidates else []


def _with_time(candidates: Sequence[Moment]) -> Moment:
    """The best date; when it stands without a time, the time that the same day has elsewhere on the slip."""
    best = candidates[0]
    if best.has_time:
        return best
    same_day = [moment for moment in candidates if moment.has_time and moment.when.date() == best.when.date() and moment.score > 0.3]
    return same_day[0] if same_day else best


def _stamps(rows: Sequence[Row]) -> set[date]:
    """The days that numbers on the slip carry in themselves (20180312, 260404…): they settle the order of the others."""
    days: set[date] = set()
    for row in rows:
        for run in re.findall(r"\d{8,}", row.text):
            days |= {day for at in range(len(run) - 7) if (day := _day(run[at : at + 4], run[at + 4 : at + 6], run[at + 6 : at + 8]))}
    return days


def _day(year: str | int, month: str | int, day: str | int) -> date | None:
    try:
        day_read = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return day_read if 2010 <= day_read.year <= 2045 else None


def _of_row(rows: Sequence[Row], number: int, order: str, stamps: set[date]) -> Iterator[Moment]:
    row = rows[number]
    for item in row.items:
        text = dates.mended(re.sub(r"(?<=\d)O|O(?=\d)", "0", item.text))
        taken = 0
        for day, start, end, sure in _days(text, order, stamps):
            if start < taken:
                continue
            taken = end
            label = text[:start] if start > 1 else _label_before(rows, number, item)
            clock, clock_item = _clock(text[end:], rows, number, item)
            score = _score(label, bool(clock), sure) - 0.02 * (number / max(1, len(rows)))
            items = (item,) if clock_item is None or clock_item is item else (item, clock_item)
            yield Moment(datetime.combine(day, clock or time()), clock is not None, items, score)


def _label_before(rows: Sequence[Row], number: int, item: Item) -> str:
    before = [left_item.text for left_item in rows[number].items if left_item.left < item.left]
    if before:
        return before[-1]
    above = rows[number - 1] if number else None
    return above.text if above is not None and len(above.items) == 1 and len(above.text) <= 12 else ""


def _score(label: str, has_time: bool, sure: float) -> float:
    key = squeezed(label)
    score = 0.45
    if _BAD.search(key):
        score = 0.08
    elif _GOOD.search(key):
        score = 0.80
    elif _WEAK.search(key):
        # A slip is printed when it is paid, or again later; a time without any label is the till's own.
        score = 0.40
    elif _FAIR.search(key):
        score = 0.70
    return min(0.99, (score + (0.18 if has_time else 0.0))) * sure


def _days(text: str, order: str, stamps: set[date]) -> Iterator[tuple[date, int, int, float]]:
    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(text):
            read = _interpret(kind, match, text, order, stamps)
            if read is not None:
                yield read[0], match.start(), match.end(), read[1]


def _interpret(kind: str, match: re.Match[str], text: str, order: str, stamps: set[date]) -> tuple[date, float] | None:
    part = match.groupdict()
    if kind == "roc":
        return _sure(_day(int(part["y"]) + 1911, part["m"], part["d"]), 0.97)
    if kind in ("ymd", "run"):
        return _sure(_day(part["y"], part["m"], part["d"]), 1.0 if kind == "ymd" else 0.8)
    if kind == "dby":
        year = int(part["y"]) + (2000 if len(part["y"]) == 2 else 0)
        return _sure(_day(year, _MONTHS[part["b"].lower()], part["d"]), 1.0)
    if kind == "dmy":
        options = [_day(part["y"], part["m"], part["d"]), _day(part["y"], part["d"], part["m"])]
        return _pick(options if order == "dmy" else options[::-1], stamps)
    return _two_digits(part["a"], part["b"], part["c"], text, order, stamps)


def _sure(day: date | None, weight: float) -> tuple[date, float] | None:
    return None if day is None else (day, weight)


def _two_digits(a: str, b: str, c: str, text: str, order: str, stamps: set[date]) -> tuple[date, float] | None:
    year_first = _day(2000 + int(a), b, c)
    day_first = _day(2000 + int(c), b, a)
    month_first = _day(2000 + int(c), a, b)
    options = [day_first, month_first] if order == "dmy" else [month_first, day_first]
    if order == "ymd" or (has_han(text) and "年" in text):
        options = [year_first, day_first, month_first]
    else:
        options.append(year_first)
    return _pick(options, stamps)


def _pick(options: Sequence[date | None], stamps: set[date]) -> tuple[date, float] | None:
    able = [option for option in options if option is not None]
    if not able:
        return None
    stamped = [option for option in able if option in stamps]
    if stamped:
        return stamped[0], 1.0
    return able[0], 1.0 if len(set(able)) == 1 else 0.93


def _clock(rest: str, rows: Sequence[Row], number: int, item: Item) -> tuple[time | None, Item | None]:
    """The time after the date: in the same item, beside it, or on the next row with a label of its own."""
    # Beside a date, a point between hours and minutes is a colon that the reader took for one.
    pointed = re.sub(r"^(\s?[012]\d)\.([0-5]\d)", r"\1:\2", rest)
    if (inline := _read_time(pointed)) or (inline := _read_run(rest)):
        return inline, item
    beside = [neighbour for neighbour in rows[number].items if neighbour is not item]
    near = [neighbour for step in (1, -1, 2) if 0 <= number + step < len(rows) for neighbour in rows[number + step].items]
    for candidate in beside + near:
        clock = _read_time(candidate.text)
        if clock is None or re.search(r"\d{4}[-/.年]\d|\d[-/.]\d{1,2}[-/.]\d", candidate.text):
            continue
        alone = len(squeezed(_TIME.sub("", candidate.text, count=1))) <= 10
        if alone and not _BAD.search(squeezed(candidate.text)):
            return clock, candidate
    return None, None


def _read_time(text: str) -> time | None:
    match = _TIME.search(text)
    if match is None:
        return None
    hour = int(match["h"])
    half = (match["half"] or match["after"] or "").lower().replace(".", "")
    if half in ("下午", "晚上", "pm") and hour < 12:
        hour += 12
    if half in ("上午", "am") and hour == 12:
        hour = 0
    return time(hour, int(match["m"]), int(match["s"] or 0)) if hour < 24 else None


def _read_run(rest: str) -> time | None:
    match = _RUN_TIME.match(rest)
    return time(int(match["h"]), int(match["m"]), int(match["s"] or 0)) if match else None
