"""Writes down which functions of ours each test runs. `make test` does so, for `make quick`; see docs/testing.md.

Every function gets one more statement when its module is loaded: it puts its own name into a set. A tracer of lines costs a quarter of the
time of a run; this costs what it takes to load the modules.
"""

from __future__ import annotations

import ast
import json
import os
import sys
from collections.abc import Iterator
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from tests.impact.units import PACKAGES, ROOT, Function, functions, is_test, source_files

FOLDER = ROOT / "var" / "impact"
MARK = "__mallbridge_ran__"

#: The functions that ran since somebody last looked: "api/points/jobs.py:expire".
ran: set[str] = set()


def mark(tree: ast.Module, path: str) -> ast.Module:
    """Let every function say that it runs; a function in a function says the name of the outer one."""
    for name, outer in list(functions(tree.body)):
        for function in [node for node in ast.walk(outer) if isinstance(node, Function)]:
            first = function.body[0]
            says = ast.Expr(ast.Call(ast.Name(MARK, ast.Load()), [ast.Constant(f"{path}:{name}")], []))
            documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
            function.body.insert(1 if documented else 0, ast.fix_missing_locations(ast.copy_location(says, first)))
    return tree


class _Loader(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        path = Path(self.get_filename(fullname))
        tree = mark(ast.parse(path.read_bytes()), path.relative_to(ROOT).as_posix())
        return compile(tree, str(path), "exec", dont_inherit=True)

    def exec_module(self, module: Any) -> None:
        setattr(module, MARK, ran.add)
        super().exec_module(module)


class _Finder(MetaPathFinder):
    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if fullname.partition(".")[0] not in PACKAGES or fullname.startswith("tests.impact") or is_test(fullname.replace(".", "/") + ".py"):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


if os.environ.get("MALLBRIDGE_RECORD"):
    sys.meta_path.insert(0, _Finder())


def begin(folder: Path = FOLDER) -> None:
    """A new run: forget the last one, and keep the source as it is now."""
    folder.mkdir(parents=True, exist_ok=True)
    for older in folder.glob("*.json"):
        older.unlink()
    (folder / "source.json").write_text(json.dumps(source_files(), ensure_ascii=False))


class Recorder:
    """A pytest plugin of one worker. What a shared fixture runs while it is made, every test that uses it has run."""

    def __init__(self, worker: str, folder: Path = FOLDER) -> None:
        self.file = folder / f"tests-{worker}.json"
        self.numbers: dict[str, int] = {}
        self.tests: dict[str, dict[str, Any]] = {}
        self.shared: dict[Any, int] = {}
        self.sets: list[list[int]] = []
        self.imported: list[int] = []
        self.used: set[int] = set()
        self.passed, self.seconds = True, 0.0

    def _numbered(self) -> list[int]:
        return sorted(self.numbers.setdefault(name, len(self.numbers)) for name in list(ran))

    def pytest_collection_finish(self) -> None:
        self.imported = self._numbered()
        ran.clear()

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        if fixturedef.scope == "function":
            return (yield)
        before = set(ran)
        ran.clear()
        try:
            return (yield)
        finally:
            self.shared[fixturedef] = len(self.sets)
            self.sets.append(self._numbered())
            ran.update(before)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        used = getattr(item, "_request", None)
        self.used = {self.shared[one] for one in getattr(used, "_fixture_defs", {}).values() if one in self.shared}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.passed &= not report.failed
        self.seconds += report.duration

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        ran.clear()
        self.used, self.passed, self.seconds = set(), True, 0.0
        try:
            return (yield)
        finally:
            made = {"passed": self.passed, "seconds": round(self.seconds, 2), "ran": self._numbered(), "shared": sorted(self.used)}
            self.tests[item.nodeid] = made

    def pytest_sessionfinish(self) -> None:
        told = {"functions": list(self.numbers), "imported": self.imported, "shared": self.sets, "tests": self.tests}
        self.file.write_text(json.dumps(told, ensure_ascii=False, separators=(",", ":")))
