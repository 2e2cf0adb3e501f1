"""The cashier scans the shopper's phone: payment by auth code and its cancelling, our client against the simulator."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest

from alipay import records
from alipay.client import AlipayClient, CodeOrder
from alipay.errors import (
    AuthCodeRefused,
    BalanceShort,
    BuyerCannotPay,
    CancelRefused,
    GatewaySilent,
    OutcomeUnknown,
    RefundTooLarge,
    Refused,
    TradeClosed,
    TradeMissing,
    TradeNumberUsed,
    TradePaid,
    TradeStateRefuses,
)
from alipay.notices import read_trade
from tests.alipay.conftest import Mailbox, Simulator
from tests.alipay.test_trades import number, paid, wait_for


@contextmanager
def later(simulator: Simulator, seconds: float) -> Iterator[None]:
    simulator.sim("clock", advance=seconds)
    try:
        yield
    finally:
        simulator.sim("clock", advance=-seconds)


def shown(simulator: Simulator, **said: Any) -> str:
    return str(simulator.sim("auth-pay-code", person="li-lei", **said)["auth_code"])


def scanned(simulator: Simulator, code: str, **changed: Any) -> CodeOrder:
    said = {"out_trade_no": number(), "subject": "三楼 面馆", "total_fen": 1280, "auth_code": code}
    return CodeOrder(**{**said, **changed})


def waiting(simulator: Simulator, client: AlipayClient) -> CodeOrder:
    order = scanned(simulator, shown(simulator, needs_password=True))
    client.pay(order)
    return order


def test_a_scanned_code_is_charged_at_once(simulator: Simulator, client: AlipayClient) -> None:
    code = shown(simulator)
    assert re.fullmatch(r"(2[5-9]|30)\d{14,22}", code)
    order = scanned(simulator, code)
    trade = client.pay(order)
    assert trade.is_paid and (trade.out_trade_no, trade.total_fen) == (order.out_trade_no, 1280)
    seen = client.query(order.out_trade_no)
    assert (seen.trade_status, seen.trade_no, seen.paid_at) == ("TRADE_SUCCESS", trade.trade_no, trade.paid_at)
    assert seen.buyer == trade.buyer == simulator.open_id("li-lei")
    assert code not in repr(order)


def test_a_charge_is_notified_as_any_payment(simulator: Simulator, client: AlipayClient, mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    order = scanned(simulator, shown(simulator), notify_url=url)
    client.pay(order)
    notice = read_trade(wait_for(lambda: box.forms)[0], trust=simulator.trust)
    assert notice.is_payment and (notice.out_trade_no, notice.total_fen) == (order.out_trade_no, 1280)


def test_a_code_is_charged_once(simulator: Simulator, client: AlipayClient) -> None:
    code = shown(simulator)
    client.pay(scanned(simulator, code))
    with pytest.raises(AuthCodeRefused):
        client.pay(scanned(simulator, code))


def test_a_code_dies_after_a_minute(simulator: Simulator, client: AlipayClient) -> None:
    order = scanned(simulator, shown(simulator))
    with later(simulator, 60), pytest.raises(AuthCodeRefused):
        client.pay(order)
    with pytest.raises(TradeMissing):
        client.query(order.out_trade_no)


@pytest.mark.parametrize(
    "code", ["", "130000000000000000", "25", "2" * 25, "25000000000000000x", "２５00000000000000", "250000000000000000"]
)
def test_what_is_no_code_is_refused(simulator: Simulator, client: AlipayClient, code: str) -> None:
    with pytest.raises(AuthCodeRefused):
        client.pay(scanned(simulator, code))


def test_a_refused_number_is_charged_with_the_next_code(simulator: Simulator, client: AlipayClient) -> None:
    poor = scanned(simulator, shown(simulator, refuse="ACQ.BUYER_BALANCE_NOT_ENOUGH"))
    with pytest.raises(BuyerCannotPay):
        client.pay(poor)
    again = scanned(simulator, shown(simulator), out_trade_no=poor.out_trade_no)
    assert client.pay(again).is_paid


def test_a_password_is_waited_for_until_it_is_given(simulator: Simulator, client: AlipayClient) -> None:
    order = scanned(simulator, shown(simulator, needs_password=True))
    first = client.pay(order)
    assert (first.trade_status, first.is_paid, first.paid_at) == ("WAIT_BUYER_PAY", False, None)
    assert client.pay(order).trade_no == first.trade_no
    simulator.sim("pay", out_trade_no=order.out_trade_no)
    assert client.query(order.out_trade_no).is_paid
    with pytest.raises(TradePaid):
        client.pay(order)


def test_a_password_that_is_not_given_ends_the_trade(simulator: Simulator, client: AlipayClient) -> None:
    order = waiting(simulator, client)
    simulator.sim("cancel", out_trade_no=order.out_trade_no)
    assert client.query(order.out_trade_no).trade_status == "TRADE_CLOSED"
    assert client.cancel(order.out_trade_no).action == "close"
    assert simulator.post("cancel", out_trade_no=order.out_trade_no).status_code == 409


def test_the_same_number_for_another_amount_is_refused(simulator: Simulator, client: AlipayClient) -> None:
    order = waiting(simulator, client)
    with pytest.raises(TradeNumberUsed):
        client.pay(scanned(simulator, order.auth_code, out_trade_no=order.out_trade_no, total_fen=1281))


def test_an_unknown_outcome_is_queried(simulator: Simulator, client: AlipayClient) -> None:
    order = scanned(simulator, shown(simulator))
    simulator.sim("faults", kind="unknown", method="alipay.trade.pay")
    with pytest.raises(OutcomeUnknown):
        client.pay(order)
    assert client.query(order.out_trade_no).is_paid


@pytest.mark.parametrize("kind", ["reset", "silent"])
def test_charged_and_then_silent_is_found_by_a_query(simulator: Simulator, kind: str) -> None:
    quick, order = simulator.client(timeout=(0.3, 0.3)), scanned(simulator, shown(simulator))
    simulator.sim("faults", kind=kind, method="alipay.trade.pay", seconds=0.6)
    with pytest.raises(GatewaySilent):
        quick.pay(order)
    assert quick.query(order.out_trade_no).is_paid


def test_what_never_arrived_is_missing_and_may_be_sent_again(simulator: Simulator, client: AlipayClient) -> None:
    order = scanned(simulator, shown(simulator))
    simulator.sim("faults", kind="lost", method="alipay.trade.pay")
    with pytest.raises(GatewaySilent):
        client.pay(order)
    with pytest.raises(TradeMissing):
        client.query(order.out_trade_no)
    assert client.pay(order).is_paid


def test_cancelling_closes_what_waits(simulator: Simulator, client: AlipayClient) -> None:
    order = waiting(simulator, client)
    done = client.cancel(order.out_trade_no)
    assert (done.action, done.again) == ("close", False)
    assert client.cancel(order.out_trade_no).action == "close"
    with pytest.raises(TradeClosed):
        client.pay(order)


def test_cancelling_gives_back_what_was_paid_once(simulator: Simulator, client: AlipayClient, mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    order = scanned(simulator, shown(simulator), notify_url=url)
    client.pay(order)
    wait_for(lambda: len(box.forms) == 1)
    assert [client.cancel(order.out_trade_no).action for _ in range(2)] == ["refund", "refund"]
    seen = client.query(order.out_trade_no)
    assert (seen.trade_status, seen.is_paid) == ("TRADE_CLOSED", False) and seen.paid_at is not None
    wait_for(lambda: len(box.forms) == 2)
    told = read_trade(box.forms[1], trust=simulator.trust)
    assert (told.is_refund, told.is_payment, told.refund_fen) == (True, False, 1280)


def test_cancelling_what_never_arrived_does_nothing(client: AlipayClient) -> None:
    done = client.cancel("unknown")
    assert (done.action, done.again) == (None, False)


def test_a_cancel_may_ask_to_be_repeated(simulator: Simulator, client: AlipayClient) -> None:
    order = waiting(simulator, client)
    simulator.sim("faults", kind="retry", method="alipay.trade.cancel")
    assert client.cancel(order.out_trade_no).again
    assert client.query(order.out_trade_no).trade_status == "WAIT_BUYER_PAY"
    assert client.cancel(order.out_trade_no).action == "close"


def test_a_cancel_is_refused_after_a_day_a_refund_or_the_end(simulator: Simulator, client: AlipayClient) -> None:
    old, partly, over = (paid(simulator, client) for _ in range(3))
    with later(simulator, timedelta(hours=24).total_seconds()), pytest.raises(CancelRefused):
        client.cancel(old)
    client.refund(partly, "R1", 1)
    with pytest.raises(RefundTooLarge):
        client.cancel(partly)
    simulator.sim("finish", out_trade_no=over)
    with pytest.raises(TradeStateRefuses):
        client.cancel(over)


def test_an_empty_balance_refuses_a_cancel(simulator: Simulator, client: AlipayClient) -> None:
    out_trade_no = paid(simulator, client)
    simulator.sim("applications", app_id=simulator.settings.app_id, can_refund=False)
    try:
        with pytest.raises(BalanceShort):
            client.cancel(out_trade_no)
    finally:
        simulator.sim("applications", app_id=simulator.settings.app_id, can_refund=True)
    assert client.query(out_trade_no).is_paid


def test_one_code_at_two_counters_is_charged_once(simulator: Simulator) -> None:
    code, ends, gate = shown(simulator), [], Barrier(4)

    def charge() -> None:
        client, order = simulator.client(), scanned(simulator, code)
        gate.wait()
        try:
            ends.append(client.pay(order).is_paid)
        except Refused as refused:
            ends.append(refused.sub_code)

    threads = [Thread(target=charge) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, ends)) == ["ACQ.PAYMENT_AUTH_CODE_INVALID"] * 3 + ["True"]


def test_a_cancel_races_the_password_and_the_money_is_in_one_place(simulator: Simulator) -> None:
    for _ in range(10):
        client = simulator.client()
        order, gate = waiting(simulator, client), Barrier(2)

        def pay(order: CodeOrder = order, gate: Barrier = gate) -> None:
            gate.wait()
            simulator.post("pay", out_trade_no=order.out_trade_no)

        thread = Thread(target=pay)
        thread.start()
        gate.wait()
        done = client.cancel(order.out_trade_no)
        thread.join()
        seen = client.query(order.out_trade_no)
        assert seen.trade_status == "TRADE_CLOSED" and done.action == ("refund" if seen.paid_at else "close")


def test_answers_are_read_strictly() -> None:
    bare = {"out_trade_no": "T1", "code": "10003"}
    trade = records.charge(bare, waiting=True)
    assert (trade.trade_no, trade.total_fen, trade.trade_status) == (None, None, "WAIT_BUYER_PAY")
    with pytest.raises(ValueError, match="trade_no"):
        records.charge(bare, waiting=False)
    with pytest.raises(ValueError, match="yuan"):
        records.trade({"out_trade_no": "T1", "trade_no": "2", "trade_status": "TRADE_SUCCESS", "total_amount": "1.234"})
    with pytest.raises(ValueError, match="total_amount"):
        records.trade({"out_trade_no": "T1", "trade_no": "2", "trade_status": "TRADE_SUCCESS", "total_amount": 1.2})
    with pytest.raises(ValueError, match="retry_flag"):
        records.cancelled({"action": "close"})
    with pytest.raises(ValueError, match="documents"):
        records.cancelled({"action": "vanish", "retry_flag": "N"})
