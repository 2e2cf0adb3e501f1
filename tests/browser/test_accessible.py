"""Every page, light and dark, as axe-core sees it: nothing serious, nothing critical; in English it fits. A page nobody listed fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from api.app import configure
from api.kit import clock, db
from api.settings import ROOT
from tests.browser.conftest import IDLE, Visit, Windows
from tests.browser.stack import SHOP_STAFF, Stack, receipt
from tests.factories import make_claimed_sale

AXE = ROOT / "console" / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = {"serious", "critical"}
OF_COLOURS = ["color-contrast", "link-in-text-block"]  # what a scheme can change

#: page → address; {receipt} and {shop} are filled in.
PHONE = {
    "home": "#/",
    "receipts": "#/pages/receipts/receipts",
    "code": "#/pages/code/code",
    "me": "#/pages/me/me",
    "receipt": "#/pages/receipt/receipt?id={receipt}",
    "points": "#/pages/points/points",
    "level": "#/pages/level/level",
    "messages": "#/pages/messages/messages",
    "shop": "#/pages/shop/shop?id={shop}",
    "sign-in": "#/pages/sign-in/sign-in",
    "identities": "#/pages/identities/identities",
    "vehicles": "#/pages/vehicles/vehicles",
    "about": "#/pages/about/about",
    "settings": "#/pages/settings/settings",
    "privacy": "#/pages/privacy/privacy",
    "leave": "#/pages/leave/leave",
    "phone": "#/pages/phone/phone",
    "plate": "#/pages/plate/plate?code={plate}",
    "order": "#/pages/order/order?number={order}",
    "orders": "#/pages/orders/orders",
    "wallet": "#/pages/wallet/wallet",
    "recharge": "#/pages/recharge/recharge",
    "pin": "#/pages/pin/pin",
    "pay-code": "#/pages/pay-code/pay-code",
    "scan": "#/pages/scan/scan",
}
#: page → addresses: the list, and what opens beside it.
OFFICE = {
    "adjustments": ("adjustments",),
    "alerts": ("alerts",),
    "approvals": ("approvals", "approvals?open={approval}"),
    "audit": ("audit",),
    "bills": ("bills", "bills?open={difference}", "bills?tab=bills"),
    "card-balances": ("card-balances",),
    "card-products": (
        "card-products",
        "card-products?open=1",
        "card-products?tab=packages",
        "card-products?tab=packages&open=new",
        "card-products?tab=recharges",
    ),
    "card-requests": ("card-requests",),
    "card-stock": ("card-stock", "card-stock?open=new", "card-stock?tab=sales&open=new"),
    "cards": ("cards", "cards?open=1"),
    "cash-shifts": ("cash-shifts", "cash-shifts?open=new", "cash-shifts?tab=hand-ins"),
    "complaints": ("complaints", "complaints?open={complaint}"),
    "exports": ("exports",),
    "jobs": ("jobs",),
    "levels": ("levels", "levels?open=1"),
    "liability": ("liability",),
    "member": ("members/{member}", "members/{member}?tab=receipts"),
    "members": ("members",),
    "merges": ("merges", "merges?new=1"),
    "merchants": ("merchants", "merchants?open=1", "merchants?open=new"),
    "notices": ("notices", "notices?open=1", "notices?tab=refused"),
    "orders": ("orders", "orders?open={order}"),
    "partners": (
        "partners",
        "partners?open={partner}",
        "partners?open=new",
        "partners?tab=log&partner_id={partner}",
        "partners?tab=log&open={delivery}",
    ),
    "payment-refunds": ("payment-refunds", "payment-refunds?open=1", "payment-refunds?tab=shares"),
    "payments": ("payments", "payments?open=1"),
    "plate-alarms": ("plate-alarms", "plate-alarms?tab=checks", "plate-alarms?tab=checks&open=new"),
    "plates": ("plates", "plates?open=1", "plates?tab=batches", "plates?tab=batches&open=new"),
    "points-rules": ("points-rules", "points-rules?open=1", "points-rules?open=new"),
    "policy": ("policy",),
    "refunds": ("refunds", "refunds?open={refund}"),
    "rehearsals": ("rehearsals",),
    "reviews": ("reviews",),
    "shops": ("shops", "shops?open={shop}", "shops?open=import", "shops?open=places"),
    "staff": ("staff", "staff/tablets"),
    "till-reports": ("till-reports", "till-reports?open={report}", "till-reports?tab=differing", "till-reports?tab=waiting"),
    "today": ("today",),
}
SHOP = {
    "cards": ("cards",),
    "charge": ("charge",),
    "check": ("check",),
    "payments": ("payments", "payments?open={order}"),
    "receipts": ("receipts",),
    "sales": ("sales",),
    "sales-report": ("sales-report",),
    "tablets": ("tablets",),
}


def test_every_page_of_the_phone_is_listed_here() -> None:
    pages = json.loads((ROOT / "miniapp_stub" / "src" / "pages.json").read_text())["pages"]
    assert {page["path"].split("/")[1] for page in pages} == set(PHONE)


@pytest.mark.parametrize(("entrance", "listed"), [("office", OFFICE), ("shop", SHOP)], ids=["office", "shop"])
def test_every_page_of_the_console_is_listed_here(entrance: str, listed: dict[str, Any]) -> None:
    assert {path.parent.name for path in (ROOT / "console" / "src" / entrance).glob("*/page.ts")} == set(listed)


@pytest.fixture(scope="module")
def life(stack: Stack) -> Iterator[dict[str, Any]]:
    """Somebody whose pages all have something on them, and a case at the desk."""
    from api.payments import service as payments
    from api.points import service as points
    from api.tills import service as tills

    configure(stack.settings)  # the tests before may have gone back to their own mall
    signed = stack.join("browser-regular")
    token, number = signed["access_token"], signed["member"]["number"]
    shop = stack.rows("SELECT id FROM shops WHERE code = 'T009'")[0][0]
    with db.unit_of_work(stack.mall):
        points.earn(make_claimed_sale(number, shop_id=shop, paid_fen=25_600), by="test")
    stack.told("PATCH", "/v1/me", token, json={"nickname": "欧阳明月"})
    stack.told("POST", "/v1/me/vehicles", token, json={"plate": "沪AD12345"})
    unclear = stack.send(token, receipt(yuan="64.00", name="MUMIAN COFFEE ROASTERS"))
    scored = stack.send(token, receipt(yuan="45.00"))
    stack.decided(token, unclear)
    stack.told("POST", f"/v1/receipts/{unclear}/corrections", token, json={"field": "shop_id", "value": str(shop)})
    stack.decided(token, scored)
    admin = stack.staff("admin")
    bought = stack.buys(token, 212_800, remark="两杯拿铁")
    back = {"amount_fen": 120_000, "reason": "顾客退货"}
    waits = stack.told("POST", f"/v1/office/orders/{bought['number']}/refunds", admin["access_token"], json=back)
    given = back | {"amount_fen": 800}
    stack.told("POST", f"/v1/office/orders/{bought['number']}/refunds", admin["access_token"], json=given)
    difference = stack.differs(token, 5_100, admin["access_token"])
    stack.recharge(token)
    stack.told("GET", f"/v1/office/members/{number}?reason=browser", admin["access_token"])
    stack.sim("wechat", "complaints", out_trade_no=stack.payment(bought["number"]), problem_type="REFUND", apply_refund_amount=800)
    with db.unit_of_work(stack.mall):
        payments.read_complaint_lists(timedelta(days=1))
    listed = stack.told("GET", "/v1/office/complaints?state=pending", admin["access_token"])["items"]
    till = {"name": "收银系统", "url": "http://localhost:9/hooks", "events": ["refund.done"]}
    partner = stack.told("POST", "/v1/office/partners", admin["access_token"], json=till)["partner"]["id"]
    delivery = stack.told("POST", f"/v1/office/partners/{partner}/tests", admin["access_token"])["id"]
    with db.unit_of_work(stack.mall):
        sold = f"类型,小票号,支付时间,金额(元),原小票号\n销售,AX-1,{clock.now():%Y-%m-%d} 00:00,12.80,\n退款,AX-2,,1.00,AX-9\n"
        report = tills.take_file(shop, sold.encode(), file_name="till.csv", by="browser test").id
    asked = {"submission_days": 8, "why": "browser test"}
    approval = stack.told("PATCH", "/v1/office/policy", admin["access_token"], json=asked)["id"]
    yield {
        "approval": approval,
        "difference": difference,
        "report": report,
        "partner": partner,
        "delivery": delivery,
        "signed": signed,
        "complaint": listed[0]["id"],
        "admin": admin,
        "manager": stack.staff(SHOP_STAFF),
        "receipt": scored,
        "shop": shop,
        "member": number,
        "order": bought["number"],
        "refund": waits["number"],
        "plate": stack.plate(),
    }
    answer = {"note": "browser test"}
    stack.told("PUT", f"/v1/office/bill-differences/{difference}/settlement", admin["access_token"], json=answer)
    stack.told("PUT", f"/v1/office/partners/{partner}/removal", admin["access_token"], json={"why": "browser test"})
    review = stack.rows("SELECT id FROM receipt_reviews WHERE receipt_id = %s", unclear)[0][0]
    stack.told("POST", "/v1/office/receipt-reviews/next", admin["access_token"])
    stack.told(
        "POST", f"/v1/office/receipt-reviews/{review}/refusal", admin["access_token"], json={"reason": "not_legible", "why": "browser test"}
    )


def grave(page: Page, rules: list[str] | None = None) -> list[str]:
    """What axe-core holds to be serious or critical: rule, what it says, where. By these rules, else by all."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE.read_text())
    # Nothing is fetched anew: what needs the text of style sheets is an experimental rule, which is not asked.
    options = {"resultTypes": ["violations"], "preload": False} | ({"runOnly": {"type": "rule", "values": rules}} if rules else {})
    violations = page.evaluate("options => axe.run(document, options).then(result => result.violations)", options)
    return [f"{one['id']} ({one['impact']}) {one['help']}: {places(one['nodes'])}" for one in violations if one["impact"] in GRAVE]


def places(nodes: list[dict[str, Any]]) -> str:
    """Where, and what stands there: the first few."""
    return "; ".join(f"{node['target'][0]} {node['html'][:160]}" for node in nodes[:4])


def both_schemes(visit: Visit, shot: str) -> list[str]:
    """The page that is open, light and dark in one visit. A scheme changes colours alone: in the dark only their rules are asked."""
    grave_ones: list[str] = []
    for scheme in ("light", "dark"):
        visit.wear(scheme)
        visit.shot(shot)
        grave_ones += [f"{scheme}: {what}" for what in grave(visit.page, OF_COLOURS if scheme == "dark" else None)]
    visit.wear("light")
    return grave_ones


def in_english(visit: Visit, shot: str) -> list[str]:
    """The page that is open once more in English, by its own switch: no wider than its screen."""
    page, switch = visit.page, visit.page.locator(".switches button").first
    html = page.locator("html")
    switch.evaluate("button => button.click()")
    expect(html).to_have_attribute("lang", "en")
    page.evaluate(IDLE)
    visit.suffix = "-en"
    visit.shot(shot)
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    switch.evaluate("button => button.click()")
    expect(html).to_have_attribute("lang", "zh-CN")
    return ["English: wider than its screen"] if wide else []


def check(visit: Visit, addresses: tuple[str, ...], name: str) -> None:
    """Each address opened once; everything that was wrong at once."""
    wrong: list[str] = []
    for number, address in enumerate(addresses):
        visit.open(address)
        visit.settled()
        shot = f"page-{visit.entrance}-{name}{number or ''}"
        wrong += [f"{address} {what}" for what in both_schemes(visit, shot)]
        if visit.entrance != "m":
            wrong += [f"{address} {what}" for what in in_english(visit, shot)]
    assert wrong == [], "\n".join(wrong)


@pytest.mark.parametrize("name", PHONE)
def test_a_page_of_the_phone(name: str, window: Windows, life: dict[str, Any]) -> None:
    visit = window("m") if name == "sign-in" else window("m", life["signed"], lasting="phone")
    check(visit, (PHONE[name].format(**life),), name)


@pytest.mark.parametrize("name", ["home", "receipts", "code", "me", "receipt", "points", "orders", "wallet", "recharge", "pin", "pay-code"])
def test_a_page_of_the_phone_to_a_visitor(name: str, window: Windows) -> None:
    check(window("m", lasting="visitor"), (PHONE[name].partition("?")[0],), f"{name}-visitor")


@pytest.mark.parametrize("name", OFFICE)
def test_a_page_of_the_desk(name: str, window: Windows, life: dict[str, Any]) -> None:
    check(window("office", life["admin"], lasting="desk"), tuple(address.format(**life) for address in OFFICE[name]), name)


def test_members_found_at_the_desk(window: Windows, life: dict[str, Any]) -> None:
    visit = window("office", life["admin"])
    page = visit.open("members")
    wrong: list[str] = []
    for text, name in (("欧阳明月", "by-name"), (str(life["member"]), "by-card"), ("没有这个人", "nobody")):
        page.get_by_role("search").locator("input").fill(text)
        page.keyboard.press("Enter")
        expect(page.get_by_text("没有找到。请核对") if name == "nobody" else page.locator("tbody tr").first).to_be_visible()
        wrong += [f"{text} {what}" for what in both_schemes(visit, f"members-found-{name}")]
    assert wrong == [], "\n".join(wrong)


@pytest.mark.parametrize("name", SHOP)
def test_a_page_of_the_tablet(name: str, window: Windows, life: dict[str, Any]) -> None:
    check(window("shop", life["manager"], lasting="tablet"), tuple(address.format(**life) for address in SHOP[name]), name)


@pytest.mark.parametrize("entrance", ["office", "shop"])
def test_the_door_of_the_console(entrance: str, window: Windows) -> None:
    check(window(entrance), ("sign-in", "password#no-link-of-this-mall-any-more"), "sign-in")


@pytest.mark.parametrize("entrance", ["office", "shop"])
def test_the_own_account(entrance: str, window: Windows, life: dict[str, Any]) -> None:
    check(window(entrance, life["admin" if entrance == "office" else "manager"]), ("account",), f"account-{entrance}")


def test_every_page_of_the_phone_in_english_fits_its_screen(window: Windows, life: dict[str, Any]) -> None:
    """The desk and the tablet have a switch on every page; the phone has it among its settings."""
    visit, wide = window("m", life["signed"], english=True), []
    for name, address in PHONE.items():
        page = visit.open(address.format(**life))
        visit.settled()
        expect(page.locator("html")).to_have_attribute("lang", "en")
        visit.shot(f"page-m-{name}")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(address)
    assert wide == []
