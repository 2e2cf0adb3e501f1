"""The office's look at members: masked, with a reason, written down."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from api.kit import clock, db, sealed
from api.kit.audit import AuditEntry
from api.kit.db import session
from api.members import phones, service
from api.members.models import TextMessage
from api.members.service import name_index, phone_codes, profile, search
from tests.conftest import bearer
from tests.factories import make_member, make_staff
from tests.members.conftest import check_refused, header, rows
from tests.second_person import approved

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


def test_names_are_found_whole_in_any_script_page_by_page(client: Any, desk: dict[str, str], mall: int) -> None:
    with db.unit_of_work(mall):
        for name in ("李雷", "小李雷", "Ｌｉ Lei", "韩梅梅", "李 雷", "🐼李雷 <b>"):
            profile.change(make_member().id, nickname=name)

    def found(**query: Any) -> list[int]:
        answer = client.get("/v1/office/members", query_string=query, headers=desk)
        assert answer.status_code == 200, answer.json
        return [item["number"] for item in answer.json["items"]]

    assert found(name="李雷") == found(q="李雷") == [1, 5]
    assert found(q="li lei") == found(name="LILEI") == [3]
    assert found(name="%") == []
    first = client.get("/v1/office/members", query_string={"name": "李雷", "limit": 1}, headers=desk).json
    rest = client.get("/v1/office/members", query_string={"name": "李雷", "limit": 1, "cursor": first["next_cursor"]}, headers=desk).json
    assert [item["number"] for item in first["items"] + rest["items"]] == [1, 5]
    check_refused(client.get("/v1/office/members", query_string={"name": " "}, headers=desk), 422, "search-too-wide")


def test_kind_8_a_masked_name_is_not_spelled_out_by_searching(client: Any, desk: dict[str, str], mall: int) -> None:
    with db.unit_of_work(mall):
        profile.change(make_member().id, nickname="李雷同学")
    for part in ("李", "雷", "李雷", "雷同", "同学", "李雷同"):
        for field in ("name", "q"):
            answer = client.get("/v1/office/members", query_string={field: part}, headers=desk)
            assert answer.json["items"] == [], part


def test_kind_8_the_searches_of_one_person_on_one_day_are_counted(
    client: Any, desk: dict[str, str], administrator: dict[str, str], mall: int, monkeypatch: Any
) -> None:
    monkeypatch.setattr(search, "UNUSUAL", 2)
    monkeypatch.setattr(search, "MOST", 4)
    answers = [client.get("/v1/office/members?phone=13800138000", headers=desk) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200] * 4 + [429]
    check_refused(answers[-1], 429, "searched-enough")
    assert client.get("/v1/office/members?phone=13800138000", headers=administrator).status_code == 200
    assert rows(mall, select(AuditEntry.after).where(AuditEntry.did == "searched for many members").order_by(AuditEntry.id)) == [
        ({"searches": 2},),
        ({"searches": 4},),
    ]
    clock.fix(clock.now() + timedelta(days=1))
    with db.unit_of_work(mall):
        assert search.forget_searches() == 0
    clock.fix(clock.now() + timedelta(days=70))
    with db.unit_of_work(mall):
        assert search.forget_searches() == 2


def test_a_changed_name_is_found_and_the_old_one_is_not(mall: int, app: Any) -> None:
    with db.unit_of_work(mall):
        member = make_member()
        profile.change(member.id, nickname="哈哈哈")
        assert [found.id for found in name_index.search("哈 哈哈", None, 20).items] == [member.id]
        profile.change(member.id, nickname="安静")
        assert name_index.search("哈哈哈", None, 20).items == []
        profile.close(member.id)
        assert name_index.search("安静", None, 20).items == []


def test_one_box_takes_phone_number_name_and_code(client: Any, shopper: Any, desk: dict[str, str]) -> None:
    number = shopper.json["member"]["number"]
    code = client.post("/v1/me/codes", headers=header(shopper)).json["code"]
    for q in ("138 0013 8000", str(number), "李雷 同学", code):
        answer = client.get("/v1/office/members", query_string={"q": q}, headers=desk)
        assert [item["number"] for item in answer.json["items"]] == [number], q
    assert client.get("/v1/office/members", query_string={"q": "ABCDEFGHJKMNPQRS"}, headers=desk).json["items"] == []


def test_a_record_shows_its_pages_to_whom_opened_it(client: Any, shopper: Any, desk: dict[str, str], administrator: dict[str, str]) -> None:
    path = f"/v1/office/members/{shopper.json['member']['number']}"
    client.post("/v1/me/vehicles", json={"plate": "京A12345"}, headers=header(shopper))
    check_refused(client.get(f"{path}/identities", headers=desk), 403, "record-not-opened")
    assert client.get(f"{path}?reason=complaint+77", headers=desk).status_code == 200
    told = {name: client.get(f"{path}/{name}", headers=desk).json for name in ("identities", "vehicles", "sessions", "consents", "level")}
    assert {line["channel"] for line in told["identities"]["items"]} == {"wechat", "phone"}
    assert told["vehicles"]["items"][0]["plate"] == "京A···45"
    assert told["sessions"]["items"][0]["channel"] == "wechat"
    assert told["consents"]["items"][0]["document"] == "privacy"
    assert told["level"]["growth"] == 0
    check_refused(client.get(f"{path}/level", headers=administrator), 403, "record-not-opened")


@pytest.mark.parametrize(
    "path",
    [
        "/orders?member_id={}", "/sales?member_id={}", "/receipts?member_id={}", "/cards?member_id={}", "/recharges?member_id={}",
        "/points/members/{}", "/points/members/{}/history", "/points/members/{}/awards", "/points/adjustments?member_id={}",
        "/ledger/accounts/member/{}/points/entries", "/merges?member_id={}", "/audit?subject_type=member&subject_id={}",
        "/audit?subject_id={}", "/audit?who=member:{}",
    ],
)  # fmt: skip
def test_a_record_that_was_not_opened_is_not_read_by_another_way(client: Any, shopper: Any, mall: int, path: str) -> None:
    number = shopper.json["member"]["number"]
    address = "/v1/office" + path.format(number)
    with db.unit_of_work(mall):
        reader_id = make_staff("administrator").id
    reader = bearer("staff", reader_id, mall)
    check_refused(client.get(address, headers=reader), 403, "record-not-opened")
    padded = client.get("/v1/office" + path.format(f"{number:019}"), headers=reader)
    check_refused(padded, 403, "record-not-opened")
    assert client.get(f"/v1/office/members/{number}?reason=complaint+77", headers=reader).status_code == 200
    assert client.get(address, headers=reader).status_code == 200
    clock.fix(clock.now() + timedelta(days=1, seconds=1))
    check_refused(client.get(address, headers=bearer("staff", reader_id, mall)), 403, "record-not-opened")


def test_a_record_that_was_not_opened_leaves_in_no_file(client: Any, shopper: Any, administrator: dict[str, str]) -> None:
    number = shopper.json["member"]["number"]
    of_one = [{"member_id": written} for written in (number, str(number), f"{number:019}")]
    of_one_in_the_log = [{"subject_type": "member", "subject_id": str(number)}, {"subject_id": str(number)}, {"who": f"member:{number}"}]
    asked = [("sales", filters) for filters in of_one] + [("audit", filters) for filters in of_one_in_the_log]
    for count, (table, filters) in enumerate(asked):
        body, key = {"table": table, "filters": filters}, {"Idempotency-Key": f"one-member-file-{count}"}
        check_refused(client.post("/v1/office/exports", json=body, headers=administrator | key), 403, "record-not-opened")


def test_a_lost_device_is_signed_out_at_once(client: Any, shopper: Any, desk: dict[str, str], mall: int) -> None:
    path = f"/v1/office/members/{shopper.json['member']['number']}/sign-outs"
    check_refused(client.post(path, json={}, headers=desk), 422, "shape-wrong")
    assert client.post(path, json={"reason": "phone was stolen"}, headers=desk).status_code == 204
    check_refused(client.get("/v1/me", headers=header(shopper)), 401, "token-invalid")
    renewed = client.post("/v1/sessions/refresh", json={"refresh_token": shopper.json["refresh_token"]})
    check_refused(renewed, 401, "session-ended")
    assert rows(mall, select(AuditEntry.why).where(AuditEntry.did == "signed a member out")) == [("phone was stolen",)]


def texted(mall: int, mall_code: str, client: Any, phone: str) -> str:
    """The code that was sent to a phone."""
    assert client.post(f"/v1/malls/{mall_code}/sign-in/phone-codes", json={"phone": phone}).status_code == 202
    text = db.in_mall(mall, lambda: phone_codes.newest_text(phones.normalise(phone)))
    assert text is not None
    return re.search(r"[0-9]{6}", text)[0]  # type: ignore[index]


def test_the_desk_moves_a_member_to_a_new_phone(client: Any, shopper: Any, desk: dict[str, str], mall: int, mall_code: str) -> None:
    path = f"/v1/office/members/{shopper.json['member']['number']}/phone"
    code = texted(mall, mall_code, client, "13911112222")
    said = {"phone": "13911112222", "recognised_by": "identity_card", "reason": "lost the phone"}
    check_refused(client.put(path, json=said | {"code": f"{(int(code) + 1) % 10**6:06}"}, headers=desk), 401, "phone-code-wrong")
    asked = client.put(path, json=said | {"code": code}, headers=desk)
    assert (asked.json["asked"]["code"], asked.json["before"]) == ("••••", {"phone": "138****8000"})
    assert client.get("/v1/me", headers=header(shopper)).status_code == 200  # nothing has happened yet
    check_refused(client.put(path, json=said | {"code": code}, headers=desk), 401, "phone-code-ended")
    assert approved(client, mall, asked).status_code == 200
    with db.unit_of_work(mall):
        texts = [sealed.unseal(text_sealed) for text_sealed in session.scalars(select(TextMessage.text_sealed)) if text_sealed]
    assert len([text for text in texts if "改绑到 139****2222" in text]) == 1
    check_refused(client.get("/v1/me", headers=header(shopper)), 401, "token-invalid")
    (entry,) = rows(mall, select(AuditEntry.before, AuditEntry.after, AuditEntry.why).where(AuditEntry.did == "changed a member's phone"))
    assert entry[0] == {"shown_as": "138****8000"} and entry[1]["recognised_by"] == "identity_card" and entry[2] == "lost the phone"
    assert client.get("/v1/office/members?phone=13800138000", headers=desk).json["items"] == []


def test_the_desk_never_joins_two_members_in_passing(client: Any, shopper: Any, desk: dict[str, str], mall: int, mall_code: str) -> None:
    with db.unit_of_work(mall):
        other = make_member().id
    code = texted(mall, mall_code, client, PHONE)
    said = {"phone": PHONE, "recognised_by": "passport", "reason": "lost the phone", "code": code}
    check_refused(client.put(f"/v1/office/members/{other}/phone", json=said, headers=desk), 409, "merge-needed")


def test_a_member_moves_to_a_new_phone_with_the_codes_of_both(client: Any, shopper: Any, mall: int, mall_code: str) -> None:
    new = "13911112222"
    code, old = texted(mall, mall_code, client, new), texted(mall, mall_code, client, PHONE)
    me = header(shopper)
    check_refused(client.put("/v1/me/phone", json={"phone": new, "code": code}, headers=me), 409, "old-phone-unproven")
    wrong = f"{(int(old) + 1) % 10**6:06}"
    check_refused(client.put("/v1/me/phone", json={"phone": new, "code": code, "old_code": wrong}, headers=me), 401, "phone-code-wrong")
    answer = client.put("/v1/me/phone", json={"phone": new, "code": code, "old_code": old}, headers=me)
    assert (answer.status_code, answer.json["member"]["phone"]) == (200, "139****2222"), answer.json


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
    assert entry == ({"birthday": "known"}, {"birthday": "known"})  # the log only grows, and would outlive the account


def test_levels_are_changed_in_order_and_written_down(client: Any, administrator: dict[str, str], mall: int) -> None:
    db.in_mall(mall, service.seed_levels)
    answer = client.patch("/v1/office/levels/1", json={"reach_growth": 1_500, "multiplier_bp": 12_000}, headers=administrator)
    assert approved(client, mall, answer).status_code == 200
    assert client.patch("/v1/office/levels/1", json={"name": "银卡"}, headers=administrator).json["reach_growth"] == 1_500
    check_refused(client.patch("/v1/office/levels/1", json={"reach_growth": 5_000}, headers=administrator), 409, "levels-out-of-order")
    check_refused(client.patch("/v1/office/levels/9", json={"name": "x"}, headers=administrator), 404, "level-not-found")
    listed = client.get("/v1/office/levels", headers=administrator).json["levels"]
    assert [level["reach_growth"] for level in listed] == [0, 1_500, 5_000, 20_000]
    assert len(rows(mall, select(AuditEntry.id).where(AuditEntry.did == "changed a level"))) == 2


def test_a_reviewer_may_not_look_at_members(client: Any, mall: int, app: Any) -> None:
    with db.unit_of_work(mall):
        headers = bearer("staff", make_staff("reviewer").id, mall)
    check_refused(client.get("/v1/office/members?phone=13800138000", headers=headers), 403, "permission-missing")


def test_find_tells_phone_number_and_code_apart(shopper: Any, mall: int) -> None:
    number = shopper.json["member"]["number"]
    code = db.in_mall(mall, lambda: service.new_code(number).code)
    for query in (PHONE, str(number), code):
        assert db.in_mall(mall, lambda query=query: service.find(query, by="staff:1").id) == number  # type: ignore[misc]
