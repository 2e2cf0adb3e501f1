"""A stolen session: whoever has the sign-in of somebody else, and nothing more, sets no PIN and spends nothing by a phone of their own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from api.kit import clock, db
from api.kit.db import session
from api.members.models import TextMessage
from api.members.service import phone_codes
from api.messages.models import Message
from api.wallet.service import pins
from tests.conftest import bearer
from tests.members.conftest import Simulator, ask_for_code, check_refused, header
from tests.wallet.conftest import Holder

pytestmark = pytest.mark.attack

OWN, THIEF = "13800138000", "13911112222"
PIN = "258036"


class Visit:
    """A sign-in of a member, whoever has it in hands."""

    def __init__(self, client: FlaskClient, mall: int, mall_code: str, signed_in: Any) -> None:
        self.client, self.mall, self.mall_code = client, mall, mall_code
        self.id, self.headers = signed_in.json["member"]["number"], header(signed_in)

    def sets(self, **proof: str) -> Any:
        return self.client.put("/v1/wallet/pin", json={"pin": PIN} | proof, headers=self.headers)

    def code_to(self, phone: str) -> str:
        """Have a code sent as for signing in, and read it on that phone."""
        clock.fix(clock.now() + timedelta(seconds=61))
        assert ask_for_code(self.client, self.mall_code, phone).status_code == 202
        text = db.in_mall(self.mall, lambda: phone_codes.newest_text("+86" + phone))
        assert text is not None
        return text.split("验证码 ")[1][:6]

    def joins(self, phone: str, old: str | None = None) -> Any:
        body = {"phone": phone, "code": self.code_to(phone)} | ({"old_code": self.code_to(old)} if old else {})
        answer = self.client.put("/v1/me/phone", json=body, headers=self.headers)
        if answer.status_code == 200:
            self.headers = {"Authorization": f"Bearer {answer.json['access_token']}"}
        return answer

    def waits(self, hours: int) -> None:
        """Come back after so long, with a fresh access token."""
        clock.fix(clock.now() + timedelta(hours=hours))
        self.headers = bearer("member", self.id, self.mall)

    def recharges(self) -> None:
        with db.unit_of_work(self.mall):
            Holder(self.id, 0).recharges(50_000)

    def wallet(self) -> Any:
        return self.client.get("/v1/wallet", headers=self.headers).json

    def texts(self, phone: str) -> str:
        return db.in_mall(self.mall, lambda: phone_codes.newest_text("+86" + phone)) or ""

    def inbox(self) -> list[str]:
        query = select(Message.title).where(Message.member_id == self.id).order_by(Message.id)
        return db.in_mall(self.mall, lambda: [title["en"] for title in session.scalars(query)])


@pytest.fixture
def visit(client: FlaskClient, mall: int, mall_code: str, with_wechat: Callable[..., Any]) -> Visit:
    """Signed in with WeChat, ¥500 of stored value, no PIN and no phone yet."""
    own = Visit(client, mall, mall_code, with_wechat("li-lei"))
    own.recharges()
    return own


def test_kind_12_a_session_in_other_hands_sets_no_first_pin(visit: Visit, wechat: Simulator) -> None:
    refused = visit.sets()
    check_refused(refused, 403, "pin-proof-needed")
    assert refused.json["ways"] == ["wechat"] == visit.wallet()["pin_proofs"]
    check_refused(visit.sets(js_code=wechat.sim("login-code", person="thief")["js_code"]), 403, "proof-of-another")
    assert not visit.wallet()["pin_set"]


def test_the_first_pin_is_set_with_a_login_code_of_the_own_wallet_once(visit: Visit, wechat: Simulator) -> None:
    code = wechat.sim("login-code", person="li-lei")["js_code"]
    assert visit.sets(js_code=code).status_code == 204
    check_refused(visit.sets(js_code=wechat.sim("login-code", person="li-lei")["js_code"]), 403, "pin-proof-needed")
    assert visit.wallet()["pin_proofs"] == ["old_pin"]
    assert visit.sets(old_pin=PIN, js_code=code).status_code == 422


def test_a_login_code_counts_once_and_is_of_this_wallet(visit: Visit, wechat: Simulator, alipay: Simulator) -> None:
    code = wechat.sim("login-code", person="li-lei")["js_code"]
    check_refused(visit.sets(js_code="0123456789abcdef"), 401, "login-code-refused")
    check_refused(visit.sets(auth_code=alipay.sim("auth-code", person="li-lei")["code"]), 403, "proof-of-another")
    assert visit.sets(js_code=code).status_code == 204


def test_kind_12_a_phone_that_the_session_joined_proves_no_pin_for_a_time(visit: Visit) -> None:
    assert visit.joins(THIEF).status_code == 200
    refused = visit.client.post("/v1/wallet/pin-codes", headers=visit.headers)
    check_refused(refused, 403, "pin-proof-too-new")
    check_refused(visit.sets(code=visit.code_to(THIEF)), 403, "pin-proof-too-new")
    assert visit.wallet()["pin_proofs"] == ["wechat"]
    visit.waits(72)
    assert visit.sets(code=visit.code_to(THIEF)).status_code == 204


def test_kind_12_a_wallet_that_came_by_a_joined_phone_proves_no_pin_for_a_time(
    visit: Visit,
    client: FlaskClient,
    with_alipay: Callable[..., Any],
    alipay: Simulator,
) -> None:
    thief = Visit(client, visit.mall, visit.mall_code, with_alipay("thief"))
    assert thief.joins(THIEF).status_code == 200
    answer = visit.joins(THIEF)
    assert answer.json["folded"] and answer.json["member"]["number"] == visit.id
    refused = visit.sets(auth_code=alipay.sim("auth-code", person="thief")["code"])
    check_refused(refused, 403, "pin-proof-too-new")
    assert refused.json["ways"] == ["wechat"]


def test_who_signed_in_by_phone_sets_the_first_pin_with_a_code(client: FlaskClient, visit: Visit) -> None:
    body = {"phone": OWN, "code": visit.code_to(OWN), "consent_version": "1"}
    own = Visit(client, visit.mall, visit.mall_code, client.post(f"/v1/malls/{visit.mall_code}/sign-in/phone", json=body))
    check_refused(own.sets(), 403, "pin-proof-needed")
    wrong = own.code_to(OWN)
    check_refused(own.sets(code=f"{(int(wrong) + 1) % 10**6:06d}"), 401, "phone-code-wrong")
    assert own.sets(code=wrong).status_code == 204
    check_refused(own.sets(code=wrong), 401, "phone-code-ended")


def test_kind_12_a_phone_in_place_of_another_one_without_its_code_lets_stored_value_rest(
    visit: Visit,
    client: FlaskClient,
    wechat: Simulator,
) -> None:
    visit.joins(OWN)
    visit.waits(100)
    wechat.sim("users", person="thief", phone=THIEF)
    body = {"code": wechat.sim("phone-code", person="thief")["code"]}
    assert client.post("/v1/me/phone/wechat", json=body, headers=visit.headers).status_code == 200
    assert visit.wallet()["rests_until_at"] is not None
    check_refused(visit.sets(js_code=wechat.sim("login-code", person="li-lei")["js_code"]), 409, "wallet-resting")
    assert "储值暂停使用" in visit.texts(OWN) and visit.inbox() == ["Your phone number was changed"]


def test_a_phone_changed_with_the_codes_of_both_is_told_and_nothing_rests(visit: Visit) -> None:
    visit.joins(OWN)
    visit.waits(100)
    assert visit.joins(THIEF, old=OWN).status_code == 200
    assert visit.wallet()["rests_until_at"] is None
    assert "改绑到 139****2222" in visit.texts(OWN) and "储值" not in visit.texts(OWN)
    assert visit.inbox() == ["Your phone number was changed"]
    assert visit.wallet()["pin_proofs"] == ["code", "wechat"]  # what the phone before proved goes over


def test_of_two_first_pins_at_once_one_is_set(visit: Visit, wechat: Simulator, app: Any) -> None:
    codes = [wechat.sim("login-code", person="li-lei")["js_code"] for _ in range(6)]

    def sets(number: int) -> int:
        body = {"pin": f"25803{number}", "js_code": codes[number]}
        return int(app.test_client().put("/v1/wallet/pin", json=body, headers=visit.headers).status_code)

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(sets, range(6)))
    assert sorted(answers) == [204] + [403] * 5
    with db.unit_of_work(visit.mall):
        pins.verify(visit.id, f"25803{answers.index(204)}")


def test_nobody_is_told_of_a_first_phone_by_text(visit: Visit) -> None:
    visit.joins(OWN)
    with db.unit_of_work(visit.mall):
        assert len(session.scalars(select(TextMessage)).all()) == 1  # the code
    assert visit.inbox() == []
