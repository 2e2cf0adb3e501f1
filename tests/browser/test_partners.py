"""Partners at the desk: one is added, tried, goes silent, is sent again by hand; its secret is seen once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests import processes
from tests.browser.conftest import Visit, Windows
from tests.browser.stack import Stack
from tests.partners.conftest import Receiver, serve


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    yield from serve()


def test_a_partner_is_added_tried_and_sent_to_again(desk: Visit, window: Windows, stack: Stack, receiver: Receiver) -> None:
    page = desk.open("partners")
    desk.button("新增合作方").click()
    desk.field("名称").fill("会员 CRM")
    desk.field("接收地址").fill("ftp://crm")
    desk.button("保存").click()
    expect(page.get_by_text("须是 https:// 开头的网址。")).to_be_visible()
    desk.field("接收地址").fill(receiver.url)
    desk.button("保存").click()
    expect(page.get_by_text("签名密钥只显示这一次")).to_be_visible()
    secret = page.locator(".secret").inner_text()
    assert secret.startswith("whsec_")
    desk.shot("desk-partner-secret")
    desk.button("发送测试通知").click()
    expect(page.get_by_text("测试通知已送达。")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="会员 CRM")).to_be_visible()
    assert secret not in page.content()

    receiver.answers = [503, 503]
    desk.button("发送测试通知").click()
    expect(page.get_by_text("测试通知没有送达：对方没有接受")).to_be_visible()
    page.get_by_role("link", name="查看投递记录").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    page.locator("tbody tr").filter(has_text="等待投递").click()
    expect(page.get_by_role("heading", name="每次尝试")).to_be_visible()
    receiver.answers.clear()
    desk.shot("desk-partner-delivery")
    desk.button("再发一次").click()
    expect(page.get_by_text("已送达。", exact=True)).to_be_visible()
    assert len(set(receiver.ids)) == 2 and len(receiver.letters) >= 3
    number = receiver.ids[-1]
    processes.until(lambda: stack.rows("SELECT 1 FROM partner_deliveries WHERE number = %s AND state = 'delivered'", number), 30)
    desk.shot("desk-partner-delivered")

    english = window("office", stack.staff("admin"), english=True, dark=True)
    english.open("partners")
    english.page.locator("tbody tr").first.click()
    expect(english.button("Send a test")).to_be_visible()
    english.shot("desk-partners")
