"""`python -m ocr read PHOTO... --json`: one line of JSON a photo on standard output, and nothing else there."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ocr.decode import PhotoRefused
from ocr.models import WeightsMissing
from ocr.reader import Reader
from ocr.reading import Reading


def main(arguments: Sequence[str] | None = None) -> int:
    """Read every photo. 0 when all were readable, 1 when one was not, 2 when the weights are missing."""
    options = _parser().parse_args(arguments)
    out = _own_stdout()
    try:
        reader = Reader()
    except WeightsMissing as missing:
        print(missing, file=sys.stderr)
        return 2
    trouble = False
    for photo in options.photos:
        line = _read(reader, photo)
        trouble |= "error" in line
        print(json.dumps(line, ensure_ascii=False) if options.json else _for_people(line), file=out, flush=True)
    return 1 if trouble else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ocr", description="Read receipts on photos.")
    commands = parser.add_subparsers(required=True)
    read = commands.add_parser("read", help="read photos and print their fields")
    read.add_argument("photos", nargs="+", type=Path, metavar="PHOTO")
    read.add_argument("--json", action="store_true", help="one JSON object a line, in the order of the photos")
    return parser


def _own_stdout() -> Any:
    # The vendor's libraries may write to descriptor 1 from C: they get standard error, we keep the real one.
    real = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return real


def _read(reader: Reader, photo: Path) -> dict[str, Any]:
    started = time.perf_counter()
    try:
        reading = reader.read(photo.read_bytes())
    except (PhotoRefused, OSError) as trouble:
        return {"file": str(photo), "error": type(trouble).__name__, "detail": str(trouble)}
    return {**_facts(str(photo), reading), "ms": round((time.perf_counter() - started) * 1000)}


def _facts(file: str, reading: Reading) -> dict[str, Any]:
    at = reading.paid_at.value
    return {
        "file": file,
        "merchant": reading.merchant.value,
        "total_fen": reading.total_fen.value,
        "currency": reading.currency,
        "paid_at": None if at is None else at.isoformat(),
        "receipt_no": reading.receipt_no.value,
        "kind": reading.kind,
        "confidence": {
            "merchant": reading.merchant.confidence,
            "total_fen": reading.total_fen.confidence,
            "paid_at": reading.paid_at.confidence,
            "receipt_no": reading.receipt_no.confidence,
            "kind": reading.kind_confidence,
        },
        "auto": reading.auto,
        "lines": reading.to_json()["lines"],
    }


def _for_people(line: dict[str, Any]) -> str:
    if "error" in line:
        return f"{line['file']}: {line['detail']}"
    fen = line["total_fen"]
    amount = "?" if fen is None else f"{fen / 100:.2f} {line['currency']}"
    return f"{line['file']}: {line['kind']}, {line['merchant']}, {amount}, {line['paid_at']}, {line['receipt_no']}"


if __name__ == "__main__":
    raise SystemExit(main())
