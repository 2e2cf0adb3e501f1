"""A busy address: the phone computes a moment before a code is sent, says so, and stays awake; without codes left it names the wallets."""

from __future__ import annotations

import pytest
import requests
from playwright.sync_api import expect

from api.kit import db
from api.malls import service as malls
from api.members.service import challenges
from tests.browser.conftest import Windows
from tests.browser.stack import MALL, Stack
from tests.browser.test_phones import code_sent_to, some_phone


def busy(stack: Stack) -> None:
    """Ask for codes from this address until it is asked to compute."""
    for _ in range(challenges.ASKED.times + 1):
        answer = requests.post(f"{stack.url}/v1/malls/{MALL}/sign-in/phone-codes", json={"phone": some_phone()}, timeout=20)
    assert answer.status_code == 429 and answer.json()["type"] == "/problems/challenge-needed"


@pytest.mark.parametrize("english", [False, True], ids=["zh", "en"])
def test_a_code_comes_from_a_busy_address_after_a_short_check(window: Windows, stack: Stack, english: bool) -> None:
    busy(stack)
    visit = window("m", english=english)
    page = visit.open("#/pages/sign-in/sign-in")
    page.evaluate("""() => {
        window.seen = [];
        new MutationObserver(() => window.seen.push(document.body.innerText)).observe(
            document.body, {subtree: true, childList: true, characterData: true}
        );
    }""")
    number = some_phone()
    page.get_by_role("checkbox").click()
    visit.field("Phone number" if english else "手机号").first.fill(number)
    page.get_by_role("button", name="Send code" if english else "获取验证码").click()
    expect(page.get_by_role("button", name="Again in" if english else "秒后可重发")).to_be_visible()
    words = "A short safety check" if english else "正在做安全校验"
    assert any(words in text for text in page.evaluate("window.seen"))
    visit.field("Code" if english else "验证码").last.fill(code_sent_to(stack, number))
    visit.shot()
    page.get_by_role("button", name="Sign in" if english else "登录", exact=True).first.click()
    page.wait_for_function("() => Object.keys(localStorage).some((key) => key.startsWith('tokens:'))")


def test_when_no_codes_are_left_the_page_names_the_wallets_and_the_office_sees_it(window: Windows, stack: Stack) -> None:
    with db.unit_of_work(stack.mall):
        malls.change_policy({"texts_mall_hour": 1}, by="staff:1", why="a test")
    try:
        requests.post(f"{stack.url}/v1/malls/{MALL}/sign-in/phone-codes", json={"phone": some_phone()}, timeout=20)
        visit = window("m")
        page = visit.open("#/pages/sign-in/sign-in")
        page.get_by_role("checkbox").click()
        visit.field("手机号").first.fill(some_phone())
        page.get_by_role("button", name="获取验证码").click()
        expect(page.get_by_text("暂时无法发送短信验证码").first).to_be_visible()
        visit.shot()
        desk = window("office", stack.staff("admin"))
        expect(desk.open("today").get_by_text("短信验证码已停发").first).to_be_visible()
        desk.shot("office")
    finally:
        with db.unit_of_work(stack.mall):
            malls.change_policy({"texts_mall_hour": 1_000}, by="staff:1", why="a test")
