"""Money at the shop's tablet: a payment rings, a code is charged, money goes back, and a dropped network is told."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit, Windows
from tests.browser.stack import SHOP_STAFF, Stack

#: Counts what the tablet plays, without playing it.
RINGS = """
window.rung = 0
const begin = OscillatorNode.prototype.start
OscillatorNode.prototype.start = function (...at) { window.rung += 1; return begin.apply(this, at) }
"""


@pytest.fixture
def shopper(stack: Stack, person: str) -> str:
    """The token of somebody with a phone."""
    return str(stack.join(person)["access_token"])


@pytest.fixture
def till(tablet: Visit) -> Visit:
    """The café's tablet, listening, with its sound on."""
    tablet.context.add_init_script(RINGS)
    page = tablet.open("payments")
    expect(page.get_by_text("实时接收中")).to_be_visible()
    page.get_by_role("heading", name="收款").click()
    expect(page.get_by_text("声音还没有开启")).to_have_count(0)
    return tablet


def keyed(page: Page, amount: str) -> None:
    """Type an amount on the pad."""
    for key in amount:
        page.locator(".keys button", has_text=key).first.click()


def test_a_payment_rings_on_the_tablet_within_a_second(till: Visit, stack: Stack, shopper: str) -> None:
    page, before = till.page, stack.told("GET", "/v1/shop/payments/day", till.access())
    stack.buys(shopper, 3_850, remark="两杯拿铁，少冰")
    committed = time.monotonic()
    expect(page.locator(".ring .sum")).to_have_text("¥38.50")
    assert time.monotonic() - committed < 1
    total = f"¥{(before['total_fen'] + 3_850) / 100:,.2f}"
    expect(page.get_by_text(f"今日第 {before['count'] + 1} 笔，共 {total}")).to_be_visible()
    assert page.evaluate("window.rung") == 3
    till.shot("tablet-payment-rings")
    expect(page.locator(".total")).to_have_text(total)
    expect(page.locator("li").filter(has_text="两杯拿铁，少冰")).to_have_count(1)
    page.reload()
    expect(page.get_by_text("实时接收中")).to_be_visible()
    page.wait_for_timeout(1_500)
    expect(page.locator(".ring .sum")).to_have_count(0)


def test_a_payment_of_a_cut_line_rings_once_the_line_is_back(till: Visit, stack: Stack, shopper: str) -> None:
    page = till.page
    till.offline()
    expect(page.get_by_text("实时连接已断开")).to_be_visible()
    stack.buys(shopper, 1_234)
    till.shot("tablet-offline")
    expect(page.locator(".ring .sum")).to_have_count(0)
    till.offline(False)
    expect(page.locator(".ring .sum")).to_have_text("¥12.34")
    expect(page.get_by_text("实时接收中")).to_be_visible()
    assert page.evaluate("window.rung") == 3


def test_a_payment_rings_over_every_page(till: Visit, stack: Stack, shopper: str) -> None:
    page = till.page
    page.get_by_role("link", name="扫付款码收款").click()
    stack.buys(shopper, 2_000)
    expect(page.locator(".ring .sum")).to_have_text("¥20.00")
    till.shot("tablet-rings-over-charge")
    till.button("知道了").click()
    expect(page.locator(".ring .sum")).to_have_count(0)


def code(stack: Stack, wallet: str, person: str, **said: Any) -> str:
    """The payment code on somebody's phone."""
    told = stack.sim(wallet, "auth-pay-code", person=person, **said)
    return str(told.get("auth_code") or told["code"])


def test_a_code_is_charged_after_the_shopper_typed_a_password(tablet: Visit, stack: Stack, person: str) -> None:
    stack.join(person)
    page = tablet.open("charge")
    keyed(page, "42.50")
    tablet.shot("tablet-charge-amount")
    tablet.button("下一步：扫码收 ¥42.50").click()
    page.keyboard.type(code(stack, "wechat", person, needs_password=True))
    tablet.shot("tablet-charge-code")
    page.keyboard.press("Enter")
    expect(page.get_by_text("等顾客输入密码")).to_be_visible()
    tablet.shot("tablet-charge-password")
    page.reload()
    expect(page.get_by_text("等顾客输入密码")).to_be_visible()
    order = stack.rows("SELECT number FROM orders WHERE kind = 'charge' ORDER BY id DESC LIMIT 1")[0][0]
    stack.sim("wechat", "pay", out_trade_no=stack.payment(order))
    expect(page.get_by_text("收款成功")).to_be_visible()
    expect(page.get_by_text("顾客得到 42 分")).to_be_visible()
    tablet.shot("tablet-charge-paid")
    tablet.button("下一笔").click()
    expect(page.locator(".shown")).to_have_text("¥0")


def test_a_charge_is_given_up_and_a_spent_code_is_refused(tablet: Visit, stack: Stack, person: str) -> None:
    stack.join(person)
    page = tablet.open("charge")
    keyed(page, "9")
    tablet.button("下一步：扫码收 ¥9.00").click()
    page.keyboard.type(code(stack, "alipay", person, needs_password=True))
    page.keyboard.press("Enter")
    expect(page.get_by_text("等顾客输入密码")).to_be_visible()
    tablet.button("撤销这一笔").click()
    expect(page.get_by_text("没有收成")).to_be_visible()
    tablet.shot("tablet-charge-cancelled")
    tablet.button("换一个码再收").click()
    page.keyboard.type("7" * 18)
    page.keyboard.press("Enter")
    expect(page.get_by_text("这不是微信、支付宝或商场钱包的付款码。")).to_be_visible()
    tablet.shot("tablet-charge-refused")


@pytest.mark.parametrize("times", [1, 3])
def test_an_answer_that_is_lost_never_charges_twice(tablet: Visit, stack: Stack, person: str, times: int) -> None:
    """The tablet asks again by itself; where that does not help either, the cashier does."""
    stack.join(person)
    page = tablet.open("charge")
    keyed(page, "15")
    tablet.button("下一步：扫码收 ¥15.00").click()
    before = stack.rows("SELECT count(*) FROM orders")[0][0]
    lost: list[int] = []

    def lose(route: Any) -> None:
        lost.append(route.fetch().status)
        route.abort()

    page.route("**/v1/shop/charges", lose, times=times)
    page.keyboard.type(code(stack, "wechat", person))
    page.keyboard.press("Enter")
    expect(page.get_by_text("还不知道结果")).to_be_visible()
    if times > 1:
        expect(tablet.button("再问一次")).to_be_visible(timeout=15_000)
        tablet.shot("tablet-charge-unknown")
        tablet.button("再问一次").click()
    expect(page.get_by_text("收款成功")).to_be_visible(timeout=15_000)
    assert (lost, stack.rows("SELECT count(*) FROM orders")[0][0]) == ([201] * times, before + 1)


def test_money_goes_back_by_reason_and_a_large_sum_waits_for_the_mall(till: Visit, stack: Stack, shopper: str) -> None:
    small, large = stack.buys(shopper, 5_000), stack.buys(shopper, 180_000)
    page = till.open(f"payments?open={small['number']}")
    till.button("退款").click()
    page.get_by_role("radio", name="指定金额").click()
    keyed(page, "12.34")
    till.shot("tablet-refund")
    till.button("退款 ¥12.34").click()
    expect(page.get_by_text("请选择退款原因。")).to_be_visible()
    page.get_by_role("radio", name="金额输错").click()
    till.button("退款 ¥12.34").click()
    expect(page.get_by_text("已退 ¥12.34，按原路退回。")).to_be_visible()
    till.shot("tablet-refunded", whole=True)
    page = till.open(f"payments?open={large['number']}")
    till.button("退款").click()
    page.get_by_role("radio", name="顾客退货").click()
    till.button("退款 ¥1,800.00").click()
    expect(page.get_by_text("等待商场的另一位同事批准")).to_be_visible()
    till.shot("tablet-refund-waits", whole=True)


def test_nothing_moves_from_under_a_finger_when_a_payment_rings(till: Visit, stack: Stack, shopper: str) -> None:
    page = till.open(f"payments?open={stack.buys(shopper, 3_300)['number']}")
    button = till.button("退款")
    before = button.bounding_box()
    stack.buys(shopper, 4_400)
    expect(page.locator(".ring .sum")).to_have_text("¥44.00")
    assert button.bounding_box() == before
    till.shot("tablet-payment-rings-below")


def test_a_tablet_that_may_not_sound_says_so_below_the_page(tablet: Visit) -> None:
    # As in a browser where nobody has touched the page yet.
    tablet.context.add_init_script("""
    Object.defineProperty(AudioContext.prototype, 'state', { get() { return this.touched ? 'running' : 'suspended' } })
    AudioContext.prototype.resume = async function () { this.touched = true; this.onstatechange?.() }
    """)
    page = tablet.open("payments")
    heading = page.get_by_role("heading", name="收款")
    before = heading.bounding_box()
    expect(page.get_by_text("声音还没有开启")).to_be_visible()
    assert heading.bounding_box() == before
    tablet.shot("tablet-mute")
    heading.click()
    expect(page.get_by_text("声音还没有开启")).to_have_count(0)


def test_a_tablet_without_a_person_says_who_may_give_money_back(window: Windows, tablet: Visit, stack: Stack, shopper: str) -> None:
    bought = stack.buys(shopper, 700)
    page = tablet.open("tablets")
    page.get_by_role("button", name="生成配对码").first.click()
    pairing = page.locator(".code").inner_text()
    fresh = window("shop")
    fresh.open()
    fresh.field("配对码").fill(pairing)
    fresh.field("这台平板叫什么").fill("退款平板")
    fresh.page.locator("button[type=submit]").click()
    expect(fresh.page.get_by_role("heading", name="收款")).to_be_visible()
    fresh.open(f"payments?open={bought['number']}")
    expect(fresh.page.get_by_text("退款须由店长或店员")).to_be_visible()
    expect(fresh.page.get_by_role("button", name="退款", exact=True)).to_have_count(0)


def test_an_alarm_about_the_plate_stays_until_somebody_looked(till: Visit, stack: Stack) -> None:
    shop = stack.rows("SELECT id FROM shops WHERE code = 'T009'")[0][0]
    admin = stack.staff("admin")["access_token"]
    said = {"scanned": "https://elsewhere.example/pay", "shop_id": shop, "looks_right": False, "note": "被贴了别的码"}
    stack.told("POST", "/v1/office/plate-checks", admin, json=said)
    page = till.page
    expect(page.get_by_role("alert").filter(has_text="巡检发现柜台上的码牌不对")).to_be_visible()
    till.shot("tablet-plate-alarm")
    page.reload()
    expect(page.get_by_text("巡检发现柜台上的码牌不对")).to_be_visible()
    till.button("已查看").click()
    page.reload()
    expect(page.get_by_role("heading", name="收款")).to_be_visible()
    expect(page.get_by_text("巡检发现柜台上的码牌不对")).to_have_count(0)


def test_cards_are_looked_at_without_a_charge(tablet: Visit, stack: Stack, shopper: str) -> None:
    shown = stack.told("POST", "/v1/wallet/pay-code", shopper)["code"]
    page = tablet.open("cards")
    expect(tablet.button("查询")).to_be_visible()
    page.keyboard.type(shown)
    page.keyboard.press("Enter")
    expect(page.get_by_text("这位顾客没有储值卡。")).to_be_visible()
    page.keyboard.type(shown)
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile("付款码已经用过"))).to_be_visible()
    tablet.shot("tablet-cards")


def test_the_tills_pages_in_english_and_dark(window: Windows, stack: Stack, shopper: str) -> None:
    bought = stack.buys(shopper, 123_456, remark="两杯拿铁少冰燕麦奶，一块蛋糕带走，" * 5)
    pages = {"feed": "payments", "one": f"payments?open={bought['number']}", "charge": "charge", "cards": "cards"}
    for dark in (False, True):
        for english in (False, True):
            visit = window("shop", stack.staff(SHOP_STAFF), dark=dark, english=english)
            for name, address in pages.items():
                page = visit.open(address)
                expect(page.locator("main h1").first).to_be_visible()
                page.wait_for_timeout(700)
                visit.shot(f"till-{name}")
