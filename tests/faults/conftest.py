"""A mall on servers of its own, which a test may kill, hang and start again, and the real processes of the Procfile around it.

The processes are started once, when they are first asked for, and serve every test; what a test is going to kill, it starts for itself.
"""

from __future__ import annotations

import itertools
import shutil
import signal
import tempfile
import uuid
from collections.abc import Callable, Iterator
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


class Common:
    """The processes that all tests share; one that did not outlive a test is started anew. They log everything there is to log."""

    def __init__(self, settings: Settings, servers: Servers, run: processes.Processes) -> None:
        self.settings, self.servers, self.run = settings, servers, run
        self._started: dict[str, processes.Process] = {}

    def _running(self, name: str, start: Callable[[], processes.Process]) -> processes.Process:
        if name not in self._started or not self._started[name].running():
            self._started[name] = start()
        return self._started[name]

    def web(self) -> processes.Process:
        """Two processes that answer; proxies in front of them are believed."""
        return self._running("web", lambda: self.run.web(2))

    def live(self) -> processes.Process:
        """The stream."""
        return self._running("live", self.run.live)

    def worker(self) -> processes.Process:
        """Jobs, without the photos."""
        return self._running("work", self.run.worker)

    def reader(self) -> processes.Process:
        """Photos."""
        return self._running("ocr", lambda: self.run.worker("ocr"))

    def end(self, *names: str) -> None:
        """End some of them: nobody works on the queue but whom the test starts."""
        for name in names:
            if name in self._started:
                self._started.pop(name).end()


@pytest.fixture(scope="session")
def common(app: Any, settings: Settings, own_servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Common]:
    """One migrated database on the servers of these tests, and its processes."""
    own_servers.postgres.make_database("faults", "template_faults")
    folder = tmp_path_factory.mktemp("faults")
    own = Settings(
        database_url=own_servers.postgres.url("faults"),
        owner_url=own_servers.postgres.url("faults", embedded.OWNER),
        redis_url=own_servers.valkey.url(),
        secret=SECRET,
        data_key=DATA_KEY,
        files=folder / "files",
        log_level="WARNING",
        ocr_models=settings.ocr_models,
    )
    (folder / "logs").mkdir()
    with processes.running(own, folder / "logs", LOG_LEVEL="DEBUG", TRUSTED_PROXIES="1") as run:
        yield Common(own, own_servers, run)


@dataclass
class Town:
    """A mall of one test with one shop and shoppers; the processes that all tests share, and `run` for those of this test."""

    common: Common
    run: processes.Processes
    mall: int
    shop: int
    web: processes.Process | None = None
    tokens: list[str] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        return self.common.settings

    @property
    def servers(self) -> Servers:
        return self.common.servers

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

    def start_web(self) -> processes.Process:
        """The web server that all tests share; where `send` and `look` go."""
        self.web = self.common.web()
        return self.web

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
        """Look at the database from within this mall: other malls' rows are not there."""
        with psycopg.connect(db.libpq_url(self.settings.database_url)) as connection:
            connection.execute("SELECT set_config('mallbridge.mall_id', %s, false)", [str(self.mall)])
            return connection.execute(sql, arguments).fetchall()  # type: ignore[arg-type]

    @property
    def database(self) -> str:
        return self.settings.database_url.rsplit("/", 1)[1]

    @property
    def code(self) -> str:
        """What the mall is called in addresses."""
        return str(self.rows("SELECT code FROM malls WHERE id = %s", self.mall)[0][0])

    def awards(self) -> int:
        """How many awards the whole mall has."""
        return int(self.rows("SELECT count(*) FROM points_awards")[0][0])

    def photo_files(self) -> set[Path]:
        """Every file that is kept, of all malls."""
        return {path for path in self.settings.files.rglob("*") if path.is_file()}

    def logs(self) -> str:
        """What all processes wrote."""
        folders = (self.run.folder, self.common.run.folder)
        return "\n".join(path.read_text(errors="replace") for folder in folders for path in folder.glob("*.log"))


@pytest.fixture
def town(common: Common, settings: Settings, tmp_path: Path) -> Iterator[Town]:
    """A fresh mall. At the end its own processes are ended, and no log holds a secret, a token or a phone."""
    redis.Redis.from_url(common.servers.valkey.url()).flushall()
    configure(common.settings)
    (tmp_path / "logs").mkdir()
    try:
        with processes.running(common.settings, tmp_path / "logs", **common.run.extra) as run:
            mall, shop = _mall_with_shop()
            made = Town(common, run, mall, shop)
            yield made
        assert_nothing_planted(made)
        _leave_nothing_to_do(made)
    finally:
        configure(settings)


def _leave_nothing_to_do(town: Town) -> None:
    """The next test waits for no photo and no job of this one: photos that nobody has read go, and so does the queue."""
    with psycopg.connect(town.servers.postgres.url(town.database, "postgres"), autocommit=True) as connection:
        connection.execute("SET session_replication_role = 'replica'")
        connection.execute("DELETE FROM procrastinate_jobs")
        connection.execute("DELETE FROM receipts WHERE mall_id = %s AND state IN ('received', 'reading')", [town.mall])


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
