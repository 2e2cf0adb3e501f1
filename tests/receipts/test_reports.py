"""What the desk and the tablet read beside the queue: today in numbers, a case's history, a shop's own receipts, the next case ahead."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from api.kit import clock, db
from tests.conftest import bearer
from tests.factories import make_floor, make_shop, make_site, make_staff
from tests.receipts.conftest import NOW, World, slip
from tests.receipts.test_review import QUEUE, decide, take, waiting

TODAY = "/v1/office/receipt-reports/today"


def shop_get(world: World, path: str, shop: int) -> Any:
    with db.unit_of_work(world.mall):
        staff = make_staff("shop_clerk", shop_id=shop).id
    return world.client.get(path, headers=bearer("shop", staff, world.mall, shop))


def test_today_counts_what_people_and_what_the_machine_decided(world: World) -> None:
    staff = world.staff()
    for _ in range(3):
        world.read(world.member(), slip())  # decided by itself
    first, second = waiting(world), waiting(world)
    waiting(world)
    assert take(world, staff).json["review"]["id"] == first
    assert decide(world, staff, first).status_code == 200
    clock.fix(NOW + timedelta(days=2))
    world.office("POST", f"{QUEUE}/next", staff)
    assert decide(world, staff, second, reason="not_legible").status_code == 200  # two days later: the promise was broken

    that_day = world.office("GET", f"{TODAY}?on=2026-05-20", staff).json
    assert (that_day["decided"], that_day["automatic"], that_day["by_people"], that_day["late"]) == (4, 3, 1, 0)
    assert that_day["points"] == 3 * 128 + 3500
    assert that_day["hours"] == [{"hour": 12, "states": {"in_review": 1, "refused": 1, "scored": 4}}]
    later = world.office("GET", TODAY, staff).json
    assert (later["on"], later["decided"], later["automatic"], later["late"]) == ("2026-05-22", 1, 0, 1)
    assert (later["waiting"], later["waiting_late"], later["hours"]) == (1, 1, [])


def test_an_empty_day_says_so(world: World) -> None:
    empty = world.office("GET", TODAY, world.staff()).json
    assert (empty["waiting"], empty["oldest_at"], empty["decided"], empty["usual_seconds"], empty["points"]) == (0, None, 0, None, 0)


def test_today_asks_four_questions_however_much_there_is(world: World, statements: Any) -> None:
    for _ in range(4):
        world.read(world.member(), slip())
    staff = world.staff()
    world.office("GET", TODAY, staff)
    with statements() as asked:
        world.office("GET", TODAY, staff)
    about = [one for one in asked if "FROM receipt" in one]
    assert len(about) == 4


def test_the_next_case_is_taken_ahead_and_never_more_than_two(world: World) -> None:
    first, second, third = waiting(world), waiting(world), waiting(world)
    one, two = world.staff(), world.staff()
    assert take(world, one).json["review"]["id"] == first
    for _ in range(2):  # asking again takes no further one
        assert world.office("POST", f"{QUEUE}/next?besides={first}", one).json["review"]["id"] == second
    assert take(world, two).json["review"]["id"] == third
    assert world.office("DELETE", f"{QUEUE}/{second}/hold", one).status_code == 200
    assert world.office("POST", f"{QUEUE}/next?besides={third}", two).json["review"]["id"] == second


def test_a_dossier_names_the_shop_and_places_what_was_read(world: World) -> None:
    lines = ("海底捞火锅", "会员手机 13812345678", "实付 350000")
    waiting(world, lines=lines)
    dossier = take(world, world.staff()).json
    assert (dossier["shop"]["id"], dossier["shop"]["name"], dossier["shop"]["unit"]) == (world.shop, "海底捞火锅", "L2-018")
    assert dossier["heights"] == [1600]
    assert dossier["read"]["paid_fen"]["photo"] == 1 and len(dossier["read"]["paid_fen"]["place"]) == 4
    assert [line["text"] for line in dossier["photos"][0]["lines"]] == ["海底捞火锅", None, "实付 350000"]


def test_the_reasons_come_in_both_languages(world: World) -> None:
    reasons = world.office("GET", f"{QUEUE}/reasons", world.staff()).json["reasons"]
    assert reasons[0]["reason"] == "not_legible" and reasons[0]["sentence"]["zh"] and reasons[0]["sentence"]["en"]
    assert len(reasons) >= 9


def test_the_history_tells_of_the_member_and_of_the_shop(world: World) -> None:
    member, other = world.member(), world.member()
    world.read(member, slip())
    world.read(other, slip(fen=20_000))
    world.read(member, slip(shop="没有的店", lines=("没有的店", "单号 1", "实付 12850")))
    case = waiting(world, member)
    told = world.office("GET", f"{QUEUE}/{case}/history", world.staff()).json
    assert (told["of_member"]["receipts"], told["of_member"]["scored"], told["of_member"]["points"]) == (3, 1, 128)
    assert (told["of_shop"]["scored"], told["of_shop"]["others"], told["of_shop"]["largest_fen"]) == (2, 2, 20_000)
    assert {one["paid_fen"] for one in told["latest_of_shop"]} == {12_850, 20_000}
    assert told["shops"] == {str(world.shop): "海底捞火锅"}
    assert "phone" not in str(told)
    with db.unit_of_work(world.mall):
        rival = make_shop(name="别家餐厅", floor_id=make_floor(site_id=make_site(name="二号楼").id).id).id
    receipt = world.get("/v1/receipts", member).json["items"][0]["id"]
    assert world.post(f"/v1/receipts/{receipt}/corrections", member, {"field": "shop_id", "value": str(rival)}).status_code < 300
    assert world.office("GET", f"{QUEUE}/{case}/history", world.staff()).json["shops"][str(rival)] == "别家餐厅"
    missing = world.office("GET", f"{QUEUE}/999/history", world.staff())
    assert missing.json["type"] == "/problems/review-not-found"


def test_a_shop_sees_its_own_receipts_without_whose_they_are(world: World) -> None:
    scored = world.read(world.member(), slip(fen=12_850))
    with db.unit_of_work(world.mall):
        rival = make_shop(name="别家餐厅", floor_id=make_floor(site_id=make_site(name="二号楼").id).id).id
    own = shop_get(world, "/v1/shop/receipts", world.shop).json["items"]
    assert [(one["id"], one["state"], one["points"], one["paid_fen"]) for one in own] == [(scored.id, "scored", 128, 12_850)]
    assert not {"member_id", "reason", "sentence"} & set(own[0])
    assert shop_get(world, "/v1/shop/receipts", rival).json["items"] == []
    assert shop_get(world, "/v1/shop/receipts?on=2026-05-19", world.shop).json["items"] == []


def test_a_shops_receipts_come_page_by_page(world: World) -> None:
    for _ in range(3):
        world.read(world.member(), slip())
    first = shop_get(world, "/v1/shop/receipts?limit=2", world.shop).json
    rest = shop_get(world, f"/v1/shop/receipts?limit=2&cursor={first['next_cursor']}", world.shop).json
    assert (len(first["items"]), len(rest["items"]), rest["next_cursor"]) == (2, 1, None)


@pytest.mark.parametrize("path", [TODAY, f"{QUEUE}/reasons", f"{QUEUE}/1/history"])
def test_a_shop_clerk_sees_nothing_of_the_desk(world: World, path: str) -> None:
    assert shop_get(world, path, world.shop).status_code == 403
