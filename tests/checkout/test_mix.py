"""The mix: best by brute force on small baskets, and never a fen too much or too little on any."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.checkout.mix import POINTS, Card, Line, Mix, PointsOffer, Tender, best, give_back, shares

SHOPS = [1, 2, 3]


def lines_of(most: int, count: int) -> st.SearchStrategy[list[Line]]:
    line = st.builds(
        Line,
        name=st.just("x"),
        amount_fen=st.integers(1, most),
        shop_id=st.sampled_from(SHOPS),
        discountable=st.booleans(),
        earns=st.booleans(),
    )
    return st.lists(line, min_size=1, max_size=count)


def cards_of(most: int, count: int) -> st.SearchStrategy[list[Card]]:
    shops = st.none() | st.frozensets(st.sampled_from(SHOPS), max_size=3)
    each = st.tuples(st.integers(0, most), shops)
    return st.lists(each, max_size=count).map(lambda rows: [Card(number, fen, taken) for number, (fen, taken) in enumerate(rows, 1)])


def points_of(most: int, step: int) -> st.SearchStrategy[PointsOffer]:
    return st.builds(PointsOffer, fen=st.integers(0, most), step_fen=st.integers(1, step), share_bp=st.integers(0, 10_000))


def check(lines: Sequence[Line], cards: Sequence[Card], points: PointsOffer, mix: Mix) -> None:
    for number, line in enumerate(lines):
        assert sum(mix.cells[number].values()) + mix.rest[number] == line.amount_fen
        assert all(fen > 0 for fen in mix.cells[number].values())
        assert mix.rest[number] >= 0
        assert line.discountable or POINTS not in mix.cells[number]
    for card in cards:
        assert mix.of(card.id) <= card.fen
        assert all(card.pays(line) for line, cells in zip(lines, mix.cells, strict=True) if card.id in cells)
    assert mix.points_fen <= points.limit(lines)
    assert mix.points_fen % points.step_fen == 0


@settings(max_examples=3000, deadline=None)
@given(lines_of(100_000, 12), cards_of(200_000, 4), points_of(100_000, 500))
def test_every_line_is_paid_to_the_fen_and_nobody_pays_more_than_there_is(lines, cards, points) -> None:
    check(lines, cards, points, best(lines, points=points, cards=cards))


def brute(lines: Sequence[Line], cards: Sequence[Card], points: PointsOffer) -> tuple[int, int, tuple[int, ...]]:
    """The best of all mixes there are: least new money, then most points, then the cards in their order."""
    sources = [(POINTS, points.limit(lines)), *((card.id, card.fen) for card in cards)]
    may = {POINTS: [line.discountable for line in lines]} | {card.id: [card.pays(line) for line in lines] for card in cards}

    def ways(number: int, free: tuple[int, ...]):
        if number == len(sources):
            yield ()
            return
        source, most = sources[number]
        ranges = [range(min(room, most) + 1) if able else range(1) for room, able in zip(free, may[source], strict=True)]
        for parts in itertools.product(*ranges):
            total = sum(parts)
            if total <= most and (source != POINTS or total % points.step_fen == 0):
                for later in ways(number + 1, tuple(room - part for room, part in zip(free, parts, strict=True))):
                    yield (total, *later)

    whole = tuple(line.amount_fen for line in lines)
    return min((sum(whole) - sum(used), -used[0], tuple(-fen for fen in used[1:])) for used in ways(0, whole))


@settings(max_examples=250, deadline=None)
@given(lines_of(5, 3), cards_of(6, 2), points_of(8, 3))
def test_the_mix_is_the_best_of_all(lines, cards, points) -> None:
    mix = best(lines, points=points, cards=cards)
    assert (mix.gateway_fen, -mix.points_fen, tuple(-mix.of(card.id) for card in cards)) == brute(lines, cards, points)


def test_a_card_of_one_shop_is_not_crowded_out_by_a_card_for_all() -> None:
    lines = [Line("a", 100, 1), Line("b", 100, 2)]
    mix = best(lines, points=PointsOffer(), cards=[Card(1, 100), Card(2, 100, frozenset({1}))])
    assert mix.gateway_fen == 0
    assert mix.cells == ({2: 100}, {1: 100})


@settings(max_examples=2000, deadline=None)
@given(
    lines_of(50_000, 8),
    cards_of(80_000, 3),
    points_of(50_000, 100),
    st.lists(st.integers(0, 80_000), min_size=3, max_size=3),
    st.lists(st.integers(1, 100) | st.integers(1, 400_000), max_size=30),
)
def test_shares_add_up_and_refunds_in_any_pieces_end_at_what_was_paid(lines, cards, points, principals, pieces) -> None:
    mix = best(lines, points=points, cards=cards)
    drawn = {}
    for card, most in zip(cards, principals, strict=False):
        if fen := mix.of(card.id):
            principal = min(most, fen)
            drawn[card.id] = (principal, fen - principal)
    rows = shares(mix, drawn)
    whole = sum(line.amount_fen for line in lines)
    assert sum(fen for *_, fen in rows) == whole
    assert all(fen > 0 for *_, fen in rows)
    for card_id, (principal, bonus) in drawn.items():
        assert sum(fen for _, tender, card, fen in rows if (tender, card) == (Tender.PRINCIPAL, card_id)) == principal
        assert sum(fen for _, tender, card, fen in rows if (tender, card) == (Tender.BONUS, card_id)) == bonus
    left = [fen for *_, fen in rows]
    for piece in (*pieces, whole):  # the last one is all that is left
        if fen := min(piece, sum(left)):
            parts = give_back(fen, left)
            assert sum(parts) == fen
            assert all(0 <= part <= room for part, room in zip(parts, left, strict=True))
            left = [room - part for room, part in zip(left, parts, strict=True)]
    assert sum(left) == 0
    with pytest.raises(ValueError, match="more than is left"):
        give_back(1, left)
