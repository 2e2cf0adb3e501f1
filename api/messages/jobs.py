"""Messages past their time go."""

from __future__ import annotations

from api.kit import jobs
from api.messages import service


@jobs.nightly("25 19 * * *")
def remove_expired() -> None:
    """Remove messages past their time, some thousands at once."""
    if service.remove_expired() == service.REMOVED_AT_ONCE:
        jobs.later(remove_more)


@jobs.job()
def remove_more() -> None:
    """The next ones, in a transaction of their own."""
    if service.remove_expired() == service.REMOVED_AT_ONCE:
        jobs.later(remove_more)
