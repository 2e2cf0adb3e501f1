"""Merges at the same moment as other merges, spends, purchases and refunds: whatever comes first, the books agree and nothing strands."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from api.kit import clock, db
from api.kit.db import session
from api.ledger import service as ledger
from api.ledger.service import Asset, Owner
from api.members import service as members
from api.merges import service as merges
from api.merges.models import Merge
from api.points import service as points
from api.points.models import Award, Batch
from api.sales import service as sales
from api.sales.models import Sale
from tests.factories import lay_points_rules, make_claimed_sale, make_member
from tests.ledger.test_service import together
from tests.merges.conftest import ONE, OTHER, Pair, books_agree, make_pair
from tests.points.conftest import set_policy


@pytest.fixture
def pair(app, mall: int) -> Pair:
    """Two members with a hundred points each."""
    with db.unit_of_work(mall):
        lay_points_rules()
        set_policy(return_window_days=0)
        made = make_pair()
        made.source.buys(100)
        made.target.buys(100)
        return made


def ask(mall: int, source: int, target: int) -> int:
    with db.unit_of_work(mall):
        return merges.propose(source, target, phone_of_source=False, why="the same person", by=ONE).id


def stranded(source_id: int) -> int:
    """Rows and value that are still the folded member's."""
    rows = [session.scalar(select(func.count()).where(table.member_id == source_id)) or 0 for table in (Award, Batch, Sale)]
    held = ledger.balances(Owner("member", source_id), (Asset.POINTS, Asset.POINTS_PENDING, Asset.GROWTH))
    return sum(rows) + sum(abs(amount) for amount in held.values())


def check(mall: int, pair: Pair, total: int) -> None:
    with db.unit_of_work(mall):
        assert members.of_any_state(pair.source.id).state == "folded"
        assert stranded(pair.source.id) == 0
        assert pair.target.balance == total
        books_agree(pair)


def test_one_merge_approved_by_many_at_once_happens_once(mall: int, pair: Pair) -> None:
    merge_id = ask(mall, pair.source.id, pair.target.id)
    results = together(mall, 4, lambda n: merges.approve(merge_id, by=f"staff:{n + 10}").id)
    assert sum(result == merge_id for result in results) == 1, results
    check(mall, pair, 200)


def test_two_merges_of_one_member_at_once_leave_it_in_one_place(mall: int, pair: Pair) -> None:
    with db.unit_of_work(mall):
        third = make_member().id
    first = ask(mall, pair.source.id, pair.target.id)
    with db.unit_of_work(mall):
        # Proposed by two desks in the same moment: only the members' own rows can tell.
        second = Merge(
            state="proposed", moved_at=clock.now(), source_id=third, target_id=pair.source.id, phone_of_source=False, why="race",
            proposed_by=ONE, proposed_at=clock.now(), preview={},
        )  # fmt: skip
        session.add(second)
        session.flush()
        second_id = second.id
    together(mall, 2, lambda n: merges.approve((first, second_id)[n], by=OTHER).id)
    with db.unit_of_work(mall):
        assert members.surviving(pair.source.id) == pair.target.id
        assert members.surviving(third) in (third, pair.target.id)
        assert pair.target.balance == 200
        books_agree(pair)


def test_points_spent_while_a_merge_runs_are_spent_once(mall: int, pair: Pair) -> None:
    merge_id = ask(mall, pair.source.id, pair.target.id)

    def work(number: int) -> object:
        if number == 0:
            return merges.approve(merge_id, by=OTHER).id
        who = (pair.source, pair.target)[number % 2]
        return points.spend(who.id, 60, cause_type="gift", cause_id=number).id

    results = together(mall, 5, work)
    spent = sum(isinstance(result, int) for result in results[1:])
    assert results[0] == merge_id, results
    check(mall, pair, 200 - 60 * spent)


def test_purchases_scored_while_a_merge_runs_are_the_survivors(mall: int, pair: Pair) -> None:
    merge_id = ask(mall, pair.source.id, pair.target.id)

    def work(number: int) -> object:
        if number == 0:
            return merges.approve(merge_id, by=OTHER).id
        sale_id = make_claimed_sale(pair.source.id, shop_id=pair.source.shop_id, paid_fen=1_000)
        return points.earn(sale_id, by="race").points

    results = together(mall, 6, work)
    assert results[1:] == [10] * 5, results
    check(mall, pair, 250)


def test_refunds_while_a_merge_runs_take_back_exactly_once(mall: int, pair: Pair) -> None:
    with db.unit_of_work(mall):
        sale_id = session.scalars(select(Sale.id).where(Sale.member_id == pair.source.id)).one()
    merge_id = ask(mall, pair.source.id, pair.target.id)

    def work(number: int) -> object:
        if number == 0:
            return merges.approve(merge_id, by=OTHER).id
        refund = sales.refund(sale_id, amount_fen=1_000, source_type="race", source_id=number, at=clock.now())
        made = points.take_back(refund.id, by="race")
        return made.points if made else None

    results = together(mall, 4, work)
    assert results == [merge_id, 10, 10, 10], results
    check(mall, pair, 170)


def test_undoing_while_the_survivor_spends_keeps_the_sum(mall: int, pair: Pair) -> None:
    merge_id = ask(mall, pair.source.id, pair.target.id)
    with db.unit_of_work(mall):
        merges.approve(merge_id, by=OTHER)
        merges.propose_undo(merge_id, why="two persons", by=ONE)

    def work(number: int) -> object:
        if number < 2:
            return merges.approve_undo(merge_id, by=OTHER).id
        return points.spend(pair.target.id, 50, cause_type="gift", cause_id=number).id

    results = together(mall, 5, work)
    assert sum(result == merge_id for result in results[:2]) == 1, results
    spent = 50 * sum(isinstance(result, int) for result in results[2:])
    with db.unit_of_work(mall):
        assert (pair.source.balance, pair.target.balance) == (100, 100 - spent)
        books_agree(pair)
