"""Plates over HTTP: for anyone who scans, and for the office."""

from __future__ import annotations

import io

import pypdfium2
import pytest
import zxingcpp

from api.kit import audit, cache, clock, db
from api.plates import service
from tests.conftest import bearer
from tests.factories import make_mall, make_shop, make_staff
from tests.plates.conftest import issued
from tests.second_person import approved


@pytest.fixture
def office(mall, manager):
    """The header of a floor manager."""
    return bearer("staff", manager, mall)


def keyed(headers: dict[str, str], key: str = "plates-test-1") -> dict[str, str]:
    return headers | {"Idempotency-Key": key}


def test_anyone_who_scans_sees_the_shop_before_an_amount_is_asked_for(client, counter) -> None:
    answer = client.get(f"/v1/plates/{counter.code}")
    assert answer.status_code == 200
    with db.unit_of_work(counter.mall_id):
        shown = service.show(counter.code)
    assert answer.json == {
        "code": counter.code,
        "number": "000001",
        "mall": {"code": shown.mall.code, "name": shown.mall.name},
        "shop": {
            "id": counter.shop_id,
            "name": shown.shop.name,
            "unit": shown.shop.unit,
            "site": shown.shop.site.name,
            "floor": shown.shop.floor.label,
            "category": "餐饮",
            "opening_hours": None,
            "earns_points": True,
            "photo": None,
        },
        "amount": {"min_fen": 1, "max_fen": 5_000_000, "decimals": 2, "excluded_allowed": False},
    }


def test_a_scan_costs_few_statements(client, counter, statements) -> None:
    with statements() as seen:
        client.get(f"/v1/plates/{counter.code}")
    assert len(seen) <= 6


def test_what_cannot_be_paid_by_is_refused_by_name(client, mall, counter) -> None:
    with db.unit_of_work(mall):
        blank, old = issued(2)
        service.retire(old.id, by="staff:1", why="worn")
    for code, status, slug in [
        (blank.code, 409, "plate-blank"),
        (old.code, 410, "plate-retired"),
        ("abcdefghjkmn", 404, "plate-unknown"),
        ("1", 404, "plate-unknown"),
        ("ABCDEFGHJKMN", 404, "plate-unknown"),
    ]:
        answer = client.get(f"/v1/plates/{code}")
        assert (answer.status_code, answer.json["type"]) == (status, f"/problems/{slug}")


def test_who_tries_codes_by_the_thousand_is_slowed_down(client, mall, monkeypatch) -> None:
    from api.kit import limits
    from api.plates import routes

    monkeypatch.setattr(routes, "BY_ADDRESS", limits.Limit("plates-address", 5, 60))
    clock.fix(clock.now())  # all tries fall into one minute
    statuses = [client.get("/v1/plates/abcdefghjkmn").status_code for _ in range(7)]
    assert statuses == [404] * 5 + [429] * 2


def test_the_office_makes_binds_moves_and_retires_a_plate(client, mall, office, counter) -> None:
    with db.unit_of_work(mall):
        one, other = make_shop().id, make_shop().id
    batch = client.post("/v1/office/plate-batches", headers=keyed(office), json={"plates": 3, "note": "L2"})
    assert (batch.status_code, batch.json["plates"], batch.json["first_number"]) == (201, 3, 2)
    again = client.post("/v1/office/plate-batches", headers=keyed(office), json={"plates": 3, "note": "L2"})
    assert again.json == batch.json
    listed = client.get("/v1/office/plates", headers=office, query_string={"batch_id": batch.json["id"], "limit": 2}).json
    assert [plate["number"] for plate in listed["items"]] == ["000004", "000003"]
    assert listed["next_cursor"]
    plate = listed["items"][0]["id"]
    bound = client.put(f"/v1/office/plates/{plate}/shop", headers=office, json={"shop_id": one})
    assert (bound.status_code, bound.json["state"], bound.json["shop_id"]) == (200, "bound", one)
    refused = client.put(f"/v1/office/plates/{plate}/shop", headers=office, json={"shop_id": other})
    assert (refused.status_code, refused.json["type"], refused.json["shop_id"]) == (409, "/problems/plate-bound", one)
    asked = client.post(f"/v1/office/plates/{plate}/moves", headers=office, json={"shop_id": other, "why": "new counter"})
    assert client.get(f"/v1/office/plates/{plate}", headers=office).json["plate"]["shop_id"] == one
    assert approved(client, mall, asked).status_code == 200
    assert client.get(f"/v1/office/plates/{plate}", headers=office).json["plate"]["shop_id"] == other
    retired = client.put(f"/v1/office/plates/{plate}/retirement", headers=office, json={"why": "worn"})
    assert retired.json["state"] == "retired"
    whole = client.get(f"/v1/office/plates/{plate}", headers=office).json
    assert [move["to_state"] for move in whole["history"]] == ["retired", "bound", "bound"]
    assert whole["history"][1]["facts"] == {"shop_id": other, "from_shop_id": one}
    assert [one["id"] for one in client.get("/v1/office/plates?state=retired", headers=office).json["items"]] == [plate]
    assert len(client.get("/v1/office/plate-batches", headers=office).json["items"]) == 2


@pytest.mark.parametrize(
    ("verb", "path", "body"),
    [
        ("post", "/plate-batches", {"plates": 0}),
        ("post", "/plate-batches", {"plates": 1001}),
        ("post", "/plate-batches", {"plates": "3"}),
        ("post", "/plates/1/moves", {"shop_id": 1}),
        ("post", "/plates/1/moves", {"shop_id": 1, "why": " "}),
        ("put", "/plates/1/retirement", {}),
        ("put", "/plates/1/shop", {"shop_id": 2**63}),
        ("put", "/shops/1/plate-terms", {"min_fen": 0, "max_fen": None, "decimals": None, "excluded_allowed": None, "why": "test"}),
        ("put", "/shops/1/plate-terms", {"min_fen": None, "max_fen": None, "decimals": 3, "excluded_allowed": None, "why": "test"}),
        ("post", "/plate-checks", {"scanned": "x", "shop_id": 1, "looks_right": False}),
    ],
)
def test_a_body_of_the_wrong_shape_is_refused(client, office, counter, verb, path, body) -> None:
    assert getattr(client, verb)(f"/v1/office{path}", headers=keyed(office), json=body).status_code == 422


@pytest.mark.parametrize("role", ["reviewer", "marketer", "finance", "service_desk"])
def test_only_who_may_writes_and_checks(client, mall, counter, role) -> None:
    with db.unit_of_work(mall):
        headers = keyed(bearer("staff", make_staff(role).id, mall))
    assert client.post("/v1/office/plate-batches", headers=headers, json={"plates": 1}).status_code == 403
    check = {"scanned": counter.code, "shop_id": counter.shop_id, "looks_right": True}
    assert client.post("/v1/office/plate-checks", headers=headers, json=check).status_code == 403
    assert client.get("/v1/office/plates", headers=headers).status_code == (403 if role in {"reviewer", "marketer"} else 200)


def test_another_malls_plate_is_not_there_for_this_office(client, counter) -> None:
    with db.unit_of_work():
        other = make_mall().id
    with db.unit_of_work(other):
        stranger = bearer("staff", make_staff("administrator").id, other)
    assert client.get("/v1/office/plates", headers=stranger).json["items"] == []
    assert client.get(f"/v1/office/plates/{counter.plate_id}", headers=stranger).status_code == 404
    assert client.get("/v1/office/plate-sheet", headers=stranger).status_code == 409
    scan = client.post("/v1/office/plate-scans", headers=stranger, json={"scanned": counter.code})
    assert scan.json == {"scanned": counter.code, "plate": None, "shop": None}


def test_a_shops_own_terms_are_told_to_who_scans(client, office, counter) -> None:
    address = f"/v1/office/shops/{counter.shop_id}/plate-terms"
    assert client.get(address, headers=office).json["own"] is None
    own = {"min_fen": 100, "max_fen": 20_000, "decimals": 0, "excluded_allowed": True}
    answer = client.put(address, headers=office, json=own | {"why": "a kiosk"})
    assert answer.json == {"own": own, "in_force": own}
    assert client.get(f"/v1/plates/{counter.code}").json["amount"] == own
    crossed = client.put(address, headers=office, json=own | {"min_fen": 30_000, "why": "crossed"})
    assert (crossed.status_code, crossed.json["type"]) == (409, "/problems/plate-terms-contradict")
    with db.unit_of_work(counter.mall_id):
        line = audit.entries(subject_type="shop", subject_id=str(counter.shop_id)).items[0]
    assert (line.after, line.why) == (own, "a kiosk")


# Printing


def pictures(pdf: bytes) -> list[object]:
    document = pypdfium2.PdfDocument(pdf)
    return [page.render(scale=200 / 72).to_pil() for page in document]


def words(pdf: bytes) -> str:
    return "".join(page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(pdf))


def test_a_sheet_is_read_back_as_the_plates_it_was_printed_from(client, mall, office, settings) -> None:
    with db.unit_of_work(mall):
        plates = issued(8)
        named = make_shop(name="海底捞火锅（云锦天地旗舰店）").id
        service.bind(plates[0].id, named, by="staff:1")
        service.bind(plates[7].id, make_shop(name="玥囍·Häagen-Dazs").id, by="staff:1")
        service.retire(plates[2].id, by="staff:1", why="misprint")
    answer = client.get("/v1/office/plate-sheet", headers=office, query_string={"batch_id": plates[0].batch_id})
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    sides = pictures(answer.data)
    read = [found.text for side in sides for found in zxingcpp.read_barcodes(side)]
    assert len(sides) == 2
    assert sorted(read) == sorted(f"{settings.public_url}/q/{plate.code}" for plate in plates if plate.number != 3)
    said = words(answer.data)
    for expected in ("海底捞火锅（云锦天地旗舰店）", "玥囍·Häagen-Dazs", "No. 000001", "No. 000008", "微信支付", "支付宝"):
        assert expected in said
    assert "No. 000003" not in said
    embedded = answer.data.count(b"/FontFile3")
    assert embedded == 1  # the names do not depend on what the viewer has installed


def test_a_scanned_plate_is_readable_even_when_a_part_of_it_is_stained(client, mall, office) -> None:
    from PIL import Image, ImageDraw, ImageFilter

    with db.unit_of_work(mall):
        plate = issued()[0]
    data = client.get("/v1/office/plate-sheet", headers=office, query_string={"plate_id": plate.id}).data
    side = pictures(data)[0].convert("L")  # type: ignore[attr-defined]
    found = zxingcpp.read_barcodes(side)[0].position
    left, top = min(found.top_left.x, found.bottom_left.x), found.top_left.y
    across = found.top_right.x - left
    ImageDraw.Draw(side).ellipse((left + across * 0.55, top + across * 0.45, left + across * 0.8, top + across * 0.7), fill=128)
    photographed = side.rotate(7, fillcolor=255, resample=Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(1))
    assert zxingcpp.read_barcodes(photographed)[0].text.endswith(plate.code)


def test_a_long_batch_is_printed_in_several_sheets(client, mall, office) -> None:
    with db.unit_of_work(mall):
        batch = service.issue(125, note="", by="staff:1")
    first = client.get("/v1/office/plate-sheet", headers=office, query_string={"batch_id": batch.id})
    rest = client.get("/v1/office/plate-sheet", headers=office, query_string={"batch_id": batch.id, "from_number": 121})
    assert [len(pypdfium2.PdfDocument(one.data)) for one in (first, rest)] == [20, 1]
    none = client.get("/v1/office/plate-sheet", headers=office, query_string={"batch_id": batch.id, "from_number": 126})
    assert (none.status_code, none.json["type"]) == (409, "/problems/plate-sheet-empty")


def test_a_letter_that_the_font_lacks_is_marked_and_breaks_nothing(client, mall, office) -> None:
    with db.unit_of_work(mall):
        plate = issued()[0]
        service.bind(plate.id, make_shop(name="奶茶😀𠮷" + "长" * 60).id, by="staff:1")
    data = client.get("/v1/office/plate-sheet", headers=office, query_string={"plate_id": plate.id}).data
    assert "奶茶〓〓" in words(data)


# Spot checks and alarms


def test_a_walker_sees_what_should_be_around_a_code(client, office, counter, settings) -> None:
    for scanned in (counter.code, f"{settings.public_url}/q/{counter.code}"):
        answer = client.post("/v1/office/plate-scans", headers=office, json={"scanned": scanned}).json
        assert (answer["plate"]["number"], answer["shop"]["id"]) == ("000001", counter.shop_id)
    lookalike = f"https://mail.example.com/q/{counter.code}"
    for scanned in (lookalike, "https://qr.example.com/pay/8867", "wxp://f2f0abc", "🙂", "https://[", "a" * 500):
        answer = client.post("/v1/office/plate-scans", headers=office, json={"scanned": scanned})
        assert answer.json == {"scanned": scanned, "plate": None, "shop": None}


def test_a_plate_that_is_right_is_written_down_and_raises_nothing(client, office, counter) -> None:
    body = {"scanned": counter.code, "shop_id": counter.shop_id, "looks_right": True}
    answer = client.post("/v1/office/plate-checks", headers=keyed(office), json=body)
    assert (answer.status_code, answer.json["finding"], answer.json["plate_id"]) == (201, "right", counter.plate_id)
    assert client.get("/v1/office/plate-alarms", headers=office).json["items"] == []


def test_a_wrong_plate_raises_an_alarm_whatever_the_walker_says(client, mall, office, counter) -> None:
    with db.unit_of_work(mall):
        other, (blank, old) = make_shop().id, issued(2)
        service.retire(old.id, by="staff:1", why="worn")
    stranger = "https://qr.example.com/pay/8867"
    for number, (scanned, shop_id, looks_right, finding) in enumerate(
        [
            (stranger, counter.shop_id, True, "not_ours"),
            (counter.code, other, True, "other_shop"),
            (blank.code, other, True, "blank"),
            (old.code, other, True, "retired"),
            (counter.code, counter.shop_id, False, "looks_wrong"),
        ]
    ):
        body = {"scanned": scanned, "shop_id": shop_id, "looks_right": looks_right, "note": "贴纸下面还有一张"}
        answer = client.post("/v1/office/plate-checks", headers=keyed(office, f"wrong-plate-{number}"), json=body)
        assert (answer.status_code, answer.json["finding"], answer.json["scanned"]) == (201, finding, scanned)
    alarms = client.get("/v1/office/plate-alarms?unseen=true", headers=office).json["items"]
    assert [alarm["facts"]["finding"] for alarm in alarms] == ["looks_wrong", "retired", "blank", "other_shop", "not_ours"]
    assert {alarm["kind"] for alarm in alarms} == {"wrong_plate"}
    assert len(client.get(f"/v1/office/plate-alarms?shop_id={counter.shop_id}", headers=office).json["items"]) == 2
    told = cache.attempt(lambda client: client.xrange(f"live:{mall}:shop:{counter.shop_id}"), [])
    assert len(told) == 2
    checks = client.get(f"/v1/office/plate-checks?shop_id={counter.shop_id}", headers=office).json["items"]
    assert [check["finding"] for check in checks] == ["looks_wrong", "not_ours"]


def test_an_alarm_is_looked_after_once(client, office, counter) -> None:
    body = {"scanned": "wxp://f2f0abc", "shop_id": counter.shop_id, "looks_right": True}
    client.post("/v1/office/plate-checks", headers=keyed(office), json=body)
    alarm = client.get("/v1/office/plate-alarms", headers=office).json["items"][0]["id"]
    seen = client.put(f"/v1/office/plate-alarms/{alarm}/verdict", headers=office, json={"verdict": "贴纸已撕下，已报警"})
    assert (seen.status_code, seen.json["verdict"]) == (200, "贴纸已撕下，已报警")
    again = client.put(f"/v1/office/plate-alarms/{alarm}/verdict", headers=office, json={"verdict": "again"})
    assert (again.status_code, again.json["type"]) == (409, "/problems/plate-alarm-seen")
    assert client.get("/v1/office/plate-alarms?unseen=true", headers=office).json["items"] == []
    assert client.put("/v1/office/plate-alarms/999/verdict", headers=office, json={"verdict": "none"}).status_code == 404


def test_a_photo_given_to_the_shop_is_told_to_who_scans(client, office, counter) -> None:
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (400, 300), "teal").save(out, "PNG")
    out.seek(0)
    given = client.put(f"/v1/office/shops/{counter.shop_id}/photo", headers=office, data={"photo": (out, "shop.png")})
    assert given.status_code == 200
    shown = client.get(f"/v1/plates/{counter.code}").json
    photo = client.get(f"/v1/malls/{shown['mall']['code']}/shops/{shown['shop']['id']}/photo?v={shown['shop']['photo']}")
    assert (photo.status_code, photo.mimetype) == (200, "image/jpeg")
    assert "immutable" in photo.headers["Cache-Control"]


def test_a_till_knows_what_may_be_charged_at_its_own_shop(client, counter) -> None:
    with db.unit_of_work(counter.mall_id):
        clerk = make_staff("shop_clerk", shop_id=counter.shop_id).id
        service.set_terms(
            counter.shop_id, {"min_fen": 100, "max_fen": 50_000, "decimals": 1, "excluded_allowed": True}, by="test", why="a small till"
        )
    headers = bearer("shop", clerk, counter.mall_id, counter.shop_id)
    told = client.get("/v1/shop/plate-terms", headers=headers).json
    assert told == {"min_fen": 100, "max_fen": 50_000, "decimals": 1, "excluded_allowed": True}
    assert client.get("/v1/shop/plate-terms").status_code == 401
