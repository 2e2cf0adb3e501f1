"""Speed and memory of reading: `python -m bench.ocr_speed PHOTOS_DIR [--json FILE] [--photos 300]`.

Median time against bare PaddleOCR, resident memory after many photos of mixed shapes, and two worker processes
against one (each with one thread, so that the figure says what a second core is worth).
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
from PIL import Image, ImageOps

from bench.receipts import _against_bare
from ocr.reader import Reader


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.ocr_speed", description=__doc__)
    parser.add_argument("photos_dir", type=Path)
    parser.add_argument("--photos", type=int, default=300)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    files = sorted(path for path in options.photos_dir.iterdir() if path.suffix.lower() in {".jpg", ".jpeg", ".png", ".webp", ".heic"})
    summary: dict[str, object] = {}
    for name, measure in (
        ("speed", lambda: _against_bare(Reader(), options.photos_dir, [{"file": path.name} for path in files])),
        ("workers", lambda: _workers(files[:24])),
        ("memory", lambda: _memory(files, options.photos)),  # the longest comes last
    ):
        summary[name] = measure()
        print(name, summary[name], file=sys.stderr, flush=True)
    text = json.dumps(summary, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text, encoding="utf-8")
    return 0


def _memory(files: Sequence[Path], count: int) -> dict[str, object]:
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_read_mixed, ([str(path) for path in files], count))


def _read_mixed(files: Sequence[str], count: int) -> dict[str, object]:
    reader, process, peak = Reader(), psutil.Process(), 0
    for data in _mixed(files, count):
        reader.read(data)
        peak = max(peak, process.memory_info().rss)
    return {"photos": count, "rss_mb": round(process.memory_info().rss / 1e6), "peak_mb": round(peak / 1e6)}


def _mixed(files: Sequence[str], count: int) -> Iterator[bytes]:
    """The photos again and again, turned, cut and resized, so that hardly two have one shape."""
    dice = random.Random(7)
    for number in range(count):
        image = ImageOps.exif_transpose(Image.open(files[number % len(files)])).convert("RGB")
        scale = dice.uniform(0.5, 1.3)
        image = image.resize((round(image.width * scale), round(image.height * dice.uniform(0.9, 1.1) * scale)))
        image = image.rotate(dice.choice((0, 0, 0, 90, 180, 270)), expand=True)
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=80)
        yield buffer.getvalue()


def _workers(files: Sequence[Path]) -> dict[str, float]:
    single = _rate(files, 1)
    double = _rate(files, 2)
    return {"one_photos_s": round(single, 3), "two_photos_s": round(double, 3), "ratio": round(double / single, 3)}


def _rate(files: Sequence[Path], workers: int) -> float:
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, initializer=_start) as pool:
        pool.map(_read, [files[0]] * workers * 2, chunksize=1)  # every worker has loaded and warmed up
        started = time.perf_counter()
        pool.map(_read, list(files), chunksize=1)
        return len(files) / (time.perf_counter() - started)


_reader: list[Reader] = []


def _start() -> None:
    _reader.append(Reader(threads=1))


def _read(path: Path) -> int | None:
    return _reader[0].read(path.read_bytes()).total_fen.value


if __name__ == "__main__":
    raise SystemExit(main())
