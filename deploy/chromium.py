"""The browser of the tests and screenshots: `python -m deploy.chromium` finds a Chromium and Chinese fonts, or installs Debian's."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from deploy import debian
from deploy.embedded import CannotStart

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = ("chromium", "fonts-noto-cjk")
#: No window, no sandbox (containers forbid it), nothing fetched from outside, nothing synchronised.
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-domain-reliability", "--force-color-profile=srgb",
)  # fmt: skip
FONT_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".fonts", Path.home() / ".local/share/fonts")
CHINESE_FONTS = ("*cjk*", "*CJK*", "*wqy*", "*SourceHan*", "*DroidSansFallback*", "*[Ss]im[Ss]un*", "*msyh*", "*PingFang*", "*uming*")


def find() -> Path | None:
    """The browser of the machine: CHROMIUM if it is set, else the first known name on the path."""
    return debian.program("CHROMIUM", *NAMES)


def chinese_fonts() -> bool:
    """Whether pages can be drawn in Chinese here."""
    if listing := shutil.which("fc-list"):
        return bool(subprocess.run([listing, ":lang=zh-cn", "family"], capture_output=True, check=False).stdout.strip())
    return any(next(folder.rglob(kind), None) for folder in FONT_FOLDERS if folder.is_dir() for kind in CHINESE_FONTS)


def ensure() -> Path:
    """The browser, with fonts for Chinese; installed where we are root on Debian. CannotStart says in one sentence what to do."""
    browser = find()
    if browser and chinese_fonts():
        return browser
    if not debian.install(*PACKAGES, saying="· installing Chromium and Chinese fonts for the browser tests (once)"):
        what = "Chinese fonts (Debian's package fonts-noto-cjk)" if browser else "a Chromium: install it, or set CHROMIUM to its path"
        raise CannotStart(f"The browser tests need {what}.")
    browser = find()
    if browser is None:
        raise CannotStart("Debian's package chromium was installed, but no chromium is on the path: set CHROMIUM to it.")
    return browser


if __name__ == "__main__":
    try:
        ensure()
    except CannotStart as reason:
        sys.exit(f"✗ {reason}")
