"""What must never be read anywhere: planted phones, codes and tokens, looked for in logs and tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from api.kit import db, logs
from api.members.service import phone_codes
from tests.members.conftest import header

PHONE = "13912345678"


@pytest.fixture
def loud(capsys: Any) -> Iterator[Any]:
    """Every log line of this process, as it goes to standard error."""
    logs.configure("DEBUG")
    yield capsys
    logs.configure("WARNING")


def test_no_phone_code_or_token_is_ever_logged(
    client: Any, wechat: Any, alipay: Any, with_wechat: Any, with_alipay: Any, mall: int, mall_code: str, loud: Any
) -> None:
    planted = [PHONE]
    wechat.sim("users", person="li-lei", phone=PHONE)
    alipay.sim("users", person="li-lei", phone=PHONE)
    login = wechat.sim("login-code", person="li-lei")["js_code"]
    sign_in = {"js_code": login, "consent_version": "1"}
    answers = [client.post(f"/v1/malls/{mall_code}/sign-in/wechat?js_code={login}", json=sign_in) for _ in range(2)]
    me = header(answers[0])
    code = wechat.sim("phone-code", person="li-lei")["code"]
    for _ in range(2):
        client.post("/v1/me/phone/wechat", json={"code": code}, headers=me)
    payload = alipay.sim("phone-payload", person="li-lei")
    joined = with_alipay("li-lei")
    for _ in range(2):
        client.post("/v1/me/phone/alipay", json=payload, headers=header(joined))
    client.post(f"/v1/malls/{mall_code}/sign-in/phone-codes", json={"phone": PHONE})
    text = db.in_mall(mall, lambda: phone_codes.newest_text("+86" + PHONE))
    assert text is not None
    sms_code = text.split("验证码 ")[1][:6]
    for given in ("000000", sms_code):
        client.post(f"/v1/malls/{mall_code}/sign-in/phone", json={"phone": PHONE, "code": given, "consent_version": "1"})
    member_code = client.post("/v1/me/codes", headers=me).json["code"]
    token = answers[0].json["refresh_token"]
    for _ in range(3):
        token = client.post("/v1/sessions/refresh", json={"refresh_token": token}).json["refresh_token"]
    client.post("/v1/sessions/refresh", json={"refresh_token": answers[0].json["refresh_token"]})
    wechat.sim("faults", kind="reset", path="/sns/")
    with_wechat("li-lei")
    planted += [login, code, payload["response"], payload["sign"], sms_code, member_code, token, token.rsplit(".", 1)[1]]
    planted += [answers[0].json["access_token"], answers[0].json["refresh_token"], wechat.sim("users", person="li-lei")["openid"]]
    said = loud.readouterr()
    assert "a refresh token was used twice" in said.err and "WeChat did not answer usefully" in said.err
    assert [secret for secret in planted if secret in said.err + said.out] == []


def test_no_phone_or_token_lies_open_in_the_database(
    client: Any, wechat: Any, with_wechat: Any, mall: int, mall_code: str, settings: Any
) -> None:
    wechat.sim("users", person="li-lei", phone=PHONE)
    answer = with_wechat("li-lei")
    client.post("/v1/me/phone/wechat", json={"code": wechat.sim("phone-code", person="li-lei")["code"]}, headers=header(answer))
    client.post(f"/v1/malls/{mall_code}/sign-in/phone-codes", json={"phone": PHONE})
    with psycopg.connect(settings.owner_url) as connection:
        connection.execute(f"SET mallbridge.mall_id = {mall}")
        tables = connection.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace").fetchall()
        dump = "\n".join(
            json.dumps(connection.execute(f'SELECT to_jsonb(t) FROM "{name}" t').fetchall(), default=str) for (name,) in tables
        )
    assert mall and "phone_key" in dump
    for secret in (PHONE, PHONE.encode().hex(), answer.json["refresh_token"].rsplit(".", 1)[1], answer.json["access_token"]):
        assert secret not in dump
