"""The same fen, the same order, the same code at the same moment: one wins, and the books agree."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from api.kit import db
from api.kit.db import session
from api.wallet import service as wallet
from api.wallet.errors import (
    CardBalanceTooLow,
    CardNotFound,
    CardNotUsable,
    PackageLimitReached,
    PayCodeUsed,
    PutBackTooLarge,
    RechargeSpent,
)
from api.wallet.models import Card
from api.wallet.service import Drawn, card_lifecycle, card_requests
from tests.factories import make_member, make_shop
from tests.ledger.test_service import together
from tests.wallet.conftest import Holder, books_agree, make_package, whole


@pytest.fixture
def holder(app, mall: int) -> Holder:
    """A member with ¥100 and ¥10 on top."""
    with db.unit_of_work(mall):
        made = Holder(make_member().id, make_shop().id)
        made.recharges(10_000, 1_000)
        return made


def agreed(mall: int, holder: Holder) -> tuple[int, int]:
    """Principal and bonus, when every book agrees on them."""
    with db.unit_of_work(mall):
        books_agree()
        return holder.holds


def kinds(results: list[object]) -> set[str]:
    return {type(result).__name__ for result in results if isinstance(result, Exception)}


def test_the_last_fen_is_drawn_once(mall: int, holder: Holder) -> None:
    with db.unit_of_work(mall):
        card_id = holder.card_id

    def work(number: int) -> int:
        wallet.draw(holder.id, [Drawn(card_id, 6_000, 600)], cause_type="order_hold", cause_id=number)
        return 1

    results = together(mall, 8, work)
    assert (results.count(1), kinds(results)) == (1, {CardBalanceTooLow.__name__})
    assert agreed(mall, holder) == (4_000, 400)


def test_one_order_draws_once_however_often_it_asks(mall: int, holder: Holder) -> None:
    with db.unit_of_work(mall):
        drawn = whole(holder, 1_000, 100)
    results = together(mall, 8, lambda _: wallet.draw(holder.id, drawn, cause_type="order_hold", cause_id=7))
    assert kinds(results) == set()
    assert agreed(mall, holder) == (9_000, 900)


def test_one_order_recharges_once(mall: int, holder: Holder) -> None:
    results = together(mall, 8, lambda _: wallet.recharge(77, holder.id, principal_fen=500, bonus_fen=50))
    assert len(set(results)) == 1
    assert agreed(mall, holder) == (10_500, 1_050)


def test_first_recharges_at_once_make_one_card(mall: int, holder: Holder) -> None:
    with db.unit_of_work(mall):
        newcomer = make_member().id
    results = together(mall, 6, lambda number: wallet.recharge(100 + number, newcomer, principal_fen=500, bonus_fen=0))
    assert len(set(results)) == 1
    with db.unit_of_work(mall):
        assert [one.principal_fen for one in wallet.funds(newcomer)] == [3_000]


def test_the_laws_limit_holds_for_recharges_at_once(mall: int, holder: Holder) -> None:
    together(mall, 6, lambda number: wallet.recharge(100 + number, holder.id, principal_fen=300_000, bonus_fen=0))
    with db.unit_of_work(mall):
        assert max(one.principal_fen for one in wallet.funds(holder.id)) <= 500_000
    assert agreed(mall, holder) == (1_810_000, 1_000)


def test_the_last_package_is_bought_once(mall: int, holder: Holder) -> None:
    with db.unit_of_work(mall):
        package_id = make_package(member_limit=1).id
    results = together(
        mall, 6, lambda number: wallet.recharge(100 + number, holder.id, principal_fen=100_000, bonus_fen=10_000, package_id=package_id)
    )
    assert kinds(results) == {PackageLimitReached.__name__}
    assert agreed(mall, holder) == (110_000, 11_000)


def test_a_pay_code_is_used_once(mall: int, holder: Holder) -> None:
    with db.unit_of_work(mall):
        code = wallet.new_pay_code(holder.id).code
    results = together(mall, 8, lambda _: wallet.use_pay_code(code, holder.shop_id))
    assert (results.count(holder.id), kinds(results)) == (1, {PayCodeUsed.__name__})


def test_refunds_at_once_never_give_back_more_than_was_drawn(mall: int, holder: Holder) -> None:
    with db.unit_of_work(mall):
        order_id, card_id = holder.pays(10_500), holder.card_id

    def work(number: int) -> None:
        wallet.put_back([Drawn(card_id, 4_000, 200)], cause_type="order_refund", cause_id=number, of_id=order_id)

    results = together(mall, 6, work)
    assert (results.count(None), kinds(results)) == (2, {PutBackTooLarge.__name__})
    assert agreed(mall, holder) == (8_000, 900)


def test_one_refund_counts_once_however_often_it_is_sent(mall: int, holder: Holder) -> None:
    with db.unit_of_work(mall):
        order_id, card_id = holder.pays(10_500), holder.card_id
    results = together(
        mall, 6, lambda _: wallet.put_back([Drawn(card_id, 1_000, 200)], cause_type="order_refund", cause_id=1, of_id=order_id)
    )
    assert kinds(results) == set()
    assert agreed(mall, holder) == (1_000, 700)


def test_a_release_and_a_refund_at_once_give_back_once(mall: int, holder: Holder) -> None:
    with db.unit_of_work(mall):
        order_id, card_id = holder.pays(10_500), holder.card_id

    def work(number: int) -> None:
        if number % 2:
            wallet.release("order_hold", order_id, undo_type="order_release", undo_id=order_id)
        else:
            wallet.put_back([Drawn(card_id, 10_000, 500)], cause_type="order_refund", cause_id=1, of_id=order_id)

    assert kinds(together(mall, 4, work)) <= {PutBackTooLarge.__name__}
    assert agreed(mall, holder) == (10_000, 1_000)


def test_a_payout_and_a_purchase_at_once_share_what_there_is(mall: int, holder: Holder) -> None:
    with db.unit_of_work(mall):
        order_id, card_id = holder.recharges(5_000), holder.card_id

    def work(number: int) -> int:
        if number == 0:
            return wallet.refund_recharge(order_id).principal_fen
        wallet.draw(holder.id, [Drawn(card_id, 6_000, 0)], cause_type="order_hold", cause_id=number)
        return 6_000

    results = together(mall, 3, work)
    assert kinds(results) <= {CardBalanceTooLow.__name__, RechargeSpent.__name__}
    gone = sum(result for result in results if isinstance(result, int))
    assert agreed(mall, holder) == (15_000 - gone, 1_000)


def test_a_purchase_with_a_card_that_is_frozen_or_replaced_meanwhile(mall: int, holder: Holder) -> None:
    with db.unit_of_work(mall):
        card_id = holder.card_id

    def work(number: int) -> str:
        if number == 0:
            card_lifecycle.freeze(card_id, by="staff:1", why="lost")
        elif number == 1:
            card_requests.propose(card_id, "replace", why="lost", by="staff:1")
        else:
            wallet.draw(holder.id, [Drawn(card_id, 100, 10)], cause_type="order_hold", cause_id=number)
            return "drawn"
        return ""

    results = together(mall, 8, work)
    assert kinds(results) <= {CardNotUsable.__name__, CardNotFound.__name__, "WrongState"}
    drawn = results.count("drawn")
    assert agreed(mall, holder) == (10_000 - 100 * drawn, 1_000 - 10 * drawn)


def test_a_card_is_replaced_once(mall: int, holder: Holder) -> None:
    with db.unit_of_work(mall):
        card_id = holder.card_id
    together(mall, 4, lambda _: card_requests.propose(card_id, "replace", why="lost", by="staff:1"))
    with db.unit_of_work(mall):
        states_of = sorted(session.scalars(select(Card.state).where(Card.member_id == holder.id)))
    assert states_of == ["active", "replaced"]
    assert agreed(mall, holder) == (10_000, 1_000)
