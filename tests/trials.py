"""How often a test of faults tries. A build tries a fifth of the full count, `make proof` all of it, a night ten times as much."""

from __future__ import annotations

import os

SHARE = float(os.environ.get("TRIALS", "0.2"))


def trials(count: int, *, least: int = 1) -> int:
    """So many trials of this run, out of the full count."""
    return max(least, round(count * SHARE))
