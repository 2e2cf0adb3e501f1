from __future__ import annotations

import re

import pytest

from ocr.reading import SOME_DOLLAR
from tests.ocr.slips import SLIPS, Slip, read


def _printed_currency(slip: Slip) -> str:
    """What the slip says itself: without a sign of its currency, nothing, or no more than its dollar sign."""
    named = slip.currency != "CNY" or re.search(r"[¥￥元]|RMB|人民币|CNY", slip.rows)
    return slip.currency if named else SOME_DOLLAR if "$" in slip.rows else ""


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip.name)
def test_a_slip_is_read_as_a_person_reads_it(slip: Slip) -> None:
    reading = read(slip.rows, today=slip.today)
    assert (reading.total_fen.value, reading.kind, reading.currency) == (slip.fen, slip.kind, _printed_currency(slip))
    if slip.merchant:
        assert reading.merchant.value == slip.merchant
    if slip.at:
        assert reading.paid_at.value is not None
        assert reading.paid_at.value.isoformat() == slip.at
    if slip.number:
        assert reading.receipt_no.value == slip.number
    if slip.auto is not None:
        assert reading.auto is slip.auto
    for name, value in slip.facts.items():
        assert getattr(reading, name) == value


SHOP = """
#小城故事餐厅
单号:20260303001
时间:2026-03-03 12:00
鱼香肉丝 | 1 | 38.00
米饭 | 2 | 6.00
"""


def test_no_amount_when_the_total_is_below_the_frame() -> None:
    assert read(SHOP).total_fen.value is None


def test_no_amount_when_only_the_list_price_is_in_the_frame() -> None:
    assert read(SHOP + "原价 | 44.00\n").total_fen.value is None


def test_no_amount_when_the_sum_is_the_last_thing_the_frame_shows() -> None:
    rows = SHOP + "合计 | 44.00\n"
    uncut = read(rows)
    assert uncut.total_fen.value == 4400
    foot = max(line.box[2][1] for line in uncut.lines)
    assert read(rows, height=foot + 8).total_fen.value is None


def test_no_amount_when_the_frame_cuts_through_its_digits() -> None:
    rows = SHOP + "应收 | 44.00\n实收 | 44.00\n谢谢惠顾\n"
    whole = read(rows)
    right = max(point[0] for line in whole.lines for point in line.box)
    from ocr.fields.choose import choose
    from ocr.reading import Picture

    cut = choose(whole.lines, Picture(round(right) + 1, 900, "JPEG", "0" * 16))
    assert whole.total_fen.value == 4400
    assert cut.total_fen.value is None


def test_no_amount_when_a_discount_follows_the_only_sum() -> None:
    assert read(SHOP + "商品合计 | 44.00\n会员优惠 | -4.00\n欢迎再来\n").total_fen.value is None


def test_an_amount_without_a_second_witness_is_not_trusted() -> None:
    reading = read("#路边摊\n时间:2026-03-03 12:00\n合计 | 45.00\n已优惠 | 5.00\n谢谢\n")
    assert reading.auto is False


def test_an_amount_that_was_read_badly_is_not_trusted() -> None:
    from dataclasses import replace

    from ocr.fields.choose import choose

    good = read(SHOP + "应收 | 44.00\n微信 | 44.00\n")
    faint = tuple(replace(line, score=0.7) if "44.00" in line.text else line for line in good.lines)
    assert good.auto is True
    assert choose(faint, good.picture).auto is False


def test_rivals_are_offered_as_candidates() -> None:
    reading = read(SHOP + "合计 | 44.00\n实收 | 40.00\n")
    assert {candidate.value_fen for candidate in reading.candidates} >= {4400, 4000}
    assert all(candidate.box is not None for candidate in reading.candidates)
