"""Sign-ins that end: a stolen token, a form half filled in, a language that was chosen."""

from __future__ import annotations

import json
import re

from playwright.sync_api import expect

from deploy import demo
from tests.browser.conftest import Visit, Windows
from tests.browser.stack import MALL, Stack


def held(visit: Visit) -> dict[str, str]:
    """The tokens that a shopper's page holds."""
    return dict(json.loads(visit.tokens() or "{}")["data"])


def let_access_end(visit: Visit) -> None:
    """As if the access token's time was up: the page must renew it before its next call."""
    visit.page.evaluate(
        "key => { const kept = JSON.parse(localStorage.getItem(key)); (kept.data ?? kept)[kept.data ? 'endsAt' : 'ends'] = 1;"
        " localStorage.setItem(key, JSON.stringify(kept)) }",
        f"tokens:{MALL}" if visit.entrance == "m" else f"mallbridge.{visit.entrance}.{MALL}",
    )


def test_a_refresh_token_used_by_somebody_else_signs_out(phone: Visit, stack: Stack) -> None:
    phone.open("#/pages/points/points")
    expect(phone.page.get_by_text("可用积分")).to_be_visible()
    stolen = held(phone)["refresh"]
    first = stack.told("POST", "/v1/sessions/refresh", json={"refresh_token": stolen})
    stack.told("POST", "/v1/sessions/refresh", json={"refresh_token": first["refresh_token"]})
    let_access_end(phone)
    phone.page.reload()
    expect(phone.page.get_by_text("登录已过期，请重新登录。")).to_be_visible()
    assert phone.tokens() is None
    phone.shot()
    assert stack.ask("POST", "/v1/sessions/refresh", json={"refresh_token": first["refresh_token"]}).status_code == 401


def test_a_session_that_ends_mid_form_keeps_what_was_typed(phone: Visit, stack: Stack, person: str) -> None:
    page = phone.open("#/pages/vehicles/vehicles")
    phone.field("添加车牌").fill("沪A12345")
    stack.told("DELETE", "/v1/sessions/current", phone.access())
    page.get_by_text("保存", exact=True).click()
    expect(page.get_by_text("登录已过期，请重新登录。")).to_be_visible()
    phone.shot("asked-to-sign-in-again")
    phone.field("扮演谁").fill(person)
    page.get_by_role("checkbox").click()
    page.get_by_text("微信登录").click()
    expect(phone.field("添加车牌")).to_have_value("沪A12345")
    page.get_by_text("保存", exact=True).last.click()
    expect(page.get_by_text("沪A12345").first).to_be_visible()
    phone.shot()


def test_a_desk_session_that_ends_mid_form_keeps_what_was_typed(desk: Visit, stack: Stack) -> None:
    page = desk.open("points-rules?open=new")
    desk.field("中文名称").fill("周末双倍，打到一半")
    stack.told("DELETE", "/v1/office/me/session", desk.access())
    desk.field("英文名称").fill("Half a name")
    page.locator("input[autocomplete=username]").fill("admin")
    desk.shot("asked-to-sign-in-again")
    page.locator("input[autocomplete=current-password]").fill(demo.PASSWORD)
    page.locator("button[type=submit]").click()
    expect(desk.field("中文名称")).to_have_value("周末双倍，打到一半")
    desk.shot()


def test_english_is_a_switch_on_the_phone(phone: Visit) -> None:
    page = phone.open("#/pages/settings/settings")
    page.get_by_text("English", exact=True).click()
    page.get_by_text("Language", exact=True).wait_for()
    phone.shot()
    page = phone.open()
    expect(page.get_by_text("Snap receipt").or_(page.get_by_text(re.compile("[Rr]eceipt"))).first).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    phone.shot("home-in-english")


def test_english_is_a_switch_at_the_desk(desk: Visit) -> None:
    page = desk.open("today")
    page.get_by_text("English", exact=True).click()
    page.get_by_text("中文", exact=True).wait_for()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_role("navigation").get_by_text(re.compile("[Rr]eview")).first).to_be_visible()
    desk.shot()


def test_the_desk_in_english_stays_english(window: Windows, stack: Stack) -> None:
    visit = window("office", stack.staff("admin"), english=True)
    page = visit.open("shops")
    expect(page.get_by_role("heading", name=re.compile("[Ss]hops")).first).to_be_visible()
    visit.shot()


def test_a_page_without_permission_is_hidden_and_the_api_refuses(window: Windows, stack: Stack) -> None:
    visit = window("office", stack.staff("reviewer"))
    page = visit.open("points-rules")
    expect(page.get_by_text(re.compile(r"points\.report")).first).to_be_visible()
    expect(page.get_by_role("navigation").get_by_text("积分规则", exact=True)).to_have_count(0)
    expect(page.get_by_role("navigation").get_by_text("小票审核", exact=True).first).to_be_visible()
    visit.shot()
    assert stack.ask("GET", "/v1/office/points/rules", visit.access()).status_code == 403
