"""Complaints at the mall's desk: what a payer says in WeChat is read, answered and settled; the time left is visible."""

from __future__ import annotations

import pytest
import requests
from playwright.sync_api import expect

from api.kit import clock, db
from api.kit.db import session
from api.payments import service as payments
from api.payments.models import Complaint
from tests import processes
from tests.browser.conftest import Windows
from tests.browser.stack import Stack

NASTY = "<img src=x onerror=alert(1)> 面里有头发，店员不理人。\n" + "请尽快处理。" * 20


@pytest.fixture
def complaint(stack: Stack, person: str) -> dict[str, str]:
    """Somebody paid at a plate, and complains of it in WeChat."""
    with db.unit_of_work(stack.mall):
        account = payments.account_for(None, "wechat")
        assert payments.direct_notices_here(account.id, by="test") is None
    token = str(stack.join(person)["access_token"])
    order = stack.buys(token, 3_300)
    number = stack.payment(order["number"])
    made = stack.sim("wechat", "complaints", out_trade_no=number, text=NASTY, problem_type="REFUND", apply_refund_amount=3_300)
    found = f"/v1/office/complaints?number={number}&state=pending"
    processes.until(lambda: stack.told("GET", found, stack.staff("admin")["access_token"])["items"], 60)
    return {"complaint": made["complaint_id"], "number": number, "order": order["number"]}


def test_a_complaint_is_answered_and_settled_at_the_desk(window: Windows, stack: Stack, complaint: dict[str, str]) -> None:
    desk = window("office", stack.staff("admin"))
    page = desk.open("complaints")
    row = page.locator("tbody tr").filter(has_text="面里有头发").first
    expect(row.get_by_text("还剩 23 小时")).to_be_visible()
    row.click()
    panel = page.get_by_role("complementary", name="待答复")
    expect(panel.locator("blockquote").get_by_text("<img src=x onerror=alert(1)> 面里有头发")).to_be_visible()
    expect(panel.get_by_text("¥33.00").first).to_be_visible()
    desk.settled()
    desk.shot("desk-complaint")
    expect(desk.button("发送答复")).to_be_disabled()
    desk.field("答复顾客").fill("非常抱歉，已为您退款 <b>全额</b>。")
    desk.button("发送答复").click()
    expect(page.get_by_text("答复已送达顾客。")).to_be_visible()
    expect(page.get_by_role("region", name="我们的回复").get_by_text("<b>全额</b>")).to_be_visible()
    desk.settled()
    desk.shot("desk-complaint-answered")
    desk.button("记为已解决").click()
    page.get_by_role("dialog").get_by_role("button", name="记为已解决").click()
    expect(page.get_by_text("已记为解决。")).to_be_visible()
    stack.sim("wechat", f"complaints/{complaint['complaint']}/continue", text="还是没有解决 <i>!</i>")
    processes.until(lambda: page.reload() and page.get_by_text("还是没有解决 <i>!</i>").count(), 60, every=1)
    expect(page.get_by_role("region", name="往来").get_by_text("商户").first).to_be_visible()
    expect(page.get_by_text("第 2 次")).to_be_visible()
    desk.settled()
    desk.shot("desk-complaint-goes-on")
    told = requests.get(f"{stack.wechat}/_sim/complaints", timeout=20).json()["complaints"]
    (ours,) = [one for one in told if one["complaint_id"] == complaint["complaint"]]
    kinds = [(word["operate_type"], word["operate_details"]) for word in ours["said"][1:]]
    assert kinds[:2] == [("MERCHANT_RESPONSE", "非常抱歉，已为您退款 <b>全额</b>。"), ("MERCHANT_CONFIRM_COMPLETE", "")]
    page.get_by_role("link", name="查看收款经过").click()
    expect(page.get_by_role("heading", name="每一步")).to_be_visible()
    expect(page.get_by_role("complementary").get_by_text(complaint["number"]).first).to_be_visible()


def test_what_is_late_says_so_in_english_and_in_the_dark(window: Windows, stack: Stack, complaint: dict[str, str]) -> None:
    with db.unit_of_work(stack.mall):
        late = session.query(Complaint).filter(Complaint.gateway_no == complaint["complaint"]).one()
        late.due_at, late.urgency = clock.now(), -int(clock.now().timestamp())
        complaint_id = late.id
    desk = window("office", stack.staff("admin"), english=True, dark=True)
    page = desk.open(f"complaints?open={complaint_id}")
    expect(page.get_by_text("This is past the time that WeChat Pay asks for")).to_be_visible()
    expect(page.get_by_role("button", name="Send the answer")).to_be_visible()
    desk.settled()
    desk.shot("desk-complaint-late")
    assert " late" in page.locator("tbody tr").first.inner_text()


def test_the_tablet_of_a_shop_has_no_word_of_it(window: Windows, stack: Stack, complaint: dict[str, str]) -> None:
    tablet = window("shop", stack.staff("browser-manager"))
    tablet.open()
    refused = stack.ask("GET", "/v1/office/complaints", tablet.access())
    assert refused.status_code in (401, 403)
