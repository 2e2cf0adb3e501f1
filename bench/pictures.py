"""Pictures that are hostile, cut or poorly taken.

`python -m bench.pictures check` prints what checking them costs: time and memory before anything is decoded, and what becomes of each.
`python -m bench.pictures quality [--count 12] [--sharp 40] [--seed 7]` draws receipts, takes them ever worse, reads them, and prints
how each strength is called.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import struct
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench.papers.camera import photograph, spoilt
from bench.papers.page import lay
from bench.unseen import _slips
from ocr.decode import MAX_BYTES, PhotoRefused, check, decode
from ocr.reader import Reader

TARGET = {"check_ms": 200, "memory_mb": 50}
TIMES = 5  # the best of so many: what else the machine does is not the check's cost
STRENGTHS = {
    "focus": (1.5, 2.5, 4, 6, 9),
    "shake": (9, 17, 27),
    "dark": (0.3, 0.15, 0.08, 0.04),
    "far": (2, 3, 4, 6),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print JSON; 1 when a check is over its target or a sharp photo is called poor."""
    parser = argparse.ArgumentParser(prog="python -m bench.pictures", description=__doc__)
    does = parser.add_subparsers(dest="does", required=True)
    does.add_parser("check")
    quality = does.add_parser("quality")
    for name, count in (("--count", 12), ("--sharp", 40), ("--seed", 7)):
        quality.add_argument(name, type=int, default=count)
    options = parser.parse_args(arguments)
    summary = measure_checks() if options.does == "check" else measure_quality(options.count, options.sharp, options.seed)
    print(json.dumps(summary, indent=1))
    return 0 if summary["holds"] else 1


def measure_checks() -> dict[str, Any]:
    """What each hostile file costs, and each whole picture cut at every percent of its length."""
    check(_stored("JPEG"))  # what the first check loads stays
    hostile = {name: _cost(made()) for name, made in _hostile().items()}
    cut = {kind: _cut(_stored(kind)) for kind in ("JPEG", "PNG", "WEBP", "HEIF")}
    cut["JPEG, progressive"] = _cut(_stored("JPEG", progressive=True))
    slowest = max(case["check_ms"] for case in (*hostile.values(), *cut.values()))
    largest = max(case["memory_mb"] for case in (*hostile.values(), *cut.values()))
    holds = slowest <= TARGET["check_ms"] and largest <= TARGET["memory_mb"]
    return {
        "bench": "pictures check", "hostile": hostile, "cut": cut, "slowest_ms": slowest, "memory_mb": largest, "target": TARGET,
        "holds": holds,
    }  # fmt: skip


def _cost(data: bytes) -> dict[str, Any]:
    before, took = _reset_peak(), []
    for _ in range(TIMES):
        started = time.perf_counter()
        outcome = _outcome(check, data)
        took.append(1000 * (time.perf_counter() - started))
    memory = _peak_mb() - before
    return {
        "bytes": len(data), "check": outcome, "check_ms": round(min(took), 1), "memory_mb": round(max(0.0, memory), 1),
        "decode": _outcome(decode, data) if outcome == "accepted" else outcome,
    }  # fmt: skip


def _outcome(work: Callable[[bytes], object], data: bytes) -> str:
    try:
        work(data)
    except PhotoRefused as refused:
        return type(refused).__name__
    return "accepted" if work is check else "read"


def _cut(data: bytes) -> dict[str, Any]:
    costs = [_cost(data[: len(data) * percent // 100]) for percent in range(1, 101)]
    return {
        "bytes": len(data),
        "becomes": dict(Counter(cost["decode"] for cost in costs)),
        "check_ms": max(cost["check_ms"] for cost in costs),
        "memory_mb": max(cost["memory_mb"] for cost in costs),
    }


def _reset_peak() -> float:
    """Forget the highest memory so far, and give what is held now, in MB."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status_mb("VmRSS")


def _peak_mb() -> float:
    return _status_mb("VmHWM")


def _status_mb(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def _stored(kind: str, **options: Any) -> bytes:
    grain = np.random.default_rng(1).normal(170, 25, (1600, 1200, 3))
    out = io.BytesIO()
    Image.fromarray(np.clip(grain, 1, 255).astype(np.uint8)).save(out, kind, **options)
    return out.getvalue()


def _hostile() -> dict[str, Callable[[], bytes]]:
    """Name → how the file is made, each at most as large as a photo may be."""
    photo, heic = _stored("JPEG"), b"\0\0\0\x18ftypheic" + bytes(12)
    head = photo[: photo.index(b"\xff\xda") + 400]
    left = MAX_BYTES - len(head)
    return {
        "10 MB of FF": lambda: b"\xff\xd8" + b"\xff" * (MAX_BYTES - 2),
        "10 MB of FF in the picture": lambda: head + b"\xff" * left,
        "10 MB of stuffing in the picture": lambda: head + b"\xff\x00" * (left // 2),
        "10 MB of zeros": lambda: b"\xff\xd8\xff" + bytes(MAX_BYTES - 3),
        "200,000 segments": lambda: photo[:2] + b"\xff\xe1\x00\x02" * 200_000 + photo[2:],
        "200,000 segments with FF between": lambda: b"\xff\xd8" + (b"\xff\xe1\x00\x02" + b"\xff" * 40) * 200_000,
        "2,000 segments with 5 kB of FF between": lambda: b"\xff\xd8" + (b"\xff\xe1\x00\x02" + b"\xff" * 5000) * 2000,
        "200,000 scans": lambda: head + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" * 200_000,
        "50,000 x 50,000 JPEG": lambda: _jpeg_of(photo, 50_000),
        "50,000 x 50,000 PNG": lambda: _png_of(50_000),
        "800,000 chunks": lambda: _png_of(100)[:33] + (bytes(4) + b"tEXt" + bytes(4)) * 800_000,
        "1,000,000 boxes": lambda: heic + b"\0\0\0\x08free" * 1_000_000,
        "boxes in 10,000 boxes": lambda: (
            heic + b"".join(struct.pack(">I4s", 12 * (10_000 - at), b"meta") + bytes(4) for at in range(10_000))
        ),
    }


def _jpeg_of(photo: bytes, side: int) -> bytes:
    at = photo.index(b"\xff\xc0") + 5
    return photo[:at] + struct.pack(">HH", side, side) + photo[at + 4 :]


def _png_of(side: int) -> bytes:
    parts = ((b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts
    )


def measure_quality(count: int, sharp: int, seed: int) -> dict[str, Any]:
    """Of each way to take a photo badly and each strength: how many are called what, and how many amounts are still read rightly."""
    reader = Reader(threads=1)
    called: dict[str, Counter[str]] = defaultdict(Counter)
    for name, photo, total in _photos(count, max(count, sharp), seed):
        reading = reader.read(photo)
        called[name][reading.picture.flaw or ("no flaw" if reading.lines else "no text")] += 1
        called[name]["amount right"] += reading.total_fen.value == total
        called[name]["called no receipt"] += bool(reading.lines) and reading.kind == "other" and reading.picture.flaw is None
    holds = called["sharp"]["no flaw"] == max(count, sharp)
    return {"bench": "pictures quality", "strengths": {name: dict(counts) for name, counts in called.items()}, "holds": holds}


def _photos(count: int, sharp: int, seed: int) -> Iterator[tuple[str, bytes, int | None]]:
    for number, (_, slip, rng) in enumerate(_slips(sharp, seed, None)):
        photo = photograph(lay(slip.rows), rng, cut=False)
        yield "sharp", photo, slip.facts["total"]
        if number < count:
            for flaw, strengths in STRENGTHS.items():
                for strength in strengths:
                    yield f"{flaw} {strength}", spoilt(photo, flaw, strength, random.Random(seed + number)), slip.facts["total"]


if __name__ == "__main__":
    raise SystemExit(main())
