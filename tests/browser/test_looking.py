"""Finding a shop by whatever one knows of it, and coming back to where one was; what one may take along and leave behind."""

from __future__ import annotations

import io
import json
from pathlib import Path

from PIL import Image
from playwright.sync_api import expect

from tests.browser.conftest import Visit, Windows
from tests.browser.stack import Stack, receipt
from tests.browser.test_receipts import photograph, send


def test_shops_are_found_by_name_pinyin_unit_category_and_floor_and_the_search_stays(window: Windows) -> None:
    visit = window("m")
    page = visit.open()
    for typed in ("木棉", "mumian", "mmkf", "L1-02"):
        visit.field("店名、拼音、铺位或品类").fill(typed)
        expect(page.locator(".shop")).to_have_count(1)
        expect(page.locator(".shop").get_by_text("木棉咖啡")).to_be_visible()
    visit.field("店名、拼音、铺位或品类").fill("咖啡")
    expect(page.locator(".shop").filter(has_text="木棉咖啡")).to_have_count(1)
    visit.field("店名、拼音、铺位或品类").fill("没有这样的店")
    expect(page.get_by_text("没有找到这样的店")).to_be_visible()
    visit.shot("nothing-found")
    page.get_by_text("看全部门店").click()
    page.get_by_role("radio", name="B1").or_(page.get_by_text("B1", exact=True)).first.click()
    expect(page.locator(".shop").first.get_by_text("B1").first).to_be_visible()
    expect(page.locator(".shop").filter(has_text="木棉咖啡")).to_have_count(0)
    page.locator(".shop").first.click()
    expect(page.get_by_text("拍小票积分")).to_be_visible()
    page.go_back()
    expect(page.locator(".shop").filter(has_text="木棉咖啡")).to_have_count(0)
    visit.shot("the-floor-stays")


def test_a_large_photo_is_made_smaller_on_the_phone(phone: Visit, stack: Stack, tmp_path: Path) -> None:
    page = phone.open("#/pages/receipt/receipt")
    drawn = Image.open(io.BytesIO(receipt(yuan="36.00")))
    large, out = drawn.resize((3_000, 3_000 * drawn.height // drawn.width)), io.BytesIO()
    large.save(out, "JPEG", quality=95)
    photograph(page, tmp_path, out.getvalue())
    send(page)
    expect(page.get_by_text("积分到账")).to_be_visible(timeout=150_000)
    (one,) = stack.told("GET", "/v1/receipts", phone.access())["items"]
    kept = stack.ask("GET", f"/v1/receipts/{one['id']}/photos/1", phone.access()).content
    assert max(Image.open(io.BytesIO(kept)).size) <= 2_000 < max(large.size)


def test_my_data_leaves_as_a_file_and_closing_says_what_is_lost(phone: Visit, stack: Stack) -> None:
    page = phone.open("#/pages/privacy/privacy")
    with page.expect_download() as file:
        page.get_by_text("下载我的数据").click()
    told = json.loads(Path(file.value.path()).read_text())
    assert told["member"]["number"] and {"points", "receipts", "messages"} <= set(told["rooms"])
    page.get_by_text("注销账户", exact=True).first.click()
    expect(page.get_by_text("注销后将失去")).to_be_visible()
    token = phone.access()
    page.get_by_role("switch").click()
    phone.shot()
    page.get_by_text("确认注销").click()
    expect(page.get_by_text("确认注销")).to_have_count(0)
    assert phone.tokens() is None
    assert stack.ask("GET", "/v1/me", token).status_code == 401
