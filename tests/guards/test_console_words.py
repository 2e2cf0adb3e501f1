"""The console shows names that the server makes. Each has its words in both languages, in its noun's folder; no word outlives its name."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from api.approvals import service as approvals
from api.kit import policy, rooms, tables
from api.kit.errors import Problem
from api.kit.jobs import JOBS
from api.staff import permissions

ROOT = Path(__file__).resolve().parents[2]
API = sorted((ROOT / "api").rglob("*.py"))
SRC = ROOT / "console" / "src"
LANGUAGES = ("zh", "en")
NAMED = ("permissions", "jobs", "tables", "deeds", "subjects", "rules", "choices", "acts", "fields", "counts", "moved")


def _files(language: str) -> dict[Path, dict[str, dict[str, str]]]:
    return {path: json.loads(path.read_text()) for path in sorted(SRC.glob(f"*/*/words.{language}.json"))}


def _words(language: str, section: str) -> list[str]:
    return [name for words in _files(language).values() for name in words.get(section, {})]


def _refusals(language: str) -> list[str]:
    # What refuses everywhere is the kit's.
    kit = SRC / "kit" / f"refusals.{language}.json"
    return _words(language, "refusals") + (list(json.loads(kit.read_text())) if kit.exists() else [])


@cache
def _nodes() -> list[ast.AST]:
    return [node for path in API for node in ast.walk(ast.parse(path.read_text()))]


@cache
def _calls_of_the_server() -> list[tuple[str, ast.Call]]:
    """(what is called, the call) of all that the server's source calls by a plain name: "audit.record"."""
    calls = [node for node in _nodes() if isinstance(node, ast.Call)]
    return [(ast.unparse(call.func), call) for call in calls if isinstance(call.func, ast.Name | ast.Attribute)]


def _recorded(place: int) -> Iterator[ast.expr]:
    """The arguments of audit.record at a place: 1 is what was done, 2 the kind of thing it was done to."""
    for name, call in _calls_of_the_server():
        if name == "audit.record" and len(call.args) > place:
            argument = call.args[place]
            yield from (argument.body, argument.orelse) if isinstance(argument, ast.IfExp) else (argument,)


def _written(place: int) -> set[str]:
    return {str(argument.value) for argument in _recorded(place) if isinstance(argument, ast.Constant)}


def _made_up(place: int) -> list[re.Pattern[str]]:
    """What f-strings can say: "added the {noun}"."""
    texts = [argument for argument in _recorded(place) if isinstance(argument, ast.JoinedStr)]
    return [
        re.compile("".join(re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".+" for part in text.values))
        for text in texts
    ]


@cache
def _constants() -> frozenset[str]:
    """Every string of the server: a deed may reach the log through a variable."""
    return frozenset(node.value for node in _nodes() if isinstance(node, ast.Constant) and isinstance(node.value, str))


def _slugs(problem: type[Problem] = Problem) -> Iterator[str]:
    for kind in problem.__subclasses__():
        yield kind.slug()
        yield from _slugs(kind)


def _needed() -> dict[str, set[str]]:
    rooms.load()
    rooms.files("routes")
    acts = approvals.ACTS
    return {
        "permissions": set(permissions.holders()),
        "jobs": {name for name in JOBS if not name.startswith("tests.")},
        "tables": set(tables.every()),
        "deeds": _written(1),
        "subjects": _written(2),
        "rules": set(policy.fields()),
        "acts": set(acts),
        "fields": {name for act in acts.values() for name in act.fields} - set(policy.fields()),
        "counts": {name for part in rooms.member_parts() for name in part.counts},
        "moved": _moved(),
        "choices": {choice for rule in policy.fields().values() for choice in rule.metadata.get("choices", ())},
    }


def _moved() -> set[str]:
    """What the rows are called that go from one member to the other in a merge."""
    kinds = {part.kind for part in rooms.member_parts() if part.kind}
    for name, call in _calls_of_the_server():
        if name in {"Moved", "member_merge.move"} and isinstance(call.args[0], ast.Constant):
            kinds.add(str(call.args[0].value))
    for node in _nodes():  # where several tables move, their kinds are the keys of one of these
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) in {"_OF_MEMBERS", "_TABLES"} and isinstance(node.value, ast.Dict):
            kinds |= {str(key.value) for key in node.value.keys if isinstance(key, ast.Constant)}
    return kinds


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_name_of_the_server_has_words(language: str) -> None:
    missing = {section: names - set(_words(language, section)) for section, names in _needed().items()}
    assert {section: sorted(names) for section, names in missing.items() if names} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_word_outlives_its_name(language: str) -> None:
    needed = _needed()
    left = {section: set(_words(language, section)) - needed[section] for section in NAMED}
    made_up = _made_up(1)
    left["deeds"] = {deed for deed in left["deeds"] - _constants() if not any(text.fullmatch(deed) for text in made_up)}
    left["subjects"] -= _constants()
    pages = "\n".join(path.read_text() for path in SRC.rglob("*") if path.suffix in {".ts", ".vue"} and path.name != "contract.d.ts")
    without_class = set(_refusals(language)) - set(_slugs())
    left["refusals"] = {name for name in without_class - _constants() if f"'{name}'" not in pages}
    assert {section: sorted(names) for section, names in left.items() if names} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_name_has_its_words_once_and_in_a_known_section(language: str) -> None:
    unknown = [
        f"{path.relative_to(SRC)}: {section}"
        for path, words in _files(language).items()
        for section in words
        if section not in {*NAMED, "refusals"}
    ]
    assert unknown == []
    times = {section: Counter(_words(language, section)) for section in NAMED} | {"refusals": Counter(_refusals(language))}
    assert {
        section: [name for name, count in names.items() if count > 1] for section, names in times.items() if max(names.values()) > 1
    } == {}


def _calls() -> Iterator[tuple[str, str, str]]:
    """(file, verb, path) of every call of the API that the console makes."""
    for path in SRC.rglob("*"):
        if path.suffix in {".ts", ".vue"} and path.name != "contract.d.ts":
            for verb, route in re.findall(r"api\.([A-Z]+)\(\s*'([^'…]+)'", path.read_text()):
                yield str(path.relative_to(SRC)), verb.lower(), route


def _refusals_of(operation: dict[str, Any]) -> set[str]:
    bodies = [body for answer in operation["responses"].values() for body in answer.get("content", {}).values()]
    types = [example["value"].get("type", "") for body in bodies for example in body.get("examples", {}).values()]
    return {name.removeprefix("/problems/") for name in types if name.startswith("/problems/")}


def test_every_refusal_of_a_route_that_a_page_calls_has_words(figure: Callable[[str], None]) -> None:
    paths = json.loads((ROOT / "docs" / "openapi.json").read_text())["paths"]
    calls = list(_calls())
    refused = {(page, name) for page, verb, route in calls for name in _refusals_of(paths[route][verb])}
    figure(f"{len(calls)} calls of the console can be refused with {len({name for _, name in refused})} refusals")
    assert "pin-needed" in {name for page, name in refused if page.startswith("shop/charge/")}
    assert sorted((page, name) for page, name in refused if name not in set(_refusals("zh"))) == []


MOVES = {"move", "try_move", "close", "_close", "give_up", "apply_status", "intend_refund"}


def _reasons() -> Iterator[str]:
    """Why orders, payments and refunds move, where it is not a person who says it."""
    for room in ("checkout", "payments"):
        for path in sorted((ROOT / "api" / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if not isinstance(node, ast.Call) or ast.unparse(node.func).rpartition(".")[2] not in MOVES | {"_return_money"}:
                    continue
                given = [word.value for word in node.keywords if word.arg == "reason"]
                given += node.args[2:3] if ast.unparse(node.func) == "_return_money" else []
                for value in given:
                    yield from (part.value for part in _ends(value) if isinstance(part, ast.Constant) and isinstance(part.value, str))


def _ends(value: ast.expr) -> list[ast.expr]:
    """What an expression can come to: both sides of an "or" and of an "if"."""
    if isinstance(value, ast.BoolOp):
        return [end for part in value.values for end in _ends(part)]
    return [*_ends(value.body), *_ends(value.orelse)] if isinstance(value, ast.IfExp) else [value]


@pytest.mark.parametrize("language", LANGUAGES)
def test_why_an_order_or_a_payment_moved_has_words(language: str) -> None:
    words = json.loads((SRC / "office" / "audit" / f"{language}.json").read_text())["reasons"]
    troubles = json.loads((SRC / "office" / "notices" / f"{language}.json").read_text())["why"]
    reasons = set(_reasons())
    assert {"paid", "cancelled", "expired", "late"} <= reasons
    assert sorted(reason for reason in reasons if re.sub(r"\W+", "_", reason) not in words | troubles) == []


def test_in_english_a_refusal_has_the_servers_sentence_or_one_here() -> None:
    without_class = {name for name in _refusals("zh") if name not in set(_slugs())} - {"offline"}  # said by the kit
    assert set(_refusals("en")) == without_class
