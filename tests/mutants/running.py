"""Run a room's tests once as they are, then for each change in a fork of this process that has collected them and opened the app."""

from __future__ import annotations

import gc
import json
import mmap
import os
import resource
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import pytest

from tests.mutants.changes import Change, Source
from tests.mutants.placing import place, watch

KILLED, SURVIVED, TIMED_OUT, UNCOVERED, MISPLACED = "killed", "survived", "timed out", "uncovered", "misplaced"
CODES = {0: SURVIVED, 1: KILLED, 2: MISPLACED}


@dataclass
class Ran:
    """A test as it ran unchanged: how long, and which lines of which file it passed."""

    seconds: float = 0.0
    lines: dict[str, set[int]] = field(default_factory=dict)


class Runner:
    """A plugin of pytest in the place of its loop over the tests."""

    def __init__(self, sources: list[Source], warm: tuple[str, ...], wanted: Callable[[Change], bool], note: Callable[..., None]) -> None:
        self.sources, self.warm, self.wanted, self.note = sources, list(warm), wanted, note
        self.settings: Any = None
        self.errors = os.fdopen(os.dup(2), "w", buffering=1)  # while pytest keeps what is printed
        self.outcomes: dict[Change, str] = {}
        self.failed: list[str] = []
        self.ran: dict[str, Ran] = {}
        self.noticers: dict[str, str] = {}  # by place and by file: the test that noticed last
        self.noticer = mmap.mmap(-1, 4)  # which one it was, as a fork tells it

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(f"{report.nodeid}\n{report.longreprtext}")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed or not session.items:
            raise pytest.UsageError("the tests cannot be collected")
        _fewer_examples(session.items)
        reporter = session.config.pluginmanager.unregister(name="terminalreporter")
        self._warm_up(session)
        self._measure(session)
        for source in self.sources:
            for change in filter(self.wanted, source.changes):
                self.outcomes[change] = self._try(session, source, change)
                self.note(change, self.outcomes[change])
        session.config.pluginmanager.register(reporter, "terminalreporter")
        return True

    def _warm_up(self, session: pytest.Session) -> None:
        """Open once what every fork may share."""
        item = next((item for item in session.items if set(self.warm) <= set(getattr(item, "fixturenames", ()))), None)
        if item is None or not self.warm:
            return
        assert isinstance(item, pytest.Function)
        names, item.fixturenames[:] = list(item.fixturenames), self.warm
        session._setupstate.setup(item)
        self.settings = item.funcargs.get("settings")
        item.fixturenames[:] = names
        session._setupstate.teardown_exact(session)  # type: ignore[arg-type]
        item._initrequest()

    def _measure(self, session: pytest.Session) -> None:
        """What each test passes and how long it takes; the run ends when one fails as it is."""
        read, write = os.pipe()

        def run() -> int:
            measured: dict[str, Ran] = {}
            ran = Ran()
            for source in self.sources:
                watch(source, lambda line, file=source.file: ran.lines.setdefault(file, set()).add(line))
            for item in session.items:
                measured[item.nodeid] = ran = Ran()
                begun = time.perf_counter()
                self._run([item], session)
                ran.seconds = time.perf_counter() - begun
            rows = {name: [ran.seconds, {file: sorted(lines) for file, lines in ran.lines.items()}] for name, ran in measured.items()}
            with os.fdopen(write, "w") as out:
                json.dump({"failed": self.failed, "ran": rows}, out)
            return 0

        child = self._fork(run)
        os.close(write)
        with os.fdopen(read) as answer:
            text = answer.read()
        os.waitpid(child, 0)
        found = json.loads(text or '{"failed": ["the tests ended early"], "ran": {}}')
        if found["failed"]:
            self.errors.write("Unchanged, these fail:\n" + "\n".join(found["failed"]) + "\n")
            pytest.exit("the tests fail as they are", returncode=1)
        self.ran = {name: Ran(row[0], {file: set(lines) for file, lines in row[1].items()}) for name, row in found["ran"].items()}

    def _try(self, session: pytest.Session, source: Source, change: Change) -> str:
        tests = self._tests_of(session, change)
        if not tests:
            return UNCOVERED

        def run() -> int:
            try:
                place(source, change)
            except (LookupError, ValueError, SyntaxError):
                traceback.print_exc(file=self.errors)
                return 2
            except Exception:
                return 1  # the module itself cannot be made so
            ended = self._run(tests, session)
            self.noticer[:] = (ended or 0).to_bytes(4, "big")
            return 0 if ended is None else 1

        # Of its own seconds, since the machine may be busy; a hundred times as long where it only waits.
        limit = 5 + round(5 * sum(self.ran[item.nodeid].seconds for item in tests))
        self.noticer[:] = bytes(4)
        outcome = self._outcome(self._fork(run, limit), 100 * limit)
        if outcome == KILLED:
            noticer = tests[int.from_bytes(self.noticer[:], "big")].nodeid
            self.noticers |= {change.file: noticer, change.file + change.place: noticer}
        return outcome

    def _tests_of(self, session: pytest.Session, change: Change) -> list[pytest.Item]:
        """The tests that pass the change, those that noticed its neighbours first, then the quick ones.

        A value of a module is passed by the tests that pass its module, or a statement of any of these files that names it.
        """
        name = change.place.partition(".")[0]

        def passes(item: pytest.Item) -> bool:
            passed = self.ran[item.nodeid].lines
            if change.of_module and any(not passed.get(source.file, set()).isdisjoint(source.naming[name]) for source in self.sources):
                return True
            lines = passed.get(change.file, set())
            return bool(lines) if change.of_module else not lines.isdisjoint(change.lines)

        first = [self.noticers.get(change.file + change.place), self.noticers.get(change.file)]

        def order(item: pytest.Item) -> tuple[int, float]:
            return first.index(item.nodeid) if item.nodeid in first else len(first), self.ran[item.nodeid].seconds

        return sorted(filter(passes, session.items), key=order)

    def _run(self, tests: list[pytest.Item], session: pytest.Session) -> int | None:
        """Which test fails first."""
        for number, item in enumerate(tests):
            # As if the session itself came next: what it opened stays open, all else is taken down.
            session.config.hook.pytest_runtest_protocol(item=item, nextitem=session)
            if self.failed:
                return number
        return None

    def _fork(self, run: Callable[[], int], limit: int = resource.RLIM_INFINITY) -> int:
        child = os.fork()
        if child:
            return child
        try:
            os.setpgid(0, 0)
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
            gc.disable()  # it would copy every page that it looks through
            _open_anew()
            os._exit(run())
        except BaseException:
            os._exit(1)

    def _outcome(self, child: int, limit: float) -> str:
        until = time.monotonic() + limit
        pause = 0.002
        while time.monotonic() < until:
            ended, status = os.waitpid(child, os.WNOHANG)
            code = os.waitstatus_to_exitcode(status) if ended else 0
            if ended and code < 0:
                break
            if ended:
                return CODES.get(code, KILLED)
            time.sleep(pause)
            pause = min(pause * 1.5, 0.02)
        else:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
        self._sweep()
        return TIMED_OUT

    def _sweep(self) -> None:
        """A test that was ended left its rows."""
        from api.kit import cache
        from tests.conftest import Broom

        if self.settings is not None:
            Broom(self.settings.owner_url).sweep()
            cache.attempt(lambda client: client.flushdb(), None)


def _fewer_examples(items: list[pytest.Item]) -> None:
    """Of a property the same thirty examples every time; none is kept, and a failing one is enough as it is."""
    for item in items:
        test = getattr(item, "obj", None)
        if given := getattr(test, "_hypothesis_internal_use_settings", None):
            examples, phases = min(30, given.max_examples), (hypothesis.Phase.explicit, hypothesis.Phase.generate)
            fewer = hypothesis.settings(given, max_examples=examples, deadline=None, database=None, derandomize=True, phases=phases)
            test._hypothesis_internal_use_settings = fewer


def _open_anew() -> None:
    """A fork may not speak over its parent's connections."""
    from api.kit import db

    if db._engine is not None:
        db._engine.dispose(close=False)
        db.session.registry.clear()
