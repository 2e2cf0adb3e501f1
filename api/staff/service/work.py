"""Background work: what runs, what failed, and trying it again."""

from __future__ import annotations

from api.kit import audit
from api.staff import queries
from api.staff.errors import JobNotFailed, JobNotFound
from api.staff.queries import JobRun


def retry(job_id: int, *, by: str, why: str) -> JobRun:
    """Put a failed job back into its queue. JobNotFound, JobNotFailed."""
    found = queries.run(job_id)
    if found is None:
        raise JobNotFound()
    if not queries.again(job_id):
        raise JobNotFailed(state=found.state)
    audit.record(by, "tried the job again", "job", job_id, before={"name": found.name, "attempts": found.attempts}, why=why)
    return queries.run(job_id) or found
