"""Which shop a slip is from."""

from __future__ import annotations

from typing import Any

import pytest

from api.malls.names import core_name, normalise_name, normalise_number
from api.malls.service import ShopNames
from api.receipts.shop_recognition import Clues, match

OURS = ("云锦天地",)


def shop(number: int, name: str, *, unit: str = "", also: tuple[str, ...] = (), aliases: tuple[str, ...] = (), **given: Any) -> ShopNames:
    names = tuple(normalise_name(each) for each in (name, *also))
    units = (normalise_number(unit),) if unit else ()
    learned = tuple(normalise_name(each) for each in aliases)
    cores = tuple(core_name(each) for each in (name, *also, *aliases))
    tax, phones = given.get("tax", ()), given.get("phones", ())
    return ShopNames(number, name, names, learned, units, tax, phones, "L1", "云锦天地", "", False, cores)


SHOPS = [
    shop(1, "海底捞火锅", unit="L4-012", also=("四川海底捞餐饮股份有限公司",), tax=("91510000733390XYZ1",)),
    shop(2, "喜茶", unit="L1-033", also=("HEYTEA",)),
    shop(3, "星巴克咖啡", unit="L1-001", also=("Starbucks Coffee",)),
    shop(4, "星巴克咖啡臻选", unit="L5-001"),
    shop(5, "优衣库", unit="L2-020", also=("UNIQLO",), aliases=("迅销（中国）商贸",)),
    shop(6, "ZARA", unit="L2-021", phones=("02161234567",)),
]


def found(merchant: str | None, **more: Any) -> Any:
    return match(Clues(merchant, **more), SHOPS, OURS, at=88, margin=8)


@pytest.mark.parametrize(
    ("printed", "number"),
    [
        ("海底捞火锅", 1),
        ("海底撈火鍋", 1),
        ("海底捞火锅(云锦天地店)", 1),
        ("四川海底捞餐饮股份有限公司", 1),
        ("喜茶(云锦天地店)", 2),
        ("HEYTEA", 2),
        ("優衣庫", 5),
        ("UNIQLO", 5),
        ("迅销(中国)商贸有限公司", 5),
        ("Zara", 6),
        ("STARBUCKS COFFEE", 3),
    ],
)
def test_names_are_found_in_both_scripts_and_by_alias(printed: str, number: int) -> None:
    result = found(printed)
    assert result.shop is not None and result.shop.id == number
    assert not result.branch_unclear


@pytest.mark.parametrize("printed", ["肯德基", "永辉超市", "ABC", "", "茶"])
def test_a_shop_outside_is_nobody(printed: str) -> None:
    result = found(printed or None)
    assert result.shop is None and result.likely == ()


def test_a_misread_letter_still_finds_the_shop() -> None:
    assert found("海底捞火钢").shop is None  # four of five letters: likely, to be asked
    assert found("海底捞火钢").likely[0].id == 1
    assert found("STARBUCKS C0FFEE").shop.id == 3


def test_two_shops_too_close_are_both_likely() -> None:
    result = match(Clues("星巴克"), SHOPS, OURS, at=88, margin=8)
    assert result.shop is None
    assert {one.id for one in result.likely} == {3, 4}


def test_the_unit_decides_between_two_shops_of_one_name() -> None:
    twins = [shop(1, "瑞幸咖啡", unit="L1-010"), shop(2, "瑞幸咖啡", unit="L3-020")]
    assert match(Clues("瑞幸咖啡"), twins, OURS, at=88, margin=8).shop is None
    decided = match(Clues("瑞幸咖啡", unit="L3-020"), twins, OURS, at=88, margin=8)
    assert decided.shop is not None and decided.shop.id == 2


def test_the_tax_number_beats_a_wrong_name() -> None:
    result = found("美团外卖", tax_no="91510000733390XYZ1")
    assert (result.shop.id, result.how) == (1, "tax_no")


def test_the_phone_of_a_shop_names_it() -> None:
    assert found(None, phone="021-6123 4567").shop.id == 6


def test_a_known_name_among_the_first_lines_is_found_when_the_merchant_was_not() -> None:
    result = found("微信支付", lines=("微信支付", "海底捞火锅", "桌号 12"))
    assert (result.shop.id, result.how) == (1, "line")


@pytest.mark.parametrize(
    ("merchant", "lines"),
    [
        ("SDN BHD", ("POPULAR BOOK", "CO. (M) SDN BHD", "Lot 5")),  # a name broken over two rows: its end was taken for it
        ("Qty Price(RM)", ("T0KYO", "POPULAR B0OK CO. (M) SDN BHD")),  # misread by a letter
        ("CO. (M) SDN BHD", ("TAX INVOICE", "POPULAR BOOK CO. (M) SDN BHD (113825-W)")),
    ],
)
def test_every_line_of_the_head_may_name_the_shop(merchant: str, lines: tuple[str, ...]) -> None:
    shops = [shop(1, "Popular Book Co. (M) Sdn Bhd"), shop(2, "Baifu (M) Sdn Bhd"), shop(3, "Mr D.I.Y. (M) Sdn Bhd"), shop(4, "real,-")]
    result = match(Clues(merchant, lines=lines), shops, (), at=88, margin=8)
    assert result.shop is not None and result.shop.id == 1


@pytest.mark.parametrize(
    "foreign",
    [
        "小米粥铺",
        "苹果园水果店",
        "华为民超市",
        "PINEAPPLE CAFE",
        "Mangosteen Juice",
        "ZARAGOZA TAPAS",
        "Next Door Coffee",
        "Coachella Burgers",
    ],
)
def test_a_name_within_another_name_is_not_the_shop(foreign: str) -> None:
    shops = [shop(number, name) for number, name in enumerate(("小米", "苹果", "华为", "Apple", "MANGO", "ZARA", "Next", "COACH"), 1)]
    assert match(Clues(foreign, lines=(foreign, "2026-03-03 12:00")), shops, (), at=88, margin=8).shop is None


@pytest.mark.parametrize(
    "lines",
    [
        ("7-ELEVEN", "STARBUCKS FRAPPUCCINO 24.90"),
        ("张记面馆", "星巴克信用卡满减", "牛肉面 28.00"),
        ("Corner Deli", "Opposite Starbucks", "Bagel 30.00"),
        ("7-ELEVEN", "Bread 9.90", "STARBUCKS"),
    ],
)
def test_articles_offers_and_ways_are_not_the_shop(lines: tuple[str, ...]) -> None:
    shops = [shop(1, "Starbucks"), shop(2, "星巴克")]
    assert match(Clues(lines[0], lines=lines), shops, (), at=88, margin=8).shop is None


@pytest.mark.parametrize("merchant", ["SDN BHD", "TRADING", "RESTAURANT SDN BHD", "有限公司", "Dion Realties Sdn Bhd"])
def test_words_that_many_shops_are_called_name_none(merchant: str) -> None:
    shops = [shop(1, "Baifu (M) Sdn Bhd"), shop(2, "醉雅貿易公司"), shop(3, "TSH Power Trading"), shop(4, "real,-")]
    assert match(Clues(merchant, lines=(merchant, "TAX INVOICE")), shops, (), at=88, margin=8).shop is None


@pytest.mark.parametrize(
    ("clues", "unclear"),
    [
        (Clues("星巴克咖啡（万达广场店）"), True),
        (Clues("喜茶(云锦天地店)"), False),
        (Clues("喜茶", mall="万达广场"), True),
        (Clues("喜茶", mall="雲錦天地購物中心"), False),
        (Clues("喜茶(万达店)", unit="L1-033"), False),
    ],
)
def test_a_chains_branch_elsewhere_is_noticed(clues: Clues, unclear: bool) -> None:
    assert match(clues, SHOPS, OURS, at=88, margin=8).branch_unclear is unclear
