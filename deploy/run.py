"""`make run`: start the servers, bring the database up to date, start every process of the Procfile, say what is where.

Ctrl-C ends it all. DATABASE_URL or REDIS_URL given: those are used and the embedded one is not started.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import Any

from honcho.manager import Manager
from rich.table import Table

from deploy import embedded
from deploy.servers import ROOT, VAR, console, environment, refuse_production, say, start_servers

NEEDED_MB = 1024


def bring_up_to_date() -> None:
    """Migrations, then the demo mall if this database has no mall at all."""
    from deploy import demo, demo_shops, merchants

    owner = os.environ.get("DATABASE_OWNER_URL") or os.environ["DATABASE_URL"]
    say("bringing the database up to date")
    embedded.migrate(owner, os.environ["DATABASE_URL"])
    if demo.is_empty(os.environ["DATABASE_URL"]):
        say("filling the demo mall: 40 shops, 2,000 members, a year of history")
        demo.fill(people=2_000)
    if not os.environ.get("WECHAT_API_GIVEN") and not os.environ.get("ALIPAY_GATEWAY_GIVEN") and merchants.add_accounts(demo_shops.CODE):
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
    refuse_production("`make run`, which fills a demo mall with passwords that everybody can read and starts simulators of the wallets")
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
