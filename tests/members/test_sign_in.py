"""Signing in through the wallets: real HTTP to their simulators."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from time import sleep
from typing import Any

from sqlalchemy import select

from api.kit import clock, db
from api.members import wechat_login
from api.members.models import Member, MemberIdentity
from tests.members.conftest import check_refused, header, rows


def test_a_shopper_signs_in_with_wechat_and_sees_her_own_page(client: Any, with_wechat: Any) -> None:
    answer = with_wechat("li-lei")
    assert answer.status_code == 200, answer.json
    assert answer.json["is_new"] and answer.json["expires_in"] == 900
    assert answer.json["member"]["phone"] is None
    me = client.get("/v1/me", headers=header(answer))
    assert me.status_code == 200 and me.json["number"] == answer.json["member"]["number"]


def test_the_second_sign_in_finds_the_same_member(with_wechat: Any) -> None:
    first, second = with_wechat("li-lei"), with_wechat("li-lei")
    assert second.json["member"] == first.json["member"]
    assert first.json["is_new"] and not second.json["is_new"]
    assert first.json["refresh_token"] != second.json["refresh_token"]


def test_an_alipay_shopper_is_known_by_either_of_two_names(with_alipay: Any, mall: int) -> None:
    first, second = with_alipay("han-meimei"), with_alipay("han-meimei")
    assert first.json["is_new"] and second.json["member"] == first.json["member"]
    subjects = [subject for (subject,) in rows(mall, select(MemberIdentity.subject).where(MemberIdentity.channel == "alipay"))]
    assert len(subjects) == 2 and any(subject.startswith("2088") for subject in subjects)


def test_where_a_member_came_from_is_kept(with_wechat: Any, inside_shop: int, mall: int) -> None:
    friend = with_wechat("li-lei").json["member"]["number"]
    answer = with_wechat("han-meimei", source="invitation", referrer=friend, shop_id=inside_shop)
    assert answer.status_code == 200, answer.json
    came = select(Member.source, Member.referrer_id, Member.joined_shop_id).where(Member.id == answer.json["member"]["number"])
    assert rows(mall, came) == [("invitation", friend, inside_shop)]


def test_a_stale_invitation_or_shop_keeps_nobody_from_joining(with_wechat: Any) -> None:
    assert with_wechat("li-lei", referrer=999_999, shop_id=999_999).status_code == 200


def test_a_used_code_is_refused_by_name(client: Any, wechat: Any, mall_code: str) -> None:
    body = {"js_code": wechat.sim("login-code", person="li-lei")["js_code"], "consent_version": "2026-1"}
    assert client.post(f"/v1/malls/{mall_code}/sign-in/wechat", json=body).status_code == 200
    check_refused(client.post(f"/v1/malls/{mall_code}/sign-in/wechat", json=body), 401, "login-code-refused")


def test_one_code_sent_twice_at_once_signs_in_once(app: Any, wechat: Any, mall_code: str) -> None:
    body = {"js_code": wechat.sim("login-code", person="li-lei")["js_code"], "consent_version": "2026-1"}
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: app.test_client().post(f"/v1/malls/{mall_code}/sign-in/wechat", json=body), range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 401]


def test_an_expired_code_is_refused_by_name(client: Any, wechat: Any, mall_code: str) -> None:
    code = wechat.sim("login-code", person="li-lei")["js_code"]
    wechat.sim("clock", advance=301)
    try:
        body = {"js_code": code, "consent_version": "2026-1"}
        check_refused(client.post(f"/v1/malls/{mall_code}/sign-in/wechat", json=body), 401, "login-code-refused")
    finally:
        wechat.sim("clock", advance=-301)


def test_used_and_made_up_alipay_codes_are_refused(client: Any, alipay: Any, mall_code: str) -> None:
    path = f"/v1/malls/{mall_code}/sign-in/alipay"
    body = {"auth_code": alipay.sim("auth-code", person="li-lei")["code"], "consent_version": "2026-1"}
    assert client.post(path, json=body).status_code == 200
    check_refused(client.post(path, json=body), 401, "login-code-refused")
    check_refused(client.post(path, json=body | {"auth_code": "0" * 32}), 401, "login-code-refused")


def test_a_blocked_account_is_told_so(wechat: Any, with_wechat: Any) -> None:
    wechat.sim("users", person="bad-boy", blocked=True)
    check_refused(with_wechat("bad-boy"), 403, "login-blocked")


def test_a_silent_wallet_is_a_502_and_a_busy_one_a_503(wechat: Any, with_wechat: Any) -> None:
    wechat.sim("faults", kind="reset", path="/sns/")
    check_refused(with_wechat("li-lei"), 502, "gateway-silent")
    wechat.sim("faults", kind="busy", path="/sns/")
    check_refused(with_wechat("li-lei"), 503, "gateway-busy")
    assert with_wechat("li-lei").status_code == 200


def test_an_answer_that_alipay_did_not_sign_is_not_believed(alipay: Any, with_alipay: Any) -> None:
    alipay.sim("faults", kind="bad_signature")
    check_refused(with_alipay("li-lei"), 502, "gateway-silent")


def test_wrong_credentials_of_the_mall_are_a_gateway_problem(connected: Any, with_wechat: Any) -> None:
    wechat_login.configure(replace(connected, wechat_secret="wrong-secret-of-this-mall"))
    check_refused(with_wechat("li-lei"), 502, "gateway-misconfigured")


def test_twenty_first_sign_ins_at_once_make_one_member(app: Any, wechat: Any, mall_code: str) -> None:
    codes = [wechat.sim("login-code", person="twenty")["js_code"] for _ in range(20)]

    def go(code: str) -> Any:
        body = {"js_code": code, "consent_version": "2026-1"}
        return app.test_client().post(f"/v1/malls/{mall_code}/sign-in/wechat", json=body)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(go, codes))
    assert {answer.status_code for answer in answers} == {200}, [answer.json for answer in answers]
    assert len({answer.json["member"]["number"] for answer in answers}) == 1
    assert sum(answer.json["is_new"] for answer in answers) == 1


def test_the_same_person_is_another_member_in_another_mall(client: Any, wechat: Any, with_wechat: Any, new_mall: str) -> None:
    here = with_wechat("li-lei")
    body = {"js_code": wechat.sim("login-code", person="li-lei")["js_code"], "consent_version": "2026-1"}
    there = client.post(f"/v1/malls/{new_mall}/sign-in/wechat", json=body)
    assert there.json["is_new"]
    assert there.json["member"]["number"] != here.json["member"]["number"]


def test_a_mall_that_is_not_there_is_a_404(client: Any, app: Any) -> None:
    body = {"js_code": "0" * 32, "consent_version": "1"}
    check_refused(client.post("/v1/malls/nowhere/sign-in/wechat", json=body), 404, "mall-not-found")


def test_every_field_of_a_sign_in_is_limited(with_wechat: Any) -> None:
    for wrong in (
        {"js_code": "x"},
        {"js_code": "y" * 129},
        {"js_code": 7},
        {"consent_version": "a\nb"},
        {"consent_version": "1" * 41},
        {"source": "elsewhere"},
        {"referrer": 2**63},
        {"shop_id": -1},
        {"unknown": 1},
    ):
        check_refused(with_wechat("li-lei", **wrong), 422, "shape-wrong")


def test_a_device_that_tries_too_often_waits(client: Any, mall_code: str) -> None:
    clock.fix(clock.now())  # all tries fall into one minute
    path, headers = f"/v1/malls/{mall_code}/sign-in/phone", {"X-Device-Id": "phone-of-a-guesser"}
    body = {"phone": "13800138000", "code": "000000", "consent_version": "1"}
    answers = [client.post(path, json=body, headers=headers) for _ in range(21)]
    check_refused(answers[-1], 429, "too-often")
    assert int(answers[-1].headers["Retry-After"]) <= 60
    assert {answer.status_code for answer in answers[:20]} == {401}


def test_a_first_sign_in_costs_at_most_twelve_statements(with_wechat: Any, statements: Any) -> None:
    with statements() as seen:
        assert with_wechat("li-lei").status_code == 200
    assert len(seen) <= 12, "\n".join(seen)
    with statements() as seen:
        assert with_wechat("li-lei").status_code == 200
    assert len(seen) <= 8, "\n".join(seen)


def test_no_connection_is_held_while_the_wallet_is_slow(app: Any, wechat: Any, with_wechat: Any) -> None:
    wechat.sim("faults", kind="late", path="/sns/", seconds=0.6)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(with_wechat, "li-lei")
        held = []
        while not slow.done():
            held.append(db.engine().pool.checkedout())
            sleep(0.005)
        assert slow.result().status_code == 200
    assert held.count(0) > len(held) / 2
