"""Make the ranker of totals again: `python -m ocr.ranker DIR [--out FILE]` (`make train LINES=DIR`)."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ocr.ranker import training
from ocr.ranker.model import WEIGHTS


def main(arguments: Sequence[str] | None = None) -> int:
    """Train on the folder's slips, write the ranker with the figures of its folds, and print them."""
    parser = argparse.ArgumentParser(prog="python -m ocr.ranker", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    options = parser.parse_args(arguments)
    slips = training.load(options.folder)
    known = training.examples(slips)
    if not known:
        parser.error(f"{options.folder} holds no slip whose total is among its amounts")
    made = replace(training.train(known), figures=training.measured(slips, known))
    options.out.write_text(json.dumps(made.to_json(), ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    print(json.dumps(made.figures, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
