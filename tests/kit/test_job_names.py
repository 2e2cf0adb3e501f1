"""A job is stored as <room>.<function>: what waits is found again after an update that moved its file."""

from __future__ import annotations

import ast
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config

from api.kit import rooms
from api.kit.jobs import JOBS, Promised
from deploy import embedded

ROOT = Path(__file__).resolve().parents[2]

#: As version 0014 of the database has them.
BEFORE = {
    "payments.jobs.pursue_refund": "payments.pursue_refund",
    "points.service.growth.credit": "points.credit_growth",
    "points.service.rehearsing.play": "points.rehearse",
    "points.service.rehearsals.play": "points.rehearse",
    "exports.jobs.write": "exports.write",
    "jobs.forget_old_keys": "kit.forget_old_keys",
    "ledger.jobs.prove.tick": "ledger.prove.tick",
}


@pytest.fixture
def old(postgres: embedded.Postgres, new_database) -> Config:
    """A database in which jobs of the version before wait."""
    name = new_database()
    config = Config(str(ROOT / "alembic.ini"))
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.set_main_option("sqlalchemy.url", postgres.url(name, embedded.OWNER))
    config.set_main_option("app_url", postgres.url(name))
    config.attributes["upgrades_only"] = True
    with psycopg.connect(postgres.url(name, embedded.OWNER)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", [_before(config)])
        for job in [*BEFORE, "__main__.forget_old_keys.tick"]:
            lock = job if job.endswith(".tick") else None
            connection.execute(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock) VALUES ('default', %s, %s)", [job, lock]
            )
        for tick in ("jobs.forget_old_keys.tick", "__main__.forget_old_keys.tick"):
            connection.execute(
                "INSERT INTO procrastinate_periodic_defers (task_name, defer_timestamp, periodic_id) VALUES (%s, 60, '')", [tick]
            )
    return config


def _before(config: Config) -> str:
    return str(command.ScriptDirectory.from_config(config).get_revision("0016").down_revision)


def _names(config: Config) -> list[tuple[str, str | None]]:
    with psycopg.connect(str(config.get_main_option("sqlalchemy.url"))) as connection:
        return connection.execute("SELECT task_name, queueing_lock FROM procrastinate_jobs ORDER BY id").fetchall()


def test_jobs_that_wait_get_their_new_names(old: Config) -> None:
    command.upgrade(old, "0016")
    assert _names(old) == [(name, name if name.endswith(".tick") else None) for name in BEFORE.values()]
    with psycopg.connect(str(old.get_main_option("sqlalchemy.url"))) as connection:
        assert connection.execute("SELECT task_name FROM procrastinate_periodic_defers").fetchall() == [("kit.forget_old_keys.tick",)]
    command.downgrade(old, _before(old))
    kept = [name for name in BEFORE if "rehearsing" not in name]
    assert {name for name, _ in _names(old)} == set(kept)


def test_every_job_is_named_by_its_room_and_its_function() -> None:
    rooms.load()
    names = {room.name for room in rooms.every()} | {"kit"}
    ours = {name: job for name, job in JOBS.items() if not name.startswith("tests.")}
    assert {
        name for name, job in ours.items() if name != f"{name.split('.')[0]}.{job.run.__name__}" or name.split(".")[0] not in names
    } == set()


def test_every_job_of_a_room_stands_in_its_jobs_file_and_every_promised_one_is_kept() -> None:
    rooms.load()
    declared = set()
    for path in (ROOT / "api").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and any(
                "job(" in (said := ast.unparse(mark)) or "nightly(" in said for mark in node.decorator_list
            ):
                declared.add((path.relative_to(ROOT / "api").parts, node.name))
    assert {(parts, name) for parts, name in declared if parts[-1] != "jobs.py" and parts[0] != "kit"} == set()
    assert {f"{parts[0]}.{name}" for parts, name in declared} == {name for name in JOBS if not name.startswith("tests.")}
    promised = [
        f"{module.__name__}.{name}"
        for module in rooms.files("service")
        for part in vars(module).values()
        if hasattr(part, "__dict__") and getattr(part, "__name__", "").startswith(f"{module.__name__}.")
        for name, value in vars(part).items()
        if isinstance(value, Promised) and value.kept is None
    ]
    assert promised == []
