"""A rule of points: rehearsed over real sales, proposed by one, approved by another, in force from its date and not before."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from playwright.sync_api import expect

from api.kit import db
from tests.browser.conftest import Windows
from tests.browser.stack import ZONE, Stack
from tests.factories import make_claimed_sale


def earned(stack: Stack, member: int, paid_at: datetime) -> int:
    """Points of a purchase of ¥100.01 at the café, paid then: what nobody else pays there in that minute."""
    from api.points import service as points

    shop = stack.rows("SELECT id FROM shops WHERE code = 'T009'")[0][0]
    with db.unit_of_work(stack.mall):
        return points.earn(make_claimed_sale(member, shop_id=shop, paid_fen=10_001, paid_at=paid_at), by="test").points


def test_a_rule_is_rehearsed_approved_by_another_and_counts_from_its_date(window: Windows, stack: Stack, person: str) -> None:
    tomorrow = (datetime.now(ZONE) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    member = stack.join(person)["member"]["number"]
    marketer, finance = window("office", stack.staff("marketer")), window("office", stack.staff("finance"))

    page = marketer.open("points-rules?open=new")
    marketer.field("中文名称").fill("咖啡日三倍")
    marketer.field("英文名称").fill("Coffee day, triple")
    marketer.field("代号").fill("coffee-day")
    marketer.field("倍数").fill("3")
    page.get_by_role("combobox", name="业态").fill("咖啡")
    page.get_by_role("option", name="咖啡", exact=True).click()
    page.keyboard.press("Escape")
    marketer.field("开始").fill(f"{tomorrow:%Y-%m-%dT%H:%M}")
    marketer.field("为什么这样改").fill("工作日下午客流少")
    expect(page.locator(".reads .sentence").get_by_text(re.compile("3"))).to_be_visible()
    marketer.shot("rule-reads-back")

    marketer.button("试算").click()
    expect(page.locator(".tiles")).to_be_visible(timeout=120_000)
    expect(page.locator(".tiles li").first).to_contain_text(re.compile(r"\+¥"))
    marketer.shot("rule-rehearsed")
    page.get_by_role("button", name=re.compile("草稿|规则")).first.click()
    expect(marketer.field("代号")).to_have_value("coffee-day")
    marketer.button("提出").click()
    expect(page.get_by_text("已提出，等待另一位同事批准。")).to_be_visible()
    expect(page.get_by_role("button", name="批准", exact=True)).to_have_count(0)
    rule = stack.rows("SELECT id FROM points_rules WHERE code = 'coffee-day' ORDER BY id DESC")[0][0]
    assert earned(stack, member, tomorrow + timedelta(hours=12)) == 100

    other = finance.open(f"points-rules?open={rule}")
    finance.button("试算").click()
    expect(other.locator(".rehearsal .big")).to_be_visible(timeout=120_000)
    finance.button("批准").click()
    dialog = other.get_by_role("dialog")
    expect(dialog.get_by_role("list")).to_contain_text(re.compile("位会员"))
    finance.shot("rule-to-approve")
    dialog.get_by_role("button", name="批准", exact=True).click()
    expect(other.get_by_text(re.compile("已批准，自.*起生效"))).to_be_visible()
    finance.shot()
    assert earned(stack, member, datetime.now(ZONE)) == 100
    assert earned(stack, member, tomorrow + timedelta(hours=13)) == 300
