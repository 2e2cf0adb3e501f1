"""Money back: never more than was paid, never twice, asked about until it is there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from api.kit import db
from api.payments import service
from api.payments.errors import GatewayRefundTooLarge, PaymentNotPaid, RefundOnItsWay
from tests.payments.conftest import PRICE
from tests.processes import until


def done(till, refund) -> bool:
    till.due(ahead=6)
    return till.refund(refund).state == "done"


def test_a_refund_is_sent_and_arrives(till, told) -> None:
    payment = till.paid()
    refund = till.give_back(payment, 500)
    until(lambda: done(till, refund), 10, every=0.2)
    found = till.read(payment)
    assert (found.refunding_fen, found.refunded_fen, told.refunds) == (500, 500, [f"{refund.number} done"])


def test_the_same_cause_is_the_same_refund(till) -> None:
    payment = till.paid()
    assert till.give_back(payment, 500).id == till.give_back(payment, 500).id
    assert till.read(payment).refunding_fen == 500


def test_nothing_is_given_back_of_what_was_not_paid(till) -> None:
    payment = till.placed()
    with pytest.raises(PaymentNotPaid):
        till.give_back(payment, 1)


def test_racing_refunds_never_give_back_more_than_was_paid(till) -> None:
    payment = till.paid()
    refused = []

    def give(cause: int) -> None:
        try:
            till.give_back(payment, 300, cause)
        except GatewayRefundTooLarge:
            refused.append(cause)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(give, range(16)))
    assert till.read(payment).refunding_fen == PRICE // 300 * 300
    assert len(refused) == 16 - PRICE // 300


def test_a_silent_refund_is_asked_about_and_never_sent_with_another_number(till) -> None:
    payment = till.paid()
    till.simulator.fault("reset", "refund")
    refund = till.give_back(payment, 500)
    until(lambda: done(till, refund), 10, every=0.2)
    assert (till.refund(refund).number, till.read(payment).refunded_fen) == (refund.number, 500)


def test_a_merchant_without_money_leaves_it_stuck_until_a_person_sends_it_again(till) -> None:
    payment = till.paid()
    where = {"wechat": ("merchants", {"mchid": "1900000109"}), "alipay": ("applications", {"app_id": "2021000000000000"})}
    path, said = where[till.simulator.channel]
    till.simulator.sim(path, can_refund=False, **said)
    refund = till.give_back(payment, 500)
    till.due()
    assert (till.refund(refund).state, till.refund(refund).trouble) == ("stuck", "balance-short")
    till.simulator.sim(path, can_refund=True, **said)
    with db.unit_of_work(till.mall):
        service.send_again(refund.id, by="staff:1")
    until(lambda: done(till, refund), 10, every=0.2)
    with db.unit_of_work(till.mall), pytest.raises(RefundOnItsWay):
        service.send_again(refund.id, by="staff:1")
