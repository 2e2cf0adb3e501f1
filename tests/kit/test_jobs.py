"""Background work, in real worker processes."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import select

from api.jobs import main
from api.kit import db, jobs
from tests import processes
from tests.conftest import owner_rows
from tests.factories import make_mall
from tests.kit import own_jobs
from tests.kit.small import count

# What `python -m api.jobs work` runs, with the jobs of these tests besides those of the rooms.
WORKER = (sys.executable, "-c", "import sys, tests.kit.own_jobs; from api import jobs; sys.exit(jobs.main(['work']))")


@pytest.fixture
def workers(app, settings, tmp_path: Path) -> Iterator[processes.Processes]:
    """Starts workers; ends them."""
    with processes.running(settings, tmp_path) as running:
        yield running


def status(settings, job_id: int) -> tuple[str, int]:
    row = owner_rows(settings, "SELECT status::text, attempts FROM procrastinate_jobs WHERE id = %s", job_id)[0]
    return row[0], row[1]


def test_a_worker_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SystemExit, match="these workers: work, read"):
        main(["ocr"])


def test_a_job_of_a_transaction_that_failed_never_was(app, settings, mall: int) -> None:
    with pytest.raises(RuntimeError, match="changed its mind"), db.unit_of_work(mall):
        jobs.later(own_jobs.once, name="never")
        raise RuntimeError("changed its mind")
    assert owner_rows(settings, "SELECT count(*) FROM procrastinate_jobs") == [(0,)]


def test_a_job_runs_once_in_the_mall_it_was_put_into(workers, settings, mall: int) -> None:
    with db.unit_of_work():
        other = make_mall().id
    with db.unit_of_work(mall):
        ids = [jobs.later(own_jobs.once, name=f"tea {number}") for number in range(20)]
    assert count(mall, "tea 0") == 0
    for _ in range(2):
        workers.start("worker", *WORKER)
    processes.until(lambda: all(status(settings, number)[0] == "succeeded" for number in ids), 30)
    assert [count(mall, f"tea {number}") for number in range(20)] == [1] * 20
    assert [count(other, f"tea {number}") for number in range(20)] == [0] * 20


def test_the_job_of_a_killed_worker_is_done_by_another_within_30_seconds(workers, settings, mall: int, tmp_path: Path) -> None:
    marker = tmp_path / "started"
    with db.unit_of_work(mall):
        job = jobs.later(own_jobs.slow, name="long work", marker=str(marker), seconds=60)
    first = workers.start("first", *WORKER)
    processes.until(marker.exists, 20)
    second = workers.start("second", *WORKER)
    first.kill()
    processes.until(lambda: status(settings, job)[0] == "succeeded", 30)
    assert count(mall, "long work") == 1
    assert len(marker.read_text().splitlines()) == 2
    assert second.running()


def test_a_job_that_fails_is_tried_again_and_leaves_nothing_of_the_failure(workers, settings, mall: int, tmp_path: Path) -> None:
    with db.unit_of_work(mall):
        job = jobs.later(own_jobs.failing, name="second time", times=1, marker=str(tmp_path / "tries"))
    worker = workers.start("worker", *WORKER)
    processes.until(lambda: status(settings, job)[0] == "succeeded", 30)
    assert count(mall, "second time") == 1
    assert len((tmp_path / "tries").read_text()) == 2
    assert "a job failed" in worker.said()
    assert "13912345678" not in worker.said()


def test_a_job_that_always_fails_stays_visible_as_failed(workers, settings, mall: int, tmp_path: Path, monkeypatch) -> None:
    with db.unit_of_work(mall):
        job = jobs.later(own_jobs.failing, name="never done", times=100, marker=str(tmp_path / "tries"))
    workers.start("worker", *WORKER)
    deadline = time.monotonic() + 40
    while status(settings, job)[0] != "failed" and time.monotonic() < deadline:
        with psycopg.connect(settings.owner_url, autocommit=True) as connection:
            # Do not wait out the growing pauses between the tries.
            connection.execute("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE status = 'todo' AND scheduled_at > now()")
        time.sleep(0.3)
    assert status(settings, job) == ("failed", jobs.MAX_ATTEMPTS)
    assert count(mall, "never done") == 0


def test_the_pauses_between_tries_grow() -> None:
    class Put:
        task_name = "x"

        def __init__(self, attempts: int) -> None:
            self.attempts = attempts

    waits = [jobs.Backoff().get_retry_decision(exception=RuntimeError(), job=Put(tries)) for tries in range(jobs.MAX_ATTEMPTS)]
    assert [wait is None for wait in waits] == [False] * (jobs.MAX_ATTEMPTS - 1) + [True]
    assert [wait.retry_at for wait in waits[:-1]] == sorted(wait.retry_at for wait in waits[:-1])


def test_one_malls_failure_at_night_does_not_stop_the_others(workers, settings) -> None:
    with db.unit_of_work():
        malls = [make_mall(code=code).id for code in ("aaa", "broken", "zzz")]
    with db.unit_of_work():
        tick = jobs.app.tasks["tests.kit.own_jobs.every_night.tick"]
        jobs.defer(tick, timestamp=0)
    workers.start("worker", *WORKER)
    processes.until(lambda: count(malls[0], "night") == 1 and count(malls[2], "night") == 1, 30)
    assert count(malls[1], "night") == 0


def test_a_worker_told_to_stop_finishes_its_job_first(workers, settings, mall: int, tmp_path: Path) -> None:
    marker = tmp_path / "started"
    with db.unit_of_work(mall):
        job = jobs.later(own_jobs.slow, name="being done", marker=str(marker), seconds=2)
    worker = workers.start("worker", *WORKER)
    processes.until(marker.exists, 20)
    assert worker.terminate(20) == 0
    assert status(settings, job)[0] == "succeeded"
    assert count(mall, "being done") == 1


def test_a_worker_whose_connections_are_cut_goes_on(workers, settings, mall: int, tmp_path: Path) -> None:
    marker = tmp_path / "started"
    with db.unit_of_work(mall):
        cut = jobs.later(own_jobs.slow, name="cut in the middle", marker=str(marker), seconds=2)
    worker = workers.start("worker", *WORKER)
    processes.until(marker.exists, 20)
    owner_rows(
        settings,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    with db.unit_of_work(mall):
        later = jobs.later(own_jobs.once, name="after the cut")
    processes.until(lambda: status(settings, later)[0] == "succeeded", 30)
    processes.until(lambda: status(settings, cut)[0] == "succeeded", 40)
    assert count(mall, "cut in the middle") == count(mall, "after the cut") == 1
    assert worker.running()


def test_a_job_within_a_statement_is_the_job_put_in_beside_it(mall: int, settings) -> None:
    with db.unit_of_work(mall):
        jobs.later(own_jobs.once, name="tea")
        db.session.execute(select(jobs.deferral(own_jobs.once, name="tea")))
    rows = owner_rows(settings, "SELECT queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at FROM procrastinate_jobs")
    assert len(rows) == 2 and rows[0] == rows[1]
