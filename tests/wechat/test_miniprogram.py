"""Signing in, the phone number and subscribe messages: our client against the simulator."""

from __future__ import annotations

import logging
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import requests

from tests.wechat.conftest import Simulator, now
from wechat.errors import (
    BadApp,
    BadCode,
    BadMessage,
    Blocked,
    Busy,
    CodeUsed,
    GatewaySilent,
    MessageRefused,
    TooFrequent,
)
from wechat.miniprogram import AccessToken, MemoryTokens, MiniProgram
from wechat.simulator import create_app
from wechat.simulator.settings import DEMO_TEMPLATE

VALUES = {"thing1": "面馆积分到账", "number2": "12", "time3": "2026-05-01 12:30"}


def login_code(wechat: Simulator, person: str = "li-lei") -> str:
    return str(wechat.sim("login-code", person=person)["js_code"])


def phone_code(wechat: Simulator, person: str = "li-lei") -> str:
    return str(wechat.sim("phone-code", person=person)["code"])


def test_a_code_becomes_a_session_and_the_same_person_keeps_the_openid(wechat: Simulator, mini: MiniProgram) -> None:
    first, second = (mini.code_to_session(login_code(wechat)) for _ in range(2))
    assert first.openid == second.openid == wechat.openid("li-lei")
    assert len(first.openid) == 28 and first.openid.startswith("o")
    assert first.unionid == second.unionid
    assert first.session_key != second.session_key


def test_openids_survive_a_restart_and_differ_between_people(wechat: Simulator) -> None:
    restarted = create_app(wechat.settings).test_client()
    again = restarted.post("/_sim/users", json={"person": "li-lei"}).get_json()
    assert again["openid"] == wechat.openid("li-lei") != wechat.openid("han-meimei")


def test_openids_differ_between_mini_programs_and_the_unionid_does_not(wechat: Simulator) -> None:
    here = wechat.sim("users", person="li-lei")
    there = wechat.sim("users", person="li-lei", appid="wxffffffffffffffff")
    assert here["openid"] != there["openid"]
    assert here["unionid"] == there["unionid"]


def test_a_code_is_used_once(wechat: Simulator, mini: MiniProgram) -> None:
    code = login_code(wechat)
    mini.code_to_session(code)
    with pytest.raises(CodeUsed) as refused:
        mini.code_to_session(code)
    assert refused.value.errcode == 40163


def test_a_code_dies_after_five_minutes(wechat: Simulator, mini: MiniProgram) -> None:
    code = login_code(wechat)
    wechat.sim("clock", advance=300)
    try:
        with pytest.raises(BadCode) as refused:
            mini.code_to_session(code)
    finally:
        wechat.sim("clock", advance=-300)
    assert refused.value.errcode == 40029


@pytest.mark.parametrize("kind", ["login", "phone"])
def test_a_made_up_code_is_refused(kind: str, mini: MiniProgram) -> None:
    exchange = mini.code_to_session if kind == "login" else mini.phone_number
    with pytest.raises(BadCode):
        exchange("0" * 32)


def test_a_code_of_another_mini_program_is_refused(wechat: Simulator, mini: MiniProgram) -> None:
    wechat.sim("apps", appid="wx1111111111111111", secret="another")
    code = wechat.sim("login-code", person="li-lei", appid="wx1111111111111111")["js_code"]
    with pytest.raises(BadCode):
        mini.code_to_session(code)


@pytest.mark.parametrize(("appid", "secret"), [("wx0000000000000000", None), (None, "wrong")])
def test_a_wrong_appid_or_secret_is_refused(wechat: Simulator, appid: str | None, secret: str | None) -> None:
    settings = wechat.settings
    wrong = MiniProgram(appid or settings.appid, secret or settings.secret, clock=now, base_url=wechat.url)
    with pytest.raises(BadApp):
        wrong.code_to_session(login_code(wechat))


def test_a_blocked_user_is_refused(wechat: Simulator, mini: MiniProgram) -> None:
    wechat.sim("users", person="bad-boy", blocked=True)
    with pytest.raises(Blocked):
        mini.code_to_session(login_code(wechat, "bad-boy"))


def test_a_hundred_and_first_login_in_a_minute_is_too_frequent(wechat: Simulator, mini: MiniProgram) -> None:
    for _ in range(100):
        mini.code_to_session(login_code(wechat, "hasty"))
    with pytest.raises(TooFrequent):
        mini.code_to_session(login_code(wechat, "hasty"))


def test_errors_are_http_200(wechat: Simulator) -> None:
    answer = requests.get(f"{wechat.url}/sns/jscode2session", timeout=5)
    assert answer.status_code == 200
    assert answer.json()["errcode"] == 40013


def test_busy_and_silence_are_told_apart(wechat: Simulator, mini: MiniProgram) -> None:
    wechat.sim("faults", kind="busy", path="/sns/")
    with pytest.raises(Busy):
        mini.code_to_session(login_code(wechat))
    wechat.sim("faults", kind="refuse", path="/sns/", status=503)
    with pytest.raises(Busy):
        mini.code_to_session(login_code(wechat))
    wechat.sim("faults", kind="reset", path="/sns/")
    with pytest.raises(GatewaySilent):
        mini.code_to_session(login_code(wechat))


def test_a_timeout_says_nothing_of_secret_or_code(wechat: Simulator) -> None:
    settings = wechat.settings
    quick = MiniProgram(settings.appid, settings.secret, clock=now, base_url=wechat.url, timeout=(0.2, 0.2))
    wechat.sim("faults", kind="silent", path="/sns/", seconds=0.6)
    code = login_code(wechat)
    with pytest.raises(GatewaySilent) as silent:
        quick.code_to_session(code)
    printed = "".join(traceback.format_exception(silent.value))
    assert code not in printed and settings.secret not in printed


def test_no_log_carries_a_secret_code_token_or_phone(
    wechat: Simulator, mini: MiniProgram, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    wechat.sim("users", person="li-lei", phone="13712345678")
    code = login_code(wechat)
    session = mini.code_to_session(code)
    mini.phone_number(phone_code(wechat))
    printed = caplog.text + "".join(capfd.readouterr())
    for planted in (code, wechat.settings.secret, session.session_key, mini.access_token(), "13712345678"):
        assert planted not in printed


def test_records_hide_secrets_in_their_text(wechat: Simulator, mini: MiniProgram) -> None:
    session = mini.code_to_session(login_code(wechat))
    phone = mini.phone_number(phone_code(wechat))
    token = AccessToken("planted-token", now())
    shown = f"{session} {phone} {token} {settings_text(wechat)}"
    for secret in (session.session_key, phone.pure, "planted-token", wechat.settings.secret):
        assert secret not in shown


def settings_text(wechat: Simulator) -> str:
    return repr(replace(wechat.settings, seed="x"))


def test_the_phone_button_gives_the_number_once(wechat: Simulator, mini: MiniProgram) -> None:
    wechat.sim("users", person="li-lei", phone="13800138000")
    code = phone_code(wechat)
    number = mini.phone_number(code)
    assert (number.pure, number.country_code) == ("13800138000", "86")
    with pytest.raises(CodeUsed):
        mini.phone_number(code)


def test_login_and_phone_codes_are_not_interchangeable(wechat: Simulator, mini: MiniProgram) -> None:
    with pytest.raises(BadCode):
        mini.phone_number(login_code(wechat))
    with pytest.raises(BadCode):
        mini.code_to_session(phone_code(wechat))


def test_the_token_is_fetched_once_and_shared(wechat: Simulator, mini: MiniProgram) -> None:
    settings = wechat.settings
    other = MiniProgram(settings.appid, settings.secret, clock=now, base_url=wechat.url)
    assert mini.access_token() == mini.access_token() == other.access_token()


def test_a_token_is_renewed_before_it_ends(wechat: Simulator) -> None:
    settings, cache = wechat.settings, MemoryTokens()
    mini = MiniProgram(settings.appid, settings.secret, clock=now, base_url=wechat.url, tokens=cache)
    cache.put(settings.appid, AccessToken("old", now()))
    assert mini.access_token() != "old"


def test_a_token_that_was_revoked_elsewhere_is_renewed_once(wechat: Simulator, mini: MiniProgram) -> None:
    old = mini.access_token()
    requests.delete(f"{wechat.url}/_sim/tokens", timeout=5)
    assert mini.phone_number(phone_code(wechat)).pure.startswith("1")
    assert mini.access_token() != old


def test_an_expired_token_is_renewed(wechat: Simulator, mini: MiniProgram) -> None:
    mini.access_token()
    wechat.sim("clock", advance=7200)
    try:
        assert mini.phone_number(phone_code(wechat)).country_code == "86"
    finally:
        wechat.sim("clock", advance=-7200)
        requests.delete(f"{wechat.url}/_sim/tokens", timeout=5)


def force(wechat: Simulator) -> dict[str, Any]:
    settings = wechat.settings
    said = {"grant_type": "client_credential", "appid": settings.appid, "secret": settings.secret}
    answer = requests.post(f"{wechat.url}/cgi-bin/stable_token", json={**said, "force_refresh": True}, timeout=5)
    told: dict[str, Any] = answer.json()
    return told


def test_forcing_a_token_is_rationed(wechat: Simulator) -> None:
    first = force(wechat)
    assert len(first["access_token"]) <= 512 and first["expires_in"] <= 7200
    assert force(wechat)["errcode"] == 45011


def test_a_subscribe_message_needs_a_consent_each(wechat: Simulator, mini: MiniProgram) -> None:
    openid = wechat.sim("consents", person="li-lei", template_id=DEMO_TEMPLATE)["openid"]
    mini.send_subscribe_message(openid, DEMO_TEMPLATE, VALUES, page="pages/points")
    with pytest.raises(MessageRefused):
        mini.send_subscribe_message(openid, DEMO_TEMPLATE, VALUES)
    sent = requests.get(f"{wechat.url}/_sim/messages", timeout=5).json()["messages"][-1]
    assert sent["data"]["thing1"]["value"] == VALUES["thing1"]


@pytest.mark.parametrize(
    ("openid", "template", "values", "errcode"),
    [
        ("oNobody", DEMO_TEMPLATE, VALUES, 40003),
        (None, "unknown", VALUES, 40037),
        (None, DEMO_TEMPLATE, {**VALUES, "thing1": "字" * 21}, 47003),
        (None, DEMO_TEMPLATE, {"thing1": "少两个"}, 47003),
    ],
)
def test_a_wrong_subscribe_message_is_refused(
    wechat: Simulator, mini: MiniProgram, openid: str | None, template: str, values: dict[str, str], errcode: int
) -> None:
    with pytest.raises(BadMessage) as refused:
        mini.send_subscribe_message(openid or wechat.openid("li-lei"), template, values)
    assert refused.value.errcode == errcode


def test_of_twenty_exchanges_of_one_code_one_wins(wechat: Simulator, mini: MiniProgram) -> None:
    code = login_code(wechat, "many-fingers")
    with ThreadPoolExecutor(20) as many:
        tries = [many.submit(mini.code_to_session, code) for _ in range(20)]
    troubles = [attempt.exception() for attempt in tries]
    assert troubles.count(None) == 1
    assert sum(isinstance(trouble, CodeUsed) for trouble in troubles) == 19
