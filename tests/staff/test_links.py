"""Kind 11: nobody gets a password from somebody else; a one-time link lets its person set it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from api.kit import clock, db
from api.kit.db import session
from tests.conftest import owner_rows
from tests.races import meeting
from tests.second_person import approved, colleague
from tests.staff.people import NEW_PASSWORD, header, sign_in, token_of, use_link

NEW = {"login": "Chen.Li", "name": "陈丽", "role": "finance", "shop_id": None}


def invite(client, mall, asker, **given):
    """Invite somebody with two people; the account's number and the link."""
    asked = client.post("/v1/office/staff", json=NEW | given, headers=asker)
    assert approved(client, mall, asked).status_code == 200
    number = client.get(f"/v1/office/staff?role={(NEW | given)['role']}", headers=asker).json["items"][0]["id"]
    shown = client.put(f"/v1/office/staff/{number}/newest-link", headers=asker)
    assert shown.status_code == 200, shown.json
    return number, shown.json["address"]


def test_kind_11_an_administrator_sets_nobodys_password(client, hire) -> None:
    account, _ = hire("reviewer")
    _, administrator = hire()
    old_way = client.put(
        f"/v1/office/staff/{account.id}/password", json={"password": "a word of mine", "why": "x y"}, headers=administrator
    )
    assert old_way.status_code == 404
    with_password = client.post("/v1/office/staff", json=NEW | {"password": "a word of mine"}, headers=administrator)
    assert with_password.status_code == 422


def test_somebody_invited_sets_the_own_password_once(client, code, mall, hire, settings) -> None:
    _, administrator = hire()
    number, address = invite(client, mall, administrator)
    assert address.startswith(f"http://127.0.0.1:8000/office/{code}/password#")
    owner = client.post(f"/v1/malls/{code}/staff-link-owners", json={"token": token_of(address)}).json
    assert (owner["login"], owner["name"], owner["role"]) == ("chen.li", "陈丽", "finance")
    assert sign_in(client, code, "chen.li", "").status_code == 422
    weak = use_link(client, code, address, "chen.li chen.li")
    assert weak.json["type"].endswith("password-weak")
    assert use_link(client, code, address).status_code == 204
    again = use_link(client, code, address, "somebody else's words")
    assert (again.status_code, again.json["type"]) == (410, "/problems/link-refused")
    me = client.get("/v1/office/me", headers=header(sign_in(client, code, "chen.li", NEW_PASSWORD)))
    assert me.json["due"] == ["codes"]
    kept = owner_rows(settings, "SELECT token_key FROM account_links WHERE account_id = %s", number)
    assert token_of(address) not in str(kept)
    log = client.get("/v1/office/audit?subject_type=staff_account", headers=administrator).json["items"]
    assert {"opened the account", "made a link", "set the password by a link"} <= {line["did"] for line in log}
    assert token_of(address) not in str(log)


def test_a_link_is_shown_once_and_to_who_asked_only(client, mall, hire) -> None:
    _, administrator = hire()
    asked = client.post("/v1/office/staff", json=NEW, headers=administrator)
    assert approved(client, mall, asked).status_code == 200
    number = client.get("/v1/office/staff?role=finance", headers=administrator).json["items"][0]["id"]
    path = f"/v1/office/staff/{number}/newest-link"
    other = client.put(path, headers=colleague(mall))
    assert (other.status_code, other.json["type"]) == (409, "/problems/link-not-ready")
    assert client.put(path, headers=administrator).status_code == 200
    assert client.put(path, headers=administrator).json["type"] == "/problems/link-not-ready"
    seen = client.get(path, headers=administrator).json
    assert seen["shown_at"] and "address" not in seen and "token" not in str(seen)


def test_a_link_ends_after_72_hours(client, code, mall, hire) -> None:
    clock.fix(clock.now())
    _, administrator = hire()
    _, address = invite(client, mall, administrator)
    clock.fix(clock.now() + timedelta(hours=72))
    assert client.post(f"/v1/malls/{code}/staff-link-owners", json={"token": token_of(address)}).status_code == 410
    assert use_link(client, code, address).status_code == 410


def test_kind_11_two_who_use_one_link_at_once_are_one(client, code, mall, hire) -> None:
    _, administrator = hire()
    _, address = invite(client, mall, administrator)
    words = ["the words of one", "the words of two"]
    with meeting("UPDATE account_links") as place, ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda word: use_link(client.application.test_client(), code, address, word), words))
    assert place.met == 1
    assert sorted(answer.status_code for answer in answers) == [204, 410]
    winner, loser = (words[place] for place in sorted((0, 1), key=lambda place: answers[place].status_code))
    assert sign_in(client, code, "chen.li", winner).status_code == 200
    assert sign_in(client, code, "chen.li", loser).status_code == 401


def test_two_windows_that_ask_for_one_link_at_once_get_one(client, mall, hire) -> None:
    _, administrator = hire()
    asked = client.post("/v1/office/staff", json=NEW, headers=administrator)
    approved(client, mall, asked)
    number = client.get("/v1/office/staff?role=finance", headers=administrator).json["items"][0]["id"]

    def show(_: int):
        return client.application.test_client().put(f"/v1/office/staff/{number}/newest-link", headers=administrator).status_code

    with meeting("UPDATE account_links") as place, ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(show, range(2)))
    assert (place.met, statuses) == (1, [200, 409])


def test_a_forgotten_password_is_a_new_link_that_takes_two_people_and_tells_the_owner(client, code, mall, hire) -> None:
    account, own = hire("finance")
    _, administrator = hire()
    asked = client.post(f"/v1/office/staff/{account.id}/links", json={"why": "forgotten"}, headers=administrator)
    assert client.put(f"/v1/office/staff/{account.id}/newest-link", headers=administrator).status_code == 409
    assert approved(client, mall, asked).status_code == 200
    told = client.get("/v1/office/me", headers=own).json["news"]
    assert [(line["what"], line["about"]) for line in told] == [("link", account.name)]
    assert client.put(f"/v1/office/me/news/{told[0]['id']}/sight", headers=own).status_code == 204
    assert client.get("/v1/office/me", headers=own).json["news"] == []
    assert client.put(f"/v1/office/me/news/{told[0]['id']}/sight", headers=own).status_code == 404
    address = client.put(f"/v1/office/staff/{account.id}/newest-link", headers=administrator).json["address"]
    signed_in = header(sign_in(client, code, account.login))
    assert use_link(client, code, address).status_code == 204
    assert client.get("/v1/office/me", headers=signed_in).status_code == 401
    assert sign_in(client, code, account.login).status_code == 401
    assert sign_in(client, code, account.login, NEW_PASSWORD).status_code == 200


def test_a_new_link_ends_the_one_before_and_nobody_asks_for_the_own(client, code, mall, hire) -> None:
    asker, administrator = hire()
    number, first = invite(client, mall, administrator)
    again = client.post(f"/v1/office/staff/{number}/links", json={"why": "lost the paper"}, headers=administrator)
    approved(client, mall, again)
    second = client.put(f"/v1/office/staff/{number}/newest-link", headers=administrator).json["address"]
    assert use_link(client, code, first).status_code == 410
    assert use_link(client, code, second).status_code == 204
    own = client.post(f"/v1/office/staff/{asker.id}/links", json={"why": "for myself"}, headers=administrator)
    assert own.json["type"] == "/problems/own-account"


def test_a_clerk_without_rights_over_value_is_invited_by_one_person(client, code, hire) -> None:
    shop_id = hire("shop_manager")[0].shop_id
    _, administrator = hire()
    made = client.post("/v1/office/staff", json=NEW | {"role": "shop_clerk", "shop_id": shop_id}, headers=administrator)
    assert (made.status_code, made.json["state"]) == (201, "invited")
    address = client.put(f"/v1/office/staff/{made.json['id']}/newest-link", headers=administrator).json["address"]
    assert f"/shop/{code}/password#" in address
    assert use_link(client, code, address).status_code == 204
    me = client.get("/v1/shop/me", headers=header(sign_in(client, code, "chen.li", NEW_PASSWORD)))
    assert (me.json["due"], "own_payments.charge" in me.json["permissions"]) == ([], True)


@pytest.mark.parametrize(
    ("role", "change", "status"),
    [
        ("reviewer", {"role": "finance"}, 202), ("shop_clerk", {"role": "administrator", "shop_id": None}, 202),
        ("reviewer", {"name": "王芳"}, 200), ("finance", {"name": "王芳", "role": "finance"}, 200),
    ],
)  # fmt: skip
def test_kind_11_who_gets_more_rights_takes_two_people_and_a_name_one(client, hire, role, change, status) -> None:
    account, _ = hire(role)
    _, administrator = hire()
    answer = client.patch(f"/v1/office/staff/{account.id}", json=change | {"why": "moved desks"}, headers=administrator)
    assert answer.status_code == status, answer.json


def test_letting_in_again_takes_two_people_and_suspending_one(client, mall, hire) -> None:
    account, _ = hire("finance")
    _, administrator = hire()
    path = f"/v1/office/staff/{account.id}/state"
    assert client.put(path, json={"state": "suspended", "why": "on leave"}, headers=administrator).status_code == 200
    asked = client.put(path, json={"state": "active", "why": "is back"}, headers=administrator)
    assert approved(client, mall, asked, "finance").status_code == 200
    assert client.get(f"/v1/office/staff/{account.id}", headers=administrator).json["state"] == "active"


def test_who_made_the_link_is_no_second_person_and_who_approved_it_is(client, code, mall, hire) -> None:
    asker, administrator = hire()
    number, address = invite(client, mall, administrator)
    use_link(client, code, address)
    with db.unit_of_work(mall):
        ties = session.execute(text("SELECT by, did FROM account_ties WHERE account_id = :id ORDER BY id"), {"id": number}).all()
    assert [(tie.by, tie.did) for tie in ties] == [(f"staff:{asker.id}", "opened"), (f"staff:{asker.id}", "link")]


def test_an_administrator_cannot_activate_who_was_invited(client, mall, hire) -> None:
    _, administrator = hire()
    asked = client.post("/v1/office/staff", json=NEW, headers=administrator)
    approved(client, mall, asked)
    number = client.get("/v1/office/staff?role=finance&state=invited", headers=administrator).json["items"][0]["id"]
    refused = client.put(f"/v1/office/staff/{number}/state", json={"state": "active", "why": "hurry up"}, headers=administrator)
    assert refused.json["type"] == "/problems/wrong-state"
    assert (
        client.put(f"/v1/office/staff/{number}/state", json={"state": "closed", "why": "not coming"}, headers=administrator).status_code
        == 200
    )
    assert client.put(f"/v1/office/staff/{number}/newest-link", headers=administrator).status_code == 409


def test_kind_11_a_mall_opens_with_two_administrators_and_their_links(app, client) -> None:
    opened = app.test_cli_runner().invoke(args=["malls", "open", "yunjin", "云锦天地", "wang", "li"])
    assert opened.exit_code == 0, opened.output
    addresses = dict(line.split(": ", 1) for line in opened.output.splitlines() if "#" in line)
    assert sorted(addresses) == ["li", "wang"]
    for login, address in addresses.items():
        assert use_link(client, "yunjin", address).status_code == 204
        assert sign_in(client, "yunjin", login, NEW_PASSWORD).json["account"]["role"] == "administrator"
    more = app.test_cli_runner().invoke(args=["staff", "second-administrator", "yunjin", "zhao"])
    assert more.exit_code == 1 and "two administrators already" in more.output


def test_a_mall_with_one_administrator_gets_a_second_by_command_and_the_first_is_told(app, client, code, hire) -> None:
    _, administrator = hire()
    more = app.test_cli_runner().invoke(args=["staff", "second-administrator", code, "zhao"])
    assert more.exit_code == 0, more.output
    assert [line["what"] for line in client.get("/v1/office/me", headers=administrator).json["news"]] == ["second administrator"]


def test_kind_11_a_sole_administrator_is_recovered_by_command_and_all_others_are_told(app, client, code, mall, hire) -> None:
    lost, _ = hire()
    _, other = hire()
    _, clerk = hire("reviewer")
    recovered = app.test_cli_runner().invoke(args=["staff", "recover", code, lost.login])
    assert recovered.exit_code == 0, recovered.output
    address = recovered.output.splitlines()[0].split(": ", 1)[1]
    told = client.get("/v1/office/me", headers=other).json["news"]
    assert [(line["what"], line["about"], line["by"]) for line in told] == [("recovered", lost.name, "command")]
    assert client.get("/v1/office/me", headers=clerk).json["news"] == []
    log = client.get(f"/v1/office/audit?who=command&subject_type=staff_account&subject_id={lost.id}", headers=other).json["items"]
    assert "recovered the account by command" in {line["did"] for line in log}
    assert use_link(client, code, address).status_code == 204
    assert app.test_cli_runner().invoke(args=["staff", "recover", code, "nobody"]).exit_code == 1
