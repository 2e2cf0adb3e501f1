"""Races that happen: threads are brought together right before the statement that decides, instead of hoped to meet there."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event, text

from api.kit import db
from api.kit.db import session


class Meeting:
    """Where threads wait for one another; `met` says how often all of them stood there at once."""

    def __init__(self, parties: int, patience: float) -> None:
        self.met = 0
        self._patience, self._came = patience, threading.local()
        self._barrier = threading.Barrier(parties, action=self._all_here)

    def _all_here(self) -> None:
        self.met += 1

    def wait(self) -> None:
        """Wait once a thread until all are here; whoever waits in vain goes on alone, and so do the others from then on."""
        if getattr(self._came, "yes", False):
            return
        self._came.yes = True
        try:
            self._barrier.wait(self._patience)
        except threading.BrokenBarrierError:
            return


@contextmanager
def meeting(words: str, *, parties: int = 2, patience: float = 5.0) -> Iterator[Meeting]:
    """Each of so many threads stops before its first statement with these words until the others are there too."""
    place = Meeting(parties, patience)

    def arrive(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if words in statement:
            place.wait()

    event.listen(db.engine(), "before_cursor_execute", arrive)
    try:
        yield place
    finally:
        event.remove(db.engine(), "before_cursor_execute", arrive)


def until_others_wait(count: int = 1, *, patience: float = 5.0) -> None:
    """Go on when so many others wait for a lock in this database, such as what this transaction holds."""
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")
    until = time.monotonic() + patience
    while session.scalar(waiting) != count:
        assert time.monotonic() < until, "nobody waits"
        time.sleep(0.02)
        session.execute(text("SELECT pg_stat_clear_snapshot()"))  # within a transaction it is otherwise read once
