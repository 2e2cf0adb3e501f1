"""The rooms, read by themselves: their files, their floors, no circle of imports, what they declare."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from api.kit import policy, rooms
from deploy import floors

ROOT = Path(__file__).resolve().parents[2]


def test_every_room_has_its_files() -> None:
    for folder in sorted((ROOT / "api").iterdir()):
        if folder.is_dir() and folder.name not in {"kit", "__pycache__"}:
            there = {path.stem for path in folder.iterdir()}
            usual = {"__init__", "room", "routes", "schemas", "service", "models", "errors"}
            # What can be bought has kinds instead of tables: its rows are those of the rooms around it.
            assert (usual if "models" in there else {"__init__", "room", "registry", "baskets", "kinds", "errors"}) <= there, folder.name
    without_floor = {room.name for room in rooms.every()} - {name for names in floors.floors() for name in names}
    assert not without_floor, f'give {sorted(without_floor)} a floor in "Rooms stand on floors" of pyproject.toml'


def test_the_drawing_of_the_floors_is_fresh() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    assert page == floors.drawn(page), "run `make contract`"


def test_no_two_rooms_declare_the_same_name() -> None:
    every, parts = rooms.every(), rooms.member_parts()
    declared = {
        "permission": [name for room in every for name in room.permissions],
        "check": [name for room in every for name in room.checks],
        "process": [name for room in every for name in room.processes],
        "queue": [name for room in every for name in (*room.lanes, *(process.queue for process in room.processes.values()))],
        "count": [name for part in parts for name in part.counts],
        "export": [name for part in parts for name in part.exports],
        "place": [part.place for part in parts],
        "rule": list(policy.fields()),
    }
    twice = {what: [name for name, times in Counter(names).items() if times > 1] for what, names in declared.items()}
    assert {what: names for what, names in twice.items() if names} == {}, "each is declared by one room only"


@pytest.mark.parametrize("place", ["api", "deploy", "wechat", "alipay", "ocr", "bench"])
def test_no_file_imports_in_a_circle(place: str) -> None:
    """Imports inside functions count as well: a circle that is put off is a circle."""
    assert _circles(_imports(place)) == []


def _imports(place: str) -> dict[str, set[str]]:
    """Module → the modules of the same place that it imports anywhere in its text."""
    paths = {_module(path): path for path in (ROOT / place).rglob("*.py")}
    imports: dict[str, set[str]] = {}
    for module, path in paths.items():
        names: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names |= {full if (full := f"{node.module}.{alias.name}") in paths else node.module for alias in node.names}
        imports[module] = (names & set(paths)) - {module}
    return imports


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _circles(imports: dict[str, set[str]]) -> list[list[str]]:
    """What remains after taking away, again and again, whatever imports nothing that is left: every circle, and what leads to one."""
    left = dict(imports)
    while free := [module for module, names in left.items() if not names & set(left)]:
        for module in free:
            del left[module]
    return [[module, *sorted(names & set(left))] for module, names in sorted(left.items())]


def test_a_circle_is_found() -> None:
    assert _circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == [["a", "b"], ["b", "c"], ["c", "b"]]
    assert _circles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
