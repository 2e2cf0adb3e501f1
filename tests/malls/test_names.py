import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.malls import hours, names


@pytest.mark.parametrize(
    ("printed", "name"),
    [
        ("海底撈火鍋（雲錦天地店）", "海底捞火锅"),
        ("海底捞火锅(云锦天地店)", "海底捞火锅"),
        ("Starbucks Coffee - Jing'an Store", "starbuckscoffee"),
        ("ＳＴＡＲＢＵＣＫＳ　ＣＯＦＦＥＥ", "starbuckscoffee"),
        ("星巴克咖啡-南京西路店", "星巴克咖啡"),
        ("老乡鸡·云锦店", "老乡鸡"),
        ("喜茶（GO店）", "喜茶"),
        ("优衣库(UNIQLO)", "优衣库uniqlo"),
        ("四川海底捞餐饮股份有限公司", "四川海底捞餐饮"),
        ("Café Amazon", "cafeamazon"),
        ("便利店", "便利店"),
        ("全家便利店", "全家便利店"),
        ("7-ELEVEn", "7eleven"),
        ("(店)", "店"),
        ("  ", ""),
    ],
)
def test_a_name_has_one_form_however_it_is_printed(printed: str, name: str) -> None:
    assert names.normalise_name(printed) == name


@given(st.text(max_size=300))
def test_the_form_of_a_name_is_its_own_form(text: str) -> None:
    form = names.normalise_name(text)
    assert all(c.isalnum() for c in form)
    assert len(names.search_form(text)) <= 20 * names.MAX_NAME


@pytest.mark.parametrize(
    ("printed", "number"),
    [
        ("L2-018", "L2018"),
        ("l2－018", "L2018"),
        ("021-6000 0000", "02160000000"),
        ("+86 138 0013 8000", "13800138000"),
        ("8612345", "8612345"),
        ("9151 0000 ma00 0000 0x", "91510000MA0000000X"),
    ],
)
def test_a_number_has_one_form(printed: str, number: str) -> None:
    assert names.normalise_number(printed) == number


def test_a_shop_is_searched_by_character_pinyin_and_initials() -> None:
    text = names.search_text(["海底撈", "Haidilao Hot Pot"], "L2-018", "餐饮")
    for query in ("海底", "haidi", "hdl", "Hai Di Lao", "hot pot", "l2018", "L2-018", "餐"):
        assert names.search_form(query) in text, query
    assert names.search_form("uniqlo") not in text


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("10:00-22:00", "1-7 10:00-22:00"),
        ("1-5 10:00–22:00；6-7 9:30 - 22:30", "1-5 10:00-22:00; 6-7 09:30-22:30"),
        ("5 18:00-26:00", "5-5 18:00-26:00"),
    ],
)
def test_opening_hours_have_one_form(written: str, normal: str) -> None:
    assert hours.normal(written) == normal
    assert hours.normal(normal) == normal


@pytest.mark.parametrize("written", ["", "all day", "10-22", "22:00-10:00", "7-1 10:00-22:00", "8 10:00-22:00", "10:00-22:60", "1:0-2:00"])
def test_unclear_opening_hours_are_refused(written: str) -> None:
    with pytest.raises(ValueError):
        hours.normal(written)
