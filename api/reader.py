"""`python -m api.reader` keeps one reader process running: starts it again when it is killed, hung or worn out.

It loads nothing of the app: it only waits, and a second copy of everything in memory would buy nothing.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import Any

from api.kit import logs
from api.settings import from_environment

log = logs.get(__name__)

RESTART_AFTER = 0.5  # seconds


def keep_reading() -> None:
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
    logs.configure(from_environment().log_level)
    keep_reading()
