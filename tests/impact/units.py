"""What a source file is made of: its functions, and what is left of the module without them. `make quick` compares these."""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Where our own Python is.
PACKAGES = ("api", "wechat", "alipay", "ocr", "deploy", "bench", "tests")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def is_test(path: str) -> bool:
    """Whether pytest loads a file itself: tests and conftests are judged as a whole."""
    name = path.rpartition("/")[2]
    return path.startswith("tests/") and (name.startswith("test_") or name == "conftest.py")


def source_files(root: Path = ROOT) -> dict[str, str]:
    """Every Python file of ours: path from the root → text."""
    paths = [path for package in (*PACKAGES, "migrations") for path in sorted((root / package).rglob("*.py"))]
    return {path.relative_to(root).as_posix(): path.read_text() for path in [root / "wsgi.py", *paths] if path.is_file()}


def module_of(path: str) -> str:
    """The name that others import a file by."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def functions(body: list[ast.stmt], inside: str = "") -> Iterator[tuple[str, Function]]:
    """Every function and method that is in no other function, by its name within the module."""
    for statement in body:
        if isinstance(statement, Function):
            yield inside + statement.name, statement
        elif isinstance(statement, ast.ClassDef):
            yield from functions(statement.body, f"{inside}{statement.name}.")
        else:
            blocks = [getattr(statement, block, []) for block in ("body", "orelse", "finalbody")]
            for block in [*blocks, *(handler.body for handler in getattr(statement, "handlers", []))]:
                yield from functions(block, inside)


@dataclass
class Units:
    """A module, cut up: a hash of each function, and the statements that run when it is imported."""

    functions: dict[str, str] = field(default_factory=dict)
    statements: Counter[str] = field(default_factory=Counter)
    names: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, text: str) -> Units:
        """Cut up a file. SyntaxError when it is no Python."""
        tree, made = ast.parse(text), cls()
        for name, function in functions(tree.body):
            made.functions[name] = _hash(made.functions.get(name, "") + ast.dump(function))
            function.body = []
        for statement in tree.body:
            made._note(statement)
        return made

    def _note(self, statement: ast.stmt) -> None:
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            start = f"{getattr(statement, 'level', '')} {getattr(statement, 'module', '')}"
            self.statements.update(f"import {start} {alias.name} as {alias.asname or alias.name}" for alias in statement.names)
            self.names.update(alias.asname or alias.name for alias in statement.names)
        elif isinstance(statement, Function) and not statement.decorator_list:
            self.names.add(statement.name)
        else:
            self.statements[_hash(ast.dump(statement))] += 1

    def changed_functions(self, newer: Units) -> set[str]:
        """Functions that are not as they were, or gone."""
        return {name for name, known in self.functions.items() if newer.functions.get(name) != known}

    def imports_otherwise(self, newer: Units) -> bool:
        """Whether importing it does something else. Plain functions and further imports, under names of their own, change nothing."""
        if self.statements - newer.statements:
            return True
        added = newer.statements - self.statements
        return any(not entry.startswith("import ") or entry.rpartition(" as ")[2] in self.names for entry in added)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def imports(path: str, text: str) -> set[str]:
    """Every module name that a file may import: of `from a import b` both a and a.b."""
    found: set[str] = set()
    package = module_of(path).split(".")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*package[: -node.level], *([node.module] if node.module else [])]) if node.level else node.module or ""
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return {name for name in found if name.partition(".")[0] in PACKAGES}
