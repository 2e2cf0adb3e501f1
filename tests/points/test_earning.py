"""A sale earns once, pending until the goods can no longer be returned, within caps, and with its explanation."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from api.kit import clock, db
from api.kit.db import session
from api.ledger import service as ledger
from api.ledger.service import Asset, Owner
from api.malls.service.mall import forget_mall_info
from api.points import service as points
from api.points.errors import SaleNotClaimed
from api.points.models import CapUse
from api.sales.service import Tender
from tests.factories import lay_points_rules, make_claimed_sale, make_member, make_rule, make_shop, make_sighted
from tests.ledger.test_service import together
from tests.points.conftest import Shopper, days, set_policy, travel


def test_a_purchase_earns_a_point_a_yuan(shopper: Shopper) -> None:
    award = shopper.buys(128)
    assert (award.points, award.state, shopper.balance) == (128, "active", 128)
    assert award.explanation["zh"] == "128 分 = ¥128.00 × 1 分/元（消费积分）"
    assert award.explanation["en"] == "128 points = ¥128.00 × 1 a yuan (Purchase)"


def test_a_sale_earns_once(shopper: Shopper) -> None:
    award = shopper.buys(128)
    assert points.earn(award.sale_id, by="test").id == award.id
    assert shopper.balance == 128


def test_a_sale_nobody_claimed_does_not_earn(shopper: Shopper) -> None:
    seen = make_sighted(shop_id=shopper.shop_id)
    with pytest.raises(SaleNotClaimed):
        points.earn(seen.sale_id, by="test")


def test_what_coupons_and_points_paid_earns_nothing(shopper: Shopper) -> None:
    award = shopper.buys(100, tenders=[Tender("wechat", 4_000), Tender("coupon", 5_000), Tender("points", 1_000)])
    assert award.points == 40


def test_a_sale_that_earns_nothing_is_kept_with_its_reason(shopper: Shopper) -> None:
    award = shopper.buys(0)
    assert (award.points, award.state, award.reason) == (0, "nothing", "nothing_earning")


def test_points_wait_until_the_goods_can_no_longer_be_returned(shopper: Shopper) -> None:
    set_policy(return_window_days=7)
    noon = datetime(2026, 3, 1, 4, tzinfo=UTC)
    travel(noon)
    award = shopper.buys(128)
    assert (award.state, shopper.balance, points.summary(shopper.id).pending) == ("pending", 0, 128)
    assert award.active_from_at == datetime(2026, 3, 8, 16, tzinfo=UTC)  # the 8th has ended in Shanghai
    travel(datetime(2026, 3, 8, 15, 59, 59, tzinfo=UTC))
    assert points.activate_due() == 0
    travel(datetime(2026, 3, 8, 16, tzinfo=UTC))
    assert points.activate_due() == 1
    assert (award.state, shopper.balance, points.summary(shopper.id).pending) == ("active", 128, 0)
    assert points.activate_due() == 0


def test_a_slip_that_comes_late_counts_at_once(shopper: Shopper) -> None:
    set_policy(return_window_days=7)
    assert shopper.buys(10, paid_at=clock.now() - days(9)).state == "active"


def test_a_new_version_of_a_rule_does_not_touch_earlier_purchases(shopper: Shopper) -> None:
    make_rule("base", "standard", version=2, points=3, per_fen=100, starts_at=clock.now() - days(1))
    assert shopper.buys(10, paid_at=clock.now() - days(2)).points == 10
    award = shopper.buys(10)
    assert (award.points, award.parts[0]["version"], award.parts[0]["rate"]) == (30, 2, "3")


def test_who_bears_the_points_is_on_the_ledger(shopper: Shopper) -> None:
    make_rule("multiplier", "tenant-double", factor_bp=20_000, shop_share_bp=5_000)
    shopper.buys(101)
    assert ledger.balance(Owner("bearer", shopper.shop_id), Asset.POINTS) == -51
    assert ledger.balance(Owner("bearer", 0), Asset.POINTS) == -151


def test_growth_is_not_spendable(shopper: Shopper) -> None:
    make_rule("multiplier", "double", factor_bp=20_000)
    award = shopper.buys(100)
    assert (award.points, award.growth) == (200, 100)
    assert ledger.balance(Owner("member", shopper.id), Asset.GROWTH) == 100


def test_a_cap_per_member_and_day(shopper: Shopper) -> None:
    make_rule("cap", "daily", max_points=150, period="day", per="member")
    assert [shopper.buys(100).points, shopper.buys(100).points] == [100, 50]
    last = shopper.buys(100)
    assert (last.points, last.reason) == (0, "capped")
    friend = Shopper(make_member().id, shopper.shop_id)
    assert friend.buys(100).points == 100
    assert shopper.buys(100, paid_at=clock.now() - days(1)).points == 100


def test_a_cap_of_one_rule_limits_only_its_part(shopper: Shopper) -> None:
    make_rule("multiplier", "double", factor_bp=20_000)
    make_rule("cap", "double-month", max_points=30, period="month", per="member", of_code="double")
    award = shopper.buys(100)
    assert (award.points, [part["points"] for part in award.parts]) == (130, [100, 30])
    assert award.explanation["zh"].endswith("，已达上限")


def test_a_budget_is_shared_by_everybody(shopper: Shopper) -> None:
    make_rule("cap", "budget", max_points=120, period="ever", per="mall")
    friend = Shopper(make_member().id, shopper.shop_id)
    assert [shopper.buys(100).points, friend.buys(100).points] == [100, 20]


def test_the_tighter_cap_leaves_the_other_its_points(shopper: Shopper) -> None:
    make_rule("cap", "a-wide", max_points=1_000, period="day", per="member")
    make_rule("cap", "b-tight", max_points=10, period="day", per="member")
    assert shopper.buys(100).points == 10
    assert {use.code: use.used for use in session.query(CapUse)} == {"a-wide": 10, "b-tight": 10}


def test_a_refund_gives_the_cap_its_points_back(shopper: Shopper) -> None:
    make_rule("cap", "daily", max_points=100, period="day", per="member")
    award = shopper.buys(100)
    shopper.returns(award, 60)
    assert shopper.buys(100).points == 60


def test_an_award_is_few_statements(shopper: Shopper, statements) -> None:
    make_rule("cap", "daily", max_points=100, period="day", per="member")
    sale_id = make_claimed_sale(shopper.id, shop_id=shopper.shop_id)
    session.expunge_all()
    forget_mall_info()
    with statements() as seen:
        points.earn(sale_id, by="test")
    assert len(seen) <= 10, seen


def test_caps_hold_under_a_race(app, mall: int) -> None:
    with db.unit_of_work(mall):
        lay_points_rules()
        set_policy(return_window_days=0)
        make_rule("cap", "daily", max_points=250, period="day", per="member")
        member, shop = make_member().id, make_shop().id
        sales = [make_claimed_sale(member, shop_id=shop, paid_fen=10_000 + n) for n in range(6)]
    results = together(mall, 6, lambda n: points.earn(sales[n], by="test").points)
    assert sorted(results) == [0, 0, 0, 50, 100, 100]
    with db.unit_of_work(mall):
        assert (ledger.balance(Owner("member", member), Asset.POINTS), ledger.prove()) == (250, [])


def test_a_sale_earns_once_under_a_race(app, mall: int) -> None:
    with db.unit_of_work(mall):
        lay_points_rules()
        member = make_member().id
        sale_id = make_claimed_sale(member)
    results = together(mall, 6, lambda n: points.earn(sale_id, by="test").id)
    assert len(set(results)) == 1
    with db.unit_of_work(mall):
        assert (ledger.balance(Owner("member", member), Asset.POINTS_PENDING), ledger.prove()) == (128, [])
