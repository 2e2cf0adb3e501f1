"""The office: partners made, changed, paused, removed, tried; the log; what is sent again by hand; permissions, the audit log."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any

import pytest

from api.kit import clock, db
from api.partners.service import registration
from tests.conftest import bearer, owner_rows
from tests.factories import make_mall, make_staff
from tests.partners.conftest import ALL, Office, Receiver

HERE = "https://crm.example.com/hooks"


def test_a_partner_is_added_with_a_secret_that_is_shown_once(office: Office) -> None:
    partner, secret = office.partner(HERE, name="会员系统")
    assert secret.startswith("whsec_")
    shown = office.shown(partner)
    assert (shown["partner"]["name"], shown["partner"]["events"], shown["waiting"], shown["given_up"]) == ("会员系统", sorted(ALL), 0, 0)
    listed = office.ask("get", "/partners").json["items"]
    assert [one["id"] for one in listed] == [partner] and "secret" not in listed[0]


@pytest.mark.parametrize(
    "url",
    ["https://[1c5.BF.:0:1aA]:31615/c", "https://crm.example.com:99999/", "https://crm.example.com:port/", "https://[::1", "ftp://crm/x"],
)
def test_an_address_that_is_none_is_refused(office: Office, url: str) -> None:
    answer = office.ask("post", "/partners", {"name": "CRM", "url": url, "events": ALL})
    assert answer.status_code == 422, answer.json
    assert office.ask("get", "/partners").json["items"] == []


def test_two_partners_of_one_name_there_are_not(office: Office) -> None:
    partner, _ = office.partner(HERE, name="CRM")
    again = office.ask("post", "/partners", {"name": "CRM", "url": HERE, "events": ALL})
    assert (again.status_code, again.json["type"]) == (409, "/problems/partner-name-taken")
    assert office.ask("put", f"/partners/{partner}/removal", {"why": "换供应商"}).status_code == 204
    assert office.partner(HERE, name="CRM")[0] != partner
    assert office.ask("get", f"/partners/{partner}").status_code == 404


def test_a_mall_has_so_many_partners_and_no_more_however_they_hurry(office: Office) -> None:
    for _ in range(registration.MOST - 1):
        office.partner(HERE)
    gate, answers = threading.Barrier(4), []

    def add(number: int) -> None:
        body = {"name": f"late {number}", "url": HERE, "events": ALL}
        headers = bearer("staff", office.staff["administrator"], office.mall)
        gate.wait()
        answers.append(office.client.application.test_client().post("/v1/office/partners", json=body, headers=headers).status_code)

    threads = [threading.Thread(target=add, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(answers) == [201, 409, 409, 409]


def test_only_one_of_two_rotations_at_once_replaces_the_secret(office: Office) -> None:
    partner, _ = office.partner(HERE)
    gate, answers = threading.Barrier(4), []
    headers = bearer("staff", office.staff["administrator"], office.mall)

    def rotate() -> None:
        gate.wait()
        client = office.client.application.test_client()
        answers.append(client.post(f"/v1/office/partners/{partner}/secrets", json={"rotation": 0}, headers=headers).status_code)

    threads = [threading.Thread(target=rotate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(answers) == [201, 409, 409, 409]


def test_what_changes_is_written_down_with_why(office: Office, settings: Any) -> None:
    partner, _ = office.partner(HERE, name="CRM")
    body = {"url": "https://new.example.com/", "events": ["payment.paid"], "why": "换了地址"}
    changed = office.ask("patch", f"/partners/{partner}", body)
    assert (changed.status_code, changed.json["url"], changed.json["events"]) == (200, "https://new.example.com/", ["payment.paid"])
    office.ask("put", f"/partners/{partner}/pause", {"why": "维护"})
    office.ask("delete", f"/partners/{partner}/pause")
    office.ask("post", f"/partners/{partner}/secrets", {"rotation": 0})
    deeds = owner_rows(settings, "SELECT did, why FROM audit_entries WHERE subject_type = 'partner' ORDER BY id")
    assert deeds == [
        ("partner added", None),
        ("partner changed", "换了地址"),
        ("partner paused", "维护"),
        ("partner resumed", None),
        ("partner secret replaced", None),
    ]


def test_a_test_goes_to_this_partner_alone(office: Office, receiver: Receiver, other: Receiver) -> None:
    partner, _ = office.partner(receiver.url, name="CRM", events=["refund.done"])
    office.partner(other.url)
    asked = office.ask("post", f"/partners/{partner}/tests", key="one-test-key")
    again = office.ask("post", f"/partners/{partner}/tests", key="one-test-key")
    assert asked.status_code == again.status_code == 202 and asked.json == again.json
    office.due()
    (letter,) = receiver.letters
    told = json.loads(letter.body)
    assert (told["type"], told["data"]["partner"], other.letters) == ("test", "CRM", [])
    office.ask("put", f"/partners/{partner}/pause", {"why": "维护"})
    refused = office.ask("post", f"/partners/{partner}/tests")
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/partner-paused")


def test_the_log_is_found_by_partner_state_event_and_number_page_by_page(office: Office, receiver: Receiver, other: Receiver) -> None:
    partner, _ = office.partner(receiver.url)
    failing, _ = office.partner(other.url)
    other.answers = [500]
    office.sell()
    office.due()
    office.ask("post", f"/partners/{partner}/tests")
    office.due()
    assert len(office.log()) == 3
    assert [one["partner_id"] for one in office.log("?state=waiting")] == [failing]
    assert [one["event"] for one in office.log(f"?partner_id={partner}")] == ["test", "sale.recorded"]
    assert [one["partner_id"] for one in office.log("?event=test")] == [partner]
    number = office.log("?event=sale.recorded")[0]["number"]
    assert len(office.log(f"?number={number}")) == 2
    first = office.ask("get", "/partner-deliveries?limit=2").json
    rest = office.ask("get", f"/partner-deliveries?limit=2&cursor={first['next_cursor']}").json
    assert len(first["items"]) == 2 and len(rest["items"]) == 1 and rest["next_cursor"] is None


def test_all_that_was_given_up_since_a_moment_is_sent_again(office: Office, receiver: Receiver) -> None:
    partner, _ = office.partner(receiver.url)
    receiver.answers = [503] * 100
    began = clock.now()
    clock.fix(began)
    office.sell()
    office.until(began + timedelta(hours=1))
    later = clock.now()
    for _ in range(3):
        office.sell()
    office.until(later + timedelta(hours=25))
    receiver.answers.clear()
    assert office.shown(partner)["given_up"] == 4
    before = len(receiver.letters)
    asked = office.ask("post", f"/partners/{partner}/resendings", {"since": later.isoformat()})
    assert (asked.status_code, asked.json) == (202, {"deliveries": 3})
    office.due()
    assert len(receiver.letters) - before == 3
    assert office.shown(partner)["given_up"] == 1


def test_one_delivery_sent_again_by_several_at_once_goes_once_more(office: Office, receiver: Receiver) -> None:
    office.partner(receiver.url)
    office.sell()
    office.due()
    (shown,) = office.log()
    assert shown["state"] == "delivered"
    gate, answers = threading.Barrier(4), []

    def resend(number: int) -> None:
        headers = bearer("staff", office.staff["administrator"], office.mall) | {"Idempotency-Key": f"at-once-{number}"}
        gate.wait()
        path = f"/v1/office/partner-deliveries/{shown['id']}/sendings"
        answers.append(office.client.application.test_client().post(path, headers=headers).status_code)

    threads = [threading.Thread(target=resend, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers == [202] * 4
    office.due()
    assert len(receiver.letters) == 2 and len(set(receiver.ids)) == 1


def test_finance_looks_and_changes_nothing_and_others_do_not_look(office: Office) -> None:
    partner, _ = office.partner(HERE)
    assert office.ask("get", f"/partners/{partner}", role="finance").status_code == 200
    assert office.ask("post", f"/partners/{partner}/tests", role="finance").status_code == 403
    assert office.ask("get", "/partner-deliveries", role="marketer").status_code == 403


def test_another_malls_partners_are_not_there(office: Office, receiver: Receiver) -> None:
    partner, _ = office.partner(receiver.url)
    office.sell()
    office.due()
    (shown,) = office.log()
    with db.unit_of_work():
        elsewhere = make_mall().id
    with db.unit_of_work(elsewhere):
        headers = bearer("staff", make_staff("administrator").id, elsewhere)
    for path in (f"/partners/{partner}", f"/partner-deliveries/{shown['id']}"):
        assert office.client.get(f"/v1/office{path}", headers=headers).status_code == 404
    assert office.client.get("/v1/office/partner-deliveries", headers=headers).json["items"] == []
