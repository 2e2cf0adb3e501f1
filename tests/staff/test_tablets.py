import threading
from datetime import timedelta

from sqlalchemy import text

from api.kit import clock, db
from api.kit.db import session
from api.staff.service.tablets import ALPHABET


def _pair(client, code: str, pairing: str):
    return client.post(f"/v1/malls/{code}/tablet-pairings", json={"code": pairing, "device_name": "吧台 iPad"})


def _code(client, header) -> str:
    return client.post("/v1/shop/pairing-codes", headers=header).json["code"]


def test_a_tablet_is_paired_by_a_short_code_and_acts_for_its_shop(client, code, hire) -> None:
    manager, header = hire("shop_manager")
    pairing = _code(client, header)
    assert len(pairing) == 8 and set(pairing) <= set(ALPHABET) and not set("0O1I") & set(ALPHABET)
    paired = _pair(client, code, f"{pairing[:4].lower()}-{pairing[4:]}")
    assert paired.status_code == 201, paired.json
    me = client.get("/v1/shop/me", headers={"Authorization": f"Bearer {paired.json['access_token']}"}).json
    assert (me["account"]["shop_id"], me["account"]["role"]) == (manager.shop_id, "tablet")
    assert "own_tablets.manage" not in me["permissions"]


def test_a_pairing_code_works_once_and_ten_minutes(client, code, hire) -> None:
    _, header = hire("shop_manager")
    used, late = _code(client, header), _code(client, header)
    assert _pair(client, code, used).status_code == 201
    assert _pair(client, code, used).status_code == 401
    clock.fix(clock.now() + timedelta(minutes=10))
    assert _pair(client, code, late).status_code == 401


def test_of_twelve_tablets_with_one_code_one_gets_in(app, client, code, hire) -> None:
    _, header = hire("shop_manager")
    pairing = _code(client, header)
    barrier, answers = threading.Barrier(12), []

    def pair() -> None:
        mine = app.test_client()
        barrier.wait()
        answers.append(_pair(mine, code, pairing).status_code)

    threads = [threading.Thread(target=pair) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(answers) == [201] + [401] * 11


def test_a_revoked_tablet_is_refused_at_its_next_request(client, code, hire) -> None:
    manager, header = hire("shop_manager")
    tokens = _pair(client, code, _code(client, header)).json
    tablet = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert client.get("/v1/shop/me", headers=tablet).status_code == 200
    _, administrator = hire()
    listed = client.get(f"/v1/office/shops/{manager.shop_id}/tablets", headers=administrator).json["items"]
    assert [row["name"] for row in listed] == ["吧台 iPad"]
    revoked = client.put(f"/v1/office/tablets/{listed[0]['id']}/revocation", json={"why": "stolen"}, headers=administrator)
    assert revoked.json["state"] == "closed"
    assert client.get("/v1/shop/me", headers=tablet).status_code == 401
    assert client.post(f"/v1/malls/{code}/staff-tokens", json={"refresh_token": tokens["refresh_token"]}).status_code == 401


def test_a_shop_manager_revokes_only_the_own_tablets(client, code, hire) -> None:
    _, mine = hire("shop_manager")
    _, theirs = hire("shop_manager")
    tablet_id = _pair(client, code, _code(client, mine)).json["account"]["id"]
    refused = client.put(f"/v1/shop/tablets/{tablet_id}/revocation", json={"why": "not mine"}, headers=theirs)
    assert refused.status_code == 404
    assert client.get("/v1/shop/tablets", headers=theirs).json["items"] == []
    assert client.put(f"/v1/shop/tablets/{tablet_id}/revocation", json={"why": "broken"}, headers=mine).status_code == 200


def test_a_clerk_makes_no_pairing_code(client, hire) -> None:
    _, clerk = hire("shop_clerk")
    assert client.post("/v1/shop/pairing-codes", headers=clerk).status_code == 403


def test_a_closed_shop_takes_no_tablet(client, mall, hire) -> None:
    from api.kit import db
    from tests.factories import make_shop

    with db.unit_of_work(mall):
        shop_id = make_shop(closed=True).id
    _, administrator = hire()
    assert client.post(f"/v1/office/shops/{shop_id}/pairing-codes", headers=administrator).json["type"].endswith("shop-closed")


def test_the_office_sees_the_tablets_of_every_shop(client, code, hire) -> None:
    _, first = hire("shop_manager")
    _, second = hire("shop_manager")
    _, office = hire()
    ids = [_pair(client, code, _code(client, header)).json["account"] for header in (first, second)]
    listed = client.get("/v1/office/tablets", headers=office).json["items"]
    assert [row["id"] for row in listed] == [ids[1]["id"], ids[0]["id"]]
    of_one = client.get(f"/v1/office/tablets?shop_id={ids[0]['shop_id']}&state=active", headers=office).json["items"]
    assert [row["id"] for row in of_one] == [ids[0]["id"]]
    assert client.get("/v1/office/tablets", headers=hire("reviewer")[1]).status_code == 403


def test_a_pairing_code_ends_with_the_right_of_who_made_it(client, code, hire, mall) -> None:
    manager, header = hire("shop_manager")
    left = _code(client, header)
    with db.unit_of_work(mall):
        session.execute(text("UPDATE staff_accounts SET role = 'shop_clerk' WHERE id = :id"), {"id": manager.id})
    refused = _pair(client, code, left)
    assert (refused.status_code, refused.json["type"]) == (401, "/problems/pairing-code-refused")
