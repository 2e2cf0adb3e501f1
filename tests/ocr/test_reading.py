from __future__ import annotations

import json

import pytest

from ocr.reading import Reading
from tests.ocr.slips import SLIPS, read


def test_a_reading_survives_json() -> None:
    for slip in SLIPS:
        reading = read(slip.rows)
        assert Reading.from_json(json.loads(json.dumps(reading.to_json()))).to_json() == reading.to_json()


def test_a_reading_of_another_schema_is_refused() -> None:
    data = read(SLIPS[0].rows).to_json() | {"schema": 99}
    with pytest.raises(ValueError, match="schema 99"):
        Reading.from_json(data)


def test_a_reading_that_an_earlier_version_stored_is_still_read() -> None:
    reading = read(SLIPS[0].rows)
    data = reading.to_json()
    del data["other_times"], data["doubts"], data["picture"]["flaw"]
    older = Reading.from_json(json.loads(json.dumps(data)))
    assert (older.other_times, older.doubts, older.picture.flaw) == ((), (), None)
    assert (older.total_fen, older.auto, older.receipt_no) == (reading.total_fen, reading.auto, reading.receipt_no)


def test_what_keeps_an_amount_from_being_trusted_is_named() -> None:
    rows = "#小城故事餐厅\n时间:2026-03-03 12:00\n鱼香肉丝 | 1 | 38.00\n米饭 | 2 | 6.00\n合计 | 44.00\n微信支付 | 44.00\n"
    assert (read(rows).auto, read(rows).doubts) == (True, ())
    assert "perhaps no purchase" in read("后厨留存\n送货单\n" + rows).doubts
    assert read(rows.replace("38.00", "58.00")).doubts == ("articles come to something else",)
    assert read("#小城故事餐厅\n鱼香肉丝\n谢谢惠顾\n").doubts == ("no amount",)
