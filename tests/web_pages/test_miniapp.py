"""The mini-program: its source read by rules, its unit tests, its three builds unpacked."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from deploy import web_pages

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "miniapp_stub"
SRC = APP / "src"
MAIN_PACKAGE = 1_500_000  # bytes; WeChat stops at 2 MB
FIRST_SCRIPT = 200_000  # bytes, gzip

#: What only src/wallets may name: the wallets' own objects, and uni-app's doubles of what differs between wallets.
WALLETS_OWN = re.compile(
    r"(?<![\w.$])(?:wx|my)\.\w|\buni\.(?:login|checkSession|getUserProfile|getUserInfo|authorize|requestPayment|scanCode|chooseImage|chooseMedia|"
    r"chooseMessageFile|share|shareWithSystem|setScreenBrightness|getScreenBrightness|setKeepScreenOn|requestSubscribeMessage|getProvider|openSetting)\b"
)
COLOUR = re.compile(r"#(?:[0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})\b|\b(?:rgb|rgba|hsl|hsla)\(")
CHINESE = re.compile(r"[\u4e00-\u9fff]+")
SENTENCE_ATTRIBUTES = re.compile(r'(?<![:@\w-])(?:label|title|what|how|next|hint|note|value|placeholder|aria-label|alt)="([^"]*)"')
#: The languages' own names are the same in every language.
OWN_NAMES = ("中文", "English")
#: vue-i18n reads these as its own signs.
SIGNS = re.compile(r"[@|]|\{(?!\w+\})")


def _files(*endings: str, under: Path = SRC) -> list[Path]:
    return sorted(path for path in under.rglob("*") if path.suffix in endings and path.name != "contract.d.ts")


def _without_comments(code: str) -> str:
    code = re.sub(r"<!--.*?-->|/\*.*?\*/", "", code, flags=re.S)
    return re.sub(r"(?<![:\w])//[^\n]*", "", code)


def _template(path: Path) -> str:
    found = re.search(r"<template>(.*)</template>", _without_comments(path.read_text()), re.S)
    return found.group(1) if found else ""


def _sentences(language: str) -> dict[str, str]:
    """Every sentence by its whole key: home.title."""
    found: dict[str, str] = {}
    for path in sorted(SRC.glob(f"pages/*/{language}.json")):
        found |= dict(_flat(json.loads(path.read_text()), path.parent.name))
    for path in sorted(SRC.glob(f"pages/*/problems.{language}.json")):
        found |= dict(_flat(json.loads(path.read_text()), "problems"))
    for path in sorted(SRC.glob(f"i18n/{language}/*.json")):
        found |= dict(_flat(json.loads(path.read_text()), path.stem))
    return found


def _flat(part: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(part, dict):
        for name, inner in part.items():
            yield from _flat(inner, f"{key}.{name}")
    else:
        yield key, part


def _where(path: Path, found: object) -> str:
    return f"{path.relative_to(SRC)}: {found}"


def test_only_the_wallets_name_what_differs_between_wallets() -> None:
    outside = [path for path in _files(".ts", ".vue") if "wallets" not in path.parts]
    wrong = [_where(path, hit.group()) for path in outside for hit in WALLETS_OWN.finditer(_without_comments(path.read_text()))]
    assert wrong == []


def test_no_page_has_a_colour_of_its_own() -> None:
    pages = [path for folder in ("pages", "components", "lib", "stores") for path in _files(".vue", ".ts", ".scss", under=SRC / folder)]
    code = {path: re.sub(r"url\([^)]*\)", "", _without_comments(path.read_text())) for path in [*pages, SRC / "App.vue"]}
    assert [_where(path, hit.group()) for path, text in code.items() for hit in COLOUR.finditer(text)] == []


def test_the_bars_of_the_wallet_have_the_colours_of_the_tokens() -> None:
    tokens = (SRC / "styles" / "tokens.scss").read_text()
    theme = json.loads((SRC / "theme.json").read_text())
    bars = (SRC / "styles" / "bars.ts").read_text()
    for name in ("light", "dark"):
        roles = dict(re.findall(r"--([\w-]+): (#\w+);", tokens.split(f"@mixin {name} {{")[1].split("}")[0]))
        wanted = {"bar": roles["surface"], "tab": roles["surface"], "tabText": roles["text-soft"], "tabOn": roles["accent"]}
        assert {key: theme[name][key] for key in wanted} == wanted
        line = re.search(rf"{name}: \{{(.*?)\}}", bars)
        assert line is not None
        said = dict(re.findall(r'(\w+): "(#\w+)"', line.group(1)))
        assert {key: said[key] for key in ("bar", "tabText", "tabOn")} == {key: wanted[key] for key in ("bar", "tabText", "tabOn")}
        assert theme[name]["back"] == roles["surface-sunken"]


def test_no_sentence_stands_in_a_template() -> None:
    wrong: list[str] = []
    for path in _files(".vue"):
        template = _template(path)
        text = re.sub(r"\{\{.*?\}\}", "", re.sub(r"<(?:[^>\"]|\"[^\"]*\")*>", "\n", template), flags=re.S)
        wrong += [_where(path, word) for word in re.findall(r"[A-Za-z\u4e00-\u9fff][^\n]*", text)]
        wrong += [_where(path, said) for said in SENTENCE_ATTRIBUTES.findall(template) if re.search(r"[A-Za-z\u4e00-\u9fff]", said)]
    assert wrong == []


def test_no_chinese_stands_in_the_code() -> None:
    wrong = []
    for path in _files(".vue", ".ts"):
        code = _without_comments(path.read_text())
        for name in OWN_NAMES:
            code = code.replace(name, "")
        if "wallets" not in path.parts:  # what Alipay answers is matched by its own words there
            wrong += [_where(path, hit.group()) for hit in CHINESE.finditer(code)]
    assert wrong == []


def test_every_sentence_is_there_in_both_languages() -> None:
    chinese, english = _sentences("zh"), _sentences("en")
    assert set(chinese) == set(english)
    assert [key for both in (chinese, english) for key, said in both.items() if not said.strip() or SIGNS.search(said)] == []
    plate = re.compile(CHINESE.pattern + "[A-Z]")  # a number plate is Chinese in English too
    assert [key for key, said in english.items() if CHINESE.search(plate.sub("", said))] == []
    slots = re.compile(r"\{(\w+)\}")
    assert [key for key in chinese if sorted(slots.findall(chinese[key])) != sorted(slots.findall(english[key]))] == []


def test_every_sentence_that_the_code_asks_for_is_there() -> None:
    there = _sentences("zh")
    missing = []
    for path in _files(".vue", ".ts"):
        code = _without_comments(path.read_text())
        exact = re.findall(r"""(?:\$t|\bt)\(\s*["']([\w.-]+)["']\s*[,)]""", code)
        begun = re.findall(r"""(?:\$t|\bt)\(\s*["']([\w.-]+\.)["']\s*\+""", code)
        missing += [_where(path, key) for key in exact if key not in there]
        missing += [_where(path, key) for key in begun if not any(one.startswith(key) for one in there)]
    assert missing == []


def test_every_refusal_that_a_shopper_can_meet_has_its_sentences() -> None:
    paths = json.loads((ROOT / "docs" / "openapi.json").read_text())["paths"]
    code = "".join(path.read_text() for path in _files(".ts", ".vue"))
    called = [address for address in paths if address in code or address.replace("/wechat", "/${") in code]
    assert len(called) > 20
    operations = [operation for address in called for method, operation in paths[address].items() if method != "parameters"]
    slugs = {slug for operation in operations for slug in _refusals(operation)}
    answered_as_ended = {"sign-in-needed", "token-invalid", "session-ended", "refresh-token-reused"}
    there = _sentences("zh")
    assert {slug for slug in slugs - answered_as_ended if f"problems.{slug}.what" not in there} == set()


def test_a_refusal_has_its_sentences_once() -> None:
    files = [*SRC.glob("pages/*/problems.zh.json"), SRC / "i18n" / "zh" / "problems.json"]
    times = Counter(name for path in files for name in json.loads(path.read_text()))
    assert [name for name, count in times.items() if count > 1] == []


def _refusals(operation: dict[str, Any]) -> Iterator[str]:
    for answer in operation["responses"].values():
        yield from answer.get("content", {}).get("application/problem+json", {}).get("examples", {})


@cache
def _built() -> bool:
    web_pages.build(["h5", "mp-weixin", "mp-alipay"])
    return True


@pytest.fixture
def h5() -> Path:
    assert _built()
    return web_pages.FOLDER / "h5"


@pytest.fixture(params=[("mp-weixin", ".wxml", ".wxss"), ("mp-alipay", ".axml", ".acss")], ids=["weixin", "alipay"])
def package(request: pytest.FixtureRequest) -> tuple[Path, str, str]:
    assert _built()
    name, markup, style = request.param
    return web_pages.FOLDER / name, markup, style


def test_a_mini_program_has_every_page_it_names(package: tuple[Path, str, str]) -> None:
    folder, markup, _style = package
    app = json.loads((folder / "app.json").read_text())
    named = [page["path"] for page in json.loads((SRC / "pages.json").read_text())["pages"]]
    assert app["pages"] == named
    lacking = [f"{page}{ending}" for page in named for ending in (".js", ".json", markup) if not (folder / f"{page}{ending}").is_file()]
    assert lacking == []
    assert [path.name for path in folder.rglob("*.json") if path.stat().st_size and json.loads(path.read_text()) is None] == []


def test_a_mini_program_has_its_tabs_and_their_icons(package: tuple[Path, str, str]) -> None:
    folder, _markup, _style = package
    bar = json.loads((folder / "app.json").read_text())["tabBar"]
    tabs = bar.get("list") or bar["items"]
    icons = [tab[key] for tab in tabs for key in ("iconPath", "selectedIconPath", "icon", "activeIcon") if key in tab]
    assert 2 <= len(tabs) <= 5
    assert len(icons) == 2 * len(tabs)
    assert all((folder / icon).is_file() for icon in icons)


def test_a_mini_program_is_small_enough(package: tuple[Path, str, str]) -> None:
    folder, _markup, _style = package
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) <= MAIN_PACKAGE


def test_a_mini_program_uses_nothing_that_only_browsers_have(package: tuple[Path, str, str]) -> None:
    folder, _markup, _style = package
    web = re.compile(r"(?<![\w.$])(?:window|document|localStorage|sessionStorage|XMLHttpRequest|navigator)\b\s*[.\[]|new Function\(|_sim/")
    hits = [(path.relative_to(folder), hit.group()) for path in folder.rglob("*.js") for hit in web.finditer(path.read_text())]
    assert [hit for hit in hits if hit[0].name != "vendor.js" or hit[1] == "new Function("] == []


def test_a_mini_program_asks_no_server_but_the_malls(package: tuple[Path, str, str]) -> None:
    folder, markup, style = package
    parts = [path for path in folder.rglob("*") if path.suffix in {markup, style, ".js", ".json"}]
    assert {host for path in parts for host in _hosts(path)} <= {"127.0.0.1"}


def _hosts(path: Path) -> set[str]:
    # www.w3.org names kinds of XML, the others stand in warnings to programmers: nobody asks them.
    return set(re.findall(r"https?://([\w.-]+\w)", path.read_text())) - {"www.w3.org", "vuejs.org", "uniapp.dcloud.net.cn"}


def test_the_first_page_in_a_browser_is_light(h5: Path) -> None:
    index = (h5 / "index.html").read_text()
    first = set(re.findall(r'(?:src|href)="/m/(assets/[^"]+\.js)"', index))
    home = next(path for path in (h5 / "assets").glob("pages-home-home*.js") if f"assets/{path.name}" in first)
    assert home.is_file()
    assert sum(len(gzip.compress((h5 / name).read_bytes())) for name in first) <= FIRST_SCRIPT


def test_the_pages_in_a_browser_ask_no_server_but_their_own(h5: Path) -> None:
    own = json.loads((h5 / "built.json").read_text())["files"]
    parts = [h5 / name for name in own if name.endswith((".js", ".css", ".html"))]
    assert {host for path in parts for host in _hosts(path)} == set()


@pytest.mark.parametrize("script", ["test", "typecheck"])
def test_the_pages_own_checks_pass(script: str) -> None:
    assert _built()
    node = web_pages.find_node()
    done = subprocess.run(
        [*node.npm, "run", script], cwd=APP, env=node.environment(), capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
