"""Family by choice: its own consent, small rows, gone with the consent and with the account."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from api.kit import db
from api.members.models import FamilyMember
from api.members.service import family
from tests.members.conftest import check_refused, header, rows


@pytest.fixture
def me(with_wechat: Any) -> dict[str, str]:
    return header(with_wechat("li-lei"))


@pytest.fixture
def agreed(client: Any, me: dict[str, str]) -> dict[str, str]:
    assert client.put("/v1/me/consents/family", json={"version": "1"}, headers=me).status_code == 200
    return me


def tell(client: Any, me: dict[str, str], key: str = "family-key-1", **given: Any) -> Any:
    return client.post("/v1/me/family", json={"relation": "child"} | given, headers=me | {"Idempotency-Key": key})


def test_nothing_is_kept_without_its_own_consent(client: Any, me: dict[str, str]) -> None:
    check_refused(tell(client, me), 409, "family-consent-needed")


def test_somebody_is_told_of_listed_and_taken_off(client: Any, agreed: dict[str, str]) -> None:
    child = tell(client, agreed, nickname="豆豆", birth_year=2019, birth_month=6)
    assert child.status_code == 201 and tell(client, agreed, "family-key-2", relation="pet").status_code == 201
    listed = client.get("/v1/me/family", headers=agreed).json["items"]
    assert [(one["relation"], one["nickname"], one["birth_year"]) for one in listed] == [("pet", None, None), ("child", "豆豆", 2019)]
    assert client.delete(f"/v1/me/family/{child.json['id']}", headers=agreed).status_code == 204
    check_refused(client.delete(f"/v1/me/family/{child.json['id']}", headers=agreed), 404, "family-member-not-found")


def test_a_double_tap_tells_once(client: Any, agreed: dict[str, str]) -> None:
    assert tell(client, agreed).json["id"] == tell(client, agreed).json["id"]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"relation": "neighbour"}, "shape-wrong"),
        ({"nickname": "x" * 21}, "shape-wrong"),
        ({"birth_month": 6}, "shape-wrong"),
        ({"birth_year": 2999}, "shape-wrong"),
        ({"birth_year": 2019, "birth_month": 13}, "shape-wrong"),
        ({"relation": "parent", "birth_year": 1960}, "birth-month-misplaced"),
    ],
)
def test_what_is_told_is_limited(client: Any, agreed: dict[str, str], given: dict[str, Any], name: str) -> None:
    check_refused(tell(client, agreed, **given), 422, name)


def test_a_family_is_not_endless(client: Any, agreed: dict[str, str]) -> None:
    for number in range(family.MOST):
        assert tell(client, agreed, f"family-key-{number}").status_code == 201
    check_refused(tell(client, agreed, "family-key-more"), 409, "too-many-in-family")


def test_another_members_family_is_not_there(client: Any, agreed: dict[str, str], with_wechat: Any) -> None:
    mine = tell(client, agreed).json["id"]
    other = header(with_wechat("han-meimei"))
    assert client.get("/v1/me/family", headers=other).json["items"] == []
    check_refused(client.delete(f"/v1/me/family/{mine}", headers=other), 404, "family-member-not-found")


def test_withdrawing_the_consent_erases_everybody(client: Any, mall: int, agreed: dict[str, str]) -> None:
    tell(client, agreed)
    assert client.delete("/v1/me/consents/family", headers=agreed).status_code == 204
    assert rows(mall, select(func.count(FamilyMember.id))) == [(0,)]


def test_an_export_holds_the_family_and_closing_erases_it(client: Any, mall: int, agreed: dict[str, str]) -> None:
    tell(client, agreed, nickname="豆豆")
    assert client.get("/v1/me/export", headers=agreed).json["family"][0]["nickname"] == "豆豆"
    assert client.post("/v1/me/closure", headers=agreed).status_code == 204
    assert rows(mall, select(func.count(FamilyMember.id))) == [(0,)]


def test_a_fold_takes_the_family_along_as_far_as_there_is_room(client: Any, mall: int, agreed: dict[str, str], with_wechat: Any) -> None:
    for number in range(3):
        tell(client, agreed, f"family-key-{number}")
    younger = client.get("/v1/me", headers=agreed).json["number"]
    older = with_wechat("han-meimei").json["member"]["number"]
    with db.unit_of_work(mall):
        family.hand_over(younger, older)
    assert rows(mall, select(FamilyMember.member_id)) == [(older,)] * 3
