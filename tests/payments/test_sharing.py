"""The mall's part of what a shop collects directly: sent after a minute, the rest set free, back before a refund."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from api.kit import db
from api.kit.db import session
from api.payments import service
from api.payments.errors import MerchantAccountWrong
from api.payments.models import Payment, ProfitShare
from tests.factories import make_shop
from tests.payments.conftest import DEMO, Simulator, Till, add_account
from tests.processes import until

SHOP = "1900000201"
A_WHILE = 120


@pytest.fixture
def shop_till(wechat_till: Till, wechat: Simulator) -> Till:
    """A shop that WeChat Pay pays directly; a tenth goes to the mall."""
    app_id, certificate = DEMO["wechat"]["app_id"], (wechat.keys / "merchant_cert.pem").read_text()
    wechat.sim("merchants", mchid=SHOP, certificate_pem=certificate, appids=[app_id])
    with db.unit_of_work(wechat_till.mall):
        own = add_account(
            wechat,
            merchant_no=SHOP,
            shop_id=make_shop().id,
            collects="shop",
            profit_share_bp=1000,
            share_receiver_no=DEMO["wechat"]["merchant_no"],
        )
    return replace(wechat_till, account_id=own.id)


def paid(till: Till, amount_fen: int = 1280) -> Payment:
    """A payment that is old enough to be shared."""
    payment = till.placed(amount_fen)
    till.simulator.sim("pay", out_trade_no=payment.number, mchid=SHOP, notify=False)
    till.do(lambda: service.ask(payment.id))
    assert till.read(payment).state == "paid"
    return payment


@pytest.fixture
def later(shop_till: Till):
    """Let the simulator's clock be a while ahead, until the end of the test."""

    def advance() -> None:
        shop_till.simulator.sim("clock", advance=A_WHILE)
        moved.append(A_WHILE)

    moved: list[int] = []
    yield advance
    shop_till.simulator.sim("clock", advance=-sum(moved))
    shop_till.simulator.sim("share-accounts", account=DEMO["wechat"]["merchant_no"], fail_reason="")


def share(till: Till, payment: Payment) -> ProfitShare:
    with db.unit_of_work(till.mall):
        return session.query(ProfitShare).filter_by(payment_id=payment.id).one()


def reached(till: Till, payment: Payment, state: str) -> bool:
    till.due(ahead=100)
    return share(till, payment).state == state


def test_a_tenth_arrives_and_the_rest_is_free(shop_till, later) -> None:
    payment = paid(shop_till)
    assert shop_till.due(ahead=60) >= 0 and share(shop_till, payment).state == "planned"
    later()
    until(lambda: reached(shop_till, payment, "done"), 10, every=0.1)
    done = share(shop_till, payment)
    assert (done.amount_fen, done.arrived_at is not None, done.freeing_no is not None) == (128, True, True)


def test_it_is_not_sent_before_a_minute_is_over(shop_till) -> None:
    payment = paid(shop_till)
    planned = share(shop_till, payment)
    assert planned.next_ask_at - planned.made_at >= timedelta(minutes=1)


def test_a_part_comes_back_before_the_shopper_is_refunded(shop_till, later) -> None:
    payment = paid(shop_till)
    later()
    until(lambda: reached(shop_till, payment, "done"), 10, every=0.1)
    first = shop_till.give_back(payment, 500, "first")
    until(lambda: shop_till.due(ahead=6) and shop_till.refund(first).state == "done", 10, every=0.1)
    assert (shop_till.refund(first).share_return_fen, share(shop_till, payment).returned_fen) == (50, 50)
    later()
    rest = shop_till.give_back(payment, 780, "rest")
    until(lambda: shop_till.due(ahead=6) and shop_till.refund(rest).state == "done", 10, every=0.1)
    assert share(shop_till, payment).returned_fen == 128
    assert shop_till.read(payment).refunded_fen == 1280


def test_what_was_given_back_before_is_not_shared(shop_till, later) -> None:
    payment = paid(shop_till)
    refund = shop_till.give_back(payment, 1280)
    until(lambda: shop_till.due(ahead=6) or shop_till.refund(refund).state == "done", 10, every=0.1)
    later()
    until(lambda: reached(shop_till, payment, "dropped"), 10, every=0.1)
    assert share(shop_till, payment).amount_fen == 0


def test_a_part_that_does_not_arrive_waits_for_a_person(shop_till, later) -> None:
    payment = paid(shop_till)
    later()
    mall_no = DEMO["wechat"]["merchant_no"]
    shop_till.simulator.sim("share-accounts", account=mall_no, fail_reason="ACCOUNT_ABNORMAL")
    until(lambda: reached(shop_till, payment, "stuck"), 10, every=0.1)
    stuck = share(shop_till, payment)
    assert stuck.trouble == "account-abnormal"
    shop_till.simulator.sim("share-accounts", account=mall_no, fail_reason="")
    with db.unit_of_work(shop_till.mall):
        again = service.send_share_again(stuck.id, by="staff:1")
    assert again.number != stuck.number
    until(lambda: reached(shop_till, payment, "done"), 10, every=0.1)


def test_a_share_needs_a_shop_a_receiver_and_wechat_pay(mall, app) -> None:
    with db.unit_of_work(mall):
        shop = make_shop().id
        said = {"by": "test", "name": "x", "merchant_no": "1", "app_id": "a", "shop_id": shop, "collects": "shop", "profit_share_bp": 500}
        with pytest.raises(MerchantAccountWrong) as refusal:
            service.open_account(channel="alipay", **said)
    assert set(refusal.value.facts["errors"]) == {"profit_share_bp", "share_receiver_no"}
