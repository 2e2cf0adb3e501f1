"""The office's routes of merges."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from api.kit import db
from api.kit.audit import AuditEntry
from api.members.service import identities, profile
from tests.conftest import bearer
from tests.factories import lay_points_rules, make_staff
from tests.members.conftest import check_refused, rows
from tests.merges.conftest import Pair, make_pair
from tests.points.conftest import set_policy


@pytest.fixture
def pair(app: Any, mall: int) -> Pair:
    with db.unit_of_work(mall):
        lay_points_rules()
        set_policy(return_window_days=0)
        made = make_pair()
        made.source.buys(100)
        identities.assign_phone(profile.get(made.source.id), "+8613800138000")
        profile.change(made.source.id, nickname="<b>李雷</b>")
        return made


@pytest.fixture
def staff(app: Any, mall: int) -> Callable[[str], dict[str, str]]:
    def sign_in(role: str) -> dict[str, str]:
        with db.unit_of_work(mall):
            return bearer("staff", make_staff(role).id, mall)

    return sign_in


def key(name: str) -> dict[str, str]:
    return {"Idempotency-Key": f"merge-test-{name}"}


def test_a_merge_from_preview_to_undoing_over_http(client: Any, pair: Pair, mall: int, staff: Any) -> None:
    desk, finance, office = staff("service_desk"), staff("finance"), "/v1/office/merges"
    two = {"source_id": pair.source.id, "target_id": pair.target.id}
    check_refused(client.get(f"{office}/preview", query_string=two, headers=desk), 422, "shape-wrong")
    seen = client.get(f"{office}/preview", query_string=two | {"reason": "showed both phones"}, headers=desk)
    assert seen.status_code == 200, seen.json
    assert (seen.json["points"], seen.json["source"]["counts"]["sales"], seen.json["source"]["channels"]) == (100, 1, ["phone"])
    assert seen.json["source"]["batches"][0]["points"] == 100
    told = json.dumps(seen.json, ensure_ascii=False)
    assert "138****8000" in told and "李雷" not in told
    asked = client.post(office, json=two | {"why": "showed both phones"}, headers=desk | key("1"))
    assert asked.status_code == 201, asked.json
    again = client.post(office, json=two | {"why": "showed both phones"}, headers=desk | key("1"))
    assert again.json == asked.json
    path = f"{office}/{asked.json['id']}"
    check_refused(client.put(f"{path}/approval", headers=desk), 403, "permission-missing")
    done = client.put(f"{path}/approval", headers=finance)
    assert (done.status_code, done.json["state"], done.json["held"]["points"]) == (200, "done", 100), done.json
    check_refused(client.get("/v1/me", headers=bearer("member", pair.source.id, mall)), 401, "token-invalid")
    undo = client.get(f"{path}/undoing", headers=desk)
    assert (undo.json["points"], undo.json["survivor_debt"], undo.json["lost"]) == (100, 0, [])
    assert client.post(f"{path}/undoing", json={"why": "two persons"}, headers=desk | key("2")).status_code == 201
    undone = client.put(f"{path}/undoing/approval", headers=finance)
    assert (undone.status_code, undone.json["state"], undone.json["undone"]["points"]) == (200, "undone", 100), undone.json
    record = client.get(path, headers=desk).json
    assert [step["state"] for step in record["steps"]] == ["done", "undoing", "undone"]
    assert client.get(f"/v1/office/members/{pair.source.id}?reason=complaint+77", headers=desk).status_code == 200
    listed = client.get(office, query_string={"member_id": pair.source.id}, headers=desk).json
    assert [merge["id"] for merge in listed["items"]] == [asked.json["id"]]
    did = rows(mall, select(AuditEntry.did).where(AuditEntry.subject_id == str(pair.source.id)).order_by(AuditEntry.id))
    assert [line[0] for line in did] == [
        "previewed a merge", "proposed a merge", "merged two members", "proposed to undo a merge", "undid a merge",
        "opened a member's record",
    ]  # fmt: skip


def test_a_reason_is_needed_and_an_administrator_is_no_two_people(client: Any, pair: Pair, staff: Any) -> None:
    administrator = staff("administrator")
    two = {"source_id": pair.source.id, "target_id": pair.target.id}
    check_refused(client.post("/v1/office/merges", json=two, headers=administrator | key("3")), 422, "shape-wrong")
    asked = client.post("/v1/office/merges", json=two | {"why": "the same person"}, headers=administrator | key("4")).json
    check_refused(client.put(f"/v1/office/merges/{asked['id']}/approval", headers=administrator), 403, "another-person-needed")
    turned = client.put(f"/v1/office/merges/{asked['id']}/rejection", json={"why": "mistaken"}, headers=administrator)
    assert turned.json["state"] == "rejected"
    check_refused(client.put(f"/v1/office/merges/{asked['id']}/approval", headers=staff("finance")), 409, "wrong-state")


def test_a_merge_is_turned_down_by_who_may_decide_or_withdrawn_by_who_asked(client: Any, pair: Pair, staff: Any) -> None:
    desk, bystander, finance = staff("service_desk"), staff("service_desk"), staff("finance")
    two = {"source_id": pair.source.id, "target_id": pair.target.id, "why": "the same person"}

    def asked(name: str) -> str:
        return f"/v1/office/merges/{client.post('/v1/office/merges', json=two, headers=desk | key(name)).json['id']}"

    no = {"json": {"why": "mistaken"}}
    first = asked("6")
    check_refused(client.put(f"{first}/rejection", **no, headers=bystander), 403, "decision-not-yours")
    assert client.put(f"{first}/rejection", **no, headers=desk).json["state"] == "rejected"
    second = asked("7")
    assert client.put(f"{second}/rejection", **no, headers=finance).json["state"] == "rejected"
    third = asked("8")
    client.put(f"{third}/approval", headers=finance)
    assert client.post(f"{third}/undoing", json={"why": "two persons"}, headers=desk | key("9")).status_code == 201
    check_refused(client.put(f"{third}/undoing/rejection", **no, headers=bystander), 403, "decision-not-yours")
    assert client.put(f"{third}/undoing/rejection", **no, headers=desk).json["state"] == "done"


def test_another_mall_sees_no_merge(client: Any, pair: Pair, staff: Any, mall: int) -> None:
    from tests.factories import make_mall

    two = {"source_id": pair.source.id, "target_id": pair.target.id, "why": "the same person"}
    asked = client.post("/v1/office/merges", json=two, headers=staff("service_desk") | key("5")).json
    with db.unit_of_work():
        other = make_mall().id
    with db.unit_of_work(other):
        stranger = bearer("staff", make_staff("administrator").id, other)
    check_refused(client.get(f"/v1/office/merges/{asked['id']}", headers=stranger), 404, "merge-not-found")
    pair_there = {"source_id": 1, "target_id": 2, "reason": "the same person"}
    check_refused(client.get("/v1/office/merges/preview", query_string=pair_there, headers=stranger), 404, "member-not-found")
