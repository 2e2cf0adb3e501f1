"""The source, read by itself: what we would otherwise repeat in review."""

from __future__ import annotations

import ast
import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
API = sorted((ROOT / "api").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))

#: Rooms whose flows speak to a gateway, or count wrong passwords that must outlive the refusal, and so may make work durable halfway.
MAY_CHECKPOINT = {"members", "staff", "wallet", "payments", "checkout"}

#: Where every variable carries the noun of what it holds.
NAMED_BY_NOUN = ("api", "wechat", "alipay", "ocr", "deploy", "bench")
#: Names that fit everything and so say nothing.
SAYS_NOTHING = frozenset({"found", "told", "said", "one", "about", "mine", "other"})


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
        if name.endswith(("checkpoint", "db.outside_transaction"))
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


def _bound_names(node: ast.AST, *, special: bool = False) -> Iterator[tuple[str, int]]:
    """Every variable, parameter and loop variable below a node, but not the fields of a class: columns and the contract keep their names.
    `special`: inside of a method like __eq__, whose parameter is `other`."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        special = node.name.startswith("__")
    fields = [part for part in node.body if isinstance(part, ast.Assign | ast.AnnAssign)] if isinstance(node, ast.ClassDef) else []
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id, node.lineno
    elif isinstance(node, ast.arg) and not (special and node.arg == "other"):
        yield node.arg, node.lineno
    for child in ast.iter_child_nodes(node):
        if child not in fields:
            yield from _bound_names(child, special=special)


@pytest.mark.parametrize("place", NAMED_BY_NOUN)
def test_a_variable_carries_the_noun_of_what_it_holds(place: str) -> None:
    files = sorted((ROOT / place).rglob("*.py"))
    assert files
    nameless = [
        f"{_where(path, line)} {name}" for path in files for name, line in _bound_names(ast.parse(path.read_text())) if name in SAYS_NOTHING
    ]
    assert nameless == []


def test_a_module_and_a_function_of_one_name_do_not_hide_each_other() -> None:
    # In service/__init__.py whichever of the two is bound last is what `service.refunds` and `from api.rooms.service import refunds` give.
    hidden = []
    for path in API:
        module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
        for node in ast.parse(path.read_text()).body:
            if not isinstance(node, ast.ImportFrom) or not str(node.module).startswith("api."):
                continue
            for name in node.names:
                place = ROOT / str(node.module).replace(".", "/") / name.name
                meant = place.with_suffix(".py").is_file() or place.is_dir()
                if isinstance(getattr(module, name.asname or name.name), ModuleType) is not meant:
                    hidden.append(f"{_where(path, node.lineno)} {name.name}")
    assert hidden == []


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
