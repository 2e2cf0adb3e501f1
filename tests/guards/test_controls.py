"""docs/controls.md says of every permission that can create, move or price value who may use it alone."""

from __future__ import annotations

import re
from pathlib import Path

from api.approvals import service as approvals
from api.kit import policy, rooms
from api.staff import permissions

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "controls.md"


def _rows() -> list[list[str]]:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if not line.startswith("| permission")]


def _named(cells: list[str]) -> set[str]:
    return {name for cell in cells for name in re.findall(r"`([a-z_.]+)`", cell)}


def test_every_permission_that_does_something_has_a_line() -> None:
    doing = {name for name in permissions.holders() if not name.endswith((".read", ".report"))}
    approving = {act.approver for act in approvals.ACTS.values()}
    assert sorted(doing - approving - _named([row[0] for row in _rows()]) - _named([row[3] for row in _rows()])) == []


def test_no_line_names_what_is_not_there() -> None:
    rooms.files("routes")
    known = set(permissions.holders()) | set(policy.fields())
    assert sorted(_named([cell for row in _rows() for cell in row]) - known) == []


def test_every_act_that_takes_two_people_names_who_approves_it() -> None:
    rooms.files("routes")
    assert approvals.ACTS
    assert sorted({act.approver for act in approvals.ACTS.values()} - _named([row[3] for row in _rows()])) == []


def test_an_amount_that_is_named_is_the_default_of_the_policy() -> None:
    for name, shown in re.findall(r"`(\w+_fen)` \(¥([\d,.]+)\)", PAGE.read_text()):
        assert policy.fields()[name].default == round(float(shown.replace(",", "")) * 100), name
    for name, shown in re.findall(r"`(\w+(?:_points|_hours))` \(([\d,]+)\)", PAGE.read_text()):
        assert policy.fields()[name].default == int(shown.replace(",", "")), name


def test_who_approves_is_told_apart_from_who_asks_by_more_than_a_role() -> None:
    """Every approver's permission exists and somebody else than the asking role alone may hold it."""
    rooms.files("routes")
    for act in approvals.ACTS.values():
        assert len(permissions.holders()[act.approver]) >= 2, act.name
