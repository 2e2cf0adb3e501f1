"""Background work of lockers."""

from __future__ import annotations

from api.lockers import service

from api.kit import jobs


@jobs.nightly("30 20 * * *")
def open_forgotten() -> None:
    """Free every locker whose time is over."""
    service.open_forgotten()


@jobs.job(keeps=service.OPEN)
def open_one(locker_id: int) -> None:
    """Look at one locker again."""
    service.open_forgotten(locker_id)
