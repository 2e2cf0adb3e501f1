"""Value goes along with a merge and comes back exactly: nothing is made, nothing is lost, whatever happened in between."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from api.kit import clock, db
from api.kit.db import session
from api.ledger.models import EntryRow
from api.ledger.service import Asset
from api.merges import service as merges
from api.points import service as points
from api.points.service import adjustments
from api.sales import service as sales
from api.wallet import service as wallet
from tests.factories import lay_points_rules, make_mall
from tests.merges.conftest import ONE, OTHER, Pair, books_agree, make_pair
from tests.points.conftest import days, set_policy, travel


def test_points_batches_and_purchases_go_along_with_entries_on_both_sides(pair: Pair) -> None:
    pair.source.buys(100)
    pair.target.buys(30)
    before = pair.batches()
    merge = pair.merge()
    assert (pair.source.balance, pair.target.balance) == (0, 130)
    assert [(batch, left) for batch, _, left, _ in pair.batches()] == [(batch, left) for batch, _, left, _ in before]
    entries = session.execute(select(EntryRow.amount).where(EntryRow.transfer_id == merge.transfer_id)).scalars()
    assert sorted(entries) == [-100, -100, 100, 100]  # points and growth
    assert len(sales.sales_of_mall(member_id=pair.target.id).items) == 2


def test_undoing_restores_every_balance_and_every_batch(pair: Pair) -> None:
    pair.source.buys(100)
    points.spend(pair.source.id, 40, cause_type="gift", cause_id=1)
    pair.target.buys(30)
    set_policy(return_window_days=7)
    pair.source.buys(11)
    before = (pair.holds(), pair.batches())
    undone = pair.undo(pair.merge())
    assert (pair.holds(), pair.batches()) == before
    assert undone.undone is not None and undone.undone["survivor_debt"] == 0
    assert len(sales.sales_of_mall(member_id=pair.source.id).items) == 2


def test_a_debt_is_paid_at_the_merge_and_owed_again_after_undoing(pair: Pair) -> None:
    award = pair.source.buys(100)
    points.spend(pair.source.id, 100, cause_type="gift", cause_id=1)
    pair.source.returns(award, 40)
    pair.target.buys(100)
    before = (pair.holds(), pair.batches())
    merge = pair.merge()
    assert (pair.target.balance, pair.target.left) == (60, 60)
    pair.undo(merge)
    assert (pair.holds(), pair.batches()) == before
    assert pair.source.balance == -40


def test_the_survivors_own_debt_comes_back_too(pair: Pair) -> None:
    award = pair.target.buys(100)
    points.spend(pair.target.id, 100, cause_type="gift", cause_id=1)
    pair.target.returns(award, 40)
    pair.source.buys(100)
    before = (pair.holds(), pair.batches())
    pair.undo(pair.merge())
    assert (pair.holds(), pair.batches()) == before


def test_what_was_earned_since_stays_with_the_survivor(pair: Pair) -> None:
    pair.source.buys(100)
    merge = pair.merge()
    pair.target.buys(25)
    pair.undo(merge)
    assert (pair.source.balance, pair.target.balance) == (100, 25)


def test_what_was_spent_since_is_owed_by_the_survivor_and_the_preview_says_so(pair: Pair) -> None:
    pair.source.buys(100)
    pair.target.buys(20)
    merge = pair.merge()
    points.spend(pair.target.id, 110, cause_type="gift", cause_id=1)
    seen = merges.preview_undo(merge.id).outcome
    assert (seen.points, seen.survivor_points, seen.survivor_debt, seen.spent_since) == (100, -90, 90, 100)
    undone = pair.undo(merge)
    assert (pair.source.balance, pair.target.balance) == (100, -90)
    assert undone.undone is not None and undone.undone["survivor_debt"] == 90
    books_agree(pair)
    points.give_back("gift", 1, refund_type="ungift", refund_id=1)
    assert (pair.source.balance, pair.target.balance, pair.target.left) == (100, 20, 20)


def test_pending_points_that_became_spendable_meanwhile_come_back_as_such(pair: Pair) -> None:
    set_policy(return_window_days=7)
    pair.source.buys(100)
    merge = pair.merge()
    travel(clock.now() + days(9))
    assert points.activate_due() == 1
    pair.undo(merge)
    assert pair.holds()[0] == {"points": 100, "points_pending": 0, "growth": 100}
    assert pair.source.batches() == [100]


def test_a_refund_of_the_ones_purchase_after_the_merge_is_its_own(pair: Pair) -> None:
    award = pair.source.buys(100)
    pair.target.buys(30)
    merge = pair.merge()
    award = points.award(award.id)
    session.refresh(award)
    pair.target.returns(award, 60)
    pair.undo(merge)
    assert (pair.source.balance, pair.target.balance) == (40, 30)
    assert (pair.source.batches(), pair.target.batches()) == ([40], [30])
    assert [held["growth"] for held in pair.holds()] == [40, 30]


def test_points_that_expired_meanwhile_are_gone_for_whom_they_were(pair: Pair) -> None:
    set_policy(return_window_days=0, points_expiry="days", points_expiry_length=10)
    pair.source.buys(100)
    travel(clock.now() + days(5))
    pair.target.buys(30)
    merge = pair.merge()
    travel(clock.now() + days(7))
    assert merges.preview_undo(merge.id).outcome.points == 0
    pair.undo(merge)
    assert (pair.source.balance, pair.target.balance) == (0, 30)


def test_points_given_back_for_the_ones_own_spend_are_its_own(pair: Pair) -> None:
    pair.source.buys(100)
    points.spend(pair.source.id, 60, cause_type="gift", cause_id=1)
    merge = pair.merge()
    points.give_back("gift", 1, refund_type="ungift", refund_id=1, points=50)
    assert pair.target.balance == 90
    pair.undo(merge)
    assert (pair.source.balance, pair.target.balance, pair.source.batches()) == (90, 0, [90])


def test_an_adjustment_approved_after_the_merge_is_the_survivors(pair: Pair) -> None:
    set_policy(return_window_days=0, adjustment_limit_points=10)
    asked = adjustments.adjust(pair.source.id, 50, why="made good", by=ONE)
    merge = pair.merge()
    session.refresh(asked)
    adjustments.approve(asked.id, by=OTHER)
    assert pair.target.balance == 50
    pair.undo(merge)
    assert (pair.source.balance, pair.target.balance) == (0, 50)


def test_two_members_can_be_merged_again_after_undoing(pair: Pair) -> None:
    pair.source.buys(100)
    pair.undo(pair.merge())
    points.spend(pair.source.id, 10, cause_type="gift", cause_id=1)
    again = pair.merge()
    assert pair.target.balance == 90
    pair.undo(again)
    assert (pair.source.balance, pair.target.balance) == (90, 0)


YUAN = st.integers(1, 200)
EVENT = st.tuples(st.sampled_from(["source buys", "target buys", "spend", "return", "give back", "wait"]), YUAN)


def _happen(pair: Pair, event: str, amount: int, number: int) -> None:
    """One thing that may happen, to whoever the two are by now."""
    alive = pair.source if event == "source buys" and _is_active(pair.source.id) else pair.target
    if event.endswith("buys"):
        alive.buys(amount)
    elif event == "spend":
        left = max(0, alive.balance)
        if left:
            points.spend(alive.id, min(amount, left), cause_type="gift", cause_id=number)
    elif event == "return":
        _return_something(alive, amount, number)
    elif event == "give back":
        _give_something_back(alive.id, amount, number)
    else:
        travel(clock.now() + days(amount / 20))
        points.activate_due()
        points.expire_due()


def _is_active(member_id: int) -> bool:
    from api.members import service as members

    return members.of_any_state(member_id).state == "active"


def _return_something(one, amount: int, number: int) -> None:
    for award in points.awards_of(one.id, limit=100).items:
        session.refresh(award)
        sale = sales.read(award.sale_id)
        left = (sale.paid_fen - sale.refunded_fen) // 100
        if left:
            one.returns(award, min(amount, left), number)
            return


def _give_something_back(member_id: int, amount: int, number: int) -> None:
    for spend in session.scalars(select(points.Spend).where(points.Spend.member_id == member_id)):
        left = spend.points - spend.given_back
        if left:
            points.give_back(spend.cause_type, spend.cause_id, refund_type="back", refund_id=number, points=min(left, amount))
            return


@given(before=st.lists(EVENT, max_size=6), between=st.lists(EVENT, max_size=6), window=st.sampled_from([0, 5]))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_no_history_makes_or_loses_a_point(app, before, between, window) -> None:
    with db.unit_of_work():
        mall = make_mall().id
    with db.unit_of_work(mall):
        travel(clock.now())
        lay_points_rules()
        set_policy(return_window_days=window, points_expiry="days", points_expiry_length=12)
        pair = make_pair()
        for number, (event, amount) in enumerate(before):
            who = pair if number % 2 else Pair(pair.target, pair.source)
            _happen(who, event, amount, number)
        points.expire_member(pair.source.id)
        points.expire_member(pair.target.id)
        was = (pair.holds(), pair.batches())
        merge = pair.merge()
        together = _sum(pair)
        assert together == {asset: sum(held[asset] for held in was[0]) for asset in was[0][0]}
        books_agree(pair)
        for number, (event, amount) in enumerate(between):
            _happen(pair, event, amount, 100 + number)
        points.expire_member(pair.target.id)
        together = _sum(pair)
        promised = merges.preview_undo(merge.id).outcome
        pair.undo(merge)
        assert _sum(pair) == together
        assert (pair.source.balance, pair.target.balance) == (promised.points, promised.survivor_points)
        books_agree(pair)
        if not between:
            assert (pair.holds(), pair.batches()) == was
        assert session.scalar(select(func.sum(EntryRow.amount))) in (0, None)
    clock.fix(None)


def _sum(pair: Pair) -> dict[str, int]:
    one, other = pair.holds()
    return {str(asset): one[str(asset)] + other[str(asset)] for asset in (Asset.POINTS, Asset.POINTS_PENDING, Asset.GROWTH)}


def test_cards_go_along_with_what_is_on_them_and_come_back(pair: Pair) -> None:
    wallet.recharge(1, pair.source.id, principal_fen=10_000, bonus_fen=1_000)
    wallet.recharge(2, pair.target.id, principal_fen=500, bonus_fen=0)
    seen = merges.preview(pair.source.id, pair.target.id)
    assert [(side.counts["cards"], side.counts["stored_fen"], side.counts["orders"]) for side in (seen.source, seen.target)] == [
        (1, 11_000, 0),
        (1, 500, 0),
    ]
    merge = pair.merge()
    assert [one.principal_fen for one in wallet.funds(pair.target.id)] == [10_000, 500]
    drawn = wallet.spread(wallet.funds(pair.target.id), 4_000)
    wallet.draw(pair.target.id, drawn, cause_type="order_hold", cause_id=1)
    pair.undo(merge)
    wallet.put_back(drawn, cause_type="order_refund", cause_id=1)
    assert [(one.principal_fen, one.bonus_fen) for one in wallet.funds(pair.source.id)] == [(10_000, 1_000)]
    assert [one.principal_fen for one in wallet.funds(pair.target.id)] == [500]
    books_agree(pair)
