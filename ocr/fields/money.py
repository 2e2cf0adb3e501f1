"""Printed amounts: digits with or without a currency, and the capital words (大写) of Chinese bills."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ocr.fields.rows import Item, Row
from ocr.reading import SOME_DOLLAR

# ISO 4217 code by what is printed; the first that matches anywhere on the slip wins, so the specific come first.
_CURRENCIES = (
    ("HKD", r"HK\s?[$S§]|HKD|港币|港元"),
    ("MOP", r"MOP\s?[$S]?|澳门元|澳门币|葡币"),
    ("TWD", r"(?<![A-Za-z])NT\s?(?:\$|S(?=\s?\d))|(?<![A-Za-z])NTD|TWD|新台币|新台幣"),
    ("CNY", r"RMB|CNY|CN¥|人民币"),
    ("MYR", r"\bRM\s?(?=\d)|\bMYR\b|\(RM\)|\bRM\b"),
    ("SGD", r"(?<![A-Z])S\$|\bSGD\b"),
    ("USD", r"US\s?\$|\bUSD\b"),
    ("EUR", r"€|\bEUR\b"),
    ("GBP", r"£|\bGBP\b"),
    ("AUD", r"(?<![A-Za-z])AU?\s?\$|\bAUD\b"),
    ("CAD", r"(?<![A-Za-z])CA?\$|\bCAD\b"),
    ("NZD", r"(?<![A-Za-z])NZ\s?\$|\bNZD\b"),
    ("JPY", r"\bJPY\b|日元"),
    ("KRW", r"₩|\bKRW\b"),
    ("THB", r"฿|\bTHB\b"),
)
_SIGN = r"(?P<sign>[-~－]\s?)?"
_UNIT = r"(?:(?:RMB|CNY|HKD?\s?\$?|NTD?\s?\$?|MOP\s?\$?|RM|MYR|US\s?\$|S\$|SGD|USD|[¥$£€])(?:[\s:]|\.(?!\d\d(?!\d)))*)"
# A point between thousands is a comma that the reader took for one.
_DIGITS = (
    # Thousands parted by a space only behind a currency: "2 299.00" alone is two of 299.
    r"(?P<whole>(?(unit)\d{1,3}(?:\s\d{3})+(?=[.,]\d\d(?!\d))|(?!))|\d{1,3}(?:['’]\d{3})+|\d{1,3}(?:[,.]\s?\d{3})+(?=\s?[.·]\s?\d\d(?!\d))|\d{1,3}(?:,\s?\d{3})+|\d{1,8}|(?=\.\d\d(?!\d)))"
    r"(?:\s?[.·]\s?(?P<part>\d{1,2}))?"
)
# Also glued to its label (TotalRM21.85).
_BEGINS = r"(?:(?<![A-Za-z0-9_./*#-])|(?<=[A-Za-z])(?=(?:RM|HK\$|MYR|HKD|RMB)\s?\d))(?<!\d[:,])"
_ENDS = r"(?P<yuan>\s?(?:元|圆))?(?P<after>-)?(?![\d:/*%#])(?!\.\d)"
_AMOUNT = re.compile(rf"{_BEGINS}{_SIGN}(?P<unit>{_UNIT})?(?P<inner>[-−]\s?)?{_DIGITS}{_ENDS}", re.IGNORECASE)
_NOT_MONEY = re.compile(
    r"^\s?(?:%|折|分(?!钟)|kg|g\b|ml|l\b|件|点|杯|瓶|盒|袋|支|条|双|套|只|根|枚|包|罐|个|张|份|位|人|号|楼|分钟|小时|天|日|月|年|pcs?\b|x\d)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Money:
    """An amount as printed on one item. `strong`: printed with cents or a currency, so hardly anything else."""

    fen: int
    strong: bool
    cents: bool
    item: Item
    start: int
    end: int


def amounts(item: Item) -> list[Money]:
    """The amounts printed on one item, from left to right."""
    printed = []
    for match in _AMOUNT.finditer(_repaired(item.text)):
        if re.match(r"0\d", match["whole"]) or item.text[match.end() :].startswith("."):
            continue  # the rest of a number that was cut or folded away
        if _NOT_MONEY.match(item.text[match.end() :]):
            continue
        printed.append(_money(match, item))
    return printed


def _money(match: re.Match[str], item: Item) -> Money:
    part = match["part"]
    fen = int(re.sub(r"\D", "", match["whole"]) or 0) * 100 + int((part or "0").ljust(2, "0"))
    if match["sign"] or match["inner"] or match["after"]:
        fen = -fen
    marked = bool(match["unit"] or match["yuan"])
    return Money(fen, marked or bool(part and len(part) == 2), bool(part), item, match.start(), match.end())


def _repaired(text: str) -> str:
    # The point of a price is read twice, or as a comma before the cents; lengths stay as they are.
    text = re.sub(r"(?<=\d)\.\.(?=\d)", "0.", text) if re.search(r"\d\.\.\d", text) else text
    return re.sub(r"(?<=\d),(?=\d{2}(?!\d))", ".", text)


def printed_currency(rows: Sequence[Row], traditional: bool = False) -> str:
    """The ISO 4217 code of the currency that the slip names or its place tells, SOME_DOLLAR, or nothing. `traditional`: its script."""
    text = "\n".join(row.text for row in rows)
    counts = [(len(re.findall(pattern, text)), code) for code, pattern in _CURRENCIES]
    best = max(counts, key=lambda pair: pair[0])
    return best[1] if best[0] else _by_sign(text, traditional)


def currency_of(text: str) -> str | None:
    """The ISO 4217 code of the currency that stands with one amount, or None."""
    return next((code for code, pattern in _CURRENCIES if re.search(pattern, text)), None)


# What only the tills of one place print.
_PLACES = (
    ("TWD", r"统一编号|统编|电子发票证明联|统一发票|悠游卡|街口支付"),
    ("MOP", r"澳门|\bmpay\b|macau"),
    ("HKD", r"八达通|octopus|香港|九龙|新界|尖沙咀|铜锣湾|旺角|沙田|荃湾|观塘|hong ?kong|kowloon|alipayhk|\bpayme\b|转数快|加一"),
)


# Where a dollar sign stands too, 元 must be part of an amount or a heading: it is also a part of names.
_YUAN = re.compile(r"\d\s?元|元(?![一-鿿])")
_PAID_IN_YUAN = re.compile(r"微信\s?(支付|付款|钱包|收款|[:\d]|$)|支付宝|云闪付|数字人民币|财付通|花呗", re.MULTILINE)
_DOLLAR = re.compile(r"\$\s?-?\s?[\d.]|\d\s?\$|\(\s?\$\s?\)")


def _by_sign(text: str, traditional: bool) -> str:
    """The yuan by its own sign; a dollar, or a traditional slip without any sign, by its place or by what it was paid with."""
    dollar = _DOLLAR.search(text)
    if "¥" in text or (not traditional and (_YUAN.search(text) if dollar else "元" in text)):
        return "CNY"
    if not dollar and (not traditional or "元" in text):
        return ""
    local = next((code for code, pattern in _PLACES if re.search(pattern, text, re.IGNORECASE)), "")
    if local or not dollar:
        return local
    # Hong Kong, Macau and Taiwan all write a dollar in the traditional script.
    return "CNY" if not traditional and _PAID_IN_YUAN.search(text) else SOME_DOLLAR


_WORDS = {
    word: value
    for value, words in enumerate(("零〇", "壹一", "贰二两", "叁三", "肆四", "伍五", "陆六", "柒七", "捌八", "玖九"))
    for word in words
}
_UNITS = {"拾": 10, "十": 10, "佰": 100, "百": 100, "仟": 1000, "千": 1000}
_CAPITALS = re.compile(r"([零壹贰叁肆伍陆柒捌玖拾佰仟万亿]{2,})\s?[元圆]\s?([零壹贰叁肆伍陆柒捌玖角分整正]*)")


def in_words(text: str) -> int | None:
    """The fen of an amount in capital words (伍佰陆拾元整), or None when there is none in the text."""
    match = _CAPITALS.search(text)
    if match is None:
        return None
    fen = _whole(match[1]) * 100
    for number, unit in re.findall(r"([壹贰叁肆伍陆柒捌玖])([角分])", match[2]):
        fen += _WORDS[number] * (10 if unit == "角" else 1)
    return fen


def _whole(words: str) -> int:
    total = section = digit = 0
    for word in words:
        if word in _WORDS:
            digit = _WORDS[word]
        elif word in _UNITS:
            section += (digit or 1) * _UNITS[word]
            digit = 0
        elif word == "万":
            total += (section + digit) * 10_000
            section = digit = 0
    return total + section + digit
