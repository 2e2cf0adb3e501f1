"""A process that dies at a statement, at a commit, or on the line to a gateway. Nothing of this is in the product: SQLAlchemy's events do it."""  # noqa: E501

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

from sqlalchemy import event

from api.kit import db

PLACES = ("before statement", "after statement", "before commit", "after commit", "before call", "after call")


class Crash(BaseException):
    """The process is gone: nothing of its own code runs any more."""


@dataclass
class Plan:
    """Die at the `nth` time that this thread comes to a place. `statements` counts what went by."""

    place: str
    nth: int
    thread: int = 0
    passed: int = 0
    struck: bool = False

    def reach(self, place: str) -> None:
        if self.struck or place != self.place or threading.get_ident() != self.thread:
            return
        self.passed += 1
        if self.passed >= self.nth:
            self.struck = True
            raise Crash(f"{place} {self.nth}")


_plan: Plan | None = None


def reach(place: str) -> None:
    """This thread is at a place where it may die."""
    if _plan is not None:
        _plan.reach(place)


@contextlib.contextmanager
def planned(plan: Plan | None) -> Iterator[Plan | None]:
    """Within the block this thread dies as planned; what is raised then is swallowed, as the process is."""
    global _plan
    if plan is not None:
        plan.thread = threading.get_ident()
    _plan = plan
    try:
        yield plan
    except Crash:
        db.abandon()
    finally:
        _plan = None


@contextlib.contextmanager
def listening() -> Iterator[None]:
    """Watch statements and commits of the open pool."""
    engine, commit = db.engine(), db._commit

    def before_statement(*_: Any) -> None:
        reach("before statement")

    def after_statement(*_: Any) -> None:
        reach("after statement")

    def before_commit(*_: Any) -> None:
        reach("before commit")

    def commit_and_die() -> None:
        commit()
        reach("after commit")

    watched = [
        (engine, "before_cursor_execute", before_statement),
        (engine, "after_cursor_execute", after_statement),
        (engine, "commit", before_commit),
    ]
    for target, name, listener in watched:
        event.listen(target, name, listener)
    try:
        with mock.patch.object(db, "_commit", commit_and_die):
            yield
    finally:
        for target, name, listener in watched:
            event.remove(target, name, listener)
