"""`python -m api.reader` keeps one reader process running: starts it again when it was killed, hangs, or has read its number of photos.

It loads nothing of the app: it only waits, and needs no second copy of everything in memory.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import Any

from api.kit import logs
from api.settings import ending_the_process, from_environment

log = logs.get(__name__)

RESTART_AFTER = 0.5  # seconds


def run_forever() -> None:
    """Run the reader process again and again until this one is told to stop."""
    stopping = False
    child: subprocess.Popen[bytes] | None = None

    def stop(_number: int, _frame: Any) -> None:
        nonlocal stopping
        stopping = True
        if child is not None:
            child.terminate()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    while not stopping:
        child = subprocess.Popen([sys.executable, "-m", "api.jobs", "read"])
        code = child.wait()
        if not stopping:
            log.warning("the reader ended and is started again", exit_code=code)
            time.sleep(RESTART_AFTER)


if __name__ == "__main__":
    with ending_the_process():
        logs.configure(from_environment().log_level)
    run_forever()
