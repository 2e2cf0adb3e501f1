from __future__ import annotations

from dataclasses import replace

import pytest

from ocr.papers import Verdict, compare, join
from ocr.reading import Reading
from tests.ocr.slips import read

SHOP = "#云山茶餐厅（天汇店）\n"
BODY = """
小票号:{number}
时间:{at}
叉烧饭 | 1 | 38.00
奶茶 | 2 | 36.00
例汤 | 1 | 12.00
应收 | {total}
微信支付 | {total}
谢谢惠顾
"""


def paper(number: str = "20260401001", at: str = "2026-04-01 12:30:11", total: str = "86.00", extra: str = "") -> Reading:
    return read(SHOP + extra + BODY.format(number=number, at=at, total=total))


def test_the_same_paper_twice_is_one_purchase() -> None:
    assert compare(paper(), paper()).verdict is Verdict.SAME


def test_the_next_customer_with_the_same_lunch_is_another_purchase() -> None:
    assert compare(paper(), paper("20260401002", "2026-04-01 12:34:50")).verdict is Verdict.DIFFERENT


def test_the_next_number_in_the_same_minute_is_another_purchase() -> None:
    assert compare(paper(), paper("20260401002")).verdict is Verdict.DIFFERENT


def test_a_reprint_is_known_by_its_mark() -> None:
    assert compare(paper(), paper(extra="【补打小票】\n")).verdict is Verdict.REPRINT


def test_another_amount_on_the_same_paper_is_tampering() -> None:
    found = compare(paper(), paper(total="886.00"))
    assert found.verdict is Verdict.TAMPERED
    assert "amount" in found.differing


def test_a_number_that_was_not_read_leaves_shop_minute_and_amount() -> None:
    lost = read((SHOP + BODY.format(number="X", at="2026-04-01 12:30:11", total="86.00")).replace("小票号:X\n", ""))
    assert lost.receipt_no.value is None
    assert compare(paper(), lost).verdict is Verdict.SAME


def test_letters_that_cameras_confuse_do_not_make_another_number() -> None:
    assert compare(paper("POS2026001"), paper("P0S2026001")).verdict is Verdict.SAME


def test_another_shop_with_the_same_number_is_another_purchase() -> None:
    other = read("#蓝天眼镜行\n" + BODY.format(number="20260401001", at="2026-04-01 12:30:11", total="86.00"))
    assert compare(paper(), other).verdict is Verdict.DIFFERENT


def test_a_long_receipt_in_two_photos_is_read_once() -> None:
    rows = (SHOP + BODY.format(number="20260401001", at="2026-04-01 12:30:11", total="86.00")).strip().split("\n")
    top, foot = read("\n".join(rows[:6])), read("\n".join(rows[3:]))
    whole = join([top, foot])
    assert top.total_fen.value is None
    assert whole.total_fen.value == 8600
    assert whole.receipt_no.value == "20260401001"
    assert sum("奶茶" in line.text for line in whole.lines) == 1


def test_a_receipt_has_one_to_four_photos() -> None:
    for count in (0, 5):
        with pytest.raises(ValueError, match="photos"):
            join([paper()] * count)


def test_a_stored_copy_is_known_by_its_hash() -> None:
    blurred = replace(paper(), lines=(), receipt_no=replace(paper().receipt_no, value=None), paid_at=replace(paper().paid_at, value=None))
    a = replace(blurred, picture=replace(blurred.picture, phash="00ff00ff00ff00ff"))
    b = replace(blurred, picture=replace(blurred.picture, phash="00ff00ff00ff00fe"))
    assert compare(a, b).verdict is Verdict.SAME
