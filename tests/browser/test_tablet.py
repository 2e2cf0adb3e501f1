"""The shop's tablet: paired by a code, it tells a member's code once, and says what to do when it cannot look through its camera."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from api.kit import db
from tests.browser.conftest import Visit, Windows
from tests.browser.stack import Stack
from tests.factories import make_claimed_sale


def test_a_tablet_is_paired_by_the_managers_code(tablet: Visit, window: Windows) -> None:
    page = tablet.open("tablets")
    page.get_by_role("button", name="生成配对码").first.click()
    code = page.locator(".code").inner_text()
    tablet.shot("pairing-code")
    fresh = window("shop")
    other = fresh.open()
    fresh.field("配对码").fill(code)
    fresh.field("这台平板叫什么").fill("前台平板")
    fresh.shot("pairing")
    other.locator("button[type=submit]").click()
    expect(other.get_by_role("heading", name="收款")).to_be_visible()
    fresh.shot()


def test_a_members_code_counts_once_at_the_till(tablet: Visit, phone: Visit) -> None:
    page = phone.open("#/pages/code/code")
    code = page.locator(".spelled").inner_text().replace(" ", "")
    phone.shot("member-code")
    till = tablet.open("check")
    for answer, name in (("是本商场会员", "code-good"), ("不能使用", "code-used-twice")):
        tablet.field("扫码枪扫，或输入会员码下面的 16 位字符").fill(code)
        till.keyboard.press("Enter")
        expect(till.get_by_text(answer)).to_be_visible()
        tablet.shot(name)


def test_a_code_is_renewed_after_the_phone_slept(phone: Visit) -> None:
    phone.page.clock.install()
    page = phone.open("#/pages/code/code")
    spelled = page.locator(".spelled")
    expect(spelled).to_have_text(re.compile(r"^(\w{4} ){3}\w{4}\s*$"))
    first = spelled.inner_text()
    page.wait_for_timeout(1100)  # two codes of one second can be the same, and the server's clock is not turned
    page.clock.fast_forward("03:00")
    expect(spelled).not_to_have_text(first)
    phone.shot()


def test_the_shops_sales_are_looked_at_day_by_day(tablet: Visit, stack: Stack) -> None:
    shop = stack.rows("SELECT id FROM shops WHERE code = 'T009'")[0][0]
    with db.unit_of_work(stack.mall):
        make_claimed_sale(stack.join("browser-regular")["member"]["number"], shop_id=shop, paid_fen=31_337)
    page = tablet.open("sales")
    row = page.locator("li").filter(has_text="313.37")
    expect(row).to_have_count(1)
    tablet.shot()
    tablet.button("前一天").click()
    expect(page.locator(".number")).not_to_have_text("今天")
    expect(row).to_have_count(0)
    tablet.shot("sales-of-yesterday")
    tablet.button("后一天").click()
    expect(row).to_have_count(1)


def test_a_denied_camera_says_what_to_do(tablet: Visit) -> None:
    # This Chromium reads no codes itself; one that does asks for the camera, which nobody has granted here.
    tablet.context.add_init_script(
        "window.BarcodeDetector = class { static async getSupportedFormats() { return ['qr_code'] } async detect() { return [] } }"
    )
    tablet.open("check")
    tablet.button("用摄像头扫").click()
    expect(tablet.page.get_by_text(re.compile("没有摄像头权限|没有找到摄像头"))).to_be_visible()
    tablet.shot()
