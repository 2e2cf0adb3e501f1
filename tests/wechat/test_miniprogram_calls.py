"""One token for many workers, codes that open a page, fulfilment, and content checks."""

from __future__ import annotations

import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from threading import Barrier
from typing import Any

import pytest
import requests

from tests.wechat.conftest import Simulator, now
from tests.wechat.test_miniprogram import login_code, phone_code
from tests.wechat.test_pay import paid, placed
from wechat.client import PayClient
from wechat.errors import (
    BadMessage,
    BadScene,
    BadToken,
    MiniProgramRefused,
    ShippingRefused,
    ShippingUnknown,
    UserAway,
)
from wechat.miniprogram import AccessToken, MemoryTokens, MiniProgram, Shipping


def told(wechat: Simulator) -> dict[str, Any]:
    said: dict[str, Any] = requests.get(f"{wechat.url}/_sim/mini-program", timeout=5).json()
    return said


def worker(wechat: Simulator, tokens: MemoryTokens) -> MiniProgram:
    """A worker of its own that shares the store with the others."""
    settings = wechat.settings
    return MiniProgram(settings.appid, settings.secret, clock=now, base_url=wechat.url, tokens=tokens)


def at_once(deeds: list[Callable[[], Any]]) -> list[Any]:
    gate = Barrier(len(deeds))

    def run(deed: Callable[[], Any]) -> Any:
        gate.wait()
        return deed()

    with ThreadPoolExecutor(len(deeds)) as many:
        return list(many.map(run, deeds))


def test_of_thirty_workers_without_a_token_one_asks_for_it(wechat: Simulator) -> None:
    tokens = MemoryTokens()
    before = told(wechat)["tokens"]["asked"]
    values = at_once([worker(wechat, tokens).access_token for _ in range(30)])
    assert len(set(values)) == 1
    assert told(wechat)["tokens"]["asked"] == before + 1


def test_of_thirty_workers_whose_token_is_refused_one_renews_it(wechat: Simulator) -> None:
    tokens = MemoryTokens()
    workers = [worker(wechat, tokens) for _ in range(30)]
    old = workers[0].access_token()
    requests.delete(f"{wechat.url}/_sim/tokens", timeout=5)
    before = told(wechat)["tokens"]["asked"]
    codes = [phone_code(wechat, f"shopper-{n}") for n in range(30)]
    numbers = at_once([lambda one=one, code=code: one.phone_number(code) for one, code in zip(workers, codes, strict=True)])
    assert all(number.country_code == "86" for number in numbers)
    assert told(wechat)["tokens"]["asked"] == before + 1
    assert workers[0].access_token() != old


def test_a_token_that_is_refused_twice_is_told(wechat: Simulator) -> None:
    class Stubborn(MemoryTokens):
        def get(self, appid: str) -> AccessToken | None:
            kept = super().get(appid)
            return AccessToken(f"{kept.value}-spoilt", kept.expires_at) if kept else None

        def lock(self, appid: str) -> AbstractContextManager[object]:
            return super().lock(appid)

        def put(self, appid: str, token: AccessToken) -> None:
            super().put(appid, token)
            requests.delete(f"{wechat.url}/_sim/tokens", timeout=5)

    with pytest.raises(BadToken):
        worker(wechat, Stubborn()).phone_number(phone_code(wechat))


def test_a_code_is_a_picture_that_carries_its_scene(wechat: Simulator, mini: MiniProgram) -> None:
    picture = mini.unlimited_code("k7q2m9xw4tzr", "pages/plate/plate", width=300)
    assert picture.startswith(b"\x89PNG") and struct.unpack(">II", picture[16:24]) == (300, 300)
    made = told(wechat)["codes"][-1]
    assert (made["scene"], made["page"], made["env_version"]) == ("k7q2m9xw4tzr", "pages/plate/plate", "release")


@pytest.mark.parametrize("scene", ["", "x" * 33, "a%20b", "a b", "楼层", "a\n", "１２"])
def test_a_scene_that_no_code_carries_is_refused_before_asking(wechat: Simulator, mini: MiniProgram, scene: str) -> None:
    before = len(told(wechat)["codes"])
    with pytest.raises(BadScene):
        mini.unlimited_code(scene, "pages/plate/plate")
    raw = requests.post(
        f"{wechat.url}/wxa/getwxacodeunlimit",
        params={"access_token": mini.access_token()},
        json={"scene": scene, "page": "pages/plate/plate"},
        timeout=5,
    )
    assert (raw.status_code, raw.json()["errcode"]) == (200, 40129)
    assert len(told(wechat)["codes"]) == before


def test_every_visible_character_that_is_allowed_fits_a_scene(wechat: Simulator, mini: MiniProgram) -> None:
    assert mini.unlimited_code("!#$&'()*+,/:;=?@-._~", "pages/plate/plate")


def test_a_refusal_where_a_picture_would_be_is_an_error(wechat: Simulator, mini: MiniProgram) -> None:
    with pytest.raises(BadMessage) as refused:
        mini.unlimited_code("a", "/pages/plate/plate")
    assert refused.value.errcode == 41030
    with pytest.raises(MiniProgramRefused):
        mini.unlimited_code("a", "pages/plate/plate", width=100)
    wechat.sim("pages", pages=["pages/index/index"])
    try:
        with pytest.raises(BadMessage):
            mini.unlimited_code("a", "pages/plate/plate")
        assert mini.unlimited_code("a", "pages/plate/plate", check_page=False)
    finally:
        wechat.sim("pages", pages=[])


def test_a_code_survives_a_token_that_was_revoked(wechat: Simulator, mini: MiniProgram) -> None:
    mini.access_token()
    requests.delete(f"{wechat.url}/_sim/tokens", timeout=5)
    assert mini.unlimited_code("a", "pages/plate/plate").startswith(b"\x89PNG")


def shipping(wechat: Simulator, pay: PayClient, **changed: Any) -> Shipping:
    seen = pay.query(paid(wechat, pay))
    said = {"transaction_id": seen.transaction_id, "payer_openid": seen.payer_openid, "item": "一楼 奶茶 到店消费"}
    return Shipping(**{**said, **changed})


def test_a_payment_is_reported_as_fulfilled_once_and_again_is_harmless(wechat: Simulator, pay: PayClient, mini: MiniProgram) -> None:
    report = shipping(wechat, pay)
    for _ in range(2):
        mini.report_shipping(report)
    [seen] = told(wechat)["shipped"][report.transaction_id]
    assert (seen["logistics_type"], seen["shipping_list"]) == (4, [{"item_desc": "一楼 奶茶 到店消费"}])


def test_an_express_parcel_names_its_carrier(wechat: Simulator, pay: PayClient, mini: MiniProgram) -> None:
    with pytest.raises(ShippingRefused):
        mini.report_shipping(shipping(wechat, pay, kind="express"))
    mini.report_shipping(shipping(wechat, pay, kind="express", tracking_no="SF1234", express_company="SF"))


@pytest.mark.parametrize("changed", [{"item": ""}, {"item": "字" * 121}, {"payer_openid": "oSomebodyElse"}])
def test_a_wrong_report_is_refused(wechat: Simulator, pay: PayClient, mini: MiniProgram, changed: dict[str, Any]) -> None:
    with pytest.raises(ShippingRefused) as refused:
        mini.report_shipping(shipping(wechat, pay, **changed))
    assert 10060000 < refused.value.errcode < 10060032


def test_a_payment_that_wechat_does_not_know_is_told(wechat: Simulator, pay: PayClient, mini: MiniProgram) -> None:
    placed(wechat, pay)
    with pytest.raises(ShippingUnknown):
        mini.report_shipping(shipping(wechat, pay, transaction_id="4200000000000000000000000000"))


def test_a_text_is_judged(wechat: Simulator, mini: MiniProgram) -> None:
    wechat.sim("words", word="赌场", suggest="risky", label=20006)
    openid = wechat.openid("li-lei")
    good, bad = mini.check_text(openid, "味道很好"), mini.check_text(openid, "网上赌场", title="评价", nickname="李雷")
    assert (good.suggest, good.label) == ("pass", 100)
    assert (bad.suggest, bad.label) == ("risky", 20006)
    assert good.trace_id != bad.trace_id


def test_a_text_is_judged_only_for_who_was_here_within_two_hours(wechat: Simulator, mini: MiniProgram) -> None:
    openid = mini.code_to_session(login_code(wechat, "absent")).openid
    wechat.sim("clock", advance=2 * 3600 + 60)
    try:
        with pytest.raises(UserAway):
            mini.check_text(openid, "味道很好")
    finally:
        wechat.sim("clock", advance=-2 * 3600 - 60)
        requests.delete(f"{wechat.url}/_sim/tokens", timeout=5)


@pytest.mark.parametrize(("openid", "content", "errcode"), [("oNobody", "好", 40003), (None, "", 47003), (None, "字" * 2501, 47003)])
def test_a_text_of_nobody_or_of_no_length_is_refused(
    wechat: Simulator, mini: MiniProgram, openid: str | None, content: str, errcode: int
) -> None:
    with pytest.raises(BadMessage) as refused:
        mini.check_text(openid or wechat.openid("li-lei"), content)
    assert refused.value.errcode == errcode
