"""The pages over HTTP: what is kept for ever and what never, what a browser may do with them, and what cannot be reached."""

import dataclasses
import gzip
import json
import os
import subprocess
from pathlib import Path

import pytest

from api.app import create_app
from api.kit import db
from tests.factories import make_mall
from tests.production import of_production

ROOT = Path(__file__).resolve().parents[2]
INDEX = '<!doctype html><html><head><script type="module" src="/m/assets/index-1a2b.js"></script></head><body></body></html>'
SCRIPT = "console.log('points');" * 200


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of built pages, the shopper's and the console's."""
    for face in ("h5", "console"):
        (tmp_path / face / "assets").mkdir(parents=True)
        (tmp_path / face / "index.html").write_text(INDEX)
        (tmp_path / face / "assets" / "index-1a2b.js").write_text(SCRIPT)
        (tmp_path / face / "assets" / "index-1a2b.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
        (tmp_path / face / "assets" / "index-1a2b.js.br").write_bytes(b"brotli bytes")
        (tmp_path / face / "built.json").write_text("{}")
    (tmp_path / "h5" / "static").mkdir()
    (tmp_path / "h5" / "static" / "logo.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (tmp_path / "secret.txt").write_text("nobody reads this")
    return tmp_path


@pytest.fixture
def browser(app, settings, folder):
    """A client of an app that serves the folder, with a mall “hill”."""
    with db.unit_of_work():
        make_mall(code="hill")
    return create_app(dataclasses.replace(settings, web_pages=folder)).test_client()


@pytest.mark.parametrize("address", ["/m/hill/", "/office/hill/", "/office/hill/receipts/7", "/shop/hill/", "/shop/hill/today"])
def test_an_index_is_asked_for_again_each_time(browser, address: str) -> None:
    answer = browser.get(address)
    assert (answer.status_code, answer.get_data(as_text=True)) == (200, INDEX)
    assert answer.headers["Cache-Control"] == "no-cache"
    again = browser.get(address, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("address", ["/m/assets/index-1a2b.js", "/console/assets/index-1a2b.js"])
def test_a_hashed_part_is_kept_for_ever(browser, address: str) -> None:
    answer = browser.get(address)
    assert answer.get_data(as_text=True) == SCRIPT
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert browser.get(address, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize(
    ("accepted", "given"),
    [("gzip, br", "br"), ("gzip", "gzip"), ("br;q=0, gzip", "gzip"), ("identity", None), ("", None), ("gzip;q=0", None)],
)
def test_the_smallest_form_that_the_browser_reads_is_sent(browser, accepted: str, given: str | None) -> None:
    answer = browser.get("/m/assets/index-1a2b.js", headers={"Accept-Encoding": accepted})
    assert answer.headers.get("Content-Encoding") == given
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert answer.headers["Content-Type"].startswith("text/javascript")
    if given == "gzip":
        assert gzip.decompress(answer.data).decode() == SCRIPT


def test_a_picture_under_a_lasting_name_is_kept_a_while(browser) -> None:
    answer = browser.get("/m/static/logo.svg")
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert answer.headers["Content-Type"].startswith("image/svg+xml")


@pytest.mark.parametrize("address", ["/m/hill/", "/office/hill/", "/m/assets/index-1a2b.js", "/m/hill/settings.json", "/m/none/"])
def test_every_answer_says_what_a_browser_may_do_with_it(browser, address: str) -> None:
    headers = browser.get(address).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Permissions-Policy"].startswith("camera=(self)")
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy and "frame-ancestors 'none'" in policy and "base-uri 'none'" in policy


def test_only_in_development_may_pages_ask_the_simulators(app, settings, folder) -> None:
    with db.unit_of_work():
        make_mall(code="hill")
    development = create_app(dataclasses.replace(settings, web_pages=folder)).test_client()
    assert development.get("/m/hill/settings.json").json == {
        "mall": "hill",
        "mode": "development",
        "simulators": {"wechat": "http://127.0.0.1:5011", "alipay": "http://127.0.0.1:5012"},
    }
    assert "http://127.0.0.1:5011" in development.get("/m/hill/").headers["Content-Security-Policy"]
    live = dataclasses.replace(settings, web_pages=folder, **of_production())
    production = create_app(live).test_client()
    assert production.get("/m/hill/settings.json").json == {"mall": "hill", "mode": "production"}
    assert "connect-src 'self';" in production.get("/m/hill/").headers["Content-Security-Policy"]
    assert production.get("/").status_code == 404
    create_app(settings)


def test_pages_know_where_the_live_stream_is_and_may_listen_to_it(app, settings, folder) -> None:
    with db.unit_of_work():
        make_mall(code="hill")
    apart = dataclasses.replace(settings, web_pages=folder, public_url="https://mall.example", live_url="https://live.mall.example:8443")
    browser = create_app(apart).test_client()
    assert browser.get("/shop/hill/settings.json").json == {"mall": "hill", "live": "https://live.mall.example:8443"}
    assert browser.get("/m/hill/settings.json").json["live"] == "https://live.mall.example:8443"
    assert " https://live.mall.example:8443" in browser.get("/shop/hill/").headers["Content-Security-Policy"]
    together = create_app(dataclasses.replace(apart, live_url="https://mall.example")).test_client()
    assert together.get("/shop/hill/settings.json").json == {"mall": "hill"}
    assert "live.mall" not in together.get("/shop/hill/").headers["Content-Security-Policy"]
    create_app(settings)


def test_in_development_the_first_address_says_what_is_where(browser) -> None:
    page = browser.get("/").get_data(as_text=True)
    assert all(address in page for address in ("/m/demo/", "/shop/demo/", "/office/demo/", "/docs"))


@pytest.mark.parametrize("code", ["none", "HILL", "a", "x" * 41, "%00", "山", "..", "a'b"])
def test_a_mall_that_is_not_there_is_told_so(browser, code: str) -> None:
    for face in ("m", "office", "shop"):
        assert browser.get(f"/{face}/{code}/").status_code == 404
    assert browser.get(f"/m/{code}/settings.json").status_code == 404


@pytest.mark.parametrize(
    "name",
    [
        "../secret.txt", "../../secret.txt", "..%2f..%2fsecret.txt", "%2e%2e/%2e%2e/secret.txt", "....//secret.txt", "/etc/passwd",
        "%2fetc%2fpasswd", "..\\..\\secret.txt", "../built.json", ".hidden.js", "nothing.js", "", "index-1a2b.js/",
        "%00", "index-1a2b.js%00",
    ],
)  # fmt: skip
def test_nothing_outside_the_parts_can_be_reached(browser, folder, name: str) -> None:
    (folder / "h5" / "assets" / ".hidden.js").write_text("hidden")
    for start in ("/m/assets/", "/console/assets/", "/m/static/"):
        answer = browser.get(start + name)
        assert answer.status_code in {404, 308}, answer.status
        assert b"nobody reads this" not in answer.data


def test_pages_that_are_being_built_say_so_and_look_again(browser, folder) -> None:
    (folder / "h5" / "index.html").unlink()
    answer = browser.get("/m/hill/")
    assert (answer.status_code, answer.headers["Retry-After"], answer.headers["Cache-Control"]) == (503, "3", "no-store")
    page = answer.get_data(as_text=True)
    assert 'http-equiv="refresh"' in page and "<script" not in page and "style=" not in page
    (folder / "h5" / "index.html").write_text(INDEX)
    assert browser.get("/m/hill/").status_code == 200


def test_a_build_that_failed_says_what_to_do(browser, folder) -> None:
    (folder / "console" / "index.html").unlink()
    (folder / "console.failed").write_text("Install <Node.js> & run `make pages`.")
    page = browser.get("/office/hill/")
    assert page.status_code == 503
    assert "Install &lt;Node.js&gt; &amp; run `make pages`." in page.get_data(as_text=True)


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small source tree whose “npm” is a shell script that copies the page and counts its runs."""
    root = tmp_path / "source"
    page = root / "console"
    (page / "src").mkdir(parents=True)
    (page / "src" / "page.js").write_text("one();" * 400)
    (page / "package-lock.json").write_text(json.dumps({"packages": {"": {}, "node_modules/vue": {"version": "3.4.21"}}}))
    programs = tmp_path / "bin"
    programs.mkdir()
    made = json.dumps({"packages": {"node_modules/vue": {"version": "3.4.21"}}})
    (programs / "npm").write_text(
        f"""#!/bin/sh
        echo "$1" >> {tmp_path}/npm.log
        if [ "$1" = ci ]; then mkdir -p node_modules; echo '{made}' > node_modules/.package-lock.json; exit 0; fi
        grep -q broken src/page.js && exit 1
        mkdir -p dist/assets; cp "{tmp_path}/index.html" dist/index.html
        cp src/page.js "dist/assets/page-$(cksum < src/page.js | cut -d' ' -f1).js"
        """
    )
    (programs / "node").write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo v22.1.0\n[ "$1" = -e ] && shift 2 && for f in "$@"; do : > "$f.br"; done; :\n'
    )
    for program in programs.iterdir():
        program.chmod(0o755)
    (tmp_path / "index.html").write_text(INDEX)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return root


def _runs(source: Path) -> list[str]:
    return (source.parent / "npm.log").read_text().split()


def _scripts(folder: Path) -> list[str]:
    return sorted(path.read_text()[:3] for path in (folder / "console" / "assets").glob("*.js"))


def test_only_what_changed_is_built_again(source, tmp_path) -> None:
    from deploy import web_pages

    folder = tmp_path / "web_pages"
    assert web_pages.build(["console"], root=source, folder=folder) == ["console"]
    assert web_pages.build(["console"], root=source, folder=folder) == []
    assert _runs(source) == ["ci", "run"]
    (source / "console" / "src" / "page.js").write_text("two();" * 400)
    assert web_pages.build(["console"], root=source, folder=folder) == ["console"]
    assert _runs(source) == ["ci", "run", "run"]
    (source / "console" / "package-lock.json").write_text(
        json.dumps({"packages": {"": {}, "node_modules/vue": {"version": "3.4.21"}, "node_modules/pinia": {"version": "2.2.4"}}})
    )
    assert web_pages.build(["console"], root=source, folder=folder) == ["console"]
    assert _runs(source) == ["ci", "run", "run", "ci", "run"]


@pytest.mark.parametrize("name", ["node_modules/vue/index.js", "dist/index.html", ".cache/part", "src/api/contract.d.ts"])
def test_what_a_build_leaves_behind_is_no_change(source, name: str) -> None:
    from deploy import web_pages

    before = web_pages.content_hash(web_pages.SITES["console"], source)
    path = source / "console" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("made")
    assert web_pages.content_hash(web_pages.SITES["console"], source) == before
    (source / "docs").mkdir()
    (source / "docs" / "openapi.json").write_text("{}")
    assert web_pages.content_hash(web_pages.SITES["console"], source) != before


def test_a_page_opened_before_a_build_still_finds_its_parts(source, tmp_path) -> None:
    from deploy import web_pages

    folder = tmp_path / "web_pages"
    for text, there in (("one", ["one"]), ("two", ["one", "two"]), ("six", ["six", "two"])):
        (source / "console" / "src" / "page.js").write_text(f"{text}();" * 400)
        web_pages.build(["console"], root=source, folder=folder)
        assert _scripts(folder) == there
    squeezed = next((folder / "console" / "assets").glob("*.js.gz"))
    assert gzip.decompress(squeezed.read_bytes()) == squeezed.with_suffix("").read_bytes()


def test_a_failed_build_keeps_the_one_before_and_says_what_to_do(source, tmp_path) -> None:
    from deploy import web_pages

    folder = tmp_path / "web_pages"
    web_pages.build(["console"], root=source, folder=folder)
    (source / "console" / "src" / "page.js").write_text("broken")
    with pytest.raises(web_pages.CannotBuild, match="run `make pages`"):
        web_pages.build(["console"], root=source, folder=folder)
    assert _scripts(folder) == ["one"]
    assert "make pages" in (folder / "console.failed").read_text()
    (source / "console" / "src" / "page.js").write_text("two();" * 400)
    web_pages.build(["console"], root=source, folder=folder)
    assert not (folder / "console.failed").exists()


@pytest.mark.parametrize("inline", ["<script>go()</script>", '<body style="color:red">', '<body onload="go()">', "<style>a{}</style>"])
def test_an_index_that_the_policy_forbids_is_not_served(source, tmp_path, inline: str) -> None:
    from deploy import web_pages

    (tmp_path / "index.html").write_text(INDEX + inline)
    with pytest.raises(web_pages.CannotBuild, match="Content-Security-Policy"):
        web_pages.build(["console"], root=source, folder=tmp_path / "web_pages")


def test_two_builds_at_once_are_made_one_after_the_other(source, tmp_path) -> None:
    code = (
        "import sys; from pathlib import Path; from deploy import web_pages; "
        "print(web_pages.build(['console'], root=Path(sys.argv[1]), folder=Path(sys.argv[2])))"
    )
    import sys

    command = [sys.executable, "-c", code, str(source), str(tmp_path / "web_pages")]
    both = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sorted(process.communicate(timeout=60)[0].strip() for process in both) == ["['console']", "[]"]
    assert _runs(source) == ["ci", "run"]
