"""A shopper's walk asks what the contract offers, and reads what it promises. `make pythons` takes it through a whole running mall."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from deploy import paper, walk


def _without_patterns(part: dict[str, Any]) -> dict[str, Any]:
    """Only shapes matter here; Python's patterns are not those of JSON Schema."""
    return {name: value for name, value in part.items() if name != "pattern" or not isinstance(value, str)}


ROOT = Path(__file__).resolve().parents[2]
CONTRACT: dict[str, Any] = json.loads((ROOT / "docs" / "openapi.json").read_text(), object_hook=_without_patterns)
ANSWERS: dict[str, dict[str, Any]] = {
    "POST /v1/malls/demo/sign-in/wechat": {"access_token": "a-token"},
    "POST /v1/receipts": {"id": 7},
    "GET /v1/receipts/7": {"state": "scored", "award": {"points": 128}},
    "POST /v1/quotes": {"gateway_fen": walk.AMOUNT_FEN},
    "POST /v1/orders": {"order": {"number": "M1"}, "wallet": {"package": "prepay_id=wx1"}},
    "GET /v1/orders/M1": {"state": "paid", "points": 36},
}
SIMULATOR = {"/_sim/login-code": {"js_code": "a-code"}, "/_sim/pay": {}}


@dataclass
class Rehearsing(walk.Shopper):
    """A shopper whose mall answers from a list, and who remembers what was asked."""

    calls: list[tuple[str, str, Any]] = field(default_factory=list)

    def ask(self, verb: str, url: str, **more: Any) -> Any:
        path = url.removeprefix(self.web).removeprefix(self.wechat)
        if path in SIMULATOR:
            return SIMULATOR[path]
        self.calls.append((verb, path, more.get("json")))
        return ANSWERS[f"{verb} {path}"]

    def hears(self) -> bool:
        return True


def operation(verb: str, path: str) -> dict[str, Any]:
    """What the contract says of a request."""
    templates = {re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)): template for template in CONTRACT["paths"]}
    template = next(template for pattern, template in templates.items() if re.fullmatch(pattern, path))
    described: dict[str, Any] = CONTRACT["paths"][template][verb.lower()]
    return described


def schema_of(described: dict[str, Any]) -> dict[str, Any]:
    """The schema of a body, its first reference followed."""
    schema: dict[str, Any] = described["content"]["application/json"]["schema"]
    return CONTRACT["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema


@pytest.fixture
def shopper(monkeypatch: pytest.MonkeyPatch) -> Rehearsing:
    monkeypatch.setattr(paper, "plate_address", lambda api, *, shop: f"{api}/q/abcdefghjkmn")
    return Rehearsing("http://mall", "http://live", "http://wechat")


def test_every_body_of_the_walk_has_the_shape_of_the_contract(shopper: Rehearsing) -> None:
    assert walk.went_well(walk.walk(shopper))
    bodies = [(verb, path, body) for verb, path, body in shopper.calls if body is not None]
    assert [path for _, path, _ in bodies] == ["/v1/malls/demo/sign-in/wechat", "/v1/quotes", "/v1/orders"]
    for verb, path, body in bodies:
        schema = schema_of(operation(verb, path)["requestBody"]) | {"components": CONTRACT["components"]}
        assert list(jsonschema_rs.iter_errors(schema, body)) == [], path


def test_every_answer_that_the_walk_reads_is_promised_by_the_contract(shopper: Rehearsing) -> None:
    walk.walk(shopper)
    for verb, path, _ in shopper.calls:
        responses = operation(verb, path)["responses"]
        promised = schema_of(next(response for status, response in responses.items() if status.startswith("2")))["properties"]
        assert set(ANSWERS[f"{verb} {path}"]) <= set(promised), path


def test_a_walk_that_earned_nothing_did_not_go_well() -> None:
    good = {"live": True, "receipt": "scored", "receipt_points": 128, "order": "paid", "order_points": 36}
    assert walk.went_well(good)
    for worse in ({"live": False}, {"receipt": "in_review"}, {"receipt_points": None}, {"order_points": 0}):
        assert not walk.went_well(good | worse)
