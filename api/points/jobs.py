"""Points that become spendable, and points that expire."""

from __future__ import annotations

from api.kit import jobs
from api.points import service

#: How many at once: each keeps its member's account to the end of the job.
AT_ONCE = 200


@jobs.nightly("*/10 * * * *")
def activate_due() -> None:
    """Every ten minutes: make points spendable whose return window has closed."""
    if service.activate_due(AT_ONCE) == AT_ONCE:
        jobs.later(activate_rest)


@jobs.job()
def activate_rest() -> None:
    """The next ones, in a transaction of their own."""
    if service.activate_due(AT_ONCE) == AT_ONCE:
        jobs.later(activate_rest)
