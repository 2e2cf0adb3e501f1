"""Money at the mall's desk: orders, refunds by two people, payments with their history, and the inbox of notices."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from api.kit import db
from api.kit.roles import Role
from api.malls import service as malls
from api.staff import service as staff
from deploy import demo
from tests import processes
from tests.browser.conftest import Visit, Windows
from tests.browser.stack import Stack


def choose(page: Page, label: str, option: str, *, typed: bool = True) -> None:
    """Choose in a box that unfolds, after typing where it looks things up."""
    box = page.get_by_role("combobox", name=label)
    box.click(force=True)
    if typed:
        box.fill(option)
    page.locator(".el-select-dropdown__item:visible", has_text=option).first.click()


def approve(window: Windows, stack: Stack, desk: Visit, page: Page) -> None:
    """What was just asked at the desk waits; the asker cannot approve it, another person does."""
    expect(page.get_by_text("已提交，等另一位同事同意后生效")).to_be_visible()
    page.get_by_role("link", name="查看审批").click()
    expect(page.get_by_text("这是您提出的，须由另一位同事复核。")).to_be_visible()
    expect(desk.button("同意")).to_have_count(0)
    number = page.url.split("open=")[1]
    second = window("office", stack.staff("finance"))
    page = second.open(f"approvals?state=proposed&open={number}")
    second.settled()
    second.shot("desk-approval")
    page.get_by_role("button", name="同意", exact=True).first.click()
    second.shot("desk-approval-confirm")
    page.get_by_role("dialog").get_by_role("button", name="同意", exact=True).click()
    expect(page.get_by_text("已同意，改动已生效。")).to_be_visible()


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
    expect(page.get_by_role("heading", name="退款复核", level=1)).to_be_visible()  # not a row of the page before
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
    login = f"desk-{made['number'][-8:]}"
    with db.unit_of_work(stack.mall):
        staff.seed_account(login=login, password=demo.PASSWORD, name="服务台", role=Role.SERVICE_DESK)
    visit = window("office", stack.staff(login))
    page = visit.open(f"refunds?open={made['number']}")
    expect(page.get_by_role("complementary", name="¥1,666.00")).to_be_visible()
    expect(page.get_by_role("button", name="同意退款")).to_have_count(0)
    refused = stack.ask("PUT", f"/v1/office/order-refunds/{made['number']}/decision", visit.access(), json={"approve": True})
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/permission-missing")
    page = visit.open("notices")
    expect(page.get_by_text("您的角色没有这个页面的权限（notices.read）")).to_be_visible()


def test_a_plate_is_bound_moved_by_two_and_its_sheet_saved(desk: Visit, stack: Stack, window: Windows) -> None:
    page = desk.open("plates?tab=batches")
    desk.button("制作一批").click()
    desk.field("多少块").fill("3")
    desk.field("备注").fill("补做")
    desk.button("制作").click()
    expect(page.get_by_text("已制作 3 块空白码牌。")).to_be_visible()
    desk.shot("desk-plate-batches")
    with page.expect_download() as sheet:
        page.locator("tbody tr").first.get_by_role("button", name="打印页 1").click()
    assert sheet.value.path().read_bytes().startswith(b"%PDF-")
    page.locator("tbody tr").first.get_by_role("link", name="看码牌").click()
    page.get_by_role("region", name="码牌", exact=True).locator("tbody tr").first.click()
    plate = page.url
    choose(page, "选门店", "木棉")
    desk.button("绑定").click()
    page.get_by_role("dialog").get_by_role("button", name="绑定", exact=True).click()
    expect(page.get_by_text("已绑定。")).to_be_visible()
    choose(page, "选门店", "云裳")
    desk.button("移动").click()
    page.get_by_role("dialog").locator("textarea").fill("换了位置")
    page.get_by_role("dialog").get_by_role("button", name="移动", exact=True).click()
    approve(window, stack, desk, page)
    page.goto(plate)
    expect(page.get_by_role("complementary").get_by_text("云裳").first).to_be_visible()
    desk.shot("desk-plate-moved")
    with page.expect_download() as one:
        desk.button("打印").click()
    assert one.value.path().read_bytes().startswith(b"%PDF-")
    desk.button("停用").click()
    page.get_by_role("dialog").locator("textarea").fill("印坏了")
    page.get_by_role("dialog").get_by_role("button", name="停用").click()
    expect(page.get_by_text("已停用。")).to_be_visible()


def test_a_wrong_plate_found_on_a_counter_raises_an_alarm(desk: Visit) -> None:
    page = desk.open("plate-alarms?tab=checks&open=new")
    desk.field("扫到的内容").fill("https://elsewhere.example/pay")
    page.keyboard.press("Enter")
    expect(page.get_by_text("这不是本商场的码牌，请收起并报告。")).to_be_visible()
    choose(page, "在哪家店", "木棉")
    page.get_by_text("对不上", exact=True).click()
    desk.button("保存").click()
    expect(page.get_by_text("say what looks wrong").or_(page.get_by_text("请写明哪里不对。"))).to_be_visible()
    desk.shot("desk-plate-check")
    desk.field("备注").fill("贴了别的码")
    desk.button("保存").click()
    expect(page.get_by_text("已报警并通知门店平板")).to_be_visible()
    page = desk.open("plate-alarms?unseen=true")
    page.locator("tbody tr").first.click()
    desk.button("写结论").click()
    page.get_by_role("dialog").locator("textarea").fill("店员自己贴的，已撕掉")
    page.get_by_role("dialog").get_by_role("button", name="保存").click()
    expect(page.get_by_text("已记下结论。")).to_be_visible()


def test_a_key_of_a_merchant_account_is_written_by_two_people_and_never_shown(window: Windows, desk: Visit, stack: Stack) -> None:
    secret = uuid.uuid4().hex
    page = desk.open("merchants")
    page.locator("tbody tr").filter(has_text="微信支付").first.click()
    desk.button("添加密钥").click()
    choose(page, "哪一种", "APIv3 密钥", typed=False)
    desk.field("密钥（PEM 或原文）").fill("too short")
    page.locator("form").get_by_role("button", name="添加密钥").click()
    expect(page.locator(".note, .notice.stop").first).to_be_visible()
    desk.field("密钥（PEM 或原文）").fill(secret)
    page.locator("form").get_by_role("button", name="添加密钥").click()
    approve(window, stack, desk, page)
    page = desk.open("merchants")
    page.locator("tbody tr").filter(has_text="微信支付").first.click()
    expect(page.locator("aside li").filter(has_text="APIv3").first).to_be_visible()
    desk.shot("desk-merchant-keys")
    assert secret not in page.content()
    account = int(page.url.split("open=")[1])
    assert secret not in stack.ask("GET", f"/v1/office/merchants/{account}/keys", desk.access()).text
    page.locator("aside li").filter(has_text="APIv3").first.get_by_role("button", name="停用").click()
    page.get_by_role("dialog").locator("textarea").fill("填错了")
    page.get_by_role("dialog").get_by_role("button", name="停用").click()
    expect(page.get_by_text("密钥已停用。")).to_be_visible()


def test_cards_are_made_sold_and_replaced_by_two_people(window: Windows, stack: Stack) -> None:
    printer, second = window("office", stack.staff("admin")), window("office", stack.staff("finance"))
    desk = window("office", stack.another(Role.SERVICE_DESK))
    token = stack.staff("admin")["access_token"]
    kind = {"title_zh": "礼品卡", "title_en": "Gift card", "limit_fen": 100_000, "valid_years": 3, "form": "physical", "named": False}
    code = f"gift-{stack.rows('SELECT count(*) FROM card_products')[0][0]}"
    asked = stack.told("POST", "/v1/office/card-products", token, json=kind | {"code": code, "invoice": "at_sale"})
    stack.told("PUT", f"/v1/office/approvals/{asked['id']}/approval", stack.staff("finance")["access_token"])
    page = second.open("card-stock?open=new")
    choose(page, "卡种", "礼品卡", typed=False)
    second.field("多少张").fill("2")
    second.field("备注").fill("开业")
    second.button("制作").click()
    expect(page.get_by_text("已制作 2 张。")).to_be_visible()
    second.shot("desk-card-batch")
    page = printer.open("card-stock")
    page.locator("tbody tr").first.click()
    with page.expect_download() as file:
        printer.button("取制卡文件").click()
    head, *lines = file.value.path().read_text().splitlines()
    assert (head, len(lines)) == ("number,activation_code", 2)
    number = lines[0].partition(",")[0]
    expect(page.get_by_text("已取走 2 张卡的激活码。")).to_be_visible()
    printer.button("取制卡文件").click()
    expect(page.get_by_text("激活码已全部取走")).to_be_visible()
    printer.shot("desk-card-batch-fetched")
    with db.unit_of_work(stack.mall):
        malls.change_policy({"card_sale_alone_fen": 50_000}, by="staff:1", why="a test")
    page = desk.open("card-stock?tab=sales&open=new")
    page.get_by_text("刷卡", exact=True).last.click()
    desk.field("凭证号").fill("pos 20261201")
    desk.field("卡号").fill(number)
    desk.field("面值（元）").fill("800")
    page.keyboard.press("Tab")
    desk.button("收款 ¥800.00 并售出").click()
    expect(page.get_by_text("¥800.00 的售卡已提交，等另一位同事确认到账后，卡才能使用。")).to_be_visible()
    desk.shot("desk-card-sale-waits", whole=True)
    approve(window, stack, desk, page)
    with db.unit_of_work(stack.mall):
        malls.change_policy({"card_sale_alone_fen": 200_000}, by="staff:1", why="a test")
    page = desk.open(f"cards?number={number}")
    page.locator("tbody tr").first.click()
    desk.button("挂失").click()
    page.get_by_role("dialog").locator("textarea").fill("顾客丢了")
    page.get_by_role("dialog").get_by_role("button", name="挂失").click()
    expect(page.get_by_text("已挂失。")).to_be_visible()
    desk.shot("desk-card")
    desk.button("解除挂失").click()
    page.get_by_role("dialog").locator("textarea").fill("找到了")
    page.get_by_role("dialog").get_by_role("button", name="解除挂失").click()
    expect(page.get_by_text("等待另一位同事决定")).to_be_visible()
    page = second.open("card-requests?state=proposed")
    page.locator("tbody tr").first.click()
    second.shot("desk-card-request")
    second.button("同意").click()
    page.get_by_role("dialog").get_by_role("button", name="同意", exact=True).click()
    expect(page.get_by_text("已同意并执行。")).to_be_visible()


def test_a_shop_gets_its_photo_and_terms_of_its_own(desk: Visit, stack: Stack, tmp_path: Path) -> None:
    shop = stack.rows("SELECT id FROM shops WHERE code = 'T010'")[0][0]
    picture = tmp_path / "window.png"
    Image.new("RGB", (900, 600), "teal").save(picture)
    page = desk.open(f"shops?open={shop}")
    before = stack.told("GET", f"/v1/office/shops/{shop}", desk.access())["photo"]
    page.locator("aside input[type=file]").set_input_files(picture)
    expect(page.get_by_text("照片已更换。")).to_be_visible()
    assert stack.told("GET", f"/v1/office/shops/{shop}", desk.access())["photo"] not in (None, before)
    page.get_by_text("为这家店另定规则").click()
    desk.field("单笔下限（元）").fill("900000")
    desk.field("单笔上限（元）").fill("10")
    page.locator("aside details").get_by_label("原因（会记入操作日志）").fill("小店")
    page.locator("aside details").get_by_role("button", name="保存").click()
    expect(page.get_by_text("单笔下限大于上限。")).to_be_visible()
    desk.field("单笔下限（元）").fill("1")
    page.locator("aside details").get_by_role("button", name="保存").click()
    expect(page.get_by_text("现行：¥1.00 到 ¥10.00")).to_be_visible()
    desk.shot("desk-shop-photo-and-terms")
    assert stack.ask("GET", f"/v1/plates/{stack.plate('T010')}").json()["amount"]["max_fen"] == 1_000


def test_what_a_bill_and_our_books_differ_in_is_answered(desk: Visit, stack: Stack, shopper: str) -> None:
    desk.open("bills")
    expect(desk.page.get_by_text("没有待处理的差异")).to_be_visible()
    stack.differs(shopper, 5_500, desk.access())
    page = desk.open("bills")
    row = page.locator("tbody tr", has_text="账单没有")
    expect(row).to_contain_text("¥55.00")
    row.click()
    panel = page.get_by_role("complementary")
    expect(panel.get_by_text("账单里却没有")).to_be_visible()
    desk.shot("desk-bill-difference")
    panel.get_by_role("button", name="标为已处理").click()
    box = page.get_by_role("dialog")
    box.get_by_role("textbox").fill("钱包客服确认次日入账")
    desk.shot("desk-bill-difference-answer")
    box.get_by_role("button", name="标为已处理").click()
    expect(page.get_by_text("已标为处理完毕。")).to_be_visible()
    expect(page.get_by_text("没有待处理的差异")).to_be_visible()
    page.get_by_role("tab", name="每日账单").or_(page.get_by_role("link", name="每日账单")).first.click()
    expect(page.locator("tbody tr").first).to_contain_text("已处理")
    desk.shot("desk-bills")


def test_rules_packages_and_rates_of_points_take_two_people(window: Windows, desk: Visit, stack: Stack) -> None:
    page = desk.open("policy")
    desk.settled()
    box = page.locator("section input[inputmode=decimal]").first
    before = box.input_value()
    box.fill(str(int(float(before)) + 1))
    page.get_by_role("button", name="保存 1 处改动").click()
    page.get_by_role("dialog").locator("textarea").fill("活动期间放宽")
    page.get_by_role("dialog").get_by_role("button", name="保存").click()
    approve(window, stack, desk, page)

    shop_id = stack.rows("SELECT id FROM shops WHERE code = 'T009'")[0][0]
    page = desk.open(f"shops?open={shop_id}")
    desk.field("积分倍率（%）").fill("150")
    page.locator("aside").get_by_role("button", name="保存").click()
    page.get_by_role("dialog").locator("textarea").fill("周年庆")
    page.get_by_role("dialog").get_by_role("button", name="保存").click()
    approve(window, stack, desk, page)
    assert stack.rows("SELECT points_rate_bp FROM shops WHERE code = 'T009'")[0][0] == 15_000
    stack.told(
        "PATCH", f"/v1/office/shops/{shop_id}", stack.staff("admin")["access_token"],
        json={"points_rate_bp": 10_000, "why": "browser test"},
    )  # fmt: skip
