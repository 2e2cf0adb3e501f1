"""Moving to a new phone: the codes of both, a wrong one told at its field, and the phone typed before kept when the page is left."""

from __future__ import annotations

import random

import pytest
import requests
from playwright.sync_api import Page, expect

from api.kit import db
from api.members import phones
from api.members.service import phone_codes
from tests import processes
from tests.browser.conftest import Visit
from tests.browser.stack import Stack


def some_phone() -> str:
    return f"139{random.randrange(10**8):08d}"


def code_sent_to(stack: Stack, phone: str) -> str:
    """What the text message to a phone says."""
    number = phones.normalise(phone)
    text = processes.until(lambda: db.in_mall(stack.mall, lambda: phone_codes.newest_text(number)), 20)
    return str(text).split("验证码 ")[1][:6]


def ask_for_code(page: Page, at: int) -> None:
    """Press the button beside the first or the second box of a code; it counts down then."""
    page.get_by_role("button", name="获取验证码").nth(at).click()
    expect(page.get_by_role("button", name="秒后可重发").first).to_be_visible()


@pytest.fixture
def known(phone: Visit, stack: Stack, person: str) -> tuple[Visit, str]:
    """A shopper whose wallet has told the phone number."""
    held = some_phone()
    requests.post(f"{stack.wechat}/_sim/users", json={"person": person, "phone": held}, timeout=20).raise_for_status()
    code = requests.post(f"{stack.wechat}/_sim/phone-code", json={"person": person}, timeout=20).json()["code"]
    me = stack.join(person)
    stack.told("POST", "/v1/me/phone/wechat", me["access_token"], json={"code": code})
    return phone, held


def test_a_new_phone_needs_the_codes_of_both(known: tuple[Visit, str], stack: Stack) -> None:
    visit, held = known
    page = visit.open("#/pages/identities/identities")
    page.get_by_text("换手机号", exact=True).click()
    expect(page.get_by_text(f"{held[:3]}****{held[-4:]}").last).to_be_visible()
    new = some_phone()
    ask_for_code(page, 0)
    visit.field("新手机号码").fill(new)
    page.get_by_role("button", name="获取验证码").click()
    expect(page.get_by_role("button", name="秒后可重发")).to_have_count(2)
    old_code, new_code = code_sent_to(stack, held), code_sent_to(stack, new)
    visit.field("原手机号收到的验证码").fill(f"{(int(old_code) + 1) % 10**6:06d}")
    visit.field("新手机号收到的验证码").fill(new_code)
    page.get_by_text("换成新手机号", exact=True).click()
    wrong = page.locator(".field.wrong")
    expect(wrong).to_have_count(1)
    expect(wrong).to_contain_text("原手机号收到的验证码")
    expect(wrong).to_contain_text("验证码不对")
    visit.shot("code-wrong")
    visit.field("原手机号收到的验证码").fill(old_code)
    page.get_by_text("换成新手机号", exact=True).click()
    expect(page.get_by_text("已换成这个手机号")).to_be_visible()
    expect(page.get_by_text(f"{new[:3]}****{new[-4:]}").first).to_be_visible()
    visit.shot()


def test_a_member_without_a_phone_joins_one_by_a_code(phone: Visit, stack: Stack) -> None:
    page = phone.open("#/pages/phone/phone")
    expect(page.get_by_text("原手机号收到的验证码")).to_have_count(0)
    new = some_phone()
    phone.field("手机号码").fill(new)
    ask_for_code(page, 0)
    page.reload()
    expect(phone.field("手机号码")).to_have_value(new)
    phone.field("短信验证码").fill(code_sent_to(stack, new))
    phone.button("绑定手机号").click()
    expect(page.get_by_text(f"{new[:3]}****{new[-4:]}").first).to_be_visible()
    phone.shot()
