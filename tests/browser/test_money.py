"""A shopper's money on the phone: a plate paid by points, card and wallet at once; recharge; paying before joining; giving up; refunds."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from api.kit import db
from tests.browser.conftest import Visit, Windows
from tests.browser.stack import MALL, Stack
from tests.browser.test_accessible import grave

ARRIVES = 60_000  # ms for a notice to be handled while other tests use the same two cores


@pytest.fixture
def plate(stack: Stack) -> str:
    """The code on the café's counter."""
    return stack.plate()


def give_points(stack: Stack, member: int, points: int) -> None:
    """Points that somebody has already."""
    from api.points import service

    with db.unit_of_work(stack.mall):
        service.grant(member, points, cause_type="browser-test", cause_id=member)


def press(page: Page, amount: str) -> None:
    """Type an amount on the pad."""
    for key in amount:
        name = "小数点" if key == "." else key
        page.get_by_role("group", name="金额键盘").get_by_role("button", name=name, exact=True).click()


def agree(page: Page, yes: bool = True) -> None:
    """What one does in the wallet that opened."""
    page.locator(".uni-modal__btn_primary" if yes else ".uni-modal__btn_default").click()


def number_of(page: Page) -> str:
    """The number of the order that is shown."""
    found = re.search(r"number=(\d+)", page.url)
    assert found is not None
    return found.group(1)


@pytest.mark.parametrize("look", [{}, {"dark": True, "english": True}], ids=["light-zh", "dark-en"])
def test_points_stored_value_and_wechat_pay_a_plate_in_one_payment(
    window: Windows, stack: Stack, person: str, plate: str, look: dict[str, bool]
) -> None:
    english = look.get("english", False)

    def say(zh: str, en: str) -> str:
        return en if english else zh

    signed = stack.join(person)
    stack.recharge(signed["access_token"])
    give_points(stack, signed["member"]["number"], 2_050)
    visit = window("m", signed, **look)
    page = visit.page
    page.goto(f"{stack.url}/q/{plate}")  # as any scanner would
    expect(page.get_by_text("木棉咖啡").first).to_be_visible()
    expect(page.get_by_text("L1-02").first).to_be_visible()
    visit.shot("money-plate")
    pad = page.get_by_role("group", name=say("金额键盘", "Amount keys"))
    for key in "600":
        pad.get_by_role("button", name=key, exact=True).click()
    page.get_by_role("button", name=say("付款 ¥600.00", "Pay ¥600.00"), exact=True).click()
    # 2,000 of 2,050 points pay ¥20 (in hundreds), the card its ¥530.
    expect(page.get_by_text(say("2,000 积分抵 ¥20.00", "2,000 points pay ¥20.00")).first).to_be_visible()
    visit.shot("money-sheet")
    assert grave(page) == []
    expect(page.get_by_text(say("您还没有设置", "you have none yet"))).to_be_visible()
    page.get_by_role("button", name=say("去设置", "Set a PIN"), exact=True).click()
    for label in (say("新密码", "New PIN"), say("再输一次", "The same again")):
        visit.field(label).fill("280619")
    visit.shot("money-pin")
    page.get_by_role("button", name=say("保存", "Save"), exact=True).click()
    page.get_by_role("button", name=say("好的", "All right"), exact=True).click()
    visit.field(say("支付密码", "Payment PIN")).fill("111222")
    button = page.get_by_role("button", name=re.compile("微信支付 ¥50.00|WeChat Pay ¥50.00"))
    button.click()
    expect(page.get_by_text(say("还可以试 4 次", "4 tries left"))).to_be_visible()
    visit.shot("money-pin-wrong")
    visit.field(say("支付密码", "Payment PIN")).fill("280619")
    button.dblclick()
    agree(page)
    expect(page.get_by_text(say("付款成功", "Paid"), exact=True).first).to_be_visible(timeout=ARRIVES)
    # Money and principal earn (50 + 500), bonus and points do not.
    expect(page.get_by_text("+550").first).to_be_visible()
    expect(page.get_by_text(re.compile(r"1 分/元|point.*yuan", re.I)).first).to_be_visible()
    visit.shot("money-result")
    # The shop invoices the wallet's money and the principal, on its own page.
    expect(page.get_by_text("550.00").last).to_be_visible()
    assert grave(page) == []
    visit.context.route("https://invoice.example.com/*", lambda route: route.fulfill(body="the shop's own page"))
    with page.expect_popup() as invoicing:
        page.get_by_role("button", name=say("去开票", "Ask for an invoice"), exact=True).click()
    assert invoicing.value.url == "https://invoice.example.com/T009"
    invoicing.value.close()
    visit.shot("money-result-whole", whole=True)
    orders = stack.told("GET", "/v1/orders", visit.access())["items"]
    assert [(one["kind"], one["state"], one["total_fen"], one["gateway_fen"]) for one in orders] == [
        ("plate", "paid", 60_000, 5_000), ("recharge", "paid", 50_000, 50_000),
    ]  # fmt: skip
    tenders = {one["tender"]: one["amount_fen"] for one in stack.told("GET", f"/v1/orders/{number_of(page)}", visit.access())["tenders"]}
    assert tenders == {"gateway": 5_000, "stored_principal": 50_000, "stored_bonus": 3_000, "points": 2_000}


def test_a_recharge_brings_its_bonus(phone: Visit, stack: Stack) -> None:
    page = phone.open("#/pages/wallet/wallet")
    expect(page.get_by_text("还没有储值变动")).to_be_visible()
    phone.shot("money-wallet-empty")
    phone.button("充值").click()
    page.get_by_role("radio", name=re.compile("充 1000 送 100")).click()
    phone.shot("money-recharge")
    phone.button("充值 ¥1,000.00").click()
    phone.button("微信支付 ¥1,000.00").click()
    agree(page)
    expect(page.get_by_text("充值成功", exact=True)).to_be_visible(timeout=ARRIVES)
    phone.shot("money-recharged")
    phone.button("查看储值").click()
    expect(page.get_by_text("1,100.00").filter(visible=True).first).to_be_visible()
    page.get_by_role("button", name=re.compile(r"\*\*\*\*")).first.click()
    phone.shot("money-wallet", whole=True)
    held = stack.told("GET", "/v1/wallet", phone.access())
    assert (held["principal_fen"], held["bonus_fen"]) == (100_000, 10_000)


def test_somebody_pays_before_joining_and_claims_the_points(window: Windows, stack: Stack, person: str, plate: str) -> None:
    visit = window("m")
    page = visit.open(f"#/pages/plate/plate?code={plate}")
    press(page, "88.5")
    visit.button("付款 ¥88.50").click()
    expect(page.get_by_text("加入会员，这一笔就能用积分和储值")).to_be_visible()
    visit.field("扮演谁").fill(person)
    visit.shot("money-visitor")
    visit.button("不加入，直接用微信付").click()
    visit.button("微信支付 ¥88.50").click()
    agree(page)
    expect(page.get_by_text("付款成功", exact=True)).to_be_visible(timeout=ARRIVES)
    expect(page.get_by_text("加入会员，把这一笔的积分领走")).to_be_visible()
    visit.shot("money-result-visitor")
    visit.button("加入并领取积分").click()
    page.get_by_role("checkbox").click()
    visit.field("扮演谁").fill(person)
    visit.button("微信登录").click()
    expect(page.get_by_text("+88").first).to_be_visible(timeout=ARRIVES)
    visit.shot("money-claimed")
    assert stack.told("GET", "/v1/points", visit.access())["balance"] + stack.told("GET", "/v1/points", visit.access())["pending"] == 88


def test_an_order_that_was_given_up_frees_what_it_held(phone: Visit, stack: Stack, plate: str) -> None:
    page = phone.open(f"#/pages/plate/plate?code={plate}")
    give_points(stack, stack.told("GET", "/v1/me", phone.access())["number"], 500)
    press(page, "50")
    phone.button("付款 ¥50.00").click()
    phone.button("微信支付 ¥45.00").click()
    agree(page, yes=False)
    expect(page.get_by_text("等待付款", exact=True)).to_be_visible()
    assert stack.told("GET", "/v1/points", phone.access())["balance"] == 0
    expect(page.get_by_text("刚才没有付款，可以再付一次，或者取消。")).to_be_visible()
    phone.shot("money-held")
    phone.open("#/")
    expect(page.get_by_text(re.compile("等待付款：木棉咖啡"))).to_be_visible()
    phone.shot("money-home")
    page.get_by_text(re.compile("等待付款：木棉咖啡")).click()
    phone.button("取消这一单").click()
    expect(page.get_by_text("这一单已关闭", exact=True)).to_be_visible()
    phone.shot("money-closed")
    assert stack.told("GET", "/v1/points", phone.access())["balance"] == 500


def test_a_held_order_is_paid_by_the_same_wallet_on_a_second_try(phone: Visit, plate: str) -> None:
    page = phone.open(f"#/pages/plate/plate?code={plate}")
    press(page, "18")
    phone.button("付款 ¥18.00").click()
    phone.button("微信支付 ¥18.00").click()
    agree(page, yes=False)
    phone.button("微信支付 ¥18.00").click()
    agree(page)
    expect(page.get_by_text("付款成功", exact=True)).to_be_visible(timeout=ARRIVES)


def test_a_refund_is_seen_on_the_phone(phone: Visit, stack: Stack, plate: str) -> None:
    page = phone.open(f"#/pages/plate/plate?code={plate}")
    press(page, "100")
    phone.button("付款 ¥100.00").click()
    phone.button("微信支付 ¥100.00").click()
    agree(page)
    expect(page.get_by_text("付款成功", exact=True)).to_be_visible(timeout=ARRIVES)
    order = number_of(page)
    desk = stack.staff("admin")["access_token"]
    stack.told("POST", f"/v1/office/orders/{order}/refunds", desk, json={"amount_fen": 4_000, "reason": "少了一杯"})
    phone.open("#/pages/messages/messages")
    page.get_by_role("button", name=re.compile("退款")).first.click()
    expect(page.get_by_text("¥40.00 原路退回微信支付").first).to_be_visible()
    expect(page.get_by_text("已退回", exact=True)).to_be_visible(timeout=ARRIVES)
    phone.shot("money-refund", whole=True)
    phone.open("#/pages/orders/orders")
    expect(page.get_by_text("已退 ¥40.00")).to_be_visible()
    phone.shot("money-orders")


def test_the_amount_that_changed_is_shown_before_it_is_paid(phone: Visit, stack: Stack, plate: str) -> None:
    page = phone.open(f"#/pages/plate/plate?code={plate}")
    give_points(stack, stack.told("GET", "/v1/me", phone.access())["number"], 1_000)
    press(page, "60")
    phone.button("付款 ¥60.00").click()
    expect(phone.button("微信支付 ¥50.00")).to_be_visible()
    # Another device spends the points meanwhile.
    body = {"purchase": {"kind": "plate", "plate": plate, "amount_fen": 10_000}, "expected_fen": 9_000, "channel": "wechat"}
    stack.told("POST", "/v1/orders", phone.access(), json=body)
    phone.button("微信支付 ¥50.00").click()
    expect(page.get_by_text("原来 ¥50.00，现在 ¥60.00")).to_be_visible()
    expect(phone.button("微信支付 ¥60.00")).to_be_visible()
    phone.shot("money-changed")


def test_the_pay_code_is_good_again_after_the_phone_slept(phone: Visit, stack: Stack) -> None:
    page = phone.page
    page.clock.install()
    phone.open("#/pages/pay-code/pay-code")
    digits = page.locator(".spelled")
    expect(digits).to_have_text(re.compile(r"^90"))
    first = digits.inner_text()
    phone.shot("money-pay-code")
    page.clock.fast_forward("10:00")
    expect(digits).not_to_have_text(first)


def test_a_plate_that_is_none_is_refused_kindly(window: Windows) -> None:
    visit = window("m")
    page = visit.open("#/pages/plate/plate?code=aaaaaaaaaaaa")
    expect(page.get_by_text("这不是本商场的码牌。")).to_be_visible()
    visit.shot("money-no-plate")
    visit.button("重新扫码").click()
    expect(page.get_by_text("浏览器里不能扫码")).to_be_visible()
    visit.field("码牌上的网址").fill(f"https://example.test/m/{MALL}/")
    visit.button("打开").click()
    expect(page.get_by_text("这不是商场的码牌，请不要付款，并告诉店员。")).to_be_visible()
    visit.shot("money-scan")


def test_alipay_pays_an_amount_of_which_a_part_takes_no_benefits(window: Windows, stack: Stack, person: str) -> None:
    visit = window("m")
    page = visit.open(f"#/pages/plate/plate?code={stack.plate('T001')}&wallet=alipay")
    press(page, "80")
    page.get_by_role("switch", name="有不参与优惠的部分").click()
    press(page, "95")
    visit.button("付款 ¥80.00").click()
    expect(page.get_by_text("不参与优惠的金额不能超过付款金额。")).to_be_visible()
    visit.shot("money-excluded-wrong")
    page.get_by_role("button", name="删一位").click()
    press(page, ".5")
    visit.shot("money-excluded")
    visit.button("付款 ¥80.00").click()
    visit.button("登录 / 加入会员再付").click()
    page.get_by_role("checkbox").click()
    visit.field("扮演谁").fill(person)
    visit.button("支付宝登录").click()
    expect(page.get_by_text("不参与优惠部分 ¥9.50")).to_be_visible()
    visit.button("支付宝 ¥80.00").click()
    agree(page)
    expect(page.get_by_text("付款成功", exact=True)).to_be_visible(timeout=ARRIVES)
    order = stack.told("GET", f"/v1/orders/{number_of(page)}", visit.access())
    assert (order["channel"], [line["net_fen"] for line in order["lines"]]) == ("alipay", [7_050, 950])
    assert order["points"] == 35  # half a point a yuan at the grocer's, of ¥70.50
    visit.shot("money-alipay")


def test_a_lost_line_while_paying_counts_once(phone: Visit, stack: Stack, plate: str) -> None:
    page = phone.open(f"#/pages/plate/plate?code={plate}")
    press(page, "23")
    phone.button("付款 ¥23.00").click()
    button = phone.button("微信支付 ¥23.00")
    expect(button).to_be_enabled()
    # The order arrives, its answer does not.
    phone.context.route("**/v1/orders", lambda route: (route.fetch(), route.abort())[1])
    button.click()
    expect(page.get_by_text("正在确认这一步的结果。")).to_be_visible()
    phone.shot("money-lost-line")
    phone.context.unroute("**/v1/orders")
    agree(page)
    expect(page.get_by_text("付款成功", exact=True)).to_be_visible(timeout=ARRIVES)
    assert [one["total_fen"] for one in stack.told("GET", "/v1/orders", phone.access())["items"]] == [2_300]
