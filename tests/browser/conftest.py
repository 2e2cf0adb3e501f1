"""A real Chromium and the running mall. A page that breaks its own rules fails the test it is in. SHOTS=1 leaves pictures."""

from __future__ import annotations

import itertools
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from api.app import configure
from api.settings import ROOT, Settings
from deploy import chromium, embedded
from ocr import models
from tests.browser import stack as mall_stack
from tests.browser.stack import MALL, Stack, kept

SHOTS = ROOT / "var" / "shots"
DRAWN = bool(os.environ.get("SHOTS"))  # pictures are for people: a run that only tests draws those of failures
SIZES = {"m": (375, 812), "shop": (1180, 820), "office": (1440, 900)}
PATIENCE = 30_000  # ms; other tests run on the same two cores
#: Resolves when the page has nothing left to compute and has drawn what it computed.
#: Nothing is left to do, and no colour is on its way to another: half-way it is neither theme's.
IDLE = """Promise.all(
    document.getAnimations().filter(moving => moving instanceof CSSTransition).map(moving => moving.finished.catch(() => 0))
  ).then(() => new Promise(idle => requestIdleCallback(() => requestAnimationFrame(() => setTimeout(idle, 30)))))"""
LIVE = "/v1/live"

_person = itertools.count(1)
expect.set_options(timeout=PATIENCE)


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Remember a failure, so that its windows can be looked at afterwards."""
    report = yield
    if call.when == "call":
        item.stash[FAILED] = report.failed
    return report


@pytest.fixture(scope="package")
def stack(
    new_database: Callable[[], str], postgres: embedded.Postgres, servers: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """The running mall, filled as the demo is."""
    name = new_database()
    url, owner = postgres.url(name), postgres.url(name, embedded.OWNER)
    folder = tmp_path_factory.mktemp("browser")
    base = Settings(database_url=url, owner_url=owner, redis_url="", ocr_models=models.ensure(), log_level="WARNING")
    # The last cache of the server: the workers of the other tests count from the first.
    with mall_stack.running(url, owner, embedded.Valkey(servers["cache"]).url(31), base, folder) as made:
        configure(made.settings)
        mall_stack.shop_manager(made.mall)
        mall_stack.merchant_accounts(made.settings, made.mall)
        yield made


@pytest.fixture(autouse=True)
def _of_this_mall(stack: Stack, request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test does past the pages, it does in the running mall's database; afterwards other tests find their own."""
    own = request.getfixturevalue("settings") if os.environ.get("PYTEST_XDIST_WORKER") else None
    configure(stack.settings)
    yield
    if own is not None:
        configure(own)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A Chromium of this machine. It ends with this folder: while it is there, its thread has a running event loop and can run no other."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(chromium.ensure()), args=list(chromium.FLAGS))
        yield started
        started.close()


class Visit:
    """One browser window: a page, what it complained about, and its screenshots."""

    def __init__(self, context: BrowserContext, stack: Stack, entrance: str, name: str, suffix: str) -> None:
        self.context, self.stack, self.entrance, self.name, self.suffix = context, stack, entrance, name, suffix
        self.scheme = "dark" if "-dark" in suffix else "light"
        self.troubles: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("pageerror", lambda error: self.troubles.append(f"uncaught: {error}"))
        self.page.on("console", self._note)
        self.asked: set[Any] = set()
        self.page.on("request", lambda request: LIVE not in request.url and self.asked.add(request))
        for ended in ("requestfinished", "requestfailed"):
            self.page.on(ended, lambda request: self.asked.discard(request))

    def again(self, name: str) -> Visit:
        """The same window for the next test: blank, light, nothing complained about yet."""
        self.name, self.suffix, self.scheme = name, "", "light"
        self.page.goto("about:blank")  # a new address after the # alone would load nothing
        self.page.emulate_media(color_scheme="light")
        self.troubles.clear()
        return self

    def _note(self, message: Any) -> None:
        if message.type in {"error", "warning"} and re.search(r"Content Security Policy|\[Vue warn\]|Refused to|intlify", message.text):
            self.troubles.append(f"{message.type}: {message.text[:400]}")

    def open(self, path: str = "") -> Page:
        """Go to a page below the entrance: “#/pages/points/points” of the shopper's, “receipts” of the desk's."""
        self.page.goto(f"{self.stack.url}/{self.entrance}/{MALL}/{path}")
        return self.page

    def settled(self) -> None:
        """Wait until nothing more is asked for and the page shows what it has to show; the live stream stays open and is not waited for."""
        self.page.wait_for_load_state()
        quiet, patient_until = 0, time.monotonic() + PATIENCE / 1000
        while quiet < 2:
            self.page.evaluate(IDLE)
            quiet = 0 if self.asked else quiet + 1
            assert time.monotonic() < patient_until, [request.url for request in self.asked]
        expect(self.page.locator("h1, form, .app-page").first).to_be_visible(timeout=PATIENCE)
        expect(self.page.locator(".skeleton")).to_have_count(0, timeout=PATIENCE)

    def wear(self, scheme: str) -> None:
        """Light or dark, and the page drawn so."""
        self.suffix = "-dark" if scheme == "dark" else ""
        if scheme == self.scheme:
            return
        self.scheme = scheme
        self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        self.page.evaluate(IDLE)

    def field(self, label: str) -> Locator:
        """The box that one types into under a label."""
        return self.page.get_by_label(label, exact=True).and_(self.page.locator("input, textarea")).filter(visible=True).last

    def button(self, name: str | re.Pattern[str]) -> Locator:
        """A button by what it says."""
        return self.page.get_by_role("button", name=name, exact=isinstance(name, str)).first

    def shot(self, name: str = "", *, whole: bool = False, always: bool = False) -> None:
        """Leave a screenshot in var/shots, where pictures are wanted."""
        if not (DRAWN or always):
            return
        SHOTS.mkdir(parents=True, exist_ok=True)
        width, height = SIZES[self.entrance]
        path = SHOTS / f"{name or self.name}-{width}x{height}{self.suffix}.png"
        self.page.screenshot(path=path, full_page=whole, animations="disabled")

    def offline(self, now: bool = True) -> None:
        """Take the connection away, or give it back."""
        self.context.set_offline(now)

    def tokens(self) -> str | None:
        """What the page keeps of its sign-in; None when nobody is signed in."""
        key = f"tokens:{MALL}" if self.entrance == "m" else f"mallbridge.{self.entrance}.{MALL}"
        return self.page.evaluate("key => localStorage.getItem(key)", key)

    def access(self) -> str:
        """The access token that the page holds now."""
        held = json.loads(self.tokens() or "{}")
        return str(held["data"]["access"] if self.entrance == "m" else held["access"])


Windows = Callable[..., Visit]


@pytest.fixture(scope="module")
def _lasting() -> Iterator[dict[str, Visit]]:
    """Windows that the tests of one file share, by what they are called."""
    made: dict[str, Visit] = {}
    yield made
    for visit in made.values():
        visit.context.close()


@pytest.fixture
def window(browser: Browser, stack: Stack, request: pytest.FixtureRequest, _lasting: dict[str, Visit]) -> Iterator[Windows]:
    """window("m" | "shop" | "office", signed_in=answer, dark=False, english=False) opens a window of that person's device.

    `lasting="a name"` is the window of that name that an earlier test of the file left, blank, with all that it keeps of its pages.
    """
    opened: list[Visit] = []
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower()).strip("-")

    def make(
        entrance: str, signed_in: dict[str, Any] | None = None, *, dark: bool = False, english: bool = False, lasting: str = "", **more: Any
    ) -> Visit:
        if lasting in _lasting:
            opened.append(_lasting[lasting].again(name))
            return opened[-1]
        width, height = SIZES[entrance]
        touch = entrance != "office"
        context = browser.new_context(
            viewport={"width": width, "height": height}, has_touch=touch, is_mobile=entrance == "m", locale="zh-CN",
            timezone_id="Asia/Shanghai", color_scheme="dark" if dark else "light", reduced_motion="reduce", **more,
        )  # fmt: skip
        context.set_default_timeout(PATIENCE)
        keep = kept(entrance, signed_in) if signed_in else {}
        if english:
            keep["language" if entrance == "m" else "mallbridge.language"] = "en"
        _seed(context, stack.url, keep)
        suffix = ("-dark" if dark else "") + ("-en" if english else "")
        opened.append(Visit(context, stack, entrance, name, suffix))
        if lasting:
            _lasting[lasting] = opened[-1]
        return opened[-1]

    yield make
    for number, visit in enumerate(opened if request.node.stash.get(FAILED, False) else []):
        visit.shot(f"failed-{name}-{number}", always=True)
        request.node.add_report_section("teardown", "window", "\n".join([f"{number}: {visit.page.url}", *visit.troubles]))
    troubles = [trouble for visit in opened for trouble in visit.troubles]
    for visit in opened:
        if visit not in _lasting.values():
            visit.context.close()
    assert troubles == []


def _seed(context: BrowserContext, url: str, keep: dict[str, str]) -> None:
    """Put things into the storage of the origin before any page of it runs: on a page without script."""
    if not keep:
        return
    page = context.new_page()
    page.goto(f"{url}/healthz")
    page.evaluate("keep => Object.entries(keep).forEach(([key, value]) => localStorage.setItem(key, value))", keep)
    page.close()


@pytest.fixture
def person() -> str:
    """Somebody whom the simulators know and the mall does not yet."""
    return f"browser-{os.getpid()}-{next(_person)}"


@pytest.fixture
def phone(window: Windows, stack: Stack, person: str) -> Visit:
    """A shopper's phone, signed in."""
    return window("m", stack.join(person))


@pytest.fixture
def desk(window: Windows, stack: Stack) -> Visit:
    """The desk of the mall's administrator, signed in."""
    return window("office", stack.staff("admin"))


@pytest.fixture
def tablet(window: Windows, stack: Stack) -> Visit:
    """The tablet of the café's manager, signed in."""
    return window("shop", stack.staff(mall_stack.SHOP_STAFF))
