"""A charge that is undone stays undone: whatever arrives meanwhile or afterwards, the money is not here, and nobody takes it for paid."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest

from api.kit import clock, db
from api.payments import service
from api.payments.service import merchants
from tests.payments.conftest import Till, at


def while_on_the_line(monkeypatch: pytest.MonkeyPatch, till: Till, verb: str, deed: Callable[[], Any], *, before: bool) -> None:
    """Something happens while the gateway works on our next call of this verb."""
    with db.unit_of_work(till.mall):
        kind = type(merchants.gateway_of(service.account(till.account_id)))
    usual = getattr(kind, verb)

    def slowly(gateway: Any, *asked: Any) -> Any:
        monkeypatch.setattr(kind, verb, usual)

        def meanwhile() -> None:
            thread = Thread(target=deed)
            thread.start()
            thread.join()

        if before:
            meanwhile()
        try:
            return usual(gateway, *asked)
        finally:
            if not before:
                meanwhile()

    monkeypatch.setattr(kind, verb, slowly)


def charged(till: Till, **said: Any) -> Any:
    payment = till.intend(kind="auth_code")
    code = till.simulator.auth_code("han-meimei", **said)
    till.do(lambda: service.charge(service.read(payment.id), code))
    return payment


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_money_that_is_found_while_a_charge_is_undone_does_not_count(monkeypatch, till, told, before: bool) -> None:
    payment = charged(till, needs_password=True)
    till.simulator.pay(payment, notify=False)
    while_on_the_line(monkeypatch, till, "reverse", lambda: till.do(lambda: service.ask(payment.id)), before=before)
    till.do(lambda: service.close(payment.id))
    assert (till.read(payment).state, told.paid, told.closed) == ("closed", [], [payment.number])


def test_an_old_word_of_money_after_undoing_is_answered_by_undoing_once_more(monkeypatch, till, told) -> None:
    payment = charged(till)
    assert told.paid == [payment.number]
    unknown = charged(till, needs_password=True)
    till.do(lambda: service.close(unknown.id))
    asked: list[str] = []
    with db.unit_of_work(till.mall):
        kind = type(merchants.gateway_of(service.account(till.account_id)))
    usual = kind.query
    monkeypatch.setattr(kind, "query", lambda gateway, number: usual(gateway, payment.number).__class__(
        **vars(usual(gateway, payment.number)) | {"number": number, "gateway_no": "4200000000"}))  # fmt: skip
    monkeypatch.setattr(kind, "reverse", lambda gateway, number: asked.append(number))
    till.do(lambda: service.ask(unknown.id))
    till.due()
    assert (till.read(unknown).state, told.paid, asked) == ("closed", [payment.number], [unknown.number])


def test_a_charge_that_cannot_be_undone_is_believed(monkeypatch, till, told) -> None:
    from api.payments.gateways.base import Refused

    payment = charged(till, needs_password=True)
    till.simulator.pay(payment, notify=False)
    with db.unit_of_work(till.mall):
        kind = type(merchants.gateway_of(service.account(till.account_id)))

    def refuse(*_: Any) -> None:
        raise Refused("too-late")

    monkeypatch.setattr(kind, "reverse", refuse)
    till.do(lambda: service.close(payment.id))
    assert (till.read(payment).state, told.paid) == ("paid", [payment.number])


def test_a_charge_that_was_to_be_undone_when_its_process_died_is_undone_by_the_job(monkeypatch, till, told) -> None:
    payment = charged(till, needs_password=True)
    till.simulator.pay(payment, notify=False)
    with db.unit_of_work(till.mall):
        kind = type(merchants.gateway_of(service.account(till.account_id)))
    usual = kind.reverse

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(kind, "reverse", die)
    with pytest.raises(KeyboardInterrupt):
        till.do(lambda: service.close(payment.id))
    monkeypatch.setattr(kind, "reverse", usual)
    till.due(ahead=4)
    assert (till.read(payment).state, told.paid, told.closed) == ("closed", [], [payment.number])


@pytest.mark.parametrize("kind", ["prepay", "auth_code"])
def test_what_may_still_be_on_its_way_to_the_gateway_is_closed_a_little_later(till, told, kind: str) -> None:
    payment = till.intend(kind=kind)
    till.do(lambda: service.close(payment.id))
    assert (till.read(payment).state, till.read(payment).trouble) == ("created", "under-way")
    with at(clock.now() + timedelta(seconds=31)):
        till.do(lambda: service.close(payment.id))
    assert (till.read(payment).state, told.closed) == ("closed", [payment.number])


def test_alipays_word_of_a_payment_undone_is_no_refund_of_ours(alipay_till, told) -> None:
    payment = charged(alipay_till, needs_password=True)
    alipay_till.simulator.pay(payment, notify=False)
    alipay_till.do(lambda: service.close(payment.id))
    from tests.processes import until

    def handled() -> bool:
        alipay_till.due()
        with db.unit_of_work(alipay_till.mall):
            return [notice.state for notice in service.notices().items] == ["handled"]

    until(handled, 10)
    assert (alipay_till.read(payment).state, told.paid, told.refunds) == ("closed", [], [])
