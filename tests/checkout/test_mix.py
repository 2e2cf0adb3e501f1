"""The mix: best by brute force on small baskets, and never a fen too much or too little on any."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.checkout.mix import Mix, Source, SourceKey, Tender, best, give_back
from api.checkout.tenders.base import Asked
from api.checkout.tenders.cards import CardOffer
from api.checkout.tenders.gateway import GatewayOffer
from api.checkout.tenders.points import KEY as POINTS
from api.checkout.tenders.points import PointsOffer, Worth
from api.purchases.baskets import MALL, Line, Seller
from api.wallet.service import Funds
from tests.trials import trials

SELLERS = [MALL, Seller(1), Seller(2), Seller(3)]


def lines_of(most: int, count: int) -> st.SearchStrategy[list[Line]]:
    line = st.builds(Line, name=st.just("x"), net_fen=st.integers(1, most), seller=st.sampled_from(SELLERS), takes_benefits=st.booleans())
    return st.lists(line, min_size=1, max_size=count)


def cards_of(most: int, count: int) -> st.SearchStrategy[list[Funds]]:
    shops = st.none() | st.frozensets(st.sampled_from([1, 2, 3]), max_size=3)
    each = st.tuples(st.integers(0, most), st.integers(0, most), shops)
    return st.lists(each, max_size=count).map(
        lambda rows: [
            Funds(number, f"{number}", "electronic", principal, bonus, None, shop_ids, None)
            for number, (principal, bonus, shop_ids) in enumerate(rows, 1)
        ]
    )


def worth_of(most: int, step: int) -> st.SearchStrategy[Worth]:
    """One point is worth one fen here."""
    return st.builds(
        Worth, balance=st.integers(0, most), points_a_yuan=st.just(100), step=st.integers(1, step), share_bp=st.integers(0, 10_000)
    )


def offers(lines: Sequence[Line], cards: Sequence[Funds], worth: Worth) -> tuple[PointsOffer, CardOffer]:
    asked = Asked(tuple(lines), tuple(line.net_fen for line in lines), 1)
    may_pay = tuple(line.takes_benefits for line in lines)
    return PointsOffer(worth, may_pay, worth.limit(asked.sum_of(may_pay)), None), CardOffer(asked, tuple(cards), None)


def mixed(lines: Sequence[Line], points: PointsOffer, cards: CardOffer) -> Mix:
    return best([line.net_fen for line in lines], [*points.sources({}), *cards.sources({})])


@settings(max_examples=trials(3_000), deadline=None)
@given(lines_of(100_000, 12), cards_of(200_000, 4), worth_of(100_000, 500))
def test_every_line_is_paid_to_the_fen_and_nobody_pays_more_than_there_is(lines, cards, worth) -> None:
    points, stored = offers(lines, cards, worth)
    mix = mixed(lines, points, stored)
    for number, line in enumerate(lines):
        assert sum(mix.cells[number].values()) + mix.rest[number] == line.net_fen
        assert all(fen > 0 for fen in mix.cells[number].values())
        assert mix.rest[number] >= 0
        assert line.takes_benefits or POINTS not in mix.cells[number]
    for source in stored.sources({}):
        assert mix.of(source.key) <= source.fen
        assert all(may for may, cells in zip(source.may_pay, mix.cells, strict=True) if source.key in cells)
    assert mix.of(POINTS) <= points.limit_fen
    assert mix.of(POINTS) % worth.step_fen == 0


def brute(amounts: Sequence[int], sources: Sequence[Source], step: int) -> tuple[int, tuple[int, ...]]:
    """The best of all mixes there are: least new money, then the most of each source in its order."""

    def ways(number: int, free: tuple[int, ...]):
        if number == len(sources):
            yield ()
            return
        source = sources[number]
        ranges = [range(min(room, source.fen) + 1) if may else range(1) for room, may in zip(free, source.may_pay, strict=True)]
        for parts in itertools.product(*ranges):
            total = sum(parts)
            if total <= source.fen and (source.key != POINTS or total % step == 0):
                for later in ways(number + 1, tuple(room - part for room, part in zip(free, parts, strict=True))):
                    yield (total, *later)

    return min((sum(amounts) - sum(used), tuple(-fen for fen in used)) for used in ways(0, tuple(amounts)))


@settings(max_examples=250, deadline=None)
@given(lines_of(5, 3), cards_of(3, 2), worth_of(8, 3))
def test_the_mix_is_the_best_of_all(lines, cards, worth) -> None:
    points, stored = offers(lines, cards, worth)
    sources = [*points.sources({}), *stored.sources({})]
    amounts = [line.net_fen for line in lines]
    mix = best(amounts, sources)
    assert (mix.new_money_fen, tuple(-mix.of(source.key) for source in sources)) == brute(amounts, sources, worth.step_fen)


def test_a_card_of_one_shop_is_not_crowded_out_by_a_card_for_all() -> None:
    wide, narrow = SourceKey("card", 1), SourceKey("card", 2)
    mix = best([100, 100], [Source(wide, 100, (True, True)), Source(narrow, 100, (True, False))])
    assert mix.new_money_fen == 0
    assert mix.cells == ({narrow: 100}, {wide: 100})


A, B, C = SourceKey("card", 1), SourceKey("card", 2), SourceKey("card", 3)


def test_a_source_is_spread_over_its_lines_by_what_they_cost() -> None:
    mix = best([300, 600, 100], [Source(A, 300, (True, True, False))])
    assert (mix.cells, mix.rest, mix.new_money_fen) == (({A: 100}, {A: 200}, {}), (200, 400, 100), 700)
    assert (mix.of(A), mix.by_line(A), mix.of(B), mix.by_line(B)) == (300, [100, 200, 0], 0, [0, 0, 0])


def test_a_later_source_pushes_earlier_ones_along_several_lines() -> None:
    sources = [Source(A, 100, (True, True, False)), Source(B, 100, (False, True, True)), Source(C, 100, (True, False, False))]
    mix = best([100, 100, 100], sources)
    assert (mix.cells, mix.rest) == (({C: 100}, {A: 100}, {B: 100}), (0, 0, 0))


def test_a_source_that_can_push_only_a_part_pays_that_part() -> None:
    mix = best([100, 30], [Source(A, 100, (True, True)), Source(B, 100, (True, False))])
    assert (mix.of(A), mix.of(B), mix.rest) == (100, 30, (0, 0))
    mix = best(
        [100, 30, 20], [Source(A, 110, (True, True, False)), Source(B, 60, (True, False, False)), Source(C, 50, (False, True, True))]
    )
    assert (mix.of(A), mix.of(B), mix.of(C), mix.rest) == (110, 20, 20, (0, 0, 0))


def test_a_source_that_pushes_several_others_pays_no_more_than_it_has() -> None:
    sources = [Source(A, 100, (True, True, False)), Source(B, 75, (True, False, True)), Source(C, 90, (True, False, False))]
    mix = best([100, 100, 100], sources)
    assert (mix.cells, mix.rest) == (({B: 10, C: 90}, {A: 100}, {B: 65}), (0, 0, 35))


def test_a_single_fen_is_pushed_as_well() -> None:
    assert best([1, 1], [Source(A, 1, (True, True)), Source(B, 1, (True, False))]).cells == ({B: 1}, {A: 1})


def test_a_source_without_a_line_or_without_money_pays_nothing() -> None:
    mix = best([100], [Source(A, 100, (False,)), Source(B, 0, (True,))])
    assert (mix.cells, mix.rest) == (({},), (100,))


def test_of_a_basket_without_lines_nobody_pays_anything() -> None:
    assert best([], [Source(A, 100, ())]) == Mix((), ())


def test_money_comes_back_before_stored_value_and_that_before_points() -> None:
    assert sorted(Tender, key=lambda tender: tender.place) == [Tender.GATEWAY, Tender.PRINCIPAL, Tender.BONUS, Tender.POINTS]
    assert Tender.GATEWAY.place == 0


def test_only_shares_of_cards_name_their_source() -> None:
    assert [tender for tender in Tender if tender.has_sources] == [Tender.PRINCIPAL, Tender.BONUS]


def test_a_refund_is_divided_over_what_is_left() -> None:
    assert give_back(50, [60, 30, 10]) == [30, 15, 5]
    assert give_back(1, [1, 1]) == [1, 0]
    assert give_back(100, [60, 30, 10]) == [60, 30, 10]
    for amount in (0, -1, 101):
        with pytest.raises(ValueError, match="more than is left"):
            give_back(amount, [60, 30, 10])


@settings(max_examples=trials(2_000), deadline=None)
@given(
    lines_of(50_000, 8),
    cards_of(80_000, 3),
    worth_of(50_000, 100),
    st.lists(st.integers(1, 100) | st.integers(1, 400_000), max_size=30),
)
def test_shares_add_up_and_refunds_in_any_pieces_end_at_what_was_paid(lines, cards, worth, pieces) -> None:
    points, stored = offers(lines, cards, worth)
    mix = mixed(lines, points, stored)
    taken = {card: mix.of(SourceKey("stored_value", card.card_id)) for card in cards}
    drawn = {card.card_id: (min(fen, card.principal_fen), fen - min(fen, card.principal_fen)) for card, fen in taken.items() if fen}
    shares = [*points.shares(mix), *stored.shares_of(mix, drawn), *GatewayOffer().shares(mix)]
    whole = sum(line.net_fen for line in lines)
    assert sum(share.fen for share in shares) == whole
    assert all(share.fen > 0 for share in shares)
    for card_id, (principal, bonus) in drawn.items():
        assert sum(share.fen for share in shares if (share.tender, share.source_id) == (Tender.PRINCIPAL, card_id)) == principal
        assert sum(share.fen for share in shares if (share.tender, share.source_id) == (Tender.BONUS, card_id)) == bonus
    for number, line in enumerate(lines):
        assert sum(share.fen for share in shares if share.line == number) == line.net_fen
    left = [share.fen for share in shares]
    for piece in (*pieces, whole):  # the last one is all that is left
        if fen := min(piece, sum(left)):
            parts = give_back(fen, left)
            assert sum(parts) == fen
            assert all(0 <= part <= room for part, room in zip(parts, left, strict=True))
            left = [room - part for room, part in zip(left, parts, strict=True)]
    assert sum(left) == 0
    with pytest.raises(ValueError, match="more than is left"):
        give_back(1, left)
