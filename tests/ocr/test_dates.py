"""Dates that cannot be, and what they were; how several looks at one line are settled."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr import dates, lines
from ocr.fields.numbers import repaired

PAID = datetime.fromisoformat("2026-05-25T19:20")


@pytest.mark.parametrize(
    ("read", "printed"),
    [
        ("时间:2026/88/30 12:08:28", "时间:2026/08/30 12:08:28"),
        ("2826/08/36", "2026/08/30"),
        ("2926.05.83", "2026.05.03"),
        ("2026年84月26日", "2026年04月26日"),
    ],
)
def test_closed_loops_of_impossible_dates_are_opened(read: str, printed: str) -> None:
    assert dates.mended(read) == printed
    assert not dates.is_possible(read) and dates.is_possible(printed)


@given(st.dates(min_value=date(2010, 1, 1), max_value=date(2045, 12, 31)), st.sampled_from("-/."))
def test_a_date_that_can_be_is_never_touched(day: date, sep: str) -> None:
    text = f"交易时间 {day:%Y{sep}%m{sep}%d} 19:20"
    assert dates.mended(text) == text and dates.is_possible(text)


def test_what_no_look_alike_explains_is_left_as_it_was_read() -> None:
    assert dates.mended("2026/75/30") == "2026/75/30"
    assert not dates.is_possible("12:98:28")
    assert dates.is_possible("1299:28 24601:99")


def test_looks_with_an_impossible_date_count_less() -> None:
    looks = [("2026/08/30 12:98:28", 0.99), ("2026/08/30 12:98:28", 0.98), ("2026/08/30 12:08:28", 0.90)]
    assert lines._vote(looks)[0] == "2026/08/30 12:08:28"


def test_two_models_settle_a_digit_with_an_equal_say() -> None:
    first = [("时间2026.04.26 17:20:30", 0.8)] * 6 + [("时间2026.04.26 17:10:30", 0.8)] * 3
    second = [("时2#26.04.20 17:10:30", 0.65)] * 4 + [("x", 0.9)]
    text, score = lines._agreed(("时间2026.04.26 17:20:30", 0.87), first, second)
    assert text == "时间2026.04.26 17:10:30"
    assert score <= lines.DISPUTED


def test_the_second_model_cannot_bring_in_an_impossible_time() -> None:
    voted = ("2026.04.26 17:20:30", 0.87)
    assert lines._agreed(voted, [voted], [("2026.04.26 17:90:30", 0.99)]) == voted


@pytest.mark.parametrize(
    ("read", "number"),
    [
        ("P052826052518622", "POS2026052518622"),
        ("P0S2026052518622", "POS2026052518622"),
        ("2026052418622", "2026052418622"),
        ("2026062518622", "2026062518622"),
        ("P05-12", "P05-12"),
    ],
)
def test_a_number_keeps_every_digit_but_those_of_a_day_that_cannot_be(read: str, number: str) -> None:
    assert repaired(read, PAID) == number


def test_without_a_date_on_the_slip_the_number_keeps_its_day() -> None:
    assert repaired("2826052518622", None) == "2826052518622"


def _box(left: float, right: float, top: float) -> lines.Box:
    return ((left, top), (right, top), (right, top + 20), (left, top + 20))


def test_a_label_without_a_value_is_read_again_with_its_whole_row() -> None:
    label, other = _box(10, 110, 100), _box(10, 400, 200)
    row = lines._row_of("订单号：", label, [label, other])
    assert row is not None
    assert np.allclose(np.array(row), np.array(_box(10, 400, 100)))
    assert lines._row_of("订单号：", label, [label, other, _box(150, 300, 102)]) is None
    assert lines._row_of("订单号", label, [label, other]) is None
