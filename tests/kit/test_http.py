"""What a client is told, and what it is never told."""

import json
import logging

import pytest
from sqlalchemy.exc import TimeoutError as PoolEmpty

from api.kit import db
from tests.conftest import bearer
from tests.kit.small import count

KEY = {"Idempotency-Key": "key-0001"}


@pytest.fixture
def member(mall: int) -> dict[str, str]:
    """The headers of a member with a key."""
    return bearer("member", 1, mall) | KEY


def assert_problem(answer, status: int, slug: str) -> dict:
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.mimetype == "application/problem+json"
    assert answer.json["type"] == f"/problems/{slug}"
    assert answer.json["status"] == status
    assert answer.json["title"]
    return answer.json


def test_each_wrong_field_is_named(things, member) -> None:
    body = assert_problem(things.post("/v1/things", json={"amount_fen": 1.5}, headers=member), 422, "shape-wrong")
    assert set(body["errors"]) == {"name", "amount_fen"}


def test_an_unknown_field_is_refused(things, member) -> None:
    answer = things.post("/v1/things", json={"name": "tea", "mall_id": 7}, headers=member)
    assert set(assert_problem(answer, 422, "shape-wrong")["errors"]) == {"mall_id"}


@pytest.mark.parametrize("amount", [-1, 101, 2**63, 1e308, "NaN", "１２", "12", True, None, [], {}])
def test_an_amount_that_is_none_is_refused(things, member, amount) -> None:
    answer = things.post("/v1/things", json={"name": "tea", "amount_fen": amount}, headers=member)
    assert_problem(answer, 422, "shape-wrong")


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b'{"name": NaN', b"[" * 5000, b'{"price_fen": ' + b"9" * 4_301 + b"}"])
def test_what_is_no_json_cannot_be_read(things, member, body: bytes) -> None:
    answer = things.post("/v1/things", data=body, headers=member | {"Content-Type": "application/json"})
    assert_problem(answer, 400, "body-unreadable")


@pytest.mark.parametrize("body", ["[]", '"tea"', "null", "7", '{"name": "a\\u0000b"}', '{"name": "\\ud800"}'])
def test_json_of_another_shape_is_refused(things, member, body: str) -> None:
    answer = things.post("/v1/things", data=body, headers=member | {"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}, answer.get_data(as_text=True)
    assert answer.mimetype == "application/problem+json"


def test_an_unknown_address_method_or_kind_is_refused_by_name(things, member) -> None:
    assert_problem(things.get("/v1/nothing", headers=member), 404, "path-unknown")
    assert_problem(things.delete("/v1/things", headers=member), 405, "method-unknown")
    assert_problem(things.post("/v1/things", data="name=tea", headers=member | {"Content-Type": "text/plain"}), 415, "kind-unknown")


def test_a_body_over_the_limit_is_refused(things, member) -> None:
    answer = things.post("/v1/things", data=b"x" * (2**20 + 1), headers=member | {"Content-Type": "application/json"})
    assert_problem(answer, 413, "body-too-large")


def test_a_refusal_carries_its_facts_and_undoes_everything(things, mall: int, member) -> None:
    body = assert_problem(things.get("/v1/things/sold-out", headers=member), 409, "sold-out")
    assert body["left"] == 0
    assert body["title"] == "Every one of these has been taken."
    assert count(mall, "never kept") == 0


def test_our_bug_says_nothing_and_logs_everything_but_secrets(things, member, caplog) -> None:
    with caplog.at_level(logging.ERROR):
        answer = things.get("/v1/things/broken", headers=member)
    told = json.dumps(assert_problem(answer, 500, "internal-error"))
    assert "13800138000" not in told
    assert "ValueError" not in told
    assert any((record.exc_info and record.exc_info[0] is ValueError) or "ValueError" in record.getMessage() for record in caplog.records)


def test_a_lost_race_for_a_constraint_is_a_conflict_that_shows_no_data(things, member) -> None:
    answer = things.get("/v1/things/clash", headers=member)
    assert_problem(answer, 409, "record-clash")
    assert "13800138000" not in answer.get_data(as_text=True)
    assert "the-same-key" not in answer.get_data(as_text=True)


def test_no_connection_left_is_busy_not_broken(things, member, monkeypatch) -> None:
    def empty(*_: object) -> None:
        raise PoolEmpty("QueuePool limit of size 6 overflow 6 reached")

    monkeypatch.setattr(db.session, "connection", empty)
    answer = things.get("/v1/things", headers=member)
    assert_problem(answer, 503, "database-away")
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("given", ["abcd-1234-efgh", "x" * 64])
def test_a_request_id_is_taken_over(things, given: str) -> None:
    assert things.get("/healthz", headers={"X-Request-Id": given}).headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["", "short", "x" * 65, "semi;colon-here", 'quote"quote"', "空空空空空空空空"])
def test_a_request_id_that_could_hurt_is_replaced(things, given: str) -> None:
    made = things.get("/healthz", headers={"X-Request-Id": given.encode().decode("latin-1")}).headers["X-Request-Id"]
    assert made != given
    assert len(made) == 32
    assert made.isalnum()


def test_errors_carry_a_request_id_and_are_never_cached(things) -> None:
    answer = things.get("/v1/nothing")
    assert answer.headers["X-Request-Id"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_page_of_the_contract_is_served_by_the_app_itself(client) -> None:
    page = client.get("/docs").text
    assert "http://" not in page
    assert "https://" not in page
    for part in ("start.js", "swagger-ui.css", "swagger-ui-bundle.js"):
        assert f"/docs/{part}" in page
        assert client.get(f"/docs/{part}").status_code == 200
    assert "3\\.1" in client.get("/docs/swagger-ui-bundle.js").text  # a page that can draw OpenAPI 3.1
