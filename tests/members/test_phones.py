"""Phones: one form, verified by the wallets or by a code, joining memberships of one person."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import select

from api.kit import cache, clock, db, rooms
from api.kit.jobs import JOBS
from api.kit.membership import MemberPart
from api.members import phones, sms
from api.members.errors import PhoneInvalid
from api.members.models import Consent, Member, MemberIdentity, TextMessage, Vehicle
from api.members.service import phone_codes
from api.points import service as points
from api.settings import Settings
from tests.members.conftest import ask_for_code, check_refused, header, rows

PHONE = "13800138000"


@pytest.mark.parametrize(
    "given",
    [
        "13800138000",
        "+86 138 0013 8000",
        "86-138-0013-8000",
        "0086 13800138000",
        " 138·0013·8000 ",
        "１３８００１３８０００",
        "(+86)13800138000",
    ],
)
def test_every_usual_form_is_one_phone(given: str) -> None:
    assert phones.normalise(given) == "+8613800138000"


@pytest.mark.parametrize(
    "given", ["", "12800138000", "1380013800", "138001380000", "+8612345678901", "phone", "+0123456789", "١٣٨٠٠١٣٨٠٠٠", "010-62345678"]
)
def test_what_is_no_mobile_phone_is_refused(given: str) -> None:
    with pytest.raises(PhoneInvalid):
        phones.normalise(given)


def test_a_phone_of_hong_kong_is_kept_with_its_country() -> None:
    assert phones.normalise("+852 9123 4567") == "+85291234567"


# joining


@pytest.fixture
def same_phone(wechat: Any, alipay: Any) -> None:
    for simulator in (wechat, alipay):
        simulator.sim("users", person="li-lei", phone=PHONE)


def join_wechat(client: Any, wechat: Any, headers: dict[str, str], person: str = "li-lei") -> Any:
    code = wechat.sim("phone-code", person=person)["code"]
    return client.post("/v1/me/phone/wechat", json={"code": code}, headers=headers)


def join_alipay(client: Any, alipay: Any, headers: dict[str, str], person: str = "li-lei") -> Any:
    return client.post("/v1/me/phone/alipay", json=alipay.sim("phone-payload", person=person), headers=headers)


def test_a_verified_phone_makes_one_member_of_two_wallets(
    client: Any, same_phone: None, wechat: Any, alipay: Any, with_wechat: Any, with_alipay: Any
) -> None:
    older = with_wechat("li-lei")
    assert join_wechat(client, wechat, header(older)).json["member"]["phone"] == "138****8000"
    younger = with_alipay("li-lei")
    assert younger.json["is_new"]
    joined = join_alipay(client, alipay, header(younger))
    assert joined.status_code == 200 and joined.json["folded"], joined.json
    assert joined.json["member"]["number"] == older.json["member"]["number"]
    assert client.get("/v1/me", headers=header(joined)).json["number"] == older.json["member"]["number"]
    again = with_alipay("li-lei")
    assert again.json["member"]["number"] == older.json["member"]["number"] and not again.json["is_new"]
    refreshed = client.post("/v1/sessions/refresh", json={"refresh_token": younger.json["refresh_token"]})
    assert client.get("/v1/me", headers=header(refreshed)).json["number"] == older.json["member"]["number"]
    check_refused(client.get("/v1/me", headers=header(younger)), 401, "token-invalid")


def test_the_older_member_takes_in_the_younger_one_who_holds_the_phone(
    client: Any, same_phone: None, wechat: Any, alipay: Any, with_wechat: Any, with_alipay: Any, mall: int
) -> None:
    older = with_wechat("li-lei")
    younger = with_alipay("li-lei")
    assert not join_alipay(client, alipay, header(younger)).json["folded"]
    joined = join_wechat(client, wechat, header(older))
    assert joined.json["folded"] and joined.json["member"]["number"] == older.json["member"]["number"]
    states = rows(mall, select(Member.state, Member.phone_key.is_(None)).order_by(Member.id))
    assert states == [("active", False), ("folded", True)]
    assert rows(mall, select(MemberIdentity.channel).order_by(MemberIdentity.channel)) == [
        ("alipay",),
        ("alipay",),
        ("phone",),
        ("wechat",),
    ]


def test_a_fold_keeps_consents_vehicles_and_invitations(
    client: Any, same_phone: None, wechat: Any, alipay: Any, with_wechat: Any, with_alipay: Any, mall: int
) -> None:
    older = with_wechat("li-lei")
    join_wechat(client, wechat, header(older))
    client.post("/v1/me/vehicles", json={"plate": "京A12345"}, headers=header(older))
    younger = with_alipay("li-lei", consent_version="2026-2")
    for plate in ("京A12345", "沪AD12345"):
        client.post("/v1/me/vehicles", json={"plate": plate}, headers=header(younger))
    friend = with_wechat("han-meimei", referrer=younger.json["member"]["number"])
    assert join_alipay(client, alipay, header(younger)).json["folded"]
    number = older.json["member"]["number"]
    assert rows(mall, select(Vehicle.member_id, Vehicle.plate, Vehicle.is_default).order_by(Vehicle.id)) == [
        (number, "京A12345", True),
        (number, "沪AD12345", False),
    ]
    assert rows(mall, select(Consent.version).where(Consent.member_id == number).order_by(Consent.id)) == [("2026-1",), ("2026-2",)]
    assert rows(mall, select(Member.referrer_id).where(Member.id == friend.json["member"]["number"])) == [(number,)]


def test_a_younger_member_who_holds_value_is_not_folded(
    client: Any, same_phone: None, wechat: Any, alipay: Any, with_wechat: Any, with_alipay: Any, mall: int, monkeypatch: Any
) -> None:
    join_wechat(client, wechat, header(with_wechat("li-lei")))
    younger = with_alipay("li-lei")
    coupons = MemberPart(place=45, holds_value=lambda member_id: member_id == younger.json["member"]["number"])
    monkeypatch.setattr(rooms, "member_parts", lambda: [coupons])
    check_refused(join_alipay(client, alipay, header(younger)), 409, "merge-needed")
    assert rows(mall, select(Member.state).order_by(Member.id)) == [("active",), ("active",)]
    assert client.get("/v1/me", headers=header(younger)).json["phone"] is None


def test_real_points_keep_two_memberships_apart(
    client: Any, same_phone: None, wechat: Any, alipay: Any, with_wechat: Any, with_alipay: Any, mall: int
) -> None:
    join_wechat(client, wechat, header(with_wechat("li-lei")))
    younger = with_alipay("li-lei")
    db.in_mall(mall, lambda: points.grant(younger.json["member"]["number"], 5, cause_type="test", cause_id=1))
    check_refused(join_alipay(client, alipay, header(younger)), 409, "merge-needed")


def test_two_members_who_verify_one_phone_at_once_become_one(app: Any, wechat: Any, with_wechat: Any, mall: int) -> None:
    names = [f"twin-{number}" for number in range(6)]
    for name in names:
        wechat.sim("users", person=name, phone="13900139000")
    headers = [header(with_wechat(name)) for name in names]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda pair: join_wechat(app.test_client(), wechat, pair[0], pair[1]), zip(headers, names, strict=True)))
    assert {answer.status_code for answer in answers} <= {200, 409}, [answer.json for answer in answers]
    left = rows(mall, select(Member.id).where(Member.state == "active", Member.phone_key.is_not(None)))
    assert len(left) == 1
    folded = rows(mall, select(Member.id).where(Member.state == "folded"))
    assert len(folded) == 5


def test_a_changed_phone_frees_the_old_one(client: Any, wechat: Any, with_wechat: Any) -> None:
    me = with_wechat("li-lei")
    wechat.sim("users", person="li-lei", phone="13700137000")
    join_wechat(client, wechat, header(me))
    wechat.sim("users", person="li-lei", phone="13600136000")
    assert join_wechat(client, wechat, header(me)).json["member"]["phone"] == "136****6000"
    other = with_wechat("han-meimei")
    wechat.sim("users", person="han-meimei", phone="13700137000")
    assert not join_wechat(client, wechat, header(other), "han-meimei").json["folded"]


def test_used_expired_and_swapped_phone_codes_are_refused(client: Any, wechat: Any, with_wechat: Any) -> None:
    headers = header(with_wechat("li-lei"))
    code = wechat.sim("phone-code", person="li-lei")["code"]
    assert client.post("/v1/me/phone/wechat", json={"code": code}, headers=headers).status_code == 200
    check_refused(client.post("/v1/me/phone/wechat", json={"code": code}, headers=headers), 409, "phone-proof-refused")
    login = wechat.sim("login-code", person="li-lei")["js_code"]
    check_refused(client.post("/v1/me/phone/wechat", json={"code": login}, headers=headers), 409, "phone-proof-refused")
    old = wechat.sim("phone-code", person="li-lei")["code"]
    wechat.sim("clock", advance=301)
    try:
        check_refused(client.post("/v1/me/phone/wechat", json={"code": old}, headers=headers), 409, "phone-proof-refused")
    finally:
        wechat.sim("clock", advance=-301)


def test_a_phone_payload_that_alipay_did_not_sign_is_refused(client: Any, alipay: Any, with_alipay: Any) -> None:
    headers = header(with_alipay("li-lei"))
    payload = alipay.sim("phone-payload", person="li-lei")
    other = alipay.sim("phone-payload", person="han-meimei")
    for forged in (
        payload | {"sign": other["sign"]},
        payload | {"sign": ""},
        payload | {"sign_type": "RSA"},
        payload | {"response": "QUJD"},
    ):
        check_refused(client.post("/v1/me/phone/alipay", json=forged, headers=headers), 409, "phone-proof-refused")
    refusal = alipay.sim("phone-payload", person="li-lei", refuse=True)
    check_refused(client.post("/v1/me/phone/alipay", json=refusal, headers=headers), 409, "phone-proof-refused")


def test_a_phone_payload_counts_once_and_only_in_an_alipay_sign_in(client: Any, alipay: Any, with_alipay: Any, with_wechat: Any) -> None:
    payload = alipay.sim("phone-payload", person="li-lei")
    stranger = header(with_wechat("thief"))
    check_refused(client.post("/v1/me/phone/alipay", json=payload, headers=stranger), 409, "phone-proof-misplaced")
    mine = header(with_alipay("li-lei"))
    assert client.post("/v1/me/phone/alipay", json=payload, headers=mine).status_code == 200
    thief = header(with_alipay("thief"))
    check_refused(client.post("/v1/me/phone/alipay", json=payload, headers=thief), 409, "phone-proof-used")


# phone codes


@pytest.fixture
def ask(client: Any, connected: Any, mall_code: str) -> Any:
    return lambda phone=PHONE: ask_for_code(client, mall_code, phone)


@pytest.fixture
def enter(client: Any, mall_code: str) -> Any:
    def go(code: str, phone: str = PHONE) -> Any:
        body = {"phone": phone, "code": code, "consent_version": "1"}
        return client.post(f"/v1/malls/{mall_code}/sign-in/phone", json=body)

    return go


def code_in_text(mall: int, phone: str = "+86" + PHONE) -> str:
    text = db.in_mall(mall, lambda: phone_codes.newest_text(phone))
    assert text and text.startswith("【云锦天地")
    return text.split("验证码 ")[1][:6]


def test_a_code_sent_to_a_phone_signs_in_once(ask: Any, enter: Any, mall: int) -> None:
    assert ask().status_code == 202
    code = code_in_text(mall)
    answer = enter(code, "+86 138-0013-8000")
    assert answer.status_code == 200 and answer.json["is_new"]
    assert answer.json["member"]["phone"] == "138****8000"
    check_refused(enter(code), 401, "phone-code-ended")


def test_a_phone_verified_by_a_wallet_signs_in_to_the_same_member(
    ask: Any, enter: Any, mall: int, client: Any, same_phone: None, wechat: Any, with_wechat: Any
) -> None:
    me = with_wechat("li-lei")
    join_wechat(client, wechat, header(me))
    ask()
    answer = enter(code_in_text(mall))
    assert answer.json["member"]["number"] == me.json["member"]["number"] and not answer.json["is_new"]


def test_a_member_moves_to_a_new_phone_with_the_codes_of_both_and_a_wrong_one_is_told_at_its_field(
    client: Any, ask: Any, mall: int, same_phone: None, wechat: Any, with_wechat: Any
) -> None:
    me, new = header(with_wechat("li-lei")), "13911112222"
    check_refused(client.post("/v1/me/phone-codes", headers=me), 409, "no-phone-yet")
    join_wechat(client, wechat, me)
    assert client.post("/v1/me/phone-codes", headers=me).status_code == 202
    check_refused(client.post("/v1/me/phone-codes", headers=me), 429, "phone-code-too-soon")
    ask(new)
    codes = {"code": code_in_text(mall, "+86" + new), "old_code": code_in_text(mall)}
    for field in codes:
        wrong = codes | {field: f"{(int(codes[field]) + 1) % 10**6:06d}"}
        answer = client.put("/v1/me/phone", json={"phone": new} | wrong, headers=me)
        check_refused(answer, 401, "phone-code-wrong")
        assert answer.json["errors"] == {field: ["is wrong"]}
    answer = client.put("/v1/me/phone", json={"phone": new} | codes, headers=me)
    assert answer.json["member"]["phone"] == "139****2222"


def test_wrong_codes_are_counted_and_the_sixth_try_is_too_late(ask: Any, enter: Any, mall: int) -> None:
    ask()
    code = code_in_text(mall)
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    for left in (4, 3, 2, 1, 0):
        answer = enter(wrong)
        check_refused(answer, 401, "phone-code-wrong")
        assert answer.json["tries_left"] == left
    check_refused(enter(code), 401, "phone-code-ended")


def test_parallel_guesses_get_five_tries_together(app: Any, ask: Any, mall: int, mall_code: str) -> None:
    ask()
    code = code_in_text(mall)

    def guess(number: int) -> str:
        body = {"phone": PHONE, "code": f"{(int(code) + 1 + number) % 10**6:06d}", "consent_version": "1"}
        return str(app.test_client().post(f"/v1/malls/{mall_code}/sign-in/phone", json=body).json["type"])

    with ThreadPoolExecutor(12) as pool:
        kinds = list(pool.map(guess, range(12)))
    assert kinds.count("/problems/phone-code-wrong") == 5 and kinds.count("/problems/phone-code-ended") == 7


def test_a_code_ends_after_five_minutes(ask: Any, enter: Any, mall: int) -> None:
    ask()
    clock.fix(clock.now() + timedelta(minutes=5))
    check_refused(enter(code_in_text(mall)), 401, "phone-code-ended")


def test_only_the_newest_code_counts(ask: Any, enter: Any, mall: int) -> None:
    ask()
    first = code_in_text(mall)
    clock.fix(clock.now() + timedelta(seconds=61))
    ask()
    if first != code_in_text(mall):
        check_refused(enter(first), 401, "phone-code-wrong")
    assert enter(code_in_text(mall)).status_code == 200


def test_codes_to_one_phone_are_rationed_even_after_a_flush_of_the_cache(ask: Any, mall: int) -> None:
    ask()
    cache.attempt(lambda client: client.flushdb(), None)
    again = ask("+86 " + PHONE)
    check_refused(again, 429, "phone-code-too-soon")
    assert 0 < int(again.headers["Retry-After"]) <= 61
    for _ in range(4):
        clock.fix(clock.now() + timedelta(seconds=61))
        assert ask().status_code == 202
    clock.fix(clock.now() + timedelta(seconds=61))
    check_refused(ask(), 429, "too-often")


def test_codes_go_to_mainland_phones_only_and_to_phones_only(ask: Any) -> None:
    check_refused(ask("+852 9123 4567"), 422, "phone-not-served")
    check_refused(ask("not a phone"), 422, "phone-invalid")


def test_phone_sign_in_can_be_closed(ask: Any, connected: Any) -> None:
    sms.configure(replace(connected, phone_sign_in=False))
    check_refused(ask(), 409, "phone-sign-in-closed")


def test_production_wants_an_sms_gateway_for_phone_codes() -> None:
    with_codes, without = (Settings("", "", "", phone_sign_in=phones).findings() for phones in (True, False))
    assert [finding for finding in with_codes if finding not in without] == [
        "SMS_URL= is missing: set the https address of the SMS gateway, or PHONE_SIGN_IN=false."
    ]


class SmsGateway:
    """A real HTTP server that takes messages, or answers with the next of `answers`."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, dict[str, str]]] = []
        self.answers: list[int] = []


@pytest.fixture
def gateway(connected: Any) -> Iterator[SmsGateway]:
    box = SmsGateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            box.taken.append((self.headers["Authorization"], body))
            self.send_response(box.answers.pop(0) if box.answers else 202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *said: object) -> None:
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=web.serve_forever, daemon=True).start()
    sms.configure(replace(connected, sms_url=f"http://127.0.0.1:{web.server_port}/texts", sms_key="key-of-the-mall"))
    yield box
    web.shutdown()
    web.server_close()


def run_jobs(mall: int) -> None:
    ids = rows(mall, select(TextMessage.id).order_by(TextMessage.id))
    for (message_id,) in ids:
        JOBS["members.send_text"].run(mall_id=mall, message_id=message_id)


def test_a_text_is_handed_to_the_gateway_once_and_then_forgotten(gateway: SmsGateway, ask: Any, mall: int) -> None:
    ask()
    run_jobs(mall)
    run_jobs(mall)
    ((authorization, body),) = gateway.taken
    assert authorization == "Bearer key-of-the-mall"
    assert body["phone"] == "+8613800138000" and "验证码" in body["text"]
    assert rows(mall, select(TextMessage.state, TextMessage.text_sealed)) == [("sent", None)]


def test_a_text_that_the_gateway_refused_is_tried_again_under_the_same_name(gateway: SmsGateway, ask: Any, mall: int) -> None:
    ask()
    gateway.answers = [503]
    with pytest.raises(sms.TextGatewayRefused):
        run_jobs(mall)
    run_jobs(mall)
    assert len({body["reference"] for _, body in gateway.taken}) == 1 and len(gateway.taken) == 2


def test_a_text_is_put_in_as_a_job_in_the_same_transaction(gateway: SmsGateway, ask: Any, settings: Any) -> None:
    from tests.conftest import owner_rows

    ask()
    jobs = owner_rows(settings, "SELECT args FROM procrastinate_jobs WHERE task_name = 'members.send_text'")
    assert len(jobs) == 1 and "phone" not in json.dumps(jobs)


def test_a_developer_reads_the_code_by_command(app: Any, ask: Any, mall: int, mall_code: str) -> None:
    ask()
    result = app.test_cli_runner().invoke(args=["members", "last-code", PHONE, "--mall", mall_code])
    assert code_in_text(mall) in result.output
    other = app.test_cli_runner().invoke(args=["members", "last-code", "13511112222", "--mall", mall_code])
    assert other.exit_code == 1 and "No text message" in other.output
