"""A member's own pages: data, consents, vehicles, export, closing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select

from api.kit import rooms
from api.kit.errors import Conflict
from api.kit.membership import MemberPart
from api.members.errors import PlateInvalid
from api.members.models import Member, MemberIdentity, Vehicle
from api.members.service.vehicles import normalise_plate
from tests.conftest import bearer
from tests.members.conftest import check_refused, header, rows


@pytest.fixture
def me(with_wechat: Any) -> dict[str, str]:
    return header(with_wechat("li-lei"))


def test_a_nickname_is_changed_and_a_birthday_entered_once(client: Any, me: dict[str, str]) -> None:
    answer = client.patch("/v1/me", json={"nickname": "李雷", "birthday_on": "1990-02-28"}, headers=me)
    assert (answer.json["nickname"], answer.json["birthday_on"]) == ("李雷", "1990-02-28")
    assert client.patch("/v1/me", json={"birthday_on": "1990-02-28"}, headers=me).status_code == 200
    check_refused(client.patch("/v1/me", json={"birthday_on": "1991-03-01"}, headers=me), 409, "birthday-fixed")


def test_a_member_sees_the_wallets_of_the_membership(client: Any, me: dict[str, str]) -> None:
    assert [row["channel"] for row in client.get("/v1/me/identities", headers=me).json["items"]] == ["wechat"]


def test_a_change_travels_as_a_post_where_a_wallet_knows_no_patch(client: Any, me: dict[str, str]) -> None:
    answer = client.post("/v1/me", json={"nickname": "李雷"}, headers=me | {"X-HTTP-Method-Override": "PATCH"})
    assert (answer.status_code, answer.json["nickname"]) == (200, "李雷")
    assert client.post("/v1/me", json={"nickname": "李雷"}, headers=me | {"X-HTTP-Method-Override": "DELETE"}).status_code == 405


@pytest.mark.parametrize(
    "wrong",
    [
        {"nickname": ""},
        {"nickname": "x" * 31},
        {"nickname": "a\u202eb"},
        {"nickname": "a\nb"},
        {"birthday_on": "1990-02-30"},
        {"level_rank": 3},
        {"birthday_on": "3000-01-01"},
        {"birthday_on": "1800-01-01"},
    ],
)
def test_every_field_of_me_is_limited(client: Any, me: dict[str, str], wrong: dict[str, Any]) -> None:
    check_refused(client.patch("/v1/me", json=wrong, headers=me), 422, "shape-wrong")


def test_consents_are_given_withdrawn_and_listed(client: Any, me: dict[str, str]) -> None:
    for _ in range(2):
        given = client.put("/v1/me/consents/marketing", json={"version": "2"}, headers=me)
        assert given.status_code == 200 and given.json["withdrawn_at"] is None
    assert client.delete("/v1/me/consents/marketing", headers=me).status_code == 204
    check_refused(client.delete("/v1/me/consents/marketing", headers=me), 404, "consent-unknown")
    assert client.put("/v1/me/consents/marketing", json={"version": "2"}, headers=me).status_code == 200
    listed = client.get("/v1/me/consents", headers=me).json["items"]
    assert [(item["document"], item["withdrawn_at"] is None) for item in listed] == [
        ("marketing", True),
        ("marketing", False),
        ("privacy", True),
    ]


def test_the_basic_consent_ends_only_with_the_membership(client: Any, me: dict[str, str]) -> None:
    check_refused(client.delete("/v1/me/consents/privacy", headers=me), 409, "consent-is-basic")
    check_refused(client.put("/v1/me/consents/anything", json={"version": "2"}, headers=me), 404, "document-unknown")


def test_one_vehicle_is_the_default(client: Any, me: dict[str, str]) -> None:
    first = client.post("/v1/me/vehicles", json={"plate": "京a·12345"}, headers=me).json
    second = client.post("/v1/me/vehicles", json={"plate": "粤BD12345"}, headers=me).json
    assert (first["plate"], first["is_default"], second["is_default"]) == ("京A12345", True, False)
    assert client.post("/v1/me/vehicles", json={"plate": "京A12345"}, headers=me).json["id"] == first["id"]
    assert client.put(f"/v1/me/vehicles/{second['id']}/default", headers=me).json["is_default"]
    assert client.delete(f"/v1/me/vehicles/{second['id']}", headers=me).status_code == 204
    (left,) = client.get("/v1/me/vehicles", headers=me).json["items"]
    assert left["id"] == first["id"] and left["is_default"]


def test_somebody_elses_vehicle_is_not_there(client: Any, me: dict[str, str], with_wechat: Any) -> None:
    mine = client.post("/v1/me/vehicles", json={"plate": "京A12345"}, headers=me).json["id"]
    other = header(with_wechat("han-meimei"))
    check_refused(client.delete(f"/v1/me/vehicles/{mine}", headers=other), 404, "vehicle-not-found")
    check_refused(client.put(f"/v1/me/vehicles/{mine}/default", headers=other), 404, "vehicle-not-found")


def test_a_sixth_vehicle_is_refused(client: Any, me: dict[str, str]) -> None:
    for number in range(5):
        assert client.post("/v1/me/vehicles", json={"plate": f"京A1234{number}"}, headers=me).status_code == 201
    check_refused(client.post("/v1/me/vehicles", json={"plate": "京A12349"}, headers=me), 409, "too-many-vehicles")


@pytest.mark.parametrize("plate", ["京A12345", "沪AD12345", "粤Z1234港", "京A1234警", "川A·F1234 5"])
def test_plates_of_the_mainland_are_taken(plate: str) -> None:
    assert normalise_plate(plate)


@pytest.mark.parametrize("plate", ["AB12345", "京112345", "京A1234", "京A1234567", "京AI2345", "京A12O45", "台A12345"])
def test_other_plates_are_refused(plate: str) -> None:
    with pytest.raises(PlateInvalid):
        normalise_plate(plate)


def test_the_export_holds_what_is_known_and_what_other_rooms_add(
    client: Any, me: dict[str, str], wechat: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    wechat.sim("users", person="li-lei", phone="13800138000")
    client.post("/v1/me/phone/wechat", json={"code": wechat.sim("phone-code", person="li-lei")["code"]}, headers=me)
    games = MemberPart(place=45, exports={"games": lambda member_id: [{"member": member_id, "won": 7}]})
    monkeypatch.setattr(rooms, "member_parts", lambda: [games])
    told = client.get("/v1/me/export", headers=me).json
    assert told["member"]["phone"] == "+8613800138000"
    assert {row["channel"] for row in told["identities"]} == {"wechat", "phone"}
    assert told["rooms"]["games"][0]["won"] == 7 and told["consents"][0]["document"] == "privacy"


class ValueIsLeft(Conflict):
    """Value is left, in this test."""


@pytest.fixture
def value_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_member_id: int) -> None:
        raise ValueIsLeft()

    monkeypatch.setattr(rooms, "member_parts", lambda: [MemberPart(place=45, refuse_closing=refuse)])


def test_an_account_with_value_left_is_not_closed(client: Any, me: dict[str, str], value_left: None, mall: int) -> None:
    check_refused(client.post("/v1/me/closure", headers=me), 409, "value-is-left")
    assert client.get("/v1/me", headers=me).status_code == 200


def test_closing_leaves_a_number_and_nothing_personal(client: Any, with_wechat: Any, wechat: Any, mall: int) -> None:
    answer = with_wechat("li-lei")
    me = header(answer)
    client.patch("/v1/me", json={"nickname": "李雷", "birthday_on": "1990-02-28"}, headers=me)
    client.post("/v1/me/phone/wechat", json={"code": wechat.sim("phone-code", person="li-lei")["code"]}, headers=me)
    client.post("/v1/me/vehicles", json={"plate": "京A12345"}, headers=me)
    assert client.post("/v1/me/closure", headers=me).status_code == 204
    personal = select(Member.state, Member.nickname, Member.birthday_on, Member.phone_sealed, Member.phone_key)
    assert rows(mall, personal) == [("closed", None, None, None, None)]
    assert rows(mall, select(MemberIdentity.id)) == rows(mall, select(Vehicle.id)) == []
    check_refused(client.post("/v1/sessions/refresh", json={"refresh_token": answer.json["refresh_token"]}), 401, "session-ended")
    check_refused(client.get("/v1/me", headers=me), 401, "token-invalid")
    again = with_wechat("li-lei")
    assert again.json["is_new"] and again.json["member"]["number"] != answer.json["member"]["number"]


def test_nothing_personal_of_a_member_is_in_an_access_token(with_wechat: Any) -> None:
    import base64

    claims = with_wechat("li-lei").json["access_token"].split(".")[1]
    told = json.loads(base64.urlsafe_b64decode(claims + "=="))
    assert set(told) == {"sub", "mall", "sid", "iat", "exp"} and told["exp"] - told["iat"] == 900


def test_a_well_signed_token_of_a_mall_that_is_not_there_opens_nothing(app: Any, client: Any) -> None:
    headers = bearer("member", 1, 999_999)
    for rule in app.url_map.iter_rules():
        if rule.endpoint.split(".")[0] in {"me", "sessions", "sign_in"}:
            path = str(rule).replace("<mall_code>", "x").replace("<int:vehicle_id>", "1").replace("<document>", "marketing")
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                answer = client.open(path, method=method, headers=headers, json={} if method != "GET" else None)
                assert answer.status_code < 500, (path, answer.json)
                listed = answer.status_code == 200 and answer.json == {"items": [], "next_cursor": None}
                assert listed or answer.status_code in {204, 404, 409, 422}, (path, answer.status_code, answer.json)


def test_numbers_and_letters_beyond_reason_are_refused_and_break_nothing(client: Any, me: dict[str, str], mall_code: str) -> None:
    huge = 10**30
    for method, path, body in (
        ("DELETE", f"/v1/me/vehicles/{huge}", None),
        ("PUT", f"/v1/me/vehicles/{huge}/default", None),
        ("DELETE", "/v1/me/consents/%00", None),
        ("GET", "/v1/me/vehicles?cursor=%00", None),
        ("POST", "/v1/me/vehicles", {"plate": "京A\x001234"}),
        ("PATCH", "/v1/me", {"nickname": "a\x00b"}),
        ("PATCH", "/v1/me", {"nickname": "\ud800"}),
        ("POST", "/v1/sessions/refresh", {"refresh_token": "1.a\x00b.1.cccccccccc"}),
        ("POST", f"/v1/malls/{mall_code}/sign-in/phone-codes", {"phone": "1380013\x008000"}),
        ("POST", "/v1/malls/%00/sign-in/phone-codes", {"phone": "13800138000"}),
    ):
        answer = client.open(path, method=method, headers=me, data=json.dumps(body), content_type="application/json")
        assert 400 <= answer.status_code < 500, (method, path, answer.json)
