"""Money at the mall's desk: orders, refunds by two people, payments with their history, and the inbox of notices."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from deploy import demo
from tests import processes
from tests.browser.conftest import Visit, Windows
from tests.browser.stack import Stack


@pytest.fixture
def shopper(stack: Stack, person: str) -> str:
    """The token of somebody with a phone."""
    return str(stack.join(person)["access_token"])


def test_a_refund_above_the_limit_is_approved_by_a_second_person(window: Windows, stack: Stack, shopper: str) -> None:
    order = stack.buys(shopper, 238_800, remark="生日蛋糕")
    asks, decides = window("office", stack.staff("admin")), window("office", stack.staff("finance"))
    page = asks.open(f"orders?number={order['number']}")
    page.locator("tbody tr").first.click()
    asks.button("退款").click()
    asks.field("原因").fill("顾客退货")
    asks.shot("desk-refund-form")
    asks.button("退款 ¥2,388.00").click()
    expect(page.get_by_text("已提出退款 ¥2,388.00，等待另一位同事复核。")).to_be_visible()
    page.get_by_role("link", name="去复核队列").click()
    page.locator("tbody tr").first.click()
    expect(page.get_by_text("这是您提出的")).to_be_visible()
    expect(asks.button("同意退款")).to_be_disabled()
    asks.shot("desk-refund-of-ones-own")

    page = decides.open("refunds?state=waiting")
    page.locator("tbody tr").filter(has_text="2,388.00").click()
    decides.shot("desk-refund-queue")
    decides.button("同意退款").click()
    page.get_by_role("dialog").get_by_role("button", name="同意退款").click()
    expect(page.get_by_text("已同意，¥2,388.00 按原路退回。")).to_be_visible()
    refund = stack.rows("SELECT number FROM order_refunds ORDER BY id DESC LIMIT 1")[0][0]
    page = decides.open("refunds?state=done")
    processes.until(lambda: stack.rows("SELECT 1 FROM order_refunds WHERE number = %s AND state = 'done'", refund), 60)
    page.reload()
    page.locator("tbody tr").filter(has_text="2,388.00").first.click()
    page.get_by_role("link", name="打开订单").click()
    expect(page.get_by_role("complementary").get_by_text("已全部退款").first).to_be_visible()
    decides.shot("desk-order-refunded")


def test_a_refund_is_turned_down_with_a_reason(window: Windows, stack: Stack, shopper: str) -> None:
    order = stack.buys(shopper, 155_500)
    token = stack.staff("admin")["access_token"]
    made = stack.told("POST", f"/v1/office/orders/{order['number']}/refunds", token, json={"reason": "试试看"})
    visit = window("office", stack.staff("finance"))
    page = visit.open(f"refunds?open={made['number']}")
    visit.button("不同意").click()
    page.get_by_role("dialog").locator("textarea").fill("没有退货凭证")
    page.get_by_role("dialog").get_by_role("button", name="不同意").click()
    expect(page.get_by_text("已记为不同意：¥1,555.00。")).to_be_visible()
    assert stack.rows("SELECT refunded_fen FROM orders WHERE number = %s", order["number"]) == [(0,)]


def test_a_notice_that_did_not_agree_is_run_again(desk: Visit, stack: Stack, shopper: str) -> None:
    order = stack.buys(shopper, 6_600, pays=False)
    number = stack.payment(order["number"])
    desk.open("orders")
    stack.rows("UPDATE payments SET amount_fen = amount_fen + 1 WHERE number = %s", number)
    stack.sim("wechat", "pay", out_trade_no=number)
    kept = f"/v1/office/payment-notices?number={number}&state=refused"
    processes.until(lambda: stack.told("GET", kept, desk.access())["items"], 60)
    page = desk.open(f"notices?number={number}")
    page.locator("tbody tr").first.click()
    expect(page.get_by_text("没有处理：")).to_be_visible()
    desk.shot("desk-notice-refused")
    stack.rows("UPDATE payments SET amount_fen = amount_fen - 1 WHERE number = %s", number)
    desk.button("重新处理").click()
    expect(page.get_by_text("已处理。")).to_be_visible()
    desk.shot("desk-notice-handled")
    page.get_by_role("link", name="查看收款经过").click()
    expect(page.get_by_role("heading", name="每一步")).to_be_visible()
    desk.shot("desk-payment-history")
    assert stack.rows("SELECT state FROM orders WHERE number = %s", order["number"]) == [("paid",)]


def test_a_payment_is_asked_about_now(desk: Visit, stack: Stack, shopper: str) -> None:
    order = stack.buys(shopper, 4_400, pays=False)
    number = stack.payment(order["number"])
    page = desk.open(f"payments?number={number}")
    page.locator("tbody tr").first.click()
    expect(page.get_by_role("complementary").get_by_text("待付款").first).to_be_visible()
    stack.sim("wechat", "pay", out_trade_no=number, notify=False)
    desk.button("现在就问钱包").click()
    expect(page.get_by_text("钱包回答：已收。")).to_be_visible()


def test_who_may_not_approve_sees_the_queue_without_buttons(window: Windows, stack: Stack, shopper: str) -> None:
    order = stack.buys(shopper, 166_600)
    token = stack.staff("finance")["access_token"]
    made = stack.told("POST", f"/v1/office/orders/{order['number']}/refunds", token, json={"reason": "顾客退货"})
    clerk = {"login": f"desk-{made['number'][-8:]}", "name": "服务台", "role": "service_desk", "shop_id": None, "password": demo.PASSWORD}
    stack.told("POST", "/v1/office/staff", stack.staff("admin")["access_token"], json=clerk)
    visit = window("office", stack.staff(clerk["login"]))
    page = visit.open(f"refunds?open={made['number']}")
    expect(page.get_by_role("complementary", name="¥1,666.00")).to_be_visible()
    expect(page.get_by_role("button", name="同意退款")).to_have_count(0)
    refused = stack.ask("PUT", f"/v1/office/order-refunds/{made['number']}/decision", visit.access(), json={"approve": True})
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/permission-missing")
    page = visit.open("notices")
    expect(page.get_by_text("您的角色没有这个页面的权限（notices.read）")).to_be_visible()
