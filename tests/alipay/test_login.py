"""Signing in and the phone number: our client against the simulator."""

from __future__ import annotations

import json
import traceback

import pytest
import requests

from alipay import aes
from alipay.client import AlipayClient, read_answer
from alipay.errors import (
    BadApp,
    BadCode,
    GatewaySilent,
    OutcomeUnknown,
    Refused,
    SignatureRefused,
    Undecryptable,
    Untrusted,
)
from alipay.phone import phone_number
from alipay.signing import private_key
from alipay.simulator import create_app
from alipay.trust import Trust
from tests.alipay.conftest import Simulator


def auth_code(simulator: Simulator, person: str = "li-lei") -> str:
    return str(simulator.sim("auth-code", person=person)["code"])


def test_a_code_becomes_an_identity_and_the_same_person_keeps_it(simulator: Simulator, client: AlipayClient) -> None:
    first, second = (client.oauth_token(auth_code(simulator)) for _ in range(2))
    person = simulator.sim("users", person="li-lei")
    assert (first.open_id, first.user_id) == (second.open_id, second.user_id) == (person["open_id"], person["user_id"])
    assert first.access_token not in repr(first)


def test_identities_survive_a_restart(simulator: Simulator) -> None:
    restarted = create_app(simulator.settings).test_client()
    again = restarted.post("/_sim/users", json={"person": "li-lei"}).get_json()
    assert again == {**simulator.sim("users", person="li-lei"), "phone": again["phone"]}


def test_a_code_is_used_once(simulator: Simulator, client: AlipayClient) -> None:
    code = auth_code(simulator)
    client.oauth_token(code)
    with pytest.raises(BadCode) as refused:
        client.oauth_token(code)
    assert refused.value.sub_code == "isv.code-invalid"


def test_a_code_dies_after_five_minutes(simulator: Simulator, client: AlipayClient) -> None:
    code = auth_code(simulator)
    simulator.sim("clock", advance=300)
    try:
        with pytest.raises(BadCode):
            client.oauth_token(code)
    finally:
        simulator.sim("clock", advance=-300)


def test_a_made_up_code_is_refused(client: AlipayClient) -> None:
    with pytest.raises(BadCode):
        client.oauth_token("0" * 32)


def test_login_parameters_belong_at_the_top_level(simulator: Simulator, client: AlipayClient) -> None:
    content = json.dumps({"grant_type": "authorization_code", "code": auth_code(simulator)})
    with pytest.raises(Refused):
        client.call("alipay.system.oauth.token", {"biz_content": content})


def test_a_request_signed_with_another_key_is_refused(simulator: Simulator) -> None:
    stranger = simulator.client(key=private_key(simulator.files.alipay_key.read_text()))
    with pytest.raises(SignatureRefused) as refused:
        stranger.oauth_token(auth_code(simulator))
    assert refused.value.sub_code == "isv.invalid-signature"


def test_an_unsigned_request_is_refused(simulator: Simulator) -> None:
    answer = requests.post(simulator.gateway, data={"app_id": simulator.settings.app_id}, timeout=5).json()
    assert answer["error_response"]["code"] == "40001"


def test_an_unknown_application_is_refused(simulator: Simulator) -> None:
    with pytest.raises(BadApp):
        simulator.client(app_id="2021999999999999").oauth_token("x")


@pytest.mark.parametrize("kind", ["unsigned", "bad_signature"])
def test_an_answer_without_a_good_signature_is_not_believed(simulator: Simulator, client: AlipayClient, kind: str) -> None:
    simulator.sim("faults", kind=kind)
    with pytest.raises(Untrusted):
        client.oauth_token(auth_code(simulator))


def test_an_answer_of_another_gateway_is_not_believed(simulator: Simulator) -> None:
    own_key = private_key(simulator.files.app_key.read_text()).public_key()
    with pytest.raises(Untrusted):
        simulator.client(trust=Trust(keys=[own_key])).oauth_token(auth_code(simulator))


def test_trouble_at_alipay_is_an_unknown_outcome(simulator: Simulator, client: AlipayClient) -> None:
    for kind in ("refuse", "error_response"):
        simulator.sim("faults", kind=kind)
        with pytest.raises(OutcomeUnknown):
            client.oauth_token(auth_code(simulator))


def test_silence_says_nothing_of_the_code(simulator: Simulator) -> None:
    code = auth_code(simulator)
    simulator.sim("faults", kind="silent", seconds=0.6)
    with pytest.raises(GatewaySilent) as silent:
        simulator.client(timeout=(0.2, 0.2)).oauth_token(code)
    assert code not in "".join(traceback.format_exception(silent.value))


def test_a_cut_connection_is_silence(simulator: Simulator, client: AlipayClient) -> None:
    simulator.sim("faults", kind="reset")
    with pytest.raises(GatewaySilent):
        client.oauth_token(auth_code(simulator))


def payload(simulator: Simulator, **said: object) -> dict[str, str]:
    return {name: str(value) for name, value in simulator.sim("phone-payload", person="li-lei", **said).items()}


def opened(simulator: Simulator, posted: dict[str, str], content_key: str | None = None) -> str:
    key = content_key or simulator.content_key
    return phone_number(posted, trust=simulator.trust, content_key=key).mobile


def test_the_phone_number_is_proved_and_opened(simulator: Simulator) -> None:
    simulator.sim("users", person="li-lei", phone="13900139000")
    assert opened(simulator, payload(simulator)) == "13900139000"


def test_a_phone_number_with_another_ciphertext_is_refused(simulator: Simulator) -> None:
    posted = payload(simulator)
    forged = aes.encrypt(simulator.content_key, '{"code":"10000","mobile":"13000000000"}')
    with pytest.raises(Untrusted):
        opened(simulator, {**posted, "response": forged})


@pytest.mark.parametrize("changed", [{"sign": ""}, {"sign": "AAAA"}, {"sign_type": "RSA"}, {"encrypt_type": "SM4"}])
def test_a_phone_number_signed_otherwise_is_refused(simulator: Simulator, changed: dict[str, str]) -> None:
    with pytest.raises(Untrusted):
        opened(simulator, {**payload(simulator), **changed})


def test_a_phone_number_for_another_content_key_does_not_open(simulator: Simulator) -> None:
    with pytest.raises(Undecryptable):
        opened(simulator, payload(simulator), content_key="AAAAAAAAAAAAAAAAAAAAAA==")


def test_a_plain_error_of_the_phone_is_a_named_refusal(simulator: Simulator) -> None:
    with pytest.raises(Refused) as refused:
        opened(simulator, payload(simulator, refuse=True))
    assert (refused.value.code, refused.value.sub_code) == ("40003", "isv.invalid-auth-relations")


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        ({"code": "40002", "sub_code": "isv.invalid-app-id"}, BadApp),
        ({"code": "40004", "sub_code": "ACQ.TRADE_NOT_EXIST"}, Untrusted),
        ({"code": "20000", "sub_code": "isp.unknow-error"}, Untrusted),
        ({"code": "10000", "trade_status": "TRADE_SUCCESS"}, Untrusted),
    ],
)
def test_only_refusals_before_any_business_may_come_unsigned(
    simulator: Simulator, answer: dict[str, str], refusal: type[Exception]
) -> None:
    raw = json.dumps({"alipay_trade_query_response": answer})
    with pytest.raises(refusal):
        read_answer(raw, "alipay.trade.query", simulator.trust)
