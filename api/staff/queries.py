"""Background work as the office sees it. The tables are procrastinate's and have no mall column: each query here names the mall itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Select, and_, case, func, literal_column, or_, select, table, text, update
from sqlalchemy import column as plain_column
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.types import BigInteger, DateTime, Integer, Text

from api.kit import clock, db, jobs, logs, pages
from api.kit.db import session
from api.kit.pages import Page

STUCK = timedelta(minutes=10)  # waiting or running longer than this is worth a look

_jobs = table(
    "procrastinate_jobs",
    plain_column("id", BigInteger),
    plain_column("queue_name", Text),
    plain_column("task_name", Text),
    plain_column("args", JSONB),
    plain_column("status", Text),
    plain_column("scheduled_at", DateTime(timezone=True)),
    plain_column("attempts", Integer),
)
_events = table(
    "procrastinate_events", plain_column("job_id", BigInteger), plain_column("type", Text), plain_column("at", DateTime(timezone=True))
)

STATES = ("todo", "doing", "succeeded", "failed", "cancelled", "aborted", "stuck")


@dataclass(frozen=True)
class JobRun:
    """One run of a job: its state, how often it was tried, what it is about (masked), and when something last happened to it."""

    id: int
    name: str
    queue: str
    state: str
    attempts: int
    subject: dict[str, Any]
    scheduled_at: datetime | None
    last_event_at: datetime | None
    stuck: bool


@dataclass(frozen=True)
class JobLine:
    """One declared job with what became of it in this mall."""

    name: str
    cron: str | None
    waiting: int
    running: int
    failed: int
    stuck: int
    last_state: str | None
    last_at: datetime | None


def _last_event() -> Any:
    return select(func.max(_events.c.at)).where(_events.c.job_id == _jobs.c.id).scalar_subquery()


def _state(name: str) -> Any:
    assert name in STATES
    return _jobs.c.status == literal_column(f"'{name}'::procrastinate_job_status")


def _stuck() -> Any:
    long_ago = clock.now() - STUCK
    due = or_(_jobs.c.scheduled_at.is_(None), _jobs.c.scheduled_at < long_ago)
    return and_(or_(_state("doing"), and_(_state("todo"), due)), _last_event() < long_ago)


def _of_this_mall() -> Any:
    return _jobs.c.args["mall_id"].astext == str(db.mall())


def runs(*, state: str | None, name: str | None, cursor: str | None, limit: int) -> Page[JobRun]:
    """Runs of this mall's jobs, newest first; `state` may also be "stuck"."""
    query: Select[Any] = select(_jobs, _last_event().label("last_event_at"), _stuck().label("stuck")).where(_of_this_mall())
    if state is not None:
        query = query.where(_stuck() if state == "stuck" else _state(state))
    if name is not None:
        query = query.where(_jobs.c.task_name == name)
    page = pages.page(query, cast("InstrumentedAttribute[Any]", _jobs.c.id), cursor=cursor, limit=limit)
    return Page([_run(row) for row in page.items], page.next_cursor)


def _run(row: Any) -> JobRun:
    subject = logs.clean({key: value for key, value in row.args.items() if key != "mall_id"})
    return JobRun(
        row.id, row.task_name, row.queue_name, row.status, row.attempts, subject, row.scheduled_at, row.last_event_at, bool(row.stuck)
    )


def run(job_id: int) -> JobRun | None:
    """One run of this mall's jobs."""
    query = select(_jobs, _last_event().label("last_event_at"), _stuck().label("stuck")).where(_of_this_mall(), _jobs.c.id == job_id)
    row = session.execute(query).one_or_none()
    return _run(row) if row else None


def lines() -> list[JobLine]:
    """Every declared job, by name: how many runs wait, run, failed or are stuck, and how the last one ended. Two statements."""
    counted = select(
        _jobs.c.task_name,
        *(func.count().filter(_state(state)).label(state) for state in ("todo", "doing", "failed")),
        func.count().filter(_stuck()).label("stuck"),
        func.max(case((or_(*(_state(state) for state in ("succeeded", "failed"))), _jobs.c.id))).label("last_id"),
    )
    rows = {row.task_name: row for row in session.execute(counted.where(_of_this_mall()).group_by(_jobs.c.task_name))}
    ended = select(_jobs.c.id, _jobs.c.status, _last_event().label("at")).where(_jobs.c.id.in_([row.last_id for row in rows.values()]))
    last = {row.id: row for row in session.execute(ended)}
    return [_line(name, job.cron, rows.get(name), last) for name, job in sorted(jobs.JOBS.items())]


def _line(name: str, cron: str | None, row: Any, last: dict[int, Any]) -> JobLine:
    if row is None:
        return JobLine(name, cron, 0, 0, 0, 0, None, None)
    end = last.get(row.last_id)
    return JobLine(name, cron, row.todo, row.doing, row.failed, row.stuck, end.status if end else None, end.at if end else None)


def requeue(job_id: int) -> bool:
    """Put a failed run back into its queue with all its tries. False when it is not failed (any more)."""
    failed_run = select(_jobs.c.id).where(_of_this_mall(), _jobs.c.id == job_id, _state("failed")).with_for_update()
    if session.scalar(failed_run) is None:
        return False
    session.execute(text("SELECT procrastinate_retry_job_v2(:id, now(), NULL, NULL, NULL)"), {"id": job_id})
    session.execute(update(_jobs).where(_jobs.c.id == job_id).values(attempts=0))
    return True
