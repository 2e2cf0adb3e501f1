"""The whole story in one go, through each wallet: join, recharge, pay by three tenders at once, earn, get a part back; the books agree."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from api.kit import clock, db
from tests.browser.conftest import Visit, Windows
from tests.browser.stack import SHOP_STAFF, Stack
from tests.browser.test_money import ARRIVES, agree, give_points, number_of, press
from tests.browser.test_tills import keyed

PIN = "280619"


def join(visit: Visit, person: str, wallet: str) -> None:
    """Sign in through the wallet, from the page of a recharge, where a visitor is asked to."""
    page = visit.open("#/pages/recharge/recharge")
    visit.button("登录").click()
    page.get_by_role("checkbox").click()
    visit.field("扮演谁").fill(person)
    visit.button(f"{wallet}登录").click()


def books(stack: Stack) -> list[object]:
    """What the nightly proofs would find."""
    from api.ledger import service as ledger
    from api.malls import service as malls
    from api.wallet.service import balance_report

    with db.unit_of_work(stack.mall):
        return [*ledger.prove(), *balance_report.record_report(clock.today(malls.mall_info().timezone)).differences]


@pytest.mark.parametrize(("wallet", "channel"), [("微信", "wechat"), ("支付宝", "alipay")])
def test_from_joining_to_a_refund_every_tender_and_the_points_are_right(
    window: Windows, stack: Stack, person: str, wallet: str, channel: str
) -> None:
    visit, pays = window("m"), {"wechat": "微信支付", "alipay": "支付宝"}[channel]
    page = visit.page
    join(visit, person, wallet)
    page.get_by_role("radio", name=re.compile("充 500 送 30")).click()
    visit.button("充值 ¥500.00").click()
    visit.button(f"{pays} ¥500.00").click()
    agree(page)
    expect(page.get_by_text("充值成功", exact=True)).to_be_visible(timeout=ARRIVES)
    member = stack.told("GET", "/v1/me", visit.access())["number"]
    give_points(stack, member, 2_000)
    visit.open("#/pages/pin/pin")
    for label in ("新密码", "再输一次"):
        visit.field(label).fill(PIN)
    visit.button("保存").click()
    visit.button("好的").click()

    visit.open(f"#/pages/plate/plate?code={stack.plate()}")
    page.reload()
    press(page, "600")
    visit.button("付款 ¥600.00").click()
    expect(page.get_by_text("2,000 积分抵 ¥20.00").first).to_be_visible()
    visit.field("支付密码").fill(PIN)
    visit.button(f"{pays} ¥50.00").click()
    agree(page)
    expect(page.get_by_text("付款成功", exact=True)).to_be_visible(timeout=ARRIVES)
    expect(page.get_by_text("+550").first).to_be_visible()
    visit.shot(f"story-paid-{channel}")
    number = number_of(page)

    till = window("shop", stack.staff(SHOP_STAFF))
    at_till = till.open(f"payments?open={number}")
    till.button("退款").click()
    at_till.get_by_role("radio", name="指定金额").click()
    keyed(at_till, "300")
    at_till.get_by_role("radio", name="顾客退货").click()
    till.button("退款 ¥300.00").click()
    expect(at_till.get_by_text("已退 ¥300.00，按原路退回。")).to_be_visible()

    page.reload()
    expect(page.get_by_text("已退回", exact=True)).to_be_visible(timeout=ARRIVES)
    for line in (f"¥25.00 原路退回{pays}", "¥250.00 退回储值本金", "¥15.00 退回储值赠金", "退还 1,000 积分", "收回这一笔得到的 275 积分"):
        expect(page.get_by_text(line).first).to_be_visible()
    visit.shot(f"story-refunded-{channel}", whole=True)
    order = stack.told("GET", f"/v1/orders/{number}", visit.access())
    assert {one["tender"]: (one["amount_fen"], one["refunded_fen"]) for one in order["tenders"]} == {
        "gateway": (5_000, 2_500), "stored_principal": (50_000, 25_000), "stored_bonus": (3_000, 1_500), "points": (2_000, 1_000),
    }  # fmt: skip
    sum_of = stack.told("GET", "/v1/points", visit.access())
    assert sum_of["balance"] + sum_of["pending"] == 1_000 + 550 - 275
    held = stack.told("GET", "/v1/wallet", visit.access())
    assert (held["principal_fen"], held["bonus_fen"]) == (25_000, 1_500)
    assert books(stack) == []
