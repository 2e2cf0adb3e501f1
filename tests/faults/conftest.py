"""A mall on servers of its own, which a test may kill, hang and start again, and the real processes of the Procfile around it."""

from __future__ import annotations

import itertools
import shutil
import signal
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
import redis
import requests

from api.app import configure
from api.kit import db, identity
from api.settings import Settings
from deploy import embedded
from tests import processes
from tests.factories import lay_points_rules, make_floor, make_member, make_shop, make_site
from tests.faults import paper

SECRET = "planted-secret-of-the-fault-tests-0001"
DATA_KEY = "planted-data-key-of-the-fault-tests-01"
PHONE = "13912345678"

_number = itertools.count(1)


@contextmanager
def in_order_again(server: embedded.Valkey) -> Iterator[embedded.Valkey]:
    """A cache that may be hurt meanwhile; at the end it runs, whatever befell it."""
    yield server
    if server.process:
        server.process.send_signal(signal.SIGCONT)
    server.stop()
    server.start()


def befall(server: embedded.Valkey, fault: str) -> None:
    """A cache is stopped, hung or flushed."""
    if fault == "stopped":
        server.stop()
    elif fault == "hung":
        assert server.process
        server.process.send_signal(signal.SIGSTOP)
    else:
        assert fault == "flushed"
        redis.Redis.from_url(server.url()).flushall()


@dataclass
class Servers:
    """PostgreSQL that keeps what it acknowledged, and Valkey, both to be hurt."""

    folder: Path
    postgres: embedded.Postgres
    valkey: embedded.Valkey
    names: Iterator[int] = field(default_factory=itertools.count)


@pytest.fixture(scope="session")
def own_servers() -> Iterator[Servers]:
    """Servers that no other test uses."""
    folder = Path(tempfile.mkdtemp(prefix="mallbridge-faults-"))
    folder.chmod(0o755)
    made = Servers(folder, embedded.Postgres(folder / "db", embedded.free_port()), embedded.Valkey(embedded.free_port()))
    try:
        made.postgres.start()
        made.valkey.start()
        made.postgres.make_roles()
        made.postgres.make_database("template_faults")
        embedded.migrate(made.postgres.url("template_faults", embedded.OWNER), made.postgres.url("template_faults"))
        yield made
    finally:
        made.valkey.stop()
        made.postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Town:
    """A mall with one shop and shoppers, its servers, and the processes that were started."""

    settings: Settings
    servers: Servers
    run: processes.Processes
    mall: int
    shop: int
    web: processes.Process | None = None
    tokens: list[str] = field(default_factory=list)

    @property
    def timezone(self) -> ZoneInfo:
        return ZoneInfo("Asia/Shanghai")

    def member(self) -> int:
        """A new shopper."""
        with db.unit_of_work(self.mall):
            return make_member().id

    def token(self, member: int, kind: str = "member", mall: int | None = None) -> str:
        """Somebody's access token; remembered, because it must not turn up in a log."""
        made = identity.access_token(kind, member, mall or self.mall, session_id=f"s{member}")
        self.tokens.append(made)
        return made

    def paper(self, number: int | None = None, **given: Any) -> bytes:
        """A photo of a receipt of this mall's shop, paid an hour ago."""
        number = number if number is not None else 202600000000 + next(_number)
        return paper.paper(number, datetime.now(self.timezone) - timedelta(hours=1, minutes=number % 50), **given)

    def start_web(self, workers: int = 1, **env: str) -> processes.Process:
        """The web server; the first one started is where `send` and `look` go."""
        started = self.run.web(workers, **env)
        self.web = self.web or started
        return started

    def send(
        self, member: int, photo: bytes, key: str | None = None, *, timeout: float = 30, token: str | None = None
    ) -> requests.Response:
        """Upload a photo."""
        assert self.web
        return requests.post(
            f"{self.web.url}/v1/receipts",
            headers={
                "Authorization": f"Bearer {token or self.token(member)}",
                "Idempotency-Key": key or uuid.uuid4().hex,
                "X-Device-Id": f"device-{member}",
            },
            files={"photo": ("receipt.jpg", photo, "image/jpeg")},
            timeout=timeout,
        )

    def sent(self, member: int, photo: bytes) -> int:
        """Upload a photo that must be taken in; the receipt's id."""
        answer = self.send(member, photo)
        assert answer.status_code == 202, answer.text
        return int(answer.json()["id"])

    def look(self, member: int, receipt: int) -> dict[str, Any]:
        """The receipt as its shopper sees it."""
        assert self.web
        answer = requests.get(
            f"{self.web.url}/v1/receipts/{receipt}", headers={"Authorization": f"Bearer {self.token(member)}"}, timeout=30
        )
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def decided(self, member: int, receipt: int, seconds: float = 60) -> dict[str, Any]:
        """Wait until the receipt is neither waiting nor being read; then as its shopper sees it."""

        def look() -> dict[str, Any] | None:
            found = self.look(member, receipt)
            return None if found["state"] in {"received", "reading"} else found

        return dict(processes.until(look, seconds, every=0.2))

    def rows(self, sql: str, *arguments: Any) -> list[Any]:
        """Look at the database past the wall."""
        with psycopg.connect(self.servers.postgres.url(self.database, "postgres")) as connection:
            return connection.execute(sql, arguments).fetchall()  # type: ignore[arg-type]

    @property
    def database(self) -> str:
        return self.settings.database_url.rsplit("/", 1)[1]

    def awards(self) -> int:
        """How many awards the whole mall has."""
        return int(self.rows("SELECT count(*) FROM points_awards")[0][0])

    def logs(self) -> str:
        """What all processes wrote."""
        return "\n".join(path.read_text(errors="replace") for path in self.run.folder.glob("*.log"))


@pytest.fixture
def town(app: Any, settings: Settings, own_servers: Servers, tmp_path: Path) -> Iterator[Town]:
    """A fresh mall. At the end all processes are ended, and their logs hold no secret, no token and no phone."""
    name = f"faults_{next(own_servers.names)}"
    own_servers.postgres.make_database(name, "template_faults")
    redis.Redis.from_url(own_servers.valkey.url()).flushall()  # what the mall before counted: its members had the same numbers
    own = Settings(
        database_url=own_servers.postgres.url(name),
        owner_url=own_servers.postgres.url(name, embedded.OWNER),
        redis_url=own_servers.valkey.url(),
        secret=SECRET,
        data_key=DATA_KEY,
        files=tmp_path / "files",
        log_level="WARNING",
        ocr_models=settings.ocr_models,
    )
    configure(own)
    (tmp_path / "logs").mkdir()
    try:
        with processes.running(own, tmp_path / "logs") as run:
            mall, shop = _mall_with_shop()
            made = Town(own, own_servers, run, mall, shop)
            yield made
        assert_nothing_planted(made)
    finally:
        configure(settings)


def _mall_with_shop() -> tuple[int, int]:
    from tests.factories import make_mall

    with db.unit_of_work():
        mall = make_mall().id
    with db.unit_of_work(mall):
        lay_points_rules()
        floor = make_floor(site_id=make_site().id)
        return mall, make_shop(name=paper.SHOP, unit="L2-018", floor_id=floor.id, site_id=floor.site_id).id


def assert_nothing_planted(town: Town) -> None:
    """Grep the logs of every process that ran."""
    planted = {SECRET, DATA_KEY, PHONE, town.servers.postgres.password, *town.tokens, *(token.split(".")[2] for token in town.tokens)}
    written = town.logs()
    found = [line[:200] for line in written.splitlines() if any(secret in line for secret in planted)]
    assert found == []
