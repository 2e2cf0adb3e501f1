"""What an option says of turning it on and off holds: on it takes something, off it takes nothing, whatever pays beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.checkout.mix import best
from api.checkout.service.quotes import options_of
from api.checkout.tenders.base import Asked, Choice, Offer
from api.checkout.tenders.cards import CardOffer
from api.checkout.tenders.gateway import GatewayOffer
from api.checkout.tenders.points import PointsOffer, Worth
from api.malls import service as malls
from api.purchases.baskets import Line, Seller
from api.wallet.service import Funds
from tests.checkout.conftest import Street


def offers_of(asked: Asked, *, points: int, share_bp: int, step: int = 100, cards: list[Funds]) -> tuple[Offer, ...]:
    worth = Worth(balance=points, points_a_yuan=100, step=step, share_bp=share_bp)
    may_pay = tuple(line.takes_benefits for line in asked.lines)
    limit = worth.limit(asked.sum_of(may_pay))
    return PointsOffer(worth, may_pay, limit, None if limit else "too_few"), CardOffer(asked, tuple(cards), None), GatewayOffer()


def card(card_id: int, fen: int, *shops: int) -> Funds:
    return Funds(card_id, f"8600****{card_id:04}", "electronic", fen, 0, None, frozenset(shops) or None, None)


def asked_for(*lines: tuple[int, int, bool]) -> Asked:
    goods = tuple(Line(f"good {at}", fen, Seller(shop), takes_benefits=takes) for at, (fen, shop, takes) in enumerate(lines))
    return Asked(goods, tuple(line.net_fen for line in goods), 7)


def shown(asked: Asked, offers: tuple[Offer, ...], choice: Choice) -> dict[Any, Any]:
    chosen = best(asked.amounts, [source for offer in offers for source in offer.sources(choice)])
    return {option.key: option for option in options_of(asked, offers, choice, chosen)}


def broken(asked: Asked, offers: tuple[Offer, ...], choice: Choice) -> list[Any]:
    """The options that do not do what they say."""
    wrong = []
    for key, option in shown(asked, offers, choice).items():
        turned_on = shown(asked, offers, {**choice, **option.turn_on})[key].takes_fen
        turned_off = shown(asked, offers, {**choice, **option.turn_off})[key].takes_fen
        if (turned_on > 0) != (option.could_fen > 0) or turned_off:
            wrong.append((key, turned_on, turned_off))
    return wrong


THREE = [card(89, 8_000), card(90, 4_000), card(91, 5_000)]


@pytest.mark.parametrize("choice", [{}, {"points": 0}, {"card_ids": []}, {"points": 0, "card_ids": [91]}, {"card_ids": [90, 91]}])
@pytest.mark.parametrize(("points", "share_bp"), [(0, 10_000), (20_000, 10_000), (20_000, 5_000), (300, 10_000)])
def test_turning_an_option_on_makes_it_pay_and_off_makes_it_pay_nothing(points: int, share_bp: int, choice: Choice) -> None:
    asked = asked_for((10_000, 1, True))
    wanted = {name: value for name, value in choice.items() if name != "points" or points}
    assert broken(asked, offers_of(asked, points=points, share_bp=share_bp, cards=THREE), wanted) == []


@given(
    lines=st.lists(st.tuples(st.integers(1, 3_000), st.integers(1, 3), st.booleans()), min_size=1, max_size=4),
    points=st.integers(0, 60).map(lambda steps: steps * 100),
    share_bp=st.sampled_from([3_000, 10_000]),
    cards=st.lists(st.tuples(st.integers(0, 3_000), st.sets(st.integers(1, 3), max_size=2)), max_size=4),
    used=st.none() | st.sets(st.integers(1, 4)),
)
def test_what_an_option_says_holds_for_any_basket(lines: Any, points: int, share_bp: int, cards: Any, used: set[int] | None) -> None:
    asked = asked_for(*lines)
    held = [card(number, fen, *shops) for number, (fen, shops) in enumerate(cards, 1)]
    choice = {"card_ids": None if used is None else sorted(used & {one.card_id for one in held})}
    assert broken(asked, offers_of(asked, points=points, share_bp=share_bp, cards=held), choice) == []


def test_the_card_that_is_turned_on_pays_as_much_as_it_could_and_points_pay_the_rest() -> None:
    asked = asked_for((10_000, 1, True))
    offers = offers_of(asked, points=20_000, share_bp=10_000, cards=[card(91, 4_050)])
    [points, first] = shown(asked, offers, {}).values()
    assert (points.takes_fen, first.takes_fen, first.turn_on) == (10_000, 0, {"card_ids": [91], "points": 5_900})
    [points, first] = shown(asked, offers, first.turn_on).values()
    assert (points.takes_fen, first.takes_fen) == (5_900, 4_050)


def test_points_that_can_pay_another_line_stay() -> None:
    asked = asked_for((1_000, 1, True), (1_000, 2, True))
    offers = offers_of(asked, points=1_000, share_bp=5_000, cards=[replace(card(91, 1_000), shop_ids=frozenset({1}))])
    [_, first] = shown(asked, offers, {"card_ids": []}).values()
    assert first.turn_on == {"card_ids": [91]}


def test_a_card_is_turned_on_where_points_pay_all(street: Street) -> None:
    with street.inside():
        malls.change_policy({"points_pay_share_bp": 10_000}, by="test", why="points may pay all")
    shopper = street.shopper(points_held=20_000, principal_fen=3_000)
    points, first = shopper.quote(10_000)["options"]
    assert (points["takes_fen"], first["takes_fen"]) == (10_000, 0)
    points, first = shopper.quote(10_000, choose=first["turn_on"])["options"]
    assert (points["takes_fen"], first["takes_fen"]) == (7_000, 3_000)
