"""What really happens between a gateway and its callers: too late, twice, in another order, at once, or never."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise
from threading import Thread
from urllib.parse import urlencode

import pytest
import requests

from alipay.client import AlipayClient
from alipay.errors import GatewaySilent, OutcomeUnknown, Refused, TradeMissing, TradeStateRefuses, UnreadableAnswer, Untrusted
from alipay.notices import MOST_FIELDS, TradeNotice, form_of, read_trade
from alipay.signing import notice_content, private_key, request_content, sign
from alipay.simulator.notice_sender import SCHEDULE
from tests.alipay.conftest import Mailbox, Simulator, started
from tests.alipay.test_trades import created, number, paid, read, wait_for

Box = tuple[Mailbox, str]


@pytest.fixture
def still(simulator: Simulator) -> Iterator[Simulator]:
    """The simulator's clock stands still."""
    simulator.sim("clock", stop="2026-03-05T12:00:00+08:00")
    yield simulator
    simulator.sim("clock", start=True)


# Notices


def test_the_schedule_is_alipays_to_the_second(running: Simulator, mailbox: Box) -> None:
    box, url = mailbox
    box.answers = [b"fail"] * 20
    with started(running.settings.keys) as own:
        own.sim("clock", stop="2026-03-05T12:00:00+08:00")
        out_trade_no = paid(own, own.client(), notify_url=url)
        wait_for(lambda: len(box.forms) == 1)
        for wait, seconds in enumerate(SCHEDULE, start=2):
            wait_for(lambda wait=wait: len(own.notices(out_trade_no)[0]["attempts"]) == wait - 1)
            own.sim("clock", advance=seconds - 1)
            time.sleep(0.05)
            assert len(box.forms) == wait - 1
            own.sim("clock", advance=1)
            wait_for(lambda wait=wait: len(box.forms) == wait)
        own.sim("clock", advance=7 * 24 * 3600)
        time.sleep(0.3)
        attempts = wait_for(lambda: own.notices(out_trade_no)[0]["attempts"])
    sent = [datetime.fromisoformat(attempt["at"]) for attempt in attempts]
    assert [later - earlier for earlier, later in pairwise(sent)] == [timedelta(seconds=each) for each in SCHEDULE]
    assert len(box.forms) == 8 and sent[-1] - sent[0] == timedelta(hours=24, minutes=24)


def test_success_in_another_status_is_no_acknowledgement(simulator: Simulator, client: AlipayClient, mailbox: Box) -> None:
    box, url = mailbox
    box.status = 500
    out_trade_no = paid(simulator, client, notify_url=url)
    wait_for(lambda: len(box.forms) >= 2)
    box.status = 200
    letter = wait_for(lambda: [letter for letter in simulator.notices(out_trade_no) if letter["acknowledged"]])[0]
    assert [attempt["status"] for attempt in letter["attempts"]][-1] == 200


def test_a_notice_may_come_several_times_at_once(simulator: Simulator, client: AlipayClient, mailbox: Box) -> None:
    box, url = mailbox
    simulator.sim("troubles", kind="duplicate", copies=4)
    paid(simulator, client, notify_url=url)
    wait_for(lambda: len(box.forms) == 4)
    assert len({read(simulator, form).id for form in box.forms}) == 1


def test_a_notice_may_come_again_after_it_was_acknowledged(simulator: Simulator, client: AlipayClient, mailbox: Box) -> None:
    box, url = mailbox
    out_trade_no = paid(simulator, client, notify_url=url)
    letter = wait_for(lambda: [letter for letter in simulator.notices(out_trade_no) if letter["acknowledged"]])[0]
    simulator.sim(f"notices/{letter['id']}/again", copies=2)
    wait_for(lambda: len(box.forms) == 3)
    assert {read(simulator, form).id for form in box.forms} == {letter["id"]}


def test_notices_may_come_in_another_order(simulator: Simulator, client: AlipayClient, mailbox: Box) -> None:
    box, url = mailbox
    simulator.sim("troubles", kind="hold", times=2)
    out_trade_no = paid(simulator, client, notify_url=url)
    client.refund(out_trade_no, "R1", 280)
    simulator.sim("notices/release")
    wait_for(lambda: len(box.forms) == 2)
    first, second = (read(simulator, form) for form in box.forms)
    assert (first.is_refund, first.is_payment) == (True, False)
    assert (second.is_refund, second.is_payment) == (False, True)


def test_a_notice_may_come_late_or_never_and_a_query_tells(simulator: Simulator, client: AlipayClient, mailbox: Box) -> None:
    box, url = mailbox
    simulator.sim("troubles", kind="drop")
    simulator.sim("troubles", kind="delay", seconds=60)
    never, late = (paid(simulator, client, notify_url=url) for _ in range(2))
    assert client.query(never).is_paid and client.query(late).is_paid
    time.sleep(0.1)
    assert box.forms == []
    simulator.sim("clock", advance=60)
    try:
        wait_for(lambda: box.forms)
        assert [read(simulator, form).out_trade_no for form in box.forms] == [late]
    finally:
        simulator.sim("clock", advance=-60)


def test_a_notice_may_come_before_the_answer_to_the_trade(simulator: Simulator, client: AlipayClient, mailbox: Box) -> None:
    box, url = mailbox
    order = simulator.order(number(), notify_url=url)
    simulator.sim("faults", kind="late", method="alipay.trade.create", seconds=0.5)
    answered: list[float] = []
    thread = Thread(target=lambda: (client.create(order), answered.append(time.monotonic())))
    thread.start()
    wait_for(lambda: simulator.post("pay", out_trade_no=order.out_trade_no).status_code == 200)
    wait_for(lambda: box.forms)
    told = time.monotonic()
    thread.join()
    assert told < answered[0] and read(simulator, box.forms[0]).is_payment


def test_a_refunds_notice_may_come_before_its_answer(simulator: Simulator, client: AlipayClient, mailbox: Box) -> None:
    box, url = mailbox
    out_trade_no = paid(simulator, client, notify_url=url)
    wait_for(lambda: len(box.forms) == 1)
    simulator.sim("faults", kind="late", method="alipay.trade.refund", seconds=0.5)
    answered: list[float] = []
    thread = Thread(target=lambda: (client.refund(out_trade_no, "R1", 1280), answered.append(time.monotonic())))
    thread.start()
    wait_for(lambda: len(box.forms) == 2)
    told = time.monotonic()
    thread.join()
    assert told < answered[0] and read(simulator, box.forms[1]).is_refund


def test_a_refund_is_never_another_payment(simulator: Simulator, client: AlipayClient, mailbox: Box) -> None:
    box, url = mailbox
    out_trade_no = paid(simulator, client, notify_url=url)
    wait_for(lambda: len(box.forms) == 1)  # notices are sent side by side: the payment's own could come after a refund's
    for turn, part in enumerate((280, 1000), start=1):
        simulator.sim("clock", advance=3)
        client.refund(out_trade_no, f"R{turn}", part)
        wait_for(lambda turn=turn: len(box.forms) == turn + 1)
    told = [read(simulator, form) for form in box.forms]
    assert [one.trade_status for one in told] == ["TRADE_SUCCESS", "TRADE_SUCCESS", "TRADE_CLOSED"]
    assert [one.is_payment for one in told] == [True, False, False]
    assert [one.refund_fen for one in told] == [None, 280, 1280]
    assert [one.total_fen for one in told] == [1280] * 3
    assert len({one.id for one in told}) == 3


def test_a_trade_that_closes_by_time_or_gives_nothing_back_is_no_refund(simulator: Simulator, client: AlipayClient) -> None:
    key = private_key(simulator.files.alipay_key.read_text())
    form = {
        "notify_type": "trade_status_sync",
        "notify_id": "N1",
        "notify_time": "2026-03-05 12:00:00",
        "app_id": client.app_id,
        "out_trade_no": "T1",
        "trade_no": "2",
        "trade_status": "TRADE_CLOSED",
        "total_amount": "12.80",
        "gmt_close": "2026-03-05 12:00:00",
    }

    def told(**changed: str) -> TradeNotice:
        said = {**form, **changed, "sign_type": "RSA2"}
        return read_trade({**said, "sign": sign(key, notice_content(said))}, trust=simulator.trust)

    closed = told()
    assert (closed.is_payment, closed.is_refund, closed.refund_fen) == (False, False, None)
    assert closed.closed_at is not None
    nothing_back = told(trade_status="TRADE_SUCCESS", refund_fee="0.00")
    assert (nothing_back.is_payment, nothing_back.is_refund) == (True, False)


# The body of a notice


def test_a_body_is_read_and_its_json_kept_as_it_is(simulator: Simulator, mailbox: Box) -> None:
    key = private_key(simulator.files.alipay_key.read_text())
    bill = '[ {"amount":"12.80" ,"fundChannel":"ALIPAYACCOUNT","name":"\\u5e97 & +=%"} ]'
    form = {
        "notify_type": "trade_status_sync",
        "notify_id": "N1",
        "notify_time": "2026-03-05 12:00:00",
        "app_id": "2021",
        "out_trade_no": "T1",
        "trade_no": "2",
        "trade_status": "TRADE_SUCCESS",
        "total_amount": "12.80",
        "subject": "三楼 面馆+",
        "fund_bill_list": bill,
        "body": "",
    }
    posted = {**form, "sign_type": "RSA2", "sign": sign(key, notice_content(form))}
    back = form_of(urlencode(posted).encode())
    assert back == posted
    assert read_trade(back, trust=simulator.trust).form["fund_bill_list"] == bill
    with pytest.raises(Untrusted):
        read_trade({**back, "fund_bill_list": json.dumps(json.loads(bill))}, trust=simulator.trust)


def test_a_real_body_altered_by_one_byte_is_not_believed(simulator: Simulator, client: AlipayClient, mailbox: Box) -> None:
    box, url = mailbox
    paid(simulator, client, notify_url=url)
    body = wait_for(lambda: box.bodies)[0]
    assert read_trade(form_of(body), trust=simulator.trust).is_payment
    for place in range(len(body)):
        altered = bytearray(body)
        altered[place] = altered[place] ^ 1
        with pytest.raises((Untrusted, UnreadableAnswer)):
            read_trade(form_of(bytes(altered)), trust=simulator.trust)


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"a", b"a=1&a=2", b"a=%FF", b"a=\xe4\xb8\x89", b"&".join(b"k%d=1" % each for each in range(MOST_FIELDS + 1))],
    ids=["nothing", "json", "bare", "twice", "no-utf8", "no-ascii", "many"],
)
def test_a_body_that_is_no_form_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        form_of(body)


# Trades


def test_money_that_comes_after_our_own_expiry_is_money(still: Simulator, client: AlipayClient) -> None:
    out_trade_no = created(still, client)
    still.sim("clock", advance=14 * 24 * 3600)
    still.sim("pay", out_trade_no=out_trade_no)
    assert client.query(out_trade_no).is_paid
    with pytest.raises(TradeStateRefuses):
        client.close(out_trade_no)


def test_a_trade_is_payable_up_to_its_last_second(still: Simulator, client: AlipayClient) -> None:
    ends = datetime.fromisoformat("2026-03-05T12:15:00+08:00")
    in_time, too_late = (created(still, client, expires_at=ends) for _ in range(2))
    still.sim("clock", advance=899)
    still.sim("pay", out_trade_no=in_time)
    still.sim("clock", advance=1)
    assert still.post("pay", out_trade_no=too_late).status_code == 409
    assert [client.query(each).trade_status for each in (in_time, too_late)] == ["TRADE_SUCCESS", "TRADE_CLOSED"]


def test_money_that_was_on_its_way_when_the_time_was_over_revives_the_trade(still: Simulator, client: AlipayClient) -> None:
    ends = datetime.fromisoformat("2026-03-05T12:15:00+08:00")
    late, closed = (created(still, client, expires_at=ends) for _ in range(2))
    client.close(closed)
    still.sim("clock", advance=901)
    assert client.query(late).trade_status == "TRADE_CLOSED"
    still.sim("pay", out_trade_no=late, late=True)
    assert client.query(late).is_paid
    assert still.post("pay", out_trade_no=closed, late=True).status_code == 409


def test_closing_races_paying_and_one_of_them_wins(simulator: Simulator) -> None:
    client = simulator.client()

    def close(out_trade_no: str) -> bool:
        try:
            client.close(out_trade_no)
        except TradeStateRefuses:
            return False
        return True

    for _ in range(15):
        out_trade_no = created(simulator, client)
        with ThreadPoolExecutor(2) as pool:
            phone = pool.submit(lambda each: simulator.post("pay", out_trade_no=each).status_code == 200, out_trade_no)
            closed = pool.submit(close, out_trade_no)
        assert phone.result() != closed.result()
        assert client.query(out_trade_no).is_paid == phone.result()


def test_a_trade_that_never_arrived_is_missing_and_may_be_sent_again(simulator: Simulator, client: AlipayClient) -> None:
    order = simulator.order(number())
    simulator.sim("faults", kind="lost", method="alipay.trade.create")
    with pytest.raises(GatewaySilent):
        client.create(order)
    with pytest.raises(TradeMissing):
        client.query(order.out_trade_no)
    assert client.create(order) == client.query(order.out_trade_no).trade_no


def test_a_genuine_answer_about_another_trade_is_not_believed(simulator: Simulator, client: AlipayClient) -> None:
    out_trade_no = paid(simulator, client)
    asked = {
        "query": lambda: client.query(out_trade_no),
        "refund": lambda: client.refund(out_trade_no, "R1", 280),
        "fastpay.refund.query": lambda: client.query_refund(out_trade_no, "R1"),
    }
    for method, ask in asked.items():
        simulator.sim("faults", kind="other_trade", method=f"alipay.trade.{method}")
        with pytest.raises(Untrusted):
            ask()


# Refunds


@pytest.mark.parametrize("kind", ["reset", "silent", "unknown"])
def test_a_refund_without_an_answer_is_found_and_repeating_it_moves_nothing(simulator: Simulator, kind: str) -> None:
    quick = simulator.client(timeout=(0.3, 0.3))
    out_trade_no = paid(simulator, quick)
    simulator.sim("faults", kind=kind, method="alipay.trade.refund", seconds=0.6)
    with pytest.raises((GatewaySilent, OutcomeUnknown)):
        quick.refund(out_trade_no, "R1", 280)
    state = quick.query_refund(out_trade_no, "R1")
    assert (state.done, state.refund_fen) == (True, 280)
    again = quick.refund(out_trade_no, "R1", 280)
    assert (again.moved, again.refunded_fen) == (False, 280)


def test_a_refund_that_never_arrived_is_not_done_and_may_be_sent_again(simulator: Simulator, client: AlipayClient) -> None:
    out_trade_no = paid(simulator, client)
    simulator.sim("faults", kind="lost", method="alipay.trade.refund")
    with pytest.raises(GatewaySilent):
        client.refund(out_trade_no, "R1", 280)
    assert not client.query_refund(out_trade_no, "R1").done
    sent = client.refund(out_trade_no, "R1", 280)
    assert (sent.moved, sent.refunded_fen) == (True, 280) and sent.refunded_at is not None


def test_refunds_of_a_trade_stand_three_seconds_apart(still: Simulator, client: AlipayClient) -> None:
    out_trade_no, other = paid(still, client), paid(still, client)
    client.refund(out_trade_no, "R1", 1)
    still.sim("clock", advance=2.999)
    with pytest.raises(OutcomeUnknown):
        client.refund(out_trade_no, "R2", 1)
    assert not client.query_refund(out_trade_no, "R2").done
    assert client.refund(other, "R1", 1).moved
    still.sim("clock", advance=0.001)
    assert client.refund(out_trade_no, "R2", 1).refunded_fen == 2


def test_the_same_refund_at_once_moves_money_once(simulator: Simulator) -> None:
    client = simulator.client()
    out_trade_no = paid(simulator, client)
    with ThreadPoolExecutor(5) as pool:
        sent = list(pool.map(lambda _: client.refund(out_trade_no, "R1", 280), range(5)))
    assert sorted(each.moved for each in sent) == [False] * 4 + [True]
    assert {each.refunded_fen for each in sent} == {280}


def test_refunds_are_over_when_the_trade_is_finished(simulator: Simulator, client: AlipayClient) -> None:
    out_trade_no = paid(simulator, client)
    simulator.sim("finish", out_trade_no=out_trade_no)
    assert client.query(out_trade_no).is_paid
    with pytest.raises(TradeStateRefuses):
        client.refund(out_trade_no, "R1", 1)


# Requests


def signed_query(simulator: Simulator, **changed: str) -> dict[str, str]:
    form = {
        "app_id": simulator.settings.app_id,
        "method": "alipay.trade.query",
        "charset": "utf-8",
        "sign_type": "RSA2",
        "timestamp": "2026-03-05 12:00:00",
        "version": "1.0",
        "biz_content": '{"out_trade_no":"unknown"}',
    }
    key = private_key(simulator.files.app_key.read_text())
    return {**form, "sign": sign(key, request_content(form)), **changed}


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"biz_content": '{"out_trade_no": "unknown"}'}, "isv.invalid-signature"),
        ({"method": "alipay.trade.close"}, "isv.invalid-signature"),
        ({"notify_url": "https://example.com/"}, "isv.invalid-signature"),
        ({"sign_type": "RSA"}, "isv.invalid-signature-type"),
        ({"sign": ""}, "isv.missing-sign"),
        ({"sign": "AAAA"}, "isv.invalid-signature"),
        ({"timestamp": ""}, "isv.missing-timestamp"),
    ],
)
def test_a_request_that_is_not_signed_as_it_is_sent_is_refused(simulator: Simulator, changed: dict[str, str], refusal: str) -> None:
    asked = {name: value for name, value in signed_query(simulator, **changed).items() if value}
    said = requests.post(simulator.gateway, data=asked, timeout=5).json()
    assert said["error_response"]["sub_code"] == refusal


def test_a_request_that_is_signed_as_it_is_sent_is_answered(simulator: Simulator) -> None:
    said = requests.post(simulator.gateway, data=signed_query(simulator), timeout=5).json()
    assert said["alipay_trade_query_response"]["sub_code"] == "ACQ.TRADE_NOT_EXIST"


def test_a_method_that_nobody_knows_is_refused(client: AlipayClient) -> None:
    with pytest.raises(Refused, match=r"isv\.invalid-method"):
        client.call("alipay.trade.everything", {})
