"""Recharged, drawn, given back, paid out: principal and bonus stay apart, and each cause counts once."""

from __future__ import annotations

import pytest

from api.kit import db
from api.kit.db import session
from api.ledger import service as ledger
from api.ledger.errors import CauseClash
from api.ledger.service import Asset, Owner
from api.wallet import service as wallet
from api.wallet.errors import (
    CardBalanceTooLow,
    CardLimitExceeded,
    CardNotFound,
    CardNotUsable,
    PackageLimitReached,
    PutBackTooLarge,
    RechargeDiffers,
    RechargeNotFound,
    RechargeSpent,
)
from api.wallet.models import CardProduct
from api.wallet.service import Drawn, card_opening
from api.wallet.service.draws import Borne
from tests.factories import make_member, make_shop
from tests.points.conftest import set_policy
from tests.wallet.conftest import Holder, make_package, whole


def cash(kind: str, owner_id: int) -> int:
    return ledger.balance(Owner(kind, owner_id), Asset.CASH_FEN)


def bonus_of(bearer: int) -> int:
    return ledger.balance(Owner("bearer", bearer), Asset.BONUS_FEN)


def test_a_recharge_is_one_transfer_of_principal_and_bonus(holder: Holder) -> None:
    holder.recharges(100_000, 10_000)
    assert holder.holds == (100_000, 10_000)
    assert (ledger.balance(Owner("mall", db.mall()), Asset.PRINCIPAL_FEN), bonus_of(0)) == (-100_000, -10_000)


def test_an_order_recharges_once(holder: Holder) -> None:
    order_id = holder.recharges(5_000, 500)
    again = wallet.recharge(order_id, holder.id, principal_fen=5_000, bonus_fen=500, gateway_account_id=3)
    assert (again, holder.holds) == (holder.card_id, (5_000, 500))
    with pytest.raises(RechargeDiffers):
        wallet.recharge(order_id, holder.id, principal_fen=5_001, bonus_fen=500)


def test_more_than_one_card_may_hold_goes_on_another_card(holder: Holder) -> None:
    holder.recharges(400_000)
    holder.recharges(200_000)
    assert sorted(one.principal_fen for one in wallet.funds(holder.id)) == [200_000, 400_000]
    with pytest.raises(CardLimitExceeded):
        wallet.refuse_recharge(holder.id, 500_001)
    with pytest.raises(CardLimitExceeded):
        wallet.refuse_recharge(holder.id, 100_001, card_id=holder.card_id)


def test_money_for_a_card_that_was_frozen_meanwhile_goes_on_another_card(holder: Holder) -> None:
    holder.recharges(1_000)
    card = session.get_one(wallet.Card, holder.card_id)
    from api.kit import states

    states.move(card, "frozen", by="test")  # type: ignore[arg-type]
    holder.recharges(2_000, card_id=card.id)
    assert [(one.principal_fen, one.refusal) for one in wallet.funds(holder.id)] == [(1_000, "frozen"), (2_000, None)]


@pytest.mark.parametrize(
    ("order", "wanted"), [("principal_first", (3_000, 0)), ("bonus_first", (1_000, 2_000)), ("proportional", (2_500, 500))]
)
def test_value_is_used_in_the_order_that_the_mall_set(holder: Holder, order: str, wanted: tuple[int, int]) -> None:
    holder.recharges(10_000, 2_000)
    set_policy(value_order=order)
    assert wallet.split_draw(wallet.funds(holder.id), 3_000) == wanted


def test_what_the_cards_cannot_pay_is_left_out(holder: Holder) -> None:
    holder.recharges(1_000, 100)
    assert wallet.split_draw(wallet.funds(holder.id), 5_000) == (1_000, 100)


def test_a_kind_of_card_may_let_bonus_pay_only_a_part(holder: Holder) -> None:
    holder.recharges(10_000, 10_000)
    card_opening.standard_product().bonus_most_bp = 3_000
    session.flush()
    assert wallet.split_draw(wallet.funds(holder.id), 10_000, "bonus_first") == (7_000, 3_000)


def test_a_draw_takes_value_and_its_cause_counts_once(holder: Holder, statements) -> None:
    holder.recharges(10_000, 1_000)
    wallet.funds(holder.id)
    with statements() as seen:
        wallet.draw(holder.id, whole(holder, 3_000, 400), cause_type="order_hold", cause_id=7, shop_id=holder.shop_id)
    assert len(seen) <= 5, seen
    wallet.draw(holder.id, whole(holder, 3_000, 400), cause_type="order_hold", cause_id=7)
    assert holder.holds == (7_000, 600)
    with pytest.raises(CauseClash):
        wallet.draw(holder.id, whole(holder, 3_001, 400), cause_type="order_hold", cause_id=7)


def test_funds_are_one_statement(holder: Holder, statements) -> None:
    holder.recharges(10_000, 1_000)
    with statements() as seen:
        wallet.funds(holder.id)
    assert len(seen) == 1


def test_no_card_goes_below_zero(holder: Holder) -> None:
    holder.recharges(1_000, 100)
    for drawn in (whole(holder, 1_001), whole(holder, 0, 101)):
        with pytest.raises(CardBalanceTooLow), session.begin_nested():
            wallet.draw(holder.id, drawn, cause_type="order_hold", cause_id=1)
    assert holder.holds == (1_000, 100)


def test_another_members_card_is_no_card(holder: Holder) -> None:
    holder.recharges(1_000)
    with pytest.raises(CardNotFound):
        wallet.draw(make_member().id, whole(holder, 1), cause_type="order_hold", cause_id=1)


def test_a_shop_that_does_not_accept_the_card_gets_nothing_of_it(holder: Holder) -> None:
    holder.recharges(1_000)
    card_opening.standard_product().shop_ids = [make_shop().id]
    session.flush()
    assert not wallet.usable(wallet.funds(holder.id), [holder.shop_id])
    with pytest.raises(CardNotUsable) as refused:
        wallet.draw(holder.id, whole(holder, 1), cause_type="order_hold", cause_id=1, shop_id=holder.shop_id)
    assert refused.value.facts["reason"] == "not_accepted"


def test_bonus_knows_who_bears_it(holder: Holder) -> None:
    package = make_package(bonus_bearer=holder.shop_id, bonus_fen=500, pays_fen=1_000)
    holder.recharges(1_000, 300)
    holder.recharges(1_000, 500, package_id=package.id)
    order_id = next(iter([holder.pays(2_700)]))
    assert wallet.bonus_bearers("order_hold", order_id) == [
        Borne(holder.card_id, 0, 300),
        Borne(holder.card_id, holder.shop_id, 400),
    ]
    assert (bonus_of(0), bonus_of(holder.shop_id)) == (0, -100)


def test_a_released_draw_never_was(holder: Holder) -> None:
    holder.recharges(10_000, 1_000)
    order_id = holder.pays(10_500)
    for _ in range(2):
        wallet.release("order_hold", order_id, undo_type="order_release", undo_id=order_id)
    assert (holder.holds, bonus_of(0)) == ((10_000, 1_000), -1_000)
    wallet.release("order_hold", 404, undo_type="order_release", undo_id=404)


def test_a_refund_goes_back_to_the_grants_it_came_from_and_no_further(holder: Holder) -> None:
    holder.recharges(1_000, 300)
    holder.recharges(1_000, 300)
    order_id = holder.pays(2_500)
    for _ in range(2):
        wallet.put_back(whole(holder, 1_000, 400), cause_type="order_refund", cause_id=1, of_id=order_id)
    assert holder.holds == (1_000, 500)
    with pytest.raises(PutBackTooLarge):
        wallet.put_back(whole(holder, 0, 101), cause_type="order_refund", cause_id=2, of_id=order_id)
    wallet.put_back(whole(holder, 1_000, 100), cause_type="order_refund", cause_id=3)
    assert holder.holds == (2_000, 600)
    with pytest.raises(PutBackTooLarge):
        wallet.release("order_hold", order_id, undo_type="order_release", undo_id=order_id)


def test_a_recharge_pays_back_unspent_principal_and_its_bonus_is_void(holder: Holder) -> None:
    order_id = holder.recharges(10_000, 1_000)
    holder.pays(4_000)
    for _ in range(2):
        out = wallet.refund_recharge(order_id)
        assert (out.principal_fen, out.deducted_fen, out.void_bonus_fen) == (6_000, 0, 1_000)
    assert holder.holds == (0, 0)
    assert (cash("mall", db.mall()), bonus_of(0)) == (0, 0)


def test_bonus_that_was_spent_is_kept_back_from_what_is_paid_out(holder: Holder) -> None:
    order_id = holder.recharges(10_000, 1_000)
    holder.pays(700, "bonus_first")
    out = wallet.refund_recharge(order_id)
    assert (out.principal_fen, out.deducted_fen, out.void_bonus_fen) == (9_300, 700, 300)
    assert (holder.holds, cash("mall", db.mall()), cash("bearer", 0)) == ((0, 0), -700, 700)


def test_a_recharge_that_is_spent_or_paid_back_gives_nothing_more(holder: Holder) -> None:
    order_id = holder.recharges(1_000, 500)
    holder.pays(1_500)
    with pytest.raises(RechargeSpent):
        wallet.refund_recharge(order_id)
    with pytest.raises(RechargeNotFound):
        wallet.refund_recharge(4_040_404)
    other = holder.recharges(1_000)
    wallet.refund_recharge(other)
    with pytest.raises(RechargeSpent):
        wallet.refund_recharge(other, cause_id="another")


def test_a_package_is_bought_as_often_as_it_may_be(holder: Holder) -> None:
    package = make_package(member_limit=1)
    assert [one.id for one in wallet.packages(holder.id)] == [package.id]
    wallet.reserve_package(50, holder.id, package.id)
    assert wallet.packages(holder.id) == []
    with pytest.raises(PackageLimitReached):
        wallet.recharge(51, holder.id, principal_fen=100_000, bonus_fen=10_000, package_id=package.id)
    wallet.free_package(50)
    wallet.recharge(52, holder.id, principal_fen=100_000, bonus_fen=10_000, package_id=package.id)
    wallet.free_package(52)
    assert (wallet.packages(holder.id), holder.holds) == ([], (100_000, 10_000))


def test_the_invoice_is_recorded_with_the_recharge(holder: Holder) -> None:
    session.get_one(CardProduct, card_opening.standard_product().id).invoice = "at_sale"
    done = wallet.recharge_of(holder.recharges(1_000))
    assert done is not None and done.invoice == "at_sale"


def test_a_draw_of_nothing_or_less_is_a_bug(holder: Holder) -> None:
    holder.recharges(1_000)
    for drawn in ([], whole(holder, 0), whole(holder, -1), [Drawn(holder.card_id, 1, 0), Drawn(holder.card_id, 1, 0)]):
        with pytest.raises(ValueError):
            wallet.draw(holder.id, drawn, cause_type="order_hold", cause_id=1)
