import pytest

from api.kit import clock, db
from api.kit.db import session
from api.malls import service as malls
from api.malls.models import Shop
from api.points.service import rules
from tests.conftest import bearer
from tests.factories import make_mall, make_shop, make_staff
from tests.second_person import approved

NEW = {"code": "A-1", "unit": "L2-018", "name": "海底捞火锅", "category": "餐饮", "trading_names": ["Haidilao"]}


def _found(client, code: str, query: str) -> list[str]:
    return [shop["name"] for shop in client.get(f"/v1/malls/{code}/shops?{query}").json["items"]]


@pytest.fixture
def shops(mall, building) -> None:
    with db.unit_of_work(mall):
        make_shop(name="海底捞火锅", unit="L2-018", category="餐饮", floor_id=building, trading_names=["Haidilao"])
        make_shop(name="優衣庫 UNIQLO", unit="L1-002", category="服饰")
        make_shop(name="星巴克咖啡", unit="L1-003", category="咖啡")
        make_shop(name="关门小店", unit="L1-004", closed=True)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=海底", ["海底捞火锅"]),
        ("q=hdl", ["海底捞火锅"]),
        ("q=HaiDiLao", ["海底捞火锅"]),
        ("q=优衣库", ["優衣庫 UNIQLO"]),
        ("q=yyk", ["優衣庫 UNIQLO"]),
        ("q=uniqlo", ["優衣庫 UNIQLO"]),
        ("q=l1-003", ["星巴克咖啡"]),
        ("q=咖啡", ["星巴克咖啡"]),
        ("category=服饰", ["優衣庫 UNIQLO"]),
        ("floor=L2", ["海底捞火锅"]),
        ("floor=L2&site=T9", []),
        ("q=关门", []),
        ("q=%25", []),
        ("q=_", []),
    ],
)
def test_shops_are_found_by(client, code, shops, query, names) -> None:
    assert _found(client, code, query) == names


def test_shops_come_page_by_page_without_gap(client, code, shops) -> None:
    first = client.get(f"/v1/malls/{code}/shops?limit=2").json
    second = client.get(f"/v1/malls/{code}/shops?limit=2&cursor={first['next_cursor']}").json
    assert len({shop["id"] for shop in first["items"] + second["items"]}) == 3
    assert second["next_cursor"] is None


def test_a_list_of_shops_is_one_statement_for_the_mall_and_one_for_the_shops(client, code, shops, statements) -> None:
    with statements() as seen:
        assert len(client.get(f"/v1/malls/{code}/shops").json["items"]) == 3
    assert len(seen) == 2  # the mall by its code, entered and read at once; the page


def test_a_shop_whose_contract_has_ended_is_not_shown(client, code, mall) -> None:
    today = clock.today("Asia/Shanghai")
    with db.unit_of_work(mall):
        ended = make_shop(ends_on=today.replace(year=today.year - 1)).id
        last_day = make_shop(ends_on=today).id
    assert client.get(f"/v1/malls/{code}/shops/{ended}").status_code == 404
    assert client.get(f"/v1/malls/{code}/shops/{last_day}").status_code == 200


def test_the_public_sees_no_contract(client, code, mall) -> None:
    with db.unit_of_work(mall):
        shop_id = make_shop(legal_name="四川海底捞餐饮股份有限公司", tax_number="91510000MA0000000X").id
    shown = client.get(f"/v1/malls/{code}/shops/{shop_id}").json
    assert set(shown) == {"id", "name", "unit", "site", "floor", "category", "phone", "opening_hours", "earns_points", "photo"}


def test_sites_and_floors_are_shown_upwards(client, code, building) -> None:
    assert [site["code"] for site in client.get(f"/v1/malls/{code}/sites").json["items"]] == ["T1"]
    floors = client.get(f"/v1/malls/{code}/floors?site=T1").json["items"]
    assert [(floor["label"], floor["site"]["code"]) for floor in floors] == [("L1", "T1"), ("L2", "T1")]
    assert client.get("/v1/malls/no-such-mall/floors").status_code == 404


def test_the_office_builds_a_mall_floor_by_floor(client, office) -> None:
    header = office()
    site = client.post("/v1/office/sites", json={"code": "T1", "name": "一号楼"}, headers=header)
    assert site.status_code == 201
    assert client.post("/v1/office/sites", json={"code": "T1", "name": "又一号"}, headers=header).json["type"].endswith("site-taken")
    floor = client.post("/v1/office/floors", json={"site_id": site.json["id"], "label": "L2"}, headers=header)
    again = client.post("/v1/office/floors", json={"site_id": site.json["id"], "label": "L2"}, headers=header)
    assert (floor.status_code, again.status_code) == (201, 409)
    renamed = client.patch(f"/v1/office/floors/{floor.json['id']}", json={"label": "2F", "why": "new signs"}, headers=header)
    assert renamed.json["label"] == "2F"
    moved = client.patch(f"/v1/office/sites/{site.json['id']}", json={"address": "云锦路 1 号", "why": "moved"}, headers=header)
    assert moved.json["address"] == "云锦路 1 号"
    shop = client.post("/v1/office/shops", json=NEW | {"floor_id": floor.json["id"]}, headers=header)
    assert shop.status_code == 201, shop.json
    assert (shop.json["floor"], shop.json["points_rate_bp"]) == ("2F", 10_000)


@pytest.mark.parametrize(
    ("change", "slug"),
    [
        ({"code": "A-1"}, "shop-code-taken"),
        ({"floor_id": 999}, "floor-not-found"),
        ({"starts_on": "2026-02-01", "ends_on": "2026-01-31"}, "contract-backwards"),
        ({"opening_hours": "all day"}, "opening-hours-unclear"),
        ({"points_rate_bp": 1_000_001}, "shape-wrong"),
        ({"points_rate_bp": 1.5}, "shape-wrong"),
        ({"name": " "}, "shape-wrong"),
        ({"name": "a\x00b"}, "shape-wrong"),
        ({"tax_number": "123"}, "shape-wrong"),
        ({"invoice_url": "http://invoice.example.com"}, "shape-wrong"),
        ({"invoice_url": "https://a@invoice.example.com/"}, "shape-wrong"),
        ({"invoice_url": "javascript:alert(1)"}, "shape-wrong"),
        ({"surprise": 1}, "shape-wrong"),
    ],
)
def test_a_shop_is_refused_by_name(client, office, building, change, slug) -> None:
    header = office()
    client.post("/v1/office/shops", json=NEW | {"floor_id": building}, headers=header)
    refused = client.post("/v1/office/shops", json=NEW | {"code": "A-2", "floor_id": building} | change, headers=header)
    assert refused.json["type"].endswith(slug), refused.json


def test_a_changed_shop_is_found_anew_and_the_log_keeps_what_changed(client, code, office, building) -> None:
    header = office("floor_manager")
    shop_id = client.post("/v1/office/shops", json=NEW | {"floor_id": building}, headers=header).json["id"]
    change = {"name": "大渔铁板烧", "trading_names": [], "why": "new tenant sign", "opening_hours": "周末"}
    assert client.patch(f"/v1/office/shops/{shop_id}", json=change, headers=header).json["type"].endswith("opening-hours-unclear")
    change["opening_hours"] = "1-5 10:00–22:00；6-7 10:00-26:00"
    changed = client.patch(f"/v1/office/shops/{shop_id}", json=change, headers=header)
    assert changed.json["opening_hours"] == "1-5 10:00-22:00; 6-7 10:00-26:00"
    assert (_found(client, code, "q=dytbs"), _found(client, code, "q=hdl")) == (["大渔铁板烧"], [])
    line = client.get("/v1/office/audit?subject_type=shop", headers=office()).json["items"][0]
    assert (line["before"]["name"], line["after"]["name"], line["why"]) == ("海底捞火锅", "大渔铁板烧", "new tenant sign")
    assert "unit" not in line["before"]


def test_kind_2_what_a_rule_of_points_knows_a_shop_by_changes_by_two_people(client, mall, office, building) -> None:
    header = office("floor_manager")
    shop_id = client.post("/v1/office/shops", json=NEW | {"floor_id": building, "category": "零售"}, headers=header).json["id"]
    address, change = f"/v1/office/shops/{shop_id}", {"category": "餐饮", "why": "they sell food"}
    with db.unit_of_work(mall):
        double = {"code": "double", "kind": "multiplier", "title_zh": "双倍", "title_en": "Double", "factor_bp": 20_000}
        rule = rules.propose(by="staff:801", why="test", starts_at=clock.now(), conditions={"categories": ["餐饮"]}, **double)
        rules.approve(rule.id, by="staff:802")
    assert client.patch(address, json={"category": "服饰", "why": "no rule knows either"}, headers=header).status_code == 200
    asked = client.patch(address, json=change, headers=header)
    assert (asked.status_code, client.get(address, headers=header).json["category"]) == (202, "服饰")
    assert approved(client, mall, asked).status_code == 200
    assert client.get(address, headers=header).json["category"] == "餐饮"
    with db.unit_of_work(mall):
        shop = session.get_one(Shop, shop_id)
        assert not malls.prices_no_more(shop, {"category": "零售"}) and malls.prices_no_more(shop, {"category": "餐饮"})


def test_a_change_without_reason_or_right_is_refused(client, office, building) -> None:
    shop_id = client.post("/v1/office/shops", json=NEW | {"floor_id": building}, headers=office()).json["id"]
    assert client.patch(f"/v1/office/shops/{shop_id}", json={"closed": True}, headers=office()).status_code == 422
    refused = client.patch(f"/v1/office/shops/{shop_id}", json={"closed": True, "why": "left"}, headers=office("marketer"))
    assert refused.status_code == 403
    closed = client.patch(f"/v1/office/shops/{shop_id}", json={"closed": True, "why": "left"}, headers=office())
    assert closed.json["closed"] is True
    listed = client.get("/v1/office/shops?closed=true", headers=office("finance")).json["items"]
    assert [shop["id"] for shop in listed] == [shop_id]
    assert client.get("/v1/office/shops?closed=false", headers=office()).json["items"] == []


def test_aliases_are_taught_listed_and_forgotten(client, mall, office) -> None:
    with db.unit_of_work(mall):
        shop_id = make_shop().id
    header = office("reviewer")
    address = f"/v1/office/shops/{shop_id}/aliases"
    assert client.post(address, json={"text": "海底撈"}, headers=header).json == {"added": True}
    assert client.post(address, json={"text": "海底捞"}, headers=header).json == {"added": False}
    assert client.post(address, json={"text": "。。"}, headers=header).json["type"].endswith("alias-too-short")
    alias = client.get(address, headers=header).json["items"][0]
    assert alias["learned_from"].startswith("staff:")
    assert client.delete(f"/v1/office/shop-aliases/{alias['id']}?why=wrong", headers=header).status_code == 204
    assert client.delete(f"/v1/office/shop-aliases/{alias['id']}?why=wrong", headers=header).status_code == 404
    assert client.get(address, headers=header).json["items"] == []


def test_the_policy_says_what_each_rule_means_and_changes_with_a_reason(client, mall, office) -> None:
    header = office()
    shown = client.get("/v1/office/policy", headers=header).json
    assert shown["policy"]["submission_days"] == 7
    assert {rule["name"] for rule in shown["rules"]} == set(shown["policy"])
    changed = client.patch("/v1/office/policy", json={"submission_days": 3, "e_screenshot": "score", "why": "spring"}, headers=header)
    assert approved(client, mall, changed).json["state"] == "done"
    from api.malls import service
    from api.receipts.policy import ReceiptRules

    with db.unit_of_work(mall):
        rules = service.policy(ReceiptRules)
        assert (rules.submission_days, rules.e_screenshot) == (3, "score")
    line = client.get("/v1/office/audit?subject_type=mall", headers=header).json["items"][0]
    assert line["before"] == {"submission_days": 7, "e_screenshot": "review"}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"submission_days": -1}, 422),
        ({"submission_days": 366}, 422),
        ({"submission_days": "7"}, 422),
        ({"payment_slip": "maybe"}, 422),
        ({"no_such_rule": 1}, 422),
        ({"auto_limit_fen": 600_000}, 409),
    ],
)
def test_a_policy_that_cannot_be_is_refused(client, office, change, status) -> None:
    refused = client.patch("/v1/office/policy", json=change | {"why": "try"}, headers=office())
    assert refused.status_code == status, refused.json


def test_only_an_administrator_changes_the_policy(client, office) -> None:
    assert client.patch("/v1/office/policy", json={"submission_days": 3, "why": "x."}, headers=office("finance")).status_code == 403


def test_another_malls_rows_are_not_there(client, mall, office, building) -> None:
    with db.unit_of_work(mall):
        shop_id = make_shop(floor_id=building).id
    with db.unit_of_work():
        other = make_mall().id
    with db.unit_of_work(other):
        stranger = bearer("staff", make_staff().id, other)
    assert client.get(f"/v1/office/shops/{shop_id}", headers=stranger).status_code == 404
    assert client.get(f"/v1/office/shops/{shop_id}/aliases", headers=stranger).status_code == 404
    made = client.post("/v1/office/shops", json=NEW | {"floor_id": building}, headers=stranger)
    assert made.json["type"].endswith("floor-not-found")
    assert client.patch(f"/v1/office/floors/{building}", json={"label": "X", "why": "mine now"}, headers=stranger).status_code == 404


def test_a_mall_is_opened_by_command_once(app, client) -> None:
    runner = app.test_cli_runner()
    assert runner.invoke(args=["malls", "open", "yunjin", "云锦天地", "wang", "li"]).exit_code == 0
    assert client.get("/v1/malls/yunjin").json["name"] == "云锦天地"
    assert runner.invoke(args=["malls", "open", "yunjin", "又一个", "wang", "li"]).exit_code == 1
    assert runner.invoke(args=["malls", "open", "Yun Jin", "又一个", "wang", "li"]).exit_code == 1
    assert runner.invoke(args=["malls", "open", "other", "又一个", "wang", "li", "--timezone", "Moon/Base"]).exit_code == 1


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/malls/a%00b", 422),
        ("/v1/malls/%F0%9F%92%A9/shops", 404),
        ("/v1/malls/{code}/shops/99999999999999999999", 422),
        ("/v1/malls/{code}/shops/0", 404),
        ("/v1/malls/{code}/shops?category=%00", 422),
        ("/v1/malls/{code}/shops?q=" + "x" * 101, 422),
        ("/v1/malls/{code}/shops?cursor=%00", 422),
        ("/v1/malls/{code}/shops?cursor=WyJhXHUwMDAwYiIsMV0", 422),
        ("/v1/malls/{code}/shops?limit=0", 422),
    ],
)
def test_an_odd_address_is_refused_by_name(client, code, shops, path, status) -> None:
    assert client.get(path.replace("{code}", code)).status_code == status


def test_a_form_without_a_sheet_is_refused(client, office) -> None:
    sent = client.post("/v1/office/shop-imports", data={"other": "x"}, headers=office(), content_type="multipart/form-data")
    assert sent.status_code == 422 and "file" in sent.json["errors"]
