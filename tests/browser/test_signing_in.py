"""Coming in at each of the three doors."""

from __future__ import annotations

from playwright.sync_api import expect

from deploy import demo
from tests import processes
from tests.browser.conftest import Windows
from tests.browser.stack import Stack


def test_a_visitor_looks_around_and_joins_with_the_wallet(window: Windows, stack: Stack, person: str) -> None:
    visit = window("m")
    page = visit.open()
    expect(page.get_by_text("云裳女装").first).to_be_visible()
    visit.shot("home-of-a-visitor")
    page = visit.open("#/pages/sign-in/sign-in")
    visit.field("扮演谁").fill(person)
    page.get_by_role("checkbox").click()
    visit.shot()
    page.get_by_text("微信登录").click()
    processes.until(visit.tokens, 30, every=0.2)
    assert stack.told("GET", "/v1/me", visit.access())["number"] > 0


def test_staff_sign_in_at_the_desk_and_a_wrong_password_is_told_at_its_field(window: Windows) -> None:
    visit = window("office")
    page = visit.open()
    page.locator("input[autocomplete=username]").fill("admin")
    page.locator("input[autocomplete=current-password]").fill("wrong")
    page.locator("button[type=submit]").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    visit.shot("wrong-password")
    page.locator("input[autocomplete=current-password]").fill(demo.PASSWORD)
    page.locator("button[type=submit]").click()
    expect(page.get_by_role("navigation").first).to_be_visible()
    assert page.locator("input[autocomplete=username]").count() == 0
    visit.shot()
