"""An act that takes two people is asked by one and done by another human being."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text

from api.approvals import service
from api.approvals.errors import AnotherPersonNeeded
from api.kit import db
from api.kit.db import session
from api.kit.roles import Role
from api.malls import service as malls
from api.receipts.policy import ReceiptRules
from api.staff import service as staff
from api.staff.models import StaffAccount
from api.staff.service import links, second_person
from tests.conftest import bearer, owner_rows
from tests.factories import make_staff
from tests.second_person import approved, colleague

pytestmark = pytest.mark.attack

CHANGE = {"submission_days": 3, "why": "the spring fair is short"}


@pytest.fixture
def people(mall: int) -> Any:
    """make_staff and the header of each: `people("marketer")`."""

    def make(role: str = "administrator", **given: Any) -> tuple[int, dict[str, str]]:
        with db.unit_of_work(mall):
            account = make_staff(role, **given)
            return account.id, bearer(account.kind, account.id, mall)

    return make


def days(mall: int) -> int:
    with db.unit_of_work(mall):
        return malls.policy(ReceiptRules).submission_days


def test_what_one_person_asks_another_one_does(client, mall, people):
    asker_id, asker = people()
    answer = client.patch("/v1/office/policy", json=CHANGE, headers=asker)
    assert answer.status_code == 202
    shown = {name: answer.json[name] for name in ("act", "state", "asked", "before", "why", "asked_by", "decided_by")}
    assert shown == {
        "act": "policy.change", "state": "proposed", "asked": {"submission_days": 3}, "before": {"submission_days": 7},
        "why": CHANGE["why"], "asked_by": f"staff:{asker_id}", "decided_by": None,
    }  # fmt: skip
    assert days(mall) == 7

    done = approved(client, mall, answer, "finance")
    assert (done.status_code, done.json["state"], days(mall)) == (200, "done", 3)
    with db.unit_of_work(mall):
        changed = session.execute(text("SELECT who, why FROM audit_entries WHERE did = 'changed the policy'")).one()
    assert changed == (f"staff:{asker_id}", CHANGE["why"])


def test_nobody_approves_what_he_asked(client, mall, people):
    _, asker = people()
    answer = client.patch("/v1/office/policy", json=CHANGE, headers=asker)
    refused = client.put(f"/v1/office/approvals/{answer.json['id']}/approval", headers=asker)
    assert (refused.status_code, refused.json["type"], days(mall)) == (403, "/problems/another-person-needed", 7)


def test_who_asks_hears_at_once_how_the_act_itself_refuses(client, mall, people):
    _, asker = people()
    refused = client.patch("/v1/office/policy", json={"auto_limit_fen": 600_000, "why": "more by itself"}, headers=asker)
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/policy-contradicts")
    assert client.get("/v1/office/approvals", headers=asker).json["items"] == []


@pytest.mark.parametrize("did", ["opened", "let in", "raised", "link"])
def test_an_account_that_the_asker_made_let_in_or_raised_is_no_second_person_for_thirty_days(client, mall, people, settings, did):
    asker_id, asker = people()
    by = f"staff:{asker_id}"
    puppet_id, puppet = people("marketer" if did == "raised" else "finance", state="suspended" if did == "let in" else "active")
    with db.unit_of_work(mall):
        if did == "opened":
            puppet_id = staff.open_account(login="puppet", name="木偶", role=Role.FINANCE, shop_id=None, by=by).id
            links.use(links.show(staff.account(puppet_id), by=by).address.partition("#")[2], "a long enough word")
            session.execute(text("UPDATE staff_accounts SET codes_waived = true"))
            puppet = bearer("staff", puppet_id, mall)
        elif did == "let in":
            staff.move(puppet_id, "active", by=by, by_id=asker_id, why="back again")
        elif did == "raised":
            staff.change(puppet_id, {"role": "finance"}, by=by, by_id=asker_id, why="moved desks")
        else:
            links.ask(staff.account(puppet_id), also_codes=False, by=by, why="forgotten")
    answer = client.patch("/v1/office/policy", json=CHANGE, headers=asker)
    path = f"/v1/office/approvals/{answer.json['id']}/approval"
    assert client.put(path, headers=puppet).json["type"] == "/problems/another-person-needed"
    asked_by_puppet = client.post("/v1/office/approvals", headers=puppet).status_code
    assert (asked_by_puppet, days(mall)) == (405, 7)
    assert owner_rows(settings, "UPDATE account_ties SET at = at - interval '31 days' RETURNING id")
    assert client.put(path, headers=puppet).status_code == 200
    assert days(mall) == 3


def test_who_made_the_askers_account_is_no_second_person_either(client, mall, people):
    maker_id, maker = people()
    asker_id, asker = people()
    with db.unit_of_work(mall):
        links.ask(staff.account(asker_id), also_codes=False, by=f"staff:{maker_id}", why="forgotten")
    answer = client.patch("/v1/office/policy", json=CHANGE, headers=asker)
    refused = client.put(f"/v1/office/approvals/{answer.json['id']}/approval", headers=maker)
    assert (refused.status_code, refused.json["type"]) == (403, "/problems/another-person-needed")


def test_the_same_person_with_another_role_or_another_account_of_the_same_name_is_one_person(client, mall, people):
    _, asker = people(name="王 芳")
    _, twin = people("finance", name="王芳")
    answer = client.patch("/v1/office/policy", json=CHANGE, headers=asker)
    assert client.put(f"/v1/office/approvals/{answer.json['id']}/approval", headers=twin).json["type"] == "/problems/another-person-needed"
    with db.unit_of_work(mall), pytest.raises(Exception) as refused:
        staff.refuse_alone("shop:12", "staff:12")
    assert type(refused.value).__name__ == "AnotherPersonNeeded"


def test_a_chain_of_accounts_that_made_each_other_is_one_person(client, mall, people):
    asker_id, asker = people()
    middle_id, _ = people()
    last_id, last = people("finance")
    with db.unit_of_work(mall):
        second_person.tie(middle_id, "opened", by=f"staff:{asker_id}")
        second_person.tie(last_id, "opened", by=f"staff:{middle_id}")
    answer = client.patch("/v1/office/policy", json=CHANGE, headers=asker)
    refused = client.put(f"/v1/office/approvals/{answer.json['id']}/approval", headers=last)
    assert (refused.status_code, refused.json["type"], days(mall)) == (403, "/problems/another-person-needed", 7)


@pytest.mark.parametrize("name", ["王芳\u200b", "王·芳", "王芳."])
def test_signs_that_nobody_says_make_no_other_name(mall, people, name):
    first_id, _ = people(name="王芳")
    second_id, _ = people("finance", name=name)
    with db.unit_of_work(mall), pytest.raises(AnotherPersonNeeded):
        staff.refuse_alone(f"staff:{first_id}", f"staff:{second_id}")


def test_a_new_name_makes_no_other_person(client, mall, people):
    asker_id, asker = people(name="王芳")
    twin_id, twin = people("finance", name="王芳")
    own = client.patch(f"/v1/office/staff/{asker_id}", json={"name": "王芳芳", "why": "a typing error"}, headers=asker)
    assert (own.status_code, own.json["type"]) == (409, "/problems/own-account")
    assert client.patch(f"/v1/office/staff/{twin_id}", json={"name": "王小芳", "why": "a typing error"}, headers=asker).status_code == 200
    answer = client.patch("/v1/office/policy", json=CHANGE, headers=asker)
    refused = client.put(f"/v1/office/approvals/{answer.json['id']}/approval", headers=twin)
    assert (refused.status_code, refused.json["type"]) == (403, "/problems/another-person-needed")


def test_what_changed_meanwhile_is_not_approved(client, mall, people):
    _, asker = people()
    first = client.patch("/v1/office/policy", json=CHANGE, headers=asker)
    second = client.patch("/v1/office/policy", json={"submission_days": 5, "why": "longer than that"}, headers=asker)
    assert approved(client, mall, second).status_code == 200
    late = approved(client, mall, first)
    assert (late.status_code, late.json["type"], days(mall)) == (409, "/problems/approval-outdated", 5)
    shown = client.get(f"/v1/office/approvals/{first.json['id']}", headers=asker)
    assert shown.json["state"] == "proposed"


def test_who_may_not_do_it_any_more_does_not_do_it_by_another_hand(client, mall, people):
    asker_id, asker = people()
    answer = client.patch("/v1/office/policy", json=CHANGE, headers=asker)
    with db.unit_of_work(mall):
        session.get_one(StaffAccount, asker_id).role = "marketer"
    late = approved(client, mall, answer)
    assert (late.status_code, late.json["type"], days(mall)) == (409, "/problems/approval-outdated", 7)


def test_a_request_is_turned_down_withdrawn_or_ends_by_itself(client, mall, people):
    _, asker = people()
    ids = [client.patch("/v1/office/policy", json=CHANGE, headers=asker).json["id"] for _ in range(3)]
    reason = {"why": "not this spring"}
    down = client.put(f"/v1/office/approvals/{ids[0]}/rejection", json=reason, headers=colleague(mall))
    own = client.put(f"/v1/office/approvals/{ids[1]}/rejection", json=reason, headers=asker)
    assert [answer.json["state"] for answer in (down, own)] == ["rejected", "rejected"]
    with db.unit_of_work(mall):
        session.execute(text("UPDATE approvals SET expires_at = now() - interval '1 second' WHERE id = :id"), {"id": ids[2]})
    late = client.put(f"/v1/office/approvals/{ids[2]}/approval", headers=colleague(mall))
    assert (late.status_code, late.json["type"]) == (409, "/problems/wrong-state")
    with db.unit_of_work(mall):
        assert service.expire() == 1
    again = client.put(f"/v1/office/approvals/{ids[0]}/approval", headers=colleague(mall))
    assert (again.status_code, days(mall)) == (409, 7)


def test_only_who_asked_and_who_may_decide_see_a_request(client, mall, people):
    _, asker = people()
    _, marketer = people("marketer")
    number = client.patch("/v1/office/policy", json=CHANGE, headers=asker).json["id"]
    assert client.get("/v1/office/approvals", headers=marketer).json["items"] == []
    for method, path in (("get", ""), ("put", "/approval")):
        refused = getattr(client, method)(f"/v1/office/approvals/{number}{path}", headers=marketer)
        assert (refused.status_code, refused.json["type"]) == (404, "/problems/approval-not-found")
    waiting = client.get("/v1/office/approvals?state=proposed&act=policy.change", headers=colleague(mall, "finance"))
    assert [approval["id"] for approval in waiting.json["items"]] == [number]


def test_two_who_approve_at_once_do_it_once(client, mall, people):
    _, asker = people()
    number = client.patch("/v1/office/policy", json=CHANGE, headers=asker).json["id"]
    headers = [colleague(mall), colleague(mall, "finance")]
    app = client.application
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda header: app.test_client().put(f"/v1/office/approvals/{number}/approval", headers=header), headers))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    with db.unit_of_work(mall):
        assert session.scalar(text("SELECT count(*) FROM audit_entries WHERE did = 'changed the policy'")) == 1


def test_the_request_is_kept_sealed(client, mall, people):
    _, asker = people()
    answer = client.patch("/v1/office/policy", json=CHANGE, headers=asker)
    with db.unit_of_work(mall):
        kept = session.scalar(text("SELECT request FROM approvals"))
    assert bytes(kept) and b"submission_days" not in bytes(kept)
    assert approved(client, mall, answer).status_code == 200
    with db.unit_of_work(mall):
        assert bytes(session.scalar(text("SELECT request FROM approvals"))) == b""
