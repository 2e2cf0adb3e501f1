"""`make quick` runs what a change can reach: by function, by what a module does when it is imported, and never less than that."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from tests.impact import recording
from tests.impact.selection import Record, changed, select
from tests.impact.units import Units, source_files

EARNING = '''
"""Earning."""
from decimal import Decimal

RATE = 1


class Award:
    def points(self) -> int:
        return 1


def earn(fen: int) -> int:
    """Points of a sale."""
    def rounded() -> int:
        return fen // 100

    return rounded() * RATE


def undo() -> None:
    pass
'''
SOURCE = {
    "api/points/earning.py": EARNING,
    "api/points/words.py": "POINTS = 'points'\n",
    "api/points/routes.py": "from api.points.words import POINTS\n\n\ndef show() -> str:\n    return POINTS\n",
    "tests/points/test_earning.py": "from api.points import earning\n",
    "tests/points/conftest.py": "",
    "tests/sales/test_sales.py": "import tests.factories\n",
    "tests/factories.py": "def make_mall() -> None: ...\n",
    "tests/guards/test_source.py": "",
    "tests/browser/test_story.py": "",
}
RAN = {
    "tests/points/test_earning.py::test_earn": (True, 1.0, ["api/points/earning.py:earn"]),
    "tests/points/test_earning.py::test_undo": (True, 2.0, ["api/points/earning.py:undo"]),
    "tests/sales/test_sales.py::test_sale": (True, 0.5, ["api/points/earning.py:earn", "tests/factories.py:make_mall"]),
    "tests/sales/test_sales.py::test_page": (True, 0.1, ["api/points/routes.py:show"]),
    "tests/guards/test_source.py::test_guard": (True, 0.3, []),
    "tests/browser/test_story.py::test_story": (True, 9.0, []),
}


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """The last run, as two workers left it."""
    (tmp_path / "source.json").write_text(json.dumps(SOURCE))
    for worker, tests in (("gw0", list(RAN)[:3]), ("gw1", list(RAN)[3:])):
        names = sorted({name for test in tests for name in RAN[test][2]})
        rows = {
            test: {"passed": RAN[test][0], "seconds": RAN[test][1], "ran": [names.index(name) for name in RAN[test][2]], "shared": []}
            for test in tests
        }
        told = {"functions": names, "imported": [], "shared": [], "tests": rows}
        (tmp_path / f"tests-{worker}.json").write_text(json.dumps(told))
    return Record.read(tmp_path)


def reached(record: Record, path: str, old: str, new: str) -> set[str]:
    """The tests that are run when a file changes so, without the guards."""
    assert old in SOURCE[path]
    chosen = select(record, SOURCE | {path: SOURCE[path].replace(old, new)})
    assert {test for test in chosen.tests if "guards" in test} == {"tests/guards/test_source.py::test_guard"}
    assert chosen.left == ["tests/browser/test_story.py::test_story"]
    return {test.rpartition("::")[2] for test in chosen.tests if "guards" not in test}


def test_nothing_changed_is_the_guards_alone(record: Record) -> None:
    assert select(record, SOURCE).tests == ["tests/guards/test_source.py::test_guard"]
    assert not changed(record, SOURCE).paths


@pytest.mark.parametrize(
    ("old", "new", "tests"),
    [
        ("rounded() * RATE", "rounded() * 2 * RATE", {"test_earn", "test_sale"}),
        ("fen // 100", "fen // 10", {"test_earn", "test_sale"}),
        ("    pass", "    return None", {"test_undo"}),
        ("def undo() -> None:\n    pass\n", "", {"test_undo"}),
        ("return rounded()", "# a word of why\n    return rounded()", set()),
        ("def undo", "def redo() -> None: ...\n\n\ndef undo", set()),
        ("import Decimal", "import ROUND_UP, Decimal", set()),
        ("RATE = 1", "RATE = 2", {"test_earn", "test_sale", "test_undo"}),
        ("def points", "def more(self) -> int: ...\n    def points", {"test_earn", "test_sale", "test_undo"}),
        ("def undo", "@property\ndef undo", {"test_earn", "test_sale", "test_undo"}),
    ],
)
def test_a_change_reaches_the_tests_that_ran_it(record: Record, old: str, new: str, tests: set[str]) -> None:
    assert reached(record, "api/points/earning.py", old, new) == tests


def test_a_word_that_others_import_reaches_their_tests(record: Record) -> None:
    assert reached(record, "api/points/words.py", "'points'", "'stars'") == {"test_page"}


def test_a_migration_reaches_every_test_with_a_database(record: Record) -> None:
    test = "tests/sales/test_sales.py::test_page"
    record.tests[test] = type(record.tests[test])(True, 0.1, frozenset({"api/app.py:create_app"}))
    assert test in select(record, SOURCE | {"migrations/versions/0001_shops.py": ""}).tests


def test_what_tests_share_reaches_who_used_it(record: Record) -> None:
    assert reached(record, "tests/factories.py", "...", "return None") == {"test_sale"}


def test_changed_files_of_tests_are_run_whole_and_a_conftest_means_its_folder(record: Record) -> None:
    edited = select(record, SOURCE | {"tests/points/test_earning.py": "import api", "tests/points/test_new.py": ""})
    assert edited.files == ["tests/points/test_earning.py", "tests/points/test_new.py"]
    below = select(record, SOURCE | {"tests/points/conftest.py": "x = 1"})
    assert {test.rpartition("::")[2] for test in below.tests} == {"test_earn", "test_undo", "test_guard"}


def test_the_nearest_come_first_and_the_rest_is_said_to_be_left(record: Record) -> None:
    now = SOURCE | {"api/points/earning.py": EARNING.replace("RATE = 1", "RATE = 2")}
    chosen = select(record, now, seconds=3.5)
    assert [test.rpartition("::")[2] for test in chosen.tests] == ["test_guard", "test_earn", "test_undo"]
    assert [test.rpartition("::")[2] for test in chosen.left] == ["test_sale", "test_story"]


def test_what_failed_last_time_is_run_again(record: Record) -> None:
    test = "tests/sales/test_sales.py::test_page"
    record.tests[test] = type(record.tests[test])(False, 0.1, frozenset())
    assert select(record, SOURCE).tests[0] == test


def test_marks_change_nothing_but_say_what_ran() -> None:
    tree = recording.mark(ast.parse(EARNING), "api/points/earning.py")
    recording.ran.clear()
    module: dict[str, object] = {recording.MARK: recording.ran.add}
    exec(compile(tree, "earning.py", "exec", dont_inherit=True), module)
    assert recording.ran == set()
    assert module["earn"](12_800) == 128  # type: ignore[operator]
    assert recording.ran == {"api/points/earning.py:earn"}
    assert module["earn"].__doc__ == "Points of a sale."
    recording.ran.clear()


def test_every_file_of_ours_can_be_cut_up() -> None:
    source = source_files()
    assert len(source) > 300
    assert sum(len(Units.of(text).functions) for text in source.values()) > 3_000
