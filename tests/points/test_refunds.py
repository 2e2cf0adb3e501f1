"""Refunds undo what was recorded, part by part; points already spent become a debt that the next earning repays."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.kit import clock, db
from api.kit.db import session
from api.ledger import service as ledger
from api.ledger.service import Asset, Owner
from api.points import service as points
from api.points.models import Award, TakeBack
from api.sales import service as sales
from tests.factories import lay_points_rules, make_member, make_rule, make_shop
from tests.points.conftest import Shopper, days, set_policy


def test_a_whole_refund_takes_all_points_back(shopper: Shopper) -> None:
    award = shopper.buys(128)
    shopper.returns(award, 128)
    assert (shopper.balance, award.state, award.taken_back) == (0, "reversed", 128)


def test_a_refund_taken_back_twice_counts_once(shopper: Shopper) -> None:
    award = shopper.buys(100)
    undone = shopper.returns(award, 40)
    assert points.take_back(undone.sale_refund_id, by="test").id == undone.id
    assert shopper.balance == 60


def test_a_refund_undoes_at_the_rate_of_the_purchase(shopper: Shopper) -> None:
    award = shopper.buys(100)
    make_rule("base", "standard", version=2, points=5, per_fen=100, starts_at=clock.now())
    assert shopper.returns(award, 50).points == 50


def test_a_refund_of_pending_points_makes_them_fewer(shopper: Shopper) -> None:
    set_policy(return_window_days=7)
    award = shopper.buys(100)
    shopper.returns(award, 30)
    assert points.summary(shopper.id).pending == 70
    clock.fix(clock.now() + days(9))
    points.activate_due()
    assert (shopper.balance, shopper.batches()) == (70, [70])
    shopper.returns(award, 70, 2)
    assert (shopper.balance, award.state) == (0, "reversed")


def test_a_purchase_returned_whole_while_pending_leaves_nothing(shopper: Shopper) -> None:
    set_policy(return_window_days=7)
    award = shopper.buys(100)
    undone = shopper.returns(award, 100)
    assert (award.state, points.summary(shopper.id).pending) == ("nothing", 0)
    assert points.take_back(undone.sale_refund_id, by="test").id == undone.id
    clock.fix(clock.now() + days(9))
    assert points.activate_due() == 0


def test_points_already_spent_become_a_debt_that_the_next_earning_repays(shopper: Shopper) -> None:
    award = shopper.buys(100)
    points.spend(shopper.id, 80, cause_type="gift", cause_id=1)
    undone = shopper.returns(award, 100)
    summary = points.summary(shopper.id)
    assert (undone.became_debt, summary.balance, summary.debt) == (80, 0, 80)
    shopper.buys(50)
    assert points.summary(shopper.id).debt == 30
    shopper.buys(50)
    assert (points.summary(shopper.id).debt, shopper.balance, shopper.batches()) == (0, 20, [0, 0, 20])


def test_a_refund_takes_from_its_own_batch_first(shopper: Shopper) -> None:
    first, second = shopper.buys(100), shopper.buys(100)
    shopper.returns(second, 60)
    assert shopper.batches() == [100, 40]
    points.spend(shopper.id, 100, cause_type="gift", cause_id=1)
    shopper.returns(first, 100)
    assert (shopper.batches(), shopper.balance) == ([0, 0], -60)


def test_points_that_expired_are_not_taken_a_second_time(shopper: Shopper) -> None:
    set_policy(return_window_days=0, points_expiry="days", points_expiry_length=10)
    award = shopper.buys(100)
    points.spend(shopper.id, 30, cause_type="gift", cause_id=1)
    clock.fix(clock.now() + days(12))
    points.expire_member(shopper.id)
    shopper.buys(50)
    undone = shopper.returns(award, 100)
    assert (undone.from_expired, shopper.balance) == (70, 20)


def test_growth_goes_with_the_refund(shopper: Shopper) -> None:
    award = shopper.buys(100)
    shopper.returns(award, 25)
    assert ledger.balance(Owner("member", shopper.id), Asset.GROWTH) == 75


def test_the_bearers_get_theirs_back(shopper: Shopper) -> None:
    make_rule("multiplier", "tenant-double", factor_bp=20_000, shop_share_bp=5_000)
    award = shopper.buys(101)
    for number in range(1, 102):
        shopper.returns(award, 1, number)
    assert ledger.balance(Owner("bearer", shopper.shop_id), Asset.POINTS) == 0
    assert (shopper.balance, award.state) == (0, "reversed")


def test_a_sale_refunded_in_part_before_it_is_scored_earns_for_the_rest(shopper: Shopper) -> None:
    from api.sales import service as sales
    from tests.factories import make_claimed_sale

    sale_id = make_claimed_sale(shopper.id, shop_id=shopper.shop_id, paid_fen=10_000)
    early = sales.refund(sale_id, amount_fen=4_000, source_type="early", source_id=1, at=clock.now())
    award = points.earn(sale_id, by="test")
    assert award.points == 60
    assert points.take_back(early.id, by="test").points == 0
    shopper.returns(award, 60)
    assert (shopper.balance, award.state) == (0, "reversed")


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("buy"), st.integers(1, 300)),
        st.tuples(st.just("return"), st.integers(1, 300), st.integers(0, 5)),
        st.tuples(st.just("spend"), st.integers(1, 200)),
        st.tuples(st.just("give back"), st.integers(1, 100), st.integers(0, 5)),
    ),
    min_size=2,
    max_size=14,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, share=st.integers(0, 10_000), factor=st.integers(10_000, 30_000))
def test_in_any_order_the_balance_is_awards_less_what_went(app, mall: int, steps, share: int, factor: int) -> None:
    from api.points.errors import GiveBackTooLarge, PointsTooFew
    from api.sales.errors import RefundTooLarge

    with db.unit_of_work(mall):
        lay_points_rules()
        set_policy(return_window_days=0)
        make_rule("multiplier", "some", factor_bp=factor, shop_share_bp=share)
        shopper = Shopper(make_member().id, make_shop().id)
        awards: list[Award] = []
        spends: list[int] = []
        spent = 0
        for number, (what, amount, *which) in enumerate(steps):
            try:
                if what == "buy":
                    awards.append(shopper.buys(amount))
                elif what == "return" and awards:
                    shopper.returns(awards[which[0] % len(awards)], amount, number)
                elif what == "spend":
                    points.spend(shopper.id, amount, cause_type="gift", cause_id=number)
                    spends.append(number)
                    spent += amount
                elif what == "give back" and spends:
                    points.give_back("gift", spends[which[0] % len(spends)], refund_type="ungift", refund_id=number, points=amount)
                    spent -= amount
            except (RefundTooLarge, PointsTooFew, GiveBackTooLarge):
                pass
            session.flush()
            assert shopper.left == max(0, shopper.balance)
        summary = points.summary(shopper.id)
        taken = sum(row.points for row in session.query(TakeBack))
        assert summary.balance - summary.debt == sum(award.points for award in awards) - taken - spent
        assert taken == sum(award.taken_back for award in awards)
        assert ledger.prove() == []
        session.rollback()
        db.enter(mall)


def test_a_refund_after_the_only_point_went_takes_nothing_more(shopper: Shopper) -> None:
    award = shopper.buys(0, paid_fen=199)
    assert award.points == 1
    assert [shopper.returns(award, 1, number).points for number in (1,)] == [1]
    refund = sales.refund(award.sale_id, amount_fen=99, source_type="test", source_id=7, at=clock.now())
    again = points.take_back(refund.id, by="test")
    assert again is not None
    assert (again.points, award.state, shopper.balance) == (0, "reversed", 0)
