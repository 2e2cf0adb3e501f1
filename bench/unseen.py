"""Receipts whose layouts the rules were not built with.

`python -m bench.unseen make DIR [--count 90] [--seed 7]` draws photos with a labels.json for `python -m bench.receipts DIR`.
`python -m bench.unseen text [--count 3000] [--seed 7] [--show 2]` leaves the camera out: the fields are chosen from the
lines as they were laid out, and the misses are shown by layout.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bench.papers import LAYOUTS
from bench.papers.page import Page, as_lines, lay
from bench.papers.till import Slip, Till
from bench.receipts import KINDS
from ocr.fields.choose import choose
from ocr.fields.text import squeezed
from ocr.reading import Picture, Reading, Signals

CUT = 0.08
# Photos are sent a few days after the purchase.
UPLOADED = timedelta(days=2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw photos, or score the choice of fields on text alone."""
    parser = argparse.ArgumentParser(prog="python -m bench.unseen", description=__doc__)
    does = parser.add_subparsers(dest="does", required=True)
    make = does.add_parser("make")
    make.add_argument("folder", type=Path)
    text = does.add_parser("text")
    text.add_argument("--show", type=int, default=2)
    for command, count in ((make, 90), (text, 3000)):
        command.add_argument("--count", type=int, default=count)
        command.add_argument("--seed", type=int, default=7)
        command.add_argument("--only", help="one layout")
    options = parser.parse_args(arguments)
    if options.does == "make":
        return draw_all(options.folder, options.count, options.seed, options.only)
    print(json.dumps(score_text(options.count, options.seed, options.only, options.show), ensure_ascii=False, indent=1))
    return 0


def _slips(count: int, seed: int, only: str | None) -> list[tuple[str, Slip, random.Random]]:
    names = [only] if only else sorted(LAYOUTS)
    slips = []
    for number in range(count):
        rng = random.Random(f"{seed}-{number}")
        name = names[number % len(names)]
        slips.append((name, LAYOUTS[name](Till(rng)), rng))
    return slips


def score_text(count: int, seed: int, only: str | None, show: int) -> dict[str, Any]:
    """Shares of right fields over that many slips, what kept purchases from being trusted, and the misses by layout and field."""
    right: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    misses: dict[tuple[str, str], list[str]] = defaultdict(list)
    held: Counter[str] = Counter()
    for name, slip, rng in _slips(count, seed, only):
        cut = rng.random() < CUT and slip.facts["kind"] != "e_screenshot"
        reading = _reading(slip, rng, cut)
        held.update(reading.doubts if slip.facts["kind"] == "receipt" and not cut else ())
        for field, good, miss in _verdicts(slip, reading, cut):
            asked[field] += 1
            right[field] += good
            if not good:
                misses[name, field].append(miss)
    for (name, field), all_misses in sorted(misses.items(), key=lambda pair: -len(pair[1])):
        print(f"{len(all_misses):4} {field:9} {name}", *(f"\n       {text}" for text in all_misses[:show]))
    shares = {
        field: {"right": right[field], "asked": asked[field], "share": round(right[field] / asked[field], 4)} for field in sorted(asked)
    }
    return {**shares, "not trusted because": dict(held.most_common())}


def _reading(slip: Slip, rng: random.Random, cut: bool) -> Reading:
    lines, width, height = as_lines(lay(slip.rows), rng, cut)
    screen = 1.0 if slip.facts["kind"] == "e_screenshot" else 0.0
    bought: datetime | None = slip.facts["at"]
    today = bought.date() + UPLOADED if bought else None
    return choose(lines, Picture(width, height, "JPEG", "0" * 16, Signals(screenshot=screen)), today)


def _verdicts(slip: Slip, reading: Reading, cut: bool) -> list[tuple[str, bool, str]]:
    facts = slip.facts
    total, got = facts["total"], reading.total_fen.value
    verdicts = [("cut", got is None, f"invented {got}")] if cut else [("total", got == total, f"want {total}, got {got}")]
    if reading.auto:
        verdicts.append(("trusted", got == total and not cut, f"want {None if cut else total}, trusted {got}"))
    if cut:
        return verdicts
    kind = KINDS.get(facts["kind"], facts["kind"])
    verdicts.append(("kind", reading.kind == kind, f"want {kind}, got {reading.kind} {reading.kind_confidence}"))
    if facts["kind"] == "receipt":
        best = [(candidate.value_fen, candidate.confidence, candidate.label) for candidate in reading.candidates]
        verdicts.append(("auto", reading.auto, f"{', '.join(reading.doubts)}: want {total}, candidates {best}"))
    return [*verdicts, ("currency", (reading.currency or "CNY") == facts["currency"], reading.currency), *_named(facts, reading)]


def _named(facts: dict[str, Any], reading: Reading) -> list[tuple[str, bool, str]]:
    shop, number, at = reading.merchant.value or "", reading.receipt_no.value or "", reading.paid_at.value
    wanted = squeezed(facts["merchant"])
    verdicts = [("merchant", wanted in squeezed(shop) and len(squeezed(shop)) < len(wanted) + 12, f"want {facts['merchant']}, got {shop}")]
    if facts["number"]:
        verdicts.append(("number", _flat(number) == _flat(facts["number"]), f"want {facts['number']}, got {number}"))
    if facts["at"]:
        verdicts.append(("datetime", at == facts["at"], f"want {facts['at']}, got {at}"))
    return verdicts


def _flat(number: str) -> str:
    return re.sub(r"\W", "", number).upper()


def draw_all(folder: Path, count: int, seed: int, only: str | None) -> int:
    """Photos and their labels.json into the folder."""
    from bench.papers import camera

    folder.mkdir(parents=True, exist_ok=True)
    labels = []
    for number, (name, slip, rng) in enumerate(_slips(count, seed, only)):
        page = lay(slip.rows)
        cut = rng.random() < CUT and slip.facts["kind"] != "e_screenshot"
        file = f"u{number:04}_{name}.jpg"
        (folder / file).write_bytes(camera.photograph(page, rng, cut))
        labels.append(_label(file, name, slip, page, cut))
    (folder / "labels.json").write_text(json.dumps(labels, ensure_ascii=False, indent=1), encoding="utf-8")
    print(f"{len(labels)} photos in {folder}")
    return 0


def _label(file: str, name: str, slip: Slip, page: Page, cut: bool) -> dict[str, Any]:
    facts = slip.facts
    at: datetime | None = facts["at"]
    shown = squeezed("".join(cell.text for cell in page.cells if not cut or cell.top < page.total_top - 1))
    number = facts["number"]
    return {
        "file": file,
        "layout": name,
        "kind": facts["kind"],
        "merchant": facts["merchant"],
        "date": at.date().isoformat() if at else None,
        "time": at.strftime("%H:%M:%S") if at else None,
        "receipt_no": number,
        "total": None if cut else facts["total"] / 100,
        "currency": facts["currency"],
        "earns_points": facts["kind"] == "receipt" and not cut,
        "receipt_id": f"{name}-{file[1:5]}",
        "visible": {
            "total": not cut,
            "merchant": squeezed(facts["merchant"]) in shown,
            "receipt_no": bool(number) and squeezed(number) in shown,
            "datetime": bool(at) and not cut,
        },
    }


if __name__ == "__main__":
    raise SystemExit(main())
