"""How often the tests of faults try: the counts of a build, or ten times as many at night with TRIALS=10."""

from __future__ import annotations

import os


def trials(count: int) -> int:
    """So many trials of this run."""
    return count * int(os.environ.get("TRIALS", "1"))
