"""Cash at the desk by two people: a shift is opened, cash handed in and taken, counted twice, and a difference explained."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from api.kit import clock, db
from api.kit.roles import Role
from api.wallet.service import balance_report
from tests.browser.conftest import Visit, Windows
from tests.browser.stack import Stack


def sell(desk: Visit, number: str) -> Page:
    """Fill in the sale of one card for ¥1,000 of cash and send it."""
    page = desk.open("card-stock?tab=sales&open=new")
    expect(page.get_by_text("现金计入您在一楼服务台的收银班次。")).to_be_visible()
    desk.field("卡号").fill(number)
    desk.field("面值（元）").fill("1000")
    page.keyboard.press("Tab")
    desk.button("收款 ¥1,000.00 并售出").click()
    return page


def test_cash_is_counted_by_two_people_from_the_float_to_the_difference(window: Windows, stack: Stack) -> None:
    desk, second = window("office", stack.staff("admin")), window("office", stack.staff("finance"))
    numbers = stack.blank_cards("cash-card", 3)

    page = desk.open("card-stock?tab=sales&open=new")
    expect(page.get_by_text("收现金要先开班")).to_be_visible()
    desk.field("卡号").fill(numbers[0])
    desk.field("面值（元）").fill("1000")
    page.keyboard.press("Tab")
    expect(desk.button("收款 ¥1,000.00 并售出")).to_be_disabled()
    desk.shot("cash-sale-needs-a-shift")
    page.get_by_role("link", name="去开班").click()
    desk.field("柜台").fill("一楼服务台")
    desk.field("¥100.00 的张数").fill("4")
    desk.field("¥50.00 的张数").fill("2")
    page.keyboard.press("Tab")
    expect(page.get_by_text("合计 ¥500.00")).to_be_visible()
    desk.shot("cash-shift-new")
    desk.button("清点无误，开班").click()
    expect(page.get_by_text("已在一楼服务台开班，可以收现金了。")).to_be_visible()

    page = sell(desk, numbers[0])
    expect(page.get_by_text("已售出 1 张，共 ¥1,000.00。")).to_be_visible()
    page = sell(desk, numbers[1])
    expect(page.get_by_text("请先把现金交给另一位同事，再售卡。")).to_be_visible()
    desk.shot("cash-sale-hand-in-first")

    page = desk.open("cash-shifts")
    page.get_by_role("button", name="打开我的班次").click()
    desk.field("交款金额（元）").fill("1000")
    page.keyboard.press("Tab")
    desk.shot("cash-shift-open")
    desk.button("交款").click()
    expect(page.get_by_text("已交出 ¥1,000.00")).to_be_visible()
    expect(page.get_by_text("¥1,000.00 已交出，等另一位同事接收。")).to_be_visible()
    page = desk.open("cash-shifts?tab=hand-ins")
    page.locator("tbody tr").first.click()
    expect(page.get_by_text("这是您提出的，须由另一位同事复核。")).to_be_visible()
    expect(desk.button("清点无误，接收")).to_have_count(0)

    page = second.open("cash-shifts?tab=hand-ins&state=handed")
    page.locator("tbody tr").first.click()
    second.field("清点的金额（元）").fill("900")
    page.keyboard.press("Tab")
    second.button("清点无误，接收").click()
    expect(page.get_by_text("与交出的金额不一致。请当面再点")).to_be_visible()
    second.settled()
    second.shot("cash-hand-in-differs")
    second.field("清点的金额（元）").fill("1000")
    page.keyboard.press("Tab")
    second.button("清点无误，接收").click()
    expect(page.get_by_text("已接收 ¥1,000.00。")).to_be_visible()

    page = sell(desk, numbers[1])
    expect(page.get_by_text("已售出 1 张，共 ¥1,000.00。")).to_be_visible()
    page = desk.open("cash-shifts")
    page.get_by_role("button", name="打开我的班次").click()
    desk.field("¥100.00 的张数").fill("15")
    page.keyboard.press("Tab")
    desk.button("清点为 ¥1,500.00，结束收款").click()
    expect(page.get_by_text("已清点。请另一位同事复点后结束班次。")).to_be_visible()
    expect(page.get_by_text("已清点，须由另一位同事复点。")).to_be_visible()
    expect(page.get_by_role("button", name="结束班次")).to_have_count(0)
    desk.settled()
    desk.shot("cash-shift-counted")

    page = second.open("cash-shifts?state=counted")
    page.locator("tbody tr").first.click()
    expect(page.get_by_role("complementary").get_by_text("复点后显示")).to_be_visible()
    expect(page.get_by_role("complementary").get_by_text("1,500.00")).to_have_count(0)
    page.get_by_text("填一个总数").click()
    second.field("金额（元）").fill("1490")
    page.keyboard.press("Tab")
    second.shot("cash-shift-recount")
    second.button("复点为 ¥1,490.00，结束班次").click()
    expect(page.get_by_text("班次已结束，有差异；已记下，等财务说明原因。")).to_be_visible()
    page = second.open("cash-shifts?state=differs")
    page.locator("tbody tr").first.click()
    second.settled()
    second.shot("cash-shift-differs")
    second.button("说明差异原因").click()
    page.get_by_role("dialog").locator("textarea").fill("自己点的")
    page.get_by_role("dialog").get_by_role("button", name="说明差异原因").click()
    expect(page.get_by_text("须由另一位同事").last).to_be_visible()
    third = window("office", stack.another(Role.FINANCE))
    page = third.open("cash-shifts?state=differs")
    page.locator("tbody tr").first.click()
    third.button("说明差异原因").click()
    page.get_by_role("dialog").locator("textarea").fill("找零多给了十元")
    page.get_by_role("dialog").get_by_role("button", name="说明差异原因").click()
    expect(page.get_by_text("差异原因已记下。")).to_be_visible()
    page = second.open("cash-shifts")
    page.locator("tbody tr").first.click()
    expect(page.get_by_role("complementary").get_by_text("找零多给了十元")).to_be_visible()
    second.settled()
    second.shot("cash-shift-explained")
    page = second.open("card-stock?tab=sales&paid_by=cash")
    expect(page.locator("tbody tr")).to_have_count(2)
    second.shot("cash-sales-of-finance")
    with db.unit_of_work(stack.mall):
        balance_report.record_report(clock.today("Asia/Shanghai"))
    page = second.open("card-balances")
    page.locator("tbody tr").first.click()
    expect(page.get_by_role("heading", name="当天复点的收银班次")).to_be_visible()
    expect(page.get_by_role("region", name="当天复点的收银班次").get_by_text("¥2,000.00")).to_be_visible()
    page.get_by_role("heading", name="当天复点的收银班次").scroll_into_view_if_needed()
    second.shot("cash-shifts-in-the-daily-report")
