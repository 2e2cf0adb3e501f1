"""What a kind of purchase or a tender is called stands in its own file; the flow around them asks all of them alike."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

from api.checkout.mix import Tender
from api.checkout.tenders import tenders
from api.purchases.registry import kinds

API = Path(__file__).resolve().parents[2] / "api"
#: Beside the folder of tenders: the enum, and what a room of a tender's value asks of orders.
MAY_NAME = {"checkout/mix.py", "checkout/room.py"}


def _places(names: Callable[[ast.AST], bool], *, but: tuple[str, ...]) -> Iterator[str]:
    for path in sorted((API / "checkout").rglob("*.py")):
        place = path.relative_to(API).as_posix()
        if place not in MAY_NAME and not place.startswith(but):
            yield from (f"{place}:{node.lineno}" for node in ast.walk(ast.parse(path.read_text())) if names(node))  # type: ignore[attr-defined]


def test_no_line_names_a_tender_outside_its_file(figure) -> None:
    modules = {rules.__class__.__module__.rpartition(".")[2] for rules in tenders()}
    rooms_of_value = {"api.wallet", "api.points.service.redemption"}

    def names(node: ast.AST) -> bool:
        if isinstance(node, ast.Attribute):
            return isinstance(node.value, ast.Name) and node.value.id == "Tender" and node.attr in Tender.__members__
        if isinstance(node, ast.ImportFrom):
            module = str(node.module)
            imported = {name.name for name in node.names}
            by_module = module.startswith("api.checkout.tenders.") and module.rpartition(".")[2] in modules
            by_name = module == "api.checkout.tenders" and bool(imported & modules)
            return by_module or by_name or any(module.startswith(room) for room in rooms_of_value)
        # "points" and "gateway" are also what a customer earns, and who collects.
        return isinstance(node, ast.Constant) and node.value in {"stored_principal", "stored_bonus", "stored_value", "card"}

    named = list(_places(names, but=("checkout/tenders/",)))
    figure(f"{len(named)} lines name a tender outside its file")
    assert named == []


def test_no_line_of_checkout_names_a_kind(figure) -> None:
    known = {kind.name for kind in kinds()}
    assert {"plate", "charge", "recharge"} <= known
    named = list(_places(lambda node: isinstance(node, ast.Constant) and node.value in known - {"charge"}, but=()))
    figure(f"{len(named)} lines of checkout name a kind")
    assert named == ["checkout/service/ledger_positions.py:15"]  # what recharges of earlier versions were booked under


def test_each_code_of_a_share_belongs_to_one_tender() -> None:
    assert sorted(code for rules in tenders() for code in rules.codes) == sorted(Tender)
    assert [rules.rank for rules in tenders()] == sorted({rules.rank for rules in tenders()})
    assert [rules.name for rules in tenders() if rules.is_new_money] == ["gateway"]


def test_kinds_and_tenders_are_called_something_in_both_languages() -> None:
    assert all(kind.title["zh"] and kind.title["en"] for kind in kinds())
    assert all(all(rules.title) for rules in tenders())
