"""The ranker of totals: what it knows, how it is made, and what it may not decide."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ocr.fields.entries import entries
from ocr.fields.money import amounts
from ocr.fields.rows import lay_out
from ocr.fields.total import articles_disagree
from ocr.ranker import features, training
from ocr.ranker.__main__ import main
from ocr.ranker.model import WEIGHTS, Ranker, Voices, shipped
from ocr.ranker.trees import Plan, Trees, grow, softmax
from tests.ocr.slips import lines_of, read

HEAD = "#小城故事餐厅\n单号:20260303001\n时间:2026-03-03 12:00\n"
GOODS = HEAD + "鱼香肉丝 | 1 | 38.00\n米饭 | 2 | 6.00\n"
WESTERN = "#CORNER BAKERY\nInvoice No: A10023\nDate: 03/03/2026 12:00\n"


def _drawn(number: int) -> dict[str, object]:
    chance = random.Random(number)
    prices = [chance.randrange(200, 9000, 5) for _ in range(chance.randint(2, 5))]
    total, given = sum(prices), (sum(prices) // 5000 + 1) * 5000
    goods = "".join(f"ITEM {chance.choice('ABCDEFGH')} | 1 | {price / 100:.2f}\n" for price in prices)
    label = chance.choice(["TOTAL RM", "Total", "Grand Total", "AMOUNT DUE"])
    paid = f"{label} | {total / 100:.2f}\nCASH | {given / 100:.2f}\nCHANGE | {(given - total) / 100:.2f}\n"
    rows = f"#SHOP {number % 7}\nDate: 03/03/2026\n{goods}{paid}"
    lines = [{"text": line.text, "score": line.score, "box": line.box} for line in lines_of(rows)]
    want = {"merchant": f"Shop {chr(65 + number % 7) * 9}", "total": total / 100}
    return {"file": f"drawn_{number}", "width": 800, "height": 1200, "lines": lines, "want": want}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Slips as lines, in a file of their own."""
    made = tmp_path_factory.mktemp("lines")
    (made / "drawn.jsonl").write_text("\n".join(json.dumps(_drawn(number)) for number in range(21)), encoding="utf-8")
    return made


def test_the_same_lines_make_the_same_ranker_byte_for_byte(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [main([str(folder), "--out", str(tmp_path / name)]) for name in ("first", "again")] == [0, 0]
    assert (tmp_path / "first").read_bytes() == (tmp_path / "again").read_bytes()
    figures = json.loads(capsys.readouterr().out.splitlines()[0])
    assert figures["drawn"] == {"right": 21, "asked": 21}
    made = Ranker.from_json(json.loads((tmp_path / "first").read_text()))
    assert made.figures == figures


def test_a_folder_without_a_usable_slip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main([str(tmp_path)])


def test_all_slips_of_a_shop_are_in_one_fold_however_it_is_spelt(folder: Path) -> None:
    names = ["Sanyu Stationery Shop", "S.nyu Stationery Shop", "SANYU STATIONERY SHOP SDN BHD"]
    assert len({shop for name, shop in training._shops(names).items()}) == 1
    slips = training.load(folder)
    assert {slip.shop for slip in slips} == {f"Shop {chr(65 + number) * 9}" for number in range(7)}


def test_the_shipped_ranker_fits_this_code_and_says_how_good_it_was() -> None:
    assert WEIGHTS.stat().st_size <= 500_000
    ranker = shipped()
    assert ranker.to_json() == json.loads(WEIGHTS.read_text(encoding="utf-8"))
    photos, sure = ranker.figures["photos"], ranker.figures["at 0.9"]
    assert photos["right"] / photos["asked"] >= 0.93
    assert sure["right"] / sure["said"] >= 0.97


def test_a_ranker_for_other_features_is_refused() -> None:
    with pytest.raises(ValueError, match="make train"):
        Ranker.from_json({**shipped().to_json(), "features": ["height"]})


def test_nothing_that_trains_is_loaded_to_read() -> None:
    code = "import sys; from ocr.fields import choose; print([name for name in sys.modules if name.startswith('ocr.ranker.training')])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": "."})
    assert answer.stdout.strip() == "[]"


def test_each_feature_has_a_name() -> None:
    rows = lay_out(lines_of(GOODS + "总计 | 44.00\n"))
    ledger = entries(rows)
    table = features.features(rows, ledger, features.amounts(ledger), [], lambda _: 0.0)
    assert table.shape == (len({entry.fen for entry in ledger}), len(features.names()))
    assert features.features(rows, [], [], [], lambda _: 0.0).shape == (0, 0)


def test_probabilities_of_a_slip_are_one_together() -> None:
    rows = lay_out(lines_of(GOODS + "总计 | 44.00\n"))
    ranked = shipped().rank(rows, entries(rows), [])
    assert sum(place.probability for place in ranked) == pytest.approx(1, abs=0.001)
    assert ranked[0].amount.fen == 4400
    assert shipped().rank([], [], []) == []


def test_trees_learn_what_a_group_has_in_common_and_run_as_they_were_grown() -> None:
    chance = np.random.default_rng(3)
    rows = chance.random((400, 6)).round(4)
    groups = np.repeat(np.arange(100), 4)
    right = np.zeros(400, dtype=bool)
    for group in range(100):
        right[4 * group + int(rows[4 * group : 4 * group + 4, 2].argmax())] = True
    trees = grow(rows, right, groups, np.ones(400), Plan(trees=60, columns=1.0))
    chosen = [int(trees.scores(rows[4 * group : 4 * group + 4]).argmax()) for group in range(100)]
    assert sum(right[4 * group + place] for group, place in enumerate(chosen)) >= 95
    again = Trees.from_json(json.loads(json.dumps(trees.to_json())))
    assert (again.scores(rows) == trees.scores(rows)).all()
    assert replace(trees, features=trees.features[:0]).scores(rows).tolist() == [0.0] * 400
    assert softmax(np.array([0.0, 0.0])).tolist() == [0.5, 0.5]


def test_a_label_misread_by_a_letter_still_sounds_like_a_total() -> None:
    voices = Voices.counted(["TOTAL RM", "Total", "GRAND TOTAL"], ["CHANGE", "CASH", "Qty", "GST"])
    assert voices.speaks("TOTA1 RM") > 0 > voices.speaks("CHANOE")
    assert voices.without(voices).speaks("TOTAL") == 0


@pytest.mark.parametrize(
    ("rows", "fen"),
    [
        (
            WESTERN
            + "Bread | 12.35\nMilk | 9.98\nTOTAL SALES | 22.33\nROUNDING ADJ | .02\nROUNDING RM | 22.35\nCASH | 50.00\nCHANGE | 27.65\n",
            2235,
        ),
        (WESTERN + "Bread | 1 | RM12.35\nMilk | 1 | RM9.50\nTotalRM21.85\nCash | RM50.00\nChange | RM28.15\n", 2185),
        (WESTERN + "Rods | 2 | 60.00\nHinges | 1 | 8.87\nSub Total RM | 68.87\nGST 6% RM | 4.13\nT0T, RM | 73.00\nCA. RM | 73.00\n", 7300),
        (WESTERN + "Brot | 2,49\nMilch | 1,19\nSUMME EUR | 3,68\nBar EUR | 5,00\nRückgeld | 1,32\nMwSt 7% | 0,24\n", 368),
        (WESTERN + "Tea | 1 | 8.00\nCake | 1 | 12.00\nDue | 20.00\nPay | 50.00\nChange | 30.00\n(Total Included GST @ 6% : 1.13)\n", 2000),
        (GOODS + "小計 | 44.00\n加入會員享 98.00 優惠\n下載應用 5.00\n", 4400),
    ],
)
def test_totals_that_no_rule_of_labels_alone_can_choose(rows: str, fen: int) -> None:
    assert read(rows).total_fen.value == fen


def test_articles_that_come_to_something_else_are_never_trusted_by_themselves() -> None:
    goods = HEAD + "牛奶 | 1 | 9.90\n面包 | 1 | 5.10\n"
    hundredfold = read(goods + "合计 | 1500.00\n应收 | 1500.00\n微信 | 1500.00\n")
    assert not hundredfold.auto
    assert read(goods + "合计 | 15.00\n应收 | 15.00\n微信 | 15.00\n").auto
    rows = lay_out(lines_of(goods + "合计 | 5.00\n"))
    assert articles_disagree(entries(rows), 500)  # its leading digit was lost
    rows = lay_out(lines_of(goods + "优惠 | -2.00\n合计 | 13.00\n"))
    assert not articles_disagree(entries(rows), 1300)


def test_amounts_begin_with_a_point_or_stand_glued_to_their_label() -> None:
    def fen(text: str) -> list[int]:
        [row] = lay_out(lines_of(text))
        return [money.fen for money in amounts(row.items[0])]

    texts = ("ROUNDING RM .02", "TotalRM21.85", "Total HK$98.50", "CO.00", "FARM 21")
    assert [fen(text) for text in texts] == [[2], [2185], [9850], [], [2100]]
    thousands = ("HK$1 299.00", "1'299.00", "RM 12 999.00", "1,299.00", "2 299.00")
    assert [fen(text) for text in thousands] == [[129_900], [129_900], [1_299_900], [129_900], [200, 29_900]]
