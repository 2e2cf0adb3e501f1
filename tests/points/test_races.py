"""Refunds, spends, activations and expiries at the same moment: whatever comes first, the books agree."""

from __future__ import annotations

import pytest

from api.kit import clock, db
from api.ledger import service as ledger
from api.points import service as points
from api.points.errors import PointsTooFew
from api.sales import service as sales
from tests.factories import lay_points_rules, make_claimed_sale, make_member, make_shop
from tests.ledger.test_service import together
from tests.points.conftest import Shopper, days, set_policy


@pytest.fixture
def shopper(app, mall: int) -> Shopper:
    """A member with an account of nothing yet, in a mall where points count at once."""
    with db.unit_of_work(mall):
        lay_points_rules()
        set_policy(return_window_days=0)
        return Shopper(make_member().id, make_shop().id)


def agreed(mall: int, shopper: Shopper) -> int:
    """The balance, when every book agrees on it."""
    with db.unit_of_work(mall):
        assert ledger.prove() == []
        assert shopper.left == max(0, shopper.balance)
        return shopper.balance


def refunds_of(mall: int, sale_id: int, amounts: list[int]) -> list[int]:
    """Refunds recorded but not yet taken back."""
    with db.unit_of_work(mall):
        return [
            sales.refund(sale_id, amount_fen=amount, source_type="race", source_id=number, at=clock.now()).id
            for number, amount in enumerate(amounts)
        ]


def test_refunds_at_once_take_back_exactly_the_award(mall: int, shopper: Shopper) -> None:
    with db.unit_of_work(mall):
        sale_id = make_claimed_sale(shopper.id, shop_id=shopper.shop_id, paid_fen=10_007)
        points.earn(sale_id, by="test")
    refunds = refunds_of(mall, sale_id, [3_333, 3_333, 3_341])
    results = together(mall, 6, lambda n: points.take_back(refunds[n % 3], by="test").points)
    assert sum(results[:3]) == 100
    assert agreed(mall, shopper) == 0


def test_spends_and_refunds_at_once_leave_a_debt_or_none_but_never_a_hole(mall: int, shopper: Shopper) -> None:
    with db.unit_of_work(mall):
        sale_id = make_claimed_sale(shopper.id, shop_id=shopper.shop_id, paid_fen=10_000)
        points.earn(sale_id, by="test")
    refunds = refunds_of(mall, sale_id, [2_000, 3_000])

    def work(number: int) -> object:
        if number < 2:
            return points.take_back(refunds[number], by="test").points
        return points.spend(shopper.id, 30, cause_type="race", cause_id=number).points

    results = together(mall, 6, work)
    spent = sum(1 for result in results[2:] if not isinstance(result, Exception))
    assert all(isinstance(result, (int, PointsTooFew)) for result in results), results
    assert agreed(mall, shopper) == 50 - 30 * spent


def test_a_refund_and_the_activation_at_once(mall: int, shopper: Shopper) -> None:
    with db.unit_of_work(mall):
        set_policy(return_window_days=7)
        sale_id = make_claimed_sale(shopper.id, shop_id=shopper.shop_id, paid_fen=10_000)
        points.earn(sale_id, by="test")
    refunds = refunds_of(mall, sale_id, [4_000])
    clock.fix(clock.now() + days(9))
    together(mall, 4, lambda n: points.take_back(refunds[0], by="test").points if n % 2 else points.activate_due())
    with db.unit_of_work(mall):
        points.activate_due()
    assert agreed(mall, shopper) == 60


def test_earnings_at_once_repay_a_debt_once(mall: int, shopper: Shopper) -> None:
    with db.unit_of_work(mall):
        award = shopper.buys(100)
        points.spend(shopper.id, 100, cause_type="race", cause_id=1)
        shopper.returns(award, 100)
        bought = [make_claimed_sale(shopper.id, shop_id=shopper.shop_id, paid_fen=4_000) for _ in range(5)]
    together(mall, 5, lambda n: points.earn(bought[n], by="test").points)
    assert agreed(mall, shopper) == 100


def test_the_same_gift_is_given_back_once(mall: int, shopper: Shopper) -> None:
    with db.unit_of_work(mall):
        shopper.buys(100)
        points.spend(shopper.id, 60, cause_type="race", cause_id=1)
    together(mall, 5, lambda _n: points.give_back("race", 1, refund_type="unrace", refund_id=1).given_back)
    assert agreed(mall, shopper) == 100
