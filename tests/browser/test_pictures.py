"""The three pictures of the README, drawn by the pages themselves: `make shots` puts them into docs/images."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from api.kit import clock, db
from tests.browser.conftest import Visit, Windows
from tests.browser.stack import Stack, receipt
from tests.factories import make_claimed_sale


@pytest.fixture
def regular(stack: Stack, person: str) -> dict[str, Any]:
    """A member with a name and points."""
    from api.points import service as points

    signed = stack.join(person)
    shop = stack.rows("SELECT id FROM shops WHERE code = 'T031'")[0][0]
    paid_at = clock.now() - timedelta(days=12)  # longer ago than the days for returning goods: spendable
    with db.unit_of_work(stack.mall):
        for fen in (268_000, 91_500):
            points.earn(make_claimed_sale(signed["member"]["number"], shop_id=shop, paid_fen=fen, paid_at=paid_at), by="test")
    stack.told("PATCH", "/v1/me", signed["access_token"], json={"nickname": "苏晓"})
    return signed


def test_the_home_page_on_a_phone(window: Windows, regular: dict[str, Any]) -> None:
    visit = window("m", regular)
    page = visit.open()
    expect(page.get_by_text("苏晓").first).to_be_visible()
    expect(page.get_by_text("云裳女装").first).to_be_visible()
    visit.shot("readme-home")


def test_the_desk_reviewing_a_receipt(window: Windows, stack: Stack, regular: dict[str, Any]) -> None:
    stack.clear_queue()
    token = regular["access_token"]
    number = stack.send(token, receipt(yuan="238.00", shop=30, name="和風ＳＵＳＨＩ　ＹＡ"))
    stack.decided(token, number)
    shop = stack.rows("SELECT id FROM shops WHERE code = 'T030'")[0][0]
    said = {"field": "shop_id", "value": str(shop), "note": "是四楼的和风寿司屋"}
    stack.told("POST", f"/v1/receipts/{number}/corrections", token, json=said)
    visit = window("office", stack.staff("reviewer"))
    page = visit.open("reviews")
    expect(page.get_by_text("顾客更正为").first).to_be_visible()
    visit.settled()
    visit.shot("readme-review")
    page.keyboard.press("1")
    expect(page.get_by_text("已拒绝").first).to_be_visible()


def test_the_tablet_telling_a_member(tablet: Visit, stack: Stack, regular: dict[str, Any]) -> None:
    code = stack.told("POST", "/v1/me/codes", regular["access_token"])["code"]
    page = tablet.open("check")
    tablet.field("扫码枪扫，或输入会员码下面的 16 位字符").fill(code)
    page.keyboard.press("Enter")
    expect(page.get_by_text("是本商场会员")).to_be_visible()
    tablet.shot("readme-tablet")
