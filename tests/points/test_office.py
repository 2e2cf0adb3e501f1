"""Rules by version with a second person, adjustments, the liability, the watch, and merging two memberships."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from api.approvals.errors import AnotherPersonNeeded
from api.kit import clock
from api.kit.db import session
from api.kit.states import WrongState
from api.ledger import service as ledger
from api.ledger.service import Asset, Owner
from api.points import service as points
from api.points.errors import AlertNotFound, PointsTooFew, RuleStartsInThePast, RuleWrong
from api.points.models import Alert
from api.points.service import adjustments, reports, rules
from tests.factories import make_member, make_shop
from tests.points.conftest import Shopper, set_policy

DOUBLE = {"code": "double", "kind": "multiplier", "title_zh": "双倍", "title_en": "Double", "factor_bp": 20_000}


def propose(**given: object):
    return rules.propose(by="staff:1", why="a test", **(DOUBLE | {"starts_at": clock.now()} | given))


def test_a_rule_counts_only_when_a_second_person_approved_it(shopper: Shopper) -> None:
    clock.fix(clock.now())
    rule = propose()
    assert shopper.buys(10).points == 10
    with pytest.raises(AnotherPersonNeeded):
        rules.approve(rule.id, by="staff:1")
    rules.approve(rule.id, by="staff:2")
    assert shopper.buys(10).points == 20
    with pytest.raises(WrongState):
        rules.reject(rule.id, by="staff:2", why="too late")


def test_a_rule_that_waited_for_approval_starts_when_it_is_approved(shopper: Shopper) -> None:
    clock.fix(clock.now())
    rule = propose()
    clock.fix(clock.now() + timedelta(hours=5))
    rules.approve(rule.id, by="staff:2")
    assert rule.starts_at == clock.now()
    assert shopper.buys(10, paid_at=clock.now() - timedelta(hours=1)).points == 10


def test_a_rule_cannot_start_in_the_past(shopper: Shopper) -> None:
    with pytest.raises(RuleStartsInThePast):
        propose(starts_at=clock.now() - timedelta(minutes=6))


def test_a_later_version_can_end_a_rule(shopper: Shopper) -> None:
    clock.fix(clock.now())
    rules.approve(propose().id, by="staff:2")
    clock.fix(clock.now() + timedelta(hours=1))
    second = rules.approve(propose(enabled=False).id, by="staff:2")
    assert (second.version, shopper.buys(10).points) == (2, 10)
    assert shopper.buys(10, paid_at=clock.now() - timedelta(minutes=30)).points == 20


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"factor_bp": 5_000}, "factor_bp"),
        ({"factor_bp": None}, "factor_bp"),
        ({"kind": "magic"}, "kind"),
        ({"kind": "base"}, "points"),
        ({"kind": "cap"}, "period"),
        ({"conditions": {"weekdays": [9]}}, "conditions.weekdays"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(shopper: Shopper, wrong: dict[str, object], field: str) -> None:
    with pytest.raises(RuleWrong) as refused:
        propose(**wrong)
    assert field in refused.value.facts["errors"]


def test_a_rule_keeps_its_kind(shopper: Shopper) -> None:
    propose()
    with pytest.raises(RuleWrong):
        propose(kind="exclusion")


def test_a_small_adjustment_is_posted_at_once(shopper: Shopper) -> None:
    made = points.adjust(shopper.id, 400, why="the till was down", by="staff:1")
    assert (made.state, shopper.balance, shopper.batches()) == ("posted", 400, [400])
    points.adjust(shopper.id, -200, why="entered twice", by="staff:1")
    assert (shopper.balance, shopper.batches()) == (200, [200])
    with pytest.raises(PointsTooFew):
        points.adjust(shopper.id, -201, why="too many", by="staff:1")


def test_a_large_adjustment_waits_for_a_second_person(shopper: Shopper) -> None:
    made = points.adjust(shopper.id, 1_001, why="a gift", by="staff:1")
    assert (made.state, shopper.balance) == ("proposed", 0)
    with pytest.raises(AnotherPersonNeeded):
        adjustments.approve(made.id, by="staff:1")
    adjustments.approve(made.id, by="staff:2")
    assert shopper.balance == 1_001
    with pytest.raises(WrongState):
        adjustments.approve(made.id, by="staff:3")


def test_many_small_adjustments_of_one_member_are_one_large_one(shopper: Shopper) -> None:
    states = [points.adjust(shopper.id, 400, why="again and again", by="staff:1").state for _ in range(3)]
    assert states == ["posted", "posted", "proposed"]
    assert points.adjust(shopper.id, 400, why="somebody else", by="staff:2").state == "proposed"


def test_a_rejected_adjustment_changes_nothing(shopper: Shopper) -> None:
    made = points.adjust(shopper.id, 5_000, why="a gift", by="staff:1")
    adjustments.reject(made.id, by="staff:2", why="no reason given")
    assert (made.state, shopper.balance) == ("rejected", 0)


def test_the_liability_adds_up(shopper: Shopper) -> None:
    first = shopper.buys(100)
    points.spend(shopper.id, 70, cause_type="gift", cause_id=1)
    friend = Shopper(make_member().id, shopper.shop_id)
    friend.buys(50)
    shopper.returns(first, 100)
    found = reports.record_liability()
    assert (found.outstanding, found.debt, found.issued, found.agrees) == (50, 70, 150, True)
    assert (found.by_age, sum(found.by_expiry.values()), found.borne_by) == ({"0-30": 50}, 50, {"0": 50})
    reports.record_liability()
    assert [report.figures["outstanding"] for report in reports.liability_reports().items] == [50]


def test_the_watch_sees_much_and_many(shopper: Shopper) -> None:
    set_policy(return_window_days=0, watch_earned_points=500, watch_spent_points=300, watch_awards=4)
    for _ in range(4):
        shopper.buys(150)
    points.spend(shopper.id, 550, cause_type="gift", cause_id=1)
    assert points.raise_alerts() == 4
    kinds = {alert.kind for alert in reports.alerts().items}
    assert kinds == {"much_earned", "many_awards", "much_spent", "earned_and_spent"}
    alert = session.query(Alert).filter_by(kind="much_earned").one()
    assert (alert.member_id, alert.facts) == (shopper.id, {"points": 600, "awards": 4})
    reports.record_verdict(alert.id, by="staff:1", verdict="bought a ring")
    assert points.raise_alerts() == 3
    assert len(reports.alerts().items) == 3


def test_a_sudden_growth_is_seen_against_the_members_own_month(shopper: Shopper) -> None:
    set_policy(return_window_days=0, watch_earned_points=1_000)
    now = clock.now()
    for day in (9, 6, 3):
        clock.fix(now - timedelta(days=day))
        shopper.buys(20)
    clock.fix(now)
    shopper.buys(600)
    points.raise_alerts()
    assert [alert.kind for alert in reports.alerts().items] == ["sudden_growth"]


def test_merging_moves_points_and_pays_a_debt(shopper: Shopper) -> None:
    debtor = Shopper(make_member().id, shopper.shop_id)
    award = debtor.buys(100)
    points.spend(debtor.id, 100, cause_type="gift", cause_id=1)
    debtor.returns(award, 40)
    shopper.buys(100)
    assert points.holds(debtor.id)
    points.merge(debtor.id, shopper.id, merge_id=1)
    assert (shopper.balance, shopper.left, debtor.balance) == (60, 60, 0)
    assert not points.holds(debtor.id)
    points.give_back("gift", 1, refund_type="ungift", refund_id=1)
    assert shopper.balance == 160
    assert points.export(shopper.id)["balances"]["points"] == 160
    assert len(points.awards_of(shopper.id).items) == 2
    assert ledger.balance(Owner("member", shopper.id), Asset.GROWTH) == 160


def test_what_is_likely_to_expire_goes_by_the_last_twelve_months(shopper: Shopper) -> None:
    set_policy(return_window_days=0, points_expiry="days", points_expiry_length=30, points_a_yuan=50)
    now = clock.now()
    clock.fix(now - timedelta(days=60))
    shopper.buys(100)
    points.spend(shopper.id, 40, cause_type="gift", cause_id=1)
    clock.fix(now)
    points.expire_member(shopper.id)
    shopper.buys(200)
    shopper.buys(10)
    points.spend(shopper.id, 150, cause_type="gift", cause_id=2)
    set_policy(return_window_days=7, points_expiry="days", points_expiry_length=30, points_a_yuan=50)
    shopper.buys(30)
    found = points.liability_report()
    assert (found.expired_share_bp, found.outstanding, found.pending, found.worth_fen) == (6_000, 60, 30, 180)
    assert (sum(found.by_expiry.values()), sum(found.expected_expiry.values())) == (60, 56)
    assert sum(found.activating.values()) == 30


def test_an_alert_shows_what_it_was_raised_for(shopper: Shopper) -> None:
    set_policy(return_window_days=0, watch_earned_points=200)
    shopper.buys(150)
    shopper.buys(100)
    points.spend(shopper.id, 20, cause_type="gift", cause_id=1)
    points.raise_alerts()
    alert = reports.alerts().items[0]
    found = reports.evidence(alert.id)
    assert sorted(line["points"] for line in found.lines) == [-20, 100, 150]
    assert [(shop["awards"], shop["points"]) for shop in found.by_shop] == [(2, 250)]
    with pytest.raises(AlertNotFound):
        reports.evidence(alert.id + 1)


def test_an_approved_rule_changes_nothing_that_was_awarded_before(shopper: Shopper) -> None:
    clock.fix(clock.now())
    award = shopper.buys(100)
    kept = (award.points, award.parts, award.explanation, award.facts)
    rules.approve(propose(starts_at=clock.now() + timedelta(days=1)).id, by="staff:2")
    session.expire(award)
    assert (award.points, award.parts, award.explanation, award.facts) == kept
    assert shopper.buys(10).points == 10  # approved, and not begun
    clock.fix(clock.now() + timedelta(days=1))
    assert shopper.buys(10).points == 20
    assert shopper.buys(10, paid_at=clock.now() - timedelta(hours=1)).points == 10


def test_a_rule_reads_back_as_a_sentence(shopper: Shopper) -> None:
    at = datetime.fromisoformat("2026-12-24T00:00:00+08:00")
    shop = make_shop(name="老王牛肉面")
    base = {"code": "dining", "kind": "base", "title_zh": "餐饮", "title_en": "Dining", "points": 2, "per_fen": 100, "priority": 5}
    said = rules.sentence_of(
        base | {"conditions": {"categories": ["餐饮", "茶饮"], "not_shops": [shop.id]}, "starts_at": at, "rounding": "half_up"}
    )
    assert said == {
        "zh": "餐饮、茶饮 业态，老王牛肉面 除外：每 ¥1.00 得 2 分，再乘以店铺的积分倍率，四舍五入（优先级 5，高者适用）。"
        "积分由商场承担。自 2026-12-24 00:00 起。",
        "en": "Purchases in the category 餐饮 or 茶饮, but not in 老王牛肉面: 2 points for every ¥1.00, times the shop's own rate, "
        "rounded half up (priority 5: the highest that fits counts). The mall bears the points. From 2026-12-24 00:00.",
    }
    weekend = DOUBLE | {"conditions": {"weekdays": [6, 7], "min_fen": 5_000}, "shop_share_bp": 2_500, "stack": "days"}
    assert rules.sentence_of(weekend) == {
        "zh": "周六、周日，可积分金额满 ¥50.00：积分×2（同组“days”只取最高的一个）。店铺承担 25%，其余由商场承担。",
        "en": "Purchases on Saturday or Sunday, of ¥50.00 or more: points ×2 (of the group “days” only the highest counts). "
        "The shop bears 25% of the points, the mall the rest.",
    }
    cap = {"code": "c", "kind": "cap", "title_zh": "上限", "title_en": "Cap", "max_points": 5_000, "period": "day", "per": "member"}
    assert rules.sentence_of(cap | {"of_code": "standard"})["zh"] == "所有消费：每位会员每天最多由“消费积分”得 5,000 分。"
    assert propose().sentence["en"].startswith("Every purchase: points ×2. The mall bears the points. From ")


@pytest.mark.parametrize("wrong", [{"conditions": {"shops": [999_999]}}, {"conditions": {"sites": [999_999]}}, {"of_code": "nothing"}])
def test_a_rule_about_what_is_not_there_is_refused(shopper: Shopper, wrong: dict[str, object]) -> None:
    with pytest.raises(RuleWrong) as refused:
        propose(**wrong)
    assert len(refused.value.facts["errors"]) == 1
