"""What is changed, where the change is put, and what counts as noticed."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import types
from pathlib import Path

import pytest

from tests.mutants import changes, running
from tests.mutants.__main__ import EXPLAINED, TARGETS, _explanations
from tests.mutants.changes import ROOT, Source, sql_changes
from tests.mutants.placing import place

FILE = '''
from dataclasses import dataclass

LIMIT = 3
DOUBLE = LIMIT * 2


def fits(amount, most=LIMIT):
    """Whether it fits."""
    return 0 < amount <= most


@dataclass
class Basket:
    amount: int = 5

    def fits(self):
        return fits(self.amount)


class Crate(Basket):
    def fits(self):
        return super().fits()
'''


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    """A file of its own, as a module that is running."""
    (tmp_path / "small.py").write_text(FILE)
    monkeypatch.setattr(changes, "ROOT", tmp_path)
    module = types.ModuleType("small")
    module.__file__ = str(tmp_path / "small.py")
    monkeypatch.setitem(sys.modules, "small", module)
    exec(compile(FILE, module.__file__, "exec", dont_inherit=True), vars(module))
    return Source("small.py")


def put(source: Source, text: str) -> types.ModuleType:
    place(source, next(change for change in source.changes if change.text == text))
    return sys.modules["small"]


def test_each_change_is_of_one_piece(source: Source) -> None:
    assert [(change.place, change.text) for change in source.changes] == [
        ("LIMIT", "3 → 4"),
        ("DOUBLE", "LIMIT * 2 → LIMIT // 2"),
        ("DOUBLE", "2 → 3"),
        ("fits", "return 0 < amount <= most → return None"),
        ("fits", "0 < amount <= most → 0 <= amount <= most"),
        ("fits", "0 < amount <= most → 0 >= amount <= most"),
        ("fits", "0 < amount <= most → 0 < amount < most"),
        ("fits", "0 < amount <= most → 0 < amount > most"),
        ("fits", "0 → 1"),
        ("Basket.amount", "5 → 6"),
        ("Basket.fits", "return fits(self.amount) → return None"),
        ("Crate.fits", "return super().fits() → return None"),
    ]


def test_a_change_is_put_into_what_runs_already(source: Source) -> None:
    small = sys.modules["small"]
    fits, basket = small.fits, small.Basket
    assert (fits(3), basket().fits()) == (True, False)
    put(source, "0 < amount <= most → 0 < amount > most")
    assert (fits(3), basket().fits()) == (False, True)
    put(source, "5 → 6")
    assert basket().amount == 6


def test_a_method_loses_what_it_asked_of_the_class_below(source: Source) -> None:
    crate = sys.modules["small"].Crate(2)
    assert crate.fits() is True
    put(source, "return super().fits() → return None")
    assert crate.fits() is None


def test_a_value_is_changed_with_what_is_made_from_it(source: Source) -> None:
    small = put(source, "3 → 4")
    assert (small.LIMIT, small.DOUBLE) == (4, 8)


def test_a_change_leaves_the_file_as_it_was(source: Source) -> None:
    before = ast.dump(source.tree)
    for change in source.changes:
        assert ast.dump(source.changed(change)) != before
    assert ast.dump(source.tree) == before


def test_sql_is_changed_piece_by_piece() -> None:
    assert list(sql_changes("SELECT id FROM t WHERE a >= 1 AND kind = 'x' ORDER BY id")) == [
        "SELECT id FROM t WHERE a > 1 AND kind = 'x' ORDER BY id",
        "SELECT id FROM t WHERE a >= 1 AND kind <> 'x' ORDER BY id",
        "SELECT id FROM t WHERE a >= 1 OR kind = 'x' ORDER BY id",
        "SELECT id FROM t WHERE a >= 1 AND kind = 'x' ",
        "SELECT id FROM t WHERE a >= 2 AND kind = 'x' ORDER BY id",
        "SELECT id FROM t WHERE a >= 1 AND kind = 'x!' ORDER BY id",
    ]
    assert list(sql_changes("UPDATE t SET a = b")) == []


def test_every_room_names_files_that_are_there_and_changes_that_are_explained() -> None:
    named = {file for target in TARGETS.values() for file in (*target.files, *target.tests)}
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
    keys = {change.key for file in {key[0] for key in _explanations()} for change in Source(file).changes}
    assert [key for key in _explanations() if key not in keys] == [], f"{EXPLAINED} explains changes that there are no more"


SCRIPT = """
from pathlib import Path
import json, sys
import pytest
from tests.mutants import changes, running

folder = sys.argv[1]
changes.ROOT = Path(folder)
outcomes = []
note = lambda change, outcome: outcomes.append([change.text, outcome])
runner = running.Runner([changes.Source(name) for name in sys.argv[2:]], (), lambda change: True, note)
sys.path.insert(0, folder)
ended = pytest.main(["-q", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", folder, folder], plugins=[runner])
(Path(folder) / "outcomes.json").write_text(json.dumps(outcomes))
sys.exit(ended)
"""


SUMS = "def double(number):\n    return number + number\n\n\ndef negative(number):\n    return -number\n"


def run(folder: Path, test: str, **files: str) -> subprocess.CompletedProcess[str]:
    for name, code in (files or {"sums": SUMS}).items():
        (folder / f"{name}.py").write_text(code)
    (folder / "test_sums.py").write_text(f"import sums\n\n\ndef test_it():\n    {test}\n")
    command = [sys.executable, "-c", SCRIPT, str(folder), *(f"{name}.py" for name in files or ["sums"])]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_what_a_test_notices_is_killed_and_what_none_notices_survives(tmp_path: Path) -> None:
    ran = run(tmp_path, "assert sums.double(2) == 4 and sums.negative(-1) is not None")
    assert ran.returncode == 0, ran.stderr
    assert json.loads((tmp_path / "outcomes.json").read_text()) == [
        ["return number + number → return None", running.KILLED],
        ["number + number → number - number", running.KILLED],
        ["return -number → return None", running.KILLED],
        ["-number → number", running.SURVIVED],
    ]


def test_what_no_test_passes_is_said_to_be_uncovered(tmp_path: Path) -> None:
    run(tmp_path, "assert sums.double(2) == 4")
    assert json.loads((tmp_path / "outcomes.json").read_text())[2:] == [
        ["return -number → return None", running.UNCOVERED],
        ["-number → number", running.UNCOVERED],
    ]


def test_a_value_of_a_file_without_functions_is_passed_where_it_is_named(tmp_path: Path) -> None:
    values = "FIRST = 1\nSECOND = 2\nNEVER = 3\n"
    sums = "import values\n\n\ndef total(number):\n    return sum([\n        number,\n        values.FIRST,\n    ])\n\n\n"
    sums += "def second():\n    from values import SECOND\n    return SECOND > 0\n\n\ndef never():\n    return values.NEVER\n"
    ran = run(tmp_path, "assert sums.total(1) == 2 and sums.second()", values=values, sums=sums)
    assert ran.returncode == 0, ran.stderr
    assert json.loads((tmp_path / "outcomes.json").read_text())[:3] == [
        ["1 → 2", running.KILLED],
        ["2 → 3", running.SURVIVED],
        ["3 → 4", running.UNCOVERED],
    ]


def test_a_test_that_fails_as_it_is_ends_the_run(tmp_path: Path) -> None:
    ran = run(tmp_path, "assert sums.double(2) == 5")
    assert ran.returncode != 0
    assert "Unchanged, these fail" in ran.stderr and "test_sums.py::test_it" in ran.stderr
    assert json.loads((tmp_path / "outcomes.json").read_text()) == []
