"""Names and files that are not names: markup, marks that turn text around, and very long ones, shown as the text they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit, Windows
from tests.browser.stack import Stack, receipt

SCRIPT = "<script>window.hacked=1</script>"
PICTURE = "<img src=x onerror=window.hacked=1>"
TURNED = "\u202e\u2066gnirts\u2069\u200f"
LONG = "长" * 10_000
HOSTILE = (f"{SCRIPT}{PICTURE}{TURNED}", f"{{{{constructor.constructor('window.hacked=1')()}}}} {PICTURE}", LONG)


def untouched(visit: Visit) -> None:
    """Nothing of the text ran, and nothing of it became an element of the page."""
    assert visit.page.evaluate("window.hacked") is None
    assert visit.page.locator("img[src=x], script:not([src]):not([type='application/json'])").count() == 0


@pytest.fixture(params=range(len(HOSTILE)), ids=["markup", "template", "long"])
def hostile(request: pytest.FixtureRequest) -> str:
    """One of the texts."""
    return HOSTILE[request.param]


@pytest.fixture
def named(stack: Stack, hostile: str, person: str) -> Iterator[dict[str, Any]]:
    """A shopper and a shop that are called so, past the API, which refuses such names: an import or an older row may have left them."""
    signed = stack.join(person)
    before = stack.rows("SELECT name, category FROM shops WHERE code = 'T040'")[0]
    stack.rows("UPDATE shops SET name = %s, category = %s WHERE code = 'T040'", hostile, hostile[:200])
    stack.rows("UPDATE members SET nickname = %s WHERE id = %s", hostile, signed["member"]["number"])
    yield signed
    stack.rows("UPDATE shops SET name = %s, category = %s WHERE code = 'T040'", *before)


def test_the_shopper_sees_names_as_text(window: Windows, stack: Stack, hostile: str, named: dict[str, Any]) -> None:
    shop = stack.rows("SELECT id FROM shops WHERE code = 'T040'")[0][0]
    visit = window("m", named)
    for path in ("#/pages/home/home", f"#/pages/shop/shop?id={shop}", "#/pages/me/me", "#/pages/about/about"):
        page = visit.open(path)
        page.get_by_text(hostile[:20]).or_(page.locator('input[aria-label="昵称"]')).first.wait_for()
        untouched(visit)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} is wider than the phone"
    visit.open(f"#/pages/shop/shop?id={shop}").get_by_text(hostile[:20]).first.wait_for()
    visit.shot()


def test_the_desk_sees_names_as_text(desk: Visit, stack: Stack, hostile: str, named: dict[str, Any]) -> None:
    number = named["member"]["number"]
    desk.open("shops")
    stack.told("GET", f"/v1/office/members/{number}?reason=browser", desk.access())
    expect(desk.page.get_by_text("云裳女装").first).to_be_visible()
    for path in ("shops?q=L5-06", "members", f"members/{number}"):
        page = desk.open(path)
        if path == "members":
            desk.field("手机号 / 卡号 / 姓名 / 会员码").fill(str(number))
            page.keyboard.press("Enter")
        # Of a member the desk sees the first letter only.
        expect(page.get_by_text(hostile[:20] if path.startswith("shops") else f"{hostile[0]}**").first).to_be_visible()
        untouched(desk)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} is wider than the desk"
        desk.shot(f"{desk.name}-{re.split('[?/]', path)[0]}")


def test_a_file_and_a_paper_with_markup_are_text_to_both(phone: Visit, window: Windows, stack: Stack) -> None:
    stack.clear_queue()
    page = phone.open("#/pages/receipt/receipt")
    photo = receipt(yuan="31.00", name="<img src=x onerror=1>")
    with page.expect_file_chooser() as chooser:
        page.get_by_text("从相册选", exact=True).click()
    chooser.value.set_files([{"name": f"{TURNED}{PICTURE}{'长' * 60}.jpg", "mimeType": "image/jpeg", "buffer": photo}])
    page.get_by_text(re.compile(r"上传 \d 张小票")).click()
    expect(page.get_by_text(re.compile("这张小票没有积分|工作人员正在核对"))).to_be_visible(timeout=150_000)
    untouched(phone)
    phone.shot()
    if page.get_by_text("读错了？更正").count():
        page.get_by_text("读错了？更正").first.click()
        phone.field("实付金额").fill("32.00")
        phone.field("补充说明（可不填）").fill(PICTURE)
        page.get_by_text("提交更正").click()
        expect(page.get_by_text("工作人员正在核对")).to_be_visible()
    desk = window("office", stack.staff("reviewer"))
    expect(desk.open("reviews").get_by_text(PICTURE).first).to_be_visible()
    desk.page.locator("details.lines summary").click()
    untouched(desk)
    desk.shot()
    desk.page.keyboard.press("2")
