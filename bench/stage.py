"""Servers and processes for a measurement: embedded PostgreSQL and Valkey on free ports, and the Procfile's processes against them."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from deploy import embedded

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Stage:
    """Where a measurement runs."""

    folder: Path
    postgres: embedded.Postgres
    valkey: embedded.Valkey
    env: dict[str, str]
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.env['PORT']}"

    def start(self, *names: str) -> None:
        """Start processes of the Procfile by name; their output goes to files in the folder."""
        lines = dict(re.findall(r"^(\w+):\s*(.+)$", (ROOT / "Procfile").read_text(), re.M))
        for name in names:
            command = re.sub(r"\$(\w+)", lambda match: self.env[match[1]], lines[name])
            log = (self.folder / f"{name}.log").open("ab")
            self.running.append(
                subprocess.Popen(
                    ["/bin/sh", "-c", f"exec {command}"], cwd=ROOT, env=self.env, stdout=log, stderr=log, start_new_session=True
                )
            )

    def wait_for(self, url: str, seconds: float = 60) -> None:
        """Wait until an address answers 200."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(urllib.error.URLError, OSError):
                if urllib.request.urlopen(url, timeout=2).status == 200:
                    return
            time.sleep(0.2)
        raise RuntimeError(f"{url} did not answer within {seconds:.0f} s; see {self.folder}")

    def stop(self) -> None:
        """End every process that was started."""
        for process in self.running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.running:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
        self.running.clear()


@contextlib.contextmanager
def stage(*, database: str = "bench", durable: bool = True, options: dict[str, str] | None = None) -> Iterator[Stage]:
    """A migrated, empty database with the app's own role, by default durable as in production; everything is gone afterwards.

    `options` are settings of the server.
    """
    folder = Path(tempfile.mkdtemp(prefix="mallbridge-bench-"))
    folder.chmod(0o755)
    postgres = embedded.Postgres(folder / "db", embedded.free_port(), durable=durable, options=options or {})
    valkey = embedded.Valkey(embedded.free_port())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # told to end, we end what we started too
    made = Stage(folder, postgres, valkey, dict(os.environ))
    try:
        postgres.start()
        valkey.start()
        postgres.make_roles()
        postgres.make_database(database)
        embedded.migrate(postgres.url(database, embedded.OWNER), postgres.url(database))
        made.env |= _environment(made, database)
        yield made
    finally:
        made.stop()
        valkey.stop()
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _environment(made: Stage, database: str) -> dict[str, str]:
    ports = {name: str(embedded.free_port()) for name in ("PORT", "LIVE_PORT", "WECHAT_PORT", "ALIPAY_PORT")}
    return ports | {
        "HOST": "127.0.0.1",
        "WEB_WORKERS": "2",
        "DATABASE_URL": made.postgres.url(database),
        "DATABASE_OWNER_URL": made.postgres.url(database, embedded.OWNER),
        "REDIS_URL": made.valkey.url(),
        "PUBLIC_URL": f"http://127.0.0.1:{ports['PORT']}",
        "WECHAT_API": f"http://127.0.0.1:{ports['WECHAT_PORT']}",
        "ALIPAY_GATEWAY": f"http://127.0.0.1:{ports['ALIPAY_PORT']}/gateway.do",
        "MALLBRIDGE_FILES": str(made.folder / "files"),
        "MALLBRIDGE_SECRET": "a-secret-of-the-measurement-only-32b",
        "LOG_LEVEL": "WARNING",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
    }
