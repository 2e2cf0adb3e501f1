"""Jobs of the tests' own, for a real worker that imports them."""

from __future__ import annotations

import os
import time
from pathlib import Path

from api.kit import clock, db
from api.kit import jobs as kit
from api.kit.audit import AuditEntry
from api.kit.db import session


def note(did: str) -> None:
    """One row: an effect that can be counted."""
    session.add(AuditEntry(who="job", did=did, subject_type="job", subject_id=str(os.getpid()), at=clock.now()))


@kit.job()
def once(name: str) -> None:
    """Leave one row."""
    note(name)


@kit.job()
def slow(name: str, marker: str, seconds: float) -> None:
    """Leave one row at the end of a long piece of work; the first worker to start it says so in a file."""
    note(name)
    session.flush()
    with Path(marker).open("a") as file:
        file.write(f"{os.getpid()}\n")
    if len(Path(marker).read_text().splitlines()) == 1:
        time.sleep(seconds)


@kit.job()
def failing(name: str, times: int, marker: str) -> None:
    """Leave a row and fail so many times."""
    note(name)
    with Path(marker).open("a") as file:
        file.write("x")
    if len(Path(marker).read_text()) <= times:
        raise RuntimeError("it did not work, phone 13912345678")


@kit.nightly("0 18 * * *")
def every_night() -> None:
    """Leave one row in each mall; the mall whose code is "broken" fails."""
    from api.malls.models import Mall

    if session.get_one(Mall, db.mall()).code == "broken":
        raise RuntimeError("this mall is broken")
    note("night")
