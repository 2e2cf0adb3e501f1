"""How well receipts are read: `python -m bench.receipts PHOTOS_DIR [--json FILE] [--no-speed]`.

The folder holds photos beside a labels.json, and a pairs.json where photos are to be compared. Prints every miss,
then one JSON summary: shares of exact fields, amounts given where none may be, what was trusted without a human,
decisions on pairs, time against bare PaddleOCR on the same pictures in the same run, and memory.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from ocr import models, papers
from ocr.fields.text import squeezed
from ocr.reader import Reader
from ocr.reading import Reading

Label = Mapping[str, Any]
KINDS = {"prebill": "unpaid_bill", "credit_note": "refund", "stored_value_topup": "top_up"}
PAIRS = {
    "same_receipt_two_photos": (papers.Verdict.SAME,),
    "same_shop_other_receipt": (papers.Verdict.DIFFERENT,),
    # Not every till marks a reprint: without a mark it is the same paper, and refused all the same.
    "reprint": (papers.Verdict.REPRINT, papers.Verdict.SAME),
    "tampered_total": (papers.Verdict.TAMPERED,),
}


class Score:
    """Right and asked, with the misses in words."""

    def __init__(self) -> None:
        self.right: dict[str, int] = {}
        self.asked: dict[str, int] = {}

    def mark(self, field: str, right: bool, label: Label, want: object, got: object) -> None:
        """Count one answer; print it when it is wrong."""
        self.asked[field] = self.asked.get(field, 0) + 1
        self.right[field] = self.right.get(field, 0) + right
        if not right:
            print(f"miss {field:9} {label['file']}: want {want!r}, got {got!r}")

    def shares(self) -> dict[str, Any]:
        """By field: right, asked and share."""
        return {
            field: {"right": self.right[field], "asked": asked, "share": round(self.right[field] / asked, 4)}
            for field, asked in self.asked.items()
        }


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the folder, print misses and the summary."""
    options = _options(arguments)
    labels: list[Label] = json.loads((options.photos / "labels.json").read_text(encoding="utf-8"))
    reader = Reader()
    readings, took = _read_all(reader, options.photos, labels)
    summary: dict[str, Any] = {"photos": len(labels), **_score(labels, readings)}
    pairs = options.photos / "pairs.json"
    if pairs.exists():
        summary["pairs"] = _pairs(json.loads(pairs.read_text(encoding="utf-8")), readings)
    summary["seconds_median"] = round(statistics.median(took.values()), 3)
    summary["rss_mb"] = round(psutil.Process().memory_info().rss / 1e6)
    if not options.no_speed:
        summary["speed"] = _against_bare(reader, options.photos, labels)
    text = json.dumps(summary, ensure_ascii=False, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text, encoding="utf-8")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.receipts", description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--no-speed", action="store_true")
    return parser.parse_args(arguments)


def _read_all(reader: Reader, folder: Path, labels: Sequence[Label]) -> tuple[dict[str, Reading], dict[str, float]]:
    readings, took = {}, {}
    for label in labels:
        data = (folder / label["file"]).read_bytes()
        started = time.perf_counter()
        readings[label["file"]] = reader.read(data)
        took[label["file"]] = time.perf_counter() - started
    return readings, took


def _score(labels: Sequence[Label], readings: Mapping[str, Reading]) -> dict[str, Any]:
    score = Score()
    trusted = wrong = invented = purchases = trusted_purchases = 0
    for label in labels:
        reading = readings[label["file"]]
        total = _fen(label)
        _mark(score, label, reading)
        if total is None and reading.total_fen.value is not None:
            invented += 1
            print(f"miss invented  {label['file']}: no amount may be given, got {reading.total_fen.value}")
        trusted += reading.auto
        if reading.auto and reading.total_fen.value != total:
            wrong += 1
            print(f"miss trusted   {label['file']}: want {total}, trusted {reading.total_fen.value}")
        if label.get("earns_points") is True:
            purchases += 1
            trusted_purchases += reading.auto
    return {
        "fields": score.shares(),
        "amounts_where_none_may_be": invented,
        "auto": {"trusted": trusted, "wrong": wrong, "purchases": purchases, "purchases_trusted": trusted_purchases},
    }


def _fen(label: Label) -> int | None:
    if label["total"] is None or not label.get("visible", {}).get("total", True):
        return None
    return round(label["total"] * 100)


def _mark(score: Score, label: Label, reading: Reading) -> None:
    seen = label.get("visible") or {}
    total = _fen(label)
    if total is not None:
        score.mark("total", reading.total_fen.value == total, label, total, reading.total_fen.value)
    kind = KINDS.get(label["kind"], label["kind"])
    score.mark("kind", reading.kind == kind, label, kind, reading.kind)
    if label.get("date") and seen.get("datetime", "visible" not in label):
        got = None if reading.paid_at.value is None else reading.paid_at.value.isoformat()
        wanted = list(_moments(label))
        score.mark("datetime", got in wanted, label, wanted[0], got)
    if label.get("merchant") and seen.get("merchant", True):
        right = any(_same_shop(name, reading.merchant.value) for name in _names(label))
        score.mark("merchant", right, label, label["merchant"], reading.merchant.value)
    if label.get("receipt_no") and seen.get("receipt_no", True):
        wanted = [label["receipt_no"], *label.get("receipt_no_alternatives", [])]
        got = _flat(reading.receipt_no.value or "")
        score.mark("number", got in [_flat(printed) for printed in wanted], label, label["receipt_no"], reading.receipt_no.value)


def _moments(label: Label) -> Iterator[str]:
    for clock in [label["time"], *label.get("time_alternatives", [])]:
        yield f"{label['date']}T{clock if len(clock) == 8 else clock + ':00'}"


def _names(label: Label) -> list[str]:
    return [name for name in (label["merchant"], label.get("merchant_as_printed"), *label.get("merchant_aliases", [])) if name]


def _same_shop(name: str, got: str | None) -> bool:
    # The name, or the name with its branch behind it; letters that cameras confuse (I, l, 1) count as one.
    wanted, read = (re.sub("[il1|]", "i", squeezed(text or "")) for text in (name, got))
    return bool(read) and (read == wanted or (wanted in read and len(read) < len(wanted) + 12))


def _flat(number: str) -> str:
    return re.sub(r"\W", "", number).upper()


def _pairs(pairs: Sequence[Label], readings: Mapping[str, Reading]) -> dict[str, Any]:
    right = duplicates = 0
    for pair in pairs:
        comparison = papers.compare(readings[pair["a"]], readings[pair["b"]])
        exact = comparison.verdict in PAIRS[pair["kind"]]
        right += exact
        duplicates += (comparison.verdict is not papers.Verdict.DIFFERENT) == pair["is_duplicate"]
        if not exact:
            facts = f"agree {comparison.agreeing}, differ {comparison.differing}"
            print(f"miss pair      {pair['a']} {pair['b']}: want {pair['kind']}, got {comparison.verdict} ({facts})")
    return {"asked": len(pairs), "right": right, "duplicate_or_not_right": duplicates}


def _against_bare(reader: Reader, folder: Path, labels: Sequence[Label], most: int = 25) -> dict[str, Any]:
    """Our whole reading, and bare PaddleOCR, turn by turn on the same pictures."""
    bare = bare_paddle()
    ours, theirs, small = [], [], []
    for label in labels[:: max(1, len(labels) // most)]:
        path = folder / label["file"]
        ours.append(_timed(lambda: reader.read(path.read_bytes())))  # noqa: B023  (called at once)
        theirs.append(_timed(lambda: bare.predict(str(path))))  # noqa: B023
        small.append(_timed(lambda: bare.predict(str(path), text_det_limit_side_len=960, text_det_limit_type="max")))  # noqa: B023
    median = statistics.median
    return {
        "pictures": len(ours),
        "ours_median_s": round(median(ours), 3),
        "bare_median_s": round(median(theirs), 3),
        "bare_960_median_s": round(median(small), 3),
        "ratio": round(median(a / b for a, b in zip(ours, theirs, strict=True)), 3),
        "ratio_960": round(median(a / b for a, b in zip(ours, small, strict=True)), 3),
    }


def bare_paddle() -> Any:
    """PaddleOCR as its own documentation builds it, on the same weights and threads, with the optional models off."""
    from paddleocr import PaddleOCR

    home = models.ensure()
    return PaddleOCR(
        text_detection_model_name=models.DETECTION.name,
        text_detection_model_dir=str(home / models.DETECTION.name),
        text_recognition_model_name=models.RECOGNITION.name,
        text_recognition_model_dir=str(home / models.RECOGNITION.name),
        use_doc_orientation_classify=False,
        use_doc_unwarping=False,
        use_textline_orientation=False,
        device="cpu",
        engine="onnxruntime",
        engine_config={"intra_op_num_threads": int(os.environ.get("OCR_THREADS", "1"))},
    )


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    raise SystemExit(main())
