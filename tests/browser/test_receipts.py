"""From a photo to points: what the shopper sees, and what the desk does with the keyboard alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests import processes
from tests.browser.conftest import Visit, Windows
from tests.browser.stack import Stack, receipt

READ = 150_000  # ms for a photo to be read while other tests use the same two cores


def photograph(page: Page, tmp_path: Path, *photos: bytes, name: str = "receipt", button: str = "从相册选") -> None:
    """Choose pictures of the album on the receipt page."""
    files = [tmp_path / f"{name}-{number}.jpg" for number, _ in enumerate(photos)]
    for file, photo in zip(files, photos, strict=True):
        file.write_bytes(photo)
    with page.expect_file_chooser() as chooser:
        page.get_by_text(button, exact=True).click()
    chooser.value.set_files(files)
    expect(page.get_by_text(re.compile(r"上传 \d 张小票|Send \d"))).to_be_visible()


def send(page: Page) -> None:
    """Press the button under the chosen pictures."""
    page.get_by_text(re.compile(r"上传 \d 张小票")).click()


@pytest.fixture
def receipts(phone: Visit) -> Visit:
    """The receipt page of somebody who has just joined."""
    phone.open("#/pages/receipt/receipt")
    return phone


def test_a_photo_becomes_points_with_their_reason(receipts: Visit, tmp_path: Path) -> None:
    page = receipts.page
    receipts.shot("guide")
    photograph(page, tmp_path, receipt(yuan="128.00"))
    receipts.shot("chosen")
    send(page)
    page.get_by_text("小票已收到", exact=True).wait_for()
    receipts.shot("being-read")
    expect(page.get_by_text("积分到账")).to_be_visible(timeout=READ)
    expect(page.get_by_text("+128").first).to_be_visible()
    expect(page.get_by_text(re.compile(r"1 分/元")).first).to_be_visible()
    receipts.shot()
    page.get_by_text("查看我的积分").click()
    expect(page.get_by_text("128").first).to_be_visible()
    receipts.shot("points-of-a-new-member")


def test_a_doubtful_amount_is_asked_once_and_the_answer_scores(receipts: Visit, tmp_path: Path) -> None:
    page = receipts.page
    photograph(page, tmp_path, receipt(yuan="96.00", unsure="76.00"))
    send(page)
    expect(page.get_by_text("实付金额是哪一个？")).to_be_visible(timeout=READ)
    expect(page.locator("uni-image.crop img, .crop img").first).to_be_visible()
    receipts.shot("question")
    page.get_by_role("button", name="¥76.00").click()
    expect(page.get_by_text("积分到账")).to_be_visible()
    expect(page.get_by_text("+76").first).to_be_visible()
    receipts.shot()


def test_the_same_paper_again_is_told_to_be_known(receipts: Visit, stack: Stack, tmp_path: Path, person: str) -> None:
    page = receipts.page
    photo = receipt(yuan="57.00")
    for _ in range(2):
        photograph(page, tmp_path, photo)
        send(page)
        expect(page.get_by_text(re.compile("积分到账|这张小票没有积分"))).to_be_visible(timeout=READ)
        if page.get_by_text("积分到账").count():
            page.get_by_text("再拍一张小票").click()
    expect(page.get_by_text("这张小票没有积分")).to_be_visible()
    expect(page.get_by_text("积分已在您的账户里，可以查看明细。")).to_be_visible()
    receipts.shot()
    assert [row["points"] for row in stack.told("GET", "/v1/points/awards", receipts.access())["items"]] == [57]


def test_a_wrong_field_is_corrected_reviewed_by_keyboard_and_scores(receipts: Visit, window: Windows, stack: Stack, tmp_path: Path) -> None:
    stack.clear_queue()
    page = receipts.page
    photograph(page, tmp_path, receipt(yuan="86.00", name="MUMIAN COFFEE ROASTERS"))
    send(page)
    expect(page.get_by_text("这张小票没有积分")).to_be_visible(timeout=READ)
    receipts.shot("refused")
    page.get_by_text("读错了？更正").click()
    page.get_by_text("门店", exact=True).click()
    receipts.field("店名、拼音或铺位").fill("mumian")
    page.get_by_role("radio", name=re.compile("木棉咖啡")).click()
    receipts.shot("correcting")
    page.get_by_text("提交更正").click()
    expect(page.get_by_text("工作人员正在核对")).to_be_visible()
    receipts.shot("promised")

    desk = window("office", stack.staff("reviewer"))
    desk.open("reviews")
    expect(desk.page.get_by_text("顾客更正为").first).to_be_visible()
    desk.shot("review")
    for key in ("e", *"mumian"):
        desk.page.keyboard.press(key)
    desk.page.get_by_role("option", name=re.compile("木棉咖啡")).wait_for()
    for key in ("ArrowDown", "Enter"):
        desk.page.keyboard.press(key)
    expect(desk.page.locator(".fields li.focus").get_by_text(re.compile("木棉咖啡 ·")).first).to_be_visible()
    desk.page.keyboard.press("Enter")
    expect(desk.page.get_by_text(re.compile(r"第 \d+ 件已通过。"))).to_be_visible()
    desk.shot()
    expect(page.get_by_text("积分到账")).to_be_visible()
    expect(page.get_by_text("+86").first).to_be_visible()


def test_a_lost_connection_while_uploading_is_taken_up_again(receipts: Visit, stack: Stack, tmp_path: Path) -> None:
    page = receipts.page
    photograph(page, tmp_path, receipt(yuan="64.00"))
    receipts.offline()
    send(page)
    expect(page.get_by_text("稍后自动重试")).to_be_visible()
    receipts.shot()
    receipts.offline(False)
    expect(page.get_by_text("积分到账")).to_be_visible(timeout=READ)
    assert len(stack.told("GET", "/v1/receipts", receipts.access())["items"]) == 1


def test_what_was_photographed_offline_outlives_the_page(receipts: Visit, stack: Stack, tmp_path: Path) -> None:
    photograph(receipts.page, tmp_path, receipt(yuan="73.00"))
    receipts.offline()
    send(receipts.page)
    expect(receipts.page.get_by_text("稍后自动重试")).to_be_visible()
    receipts.page.goto("about:blank")
    receipts.offline(False)
    page = receipts.open("#/pages/receipts/receipts")
    arrived = lambda: stack.told("GET", "/v1/receipts", receipts.access())["items"]  # noqa: E731
    assert len(processes.until(arrived, 60)) == 1
    expect(page.locator(".list").get_by_text("+73")).to_be_visible(timeout=READ)
    receipts.shot()
    assert len(arrived()) == 1


def test_pictures_chosen_but_not_sent_outlive_the_page_and_one_can_be_put_back(receipts: Visit, stack: Stack, tmp_path: Path) -> None:
    photograph(receipts.page, tmp_path, receipt(yuan="52.00"), receipt(yuan="53.00"))
    receipts.page.goto("about:blank")
    page = receipts.open("#/pages/receipt/receipt")
    expect(page.get_by_text("上传 2 张小票")).to_be_visible()
    expect(page.locator(".thumb img")).to_have_count(2)
    receipts.shot()
    page.locator(".thumb-drop").first.click()
    receipts.page.goto("about:blank")
    page = receipts.open("#/pages/receipt/receipt")
    send(page)
    expect(page.get_by_text("积分到账")).to_be_visible(timeout=READ)
    expect(page.get_by_text("+53").first).to_be_visible()
    assert len(stack.told("GET", "/v1/receipts", receipts.access())["items"]) == 1


def test_a_double_tap_sends_once(receipts: Visit, stack: Stack, tmp_path: Path) -> None:
    page = receipts.page
    photograph(page, tmp_path, receipt(yuan="41.00"))
    page.get_by_text(re.compile(r"上传 \d 张小票")).evaluate("button => { for (let i = 0; i < 4; i++) button.click() }")
    expect(page.get_by_text("积分到账")).to_be_visible(timeout=READ)
    assert len(stack.told("GET", "/v1/receipts", receipts.access())["items"]) == 1
    receipts.shot()
