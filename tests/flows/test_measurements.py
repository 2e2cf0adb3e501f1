"""The measurements of money run at all, lose nothing, and end what they started. Their figures are for a quiet machine: `make bench`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]


def small(name: str) -> dict[str, Any]:
    """The figures of a small run, which leaves no process behind."""
    before = set(psutil.Process().children(recursive=True))
    process = subprocess.Popen(
        [sys.executable, "-m", f"bench.{name}", "--small"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    said, wrong = process.communicate(timeout=900)
    assert process.returncode == 0, wrong[-3000:]
    assert set(psutil.Process().children(recursive=True)) <= before
    figures: dict[str, Any] = json.loads(said)
    assert figures["bench"] == name
    return figures


def untouched(found: dict[str, int]) -> bool:
    """Nothing is wrong with what was settled."""
    return found["settled"] > 0 and {value for name, value in found.items() if name != "settled"} == {0}


def test_settling_is_compared_with_pgbench_doing_the_same() -> None:
    figures = small("settle")
    assert figures["app_over_pgbench"] > 0
    assert untouched(figures["found_afterwards"])


def test_no_notice_is_lost() -> None:
    figures = small("notices")
    assert (figures["lost"], figures["not_acknowledged"]) == (0, 0)
    assert untouched(figures["found_afterwards"])
    assert figures["found_afterwards"]["settled"] >= figures["notices"] == 200


def test_the_statements_of_a_plate_payment_are_counted_step_by_step() -> None:
    figures = small("plate_flow")
    assert untouched(figures["found_afterwards"])
    assert set(figures["statements"]) == {"page", "quote", "order", "read_before", "notice", "settle", "read_after"}
    assert min(figures["statements"].values()) > 0
    assert sum(figures["statements"].values()) < figures["statements_of_the_whole_flow"] <= 40


def test_a_long_quote_with_every_tender_is_measured() -> None:
    figures = small("quotes")
    assert figures["lines"] == 30
    assert max(figures["statements"].values()) <= 8
    assert set(figures["largest_basket"]) == {"place", "settle", "refund"}


def test_the_nightly_proofs_find_nothing_and_do_not_grow() -> None:
    figures = small("proof")
    assert figures["entries"] == 90_000
    assert max(figures["memory_over_that_of_a_tenth"].values()) < 1.5
