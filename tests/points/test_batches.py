"""Points come in batches, are spent from those that expire first, come back to where they were, and expire at the mall's midnight."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from api.kit import clock, db
from api.kit.db import session
from api.ledger import service as ledger
from api.ledger.service import Asset, Owner
from api.points import service as points
from api.points.errors import GiveBackTooLarge, PointsTooFew, SpendNotFound
from api.points.models import SpendPart
from api.points.service.periods import begins_on, expires_at
from tests.factories import lay_points_rules, make_claimed_sale, make_member
from tests.ledger.test_service import together
from tests.points.conftest import Shopper, days, set_policy, travel


def test_the_oldest_batch_is_spent_first(shopper: Shopper) -> None:
    for yuan in (10, 20, 30):
        shopper.buys(yuan)
    points.spend(shopper.id, 25, cause_type="gift", cause_id=1)
    assert shopper.batches() == [0, 5, 30]
    assert [part.points for part in session.query(SpendPart).order_by(SpendPart.id)] == [10, 15]


def test_a_batch_that_expires_sooner_is_spent_before_an_older_one(shopper: Shopper) -> None:
    shopper.buys(10)
    set_policy(return_window_days=0, points_expiry="days", points_expiry_length=3)
    shopper.buys(20)
    points.spend(shopper.id, 15, cause_type="gift", cause_id=1)
    assert shopper.batches() == [10, 5]


def test_the_same_cause_spends_once(shopper: Shopper) -> None:
    shopper.buys(100)
    first = points.spend(shopper.id, 60, cause_type="gift", cause_id=1)
    assert points.spend(shopper.id, 60, cause_type="gift", cause_id=1).id == first.id
    assert shopper.balance == 40


def test_more_points_than_there_are_cannot_be_spent(shopper: Shopper) -> None:
    shopper.buys(100)
    with pytest.raises(PointsTooFew):
        points.spend(shopper.id, 101, cause_type="gift", cause_id=1)
    assert (shopper.balance, shopper.batches()) == (100, [100])


def test_a_spend_is_few_statements(shopper: Shopper, statements) -> None:
    shopper.buys(100)
    with statements() as seen:
        points.spend(shopper.id, 60, cause_type="gift", cause_id=1)
    assert len(seen) <= 4, seen


def test_points_given_back_return_to_their_batches_with_their_own_expiry(shopper: Shopper) -> None:
    for yuan in (10, 20, 30):
        shopper.buys(yuan)
    points.spend(shopper.id, 45, cause_type="gift", cause_id=1)
    points.give_back("gift", 1, refund_type="ungift", refund_id=1, points=20)
    assert shopper.batches() == [0, 5, 30]
    assert points.give_back("gift", 1, refund_type="ungift", refund_id=1, points=20).given_back == 20
    points.give_back("gift", 1, refund_type="ungift", refund_id=2)
    assert shopper.batches() == [10, 20, 30]
    with pytest.raises(GiveBackTooLarge):
        points.give_back("gift", 1, refund_type="ungift", refund_id=3, points=1)
    with pytest.raises(SpendNotFound):
        points.give_back("gift", 2, refund_type="ungift", refund_id=4)


def test_points_given_back_repay_a_debt_first(shopper: Shopper) -> None:
    award = shopper.buys(100)
    points.spend(shopper.id, 80, cause_type="gift", cause_id=1)
    shopper.returns(award, 50)
    assert shopper.balance == -30
    points.give_back("gift", 1, refund_type="ungift", refund_id=1)
    assert (shopper.balance, shopper.batches()) == (50, [50])


def test_points_that_come_back_after_their_time_expire_again(shopper: Shopper) -> None:
    set_policy(return_window_days=0, points_expiry="days", points_expiry_length=10)
    shopper.buys(100)
    points.spend(shopper.id, 40, cause_type="gift", cause_id=1)
    travel(clock.now() + days(12))
    assert points.expire_due() == 1
    points.give_back("gift", 1, refund_type="ungift", refund_id=1)
    assert points.summary(shopper.id).balance == 0
    assert (points.expire_due(), points.expire_due()) == (1, 0)
    assert (shopper.balance, ledger.balance(Owner("mall", db.mall()), Asset.POINTS)) == (0, 100)


def test_points_past_their_time_cannot_be_spent_even_before_the_nightly_expiry(shopper: Shopper) -> None:
    set_policy(return_window_days=0, points_expiry="days", points_expiry_length=10)
    shopper.buys(100)
    travel(clock.now() + days(12))
    shopper.buys(5)
    assert points.summary(shopper.id).balance == 5
    points.spend(shopper.id, 5, cause_type="gift", cause_id=1)
    assert shopper.balance == 0


@pytest.mark.parametrize(
    ("rule", "length", "earned", "last_day"),
    [
        ("days", 0, datetime(2026, 1, 30, 4, tzinfo=UTC), date(2026, 1, 30)),
        ("days", 30, datetime(2026, 1, 30, 17, tzinfo=UTC), date(2026, 3, 2)),  # 01:00 of the 31st in Shanghai
        ("month_end", 0, datetime(2026, 2, 10, 4, tzinfo=UTC), date(2026, 2, 28)),
        ("month_end", 1, datetime(2026, 1, 31, 15, 59, tzinfo=UTC), date(2026, 2, 28)),
        ("month_end", 1, datetime(2026, 1, 31, 16, 0, tzinfo=UTC), date(2026, 3, 31)),  # the 1st in Shanghai
        ("month_end", 12, datetime(2027, 2, 10, 4, tzinfo=UTC), date(2028, 2, 29)),
        ("year_end", 0, datetime(2026, 12, 31, 15, tzinfo=UTC), date(2026, 12, 31)),
        ("year_end", 1, datetime(2026, 12, 31, 16, tzinfo=UTC), date(2028, 12, 31)),
    ],
)
def test_the_last_day_is_the_malls_own(rule: str, length: int, earned: datetime, last_day: date) -> None:
    at = expires_at(earned, rule=rule, length=length, timezone="Asia/Shanghai")
    assert at == clock.midnight(date.fromordinal(last_day.toordinal() + 1), "Asia/Shanghai")


def test_a_month_end_keeps_its_midnight_when_the_clocks_change() -> None:
    winter = expires_at(datetime(2026, 2, 10, tzinfo=UTC), rule="month_end", length=0, timezone="Europe/Berlin")
    summer = expires_at(datetime(2026, 3, 10, tzinfo=UTC), rule="month_end", length=0, timezone="Europe/Berlin")
    assert winter == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert summer == datetime(2026, 3, 31, 22, tzinfo=UTC)
    assert expires_at(datetime(2026, 3, 10, tzinfo=UTC), rule="never", length=0, timezone="Europe/Berlin") is None


def test_periods_begin_on_the_malls_days() -> None:
    day = date(2026, 3, 1)  # a Sunday
    assert [begins_on(period, day) for period in ("day", "week", "month")] == [day, date(2026, 2, 23), day]
    assert begins_on("ever", day) == begins_on("ever", date(2030, 1, 1))


def test_points_expire_at_the_end_of_their_last_day(shopper: Shopper) -> None:
    set_policy(return_window_days=0, points_expiry="month_end", points_expiry_length=0)
    travel(datetime(2026, 1, 15, 4, tzinfo=UTC))
    lay_points_rules()
    from tests.factories import make_rule

    make_rule("base", "early", points=1, per_fen=100)
    shopper.buys(100)
    assert [(line.on, line.points) for line in points.summary(shopper.id).expiring] == [(date(2026, 1, 31), 100)]
    travel(datetime(2026, 1, 31, 15, 59, 59, tzinfo=UTC))
    assert points.expire_due() == 0
    travel(datetime(2026, 1, 31, 16, tzinfo=UTC))
    assert points.summary(shopper.id).balance == 0
    assert points.expire_due() == 1


def test_the_forecast_is_by_day_and_by_month(shopper: Shopper) -> None:
    travel(datetime(2026, 12, 1, 4, tzinfo=UTC))
    for length, yuan in ((10, 10), (20, 20), (40, 30)):
        set_policy(return_window_days=0, points_expiry="days", points_expiry_length=length)
        shopper.buys(yuan)
    summary = points.summary(shopper.id)
    assert [(line.on, line.points) for line in summary.expiring] == [
        (date(2026, 12, 11), 10), (date(2026, 12, 21), 20), (date(2027, 1, 10), 30),
    ]  # fmt: skip
    assert [(line.on, line.points) for line in summary.expiring_by_month] == [(date(2026, 12, 1), 30), (date(2027, 1, 1), 30)]


def test_the_last_points_are_spent_once_under_a_race(app, mall: int) -> None:
    with db.unit_of_work(mall):
        lay_points_rules()
        set_policy(return_window_days=0)
        member = make_member().id
        points.earn(make_claimed_sale(member, paid_fen=10_000), by="test")
    results = together(mall, 6, lambda n: points.spend(member, 60, cause_type="gift", cause_id=n).id)
    assert sum(isinstance(result, PointsTooFew) for result in results) == 5
    with db.unit_of_work(mall):
        assert (points.summary(member).balance, ledger.prove()) == (40, [])


def test_spending_and_expiring_at_once_lose_nothing(app, mall: int) -> None:
    with db.unit_of_work(mall):
        lay_points_rules()
        set_policy(return_window_days=0, points_expiry="days", points_expiry_length=0)
        member = make_member().id
        points.earn(make_claimed_sale(member, paid_fen=10_000), by="test")
        set_policy(return_window_days=0)
    clock.fix(clock.now() + days(2))
    with db.unit_of_work(mall):
        points.earn(make_claimed_sale(member, paid_fen=5_000), by="test")

    def work(number: int) -> object:
        if number % 2:
            return points.expire_member(member)
        return points.spend(member, 20, cause_type="gift", cause_id=number).id

    results = together(mall, 6, work)
    assert sum(isinstance(result, PointsTooFew) for result in results) == 1
    with db.unit_of_work(mall):
        assert (points.summary(member).balance, ledger.prove()) == (10, [])
        assert ledger.balance(Owner("mall", mall), Asset.POINTS) == 140
