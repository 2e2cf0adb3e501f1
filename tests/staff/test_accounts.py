import threading

import pytest

from api.kit import db
from api.staff import service
from api.staff.errors import LastAdministrator
from api.staff.states import AccountState
from tests.conftest import owner_rows
from tests.second_person import approved

NEW = {"login": "Chen.Li", "name": "陈丽", "role": "reviewer"}


def test_an_administrator_opens_an_account_with_another_one_and_the_log_says_so(client, mall, hire) -> None:
    _, administrator = hire()
    asked = client.post("/v1/office/staff", json=NEW, headers=administrator)
    assert approved(client, mall, asked).status_code == 200
    made = client.get("/v1/office/staff?state=invited", headers=administrator).json["items"]
    assert [account["login"] for account in made] == ["chen.li"]
    log = client.get("/v1/office/audit?subject_type=staff_account", headers=administrator).json["items"]
    assert log[0]["did"] == "opened the account" and log[0]["after"]["role"] == "reviewer"


@pytest.mark.parametrize(
    ("change", "slug"),
    [
        ({"login": "chen.li"}, "login-taken"),
        ({"login": "b"}, "shape-wrong"),
        ({"login": "bo", "role": "shop_clerk"}, "role-needs-shop"),
        ({"login": "bo", "role": "tablet"}, "shape-wrong"),
        ({"login": "bo", "role": "shop_clerk", "shop_id": 999}, "shop-not-found"),
        ({"login": "bo", "shop_id": 999}, "role-needs-shop"),
    ],
)
def test_an_account_is_refused_by_name(client, mall, hire, change, slug) -> None:
    _, administrator = hire()
    approved(client, mall, client.post("/v1/office/staff", json=NEW, headers=administrator))
    refused = client.post("/v1/office/staff", json=NEW | change, headers=administrator)
    assert refused.json["type"].endswith(slug), refused.json


def test_only_an_administrator_opens_accounts(client, hire) -> None:
    for role in ("reviewer", "marketer", "finance", "floor_manager", "service_desk"):
        _, header = hire(role)
        assert client.post("/v1/office/staff", json=NEW, headers=header).status_code == 403


def test_nobody_changes_the_own_role(client, hire) -> None:
    account, header = hire()
    hire()
    refused = client.patch(f"/v1/office/staff/{account.id}", json={"role": "finance", "why": "I like it"}, headers=header)
    assert refused.json["type"].endswith("own-account")


def test_a_change_needs_a_reason_and_keeps_before_and_after(client, mall, hire) -> None:
    _, header = hire()
    account, _ = hire("reviewer")
    assert client.patch(f"/v1/office/staff/{account.id}", json={"role": "finance"}, headers=header).status_code == 422
    asked = client.patch(f"/v1/office/staff/{account.id}", json={"role": "finance", "why": "moved desks"}, headers=header)
    assert approved(client, mall, asked).status_code == 200
    line = client.get(f"/v1/office/audit?subject_type=staff_account&subject_id={account.id}", headers=header).json["items"][0]
    assert (line["before"]["role"], line["after"]["role"], line["why"]) == ("reviewer", "finance", "moved desks")


def test_two_administrators_cannot_remove_each_other_at_once(app, mall, hire, settings) -> None:
    (first, _), (second, _) = hire(), hire()
    barrier = threading.Barrier(2)
    refused: list[str] = []

    def remove(who: int, whom: int) -> None:
        barrier.wait()
        try:
            with db.unit_of_work(mall):
                service.move(whom, AccountState.CLOSED, by=f"staff:{who}", by_id=who, why="race")
        except LastAdministrator:
            refused.append("last")

    threads = [threading.Thread(target=remove, args=pair) for pair in ((first.id, second.id), (second.id, first.id))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert refused == ["last"]
    assert owner_rows(settings, "SELECT count(*) FROM staff_accounts WHERE state = 'active'") == [(1,)]


def test_accounts_of_another_mall_are_not_there(client, hire) -> None:
    from tests.conftest import bearer
    from tests.factories import make_mall, make_staff

    account, _ = hire()
    with db.unit_of_work():
        other = make_mall().id
    with db.unit_of_work(other):
        stranger = make_staff()
    header = bearer("staff", stranger.id, other)
    assert client.get(f"/v1/office/staff/{account.id}", headers=header).status_code == 404
    # The right number in a token of another mall lets nobody in.
    assert client.get("/v1/office/me", headers=bearer("staff", account.id, other)).status_code == 401
    assert [row["id"] for row in client.get("/v1/office/staff", headers=header).json["items"]] == [stranger.id]


def test_the_audit_log_is_paged_and_filtered_by_time(client, hire) -> None:
    _, header = hire()
    account, _ = hire("reviewer")
    for number in range(3):
        client.patch(f"/v1/office/staff/{account.id}", json={"name": f"第{number}", "why": "renamed"}, headers=header)
    page = client.get("/v1/office/audit?limit=2", headers=header).json
    rest = client.get(f"/v1/office/audit?limit=2&cursor={page['next_cursor']}", headers=header).json
    assert [len(page["items"]), len(rest["items"]), rest["next_cursor"]] == [2, 1, None]
    at = page["items"][0]["at"].replace("+", "%2B")
    assert len(client.get(f"/v1/office/audit?since={at}", headers=header).json["items"]) == 1
    assert len(client.get(f"/v1/office/audit?until={at}", headers=header).json["items"]) == 2
