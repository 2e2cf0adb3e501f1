"""What a kind of purchase or a tender is called stands in its own file; the flow around them asks all of them alike."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from api.checkout.mix import Tender
from api.checkout.tenders import tenders
from api.ledger.models import Account
from api.ledger.service import Asset
from api.purchases.registry import kinds
from api.sales.channels import channels

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


def test_a_kind_leads_to_pages_that_the_phone_has() -> None:
    pages = {folder.name for folder in (API.parent / "miniapp_stub" / "src" / "pages").iterdir()}
    named = {page for kind in kinds() for page in (kind.on_phone.begins_on, kind.on_phone.shown_on) if page}
    assert {"scan", "recharge"} <= named <= pages


def test_the_value_of_a_tender_stands_in_the_ledger() -> None:
    """Else no proof of the books covers it. What new money collects is the gateway's."""
    assert [rules.name for rules in tenders() if bool(rules.assets) == rules.is_new_money] == []
    (check,) = [rule for rule in Account.__table__.constraints if str(rule.name).endswith("asset_known")]
    assert [asset for asset in Asset if f"'{asset}'" not in str(check.sqltext)] == []


def test_no_file_lists_the_channels_of_sales() -> None:
    """Who makes the sales of a channel says what it is called; lists of channels come from the server."""
    codes = {channel.code for channel in channels()}
    assert {"plate", "charge", "receipt", "till"} <= codes
    assert [channel.code for channel in channels() if not all(channel.title.get(language) for language in ("zh", "en"))] == []
    listing = [f"{place}: {sorted(names)}" for place, names in (*_lists_of_pages(), *_lists_of_the_server()) if len(names & codes) > 1]
    assert listing == []


def _lists_of_pages() -> Iterator[tuple[str, set[str]]]:
    """Every object of words and every bracketed list of names in the sources of the console and of the phone."""
    for app in ("console", "miniapp_stub"):
        for path in sorted((API.parent / app / "src").rglob("*")):
            place = str(path.relative_to(API.parent))
            if path.suffix == ".json":
                yield from ((place, names) for names in _keys(json.loads(path.read_text())))
            elif path.suffix in {".ts", ".vue"} and path.name != "contract.d.ts":
                lists = re.findall(r"[\[{(]([^\[\]{}()]*)[\]})]", path.read_text())
                yield from ((place, _words(text)) for text in lists)


def _words(text: str) -> set[str]:
    return set(re.findall(r"""['"](\w+)['"]""", text)) | set(re.findall(r"(?:^|,)\s*(\w+)\s*:", text))


def _keys(value: object) -> Iterator[set[str]]:
    if isinstance(value, dict):
        yield set(value)
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _keys(part)


def _lists_of_the_server() -> Iterator[tuple[str, set[str]]]:
    for path in sorted(API.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            elements = node.keys if isinstance(node, ast.Dict) else node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else ()
            yield str(path.relative_to(API)), {str(part.value) for part in elements if isinstance(part, ast.Constant)}
