"""The office's look at members: masked, with a reason, written down."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select

from api.kit import db
from api.kit.audit import AuditEntry
from api.members import service
from tests.conftest import bearer
from tests.factories import make_staff
from tests.members.conftest import check_refused, header, rows

PHONE = "13800138000"


@pytest.fixture
def desk(mall: int) -> dict[str, str]:
    with db.unit_of_work(mall):
        return bearer("staff", make_staff("service_desk").id, mall)


@pytest.fixture
def administrator(mall: int) -> dict[str, str]:
    with db.unit_of_work(mall):
        return bearer("staff", make_staff("administrator").id, mall)


@pytest.fixture
def shopper(client: Any, wechat: Any, with_wechat: Any) -> Any:
    answer = with_wechat("li-lei")
    wechat.sim("users", person="li-lei", phone=PHONE)
    code = wechat.sim("phone-code", person="li-lei")["code"]
    client.post("/v1/me/phone/wechat", json={"code": code}, headers=header(answer))
    client.patch("/v1/me", json={"nickname": "李雷同学"}, headers=header(answer))
    return answer


def test_staff_find_a_member_by_phone_number_and_code(client: Any, shopper: Any, desk: dict[str, str]) -> None:
    number = shopper.json["member"]["number"]
    code = client.post("/v1/me/codes", headers=header(shopper)).json["code"]
    for query in ({"phone": "+86 138-0013-8000"}, {"number": number}, {"code": code}):
        answer = client.get("/v1/office/members", query_string=query, headers=desk)
        assert [item["number"] for item in answer.json["items"]] == [number], answer.json
    check_refused(client.get("/v1/office/members", query_string={"code": code}, headers=desk), 409, "member-code-used")
    assert client.get("/v1/office/members", query_string={"phone": "13511112222"}, headers=desk).json["items"] == []


def test_a_search_names_exactly_one_thing(client: Any, desk: dict[str, str]) -> None:
    for query in ({}, {"phone": PHONE, "number": 1}):
        check_refused(client.get("/v1/office/members", query_string=query, headers=desk), 422, "search-too-wide")


def test_staff_never_see_a_phone_or_a_name(client: Any, shopper: Any, desk: dict[str, str], administrator: dict[str, str]) -> None:
    number = shopper.json["member"]["number"]
    for headers in (desk, administrator):
        for path in (f"/v1/office/members?phone={PHONE}", f"/v1/office/members/{number}?reason=complaint+77"):
            answer = client.get(path, headers=headers)
            assert answer.status_code == 200
            told = json.dumps(answer.json, ensure_ascii=False)
            assert "138****8000" in told and PHONE not in told and "李雷" not in told


def test_opening_a_record_needs_a_reason_and_is_written_down(client: Any, shopper: Any, desk: dict[str, str], mall: int) -> None:
    number = shopper.json["member"]["number"]
    check_refused(client.get(f"/v1/office/members/{number}", headers=desk), 422, "shape-wrong")
    assert client.get(f"/v1/office/members/{number}?reason=complaint+77", headers=desk).status_code == 200
    written = select(AuditEntry.did, AuditEntry.subject_id, AuditEntry.why).where(AuditEntry.subject_type == "member")
    assert rows(mall, written) == [("opened a member's record", str(number), "complaint 77")]


def test_staff_correct_a_birthday_with_a_reason(client: Any, shopper: Any, desk: dict[str, str], mall: int) -> None:
    path = f"/v1/office/members/{shopper.json['member']['number']}/birthday"
    client.patch("/v1/me", json={"birthday_on": "1990-01-01"}, headers=header(shopper))
    answer = client.put(path, json={"birthday_on": "1991-01-01", "reason": "identity card shown"}, headers=desk)
    assert answer.status_code == 200, answer.json
    (entry,) = rows(mall, select(AuditEntry.before, AuditEntry.after).where(AuditEntry.did == "corrected a birthday"))
    assert entry == ({"birthday_on": "1990-01-01"}, {"birthday_on": "1991-01-01"})


def test_levels_are_changed_in_order_and_written_down(client: Any, administrator: dict[str, str], mall: int) -> None:
    db.in_mall(mall, service.seed_levels)
    answer = client.patch("/v1/office/levels/1", json={"reach_growth": 1_500, "multiplier_bp": 12_000}, headers=administrator)
    assert answer.status_code == 200 and answer.json["reach_growth"] == 1_500
    check_refused(client.patch("/v1/office/levels/1", json={"reach_growth": 5_000}, headers=administrator), 409, "levels-out-of-order")
    check_refused(client.patch("/v1/office/levels/9", json={"name": "x"}, headers=administrator), 404, "level-not-found")
    listed = client.get("/v1/office/levels", headers=administrator).json["levels"]
    assert [level["reach_growth"] for level in listed] == [0, 1_500, 5_000, 20_000]
    assert len(rows(mall, select(AuditEntry.id).where(AuditEntry.did == "changed a level"))) == 1


def test_a_reviewer_may_not_look_at_members(client: Any, mall: int, app: Any) -> None:
    with db.unit_of_work(mall):
        headers = bearer("staff", make_staff("reviewer").id, mall)
    check_refused(client.get("/v1/office/members?phone=13800138000", headers=headers), 403, "permission-missing")


def test_find_tells_phone_number_and_code_apart(shopper: Any, mall: int) -> None:
    number = shopper.json["member"]["number"]
    code = db.in_mall(mall, lambda: service.new_code(number).code)
    for query in (PHONE, str(number), code):
        assert db.in_mall(mall, lambda query=query: service.find(query, by="staff:1").id) == number  # type: ignore[misc]
