"""The routes, read by themselves: audiences, permissions, refusals, pages, the contract, the wall over HTTP."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from api.kit import db, errors, http, identity
from deploy.contract import contract
from tests.conftest import bearer
from tests.factories import make_mall

ROOT = Path(__file__).resolve().parents[2]
OPERATORS = {"healthz", "readyz", "metrics", "docs", "docs_start", "docs_file", "static"}


def routes(app: Any) -> list[Any]:
    pages = ("api-docs", "web_pages.")
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint not in OPERATORS and not rule.endpoint.startswith(pages)]


def refusals() -> list[type[errors.Problem]]:
    found, todo = [], [errors.Problem]
    while todo:
        for child in todo.pop().__subclasses__():
            if child.__module__.startswith("api."):
                found.append(child)
                todo.append(child)
    return found


def test_every_route_has_an_audience(app) -> None:
    audiences = app.extensions["audiences"]
    assert routes(app)
    for rule in routes(app):
        blueprint = rule.endpoint.split(".")[0]
        assert blueprint in audiences, rule
        assert str(rule).startswith(audiences[blueprint].prefix + "/"), rule


def test_every_staff_route_names_a_permission_that_some_role_holds(app) -> None:
    from api.staff import permissions

    held = permissions.holders()
    for rule in routes(app):
        audience = app.extensions["audiences"][rule.endpoint.split(".")[0]]
        if audience not in (identity.mall_staff, identity.shop_staff):
            continue
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            permission = http.marked(app.view_functions[rule.endpoint], "permission", method)
            assert permission in held, f"{method} {rule} wants {permission}"


def test_every_refusal_has_its_own_name_and_a_sentence() -> None:
    names = [refusal.slug() for refusal in refusals()]
    assert sorted(names) == sorted(set(names))
    for refusal in refusals():
        sentence = refusal.__dict__.get("__doc__") or ""
        assert re.match(r"[A-Z].{8,}[.;]$", sentence.strip().splitlines()[0] if sentence.strip() else ""), refusal.__name__


def test_every_refusal_is_raised_somewhere() -> None:
    """A refusal that nobody raises promises an answer that never comes."""
    trees = [ast.parse(path.read_text()) for path in (ROOT / "api").rglob("*.py") if path.name != "routes.py"]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    named = {node.id for node in nodes if isinstance(node, ast.Name)} | {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    parents = {parent for refusal in refusals() for parent in refusal.__mro__[1:]}
    unused = [refusal.__name__ for refusal in refusals() if refusal.__name__ not in named and refusal not in parents]
    assert unused == []


def test_every_refusal_can_be_shown_as_an_example() -> None:
    for refusal in refusals():
        assert inspect.signature(refusal).bind()
        assert refusal().body()["status"] >= 400


def test_every_list_is_paged(app) -> None:
    document = app.test_client().get("/openapi.json").json
    unpaged = []
    for path, verbs in document["paths"].items():
        answer = verbs.get("get", {}).get("responses", {}).get("200", {}).get("content", {}).get("application/json", {}).get("schema", {})
        if answer.get("type") == "array":
            unpaged.append(path)
    assert unpaged == []


def test_the_committed_contract_is_current(app) -> None:
    assert (ROOT / "docs" / "openapi.json").read_text() == contract(app), "run `make contract`"


def _fill(rule: Any) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", "1", str(rule))


@pytest.mark.parametrize("kind", ["member", "staff", "shop"])
def test_no_route_knows_a_token_of_a_mall_that_is_not_there(app, client, kind) -> None:
    """A forged mall number in a well-signed token meets an empty mall, not somebody else's rows."""
    with db.unit_of_work():
        make_mall()
    headers = bearer(kind, 1, 999_999, shop_id=1)
    for rule in routes(app):
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            body = {} if method != "GET" else None
            answer = client.open(_fill(rule), method=method, headers={**headers, "Idempotency-Key": "sweep-key-1"}, json=body)
            assert answer.status_code < 500, f"{method} {rule}: {answer.status_code} {answer.json}"


def test_nobody_is_let_in_without_signing_in(app, client) -> None:
    for rule in routes(app):
        audience = app.extensions["audiences"][rule.endpoint.split(".")[0]]
        if not audience.kinds:
            continue
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            answer = client.open(_fill(rule), method=method)
            assert answer.status_code == 401, f"{method} {rule}: {answer.status_code}"
            assert answer.mimetype == "application/problem+json"
