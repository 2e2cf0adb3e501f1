"""What a browser says that it is, short enough for people: "Chrome · Windows". For showing only; nothing is decided by it."""

from __future__ import annotations

import re

_BROWSERS = (
    ("WeChat", r"MicroMessenger"), ("Edge", r"Edg(?:e|A|iOS)?/"), ("Opera", r"OPR/"), ("Samsung Internet", r"SamsungBrowser/"),
    ("QQ Browser", r"MQQBrowser|QQBrowser"), ("UC Browser", r"UCBrowser"), ("Firefox", r"Firefox/|FxiOS/"), ("Chrome", r"Chrome/|CriOS/"),
    ("Safari", r"Safari/"),
)  # fmt: skip
_SYSTEMS = (
    ("iPad", r"iPad"), ("iPhone", r"iPhone"), ("HarmonyOS", r"HarmonyOS|OpenHarmony"), ("Android", r"Android"), ("Windows", r"Windows"),
    ("macOS", r"Macintosh|Mac OS X"), ("Linux", r"Linux|X11"),
)  # fmt: skip


def label(agent: str) -> str:
    """The browser and system of a User-Agent; the first word of any other program's."""
    named = [next((name for name, sign in known if re.search(sign, agent)), "") for known in (_BROWSERS, _SYSTEMS)]
    return " · ".join(filter(None, named)) or agent.split("/")[0][:40]
