"""The console: its source read by rules, its own tests, its build weighed."""

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

from api.staff import permissions
from deploy import web_pages

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "console"
SRC = APP / "src"
FIRST_SCRIPT = 350_000  # bytes, gzip: sign-in, navigation, the first page of the desk

COLOUR = re.compile(r"#(?:[0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})\b(?!\w)|\b(?:rgb|rgba|hsl|hsla|oklch)\(")
CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff01-\uff0a\uff0c-\uff5e]")
SENTENCE_ATTRIBUTES = re.compile(r'(?<![:@\w-])(?:label|title|hint|subtitle|empty|action|placeholder|aria-label|alt)="([^"]*)"')
#: What stands on the keys of a keyboard, in every language.
KEYS = {"Enter", "Esc", "Ctrl", "Shift"}
#: vue-i18n reads these as its own signs; {'@'} writes one.
SIGNS = re.compile(r"[@|]|\{(?!\w+\})")


def _files(*endings: str) -> list[Path]:
    return sorted(path for path in SRC.rglob("*") if path.suffix in endings and path.name != "contract.d.ts")


def _code(path: Path) -> str:
    text = re.sub(r"<!--.*?-->|/\*.*?\*/", "", path.read_text(), flags=re.S)
    return re.sub(r"(?<![:\w'\"])//[^\n]*", "", text)


def _template(path: Path) -> str:
    found = re.search(r"<template>(.*)</template>", _code(path), re.S)
    return found.group(1) if found else ""


def _flat(part: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(part, dict):
        for name, inner in part.items():
            yield from _flat(inner, f"{key}.{name}")
    else:
        yield key, part


def _sentences(language: str) -> dict[str, str]:
    """Every sentence by its whole key: office.shops.title, refusals.shop-not-found; what a noun calls its own: words.shops.permissions.…"""
    found: dict[str, str] = {}
    for entrance in ("office", "shop"):
        for path in sorted(SRC.glob(f"{entrance}/*/{language}.json")):
            found |= dict(_flat(json.loads(path.read_text()), f"{entrance}.{path.parent.name}"))
        for path in sorted(SRC.glob(f"{entrance}/*/words.{language}.json")):
            words = json.loads(path.read_text())
            found |= dict(_flat(words.pop("refusals", {}), "refusals")) | dict(_flat(words, f"words.{entrance}.{path.parent.name}"))
    for path in sorted(SRC.glob(f"kit/*.{language}.json")):
        found |= dict(_flat(json.loads(path.read_text()), path.name.split(".")[0]))
    return found


def _where(path: Path, found: object) -> str:
    return f"{path.relative_to(SRC)}: {found}"


def test_no_page_has_a_colour_of_its_own() -> None:
    assert [_where(path, hit.group()) for path in _files(".vue", ".ts", ".scss", ".css") for hit in COLOUR.finditer(_code(path))] == []


def test_no_data_becomes_markup() -> None:
    markup = re.compile(r"\bv-html\b|\binnerHTML\b|\bouterHTML\b|insertAdjacentHTML|document\.write|\beval\(|new Function\(")
    assert [_where(path, hit.group()) for path in _files(".vue", ".ts") for hit in markup.finditer(_code(path))] == []


def test_no_style_stands_in_an_attribute() -> None:
    assert [_where(path, "style=") for path in _files(".vue") if re.search(r'(?<![:\w-])style="', _template(path))] == []


def test_no_sentence_stands_in_a_template() -> None:
    wrong: list[str] = []
    for path in _files(".vue"):
        template = _template(path)
        text = re.sub(r"\{\{.*?\}\}", "", re.sub(r"<(?:[^>\"]|\"[^\"]*\")*>", "\n", template), flags=re.S)
        words = re.findall(r"[A-Za-z\u4e00-\u9fff][^\n]*", text)
        wrong += [_where(path, word) for word in words if word.strip() not in KEYS]
        wrong += [_where(path, said) for said in SENTENCE_ATTRIBUTES.findall(template) if re.search(r"\s\w|[\u4e00-\u9fff]", said)]
    assert wrong == []


def test_no_chinese_stands_in_the_code() -> None:
    assert [_where(path, hit.group()) for path in _files(".vue", ".ts") for hit in CHINESE.finditer(_code(path))] == []


def test_every_sentence_is_there_in_both_languages() -> None:
    # In English most refusals are told by the API's own sentence, notes about a field as well.
    chinese, english = _sentences("zh"), _sentences("en")
    assert {key for key in set(chinese) ^ set(english) if not key.startswith(("refusals.", "notes."))} == set()
    assert {key for key in english if key not in chinese} == set()
    everything = chinese | {f"en.{key}": said for key, said in english.items()}
    assert [key for key, said in everything.items() if not said.strip() or SIGNS.search(said.replace("{'@'}", ""))] == []
    slots = re.compile(r"\{(\w+)\}")
    assert [key for key in english if set(slots.findall(chinese[key])) != set(slots.findall(english[key]))] == []


def test_every_sentence_that_the_code_asks_for_is_there() -> None:
    there = _sentences("zh")
    missing = []
    for path in _files(".vue", ".ts"):
        code = _code(path)
        exact = re.findall(r"""(?:\$t|\bt)\(\s*['"]([\w.-]+)['"]\s*[,)]""", code) + re.findall(r"title: '((?:office|shop)\.[\w.-]+)'", code)
        begun = re.findall(r"(?:\$t|\bt)\(\s*`([\w.-]+\.)\$\{", code)
        missing += [_where(path, key) for key in exact if key not in there]
        missing += [_where(path, key) for key in begun if not any(one.startswith(key) for one in there)]
    assert missing == []


def test_every_refusal_that_staff_can_meet_has_its_chinese_sentence() -> None:
    paths = json.loads((ROOT / "docs" / "openapi.json").read_text())["paths"]
    ours = [where for where in paths if where.startswith(("/v1/office", "/v1/shop")) or "staff" in where or "tablet" in where]
    slugs = {
        slug
        for where in ours
        for operation in paths[where].values()
        if isinstance(operation, dict)
        for answer in operation["responses"].values()
        for slug in answer.get("content", {}).get("application/problem+json", {}).get("examples", {})
    }
    assert len(slugs) > 40
    there = _sentences("zh")
    assert {slug for slug in slugs if f"refusals.{slug}" not in there} == set()


@pytest.mark.parametrize("entrance", ["office", "shop"])
def test_every_page_is_found_once_and_asks_for_a_permission_that_exists(entrance: str) -> None:
    pages = [path.parent for path in sorted(SRC.glob(f"{entrance}/*/page.ts"))]
    folders = [path for path in sorted((SRC / entrance).iterdir()) if path.is_dir()]
    # A noun without a page of its own has its words alone.
    assert [
        path.name for path in folders if path not in pages and {"words.zh.json", "words.en.json"} != {file.name for file in path.iterdir()}
    ] == []
    assert [page.name for page in pages for name in ("zh.json", "en.json") if not (page / name).is_file()] == []
    described = {page.name: (page / "page.ts").read_text() for page in pages}
    asked = {name: re.findall(r"permission: '([\w.]+)'", text) for name, text in described.items()}
    assert {name: found for name, found in asked.items() if len(found) != 1 or found[0] not in permissions.holders()} == {}
    addresses = Counter(re.findall(r"path: '([^']+)'", "\n".join(described.values())))
    assert [address for address, times in addresses.items() if times > 1] == []


def test_a_page_of_the_desk_brings_the_words_of_all_that_it_imports() -> None:
    folders = {path.parent.name: path.parent for path in sorted(SRC.glob("office/*/page.ts"))}
    code = {
        name: "\n".join(one.read_text() for one in folder.iterdir() if one.suffix in {".vue", ".ts"}) for name, folder in folders.items()
    }
    imports = {name: set(re.findall(r"from '(?:\.\./|@/office/)([a-z-]+)/", text)) & set(folders) for name, text in code.items()}
    asks = {name: set(re.findall(r"""['"`]office\.([a-z-]+)\.""", text)) for name, text in code.items()}
    declared, needed = {}, {}
    for name in folders:
        found = re.search(r"words: \[([^\]]*)\]", code[name])
        declared[name] = re.findall(r"'([a-z-]+)'", found[1]) if found else []
        reached: set[str] = set()
        waiting = [name]
        while waiting:
            one = waiting.pop()
            waiting += imports[one] - reached - {one}
            reached.add(one)
        needed[name] = sorted((reached | set().union(*(asks[one] for one in reached))) - {name})
    assert declared == needed


def test_a_page_that_shows_the_servers_names_brings_their_words() -> None:
    folders = [path.parent for path in sorted(SRC.glob("*/*/page.ts"))]
    shows = {folder.name for folder in folders if any("nameOf(" in path.read_text() for path in folder.glob("*.vue"))}
    assert shows == {folder.name for folder in folders if "names: true" in (folder / "page.ts").read_text()}
    others = [path for path in _files(".vue", ".ts") if path.parent not in folders and path.parent != SRC / "lang"]
    assert [_where(path, "nameOf") for path in others if re.search(r"\bnames?Of\(", _code(path))] == []


@cache
def _built() -> Path:
    web_pages.build(["console"])
    return web_pages.FOLDER / "console"


@pytest.fixture
def built() -> Path:
    return _built()


def _closure(folder: Path, *begin: str) -> set[str]:
    """A script and all that it imports at once (not what it fetches later)."""
    found: set[str] = set()
    waiting = list(begin)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        waiting += re.findall(r"""(?:from|import)\s*["']\./([\w.-]+\.js)["']""", (folder / "assets" / name).read_text())
    return found


def _chunk(folder: Path, name: str) -> str:
    own = json.loads((folder / "built.json").read_text())["files"]
    return next(Path(part).name for part in own if re.fullmatch(rf"assets/{name}-[\w-]+\.js", part))


def test_the_first_page_is_light(built: Path) -> None:
    index = (built / "index.html").read_text()
    entry = re.findall(r'src="/console/assets/([^"]+\.js)"', index)
    assert len(entry) == 1
    first = _closure(built, *entry, *(_chunk(built, name) for name in ("zh", "words-today-zh", "SignIn", "Layout", "Home", "Today")))
    assert sum(len(gzip.compress((built / "assets" / name).read_bytes())) for name in first) <= FIRST_SCRIPT
    assert _chunk(built, "charts") not in first


def test_the_page_obeys_its_policy(built: Path) -> None:
    index = (built / "index.html").read_text()
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>|<style\b|\sstyle=|\son\w+=", index) == []
    assert re.findall(r'(?:src|href)="(?!/console/|data:,)[^"]*"', index) == []


@pytest.mark.parametrize("script", ["test", "check"])
def test_the_consoles_own_checks_pass(script: str) -> None:
    assert _built()
    node = web_pages.find_node()
    done = subprocess.run(
        [*node.npm, "run", script], cwd=APP, env=node.environment(), capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
