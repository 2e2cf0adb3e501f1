"""What the books say afterwards: turnover, causes, movements, roll-ups, and what a recount finds wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from api.kit import clock, db
from api.kit.db import session
from api.ledger import service as ledger
from api.ledger.service import Asset, Entry, Owner, Turnover
from tests.ledger.test_service import BEARER, FRIEND, MEMBER, POINTS, give

MAY, JUNE = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
RESTING, SPENDING, EARNING = Owner("member", 11), Owner("member", 10), Owner("member", 9)
CARD, SHOP = Owner("card", 7), Owner("shop", 3)


@pytest.fixture
def may(inside: int) -> Iterator[None]:
    """The books around one month."""
    entries = [
        (MAY - SECOND, "sale", MEMBER, 100), (MAY - SECOND, "sale", RESTING, 40), (MAY - SECOND, "sale", SPENDING, 5),
        (MAY, "sale", MEMBER, 20), (MAY + SECOND, "spend", MEMBER, -50), (MAY + SECOND, "sale", FRIEND, 30),
        (JUNE - SECOND, "sale", EARNING, 1), (JUNE - SECOND, "spend", SPENDING, -1), (JUNE, "gift", MEMBER, 7), (JUNE, "spend", FRIEND, -3),
    ]  # fmt: skip
    for number, (at, cause, member, points) in enumerate(entries):
        clock.fix(at)
        ledger.post(cause, number, [Entry(member, POINTS, points), Entry(BEARER, POINTS, -points)])
    clock.fix(MAY + SECOND)
    ledger.post("sale", 90, [Entry(MEMBER, Asset.GROWTH, 2), Entry(BEARER, Asset.GROWTH, -2)])
    ledger.post("recharge", 91, [Entry(CARD, POINTS, 4), Entry(SHOP, POINTS, -4)])
    clock.fix(None)
    yield


def turnover(*assets: Asset) -> list[Turnover]:
    return list(ledger.turnover("member", assets, since=MAY, until=JUNE))


def test_what_came_and_went_over_a_month_by_kind_and_by_account(may: None) -> None:
    lines = turnover(POINTS)
    assert sorted(line for line in lines if line.owner_id is None) == [
        ("bearer", None, "points", -145, 51, 51, -145),
        ("card", None, "points", 0, 4, 0, 4),
        ("member", None, "points", 145, 51, 51, 145),
        ("shop", None, "points", 0, 0, 4, -4),
    ]
    assert [line for line in lines if line.owner_id is not None] == [
        ("member", 7, "points", 100, 20, 50, 70),
        ("member", 8, "points", 0, 30, 0, 30),
        ("member", 9, "points", 0, 1, 0, 1),
        ("member", 10, "points", 5, 0, 1, 4),
    ]
    assert all(line.agrees for line in lines)


def test_several_assets_come_account_by_account(may: None) -> None:
    of_members = [(line.owner_id, line.asset) for line in turnover(POINTS, Asset.GROWTH) if line.owner_id is not None]
    assert of_members == [(7, "growth"), (7, "points"), (8, "points"), (9, "points"), (10, "points")]
    session.execute(text("SET LOCAL enable_indexscan = off"))  # whichever way the accounts are read
    session.execute(text("SET LOCAL enable_bitmapscan = off"))
    assert [(line.owner_id, line.asset) for line in turnover(POINTS, Asset.GROWTH) if line.owner_id is not None] == of_members


def test_the_turnover_is_read_piece_by_piece(may: None) -> None:
    lines = ledger.turnover("member", [POINTS], since=MAY, until=JUNE)
    assert next(lines).owner_id is None
    assert session.scalar(text("SELECT count(*) FROM pg_cursors")) == 1  # a mall's members do not fit into the memory of a process
    assert len(list(lines)) == 7


def test_an_account_whose_closing_hides_what_moved_is_told(may: None) -> None:
    session.execute(text("UPDATE ledger_accounts SET balance = 0 WHERE owner_id = 9"))
    session.execute(text("UPDATE ledger_accounts SET balance = 5 WHERE owner_id = 10"))
    wrong = [line for line in turnover(POINTS) if line.owner_id is not None and not line.agrees]
    assert wrong == [("member", 9, "points", 0, 1, 0, 0), ("member", 10, "points", 5, 0, 1, 5)]


def test_an_account_that_did_not_move_is_told_when_it_disagrees(may: None) -> None:
    session.execute(text("UPDATE ledger_accounts SET balance = 45 WHERE owner_id = 11"))
    session.execute(text("INSERT INTO ledger_accounts (owner_kind, owner_id, asset, balance) VALUES ('member', 12, 'points', 6)"))
    session.execute(text("INSERT INTO ledger_accounts (owner_kind, owner_id, asset) VALUES ('gateway', 1, 'points')"))
    wrong = [line for line in turnover(POINTS) if not line.agrees]
    assert wrong[0] == ("member", None, "points", 145, 51, 51, 156)
    assert wrong[1:] == [("member", 11, "points", 40, 0, 0, 45), ("member", 12, "points", 0, 0, 0, 6)]
    assert ("gateway", None, "points", 0, 0, 0, 0) in turnover(POINTS)


def test_why_one_kind_of_accounts_moved_in_a_month(may: None) -> None:
    assert ledger.moved_by_cause("member", [POINTS, Asset.GROWTH], since=MAY, until=JUNE) == [
        ("growth", "sale", 2, 0), ("points", "sale", 51, 0), ("points", "spend", 0, 51),
    ]  # fmt: skip
    session.execute(text("SET LOCAL enable_sort = off"))  # in the same order whichever way the entries are added up
    assert [line[:2] for line in ledger.moved_by_cause("member", [POINTS, Asset.GROWTH], since=MAY, until=JUNE)] == [
        ("growth", "sale"), ("points", "sale"), ("points", "spend"),
    ]  # fmt: skip
    assert ledger.moved_by_cause("bearer", [POINTS], since=JUNE, until=JUNE + SECOND) == [
        ("points", "gift", 0, 7),
        ("points", "spend", 3, 0),
    ]


def test_what_single_causes_moved_on_an_account(may: None) -> None:
    causes = [("sale", 0), ("spend", 0), ("spend", 4), ("sale", 90), ("sale", 5)]
    assert ledger.moved_by(MEMBER, POINTS, causes) == {("sale", 0): 100, ("spend", 4): -50}
    assert ledger.moved_by(BEARER, Asset.GROWTH, causes) == {("sale", 90): -2}
    assert ledger.moved_by(MEMBER, POINTS, []) == {}


def test_movements_are_one_line_a_transfer_and_owner_newest_first(may: None) -> None:
    owners, assets = [MEMBER.id, SPENDING.id], [POINTS, Asset.GROWTH]
    first = ledger.movements("member", owners, assets, None, 4)
    assert [(row.owner_id, row.cause_type, row.points, row.growth) for row in first.items] == [
        (7, "sale", 0, 2), (7, "gift", 7, 0), (10, "spend", -1, 0), (7, "spend", -50, 0),
    ]  # fmt: skip
    rest = ledger.movements("member", owners, assets, first.next_cursor, 4)
    assert [(row.owner_id, row.cause_id, row.points) for row in rest.items] == [(7, "3", 20), (10, "2", 5), (7, "0", 100)]
    assert (rest.next_cursor, rest.items[0].posted_at, rest.items[0].undoes) == (None, MAY, None)
    assert [row.cause_type for row in ledger.movements("card", [CARD.id], [POINTS]).items] == ["recharge"]
    assert [row.points for row in ledger.movements("member", [MEMBER.id], [POINTS]).items] == [7, -50, 20, 100]


def test_a_transfer_between_two_owners_is_a_line_of_each(inside: int) -> None:
    give(MEMBER, 10, 1)
    ledger.post("swap", 1, [Entry(MEMBER, POINTS, -10), Entry(FRIEND, POINTS, 10)])
    rows = ledger.movements("member", [MEMBER.id, FRIEND.id], [POINTS]).items
    assert [(row.owner_id, row.points) for row in rows] == [(8, 10), (7, -10), (7, 10)]


def rolled() -> list[tuple[Any, ...]]:
    query = """SELECT a.owner_kind, r.balance, r.through_entry_id, r.rolled_at FROM ledger_rollups r
        JOIN ledger_accounts a ON a.id = r.account_id ORDER BY 1"""
    return [tuple(row) for row in session.execute(text(query))]


def move(cause: int, points: int, at: datetime) -> None:
    clock.fix(at)
    ledger.post("test", cause, [Entry(SHOP, POINTS, points), Entry(BEARER, POINTS, -points)])


def test_a_roll_up_goes_as_far_as_nothing_can_precede(inside: int) -> None:
    now = datetime(2026, 5, 20, 4, tzinfo=UTC)
    move(1, 100, now - timedelta(hours=1, seconds=1))
    give(MEMBER, 1, 2)
    clock.fix(now)
    ledger.roll_up()
    assert rolled() == [("bearer", -101, 4, now), ("shop", 100, 4, now)]
    move(3, 10, now)
    later = now + timedelta(hours=1)
    clock.fix(later)
    ledger.roll_up()
    assert rolled() == [("bearer", -101, 4, later), ("shop", 100, 4, later)]
    assert (ledger.balance(SHOP, POINTS), ledger.balance(BEARER, POINTS)) == (110, -111)
    clock.fix(later + SECOND)
    ledger.roll_up()
    assert [row[:3] for row in rolled()] == [("bearer", -111, 6), ("shop", 110, 6)]
    assert (ledger.balance(SHOP, POINTS), ledger.balance(BEARER, POINTS), ledger.prove()) == (110, -111, [])


def test_a_roll_up_keeps_an_account_that_rested_meanwhile(inside: int) -> None:
    now = datetime(2026, 5, 20, 4, tzinfo=UTC)
    move(1, 100, now - timedelta(hours=5))
    clock.fix(now - timedelta(hours=3))
    ledger.roll_up()
    give(MEMBER, 1, 2)
    clock.fix(now)
    ledger.roll_up()
    assert [row[:3] for row in rolled()] == [("bearer", -101, 4), ("shop", 100, 4)]
    clock.fix(now - timedelta(hours=3))  # the clock is set back: nothing is unrolled
    ledger.roll_up()
    assert [row[:3] for row in rolled()] == [("bearer", -101, 4), ("shop", 100, 4)]


def test_a_roll_up_of_an_account_that_began_after_it_is_true(inside: int) -> None:
    now = datetime(2026, 5, 20, 4, tzinfo=UTC)
    move(1, 100, now - timedelta(hours=5))
    clock.fix(now)
    ledger.post("test", 2, [Entry(Owner("gateway", 1), POINTS, 3), Entry(BEARER, POINTS, -3)])
    ledger.roll_up()
    assert [row[:3] for row in rolled()] == [("bearer", -100, 2), ("gateway", 0, 2), ("shop", 100, 2)]
    assert (ledger.balance(Owner("gateway", 1), POINTS), ledger.prove()) == (3, [])


def test_nothing_is_rolled_up_before_its_time(inside: int) -> None:
    give(MEMBER, 100, 1)
    ledger.roll_up()
    assert rolled() == []


def wrong() -> list[tuple[str, str, int, int]]:
    return [(line.what, line.subject, line.expected, line.found) for line in ledger.prove()]


def test_a_recount_says_what_is_wrong_with_what(inside: int) -> None:
    first, second = give(MEMBER, 100, 1), give(MEMBER, 1, 2)
    add = text("INSERT INTO ledger_entries (transfer_id, account_id, amount, posted_at) VALUES (:transfer, 424242, 7, now())")
    session.execute(add, {"transfer": second})
    session.execute(add, {"transfer": first})
    session.execute(text("INSERT INTO ledger_transfers (cause_type, cause_id, digest, posted_at) VALUES ('x', '1', '', now())"))
    session.execute(text("INSERT INTO ledger_accounts (owner_kind, owner_id, asset, balance) VALUES ('member', 8, 'points', 6)"))
    session.execute(text("UPDATE ledger_accounts SET balance = 99 WHERE owner_id = 7"))
    assert wrong() == [
        ("account", f"account 424242 of transfer {first}", 1, 0),
        ("balance", "member:7 points", 101, 99),
        ("balance", "member:8 points", 0, 6),
        ("empty", f"transfer {second + 1}", 2, 0),
        ("transfer", f"transfer {first} ?", 0, 7),
        ("transfer", f"transfer {second} ?", 0, 7),
    ]


def test_a_recount_finds_a_transfer_that_is_half_there_in_one_asset(inside: int) -> None:
    transfer = give(MEMBER, 100, 1)
    session.execute(
        text("""INSERT INTO ledger_entries (transfer_id, account_id, amount, posted_at)
            SELECT :transfer, id, 1, now() FROM ledger_accounts WHERE owner_kind = 'bearer'"""), {"transfer": transfer}
    )  # fmt: skip
    assert wrong() == [("transfer", f"transfer {transfer} points", 0, 1)]


def test_a_recount_finds_a_wrong_roll_up(inside: int) -> None:
    now = datetime(2026, 5, 20, 4, tzinfo=UTC)
    move(1, 100, now - timedelta(hours=5))
    clock.fix(now)
    ledger.roll_up()
    move(2, 1, now)
    assert wrong() == []
    session.execute(text("UPDATE ledger_rollups SET balance = -99 WHERE balance = -100"))
    session.execute(text("INSERT INTO ledger_accounts (owner_kind, owner_id, asset) VALUES ('gateway', 1, 'points')"))
    session.execute(
        text("""INSERT INTO ledger_rollups (account_id, through_entry_id, balance, rolled_at)
            SELECT id, 2, 3, now() FROM ledger_accounts WHERE owner_kind = 'gateway'""")
    )
    assert wrong() == [("rollup", "bearer:0 points", -100, -99), ("rollup", "gateway:1 points", 0, 3)]


def test_a_proof_counts_everything_and_keeps_a_hundred_lines(inside: int) -> None:
    session.execute(
        text("""INSERT INTO ledger_accounts (owner_kind, owner_id, asset, balance)
            SELECT 'member', number, 'points', 1 FROM generate_series(1000, 1100) number""")
    )
    clock.fix(MAY)
    proof = ledger.record_proof()
    assert (proof.differences, len(proof.lines), proof.proved_at) == (101, 100, MAY)
    assert proof.lines[0] == {"what": "balance", "subject": "member:1000 points", "expected": 0, "found": 1}
    later = ledger.record_proof()
    assert later.id > proof.id  # by which the alarm names it
    first = ledger.proofs(None, 1)
    assert ([row.id for row in first.items], [row.id for row in ledger.proofs(first.next_cursor, 1).items]) == ([later.id], [proof.id])


@pytest.mark.parametrize(
    "count",
    [
        ledger.prove,
        ledger.roll_up,
        lambda: list(ledger.turnover("member", [POINTS], since=MAY, until=JUNE)),
        lambda: ledger.moved_by_cause("member", [POINTS], since=MAY, until=JUNE),
    ],
)
def test_a_count_of_the_books_may_take_half_an_hour_and_only_that(app: Any, mall: int, count: Callable[[], object]) -> None:
    with db.unit_of_work(mall):
        count()
        assert session.scalar(text("SHOW statement_timeout")) == "30min"
    with db.unit_of_work(mall):
        assert session.scalar(text("SHOW statement_timeout")) == "15s"
