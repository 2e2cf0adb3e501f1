"""When it was paid: dates in every order that shops print, with or without a time beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from ocr import dates
from ocr.fields.rows import Item, Row
from ocr.fields.text import squeezed
from ocr.reading import Kind

_MONTHS = {
    name: number for number, name in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1)
} | {"mrz": 3, "mär": 3, "mac": 3, "mai": 5, "mei": 5, "ogo": 8, "okt": 10, "dez": 12, "dis": 12}
# From Monday; a day of the week beside a date settles which of its numbers is the month.
_WEEKDAYS = (
    r"星期一|周一|礼拜一|\bmon(day)?\b|\bisnin\b|\bmontag\b",
    r"星期二|周二|礼拜二|\btue(s(day)?)?\b|\bselasa\b|\bdienstag\b",
    r"星期三|周三|礼拜三|\bwed(nesday)?\b|\brabu\b|\bmittwoch\b",
    r"星期四|周四|礼拜四|\bthu(r(s(day)?)?)?\b|\bkhamis\b|\bdonnerstag\b",
    r"星期五|周五|礼拜五|\bfri(day)?\b|\bjumaat\b|\bfreitag\b",
    r"星期六|周六|礼拜六|\bsat(urday)?\b|\bsabtu\b|\bsamstag\b",
    r"星期[日天]|周日|礼拜[日天]|\bsun(day)?\b|\bahad\b|\bsonntag\b",
)
_WEEKDAY = tuple(re.compile(names, re.IGNORECASE) for names in _WEEKDAYS)
_SEP = r"\s?[-/.]\s?"
_NAMED = "|".join(_MONTHS)
_HOUR = r"(?:[01]\d|2[0-3])"
_MD = r"(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])"
_PATTERNS = (
    ("roc", re.compile(r"(?:民国|中华民国)\s?(?P<y>\d{2,3})\s?年?\s?[-/.]?\s?(?P<m>\d{1,2})\s?[月\-/.]\s?(?P<d>\d{1,2})")),
    ("roc", re.compile(rf"(?<![\d.])(?P<y>1[01]\d)(?:{_SEP}|年)(?P<m>\d{{1,2}})(?:{_SEP}|月)(?P<d>\d{{1,2}})(?!\d)")),
    ("ymd", re.compile(r"(?<!\d)(?P<y>20[0-4]\d)\s?[-/.年—]\s?(?P<m>[01]?\d)\s?[-/.月—]\s?(?P<d>[0-3]\d|\d(?!\d))")),
    ("ymd", re.compile(r"(?<!\d)(?P<y>20[0-4]\d)\s?(?P<m>0\d|1[0-2])\s(?P<d>[0-3]\d)(?=\s\d{1,2}\s?:)")),
    # The point between year and month, or month and day, is easily lost.
    ("ymd", re.compile(r"(?<!\d)(?P<y>20[0-4]\d)[-/.年]?(?P<m>0\d|1[0-2])[-/.月](?P<d>[0-3]\d)")),
    ("ymd", re.compile(r"(?<!\d)(?P<y>20[0-4]\d)[-/.年](?P<m>0\d|1[0-2])[-/.月]?(?P<d>[0-3]\d)")),
    ("dmy", re.compile(rf"(?<!\d)(?<!\d\.)(?P<d>\d{{1,2}}){_SEP}(?P<m>\d{{1,2}}){_SEP}(?P<y>20\d\d)(?!\d{{3}})")),
    ("dmy", re.compile(r"(?<![\d./-])(?P<d>[0-3]\d)[-/.]?(?P<m>[01]\d)[-/.](?P<y>20[0-4]\d)(?!\d)")),
    ("dby", re.compile(rf"(?<!\d)(?P<d>\d{{1,2}})[\s\-/.,]*(?P<b>{_NAMED})[a-zä]*[\s\-/.,'’]*(?P<y>20\d\d|\d\d)(?!\d)", re.IGNORECASE)),
    ("dby", re.compile(rf"(?P<b>{_NAMED})[a-zä]*[\s\-/.,]*(?P<d>\d{{1,2}})(?:st|nd|rd|th)?[\s\-/.,'’]+(?P<y>20\d\d)", re.IGNORECASE)),
    ("two", re.compile(r"(?<![\d./-])(?P<a>\d{2})\s?([-/.])\s?(?P<b>\d{1,2})\s?\2\s?(?P<c>\d{2})(?:(?![\d/.%])|(?=[012]\d:[0-5]\d))")),
    ("two", re.compile(r"(?<![\d./-])(?P<a>\d)([-/.])(?P<b>\d{1,2})\2(?P<c>\d{2})(?=\s+[012]?\d:[0-5]\d)")),
    ("two", re.compile(r"(?<!\d)(?P<a>\d{2})年(?P<b>\d{1,2})月(?P<c>\d{1,2})")),
    # Digits in a run: day and time together, without a separator or with those of the time alone.
    ("run", re.compile(rf"(?<![\dA-Za-z])(?P<y>20[0-4]\d){_MD}(?={_HOUR}[0-5]\d(?:[0-5]\d)?(?!\d)|{_HOUR}:[0-5]\d)")),
    ("run", re.compile(rf"(?<![\dA-Za-z])(?P<y>[1-4]\d){_MD}(?={_HOUR}[0-5]\d[0-5]\d(?!\d)|{_HOUR}:[0-5]\d)")),
    ("run", re.compile(rf"(?<!\d)(?P<y>20[0-4]\d){_MD}(?!\d)")),
)
_TIME = re.compile(
    r"(?P<half>上午|下午|晚上|中午|am|pm)?\s?(?<!\d)(?<!\d[:.])(?P<h>[012]?\d)\s?[:;时点]\s?(?P<m>[0-5]\d)(?:\s?[:;.分]?\s?(?P<s>[0-5]\d)(?![\d:]))?\s?(?P<after>[ap]\.?m\b\.?)?",
    re.IGNORECASE,
)
_RUN_TIME = re.compile(r"^[\s\-T]?(?P<h>[01]\d|2[0-3])(?P<m>[0-5]\d)(?P<s>[0-5]\d)?(?!\d)")

_GOOD = re.compile(
    r"(结账|付款|支付|交易|销售|收银|消费|买单|结单|收款|成交|购票|购买|开票|结算|退货|退款|充值|paid|payment|trans|sale|txn)\w{0,2}(时间|日期|date|time)?|datetime|日期时间|日期/时间"
)
_FAIR = re.compile(r"时间|日期|date|time|下单|订单|点单|落单|datum|^dat$|zeit|uhr|tarikh|masa")
_WEAK = re.compile(r"打印|列印|印单|补打|print|开单|开始|创建")
_BAD = re.compile(
    r"上一?次|前次|上回|^last|last(add|top|reload|visit|update|purchase|trans)|入会|会籍|membersince|joined|joindate|renew|开台|入座|入台|到店|场次|放映|开场|演出|观影|有效|到期|截止|截至|期限|生日|注册|送达|取餐时|预计|期望|预约|预订|就餐时间段|入场|进场|expir|valid|until|before|best|生产|保质|打烊|营业|business|open|原|showtime|session|兑奖|兑换|活动|领奖|使用期|失效|起至|checkin|arriv|deliver(y|ed)?(time|on|by|date|at)|提货|取衣|取镜|自提|取货|取件|安装|送货(?!单)|配送|保修|保固|登录|优惠(时间|日期|期|$)"
    r"|g[uü]ltig|garantie|warrant|umtausch|abhol|exchange(by|until|within)|pickup|collect(ion)?(on|by|date|time)|reserv|appointment|screening|promotion|previous|install"
)
# Behind a date: a card's top-up, or the end of something, not a purchase.
_BAD_AFTER = re.compile(
    r"^\D{0,4}(增值|充值|到期|过期|前有效|前使用|止$|失效|截止|届满|送达|送货|配送|取货|提货|自提|入会|生效|expire|deliver|pick(ed)?up|collect|top(ped)?up)",
    re.IGNORECASE,
)
# The names that tills give to the time of a sale, as the whole of a label. Any other day has a name of its own (washing day, …日期).
_PLAIN = (
    r"(本次|当前|系统|机器|电脑|单据|小票|账单|订单|单|下单|点单|点菜|落单|就餐|用餐|堂食|收据|发票|业务|记账|制单|入账|出单|购物|购货|pos|till|system|sys|local|"
    r"bill|invoice|inv|order|receipt|rcpt|resit|invois|check|chk|doc|document|slip|rechnungs|beleg|bon|kauf|tax)*"
    r"(日期|时间|date|time|dated?|datum|zeit|uhrzeit|uhr|dat|dt|day|tarikh|masa|tgl|and|und|dan|of|的)+"
)
_SALE = (
    r"(结账|付款|支付|交易|销售|收银|消费|买单|结单|收款|成交|购票|购买|开票|结算|退货|退款|充值|储值|增值|topup|reload|refund|return|"
    r"paid|payment|purchase|trans|transaction|txn|trx|trn|sales?|cashsales?|salesmemo)(完成|成功)?(日|时|on|at)?"
)
_OWN = re.compile(rf"(^|\d)({_SALE}({_PLAIN})?|{_PLAIN}({_SALE})?)$")
# A bill is opened and printed when it is paid or a little earlier, and printed again later: as good as no name.
_PRINTED = re.compile(
    rf"^((打印|列印|印单|开单|创建|print(ed|ing)?|created?|closed?)({_PLAIN}|by\w{{0,6}})?|(b[i1l]{{3}}|chk|check|closed?)(start|open(ed)?|closed?|ended|b[i1l]{{3}}|chk|check)({_PLAIN})?)$"
)
# What a top-up or a refund calls its day names another day on a purchase.
_OF_KIND = {"top_up": re.compile(r"充值|储值|增值|topup|reload"), "refund": re.compile(r"退货|退款|refund|return")}
# Days of something else, whatever number stands beside them.
_OF_ELSE = re.compile(
    r"送|取|预|约|增值|充值|储值|会员|会籍|效|期|洗|租|还|归|退|换|deliver|member|topup|reload|valid|expir|start|begin|until|return|pickup|collect|ready"
)
# What stands on the line of a date without being its name: a number with its label, a till, a table, who served.
_BESIDE = re.compile(
    r"(单|号|码|no|nr|number|bill|inv|invoice|receipt|rcpt|order|chk|check|doc|ref|trn|trx|tx|pos|till|term|terminal|机|台|桌|店|shop|store|counter|cash|kasse|tisch|table|tbl|"
    r"收银|clerk|operator|user|人|pax|guest|cover|税)\D{0,12}\d\w*$|^\w*(gst|tax|reg)(no)?$|^(员|收银|cashier|staff|server|served(by)?|sales|promoter|reg|register|shop|store)|^\d\w*$|^[a-z]{0,6}\d\w*$"
)
# Digits in a run under one of these are a number that begins with a day.
_NUMBERED = re.compile(r"(单号?|编号|流水号?|序号|号码?|条码|no|number|bill|inv|invoice|receipt|order|ref|id)$")
# What else has long numbers, which may begin like a day.
_OTHERS = re.compile(r"电话|手机|热线|传真|tel|phone|mobile|fax|会员(?!单)|member|卡|card|vip|货号|商品|款号|ean|sku|article|artikel|isbn")
# How long after the purchase a photo counts as sent soon.
NEAR = timedelta(days=26)
TILL_AHEAD = timedelta(days=1)


@dataclass(frozen=True)
class Moment:
    """A date or date with time, where it was printed, and how likely it is when the slip was paid."""

    when: datetime
    has_time: bool
    items: tuple[Item, ...]
    score: float
    #: Whether its label is one of a sale's own time; None: it stands without any.
    named: bool | None = None
    #: What else the same print means in another order of day, month and year, where nothing settles the order.
    others: tuple[datetime, ...] = ()


@dataclass(frozen=True)
class _Printed:
    """A date as it stands in a text: the days it can mean by their order, the likelier first, and how plainly it is one."""

    start: int
    end: int
    days: tuple[tuple[str, date], ...]
    sure: float
    run: bool = False


@dataclass(frozen=True)
class _Witness:
    """What settles the order of a date: days that are beyond doubt, runs of digits that begin with a day, the orders in use, today."""

    days: frozenset[date]
    runs: str
    orders: frozenset[str]
    today: date | None


def moments(rows: Sequence[Row], order: str, today: date | None = None, kind: Kind = "receipt") -> list[Moment]:
    """Every date of the slip, best first.

    `order` ("dmy" or "ymd") is what a date means first where nothing settles it; `today` is the day of upload.
    """
    witness = _witness(rows, order, today)
    candidates = [moment for number in range(len(rows)) for moment in _of_row(rows, number, order, witness, kind)]
    candidates.sort(key=lambda moment: moment.score, reverse=True)
    return [_with_time(candidates), *candidates[1:]] if candidates else []


def _with_time(candidates: Sequence[Moment]) -> Moment:
    """The best date; when it stands without a time, the time that the same day has elsewhere on the slip."""
    best = candidates[0]
    if best.has_time:
        return best
    same_day = [moment for moment in candidates if moment.has_time and moment.when.date() == best.when.date() and moment.score > 0.3]
    return same_day[0] if same_day else best


def _witness(rows: Sequence[Row], order: str, today: date | None) -> _Witness:
    days, orders = _stamps(rows), set()
    texts = [_readable(item.text) for row in rows for item in row.items]
    for text, printed in ((line, stamp) for line in texts for stamp in _dates(line, order)):
        elsewhere = printed.run and _OTHERS.search(squeezed(text[: printed.start]))
        if len({day for _, day in printed.days}) == 1 and not elsewhere:
            days.add(printed.days[0][1])
            orders |= {name for name, _ in printed.days if len(printed.days) == 1}
    runs = " ".join(run for row in rows for run in _own_runs(row) if len(run) >= 10)
    return _Witness(frozenset(days), runs, frozenset(orders - {""}), today)


def _stamps(rows: Sequence[Row]) -> set[date]:
    """The days that numbers on the slip carry in themselves (20180312…): they settle the order of the others."""
    days: set[date] = set()
    for row in rows:
        days |= {day for run in _own_runs(row) if (day := _day(run[:4], run[4:6], run[6:8]))}
    return days


def _own_runs(row: Row) -> list[str]:
    """The long numbers of the row, without those of a phone, a member, a card or an article."""
    matches = re.finditer(r"(?<!\d)\d{8,}", row.text)
    return [match.group() for match in matches if not _OTHERS.search(squeezed(row.text[: match.start()]))]


def _day(year: str | int, month: str | int, day: str | int) -> date | None:
    try:
        day_read = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return day_read if 2010 <= day_read.year <= 2045 else None


def _of_row(rows: Sequence[Row], number: int, order: str, witness: _Witness, kind: Kind) -> Iterator[Moment]:
    row = rows[number]
    for item in row.items:
        text = _readable(item.text)
        for printed in _dates(text, order):
            before, after = text[: printed.start], text[printed.end :]
            beside = before if len(squeezed(_TIME.sub("", before))) > 1 else _label_beside(rows[number], item)
            label = beside or _label_above(rows, number)
            day, others = _settled(printed, text, witness)
            clock, clock_item = _clock(before, after, rows, number, item)
            weight = printed.sure * (0.93 if others else 1.0)
            score = _score(label, after, bool(clock), printed.run) * weight - 0.02 * (number / max(1, len(rows)))
            items = (item,) if clock_item is None or clock_item is item else (item, clock_item)
            at = clock or time()
            readings = tuple(datetime.combine(other_day, at) for other_day in others)
            named = _is_own(beside, kind) if beside else _is_own_above(rows, number, kind)
            yield Moment(datetime.combine(day, at), clock is not None, items, score, named, readings)


def _readable(text: str) -> str:
    return dates.mended(re.sub(r"(?<=\d)O|O(?=\d)", "0", text))


def _is_own(label: str, kind: Kind) -> bool | None:
    """Whether the label names the time of a sale; None where it names nothing, or only what stands beside it."""
    for day in _WEEKDAY:
        label = day.sub("", label)
    key = squeezed(_TIME.sub("", label))
    if not key or _PRINTED.search(key) or (_BESIDE.search(key) and not _OF_ELSE.search(key)):
        return None
    of_others = any(pattern.search(key) for name, pattern in _OF_KIND.items() if name != kind)
    return bool(_OWN.search(key)) and not of_others


def _is_own_above(rows: Sequence[Row], number: int, kind: Kind) -> bool | None:
    """What the row above says of a date that has no label beside it: most often nothing."""
    label = _label_above(rows, number, most=40)
    if label and _is_own(label, kind):
        return True
    return False if label.endswith(":") or _BAD.search(squeezed(label)) else None


def _label_beside(row: Row, item: Item) -> str:
    before = [left_item.text for left_item in row.items if left_item.left < item.left and squeezed(left_item.text)]
    return before[-1] if before else ""


def _label_above(rows: Sequence[Row], number: int, most: int = 12) -> str:
    above = rows[number - 1] if number else None
    return above.text if above is not None and len(above.items) == 1 and len(above.text) <= most else ""


def _score(label: str, after: str, has_time: bool, run: bool) -> float:
    key = squeezed(label)
    score = 0.45
    if _BAD.search(key) or _BAD_AFTER.search(_TIME.sub("", after, count=1)):
        score = 0.08
    elif run and _NUMBERED.search(key):
        score = 0.15
    elif _GOOD.search(key):
        score = 0.80
    elif _WEAK.search(key):
        # A slip is printed when it is paid, or again later; a time without any label is the till's own.
        score = 0.40
    elif _FAIR.search(key):
        score = 0.70
    return min(0.99, score + (0.18 if has_time else 0.0))


def _dates(text: str, order: str) -> list[_Printed]:
    """The dates that stand in the text, from the left; where two ways of reading overlap, the plainer one."""
    printed: list[_Printed] = []
    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(text):
            days, sure = _days(kind, match, text, order)
            apart = all(match.end() <= earlier.start or earlier.end <= match.start() for earlier in printed)
            if days and apart:
                printed.append(_Printed(match.start(), match.end(), days, sure, kind == "run"))
    return sorted(printed, key=lambda date_printed: date_printed.start)


def _days(kind: str, match: re.Match[str], text: str, order: str) -> tuple[tuple[tuple[str, date], ...], float]:
    """The days that the print can mean, by their order, and how plainly it is a date at all."""
    part = match.groupdict()
    if kind == "roc":
        return _able(("", int(part["y"]) + 1911, part["m"], part["d"])), 0.97
    if kind in ("ymd", "run"):
        year = int(part["y"]) + (2000 if len(part["y"]) == 2 else 0)
        plain = kind == "ymd" or re.match(r"\d\d:?\d\d", text[match.end() :])
        return _able(("", year, part["m"], part["d"])), 1.0 if plain else 0.8
    if kind == "dby":
        year = int(part["y"]) + (2000 if len(part["y"]) == 2 else 0)
        return _able(("", year, _MONTHS[part["b"].lower()], part["d"])), 1.0
    if kind == "dmy":
        day_first, month_first = ("dmy", part["y"], part["m"], part["d"]), ("mdy", part["y"], part["d"], part["m"])
        return _able(*([day_first, month_first] if order == "dmy" else [month_first, day_first])), 1.0
    a, b, c = part["a"], part["b"], part["c"]
    year_first, day_first, month_first = ("ymd", 2000 + int(a), b, c), ("dmy", 2000 + int(c), b, a), ("mdy", 2000 + int(c), a, b)
    if "年" in match.group():
        return _able(year_first), 1.0
    if len(a) == 1:
        return _able(day_first, month_first), 1.0
    return _able(*([year_first, day_first, month_first] if order == "ymd" else [day_first, month_first, year_first])), 1.0


def _able(*options: tuple[str, str | int, str | int, str | int]) -> tuple[tuple[str, date], ...]:
    return tuple((order, day) for order, year, month, number in options if (day := _day(year, month, number)))


def _settled(printed: _Printed, text: str, witness: _Witness) -> tuple[date, tuple[date, ...]]:
    """The day that the print means, and what else it could mean when nothing on the slip and no day of upload settles it."""
    days = dict.fromkeys(day for _, day in printed.days)
    if len(days) > 1:
        days = _narrowed(days, [day for day in days if _falls_on(day, text)])
        days = _narrowed(days, [day for day in days if day in witness.days])
        days = _narrowed(days, [day for day in days if re.search(rf"(?<!\d){day:%y%m%d}", witness.runs)])
        if witness.today is not None:
            days = _narrowed(days, [day for day in days if day <= witness.today + TILL_AHEAD])
        if len(witness.orders) == 1:
            days = _narrowed(days, [day for order, day in printed.days if order in witness.orders and day in days])
        if witness.today is not None:
            days = dict.fromkeys(sorted(days, reverse=True))  # slips are sent soon, but an old one may be sent as well
    first, *others = days
    return first, tuple(others)


def _narrowed(days: dict[date, None], fitting: Sequence[date]) -> dict[date, None]:
    return dict.fromkeys(fitting) if fitting else days


def _falls_on(day: date, text: str) -> bool:
    return bool(_WEEKDAY[day.weekday()].search(text))


def _clock(before: str, rest: str, rows: Sequence[Row], number: int, item: Item) -> tuple[time | None, Item | None]:
    """The time of the date: behind or before it in the same item, beside it, or on the next row with a label of its own."""
    # Beside a date, a point between hours and minutes is a colon that the reader took for one.
    pointed = re.sub(r"^(\s?[012]\d)\.([0-5]\d)", r"\1:\2", rest)
    # The colon between hours and minutes may be lost where those of the seconds were read.
    pointed = re.sub(r"^(\s\d)\s([0-5]\d:[0-5]\d)(?![\d:])", r"\1:\2", pointed)
    if (inline := _read_time(pointed)) or (inline := _read_run(rest)) or (inline := _read_time(before[-16:])):
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
