"""What a mall's own reviewed receipts teach the reader."""

from __future__ import annotations

import json
from pathlib import Path

from ocr.ranker import training
from tests.receipts.conftest import World, slip
from tests.receipts.test_review import decide, take, waiting


def test_reviewed_receipts_leave_as_lines_with_what_was_right_and_without_people(world: World, app, tmp_path: Path) -> None:
    staff = world.staff()
    lines = ("海底捞火锅", "单号 000000000071", "会员手机 13812345678", "菜金 | 128.50", "实付 350000")
    case = waiting(world, lines=lines)
    take(world, staff)
    correction = {"field": "paid_fen", "value": "12850", "why": "实付"}
    assert world.office("POST", f"/v1/office/receipt-reviews/{case}/corrections", staff, correction).status_code == 200
    assert decide(world, staff, case).json["receipt"]["state"] == "scored"
    world.read(world.member(), slip(fen=6_600))  # scored by itself: nobody has said that it is right
    waiting(world)  # not decided yet

    ran = app.test_cli_runner().invoke(args=["receipts", "training-lines", str(tmp_path / "lines")])
    assert (ran.exit_code, ran.output) == (0, f"mall {world.mall}: 1 receipts\n")
    [path] = (tmp_path / "lines").iterdir()
    [row] = [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()]
    assert row["want"]["total"] == 128.5 and row["want"]["merchant"] == "海底捞火锅" and row["want"]["kind"] == "receipt"
    texts = [line["text"] for line in row["lines"]]
    assert "138" not in "".join(texts) and "会员手机 ***********" in texts and "单号 000000000071" in texts
    [read_back] = training.load(tmp_path / "lines")
    assert (read_back.total_fen, read_back.shop) == (12_850, "海底捞火锅")
