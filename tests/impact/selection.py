"""Which tests a change can reach: what ran in the last `make test`, against what the source is now."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from tests.impact.units import Units, imports, is_test, module_of

#: Tests of real processes: what those processes run is not written down, so any change may reach them.
PROCESSES = ("tests/browser/", "tests/faults/", "tests/flows/test_measurements")
#: They read the source itself, whatever changed.
ALWAYS = ("tests/guards/",)
#: What every test with a database runs; a migration reaches all of them.
EVERY_DATABASE = "api/app.py:create_app"


@dataclass(frozen=True)
class Ran:
    """One test of the last run: whether it passed, how long it took, which functions it ran."""

    passed: bool
    seconds: float
    functions: frozenset[str]


@dataclass
class Record:
    """The last run: its tests, the functions that ran when everything was imported, and the source that it tested."""

    tests: dict[str, Ran] = field(default_factory=dict)
    imported: set[str] = field(default_factory=set)
    source: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Record:
        """What `make test` left; FileNotFoundError when it never ran to its end."""
        made = cls(source=json.loads((folder / "source.json").read_text()))
        files = sorted(folder.glob("tests-*.json"))
        if not files:
            raise FileNotFoundError(folder)
        for file in files:
            told = json.loads(file.read_text())
            names = told["functions"]
            shared = [frozenset(names[number] for number in numbers) for numbers in told["shared"]]
            made.imported |= {names[number] for number in told["imported"]}
            for test, row in told["tests"].items():
                functions = frozenset(names[number] for number in row["ran"]).union(*(shared[number] for number in row["shared"]))
                made.tests[test] = Ran(row["passed"], row["seconds"], functions)
        return made


@dataclass
class Change:
    """What is not as it was in the last run."""

    functions: set[str] = field(default_factory=set)  # path:name
    modules: set[str] = field(default_factory=set)  # paths whose import does something else
    tests: set[str] = field(default_factory=set)  # test files and conftests
    added: set[str] = field(default_factory=set)
    paths: set[str] = field(default_factory=set)  # all of them, those too where only a comment changed


def changed(record: Record, now: dict[str, str]) -> Change:
    """Compare the source with that of the last run."""
    change = Change()
    for path in record.source.keys() | now.keys():
        before, after = record.source.get(path), now.get(path)
        if before == after:
            continue
        change.paths.add(path)
        if path.startswith("migrations/"):
            change.functions.add(EVERY_DATABASE)
        elif is_test(path):
            change.tests.add(path)
        elif before is None:
            change.added.add(path)
        else:
            older, newer = Units.of(before), Units.of(after or "")
            functions = {f"{path}:{name}" for name in older.changed_functions(newer)}
            change.functions |= functions
            if older.imports_otherwise(newer) or functions & record.imported:
                change.modules.add(path)
    return change


@dataclass
class Selection:
    """Tests that a change reaches, the nearest and shortest first; whole files where a file of tests is new or changed."""

    tests: list[str]
    files: list[str]
    left: list[str]


def select(record: Record, now: dict[str, str], *, seconds: float = float("inf")) -> Selection:
    """What to run within so many seconds of tests. What does not fit, or starts real processes, is left to `make test`."""
    change = changed(record, now)
    importers = _importers(now)
    touched = _touched(change.modules | change.added, importers, now)
    whole = _whole_files(change, touched, importers, now)
    reached = {test for test, ran in record.tests.items() if _reaches(ran, change, touched) or not ran.passed}
    reached |= {test for test in record.tests if test.partition("::")[0] in whole or test.startswith(ALWAYS)}
    edited = {path for path in change.tests if path in now and not path.endswith("conftest.py")}
    if any(not is_test(path) for path in change.paths):
        reached |= {test for test in record.tests if test.startswith(PROCESSES)}
    near = {f"tests/{path.split('/')[1]}/" for path in change.paths if path.count("/") >= 2}
    tests: list[str] = []
    left: list[str] = []
    for test in sorted(reached, key=lambda test: _order(test, record.tests[test], near)):
        path = test.partition("::")[0]
        if path in edited or path not in now:
            continue
        seconds -= record.tests[test].seconds
        (left if seconds < 0 or test.startswith(PROCESSES) else tests).append(test)
    return Selection(tests, sorted(edited), left)


def _order(test: str, ran: Ran, near: set[str]) -> tuple[bool, bool, bool, float]:
    return (test.startswith(PROCESSES), ran.passed, not test.startswith((*near, *ALWAYS)), ran.seconds)


def _reaches(ran: Ran, change: Change, touched: set[str]) -> bool:
    return not ran.functions.isdisjoint(change.functions) or any(name.partition(":")[0] in touched for name in ran.functions)


def _importers(now: dict[str, str]) -> dict[str, set[str]]:
    """Path → the files that import it."""
    paths = {module_of(path): path for path in now}
    found: dict[str, set[str]] = defaultdict(set)
    for path, text in now.items():
        for name in imports(path, text):
            if name in paths:
                found[paths[name]].add(path)
    return found


def _touched(modules: set[str], importers: dict[str, set[str]], now: dict[str, str]) -> set[str]:
    """Modules that are imported otherwise, and those that use them; on through files that have no function of their own."""
    found, todo = set(modules), list(modules)
    while todo:
        for path in importers.get(todo.pop(), set()) - found:
            found.add(path)
            if not Units.of(now[path]).functions:
                todo.append(path)
    return found


def _whole_files(change: Change, touched: set[str], importers: dict[str, set[str]], now: dict[str, str]) -> set[str]:
    """Test files that are to be run whole: they import what is imported otherwise, or stand below a conftest that changed or does."""
    judged = {path for path in change.tests | touched if is_test(path)}
    below = tuple(path.removesuffix("conftest.py") for path in judged if path.endswith("conftest.py"))
    return judged | {path for path in now if is_test(path) and below and path.startswith(below)}
