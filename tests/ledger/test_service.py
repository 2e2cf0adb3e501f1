"""The ledger: every transfer sums to zero, counts once, and no member falls below the floor."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from api.kit import clock, db
from api.kit.db import session
from api.ledger import service as ledger
from api.ledger.errors import AlreadyUndone, BalanceTooLow, CauseClash, TransferNotFound
from api.ledger.service import Asset, Entry, Owner
from tests.races import until_others_wait

POINTS = Asset.POINTS
MEMBER, FRIEND = Owner("member", 7), Owner("member", 8)
BEARER = Owner("bearer", 0)


def give(member: Owner, points: int, cause: str | int, *, overdraft: bool = False) -> int:
    return ledger.post("test", cause, [Entry(member, POINTS, points, overdraft), Entry(BEARER, POINTS, -points)])


def test_points_given_are_on_the_account(inside: int) -> None:
    give(MEMBER, 100, 1)
    assert (ledger.balance(MEMBER, POINTS), ledger.balance(BEARER, POINTS)) == (100, -100)
    assert ledger.prove() == []


def test_a_post_is_one_statement(inside: int, statements) -> None:
    with statements() as seen:
        give(MEMBER, 100, 1)
        give(MEMBER, -40, 2)
    assert len(seen) == 2


def test_entries_that_do_not_sum_to_zero_are_a_bug(inside: int) -> None:
    with pytest.raises(ValueError, match="sum to zero"):
        ledger.post("test", 1, [Entry(MEMBER, POINTS, 5), Entry(BEARER, Asset.GROWTH, -5)])
    with pytest.raises(ValueError, match="moves something"):
        ledger.post("test", 1, [Entry(MEMBER, POINTS, 5), Entry(MEMBER, POINTS, -5)])


def test_the_same_cause_counts_once(inside: int) -> None:
    first = give(MEMBER, 100, 1)
    assert give(MEMBER, 100, 1) == first
    assert ledger.balance(MEMBER, POINTS) == 100


def test_the_same_cause_with_other_amounts_is_refused(inside: int) -> None:
    give(MEMBER, 100, 1)
    with pytest.raises(CauseClash):
        give(MEMBER, 101, 1)


def test_nobody_falls_below_the_floor_and_nothing_is_written(inside: int) -> None:
    give(MEMBER, 100, 1)
    with pytest.raises(BalanceTooLow):
        give(MEMBER, -101, 2)
    with pytest.raises(BalanceTooLow):
        give(FRIEND, -1, 3)
    assert ledger.balance(MEMBER, POINTS) == 100
    assert session.scalar(text("SELECT count(*) FROM ledger_transfers")) == 1


def test_a_repeated_spend_is_recognised_when_the_points_are_gone(inside: int) -> None:
    give(MEMBER, 100, 1)
    spent = give(MEMBER, -100, 2)
    assert give(MEMBER, -100, 2) == spent


def test_an_overdraft_is_a_debt_and_may_be_repaid(inside: int) -> None:
    give(MEMBER, -30, 1, overdraft=True)
    assert ledger.balance(MEMBER, POINTS) == -30
    give(MEMBER, 10, 2)
    assert ledger.balance(MEMBER, POINTS) == -20
    with pytest.raises(BalanceTooLow):
        give(MEMBER, -1, 3)


def test_a_refused_post_leaves_the_unit_of_work_usable(inside: int) -> None:
    with pytest.raises(BalanceTooLow):
        ledger.post("test", 1, [Entry(MEMBER, POINTS, -5), Entry(FRIEND, POINTS, 5)])
    give(FRIEND, 5, 2)
    assert (ledger.balance(FRIEND, POINTS), ledger.prove()) == (5, [])


def test_an_undo_names_what_it_undoes_once(inside: int) -> None:
    given_id = give(MEMBER, 100, 1)
    undone = ledger.undo(given_id, "refund", 1)
    assert ledger.balance(MEMBER, POINTS) == 0
    assert ledger.undo(given_id, "refund", 1) == undone
    with pytest.raises(AlreadyUndone):
        ledger.undo(given_id, "refund", 2)
    with pytest.raises(TransferNotFound):
        ledger.undo(999_999, "refund", 3)


def test_the_history_of_an_account_comes_page_by_page(inside: int) -> None:
    for number in range(5):
        give(MEMBER, number + 1, number)
    first = ledger.entries_of(MEMBER, POINTS, None, 3)
    second = ledger.entries_of(MEMBER, POINTS, first.next_cursor, 3)
    assert [row.amount for row in [*first.items, *second.items]] == [5, 4, 3, 2, 1]
    assert [row.balance_after for row in second.items] == [3, 1]
    assert second.next_cursor is None


def test_a_roll_up_changes_no_balance_and_stays_true(inside: int) -> None:
    clock.fix(clock.now() - timedelta(hours=3))
    give(MEMBER, 100, 1)
    clock.fix(None)
    ledger.roll_up()
    give(MEMBER, 20, 2)
    assert session.scalar(text("SELECT balance FROM ledger_rollups")) == -100
    assert (ledger.balance(BEARER, POINTS), ledger.prove()) == (-120, [])
    ledger.roll_up()
    assert (ledger.balance(BEARER, POINTS), ledger.prove()) == (-120, [])


def test_the_proof_names_the_account_that_is_wrong(inside: int) -> None:
    give(MEMBER, 100, 1)
    session.execute(text("UPDATE ledger_accounts SET balance = 99 WHERE owner_kind = 'member'"))
    assert [(line.what, line.subject, line.expected, line.found) for line in ledger.prove()] == [("balance", "member:7 points", 100, 99)]


def test_the_command_exits_1_and_names_the_account(app, mall: int) -> None:
    with db.unit_of_work(mall):
        give(MEMBER, 100, 1)
    runner = app.test_cli_runner()
    assert runner.invoke(args=["ledger", "prove"]).exit_code == 0
    with db.unit_of_work(mall):
        session.execute(text("UPDATE ledger_accounts SET balance = 99 WHERE owner_kind = 'member'"))
    wrong = runner.invoke(args=["ledger", "prove"])
    assert wrong.exit_code == 1
    assert "member:7 points: expected 100, found 99" in wrong.output


def test_another_mall_has_accounts_of_its_own(app, mall: int) -> None:
    from tests.factories import make_mall

    with db.unit_of_work():
        other = make_mall().id
    for entered in (mall, other):
        with db.unit_of_work(entered):
            give(MEMBER, 10, 1)
    with db.unit_of_work(other):
        assert ledger.balance(MEMBER, POINTS) == 10


@pytest.mark.parametrize(
    "rewriting", ["UPDATE ledger_entries SET amount = 1", "DELETE FROM ledger_entries", "DELETE FROM ledger_transfers"]
)
def test_the_app_cannot_rewrite_the_ledger(app, mall: int, rewriting: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), db.unit_of_work(mall):
        session.execute(text(rewriting))


def together(mall: int, count: int, work) -> list[object]:
    """Run work(n) in so many threads at once, each in its own unit of work; what each returned or raised."""
    results: list[object] = [None] * count
    gate = threading.Barrier(count)

    def run(number: int) -> None:
        gate.wait()
        try:
            results[number] = db.in_mall(mall, lambda: work(number))
        except Exception as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_a_double_post_counts_once_under_a_race(app, mall: int) -> None:
    results = together(mall, 8, lambda _n: give(MEMBER, 100, "once"))
    assert len(set(results)) == 1
    with db.unit_of_work(mall):
        assert (ledger.balance(MEMBER, POINTS), ledger.prove()) == (100, [])


def test_the_last_points_are_spent_once_under_a_race(app, mall: int) -> None:
    with db.unit_of_work(mall):
        give(MEMBER, 100, 1)
    results = together(mall, 8, lambda n: give(MEMBER, -100, f"spend {n}"))
    assert sum(isinstance(result, BalanceTooLow) for result in results) == 7
    with db.unit_of_work(mall):
        assert (ledger.balance(MEMBER, POINTS), ledger.prove()) == (0, [])


def test_posts_that_cross_do_not_lose_anything(app, mall: int) -> None:
    with db.unit_of_work(mall):
        give(MEMBER, 1000, "a")
        give(FRIEND, 1000, "b")

    def swap(number: int) -> int:
        one, two = (MEMBER, FRIEND) if number % 2 else (FRIEND, MEMBER)
        return ledger.post("swap", number, [Entry(one, POINTS, -10), Entry(two, POINTS, 10)])

    results = together(mall, 8, swap)
    assert not [result for result in results if isinstance(result, Exception)]
    with db.unit_of_work(mall):
        assert (ledger.balance(MEMBER, POINTS), ledger.balance(FRIEND, POINTS), ledger.prove()) == (1000, 1000, [])


def while_held(mall: int, held: Callable[[], Any], *works: Callable[[], Any], then: Callable[[], Any] = lambda: None) -> list[Any]:
    """Start all works while a transaction holds what they wait for; what each returned or raised once it has ended."""

    def run(work: Callable[[], Any]) -> Any:
        try:
            return db.in_mall(mall, work)
        except BalanceTooLow as refusal:
            return refusal

    with ThreadPoolExecutor(len(works)) as pool:
        with db.unit_of_work(mall):
            held()
            begun = [pool.submit(run, work) for work in works]
            until_others_wait(len(works))
            then()
        return [future.result() for future in begun]


def test_of_two_that_wait_for_the_last_points_one_gets_them(app, mall: int) -> None:
    with db.unit_of_work(mall):
        give(MEMBER, 100, 1)
    results = while_held(mall, lambda: ledger.lock(MEMBER, POINTS), lambda: give(MEMBER, -100, 2), lambda: give(MEMBER, -100, 3))
    assert sum(isinstance(result, BalanceTooLow) for result in results) == 1
    with db.unit_of_work(mall):
        assert (ledger.balance(MEMBER, POINTS), ledger.prove()) == (0, [])


def test_two_first_postings_of_a_member_at_once_both_count(app, mall: int) -> None:
    while_held(mall, lambda: give(MEMBER, 10, 1), lambda: give(MEMBER, 5, 2))
    with db.unit_of_work(mall):
        assert (ledger.balance(MEMBER, POINTS), ledger.prove()) == (15, [])


@pytest.mark.parametrize("oldest", [MEMBER, FRIEND])
def test_accounts_are_held_the_oldest_first_so_that_no_two_transfers_wait_crosswise(app, mall: int, oldest: Owner) -> None:
    newest = FRIEND if oldest == MEMBER else MEMBER
    with db.unit_of_work(mall):
        give(oldest, 10, 1)
        give(newest, 10, 2)
        give(oldest, 10, 3)  # its row now stands behind the other's

    def newest_is_free() -> None:
        session.execute(text("SET LOCAL lock_timeout = '200ms'"))
        assert ledger.lock(newest, POINTS) == 10

    swap = [Entry(oldest, POINTS, -1), Entry(newest, POINTS, 1)]
    while_held(mall, lambda: ledger.lock(oldest, POINTS), lambda: ledger.post("swap", 1, swap), then=newest_is_free)
    with db.unit_of_work(mall):
        assert (ledger.balance(oldest, POINTS), ledger.balance(newest, POINTS)) == (19, 11)


def test_an_undo_wins_once_under_a_race(app, mall: int) -> None:
    with db.unit_of_work(mall):
        transfer = give(MEMBER, 100, 1)
    results = together(mall, 6, lambda n: ledger.undo(transfer, "refund", n, overdraft=True))
    assert sum(isinstance(result, AlreadyUndone) for result in results) == 5
    with db.unit_of_work(mall):
        assert (ledger.balance(MEMBER, POINTS), ledger.prove()) == (0, [])


MOVES = st.lists(st.tuples(st.integers(1, 3), st.sampled_from(Asset), st.integers(-50, 80), st.booleans()), min_size=1, max_size=12)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=MOVES)
def test_whatever_is_posted_the_ledger_sums_to_zero(app, mall: int, moves) -> None:
    with db.unit_of_work(mall):
        expected: dict[tuple[int, Asset], int] = {}
        for number, (member, asset, amount, may_owe) in enumerate(moves):
            owed = may_owe and asset in (Asset.POINTS, Asset.GROWTH)
            key = (member, asset)
            try:
                ledger.post(
                    f"run {id(moves)}",
                    number,
                    [Entry(Owner("member", member), asset, amount or 1, owed), Entry(BEARER, asset, -(amount or 1))],
                )
                expected[key] = expected.get(key, 0) + (amount or 1)
            except BalanceTooLow:
                assert expected.get(key, 0) + amount < 0
        assert {key: ledger.balance(Owner("member", key[0]), key[1]) for key in expected} == expected
        assert ledger.prove() == []
        session.rollback()
        db.enter(mall)


def test_a_card_runs_a_balance_of_its_own_beside_the_member_with_its_number(inside: int) -> None:
    card, mall = Owner("card", MEMBER.id), Owner("mall", inside)
    give(MEMBER, 100, 1)
    posted = ledger.post_with_balances(
        "recharge",
        1,
        [
            Entry(card, Asset.PRINCIPAL_FEN, 50_000),
            Entry(mall, Asset.PRINCIPAL_FEN, -50_000),
            Entry(MEMBER, POINTS, 5),
            Entry(BEARER, POINTS, -5),
        ],
    )
    assert (posted.of_cards, posted.balances) == ({(card.id, "principal_fen"): 50_000}, {(MEMBER.id, "points"): 105})
    with pytest.raises(BalanceTooLow):
        ledger.post("draw", 1, [Entry(card, Asset.PRINCIPAL_FEN, -50_001), Entry(mall, Asset.PRINCIPAL_FEN, 50_001)])
    assert ledger.balance(card, Asset.PRINCIPAL_FEN) == 50_000
    assert ledger.prove() == []
