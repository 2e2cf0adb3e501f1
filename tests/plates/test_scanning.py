"""Any scanner at /q/<code>, and the files by which wallets check the domain."""

from __future__ import annotations

import dataclasses
import os

import pytest

from api import web_pages
from api.app import create_app
from api.kit import db
from api.plates import service
from tests.factories import make_mall
from tests.plates.conftest import issued

WECHAT = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 "
    "MicroMessenger/8.0.50(0x18003231) NetType/WIFI Language/zh_CN"
)
ALIPAY = (
    "Mozilla/5.0 (Linux; U; Android 14; zh-CN; V2309A) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/100.0 UWS/3.22 "
    "Mobile Safari/537.36 NebulaSDK/1.8.100112 Nebula AlipayDefined(nt:WIFI,ws:360|0|3.0) AliApp(AP/10.6.20) AlipayClient/10.6.20 "
    "Language/zh-Hans"
)
QQ = "Mozilla/5.0 (Linux; Android 13) AppleWebKit/537.36 Chrome/109 Mobile Safari/537.36 V1_AND_SQ_9.0 QQ/9.0.8 MicroMessenger/7"
CAMERA = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1"


@pytest.fixture
def scanner(settings, app, tmp_path):
    """A client of an app with domain files."""
    folder = tmp_path / "domain"
    (folder / "inner").mkdir(parents=True)
    (folder / "a1B2c3D4e5.txt").write_text("f00dbeef")
    (folder / "notes.md").write_text("not meant for anyone")
    (folder / "inner" / "deep.txt").write_text("not meant for anyone")
    (folder / "large.txt").write_text("x" * 5000)
    (tmp_path / "secret.txt").write_text("nobody reads this")
    os.symlink(tmp_path / "secret.txt", folder / "link.txt")
    return create_app(dataclasses.replace(settings, domain_files=folder)).test_client()


@pytest.mark.parametrize(("agent", "wallet"), [(WECHAT, "&wallet=wechat"), (ALIPAY, "&wallet=alipay"), (CAMERA, ""), (QQ, ""), ("", "")])
def test_a_scanner_comes_to_the_plates_page_and_the_page_is_told_which_wallet_it_is(scanner, counter, agent, wallet) -> None:
    answer = scanner.get(f"/q/{counter.code}", headers={"User-Agent": agent})
    with db.unit_of_work(counter.mall_id):
        mall = service.show(counter.code).mall.code
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/m/{mall}/#/pages/plate/plate?code={counter.code}{wallet}"
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_plate_that_cannot_be_paid_by_says_so_in_both_languages(scanner, mall, counter) -> None:
    with db.unit_of_work(mall):
        blank, old = issued(2)
        service.retire(old.id, by="staff:1", why="worn")
    for code, status, said in [
        (blank.code, 409, "Not in use yet"),
        (old.code, 410, "No longer in use"),
        ("abcdefghjkmn", 404, "Not a plate of ours"),
        ("x", 404, "请不要付款"),
        ("%2e%2e%2fetc", 404, ""),
        ("A" * 3000, 404, ""),
    ]:
        answer = scanner.get(f"/q/{code}", headers={"User-Agent": WECHAT})
        assert answer.status_code == status, code
        assert said in answer.get_data(as_text=True)


def test_a_plate_of_any_mall_is_found_without_naming_the_mall(scanner) -> None:
    with db.unit_of_work():
        one, other = make_mall(code="hill").id, make_mall(code="lake").id
    codes = {}
    for mall_id in (one, other):
        with db.unit_of_work(mall_id):
            from tests.factories import make_shop

            plate = issued()[0]
            service.bind(plate.id, make_shop().id, by="staff:1")
            codes[mall_id] = plate.code
    assert scanner.get(f"/q/{codes[one]}").headers["Location"].startswith("/m/hill/#")
    assert scanner.get(f"/q/{codes[other]}").headers["Location"].startswith("/m/lake/#")


@pytest.mark.parametrize("address", ["/a1B2c3D4e5.txt", "/q/a1B2c3D4e5.txt"])
def test_a_domain_file_is_served_straight_by_its_exact_name(scanner, address) -> None:
    answer = scanner.get(address)
    assert (answer.status_code, answer.get_data(as_text=True)) == (200, "f00dbeef")
    assert answer.mimetype == "text/plain"


@pytest.mark.parametrize(
    "name",
    [
        "A1B2C3D4E5.txt", "a1B2c3D4e5", "a1B2c3D4e5.txt.txt", "other.txt", "notes.md", "notes.md.txt", "link.txt", "large.txt",
        "inner/deep.txt",
        "inner%2fdeep.txt", "..%2fsecret.txt", "../secret.txt", "%2e%2e/secret.txt", "..%5csecret.txt", "a1B2c3D4e5.txt%00",
        "a1B2c3D4e5.txt%0a", "%61%2f..%2fa1B2c3D4e5.txt", ".txt",
    ],
)  # fmt: skip
def test_no_other_name_reaches_a_file(scanner, name) -> None:
    for place in ("/", "/q/"):
        answer = scanner.get(place + name)
        assert answer.status_code == 404, (place + name, answer.status_code)
        assert "f00dbeef" not in answer.get_data(as_text=True)
        assert "nobody" not in answer.get_data(as_text=True)


def test_without_a_folder_there_is_no_file(settings, app, tmp_path) -> None:
    client = create_app(dataclasses.replace(settings, domain_files=tmp_path / "none")).test_client()
    assert client.get("/a1B2c3D4e5.txt").status_code == 404


def test_wallets_are_told_apart_by_their_browsers() -> None:
    assert [web_pages.wallet(agent) for agent in (WECHAT, ALIPAY, QQ, CAMERA)] == ["wechat", "alipay", None, None]
