"""The currency of a slip: named, told by its place, or a dollar sign that says nothing more."""

from __future__ import annotations

import pytest

from ocr.reading import SOME_DOLLAR
from tests.ocr.slips import read

DOLLARS = "LATTE | 1 | $12.50\nBAGEL | 1 | $9.00\nTOTAL | $21.50\n{paid} | $21.50\n"
YUAN = "拿铁 | 1 | $12.50\n贝果 | 1 | $9.00\n合计 | $21.50\n{paid} | $21.50\n"


@pytest.mark.parametrize(
    "rows",
    [
        "#CORNER BAKERY\n" + DOLLARS.format(paid="VISA"),
        "#街角面包\n时间: 2026-03-03 12:00\n" + YUAN.format(paid="现金"),
        "#元气早餐\n" + YUAN.format(paid="现金"),
        "#CORNER BAKERY\n" + DOLLARS.format(paid="PAYMENT"),
        "#街角麵包\n時間: 2026-03-03 12:00\n拿鐵 | 1 | $12.50\n麵包 | 1 | $9.00\n總計 | $21.50\n現金 | $21.50\n多謝惠顧\n",
        "#CORNER BAKERY\nPrice ($)\nLATTE | 21.50\nTOTAL | 21.50\nCASH | 21.50\n",
    ],
)
def test_a_dollar_sign_alone_is_of_no_known_country(rows: str) -> None:
    reading = read(rows)
    assert (reading.currency, reading.total_fen.value) == (SOME_DOLLAR, 2150)


@pytest.mark.parametrize(
    ("foot", "currency"),
    [
        ("¥", "CNY"),
        ("RMB", "CNY"),
        ("金额单位(元)", "CNY"),
        ("实收21.50元", "CNY"),
        ("微信支付 | 21.50", "CNY"),
        ("支付宝 | 21.50", "CNY"),
        ("云闪付 | 21.50", "CNY"),
        ("关注微信公众号领券", SOME_DOLLAR),
        ("WESTERN UNION HALL", SOME_DOLLAR),
        ("八达通 | 21.50", "HKD"),
        ("PayMe | 21.50", "HKD"),
        ("SHOP 12, KOWLOON", "HKD"),
        ("MACAU", "MOP"),
        ("统一编号 12345675", "TWD"),
        ("US$", "USD"),
        ("All prices in SGD", "SGD"),
        ("A$ incl. GST", "AUD"),
    ],
)
def test_anything_else_on_the_slip_says_whose_dollar_it_is(foot: str, currency: str) -> None:
    assert read("#街角面包\n" + YUAN.format(paid="现金") + foot + "\n").currency == currency


def test_without_a_dollar_nothing_changes() -> None:
    plain = "#CORNER BAKERY\nLATTE | 12.50\nTOTAL | 12.50\nCASH | 12.50\n"
    assert read(plain).currency == ""
    assert read(plain + "支付宝 | 12.50\n").currency == ""
    assert read("#元气早餐\n拿铁 | 12.50\n合计 | 12.50\n").currency == "CNY"
