"""The app on the real database and cache. One server for the run; each worker gets its own copy of the migrated template."""

from __future__ import annotations

import atexit
import functools
import gc
import json
import os
import shutil
import signal
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import filelock
import psycopg
import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, text
from xdist.scheduler import LoadGroupScheduling

os.environ.setdefault("OMP_NUM_THREADS", "1")

from tests.impact import recording  # isort: skip - it marks what is imported from here on

from alipay import signing as alipay_signing
from api.app import create_app
from api.kit import cache, clock, db, identity
from api.settings import Settings
from deploy import embedded
from wechat import signing as wechat_signing

TEMPLATE = "template_mallbridge"
READY = "ready"


#: How tests of holes are called that were closed as kinds.
NAMED_AFTER_KINDS = ("test_kind_", "test_limit_by_")


def _worker() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`make proof` asks for the tests that count."""
    parser.addoption("--proof", action="store_true", help="only the tests of faults and of the simulation, and those that say a figure")
    parser.addoption("--attacks", action="store_true", help="only what somebody tried who wanted value that is not theirs")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `--proof`, what says how often something was tried; with `--attacks`, what is marked as one, or named after its kind."""
    if config.getoption("attacks"):
        items[:] = [item for item in items if item.get_closest_marker("attack") or item.name.startswith(NAMED_AFTER_KINDS)]
    if config.getoption("proof"):
        items[:] = [
            item
            for item in items
            if item.nodeid.startswith(("tests/faults/", "tests/simulation/")) or "figure" in getattr(item, "fixturenames", ())
        ]


def pytest_configure(config: pytest.Config) -> None:
    """The controller starts the servers while the workers collect; they find them by the environment."""
    gc.disable()  # until everything is collected
    if os.environ.get("MALLBRIDGE_RECORD") and (hasattr(config, "workerinput") or config.getoption("numprocesses", None) in (None, 0)):
        config.pluginmanager.register(recording.Recorder(_worker()))
    if hasattr(config, "workerinput") or os.environ.get("MALLBRIDGE_TEST_SERVERS"):
        return
    if os.environ.get("MALLBRIDGE_RECORD"):
        recording.begin()
    folder = Path(tempfile.mkdtemp(prefix="mallbridge-tests-"))
    folder.chmod(0o755)
    postgres = embedded.Postgres(folder / "db", embedded.free_port(), durable=False)
    valkey = embedded.Valkey(embedded.free_port())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(valkey.stop)
    atexit.register(postgres.stop)
    os.environ["MALLBRIDGE_TEST_SERVERS"] = json.dumps({"folder": str(folder), "db": postgres.port, "cache": valkey.port})
    threading.Thread(target=_start, args=(folder, postgres, valkey)).start()


def _start(folder: Path, postgres: embedded.Postgres, valkey: embedded.Valkey) -> None:
    """Start both servers and migrate the template; `state` in the folder says when that is done, or why it failed."""
    try:
        valkey.start()
        postgres.start()
        postgres.make_roles()
        postgres.make_database(TEMPLATE)
        embedded.migrate(postgres.url(TEMPLATE, embedded.OWNER), postgres.url(TEMPLATE))
        outcome = READY
    except BaseException as trouble:
        outcome = f"{type(trouble).__name__}: {trouble}"
    (folder / "part").write_text(outcome)
    (folder / "part").rename(folder / "state")


def pytest_collection_finish() -> None:
    """What was collected stays to the end: it is no longer searched for garbage."""
    gc.freeze()
    gc.enable()


class OneWorker(LoadGroupScheduling):
    """Tests that start real processes run one after the other: two at once would starve each other on a small machine.

    By folder: pytest 9.2 keeps the names to which `xdist_group` marks were appended to itself.
    """

    FOLDERS = {"tests/browser/": "browser", "tests/faults/": "processes", "tests/flows/test_measurements": "processes"}

    def _split_scope(self, nodeid: str) -> str:
        return next((group for folder, group in self.FOLDERS.items() if nodeid.startswith(folder)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneWorker | None:
    """Who runs what, with `--dist loadgroup`."""
    return OneWorker(config, log) if config.getoption("dist") == "loadgroup" else None


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Say a figure that the run prints at its end: figure("0 doubles in 500")."""
    return lambda said: record_property("figure", said)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Every figure that a test said, beside its name."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind) if report.when == "call"]
    said = sorted(
        (report.nodeid.rpartition("::")[2], str(value)) for report in reports for name, value in report.user_properties if name == "figure"
    )
    if said:
        terminalreporter.section("figures")
    for test, value in said:
        terminalreporter.write_line(f"{test}: {value}")
    if terminalreporter.config.getoption("attacks"):
        _tell_of_attacks(terminalreporter)


def _tell_of_attacks(terminalreporter: Any) -> None:
    outcomes = {kind: [one.nodeid for one in terminalreporter.getreports(kind)] for kind in ("passed", "failed", "error")}
    files = sorted({nodeid.partition("::")[0] for nodeids in outcomes.values() for nodeid in nodeids})
    terminalreporter.section("attacks")
    for file in files:
        of_file = {kind: sum(nodeid.startswith(f"{file}::") for nodeid in nodeids) for kind, nodeids in outcomes.items()}
        held, through = of_file["passed"], of_file["failed"] + of_file["error"]
        terminalreporter.write_line(f"{file}: {held + through} tried, {through} got through")


@pytest.fixture(scope="session")
def servers() -> dict[str, Any]:
    """Where the servers of this run are: folder, db (port), cache (port)."""
    servers: dict[str, Any] = json.loads(os.environ["MALLBRIDGE_TEST_SERVERS"])
    state = Path(servers["folder"]) / "state"
    while not state.exists():
        time.sleep(0.05)
    assert state.read_text() == READY, state.read_text()
    return servers


@pytest.fixture(scope="session")
def postgres(servers: dict[str, Any]) -> embedded.Postgres:
    """The server of this run, already started."""
    return embedded.Postgres(Path(servers["folder"]) / "db", servers["db"], durable=False)


@pytest.fixture(scope="session")
def new_database(postgres: embedded.Postgres, servers: dict[str, Any]) -> Callable[[], str]:
    """Make a fresh migrated database; returns its name."""

    def make() -> str:
        name = f"test_{uuid.uuid4().hex[:12]}"
        with filelock.FileLock(str(Path(servers["folder"]) / "template.lock")):
            postgres.make_database(name, TEMPLATE)
        return name

    return make


@pytest.fixture(scope="session")
def settings(
    postgres: embedded.Postgres,
    servers: dict[str, Any],
    new_database: Callable[[], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Settings:
    """The settings of this worker: its own database, its own cache number, its own files."""
    name = new_database()
    number = int(_worker().removeprefix("gw")) + 1 if _worker() != "main" else 0
    return Settings(
        database_url=postgres.url(name),
        owner_url=postgres.url(name, embedded.OWNER),
        redis_url=embedded.Valkey(servers["cache"]).url(number),
        files=tmp_path_factory.mktemp("files"),
        log_level="WARNING",
        pool_size=16,
    )


@pytest.fixture(scope="session")
def app(settings: Settings) -> Any:
    """The app of this worker."""
    made = create_app(settings)
    made.config["TESTING"] = False
    return made


@pytest.fixture(scope="session", autouse=True)
def _keys_are_proved_once() -> Iterator[None]:
    """That a private key is one is proved the first time that a worker reads it: the proof of both primes takes longer than most tests."""
    with pytest.MonkeyPatch.context() as patch:
        for signing in (alipay_signing, wechat_signing):
            patch.setattr(signing, "load_pem_private_key", functools.lru_cache(512)(signing.load_pem_private_key))
        yield


@pytest.fixture(scope="session", autouse=True)
def _people_without_an_account_may_ask() -> Iterator[None]:
    """Tests of rules let "staff:1" ask for something without making the account; one that is there is judged by its rights."""
    from api.staff.models import StaffAccount

    judged = identity.still_may

    def still_may(name: str, permission: str) -> bool:
        return db.session.get(StaffAccount, int(name.partition(":")[2])) is None or judged(name, permission)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(identity, "still_may", still_may)
        yield


@pytest.fixture
def valkey(app: Any) -> Iterator[embedded.Valkey]:
    """A cache of this test's own that it may stop and hang; the app asks it."""
    server = embedded.Valkey(embedded.free_port())
    server.start()
    cache.configure(server.url())
    yield server
    if server.process:
        server.process.send_signal(signal.SIGCONT)
    server.stop()


class Broom:
    """Empties the database of this worker, over one connection that stays open."""

    #: A table that grew larger is truncated, and all others with it; smaller ones are emptied row by row, in a tenth of the time.
    SMALL = 2**20  # bytes
    SIZES = """SELECT quote_ident(relname), pg_relation_size(oid) FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'"""
    SEQUENCES = "SELECT setval(quote_ident(sequencename), start_value, false) FROM pg_sequences WHERE last_value IS NOT NULL"

    def __init__(self, owner_url: str) -> None:
        self.url = owner_url.replace(embedded.OWNER, "postgres")
        self.connection: psycopg.Connection[Any] | None = None

    def sweep(self) -> None:
        """No row in any table, and every sequence at its start."""
        try:
            self._sweep(self.connection or self._open())
        except psycopg.OperationalError:  # a test that ended every connection ended this one
            self._sweep(self._open())

    def _open(self) -> psycopg.Connection[Any]:
        self.connection = psycopg.connect(self.url, autocommit=True)
        # A replica checks no foreign key and asks no trigger: each table can be emptied by itself, even one that only grows.
        self.connection.execute("SET lock_timeout = '10s'; SET session_replication_role = 'replica'")
        return self.connection

    def _sweep(self, connection: psycopg.Connection[Any]) -> None:
        sizes = dict(connection.execute(self.SIZES).fetchall())
        if max(sizes.values()) > self.SMALL:
            connection.execute(f"TRUNCATE {', '.join(sizes)} CASCADE")
        elif used := [name for name, size in sizes.items() if size]:
            connection.execute("; ".join(f"DELETE FROM {name}" for name in used))
        connection.execute(self.SEQUENCES)


@pytest.fixture(scope="session")
def _broom(app: Any, settings: Settings) -> Iterator[Broom]:
    broom = Broom(settings.owner_url)
    yield broom
    if broom.connection:
        broom.connection.close()


@pytest.fixture(autouse=True)
def _clean(request: pytest.FixtureRequest) -> Iterator[None]:
    """After a test that used the app: no rows, no cache, a running clock."""
    if "app" not in request.fixturenames:
        yield
        clock.fix(None)
        return
    settings: Settings = request.getfixturevalue("settings")
    broom: Broom = request.getfixturevalue("_broom")
    yield
    clock.fix(None)
    db.abandon()
    broom.sweep()
    cache.configure(settings.redis_url)
    cache.attempt(lambda client: client.flushdb(), None)
    from api.kit import limits

    limits._local.clear()


@pytest.fixture
def client(app: Any) -> FlaskClient:
    """An HTTP client nobody is signed in with."""
    made: FlaskClient = app.test_client()
    return made


@pytest.fixture
def mall(app: Any) -> int:
    """A mall, not entered."""
    from tests.factories import make_mall

    with db.unit_of_work():
        return make_mall().id


@pytest.fixture
def inside(mall: int) -> Iterator[int]:
    """The mall, entered, in an open unit of work for the whole test; committed at the end."""
    with db.unit_of_work(mall):
        yield mall


def bearer(kind: str, principal_id: int, mall_id: int, shop_id: int | None = None) -> dict[str, str]:
    """The header of somebody signed in."""
    token = identity.access_token(kind, principal_id, mall_id, session_id="test", shop_id=shop_id)
    return {"Authorization": f"Bearer {token}"}


class Statements(list[str]):
    """The SQL statements that ran in a block, without transaction control."""


@pytest.fixture
def statements(app: Any) -> Iterator[Callable[[], Any]]:
    """`with statements() as seen: …; assert len(seen) <= 25`."""
    from contextlib import contextmanager

    engine = db.engine()

    @contextmanager
    def watch() -> Iterator[Statements]:
        seen = Statements()

        def note(_c: Any, _cur: Any, statement: str, *_: Any) -> None:
            seen.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(engine, "before_cursor_execute", note)

    yield watch


_past_the_wall: dict[tuple[str, bool], psycopg.Connection[Any]] = {}


def owner_rows(settings: Settings, sql: str, *arguments: Any, unchecked: bool = False) -> list[Any]:
    """Look past the wall as the database's superuser would, for assertions about all malls; over a connection that stays open.

    `unchecked`: no foreign key and no trigger is asked.
    """
    place = settings.owner_url.replace(embedded.OWNER, "postgres"), unchecked
    for _ in range(2):
        try:
            if place not in _past_the_wall or _past_the_wall[place].closed:
                _past_the_wall[place] = psycopg.connect(place[0], autocommit=True, prepare_threshold=None)
                _past_the_wall[place].execute(f"SET session_replication_role = {'replica' if unchecked else 'origin'}")
            cursor = _past_the_wall[place].execute(sql, arguments)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []
        except psycopg.OperationalError:  # a test that ended every connection ended this one
            if not _past_the_wall[place].closed:
                raise
    raise AssertionError("the database ends every connection")


__all__ = ["bearer", "owner_rows", "text"]
