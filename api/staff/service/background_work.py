"""Background work: what runs, what failed, and trying it again."""

from __future__ import annotations

from api.kit import audit, jobs
from api.staff import queries
from api.staff.errors import JobNotFailed, JobNotFound
from api.staff.queries import JobRun


def retry(job_id: int, *, by: str, why: str) -> JobRun:
    """Put a failed job back into its queue. JobNotFound, JobNotFailed."""
    run = queries.run(job_id)
    if run is None:
        raise JobNotFound()
    if not queries.requeue(job_id):
        raise JobNotFailed(state=run.state)
    audit.record(by, "tried the job again", "job", job_id, before={"name": run.name, "attempts": run.attempts}, why=why)
    return queries.run(job_id) or run


def run_now(name: str, *, by: str, why: str) -> JobRun:
    """Put a scheduled job in for this mall, besides its schedule. JobNotFound, also for a job that has no schedule."""
    job = jobs.JOBS.get(name)
    if job is None or job.cron is None:
        raise JobNotFound()
    put_in = queries.run(jobs.later(job))
    assert put_in is not None
    audit.record(by, "ran the job", "job", put_in.id, after={"name": name}, why=why)
    return put_in
