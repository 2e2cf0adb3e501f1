"""`make bench`: every measurement that needs no photos from outside, one JSON line each."""

from __future__ import annotations

import subprocess
import sys

MEASUREMENTS = (
    "ledger", "points_page", "member_search", "rehearsal", "exports", "uploads", "live", "quotes", "settle", "plate_flow",
    "notices", "proof",
)  # fmt: skip

if __name__ == "__main__":
    sys.exit(max(subprocess.call([sys.executable, "-m", f"bench.{name}"]) for name in MEASUREMENTS))
