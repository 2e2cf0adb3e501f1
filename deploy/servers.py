"""What the processes stand on: their ports, addresses and secrets, PostgreSQL and Valkey."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from api import safety
from deploy import embedded

ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var"

console = Console(stderr=True, highlight=False)


def port(name: str, default: int) -> int:
    """A port from the environment, checked to be one and to be free."""
    given = os.environ.get(name, str(default))
    if not given.isdecimal() or not 0 < int(given) < 65536:
        raise embedded.CannotStart(f"{name}={given} is not a port: give a number from 1 to 65535.")
    if embedded.port_taken(int(given)):
        raise embedded.CannotStart(f"Port {given} is taken: stop what runs there, or set {name} to another one.")
    return int(given)


def refuse_production(what: str) -> None:
    """What is for trying out only is not done with MALLBRIDGE_ENV=production. CannotStart."""
    if os.environ.get("MALLBRIDGE_ENV") == "production":
        raise embedded.CannotStart(
            f"MALLBRIDGE_ENV=production refuses {what}. Start the processes of the Procfile one by one, without the simulators, and make "
            "the mall with `flask --app wsgi malls open` (docs/operations.md)."
        )


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
    if os.environ.get("MALLBRIDGE_ENV") != "production" and (fault := safety.listening_fault([host])):
        raise embedded.CannotStart(f"HOST={host}: {fault}")
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
