"""The source, read by itself: what we would otherwise repeat in review."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
API = sorted((ROOT / "api").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))

#: Rooms whose flows speak to a gateway, or count wrong passwords that must outlive the refusal, and so may make work durable halfway.
MAY_CHECKPOINT = {"members", "staff", "wallet", "payments", "checkout"}


def _room(path: Path) -> str:
    parts = path.relative_to(ROOT / "api").parts
    return parts[0] if len(parts) > 1 else ""


def _calls(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node.lineno


def _where(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def test_only_the_kit_commits() -> None:
    found = [
        _where(path, line)
        for path in API
        if _room(path) != "kit"
        for name, line in _calls(path)
        if name in {"session.commit", "session.rollback", "session.begin", "connection.commit"}
    ]
    assert found == []


def test_only_money_flows_and_sign_in_checkpoint() -> None:
    found = [
        _where(path, line)
        for path in API
        if _room(path) not in {"kit", *MAY_CHECKPOINT}
        for name, line in _calls(path)
        if name.endswith(("checkpoint", "db.speaking")) and name != "passed_checkpoint"
    ]
    assert found == []


def test_raw_sql_text_stands_in_few_places() -> None:
    allowed = {"kit", "ledger"}
    found = [
        _where(path, line)
        for path in API
        if _room(path) not in allowed and path.name not in {"queries.py", "models.py"}
        for name, line in _calls(path)
        if name in {"text", "sa.text", "sqlalchemy.text"}
    ]
    assert found == []


def test_only_the_clock_asks_the_time() -> None:
    asked = {"datetime.now", "datetime.utcnow", "date.today", "time.time", "datetime.today"}
    found = [_where(path, line) for path in API if path.name != "clock.py" for name, line in _calls(path) if name in asked]
    assert found == []


def test_nobody_assigns_a_state() -> None:
    found = []
    for path in API:
        for node in ast.walk(ast.parse(path.read_text())):
            targets = node.targets if isinstance(node, ast.Assign) else []
            found += [_where(path, node.lineno) for target in targets if isinstance(target, ast.Attribute) and target.attr == "state"]
    assert found == []


def test_every_environment_variable_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    read = set()
    for path in [*API, *sorted((ROOT / "deploy").glob("*.py")), *sorted((ROOT / "ocr").rglob("*.py"))]:
        read |= set(re.findall(r"(?:env\.(?:str|int|float|bool)|environ\.get|environ\[|port)\(?\s*\(?\"([A-Z][A-Z_]+)\"", path.read_text()))
    # A request carries names of its own in its environ.
    read -= {name for name in read if name.endswith("_GIVEN") or name.startswith(("HTTP_", "REQUEST_")) or name == "PATH"}
    missing = sorted(name for name in read if f"`{name}`" not in readme)
    assert missing == []


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_test_asserts_something(path: Path) -> None:
    bare = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            asserts = any(isinstance(inner, ast.Assert) for inner in ast.walk(node))
            called = [inner.func for inner in ast.walk(node) if isinstance(inner, ast.Call)]
            asserts |= any(isinstance(func, ast.Name) and func.id == "expect" for func in called)  # of what a browser shows
            calls = " ".join(map(ast.unparse, called))
            if not asserts and "raises" not in calls and "assert" not in calls and "check" not in calls:
                bare.append(node.name)
    assert bare == []


def test_nothing_is_skipped_or_expected_to_fail() -> None:
    marks = re.compile(r"pytest\.(skip|mark\.skip|mark\.xfail|importorskip)" + r"\b")
    found = [str(path.relative_to(ROOT)) for path in TESTS if path != Path(__file__) and marks.search(path.read_text())]
    assert found == []


@pytest.mark.parametrize("face", ["console", "miniapp_stub"])
def test_the_lock_of_packages_holds_every_platform(face: str) -> None:
    # A lock made where a platform's package was not to be had is refused by `npm ci` everywhere.
    packages = json.loads((ROOT / face / "package-lock.json").read_text())["packages"]
    names = {key.rpartition("node_modules/")[2] for key in packages}
    assert [(key, name) for key, one in packages.items() for name in one.get("optionalDependencies", {}) if name not in names] == []
