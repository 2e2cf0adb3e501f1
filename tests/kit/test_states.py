"""A lifecycle, tried on the accounts of the staff: of two racers one wins, and every move is written down."""

import threading

import pytest
from sqlalchemy import select

from api.kit import clock, db, states
from api.kit.db import session
from api.staff.models import StaffAccount
from api.staff.states import ALLOWED, AccountState
from tests.factories import make_staff

MOVES = StaffAccount.moves_table


@pytest.fixture
def account(mall: int) -> int:
    """An active account."""
    with db.unit_of_work(mall):
        return make_staff().id


def moves(mall: int, account: int) -> list:
    with db.unit_of_work(mall):
        return list(session.execute(select(MOVES).where(MOVES.c.staff_account_id == account).order_by(MOVES.c.seq)))


def test_a_move_is_written_down_with_who_when_why(mall: int, account: int) -> None:
    with db.unit_of_work(mall):
        row = session.get_one(StaffAccount, account)
        states.move(row, AccountState.SUSPENDED, by="staff:3", reason="left the keys", facts={"keys": 2}, name="新名")
        assert (row.state, row.moves, row.name) == ("suspended", 1, "新名")
        states.move(row, AccountState.ACTIVE, by="staff:4")
    first, second = moves(mall, account)
    assert (first.seq, first.from_state, first.to_state, first.moved_by) == (1, "active", "suspended", "staff:3")
    assert (first.reason, first.facts) == ("left the keys", {"keys": 2})
    assert (second.seq, second.from_state, second.to_state, second.reason) == (2, "suspended", "active", None)
    assert first.moved_at <= second.moved_at <= clock.now()


def test_a_move_that_the_table_forbids_changes_nothing(mall: int, account: int) -> None:
    with db.unit_of_work(mall):
        states.move(session.get_one(StaffAccount, account), AccountState.CLOSED, by="system")
    with pytest.raises(states.WrongState) as refused, db.unit_of_work(mall):
        states.move(session.get_one(StaffAccount, account), AccountState.ACTIVE, by="system")
    assert refused.value.facts == {"state": "closed", "wanted": "active"}
    assert len(moves(mall, account)) == 1


@pytest.mark.parametrize("racers", [2, 8])
def test_of_racers_one_wins_and_the_others_are_told(mall: int, account: int, racers: int) -> None:
    gate = threading.Barrier(racers)
    ends: list[str] = []

    def race(number: int) -> None:
        to = AccountState.SUSPENDED if number % 2 else AccountState.CLOSED
        try:
            with db.unit_of_work(mall):
                row = session.get_one(StaffAccount, account)
                gate.wait(10)
                states.move(row, to, by=f"staff:{number}")
            ends.append("won")
        except states.WrongState:
            ends.append("told")

    threads = [threading.Thread(target=race, args=(number,)) for number in range(racers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(ends) == ["told"] * (racers - 1) + ["won"]
    assert [move.seq for move in moves(mall, account)] == [1]


def test_the_loser_sees_the_state_it_is_in_now(mall: int, account: int) -> None:
    with db.unit_of_work(mall):
        row = session.get_one(StaffAccount, account)

        def faster() -> None:
            with db.unit_of_work(mall):
                states.move(session.get_one(StaffAccount, account), AccountState.CLOSED, by="staff:9")

        thread = threading.Thread(target=faster)
        thread.start()
        thread.join(10)
        with pytest.raises(states.WrongState) as refused:
            states.move(row, AccountState.SUSPENDED, by="staff:1")
        assert row.state == "closed"
        assert refused.value.facts["state"] == "closed"


def test_two_moves_never_have_the_same_number(mall: int, account: int) -> None:
    with db.unit_of_work(mall):
        row = session.get_one(StaffAccount, account)
        for to in (AccountState.SUSPENDED, AccountState.ACTIVE) * 5:
            states.move(row, to, by="system")
    assert [move.seq for move in moves(mall, account)] == list(range(1, 11))
    assert [
        sorted(column.name for column in unique.columns) for unique in MOVES.constraints if type(unique).__name__ == "UniqueConstraint"
    ] == [["seq", "staff_account_id"]]


def test_a_move_that_is_rolled_back_was_never_made(mall: int, account: int) -> None:
    with pytest.raises(RuntimeError, match="after"), db.unit_of_work(mall):
        states.move(session.get_one(StaffAccount, account), AccountState.CLOSED, by="system")
        raise RuntimeError("after the move")
    assert moves(mall, account) == []
    with db.unit_of_work(mall):
        assert session.get_one(StaffAccount, account).state == "active"


def test_a_lifecycle_can_be_drawn() -> None:
    drawing = states.draw()
    for state, targets in ALLOWED.items():
        assert all(f"{state} --> {target}" in drawing for target in targets)
    assert "closed --> [*]" in drawing
