"""`python -m tests.mutants [ROOM …]`: how much of what could be wrong in a room's rules its tests notice."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.mutants.changes import ROOT, Change, Source
from tests.mutants.running import KILLED, MISPLACED, TIMED_OUT, Runner

ENOUGH = 85  # percent of the changes that a room's tests must notice
EXPLAINED = Path(__file__).parent / "explained.toml"
RESULTS = ROOT / "var" / "mutants"
APP = ("settings", "app")


@dataclass(frozen=True)
class Target:
    """Files with rules of the mall, the tests that stand for them, and the fixtures that all of these tests may share."""

    files: tuple[str, ...]
    tests: tuple[str, ...]
    warm: tuple[str, ...] = ()


TARGETS = {
    "ledger": Target(("api/ledger/service.py", "api/ledger/queries.py"), ("tests/ledger",), APP),
    "reckoning": Target(("api/points/reckoning.py",), ("tests/points/test_reckoning.py",)),
    "decision": Target(("api/receipts/decision.py",), ("tests/receipts/test_decision.py",)),
    "mix": Target(("api/checkout/mix.py",), ("tests/checkout/test_mix.py",)),
    "tenders": Target(
        tuple(f"api/checkout/tenders/{name}.py" for name in ("__init__", "base", "points", "cards", "gateway")),
        (
            "tests/checkout/test_tenders.py",
            "tests/checkout/test_paying.py",
            "tests/checkout/test_refunding.py",
            "tests/checkout/test_invoicing.py",
        ),
        (*APP, "_wechat", "_alipay"),
    ),
    "refunds": Target(
        ("api/checkout/service/refunds.py",),
        ("tests/checkout/test_refund_rules.py", "tests/checkout/test_refunding.py", "tests/checkout/test_kinds.py"),
        (*APP, "_wechat", "_alipay"),
    ),
}


def main() -> int:
    """1 when a room's tests notice too little, or an explanation explains nothing."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("rooms", nargs="*", metavar="ROOM", help=f"of {', '.join(TARGETS)}; none means all")
    parser.add_argument("--again", action="store_true", help="only what was not noticed last time")
    arguments = parser.parse_args()
    if unknown := set(arguments.rooms) - set(TARGETS):
        parser.error(f"there is no room {', '.join(sorted(unknown))}: take {', '.join(TARGETS)}")
    if len(arguments.rooms) == 1:
        return _measure(arguments.rooms[0], again=arguments.again)
    again = ["--again"] if arguments.again else []
    ends = [
        subprocess.run([sys.executable, "-m", "tests.mutants", room, *again], check=False).returncode for room in arguments.rooms or TARGETS
    ]
    return max(ends)


def _measure(room: str, *, again: bool) -> int:
    target, results, begun = TARGETS[room], RESULTS / f"{room}.json", time.monotonic()
    sources = [Source(file) for file in target.files]
    last = {tuple(row["key"]) for row in json.loads(results.read_text())["survivors"]} if again else set()
    wanted = [change for source in sources for change in source.changes if not again or change.key in last]
    done = 0

    def note(change: Change, outcome: str) -> None:
        nonlocal done
        done += 1
        if outcome == KILLED and done % 50 == 0:
            print(f"  {done}/{len(wanted)}", file=runner.errors)
        if outcome != KILLED:
            print(f"  {done}/{len(wanted)} {change.file}:{change.line} {outcome}: {change.text}", file=runner.errors)

    runner = Runner(sources, target.warm, lambda change: not again or change.key in last, note)
    alone = [] if target.warm else ["--noconftest"]  # rules that need neither the app nor its servers
    ended = pytest.main(["-q", "-n0", *alone, *target.tests], plugins=[runner])
    if ended or len(runner.outcomes) != len(wanted):
        return 1
    return _report(room, target, runner.outcomes, results, seconds=time.monotonic() - begun, whole=not again)


def _report(room: str, target: Target, outcomes: dict[Change, str], results: Path, *, seconds: float, whole: bool) -> int:
    survivors = {change: outcome for change, outcome in outcomes.items() if outcome not in {KILLED, TIMED_OUT}}
    reasons = {key: reason for key, reason in _explanations().items() if key[0] in target.files}
    open_ones = {change: outcome for change, outcome in survivors.items() if change.key not in reasons}
    noticed = len(outcomes) - len(survivors)
    percent = 100 * noticed / max(1, noticed + len(open_ones))
    figures = {
        "room": room,
        "changes": len(outcomes),
        "noticed": noticed,
        "of these timed out": sum(outcome == TIMED_OUT for outcome in outcomes.values()),
        "explained": len(survivors) - len(open_ones),
        "survived": len(open_ones),
        "percent": round(percent, 1),
        "percent of all": round(100 * noticed / max(1, len(outcomes)), 1),
        "seconds": round(seconds),
    }
    rows = [
        {"key": change.key, "line": change.line, "outcome": outcome, "explained": reasons.get(change.key)}
        for change, outcome in survivors.items()
    ]
    results.parent.mkdir(parents=True, exist_ok=True)
    results.write_text(json.dumps(figures | {"survivors": rows}, ensure_ascii=False, indent=1) + "\n")
    for change, outcome in open_ones.items():
        print(f"{change.file}:{change.line} {change.place} {outcome}: {change.text}")
    idle = sorted(set(reasons) - {change.key for change in survivors}) if whole else []
    for key in idle:
        print(f"{EXPLAINED.name}: this survives no more: {' · '.join(key)}")
    print(json.dumps(figures))
    misplaced = any(outcome == MISPLACED for outcome in outcomes.values())
    return int(bool(idle) or misplaced or (whole and percent < ENOUGH))


def _explanations() -> dict[tuple[str, str, str], str]:
    """Why a change cannot be noticed, by the change."""
    rows: list[dict[str, Any]] = tomllib.loads(EXPLAINED.read_text()).get("change", [])
    return {(row["file"], row["place"], row["text"]): row["because"] for row in rows}


if __name__ == "__main__":
    sys.exit(main())
