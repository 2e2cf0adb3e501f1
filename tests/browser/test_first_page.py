"""What must come over the line before anything is seen. Times are measured by `python -m bench.first_page`; bytes are held here."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from bench.first_page import KB, TARGETS, load
from tests.browser.conftest import Visit, Windows
from tests.browser.stack import MALL, Stack, kept


@pytest.mark.parametrize("name", TARGETS)
def test_the_script_of_a_first_page_is_small(name: str, browser: Browser, stack: Stack) -> None:
    address = {"h5": f"/m/{MALL}/", "console sign-in": f"/office/{MALL}/", "console today": f"/office/{MALL}/today"}[name]
    keep = kept("office", stack.staff("admin")) if name == "console today" else None
    seen = load(browser, stack.url + address, keep=keep, phone=name == "h5")
    assert 0 < seen.script <= TARGETS[name][0] * KB, f"{seen.script / KB:.1f} KB of script"
    assert seen.requests < 60


def without_script(visit: Visit) -> Visit:
    """A line so thin that the framework never comes."""
    visit.context.route("**/assets/framework*.js", lambda route: route.abort())
    return visit


def test_a_visitor_reads_why_to_join_before_the_script_is_there(window: Windows) -> None:
    english = window("m", english=True, dark=True)
    for visit, sentence in ((window("m"), "加入会员，拍下小票就能积分"), (english, "a photo of your receipt earns points")):
        page = without_script(visit).open()
        expect(page.locator("#shell").get_by_text(sentence)).to_be_visible()
        visit.shot("outline")


def test_the_outline_tells_a_member_nothing_about_joining(phone: Visit) -> None:
    page = without_script(phone).open()
    expect(page.locator(".shell-card")).to_be_visible()
    expect(page.get_by_text("加入会员，拍下小票就能积分")).to_be_hidden()
    page = phone.open("#/pages/points/points")
    page.reload()
    expect(page.locator(".shell-panel")).to_be_visible()
    expect(page.locator(".shell-card")).to_be_hidden()


def test_the_outline_gives_way_to_the_page(window: Windows) -> None:
    for address in ("", "#/pages/points/points", "#/pages/nowhere"):
        visit = window("m")
        page = visit.open(address)
        expect(page.locator("uni-page").first).to_be_visible()
        expect(page.locator("#shell")).to_have_count(0)
