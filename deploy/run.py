"""`make run`: start the servers, bring the database up to date, start every process of the Procfile, say what is where.

Ctrl-C ends it all. DATABASE_URL or REDIS_URL given: those are used and the embedded one is not started.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from honcho.manager import Manager
from rich.console import Console
from rich.table import Table

from deploy import embedded

ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var"
NEEDED_MB = 1024

console = Console(stderr=True, highlight=False)


def port(name: str, default: int) -> int:
    """A port from the environment, checked to be one and to be free."""
    given = os.environ.get(name, str(default))
    if not given.isdecimal() or not 0 < int(given) < 65536:
        raise embedded.CannotStart(f"{name}={given} is not a port: give a number from 1 to 65535.")
    if embedded.port_taken(int(given)):
        raise embedded.CannotStart(f"Port {given} is taken: stop what runs there, or set {name} to another one.")
    return int(given)


def say(text: str) -> None:
    """One line of progress."""
    console.print(f"[dim]·[/dim] {text}")


def environment() -> dict[str, str]:
    """What every process is started with: ports, addresses, and secrets of this machine's own (kept in var/)."""
    ports = {
        "PORT": port("PORT", 8000),
        "LIVE_PORT": port("LIVE_PORT", 8001),
        "WECHAT_PORT": port("WECHAT_PORT", 5011),
        "ALIPAY_PORT": port("ALIPAY_PORT", 5012),
    }
    host = os.environ.get("HOST", "127.0.0.1")
    env = {name: str(number) for name, number in ports.items()} | {
        "HOST": host,
        "WEB_WORKERS": os.environ.get("WEB_WORKERS", str(max(2, os.cpu_count() or 2))),
        "PUBLIC_URL": os.environ.get("PUBLIC_URL", f"http://127.0.0.1:{ports['PORT']}"),
        "LIVE_URL": os.environ.get("LIVE_URL", f"http://127.0.0.1:{ports['LIVE_PORT']}"),
        "WECHAT_API": os.environ.get("WECHAT_API", f"http://127.0.0.1:{ports['WECHAT_PORT']}"),
        "ALIPAY_GATEWAY": os.environ.get("ALIPAY_GATEWAY", f"http://127.0.0.1:{ports['ALIPAY_PORT']}/gateway.do"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}",
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
    }
    for name in ("MALLBRIDGE_SECRET", "MALLBRIDGE_DATA_KEY"):
        env[name] = os.environ.get(name) or _kept_secret(name)
    return env


def _kept_secret(name: str) -> str:
    path = VAR / "secrets" / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(secrets.token_urlsafe(32))
        path.chmod(0o600)
    return path.read_text().strip()


def start_servers(env: dict[str, str]) -> list[Any]:
    """Start what was not given. Returns the servers to stop at the end."""
    started: list[Any] = []
    if not os.environ.get("DATABASE_URL"):
        postgres = embedded.Postgres(VAR / "db", port("DB_PORT", 5440))
        say("starting PostgreSQL")
        postgres.start()
        started.append(postgres)
        postgres.make_roles()
        postgres.make_database("mallbridge")
        env["DATABASE_URL"], env["DATABASE_OWNER_URL"] = postgres.url(), postgres.url(role=embedded.OWNER)
    if not os.environ.get("REDIS_URL"):
        valkey = embedded.Valkey(port("CACHE_PORT", 6390))
        say("starting Valkey")
        valkey.start()
        started.append(valkey)
        env["REDIS_URL"] = valkey.url()
    return started


def bring_up_to_date() -> None:
    """Migrations, then the demo mall if this database has no mall at all."""
    from deploy import demo, merchants

    owner = os.environ.get("DATABASE_OWNER_URL") or os.environ["DATABASE_URL"]
    say("bringing the database up to date")
    embedded.migrate(owner, os.environ["DATABASE_URL"])
    if demo.wanted(os.environ["DATABASE_URL"]):
        say("filling the demo mall: 40 shops, 2,000 members, a year of history")
        demo.fill(people=2_000)
    if not os.environ.get("WECHAT_API_GIVEN") and not os.environ.get("ALIPAY_GATEWAY_GIVEN") and merchants.lay(demo.CODE):
        say("the demo mall collects through the simulators")


def processes() -> dict[str, str]:
    """The Procfile without what is started already or was given from outside."""
    lines = re.findall(r"^(\w+):\s*(.+)$", (ROOT / "Procfile").read_text(), re.M)
    skipped = {"db", "cache"}
    skipped |= {"wechat"} if os.environ.get("WECHAT_API_GIVEN") else set()
    skipped |= {"alipay"} if os.environ.get("ALIPAY_GATEWAY_GIVEN") else set()
    return {name: command for name, command in lines if name not in skipped}


def build_web_pages(started: list[Any]) -> None:
    """Build the pages that changed, once, beside the running app and behind it: it shows a waiting page meanwhile."""
    builder = subprocess.Popen(["nice", "-n", "10", sys.executable, "-m", "deploy.web_pages"], cwd=ROOT, start_new_session=True)
    started.append(_Builder(builder))
    if builder.wait() == 0:
        say(f"the pages are open: {os.environ['PUBLIC_URL']}/")
    elif builder.returncode > 0:
        say("the pages could not be built; everything else runs. Mend what is said above, then run `make pages` in another terminal.")


class _Builder:
    """A build that goes on, to be ended with the rest."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def stop(self) -> None:
        """End it with all that it started (npm, Node)."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)


def announce(env: dict[str, str], began: float, started: list[Any]) -> None:
    """Wait until the app says that it is ready, print what is where, then build the pages."""
    while True:
        try:
            with urllib.request.urlopen(f"{env['PUBLIC_URL']}/readyz", timeout=2) as answer:
                if answer.status == 200:
                    break
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.3)
    table = Table(
        title=f"Mallbridge is ready ({time.monotonic() - began:.0f} s). Ctrl-C ends it.", title_justify="left", show_header=False, box=None
    )
    for what, where in (
        ("pages (shopper, shop, office)", f"{env['PUBLIC_URL']}/"),
        ("API", f"{env['PUBLIC_URL']}/v1"),
        ("API documentation", f"{env['PUBLIC_URL']}/docs"),
        ("health, readiness, metrics", f"{env['PUBLIC_URL']}/healthz /readyz /metrics"),
        ("live messages", f"{env['LIVE_URL']}/v1/live"),
        ("WeChat simulator", env["WECHAT_API"]),
        ("Alipay simulator", env["ALIPAY_GATEWAY"]),
        ("demo mall", "code “demo”; staff sign-in in the README"),
    ):
        table.add_row(what, where)
    console.print(table)
    build_web_pages(started)


def run() -> int:
    """The whole of it; returns the exit code."""
    began = time.monotonic()
    VAR.mkdir(exist_ok=True)
    free = shutil.disk_usage(VAR).free // 2**20
    if free < NEEDED_MB:
        raise embedded.CannotStart(f"Only {free} MB are free on the disk of var/: free at least {NEEDED_MB} MB and try again.")
    for name in ("WECHAT_API", "ALIPAY_GATEWAY"):
        if os.environ.get(name):
            os.environ[f"{name}_GIVEN"] = "1"
    env = environment()
    started: list[Any] = []
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        started = start_servers(env)
        os.environ.update(env)
        bring_up_to_date()
        say("starting " + ", ".join(processes()))
        manager = Manager()
        for name, command in processes().items():
            manager.add_process(name, os.path.expandvars(command), env={**os.environ}, cwd=str(ROOT))
        threading.Thread(target=announce, args=(env, began, started), daemon=True).start()
        manager.loop()
        return int(manager.returncode or 0)
    except KeyboardInterrupt:
        return 130
    finally:
        for server in reversed(started):
            server.stop()


def _interrupt(_number: int, _frame: Any) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    os.chdir(ROOT)
    try:
        sys.exit(run())
    except embedded.CannotStart as reason:
        console.print(f"[bold red]✗[/bold red] {reason}")
        sys.exit(1)
