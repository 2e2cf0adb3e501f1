"""What every made-up receipt needs: a clock, goods, prices in several styles, shop names, numbers."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

Good = tuple[str, int, int]

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
FOOD = (
    "宫保鸡丁",
    "酸菜鱼",
    "蒜蓉西兰花",
    "手撕包菜",
    "米饭",
    "可乐",
    "小酥肉",
    "番茄牛腩",
    "毛肚",
    "鸭血",
    "虾滑",
    "酸梅汤",
    "红糖糍粑",
    "拍黄瓜",
)
HK_FOOD = ("菠蘿油", "凍檸茶", "乾炒牛河", "雲吞麵", "叉燒飯", "奶茶", "西多士", "豉油雞", "蝦餃", "燒賣", "例湯", "滑蛋飯")
GOODS = (
    "纯棉T恤",
    "牛仔裤",
    "防晒衣",
    "袜子三双装",
    "毛巾",
    "保温杯",
    "洗发露400ml",
    "抽纸3层",
    "鲜牛奶950ml",
    "苹果",
    "香蕉",
    "面包",
    "雨伞",
    "笔记本A5",
)
HK_GOODS = ("保濕面霜50ml", "潔面乳", "牙膏", "維他命C", "男裝恤衫", "童裝外套", "襪子", "杏仁餅", "雞蛋卷", "紙巾", "洗頭水")
LATIN = ("CAFFE LATTE GR", "AMERICANO TL", "CROISSANT", "CHEESE CAKE", "FLAT WHITE", "ICED TEA", "BAGEL", "MUFFIN BLUEBERRY")
_FIRST = ("云", "锦", "福", "南", "小", "春", "山", "木", "一", "老", "青", "禾", "半", "东", "花", "鹿", "白", "悦", "江", "拾")
_SECOND = ("禾", "巷", "满", "城", "野", "里", "记", "木", "家", "石", "间", "田", "舍", "风", "谷", "品", "月", "序", "味", "和")
_MALLS = ("环球港", "中央公园广场", "世茂天地", "滨海城", "龙湖汇", "新世界百货", "金融街购物中心", "万汇广场")


@dataclass(frozen=True)
class Slip:
    """Rows as written (`|` parts cells, `#` doubles the size, `^` centres, `!` shows the total first) and what they say."""

    rows: str
    facts: dict[str, Any]


@dataclass
class Till:
    """One sale at one till: everything random comes from `rng`, so that a seed makes the same receipt again."""

    rng: random.Random
    when: datetime = field(init=False)
    sign: str = field(init=False)

    def __post_init__(self) -> None:
        start = datetime.fromisoformat("2026-01-03T09:30:05")
        self.when = start + timedelta(days=self.rng.randrange(300), seconds=self.rng.randrange(12 * 3600))
        self.sign = self.rng.choice(["", "", "", "¥", "￥", "¥ ", "RMB "])

    def pick(self, *options: str) -> str:
        """One of several ways to print the same thing."""
        return self.rng.choice(options)

    def maybe(self, text: str, chance: float = 0.5) -> str:
        """The text, or nothing."""
        return text if self.rng.random() < chance else ""

    def name(self, *kinds: str) -> str:
        """A shop's name that no shop has, of one of these kinds."""
        return self.rng.choice(_FIRST) + self.rng.choice(_SECOND) + self.rng.choice(kinds or ("",))

    def mall(self) -> str:
        """A mall's name."""
        return self.rng.choice(_MALLS)

    def digits(self, count: int) -> str:
        """That many digits, the first not 0."""
        return str(self.rng.randrange(10 ** (count - 1), 10**count))

    def number(self) -> str:
        """A receipt number in one of the ways that tills make them."""
        day = f"{self.when:%Y%m%d}"
        return self.pick(
            day + self.digits(6),
            self.digits(9),
            f"{self.digits(4)}-{self.digits(6)}",
            "XS" + day + self.digits(4),
            day[2:] + self.digits(8),
        )

    def goods(self, names: Sequence[str], most: int = 6, low: int = 300, high: int = 12_000, step: int = 50) -> list[Good]:
        """Articles: name, count, price of one in fen."""
        chosen = self.rng.sample(list(names), self.rng.randint(2, min(most, len(names))))
        return [(name, self.rng.choice([1, 1, 1, 2, 3]), self.rng.randrange(low, high, step)) for name in chosen]

    def listed(self, goods: Sequence[Good], points: int = 2) -> str:
        """The articles as rows, in one of three arrangements."""
        style = self.rng.randrange(3)
        return "\n".join(_article(good, style, points) for good in goods)

    def money(self, fen: int, points: int = 2, sign: str | None = None) -> str:
        """The amount with this slip's currency sign."""
        return (self.sign if sign is None else sign) + money(fen, points)

    def stamp(self, *formats: str) -> str:
        """The time of the sale, printed."""
        return self.when.strftime(
            self.rng.choice(formats or ("%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y-%m-%d %H:%M", "%Y.%m.%d %H:%M:%S"))
        )

    def earlier(self, minutes: int, form: str = "%Y-%m-%d %H:%M:%S") -> str:
        """Another time printed on the slip, so many minutes before the sale (after it when negative)."""
        return (self.when - timedelta(minutes=minutes)).strftime(form)

    def percent(self, fen: int, *rates: int) -> int:
        """That share of the amount, in whole yuan."""
        return fen * self.rng.choice(rates) // 10_000 * 100

    def slip(self, rows: str, total: int | None, merchant: str, number: str | None = None, **more: Any) -> Slip:
        """The finished slip. `total` in fen; kind receipt and currency CNY unless told; seconds count where they are printed."""
        at = self.when if self.when.strftime(":%M:%S") in rows else self.when.replace(second=0)
        facts: dict[str, Any] = {"kind": "receipt", "currency": "CNY", "total": total, "merchant": merchant, "number": number, "at": at}
        return Slip(rows, {**facts, **more})


def money(fen: int, points: int = 2) -> str:
    """1234500 as 12,345.00 or 12345.00 without the comma below a thousand."""
    text = f"{abs(fen) / 100:,.{points}f}"
    return ("-" if fen < 0 else "") + text


def total_of(goods: Sequence[Good]) -> int:
    """What the articles cost together, in fen."""
    return sum(count * price for _, count, price in goods)


def in_capitals(fen: int) -> str:
    """The amount in the capital words of a Chinese bill, below ten million yuan."""
    yuan, jiao, cent = fen // 100, fen // 10 % 10, fen % 10
    whole = _section(yuan // 10_000) + "万" if yuan >= 10_000 else ""
    rest = yuan % 10_000
    gap = "零" if whole and 0 < rest < 1000 else ""
    text = whole + gap + (_section(rest) if rest or not whole else "") + "元"
    tail = (f"{_DIGITS[jiao]}角" if jiao else "") + (f"{_DIGITS[cent]}分" if cent else "")
    return text + (tail or "整") + ("整" if jiao and not cent else "")


def _section(number: int) -> str:
    words, gap = "", False
    for unit, size in (("仟", 1000), ("佰", 100), ("拾", 10), ("", 1)):
        digit = number // size % 10
        if digit:
            words += ("零" if gap and words else "") + _DIGITS[digit] + unit
            gap = False
        else:
            gap = True
    return words or "零"


def _article(good: Good, style: int, points: int) -> str:
    name, count, price = good
    if style == 0:
        return f"{name} | {count} | {money(count * price, points)}"
    if style == 1:
        return f"{name}\n  {money(price, points)} x {count} | {money(count * price, points)}"
    return f"{name} | {money(price, points)} | {count} | {money(count * price, points)}"


Layout = Callable[[Till], Slip]
LAYOUTS: dict[str, Layout] = {}


def layout(made: Layout) -> Layout:
    """Enter a layout under the name of its function."""
    LAYOUTS[made.__name__] = made
    return made
