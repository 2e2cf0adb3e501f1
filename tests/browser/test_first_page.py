"""What must come over the line before anything is seen. Times are measured by `python -m bench.first_page`; bytes are held here."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from bench.first_page import KB, TARGETS, load
from tests.browser.stack import MALL, Stack, kept


@pytest.mark.parametrize("name", TARGETS)
def test_the_script_of_a_first_page_is_small(name: str, browser: Browser, stack: Stack) -> None:
    address = {"h5": f"/m/{MALL}/", "console sign-in": f"/office/{MALL}/", "console today": f"/office/{MALL}/today"}[name]
    keep = kept("office", stack.staff("admin")) if name == "console today" else None
    seen = load(browser, stack.url + address, keep=keep, phone=name == "h5")
    assert 0 < seen.script <= TARGETS[name][0] * KB, f"{seen.script / KB:.1f} KB of script"
    assert seen.requests < 60
