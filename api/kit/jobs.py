"""Background work. A job is stored in the transaction that causes it: both are committed, or neither.

`later(job, …)` inside a unit of work; the worker runs each job in a unit of work of its own, inside the same mall. A job is stored as
`<room>.<function>`: the file it stands in may change while it waits.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import procrastinate
from sqlalchemy import BigInteger, TextClause, column, select, table, text

from api.kit import clock, db, logs, rooms
from api.kit.db import session

log = logs.get(__name__)

DEFAULT_QUEUE = "default"
MAX_ATTEMPTS = 5

#: Jobs are declared on this app. It never opens a connection: jobs are put in through the caller's own.
CONNECTOR = procrastinate.SyncPsycopgConnector()
app = procrastinate.App(connector=CONNECTOR)


@dataclass(frozen=True)
class Job:
    """A declared job: `name` as operators see it, and what runs."""

    name: str
    run: Callable[..., Any]
    task: Any
    cron: str | None = None


class Promised:
    """A job that a service puts in and `jobs.py` above it carries out, which says so: `@jobs.job(keeps=service.SPREAD)`."""

    kept: Job | None = None

    @property
    def job(self) -> Job:
        """The job that keeps it."""
        if self.kept is None:
            rooms.load()
        assert self.kept is not None, "no job keeps this promise"
        return self.kept


#: name → job, for the page of jobs and for the worker.
JOBS: dict[str, Job] = {}


class Backoff(procrastinate.BaseRetryStrategy):
    """Try again after 2, 8, 32, 128 seconds; after MAX_ATTEMPTS the job stays failed and visible."""

    def get_retry_decision(self, *, exception: BaseException, job: Any) -> procrastinate.RetryDecision | None:
        """Procrastinate asks after each failure."""
        log.warning(
            "a job failed",
            job=job.task_name,
            attempt=job.attempts + 1,
            error_type=type(exception).__name__,
            exc_info=exception,
        )
        if job.attempts + 1 >= MAX_ATTEMPTS:
            return None
        return procrastinate.RetryDecision(retry_in={"seconds": 2 * 4**job.attempts})


def _keep(run: Callable[..., Any], task: Any, cron: str | None = None) -> Job:
    assert task.name not in JOBS, f"two jobs are called {task.name}"
    JOBS[task.name] = Job(task.name, run, task, cron)
    return JOBS[task.name]


def _name(run: Callable[..., Any]) -> str:
    package, _, inside = run.__module__.partition(".")
    return f"{inside.split('.')[0] if package == 'api' else run.__module__}.{run.__name__}"


def job(queue: str = DEFAULT_QUEUE, *, transaction: bool = True, keeps: Promised | None = None) -> Callable[[Callable[..., Any]], Job]:
    """Declare a job: a plain function of JSON values. With transaction=False it opens its own units of work."""

    def declare(run: Callable[..., Any]) -> Job:

        @functools.wraps(run)
        def work(mall_id: int | None = None, **arguments: Any) -> None:
            if transaction:
                db.in_mall(mall_id, lambda: run(**arguments))
            else:
                run(mall_id=mall_id, **arguments)

        declared = _keep(run, app.task(name=_name(run), queue=queue, retry=Backoff())(work))
        if keeps is not None:
            keeps.kept = declared
        return declared

    return declare


def nightly(cron: str, queue: str = DEFAULT_QUEUE) -> Callable[[Callable[[], Any]], Job]:
    """Declare work that is done for each mall on a schedule (cron, UTC); one mall's failure does not stop the others."""

    def declare(run: Callable[[], Any]) -> Job:
        name = _name(run)

        def in_one_mall(mall_id: int) -> None:
            db.in_mall(mall_id, run)

        def all_malls(timestamp: int) -> None:  # noqa: ARG001 - procrastinate passes the tick
            for mall_id in mall_ids():
                with db.unit_of_work():
                    defer(one_task, mall_id=mall_id)

        one_task = app.task(name=name, queue=queue, retry=Backoff())(in_one_mall)
        app.periodic(cron=cron)(app.task(name=f"{name}.tick", queue=queue, queueing_lock=f"{name}.tick")(all_malls))
        return _keep(run, one_task, cron)

    return declare


def mall_ids() -> list[int]:
    """Every mall of this installation, read in a unit of work of its own."""
    with db.unit_of_work():
        return list(session.scalars(select(column("id", BigInteger)).select_from(table("malls"))))


def later(job: Job | Promised, *, after: timedelta | None = None, lock: str | None = None, **arguments: Any) -> int:
    """Put a job into this transaction, for the mall it entered. `lock`: never two of the same lock at once."""
    return defer(_of(job).task, after=after, lock=lock, mall_id=db.mall(), **arguments)


def _of(job: Job | Promised) -> Job:
    return job.job if isinstance(job, Promised) else job


def defer(task: Any, *, after: timedelta | None = None, lock: str | None = None, **arguments: Any) -> int:
    """Put a procrastinate task into this transaction."""
    options: dict[str, Any] = {"connection": session.connection().connection.driver_connection}
    if after is not None:
        options["schedule_at"] = clock.now() + after
    if lock is not None:
        options["lock"] = lock
    return int(task.configure(**options).defer(**arguments))


#: What procrastinate itself calls to put a job in, as an expression.
_DEFERRAL = """procrastinate_defer_jobs_v1(ARRAY[
    ROW(CAST(:queue AS text), CAST(:name AS text), 0, NULL, NULL, CAST(:arguments AS jsonb), NULL)]::procrastinate_job_to_defer_v1[])"""


def deferral(job: Job | Promised, **arguments: Any) -> TextClause:
    """`later` as an expression: a statement of a hot path and the job it causes are one statement, and one journey to the database."""
    values = json.dumps({"mall_id": db.mall(), **arguments})
    return text(_DEFERRAL).bindparams(queue=_of(job).task.queue, name=_of(job).name, arguments=values)
