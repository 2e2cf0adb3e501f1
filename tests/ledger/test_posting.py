"""What may be posted and what a posting leaves behind: the bounds, the repetition, the note, the account's own line."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, text

from api.kit.db import session
from api.ledger import service as ledger
from api.ledger.errors import AccountUnknown, AlreadyUndone, BalanceTooLow, CauseClash
from api.ledger.models import Account, Transfer
from api.ledger.service import MAX_AMOUNT, Asset, Entry, Owner
from api.members.models import Member
from tests.factories import make_member
from tests.ledger.test_service import BEARER, FRIEND, MEMBER, POINTS, give

CARD = Owner("card", 7)
SHOP = Owner("shop", 3)


def test_the_largest_amount_is_what_every_reader_of_json_keeps_exact(inside: int) -> None:
    assert MAX_AMOUNT == 9_007_199_254_740_992
    give(MEMBER, MAX_AMOUNT, 1)
    assert ledger.balance(MEMBER, POINTS) == MAX_AMOUNT
    for sign in (1, -1):
        entries = [
            Entry(FRIEND, POINTS, sign * (MAX_AMOUNT + 1), True),
            Entry(BEARER, POINTS, -sign * MAX_AMOUNT),
            Entry(SHOP, POINTS, -sign),
        ]
        with pytest.raises(ValueError, match="nothing absurd"):
            ledger.post("test", 2, entries)


@pytest.mark.parametrize("asset", list(Asset))
def test_only_points_and_growth_may_be_owed(inside: int, asset: Asset) -> None:
    entries = [Entry(MEMBER, asset, -5, True), Entry(BEARER, asset, 5)]
    if asset in (Asset.POINTS, Asset.GROWTH):
        ledger.post("test", 1, entries)
        assert ledger.balance(MEMBER, asset) == -5
    else:
        with pytest.raises(ValueError, match="only points and growth"):
            ledger.post("test", 1, entries)


def test_several_entries_of_an_account_become_one_line(inside: int) -> None:
    ledger.post("test", 1, [Entry(MEMBER, POINTS, 5), Entry(BEARER, POINTS, -12), Entry(MEMBER, POINTS, 7)])
    assert [row.amount for row in ledger.entries_of(MEMBER, POINTS).items] == [12]
    ledger.post("test", 2, [Entry(MEMBER, POINTS, -10, True), Entry(MEMBER, POINTS, -10), Entry(BEARER, POINTS, 20)])
    assert ledger.balance(MEMBER, POINTS) == -8
    with pytest.raises(BalanceTooLow):
        ledger.post("test", 3, [Entry(FRIEND, POINTS, -5), Entry(FRIEND, POINTS, -5), Entry(BEARER, POINTS, 10)])


def test_each_asset_sums_to_zero_by_itself(inside: int) -> None:
    with pytest.raises(ValueError, match="sum to zero"):
        ledger.post("test", 1, [Entry(MEMBER, POINTS, 5), Entry(BEARER, POINTS, -4)])
    growth = [Entry(MEMBER, Asset.GROWTH, 5), Entry(BEARER, Asset.GROWTH, -5)]
    with pytest.raises(ValueError, match="sum to zero"):
        ledger.post("test", 1, [*growth, Entry(MEMBER, POINTS, 5)])


def test_an_account_that_nothing_moves_gets_no_line(inside: int) -> None:
    ledger.post("test", 1, [Entry(MEMBER, POINTS, 5), Entry(MEMBER, POINTS, -5), Entry(SHOP, POINTS, 5), Entry(BEARER, POINTS, -5)])
    assert (ledger.entries_of(MEMBER, POINTS).items, ledger.balance(SHOP, POINTS)) == ([], 5)


def test_a_repetition_says_so_and_moves_nothing(inside: int) -> None:
    first = ledger.post_with_balances("test", 1, [Entry(MEMBER, POINTS, 5), Entry(BEARER, POINTS, -5)])
    again = ledger.post_with_balances("test", 1, [Entry(BEARER, POINTS, -5), Entry(MEMBER, POINTS, 5)])
    assert (first.balances, first.of_cards, first.repeated) == ({(MEMBER.id, "points"): 5}, {}, False)
    assert (again.transfer_id, again.balances, again.of_cards, again.repeated) == (first.transfer_id, {}, {}, True)


def test_a_posting_between_shops_and_the_mall_says_no_balances(inside: int) -> None:
    posted = ledger.post_with_balances("test", 1, [Entry(SHOP, POINTS, 5), Entry(BEARER, POINTS, -5)])
    assert (posted.balances, posted.of_cards, posted.repeated) == ({}, {}, False)
    assert (ledger.balance(SHOP, POINTS), ledger.balance(BEARER, POINTS), ledger.prove()) == (5, -5, [])


def test_what_is_on_a_card_can_be_drawn_and_nothing_else(inside: int) -> None:
    ledger.post("recharge", 1, [Entry(CARD, Asset.PRINCIPAL_FEN, 500), Entry(SHOP, Asset.PRINCIPAL_FEN, -500)])
    drawn = ledger.post_with_balances("draw", 1, [Entry(CARD, Asset.PRINCIPAL_FEN, -200), Entry(SHOP, Asset.PRINCIPAL_FEN, 200)])
    assert drawn.of_cards == {(CARD.id, "principal_fen"): 300}
    assert [(line.amount, line.balance_after) for line in ledger.entries_of(CARD, Asset.PRINCIPAL_FEN).items] == [(-200, 300), (500, 500)]
    with pytest.raises(BalanceTooLow):
        ledger.post("draw", 2, [Entry(CARD, Asset.PRINCIPAL_FEN, -301), Entry(SHOP, Asset.PRINCIPAL_FEN, 301)])
    assert (ledger.balance(SHOP, Asset.PRINCIPAL_FEN), ledger.prove()) == (-300, [])


def test_one_point_of_a_debt_can_be_repaid(inside: int) -> None:
    give(MEMBER, -30, 1, overdraft=True)
    give(MEMBER, 1, 2)
    assert ledger.balance(MEMBER, POINTS) == -29


def test_the_same_number_of_another_kind_of_cause_is_another_cause(inside: int) -> None:
    first, second = give(MEMBER, 100, 1), ledger.post("other", 1, [Entry(MEMBER, POINTS, 1), Entry(BEARER, POINTS, -1)])
    third = give(MEMBER, 50, 2)
    assert (ledger.posted("test", 1), ledger.posted("other", 1), ledger.posted("test", "2")) == (first, second, third)
    assert ledger.posted("other", 2) is None
    assert len({first, second, third}) == 3


def test_a_repeated_cause_is_refused_by_its_name_when_it_undoes_something_else(inside: int) -> None:
    first = give(MEMBER, 100, 1)
    undoing = [Entry(MEMBER, POINTS, -100), Entry(BEARER, POINTS, 100)]
    ledger.post("refund", 1, undoing, undoes=first)
    with pytest.raises(CauseClash) as clash:
        ledger.post("refund", 1, undoing)
    assert clash.value.facts == {"cause": "refund:1"}
    with pytest.raises(AlreadyUndone):
        ledger.post("refund", 2, undoing, undoes=first)


def test_a_balance_too_low_is_named_before_an_undo_that_was_not(inside: int) -> None:
    first = give(MEMBER, 100, 1)
    give(MEMBER, -40, 2)
    with pytest.raises(BalanceTooLow):
        ledger.undo(first, "refund", 1)
    undone = ledger.undo(first, "refund", 1, overdraft=True, note="sent back")
    assert ledger.balance(MEMBER, POINTS) == -40
    line = ledger.entries_of(MEMBER, POINTS).items[0]
    assert (line.transfer_id, line.undoes, line.note, line.cause_type, line.cause_id) == (undone, first, "sent back", "refund", "1")


def test_a_repetition_after_an_upgrade_is_still_recognised(inside: int) -> None:
    # The digest of a posting stands in the table for good: the same posting must give the same one tomorrow.
    give(MEMBER, 100, 1)
    ledger.post("refund", 1, [Entry(MEMBER, POINTS, -1), Entry(BEARER, POINTS, 1)], undoes=1)
    digests = [transfer.digest for transfer in session.scalars(select(Transfer).order_by(Transfer.id))]
    assert digests == ["3c0cf2db60abaa151f5c7473cdfabcc7", "3bda33dc74924599fe7fe736c0c32644"]


def test_an_account_s_line_says_when_and_why(inside: int) -> None:
    first = ledger.post("sale", 17, [Entry(MEMBER, POINTS, 5), Entry(BEARER, POINTS, -5)], note="lunch")
    give(FRIEND, 50, 1)
    ledger.post("sale", 18, [Entry(MEMBER, Asset.GROWTH, 9), Entry(BEARER, Asset.GROWTH, -9)])
    (line,) = ledger.entries_of(MEMBER, POINTS).items
    seen = (line.amount, line.balance_after, line.transfer_id, line.cause_type, line.cause_id, line.note, line.undoes)
    assert seen == (5, 5, first, "sale", "17", "lunch", None)
    assert line.posted_at == session.get(Transfer, first).posted_at
    (standing,) = ledger.entries_of(BEARER, Asset.GROWTH).items
    assert (standing.amount, standing.balance_after) == (-9, None)


def test_balances_of_one_owner_come_together_and_zero_where_none_was_used(inside: int) -> None:
    ledger.post(
        "test", 1, [Entry(MEMBER, POINTS, 5), Entry(BEARER, POINTS, -5), Entry(MEMBER, Asset.GROWTH, 7), Entry(BEARER, Asset.GROWTH, -7)]
    )
    give(FRIEND, 50, 2)
    ledger.post("test", 3, [Entry(CARD, POINTS, 3), Entry(BEARER, POINTS, -3)])
    wanted = [Asset.POINTS, Asset.POINTS_PENDING, Asset.GROWTH]
    assert ledger.balances(MEMBER, wanted) == {Asset.POINTS: 5, Asset.POINTS_PENDING: 0, Asset.GROWTH: 7}
    assert ledger.balances(BEARER, [Asset.POINTS]) == {Asset.POINTS: -58}


def test_balances_of_several_members_come_together(inside: int) -> None:
    give(MEMBER, 5, 1)
    give(FRIEND, 6, 2)
    give(Owner("member", 9), 7, 3)
    ledger.post(
        "test", 4, [Entry(CARD, POINTS, 3), Entry(MEMBER, Asset.GROWTH, 2), Entry(BEARER, POINTS, -3), Entry(BEARER, Asset.GROWTH, -2)]
    )
    assert ledger.running_balances("member", [MEMBER.id, FRIEND.id, 99], [POINTS]) == {(MEMBER.id, POINTS): 5, (FRIEND.id, POINTS): 6}
    assert ledger.running_balances("card", [CARD.id], [POINTS, Asset.GROWTH]) == {(CARD.id, POINTS): 3}


def test_a_balance_stands_beside_each_row_that_names_its_owner(inside: int) -> None:
    first, second = make_member().id, make_member().id
    give(Owner("member", first), 5, 1)
    ledger.post("test", 2, [Entry(Owner("card", first), POINTS, 3), Entry(BEARER, POINTS, -3)])
    ledger.post("test", 3, [Entry(Owner("member", first), Asset.GROWTH, 8), Entry(BEARER, Asset.GROWTH, -8)])
    query = select(Member.id, ledger.running("member", Member.id, POINTS)).order_by(Member.id)
    assert [tuple(row) for row in session.execute(query)] == [(first, 5), (second, None)]


def test_a_held_account_says_its_balance(inside: int) -> None:
    give(MEMBER, 5, 1)
    give(FRIEND, 6, 2)
    ledger.post(
        "test", 3, [Entry(CARD, POINTS, 3), Entry(MEMBER, Asset.GROWTH, 2), Entry(BEARER, POINTS, -3), Entry(BEARER, Asset.GROWTH, -2)]
    )
    assert [ledger.lock(MEMBER, POINTS), ledger.lock(FRIEND, POINTS), ledger.lock(CARD, POINTS), ledger.lock(MEMBER, Asset.GROWTH)] == [
        5,
        6,
        3,
        2,
    ]
    assert ledger.lock(Owner("member", 99), POINTS) == 0
    held = session.execute(text("SELECT count(*) FROM ledger_accounts WHERE owner_id = 7 AND balance IS NOT NULL")).scalar_one()
    assert held == session.query(Account).filter(Account.owner_id == MEMBER.id).count()


@pytest.mark.parametrize("kind", ["member", "card", "shop", "mall", "gateway", "bearer", "brand"])
def test_an_account_is_found_by_its_address(kind: str) -> None:
    assert ledger.named(kind, 2**63 - 1, "points") == (Owner(kind, 2**63 - 1), Asset.POINTS)


@pytest.mark.parametrize("address", [("till", 1, "points"), ("member", 1, "gold"), ("member", 2**63, "points")])
def test_an_address_of_no_account_is_refused(address: tuple[Any, ...]) -> None:
    with pytest.raises(AccountUnknown):
        ledger.named(*address)
