"""A payment: written down first, spoken of outside any transaction, believed only from the gateway, and never paid twice."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import requests

from api.kit import db
from api.payments import service
from api.payments.errors import GatewayPaymentRefused, GatewaySilentNow, NoMerchantAccount, PaymentPaid
from api.payments.service import collection
from api.payments.states import PaymentState
from tests.processes import until


def test_a_payment_is_placed_paid_and_told_of_by_its_notice(till, told) -> None:
    payment = till.intend()
    assert payment.state == "created" and re.fullmatch(r"[0-9A-Z]{24,28}", payment.number)
    params = till.place(payment)
    assert ("paySign" in params) == (till.simulator.channel == "wechat") and ("tradeNO" in params) == (till.simulator.channel == "alipay")
    till.simulator.pay(payment)
    until(lambda: till.due() or till.read(payment).state == "paid", 10)
    found = till.read(payment)
    assert (found.state, told.paid, found.gateway_no is not None) == ("paid", [payment.number], True)
    assert till.moves(payment) == ["placed", "paid"]


def test_placing_again_gives_the_same_order(till) -> None:
    payment = till.intend()
    first, second = till.place(payment), till.place(payment)
    same = "package" if till.simulator.channel == "wechat" else "tradeNO"
    assert first[same] == second[same]
    assert till.moves(payment) == ["placed"]


def test_silence_leaves_it_unknown_and_repeating_is_harmless(till) -> None:
    payment = till.intend()
    till.simulator.fault("reset", "place")
    with pytest.raises(GatewaySilentNow):
        till.place(payment)
    assert (till.read(payment).state, till.read(payment).trouble) == ("created", "gatewaysilent")
    assert till.place(payment)
    assert till.read(payment).state == "placed"


def test_a_lost_notice_costs_a_question(till, told) -> None:
    payment = till.placed()
    till.simulator.pay(payment, notify=False)
    till.due(ahead=8)
    assert (till.read(payment).state, told.paid) == ("paid", [payment.number])


def test_who_places_a_paid_payment_is_told_so(till) -> None:
    payment = till.placed()
    till.simulator.pay(payment, notify=False)
    with pytest.raises(PaymentPaid):
        till.place(payment)
    assert till.read(payment).state == "paid"


REFUSALS = {"wechat": {"code": "PARAM_ERROR", "status": 400}, "alipay": {"code": "40004", "sub_code": "ACQ.INVALID_PARAMETER"}}


def test_a_refusal_to_place_again_takes_nothing_back(till, told) -> None:
    payment = till.intend()
    first = till.place(payment)
    till.simulator.fault("refuse", "place", **REFUSALS[till.simulator.channel])
    again = till.place(payment)
    same = "package" if till.simulator.channel == "wechat" else "tradeNO"
    assert (first[same], till.read(payment).state, told.closed) == (again[same], "placed", [])
    till.simulator.pay(payment, notify=False)
    till.simulator.fault("refuse", "place", **REFUSALS[till.simulator.channel])
    with pytest.raises(PaymentPaid):
        till.place(payment)
    assert (till.read(payment).state, told.paid) == ("paid", [payment.number])


def test_a_refusal_of_the_first_placing_ends_the_payment(till, told) -> None:
    payment = till.intend()
    till.simulator.fault("refuse", "place", **REFUSALS[till.simulator.channel])
    with pytest.raises(GatewayPaymentRefused):
        till.place(payment)
    assert (till.read(payment).state, told.closed) == ("failed", [payment.number])


def test_an_unpaid_payment_is_closed_when_its_time_is_over(till, told) -> None:
    payment = till.placed()
    till.set(payment, expires_at=payment.made_at - timedelta(minutes=1))
    till.do(lambda: service.pursue(payment.id))
    assert (till.read(payment).state, told.closed) == ("closed", [payment.number])


def test_money_that_comes_after_closing_is_taken_and_told_as_late(till, told) -> None:
    payment = till.placed()
    till.simulator.pay(payment, notify=False)
    till.do(lambda: collection.shut(service.hold(payment.id), PaymentState.CLOSED, "by a clock that was wrong"))
    till.do(lambda: service.ask(payment.id))
    found = till.read(payment)
    assert found.state == "paid" and found.came_late
    assert told.closed == told.paid == [payment.number]


def code(till, **said):
    """A payment by a code that a phone shows, and the code."""
    return till.intend(kind="auth_code"), till.simulator.auth_code("han-meimei", **said)


def charge(till, payment, auth_code):
    return till.do(lambda: service.charge(service.read(payment.id), auth_code))


def test_a_cashier_charges_the_code_on_a_phone(till, told) -> None:
    payment, auth_code = code(till)
    charge(till, payment, auth_code)
    found = till.read(payment)
    assert (found.state, told.paid) == ("paid", [payment.number])
    assert found.payer_subject == till.simulator.payer("han-meimei")


def test_a_phone_that_asks_for_its_password_is_asked_about_to_the_end(till, told) -> None:
    payment, auth_code = code(till, needs_password=True)
    charge(till, payment, auth_code)
    assert till.read(payment).state == "paying"
    till.due(ahead=4)
    assert till.read(payment).state == "paying"
    till.simulator.pay(payment, notify=False)
    till.due(ahead=8)
    assert (till.read(payment).state, told.paid, told.closed) == ("paid", [payment.number], [])


def test_a_password_that_never_comes_is_undone_after_a_minute(till, told) -> None:
    payment, auth_code = code(till, needs_password=True)
    charge(till, payment, auth_code)
    till.set(payment, made_at=payment.made_at - timedelta(seconds=61))
    till.due(ahead=4)
    assert (till.read(payment).state, told.paid, told.closed) == ("closed", [], [payment.number])
    refused = requests.post(f"{till.simulator.url}/_sim/pay", json={"out_trade_no": payment.number}, timeout=10)
    assert refused.status_code == 409


def test_a_code_that_is_charged_and_then_cut_off_is_found_paid_and_never_charged_twice(till, told) -> None:
    payment, auth_code = code(till)
    till.simulator.fault("reset", "charge")
    charge(till, payment, auth_code)
    assert (till.read(payment).state, told.paid) == ("created", [])
    till.due(ahead=4)
    assert (till.read(payment).state, told.paid) == ("paid", [payment.number])


def test_a_code_that_never_reached_the_gateway_is_undone(till, told) -> None:
    payment = till.intend(kind="auth_code")
    till.set(payment, made_at=payment.made_at - timedelta(seconds=61))
    till.due(ahead=4)
    assert (till.read(payment).state, told.closed) == ("closed", [payment.number])


def test_a_refused_code_fails_at_once(till, told) -> None:
    payment = till.intend(kind="auth_code")
    charge(till, payment, "130000000000000001" if till.simulator.channel == "wechat" else "280000000000000001")
    assert (till.read(payment).state, told.closed) == ("failed", [payment.number])


def test_a_mall_without_an_account_offers_no_wallet(mall, app) -> None:
    with db.unit_of_work(mall), pytest.raises(NoMerchantAccount):
        service.account_for(1, "wechat")
