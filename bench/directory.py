"""The right shop among a mall's: `python -m bench.directory DIR [--show]`.

Every labelled merchant of the folder's slips is one shop of the mall. Prints right, none, asked (several were too close) and wrong, then
one JSON line; slips on which the name itself was masked are left out.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from api.malls.names import core_name, normalise_name
from api.malls.service import ShopNames
from api.receipts.policy import ReceiptPolicy
from api.receipts.shop_recognition import Clues, Match, match
from bench.reading import Slip, load
from ocr.fields.choose import choose


def main(arguments: Sequence[str] | None = None) -> int:
    """Match every slip with the mall of all of them."""
    parser = argparse.ArgumentParser(prog="python -m bench.directory", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args(arguments)
    slips = [slip for slip in load(options.folder) if slip.want.get("merchant") and not _is_masked(slip)]
    printed: dict[str, set[str]] = {}
    for slip in slips:
        # What the slip at hand is labelled with may be its own misspelling: a shop is known by the first name of it.
        printed.setdefault(slip.shop, {slip.shop}).update(slip.want.get("merchant_aliases") or [])
    shops = [
        ShopNames(
            number, name, (normalise_name(name),), tuple(sorted({normalise_name(alias) for alias in names} - {normalise_name(name)})),
            (), (), (), "", "", "", False,
            tuple(sorted({core_name(alias) for alias in names})),
        )
        for number, (name, names) in enumerate(sorted(printed.items()))
    ]  # fmt: skip
    rules = ReceiptPolicy
    outcomes: Counter[str] = Counter()
    for slip in slips:
        reading = choose(slip.lines, slip.picture)
        clues = Clues(
            reading.merchant.value, reading.unit, reading.tax_no, reading.phone, reading.mall, tuple(line.text for line in slip.lines)
        )
        matched = match(clues, shops, (), at=rules.match_at, margin=rules.match_margin)
        outcome = _outcome(matched, slip.shop)
        outcomes[outcome] += 1
        if options.show and outcome != "right":
            got = matched.shop.name if matched.shop else [shop.name for shop in matched.likely]
            print(f"{outcome:6} {slip.file}: {slip.shop!r}, read {clues.merchant!r}, got {got!r} ({matched.how} {matched.score:.0f})")
    share = {name: round(outcomes[name] / len(slips), 4) for name in ("right", "asked", "none", "wrong")}
    print(json.dumps({"shops": len(shops), "slips": len(slips), **share, "counts": dict(outcomes)}))
    return 0


def _is_masked(slip: Slip) -> bool:
    return any(re.match(r"MR\b.*X[.X]*X", line.text) for line in slip.lines[:4])


def _outcome(matched: Match, wanted: str) -> str:
    if matched.shop is not None:
        return "right" if matched.shop.name == wanted else "wrong"
    return "asked" if matched.likely else "none"


if __name__ == "__main__":
    raise SystemExit(main())
