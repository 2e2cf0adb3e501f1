"""Two people invite a third, who sets a password by a link, sets up codes, and signs in with them."""

from __future__ import annotations

import re
import time

import pyotp
from playwright.sync_api import expect

from api.staff.service import second_factors
from tests.browser.conftest import Visit, Windows
from tests.browser.stack import MALL, Stack

PASSWORD = "words of my own 7"
PHONE = {"width": 375, "height": 812}
TABLET = {"width": 820, "height": 1180}


def invite(desk: Visit, window: Windows, stack: Stack, login: str, name: str, role: str) -> str:
    """Somebody at the desk invites somebody, another person agrees, and the first one takes the link."""
    page = desk.open("staff/people?account=new")
    desk.field("姓名").fill(name)
    desk.field("账号").fill(login)
    page.get_by_role("combobox", name="角色").last.click(force=True)
    page.locator(".el-select-dropdown__item:visible", has_text=role).first.click()
    desk.shot("staff-invite")
    page.get_by_role("complementary").get_by_role("button", name="邀请员工").click()
    expect(page.get_by_text("等另一位同事同意后生效")).to_be_visible()
    second = window("office", stack.staff("finance"))
    page = second.open("approvals")
    page.locator("tbody tr").first.click()
    second.shot("staff-invite-approval")
    second.button("同意").click()
    page.get_by_role("dialog").get_by_role("button", name="同意").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    number = stack.rows("SELECT id FROM staff_accounts WHERE login = %s", login)[0][0]
    page = desk.open(f"staff/people?account={number}")
    desk.button("取链接").click()
    address = page.get_by_text(re.compile(rf"/{MALL}/password#")).inner_text()
    desk.shot("staff-link")
    page.reload()
    expect(page.get_by_text("链接已取走，等待本人使用")).to_be_visible()
    return address.strip().partition(f"/{MALL}/")[2]


def code_of(secret: str) -> str:
    """The code of the step to come, which the clock allows and no earlier sign-in used."""
    return str(pyotp.TOTP(secret.replace(" ", "")).at(time.time() + second_factors.SECONDS))


def test_an_invited_person_comes_in_by_link_password_and_codes(desk: Visit, window: Windows, stack: Stack) -> None:
    link = invite(desk, window, stack, "lin.xia", "林夏", "财务")
    own = window("office")
    own.page.set_viewport_size(PHONE)
    page = own.open(link)
    expect(page.get_by_text("林夏")).to_be_visible()
    own.shot("staff-set-password-phone")
    own.field("新密码").fill("short")
    own.field("再输一遍").fill("other")
    own.button("设置密码").click()
    expect(page.get_by_text("两次输入的不一样。")).to_be_visible()
    own.field("新密码").fill(PASSWORD)
    own.field("再输一遍").fill(PASSWORD)
    own.button("设置密码").click()
    expect(page.get_by_text("密码已设好")).to_be_visible()
    page.get_by_role("link", name="登录").click()
    own.field("账号").fill("lin.xia")
    own.field("密码").fill(PASSWORD)
    own.button("登录").click()
    expect(page.get_by_text("请先设置验证码")).to_be_visible()
    own.shot("staff-codes-due-phone")
    page.locator("section").first.locator("input[autocomplete=current-password]").fill(PASSWORD)
    own.button("继续").click()
    secret = page.locator(".secret").inner_text()
    expect(page.locator("img.picture")).to_be_visible()
    assert page.locator("img.picture").evaluate("image => image.naturalWidth") > 0
    own.shot("staff-codes-setup-phone", whole=True)
    page.set_viewport_size(TABLET)
    own.shot("staff-codes-setup-tablet", whole=True)
    own.field("App 显示的 6 位数字").fill(str(pyotp.TOTP(secret.replace(" ", "")).now()))
    own.button("确认").click()
    expect(page.get_by_text("只显示这一次")).to_be_visible()
    assert page.locator(".recovery li").count() == 10
    own.shot("staff-recovery-codes-tablet")
    own.button("已抄好").click()
    expect(page.get_by_text("请先设置验证码")).to_be_hidden()
    page.get_by_role("link", name="林夏").click()
    expect(page.get_by_text("就是这里")).to_be_visible()
    own.shot("staff-own-account-tablet", whole=True)

    page.get_by_role("button", name="退出登录").click()
    own.field("账号").fill("lin.xia")
    own.field("密码").fill(PASSWORD)
    own.button("登录").click()
    expect(page.get_by_text("6 位数字")).to_be_visible()
    page.set_viewport_size(PHONE)
    own.shot("staff-sign-in-code-phone")
    own.field("验证码").fill("000000")
    own.button("登录").click()
    expect(page.get_by_role("alert").first).to_contain_text("验证码不对")
    own.field("验证码").fill(code_of(secret))
    own.button("登录").click()
    expect(page.get_by_role("navigation").first).to_be_visible()

    again = window("office")
    page = again.open(link)
    expect(page.get_by_text("已用过")).to_be_visible()
    again.shot("staff-link-used")


def test_an_administrator_ends_the_sign_ins_of_somebody(desk: Visit, window: Windows, stack: Stack) -> None:
    reviewer = window("office", stack.staff("reviewer"))
    reviewer.open("account")
    expect(reviewer.page.get_by_text("就是这里")).to_be_visible()
    number = stack.rows("SELECT id FROM staff_accounts WHERE login = 'reviewer'")[0][0]
    page = desk.open(f"staff/people?account={number}")
    desk.button("退出全部登录").scroll_into_view_if_needed()
    desk.shot("staff-sign-ins-of-another")
    desk.button("退出全部登录").click()
    expect(page.get_by_text("没有其他登录。")).to_be_visible()
    reviewer.page.reload()
    expect(reviewer.page.locator("input[autocomplete=username]")).to_be_visible()


def test_a_shop_manager_sees_the_own_account_on_the_tablet(tablet: Visit) -> None:
    page = tablet.open("account")
    expect(page.get_by_text("就是这里")).to_be_visible()
    expect(page.get_by_role("heading", name="登录验证码")).to_be_visible()
    tablet.shot("staff-own-account-shop")
