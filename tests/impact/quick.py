"""`make quick`: the tests that a change since the last `make test` can reach, the nearest first, within a minute and a half."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.impact.recording import FOLDER
from tests.impact.selection import Record, Selection, changed, select
from tests.impact.units import source_files

#: For the tests of one worker; starting, collecting and ending take the rest of the minute and a half.
SECONDS = 60.0


def report(chosen: Selection, record: Record) -> list[str]:
    """What is run, and what is not."""
    seconds = sum(record.tests[test].seconds for test in chosen.tests)
    lines = [f"· {len(chosen.tests)} tests that the change reaches ({seconds:.0f} s of tests), {len(chosen.files)} changed files of tests"]
    if chosen.left:
        slow = sum(record.tests[test].seconds for test in chosen.left)
        lines.append(f"· {len(chosen.left)} more ({slow:.0f} s, with those of real processes) are left to `make test`")
    return lines


def main(arguments: list[str]) -> int:
    """Choose, say what was chosen, and run it; the arguments are pytest's."""
    try:
        record = Record.read(FOLDER)
    except FileNotFoundError:
        print("✗ Nothing is known of these tests yet: run `make test` once.", file=sys.stderr)
        return 2
    now, workers = source_files(), int(os.environ.get("WORKERS", "2"))
    change = changed(record, now)
    print(f"· changed since the last `make test`: {', '.join(sorted(change.paths)) or 'nothing'}", file=sys.stderr)
    chosen = select(record, now, seconds=SECONDS * workers)
    print("\n".join(report(chosen, record)), file=sys.stderr)
    if not chosen.tests and not chosen.files:
        return 0
    listed = FOLDER / "quick.txt"
    listed.write_text("\n".join([*chosen.files, *chosen.tests]))
    command = [sys.executable, "-m", "pytest", "-n", str(workers), "--dist", "loadgroup", *arguments, f"@{listed}"]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
