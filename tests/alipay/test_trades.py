"""Alipay trades: our client against the simulator, notices included."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
import requests

from alipay.client import AlipayClient
from alipay.errors import (
    BalanceShort,
    GatewaySilent,
    OutcomeUnknown,
    RefundTooLarge,
    Refused,
    TradeClosed,
    TradeMissing,
    TradeNumberUsed,
    TradePaid,
    TradeStateRefuses,
    UnreadableAnswer,
    Untrusted,
)
from alipay.money import fen, yuan
from alipay.notices import TradeNotice, read_trade
from alipay.signing import beijing, instant, private_key, sign, signed_node, verify
from tests.alipay.conftest import Mailbox, Simulator, now

_NUMBERS = count(int(time.time() * 1000))


def number() -> str:
    return f"T{next(_NUMBERS)}"


def wait_for(what: Callable[[], Any], seconds: float = 5.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
    return found


def created(simulator: Simulator, client: AlipayClient, **changed: Any) -> str:
    order = simulator.order(number(), **changed)
    client.create(order)
    return order.out_trade_no


def paid(simulator: Simulator, client: AlipayClient, **changed: Any) -> str:
    out_trade_no = created(simulator, client, **changed)
    simulator.sim("pay", out_trade_no=out_trade_no)
    return out_trade_no


def read(simulator: Simulator, form: dict[str, str]) -> TradeNotice:
    return read_trade(form, trust=simulator.trust)


def test_a_trade_is_created_paid_and_queried(simulator: Simulator, client: AlipayClient) -> None:
    order = simulator.order(number(), expires_at=now() + timedelta(minutes=15))
    trade_no = client.create(order)
    assert client.query(order.out_trade_no).trade_status == "WAIT_BUYER_PAY"
    simulator.sim("pay", trade_no=trade_no)
    seen = client.query(order.out_trade_no)
    assert (seen.trade_status, seen.total_fen, seen.trade_no) == ("TRADE_SUCCESS", 1280, trade_no)
    assert seen.buyer == order.buyer_open_id
    assert seen.paid_at is not None and abs(seen.paid_at - datetime.now(UTC)) < timedelta(seconds=5)


def test_the_same_number_again_is_the_same_trade_and_never_another(simulator: Simulator, client: AlipayClient) -> None:
    order = simulator.order(number())
    assert client.create(order) == client.create(order)
    with pytest.raises(TradeNumberUsed):
        client.create(replace(order, total_fen=1))
    simulator.sim("pay", out_trade_no=order.out_trade_no)
    with pytest.raises(TradePaid):
        client.create(order)


@pytest.mark.parametrize(
    "changed",
    [{"total_fen": 0}, {"subject": "a=b"}, {"buyer_open_id": ""}, {"out_trade_no": "no-dash"}, {"subject": "字" * 257}],
)
def test_a_wrong_trade_is_refused(simulator: Simulator, client: AlipayClient, changed: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        client.create(replace(simulator.order(number()), **changed))
    assert refused.value.sub_code == "ACQ.INVALID_PARAMETER"


def test_a_closed_trade_is_not_paid_and_a_paid_one_not_closed(simulator: Simulator, client: AlipayClient) -> None:
    order = simulator.order(number())
    client.create(order)
    client.close(order.out_trade_no)
    late = requests.post(f"{simulator.url}/_sim/pay", json={"out_trade_no": order.out_trade_no}, timeout=5)
    assert late.status_code == 409
    with pytest.raises(TradeClosed):
        client.create(order)
    with pytest.raises(TradeStateRefuses):
        client.close(paid(simulator, client))


def test_a_trade_closes_by_itself_when_its_time_is_over(simulator: Simulator, client: AlipayClient) -> None:
    out_trade_no = created(simulator, client, expires_at=now() + timedelta(minutes=1))
    simulator.sim("clock", advance=61)
    try:
        assert client.query(out_trade_no).trade_status == "TRADE_CLOSED"
    finally:
        simulator.sim("clock", advance=-61)


def test_an_unknown_trade_is_missing(client: AlipayClient) -> None:
    for ask in (client.query, client.close):
        with pytest.raises(TradeMissing):
            ask("unknown")


def test_silence_after_the_deed_is_silence_and_a_query_tells(simulator: Simulator) -> None:
    quick = simulator.client(timeout=(0.3, 0.3))
    for kind in ("reset", "silent"):
        order = simulator.order(number())
        simulator.sim("faults", kind=kind, method="alipay.trade.create", seconds=0.6)
        with pytest.raises(GatewaySilent):
            quick.create(order)
        assert quick.query(order.out_trade_no).trade_status == "WAIT_BUYER_PAY"


def test_refunds_add_up_and_repeat_without_moving_money(simulator: Simulator, client: AlipayClient) -> None:
    out_trade_no = paid(simulator, client)
    first = client.refund(out_trade_no, "R1", 280, "菜品售罄")
    assert (first.moved, first.refunded_fen) == (True, 280)
    again = client.refund(out_trade_no, "R1", 280)
    assert (again.moved, again.refunded_fen) == (False, 280)
    with pytest.raises(Refused, match="DISCORDANT_REPEAT_REQUEST"):
        client.refund(out_trade_no, "R1", 281)
    with pytest.raises(OutcomeUnknown):
        client.refund(out_trade_no, "R2", 1)
    simulator.sim("clock", advance=3)
    with pytest.raises(RefundTooLarge):
        client.refund(out_trade_no, "R3", 1001)
    assert client.refund(out_trade_no, "R4", 1000).refunded_fen == 1280
    assert client.query(out_trade_no).trade_status == "TRADE_CLOSED"
    assert client.query_refund(out_trade_no, "R4").refund_fen == 1000
    assert not client.query_refund(out_trade_no, "R9").done


def test_an_unpaid_trade_or_an_empty_balance_refuses_a_refund(simulator: Simulator, client: AlipayClient) -> None:
    with pytest.raises(TradeStateRefuses):
        client.refund(created(simulator, client), "R1", 1)
    simulator.sim("applications", app_id=simulator.settings.app_id, can_refund=False)
    try:
        with pytest.raises(BalanceShort):
            client.refund(paid(simulator, client), "R1", 1)
    finally:
        simulator.sim("applications", app_id=simulator.settings.app_id, can_refund=True)


def test_a_whole_refund_without_a_number_must_be_whole(simulator: Simulator, client: AlipayClient) -> None:
    out_trade_no = paid(simulator, client)
    content = f'{{"out_trade_no":"{out_trade_no}","refund_amount":"1.00"}}'
    with pytest.raises(RefundTooLarge) as refused:
        client.call("alipay.trade.refund", {"biz_content": content})
    assert refused.value.sub_code == "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"


def test_a_payment_is_notified(simulator: Simulator, client: AlipayClient, mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    out_trade_no = paid(simulator, client, notify_url=url)
    notice = read(simulator, wait_for(lambda: box.forms)[0])
    assert (notice.out_trade_no, notice.trade_status, notice.total_fen) == (out_trade_no, "TRADE_SUCCESS", 1280)
    assert (notice.app_id, notice.seller_id) == (simulator.settings.app_id, simulator.settings.seller_id)
    assert notice.refund_fen is None and notice.paid_at == client.query(out_trade_no).paid_at


def test_a_refund_fires_success_again_and_then_closed(simulator: Simulator, client: AlipayClient, mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    out_trade_no = paid(simulator, client, notify_url=url)
    wait_for(lambda: len(box.forms) == 1)
    client.refund(out_trade_no, "R1", 280)
    wait_for(lambda: len(box.forms) == 2)
    simulator.sim("clock", advance=3)
    client.refund(out_trade_no, "R2", 1000)
    wait_for(lambda: len(box.forms) == 3)
    part, whole = read(simulator, box.forms[1]), read(simulator, box.forms[2])
    assert (part.trade_status, part.refund_fen, part.out_request_no) == ("TRADE_SUCCESS", 280, "R1")
    assert (whole.trade_status, whole.refund_fen, whole.out_request_no) == ("TRADE_CLOSED", 1280, "R2")
    assert "." in box.forms[1]["gmt_refund"] and part.refunded_at is not None
    assert whole.closed_at is not None and part.closed_at is None


def test_a_notice_is_resent_until_the_answer_is_exactly_success(
    simulator: Simulator, client: AlipayClient, mailbox: tuple[Mailbox, str]
) -> None:
    box, url = mailbox
    box.answers = [b"success\n", b"SUCCESS", b"fail"]
    out_trade_no = paid(simulator, client, notify_url=url)
    wait_for(lambda: [letter for letter in simulator.notices(out_trade_no) if letter["acknowledged"]])
    assert len(box.forms) == 4
    assert len({read(simulator, form).id for form in box.forms}) == 1


def test_a_notice_is_delivered_eight_times_and_no_more(simulator: Simulator, client: AlipayClient, mailbox: tuple[Mailbox, str]) -> None:
    from alipay.simulator.notice_sender import SCHEDULE

    box, url = mailbox
    box.answers = [b"fail"] * 20
    out_trade_no = paid(simulator, client, notify_url=url)
    turned = 0
    while len(simulator.notices(out_trade_no)[0]["attempts"]) < 8:
        simulator.sim("clock", advance=1)
        turned += 1
        assert turned < 100
        time.sleep(0.02)
    simulator.sim("clock", advance=3600)
    time.sleep(0.1)
    simulator.sim("clock", advance=-3600 - turned)
    assert len(box.forms) == 8 == len(SCHEDULE) + 1
    assert sum(SCHEDULE) == 24 * 3600 + 24 * 60


@pytest.mark.parametrize("what", ["bad_signature", "sign_type"])
def test_a_forged_notice_is_not_believed_and_the_next_is(
    simulator: Simulator, client: AlipayClient, mailbox: tuple[Mailbox, str], what: str
) -> None:
    box, url = mailbox
    box.answers = [b"failure"]
    simulator.sim("troubles", kind="wrong", what=what)
    out_trade_no = paid(simulator, client, notify_url=url)
    wait_for(lambda: len(box.forms) == 2)
    with pytest.raises(Untrusted):
        read(simulator, box.forms[0])
    assert read(simulator, box.forms[1]).out_trade_no == out_trade_no


@pytest.mark.parametrize(("what", "name"), [("amount", "total_fen"), ("app_id", "app_id"), ("seller_id", "seller_id")])
def test_a_genuine_notice_for_somebody_else_is_shown_as_it_is(
    simulator: Simulator, client: AlipayClient, mailbox: tuple[Mailbox, str], what: str, name: str
) -> None:
    box, url = mailbox
    simulator.sim("troubles", kind="wrong", what=what)
    paid(simulator, client, notify_url=url)
    notice = read(simulator, wait_for(lambda: box.forms)[0])
    assert getattr(notice, name) in (1281, "2088999999999999")


def test_every_field_of_a_notice_is_covered_by_its_signature(
    simulator: Simulator, client: AlipayClient, mailbox: tuple[Mailbox, str]
) -> None:
    box, url = mailbox
    paid(simulator, client, notify_url=url)
    form = wait_for(lambda: box.forms)[0]
    for name in form:
        with pytest.raises(Untrusted):
            read(simulator, {**form, name: form[name] + "0"})
    with pytest.raises(Untrusted):
        read(simulator, {**form, "extra": "field"})


def test_a_signed_form_that_is_no_trade_is_named(simulator: Simulator) -> None:
    key = private_key(simulator.files.alipay_key.read_text())
    form = {"notify_type": "servicemarket_order_notify", "sign_type": "RSA2"}
    with pytest.raises(UnreadableAnswer):
        read(simulator, {**form, "sign": sign(key, "notify_type=servicemarket_order_notify")})


@pytest.mark.parametrize(("text", "value"), [("0.01", 1), ("12", 1200), ("12.5", 1250), ("128.05", 12805)])
def test_yuan_become_fen(text: str, value: int) -> None:
    assert fen(text) == value


@pytest.mark.parametrize("text", ["", "1.234", "-1", "1e3", "１.00", ".5", "1.", "NaN", "1,000.00", " 1"])
def test_anything_else_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match="yuan"):
        fen(text)


def test_fen_become_yuan() -> None:
    assert [yuan(value) for value in (0, 1, 10, 12805)] == ["0.00", "0.01", "0.10", "128.05"]


def test_alipays_wall_clock_is_beijings() -> None:
    noon = datetime(2026, 5, 1, 4, 0, tzinfo=UTC)
    assert beijing(noon) == "2026-05-01 12:00:00"
    assert instant("2026-05-01 12:00:00") == noon
    assert instant("2026-05-01 12:00:00.320") == noon + timedelta(milliseconds=320)


@pytest.mark.parametrize("raw", ["", "[]", "{", '{"other":{}}', '{"x":"a_response"}', '{"x_response"}', "{}}"])
def test_an_answer_without_the_node_is_unreadable(raw: str) -> None:
    with pytest.raises(UnreadableAnswer):
        signed_node(raw, "x_response")


def test_a_node_named_inside_a_value_does_not_mislead() -> None:
    raw = '{"note":"\\"x_response\\":{\\"code\\":\\"10000\\"}","inner":{"x_response":{}},"x_response" : {"a":"}"} ,"sign":""}'
    assert signed_node(raw, "x_response") == '{"a":"}"}'


def test_a_sha1_signature_is_not_accepted(simulator: Simulator) -> None:
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA1

    key = private_key(simulator.files.alipay_key.read_text())
    weak = key.sign(b"a=1", PKCS1v15(), SHA1())
    assert not verify(key.public_key(), "a=1", weak.hex())
