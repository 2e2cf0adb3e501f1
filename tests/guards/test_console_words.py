"""The desk shows names that the server makes: permissions, jobs, tables, deeds of the audit log. Each has its words in both languages."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.kit import rooms, tables
from api.kit.jobs import JOBS
from api.staff import permissions

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "console" / "src" / "office"


def _words(page: str, language: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads((PAGES / page / f"{language}.json").read_text())
    return found


def _told(at: int) -> Iterator[str]:
    """The constant arguments of audit.record at a place: 1 is what was done, 2 the kind of thing it was done to."""
    for path in (ROOT / "api").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "audit.record" and len(node.args) > at:
                told = node.args[at]
                if isinstance(told, ast.Constant):
                    yield str(told.value)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_permission_job_and_table_has_words(language: str) -> None:
    rooms.load()
    asked = {
        "permission": {name.replace(".", "_") for name in permissions.holders()} - set(_words("staff", language)["may"]),
        "job": {name.replace(".", "_") for name in JOBS if not name.startswith("tests.")} - set(_words("jobs", language)["name"]),
        "table": set(tables.every()) - set(_words("exports", language)["tables"]),
        "deed": {re.sub(r"[^a-z0-9]+", "_", deed.lower()).strip("_") for deed in _told(1)} - set(_words("audit", language)["did"]),
        "subject": set(_told(2)) - set(_words("audit", language)["subject"]),
    }
    assert {what: sorted(names) for what, names in asked.items() if names} == {}
