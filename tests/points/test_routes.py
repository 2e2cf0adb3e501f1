"""Points over HTTP: the member's page, the office's rules and adjustments, and who may do what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.kit import clock, db
from api.kit.db import session
from api.points import service as points
from api.points.service import rehearsals
from tests.conftest import bearer
from tests.factories import lay_points_rules, make_claimed_sale, make_member, make_shop, make_staff
from tests.points.conftest import set_policy


@dataclass
class World:
    """A mall with one shopper and people of the office."""

    mall: int
    member: int
    shop: int
    staff: dict[str, int]
    client: FlaskClient

    def me(self, path: str) -> Any:
        """What the shopper is answered."""
        return self.client.get(f"/v1/points{path}", headers=bearer("member", self.member, self.mall))

    def office(self, role: str, method: str, path: str, body: Any = None, key: str = "") -> Any:
        """What somebody of the office is answered."""
        headers = bearer("staff", self.staff[role], self.mall) | ({"Idempotency-Key": key} if key else {})
        return self.client.open(f"/v1/office{path}", method=method, json=body, headers=headers)


@pytest.fixture
def world(client: FlaskClient, mall: int) -> Iterator[World]:
    with db.unit_of_work(mall):
        lay_points_rules()
        set_policy(return_window_days=0)
        member, shop = make_member().id, make_shop().id
        for yuan in (10, 20, 30):
            points.earn(make_claimed_sale(member, shop_id=shop, paid_fen=yuan * 100), by="test")
        points.spend(member, 15, cause_type="gift", cause_id=1)
        staff = {role: make_staff(role).id for role in ("administrator", "finance", "service_desk", "marketer", "reviewer")}
    yield World(mall, member, shop, staff, client)


def test_my_page_shows_balance_pending_debt_and_expiry(world: World) -> None:
    answer = world.me("")
    assert answer.status_code == 200
    assert (answer.json["balance"], answer.json["pending"], answer.json["debt"], answer.json["growth"]) == (45, 0, 0, 60)
    forecast = world.me("/expiring").json
    assert [line["points"] for line in forecast["by_day"]] == [line["points"] for line in forecast["by_month"]]


def test_my_page_takes_at_most_six_statements(world: World, statements) -> None:
    with statements() as seen:
        assert world.me("").status_code == 200
    assert len(seen) <= 6, seen
    with statements() as seen:
        assert world.me("/history").status_code == 200
    assert len(seen) <= 6, seen


def test_my_history_explains_every_line_page_by_page(world: World) -> None:
    first = world.me("/history?limit=3").json
    assert [line["points"] for line in first["items"]] == [-15, 30, 20]
    assert first["items"][0]["title"] == {"zh": "积分消费", "en": "Points spent"}
    assert first["items"][1]["explanation"]["zh"] == "30 分 = ¥30.00 × 1 分/元（消费积分）"
    second = world.me(f"/history?limit=3&cursor={first['next_cursor']}").json
    assert ([line["points"] for line in second["items"]], second["next_cursor"]) == ([10], None)
    assert world.me("/history?cursor=nonsense").status_code == 422


def test_pending_points_say_from_when_they_count(world: World) -> None:
    with db.unit_of_work(world.mall):
        set_policy(return_window_days=7)
        points.earn(make_claimed_sale(world.member, shop_id=world.shop, paid_fen=9_900), by="test")
    items = world.me("/pending").json["items"]
    assert [(item["points"], item["state"]) for item in items] == [(99, "pending")]
    assert len(world.me("/awards").json["items"]) == 4


def test_the_office_reads_a_members_points(world: World) -> None:
    assert world.office("service_desk", "GET", f"/members/{world.member}?reason=complaint+77").status_code == 200
    assert world.office("service_desk", "GET", f"/points/members/{world.member}").json["balance"] == 45
    assert len(world.office("service_desk", "GET", f"/points/members/{world.member}/history").json["items"]) == 4
    assert len(world.office("service_desk", "GET", f"/points/members/{world.member}/awards").json["items"]) == 3
    assert world.office("finance", "GET", "/points/members/999999").status_code == 404
    assert world.office("reviewer", "GET", f"/points/members/{world.member}").status_code == 403


RULE = {
    "code": "double", "kind": "multiplier", "title_zh": "双倍日", "title_en": "Double day", "factor_bp": 20_000,
    "conditions": {"weekdays": [1, 2, 3, 4, 5, 6, 7]}, "why": "anniversary",
}  # fmt: skip


def test_a_rule_is_proposed_by_one_and_approved_by_another(world: World) -> None:
    body = RULE | {"starts_at": (clock.now() + timedelta(minutes=5)).isoformat()}
    proposed = world.office("marketer", "POST", "/points/rules", body, key="rule-key-1")
    assert proposed.status_code == 201, proposed.json
    again = world.office("marketer", "POST", "/points/rules", body, key="rule-key-1")
    assert again.json["id"] == proposed.json["id"]
    path = f"/points/rules/{proposed.json['id']}"
    assert world.office("marketer", "PUT", f"{path}/approval").status_code == 403
    assert world.office("finance", "PUT", f"{path}/approval").json["state"] == "approved"
    assert world.office("finance", "PUT", f"{path}/rejection", {"why": "too late"}).json["type"] == "/problems/wrong-state"
    listed = world.office("finance", "GET", "/points/rules?code=double").json["items"]
    assert [(rule["version"], rule["state"]) for rule in listed] == [(1, "approved")]


def test_nobody_approves_ones_own_rule(world: World) -> None:
    body = RULE | {"starts_at": (clock.now() + timedelta(minutes=5)).isoformat()}
    proposed = world.office("administrator", "POST", "/points/rules", body, key="rule-key-2")
    refused = world.office("administrator", "PUT", f"/points/rules/{proposed.json['id']}/approval")
    assert refused.json["type"] == "/problems/another-person-needed"


def test_a_rule_that_makes_no_sense_is_refused_by_field(world: World) -> None:
    body = RULE | {"starts_at": (clock.now() + timedelta(minutes=5)).isoformat(), "conditions": {"weekdays": [9]}}
    refused = world.office("marketer", "POST", "/points/rules", body, key="rule-key-3")
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["conditions.weekdays"])


def test_an_adjustment_over_http(world: World) -> None:
    body = {"member_id": world.member, "points": 100, "why": "the till was down"}
    made = world.office("service_desk", "POST", "/points/adjustments", body, key="adjust-key-1")
    assert (made.status_code, made.json["state"]) == (201, "posted")
    assert world.office("service_desk", "POST", "/points/adjustments", body, key="adjust-key-1").json["id"] == made.json["id"]
    assert world.me("").json["balance"] == 145
    large = world.office("service_desk", "POST", "/points/adjustments", body | {"points": 9_999}, key="adjust-key-2").json
    path = f"/points/adjustments/{large['id']}"
    assert (large["state"], world.office("finance", "PUT", f"{path}/approval").json["state"]) == ("proposed", "posted")
    other = world.office("service_desk", "POST", "/points/adjustments", body | {"points": 9_999}, key="adjust-key-3").json
    rejected = world.office("finance", "PUT", f"/points/adjustments/{other['id']}/rejection", {"why": "not agreed"})
    assert rejected.json["state"] == "rejected"
    assert len(world.office("finance", "GET", "/points/adjustments?state=posted").json["items"]) == 2
    assert world.me("/history").json["items"][0]["explanation"]["zh"] == "the till was down"
    too_few = world.office("service_desk", "POST", "/points/adjustments", body | {"points": -100_000_0}, key="adjust-key-4").json
    assert world.office("finance", "PUT", f"/points/adjustments/{too_few['id']}/approval").json["type"] == "/problems/points-too-few"


def test_reports_and_alerts_over_http(world: World) -> None:
    with db.unit_of_work(world.mall):
        set_policy(watch_earned_points=50)
        assert points.record_liability().agrees
        points.raise_alerts()
    report = world.office("finance", "GET", "/points/liability").json["items"][0]
    assert (report["figures"]["outstanding"], report["figures"]["agrees"]) == (45, True)
    alert = world.office("finance", "GET", "/points/alerts").json["items"][0]
    assert alert["kind"] == "much_earned"
    settled = world.office("finance", "PUT", f"/points/alerts/{alert['id']}/verdict", {"verdict": "bought a ring"})
    assert settled.json["verdict"] == "bought a ring"
    assert world.office("finance", "PUT", "/points/alerts/99999/verdict", {"verdict": "what"}).status_code == 404


def test_the_ledger_over_http(world: World) -> None:
    entries = world.office("finance", "GET", f"/ledger/accounts/member/{world.member}/points/entries").json["items"]
    assert [entry["amount"] for entry in entries] == [-15, 30, 20, 10]
    assert world.office("finance", "GET", "/ledger/accounts/dog/1/points/entries").json["type"] == "/problems/account-unknown"
    assert world.office("finance", "GET", "/ledger/proofs").json == {"items": [], "next_cursor": None}


def test_the_command_says_what_is_owed(app, world: World) -> None:
    done = app.test_cli_runner().invoke(args=["points", "liability"])
    assert (done.exit_code, '"outstanding": 45' in done.output) == (0, True)
    with db.unit_of_work(world.mall):
        from sqlalchemy import text

        session.execute(text("UPDATE points_batches SET left_points = 0"))
    assert app.test_cli_runner().invoke(args=["points", "liability"]).exit_code == 1


def test_sales_over_http(world: World) -> None:
    mine = world.client.get("/v1/sales", headers=bearer("member", world.member, world.mall)).json["items"]
    assert sorted(sale["paid_fen"] for sale in mine) == [1_000, 2_000, 3_000]
    with db.unit_of_work(world.mall):
        clerk = make_staff("shop_clerk", shop_id=world.shop).id
    headers = bearer("shop", clerk, world.mall, shop_id=world.shop)
    day = world.client.get("/v1/shop/sales/day", headers=headers)
    assert (day.json["count"], day.json["paid_fen"]) == (3, 6_000), day.json
    assert len(world.client.get("/v1/shop/sales?limit=2", headers=headers).json["items"]) == 2
    assert len(world.client.get(f"/v1/shop/sales?on={day.json['on']}", headers=headers).json["items"]) == 3
    assert world.client.get("/v1/shop/sales?on=2026-01-01", headers=headers).json["items"] == []
    listed = world.office("finance", "GET", f"/sales?member_id={world.member}").json["items"]
    one = world.office("finance", "GET", f"/sales/{listed[0]['id']}").json
    assert (one["sale"]["scored"], len(one["sightings"])) == (True, 1)
    assert world.office("finance", "GET", "/sales/99999").status_code == 404


DRAFT = {"code": "standard", "kind": "base", "title_zh": "三倍", "title_en": "Triple", "points": 3, "per_fen": 100}


def test_a_draft_reads_back_and_its_wrong_fields_are_named(world: World) -> None:
    answer = world.office("marketer", "POST", "/points/rules/reading", DRAFT)
    assert (answer.status_code, answer.json["sentence"]["zh"]) == (
        200,
        "所有消费：每 ¥1.00 得 3 分，再乘以店铺的积分倍率。积分由商场承担。",
    )
    wrong = world.office("marketer", "POST", "/points/rules/reading", DRAFT | {"per_fen": None, "conditions": {"weekdays": [9]}})
    assert (wrong.status_code, set(wrong.json["errors"])) == (422, {"per_fen", "conditions.weekdays"})
    assert world.office("service_desk", "POST", "/points/rules/reading", DRAFT).status_code == 403


def test_a_rehearsal_is_asked_for_played_and_read(world: World) -> None:
    with db.unit_of_work(world.mall):
        today = clock.today("Asia/Shanghai")
    body = {"rule": DRAFT, "first_on": (today - timedelta(days=2)).isoformat(), "last_on": today.isoformat()}
    answer = world.office("marketer", "POST", "/points/rehearsals", body, key="rehearsal-1")
    assert (answer.status_code, answer.json["progress"]) == (202, "waiting")
    assert world.office("marketer", "POST", "/points/rehearsals", body, key="rehearsal-1").json["id"] == answer.json["id"]
    rehearsals.run(mall_id=world.mall, rehearsal_id=answer.json["id"])
    found = world.office("finance", "GET", f"/points/rehearsals/{answer.json['id']}").json
    assert (found["progress"], found["done"], found["total"]) == ("done", 3, 3)
    assert found["result"]["points"] == {"before": 60, "after": 180, "difference": 120}
    assert found["result"]["winners"] == [{"member_id": world.member, "name": None, "level": 0, "before": 60, "after": 180}]
    assert world.office("finance", "GET", "/points/rehearsals").json["items"][0]["id"] == answer.json["id"]
    assert world.office("service_desk", "GET", f"/points/rehearsals/{answer.json['id']}").status_code == 403
    assert world.office("finance", "GET", "/points/rehearsals/99").status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "rule_id"),
        ({"rule": DRAFT, "rule_id": 1}, "rule_id"),
        ({"rule": DRAFT | {"points": None}}, "points"),
        ({"rule": DRAFT | {"code": "NO"}}, "rule"),
        ({"rule": DRAFT, "first_on": "2020-01-01"}, "first_on"),
    ],
)
def test_a_rehearsal_that_cannot_be_is_refused_by_field(world: World, body: dict[str, Any], field: str) -> None:
    answer = world.office("marketer", "POST", "/points/rehearsals", body, key="rehearsal-2")
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])


def test_the_office_reads_the_liability_of_now(world: World) -> None:
    answer = world.office("finance", "GET", "/points/liability/now")
    assert answer.status_code == 200
    assert (answer.json["figures"]["outstanding"], answer.json["figures"]["agrees"], answer.json["shops"]) == (45, True, {})


def test_an_alert_comes_with_its_evidence(world: World) -> None:
    with db.unit_of_work(world.mall):
        set_policy(return_window_days=0, watch_earned_points=50)
        points.raise_alerts()
    alert = world.office("finance", "GET", "/points/alerts").json["items"][0]
    found = world.office("finance", "GET", f"/points/alerts/{alert['id']}").json
    assert sorted(line["points"] for line in found["lines"]) == [-15, 10, 20, 30]
    assert found["alert"]["facts"] == {"points": 60, "awards": 3}
    assert world.office("finance", "GET", "/points/alerts/99").status_code == 404


def test_limit_by_member_and_day_adjustments_by_several_people_count_together(world: World) -> None:
    """Two of the office with 600 points each for one member, where 1,000 is the limit."""
    body = {"member_id": world.member, "points": 600, "why": "goodwill"}
    states = [
        world.office(role, "POST", "/points/adjustments", body, f"key-{role}").json["state"] for role in ("service_desk", "administrator")
    ]
    assert states == ["posted", "proposed"]


def test_limit_by_person_and_day_adjustments_for_many_members_count_together(world: World) -> None:
    with db.unit_of_work(world.mall):
        many = [make_member().id for _ in range(6)]
    states = []
    for member_id in many:
        body = {"member_id": member_id, "points": 1_000, "why": "goodwill"}
        states.append(world.office("service_desk", "POST", "/points/adjustments", body, f"key-{member_id:06}").json["state"])
    assert states == ["posted"] * 5 + ["proposed"]
