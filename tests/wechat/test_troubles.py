"""What goes wrong between a shop and WeChat Pay: early, late, twice, lost, cut off, denied, or billed wrongly."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.wechat.conftest import Mailbox, Simulator, now, simulator
from tests.wechat.test_codes import scanned
from tests.wechat.test_pay import number, paid, placed, read, refund_of, wait_for
from wechat.client import PayClient
from wechat.errors import GatewaySilent, OrderPaid, PayRefused, WeChatError
from wechat.simulator import Settings
from wechat.simulator.notice_sender import SCHEDULE

NOON = datetime(2026, 11, 25, 4, tzinfo=UTC)


@pytest.fixture
def real_time(key_folder: Path) -> Iterator[Simulator]:
    """A simulator that resends as slowly as WeChat Pay."""
    with simulator(Settings(keys=key_folder, refund_seconds=0)) as one:
        yield one


def test_a_notice_may_come_before_the_answer_to_the_order(wechat: Simulator, pay: PayClient, mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    order = wechat.order(number(), notify_url=url)
    wechat.sim("faults", kind="late", path="/v3/pay/transactions/jsapi", seconds=1.5)
    with ThreadPoolExecutor(1) as one:
        placing = one.submit(pay.prepay_jsapi, order)
        pays = {"json": {"out_trade_no": order.out_trade_no}, "timeout": 5}
        wait_for(lambda: requests.post(f"{wechat.url}/_sim/pay", **pays).status_code == 200)
        told = read(wechat, wait_for(lambda: box.deliveries)[0])
        assert not placing.done()
        assert told.transaction().out_trade_no == order.out_trade_no
        assert placing.result().startswith("wx")


def test_a_refunds_notice_may_come_before_the_answer_to_it(wechat: Simulator, pay: PayClient, mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    asked = refund_of(paid(wechat, pay), 280, notify_url=url)
    wechat.sim("faults", kind="late", path="/v3/refund", seconds=1.5)
    with ThreadPoolExecutor(1) as one:
        refunding = one.submit(pay.refund, asked)
        told = read(wechat, wait_for(lambda: box.deliveries)[0]).refund()
        assert not refunding.done()
        assert told.status == "SUCCESS"
        # The answer was made before the refund was done, and says so.
        assert refunding.result().status == "PROCESSING"


@pytest.mark.parametrize("kind", ["reset", "silent"])
def test_a_refund_that_was_cut_off_is_found_by_asking_and_safe_to_repeat(wechat: Simulator, pay: PayClient, kind: str) -> None:
    quick, asked = wechat.pay_client(timeout=(0.3, 0.3)), refund_of(paid(wechat, pay), 280)
    wechat.sim("faults", kind=kind, path="/v3/refund", seconds=0.6)
    with pytest.raises(GatewaySilent):
        quick.refund(asked)
    seen = quick.query_refund(asked.out_refund_no)
    assert seen.refund_fen == 280
    assert quick.refund(asked).refund_id == seen.refund_id


def test_a_reversal_that_was_cut_off_is_safe_to_repeat(wechat: Simulator) -> None:
    quick, order = wechat.pay_client(timeout=(0.3, 0.3)), scanned(wechat)
    quick.charge_code(order)
    wechat.sim("faults", kind="reset", path=f"/v3/pay/transactions/out-trade-no/{order.out_trade_no}/reverse")
    with pytest.raises(GatewaySilent):
        quick.reverse(order.out_trade_no, order.appid)
    quick.reverse(order.out_trade_no, order.appid)
    assert quick.query(order.out_trade_no).trade_state == "REVOKED"


def test_a_payment_begun_in_time_may_end_after_the_expiry(wechat: Simulator, mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    expiry = now() + timedelta(seconds=30)
    out_trade_no = placed(wechat, wechat.pay_client(), expires_at=expiry, notify_url=url)
    wechat.sim("clock", advance=60)
    try:
        later = wechat.pay_client(clock=lambda: now() + timedelta(seconds=60))
        # Expiry does not close: that is for us to do.
        assert later.query(out_trade_no).trade_state == "NOTPAY"
        assert requests.post(f"{wechat.url}/_sim/pay", json={"out_trade_no": out_trade_no}, timeout=5).status_code == 409
        wechat.sim("pay", out_trade_no=out_trade_no, late=True)
        seen = later.query(out_trade_no)
        assert seen.trade_state == "SUCCESS" and seen.success_at is not None and seen.success_at > expiry
        with pytest.raises(OrderPaid):
            later.close(out_trade_no)
        wait_for(lambda: box.deliveries)
    finally:
        wechat.sim("clock", advance=-60)


def test_a_prepay_id_dies_after_two_hours_and_is_given_anew(wechat: Simulator, pay: PayClient) -> None:
    order = wechat.order(number())
    first = pay.prepay_jsapi(order)
    wechat.sim("clock", advance=7201)
    try:
        later = wechat.pay_client(clock=lambda: now() + timedelta(seconds=7201))
        assert requests.post(f"{wechat.url}/_sim/pay", json={"prepay_id": first}, timeout=5).status_code == 409
        second = later.prepay_jsapi(order)
        assert second != first
        assert wechat.sim("pay", prepay_id=second)["out_trade_no"] == order.out_trade_no
    finally:
        wechat.sim("clock", advance=-7201)


def test_fifty_refunds_and_not_one_more(wechat: Simulator, pay: PayClient) -> None:
    out_trade_no, minutes = paid(wechat, pay), 0
    client = wechat.pay_client(clock=lambda: now() + timedelta(minutes=minutes))
    try:
        for _ in range(50):
            client.refund(refund_of(out_trade_no, 1))
            wechat.sim("clock", advance=60)
            minutes += 1
        with pytest.raises(PayRefused, match="部分退款次数超限"):
            client.refund(refund_of(out_trade_no, 1))
    finally:
        wechat.sim("clock", advance=-60 * minutes)


def test_a_refund_after_a_year_is_refused(wechat: Simulator, pay: PayClient) -> None:
    out_trade_no, year = paid(wechat, pay), timedelta(days=365, minutes=1)
    wechat.sim("clock", advance=year.total_seconds())
    try:
        with pytest.raises(PayRefused, match="可退款期限"):
            wechat.pay_client(clock=lambda: now() + year).refund(refund_of(out_trade_no, 1))
    finally:
        wechat.sim("clock", advance=-year.total_seconds())


def test_the_whole_schedule_runs_on_a_clock_that_is_turned(real_time: Simulator, mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    box.answer = 500
    real_time.sim("clock", stop=NOON.isoformat())
    out_trade_no = paid(real_time, real_time.pay_client(clock=lambda: NOON), notify_url=url)
    assert real_time.sim("notices/settle")["settled"] and len(box.deliveries) == 1
    for count, step in enumerate(SCHEDULE, start=1):
        real_time.sim("clock", advance=step - 1)
        assert real_time.sim("notices/settle")["settled"] and len(box.deliveries) == count
        real_time.sim("clock", advance=1)
        assert real_time.sim("notices/settle")["settled"] and len(box.deliveries) == count + 1
    real_time.sim("clock", advance=7 * 86400)
    assert real_time.sim("notices/settle")["settled"] and len(box.deliveries) == 16
    assert not real_time.notices(out_trade_no)[0]["acknowledged"]


def test_an_answer_after_five_seconds_counts_for_nothing(key_folder: Path, mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    box.seconds = 0.6
    assert Settings().answer_seconds == 5
    with simulator(Settings(keys=key_folder, answer_seconds=0.2)) as hasty:
        out_trade_no = paid(hasty, hasty.pay_client(), notify_url=url)
        assert hasty.sim("notices/settle")["settled"]
        letter = hasty.notices(out_trade_no)[0]
    assert (letter["acknowledged"], [one["status"] for one in letter["attempts"]]) == (False, [0])


def test_the_same_notice_may_come_many_times_at_once(wechat: Simulator, pay: PayClient, mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    box.seconds = 0.3
    wechat.sim("troubles", kind="duplicate", copies=8)
    paid(wechat, pay, notify_url=url)
    wait_for(lambda: len(box.deliveries) == 8)
    assert box.most_at_once > 1
    assert len({read(wechat, delivery).id for delivery in box.deliveries}) == 1


def test_a_notice_may_be_late(wechat: Simulator, pay: PayClient, mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    wechat.sim("troubles", kind="delay", seconds=3600)
    out_trade_no = paid(wechat, pay, notify_url=url)
    assert wechat.sim("notices/settle")["settled"]
    assert not wechat.notices(out_trade_no)[0]["attempts"] and not box.deliveries
    wechat.sim("clock", advance=3601)
    try:
        assert wait_for(lambda: box.deliveries)
    finally:
        wechat.sim("clock", advance=-3601)


@pytest.mark.parametrize(("what", "field"), [("mchid", "mchid"), ("appid", "appid"), ("currency", "currency"), ("amount", "total_fen")])
def test_a_genuine_notice_may_say_what_is_not_true(
    wechat: Simulator, pay: PayClient, mailbox: tuple[Mailbox, str], what: str, field: str
) -> None:
    box, url = mailbox
    wechat.sim("troubles", kind="wrong", what=what)
    out_trade_no = paid(wechat, pay, notify_url=url)
    told = read(wechat, wait_for(lambda: box.deliveries)[0]).transaction()
    assert getattr(told, field) != getattr(pay.query(out_trade_no), field)


def billed(wechat: Simulator, day: Any) -> dict[str, list[str]]:
    """The lines of a day's bill by our number."""
    wechat.sim("clock", advance=36 * 3600)
    try:
        text = wechat.pay_client(clock=lambda: now() + timedelta(hours=36)).trade_bill(day)
    finally:
        wechat.sim("clock", advance=-36 * 3600)
    lines = [line.split(",`") for line in text.splitlines()[1:-2]]
    return {(line[15] if line[9] == "REFUND" else line[6]): line for line in lines}


def test_a_bill_with_planted_differences(wechat: Simulator, pay: PayClient) -> None:
    missing, dearer, unpaid, right = (paid(wechat, pay) for _ in range(4))
    refund = refund_of(paid(wechat, pay), 280)
    pay.refund(refund)
    day = (now() + timedelta(hours=8)).date()
    for _ in range(100):
        honest = billed(wechat, day)
        if not any("PROCESSING" in field for line in honest.values() for field in line):
            break
        time.sleep(0.1)  # refunds arrive a moment after they were asked for
    assert {missing, dearer, unpaid, right, refund.out_refund_no} <= set(honest)
    wechat.sim("bill-differences", kind="missing", out_trade_no=missing)
    wechat.sim("bill-differences", kind="amount", out_trade_no=dearer, fen=100)
    wechat.sim("bill-differences", kind="amount", out_refund_no=refund.out_refund_no, fen=-80)
    wechat.sim("bill-differences", kind="status", out_trade_no=unpaid, status="REVOKED")
    wechat.sim("bill-differences", kind="extra", out_trade_no="NEVERPLACED01", fen=4200)
    try:
        bill = billed(wechat, day)
    finally:
        requests.delete(f"{wechat.url}/_sim/bill-differences", timeout=5)
    assert missing not in bill
    assert (bill[dearer][12], bill[dearer][24]) == ("13.80", "13.80")
    assert (bill[refund.out_refund_no][16], bill[refund.out_refund_no][25]) == ("2.00", "2.00")
    assert (honest[unpaid][9], bill[unpaid][9]) == ("SUCCESS", "REVOKED")
    assert (bill["NEVERPLACED01"][12], bill["NEVERPLACED01"][9]) == ("42.00", "SUCCESS")
    assert bill[right] == honest[right]
    assert billed(wechat, day) == honest


def test_a_reversed_charge_is_in_the_bill_both_ways(wechat: Simulator, pay: PayClient) -> None:
    order = scanned(wechat)
    pay.charge_code(order)
    pay.reverse(order.out_trade_no, order.appid)
    wechat.sim("clock", advance=36 * 3600)
    try:
        text = wechat.pay_client(clock=lambda: now() + timedelta(hours=36)).trade_bill((now() + timedelta(hours=8)).date())
    finally:
        wechat.sim("clock", advance=-36 * 3600)
    lines = [line.split(",`") for line in text.splitlines() if order.out_trade_no in line]
    assert [(line[8], line[9], line[12], line[16]) for line in lines] == [
        ("MICROPAY", "SUCCESS", "12.80", "0.00"),
        ("MICROPAY", "REVOKED", "0.00", "12.80"),
    ]


WEATHER = {"calls": {"reset": 0.2, "refuse": 0.2}, "notices": {"drop": 0.3, "duplicate": 0.2}}


def played(one: Simulator, seed: int, url: str, ours: str = "SEED") -> list[Any]:
    """A small story under bad weather, as it was seen from outside."""
    one.sim("dice", seed=seed)
    one.sim("weather", seconds=0, **WEATHER)
    pay = one.pay_client(clock=lambda: NOON, nonce=lambda: "0" * 32)
    story: list[Any] = []

    def tried(name: str, deed: Any) -> None:
        try:
            seen = deed()
            story.append((name, getattr(seen, "raw", seen)))
        except WeChatError as trouble:
            story.append((name, type(trouble).__name__, str(trouble)))

    for step in range(6):
        order = one.order(f"{ours}{seed:04d}STEP{step}", notify_url=url)
        tried("place", lambda order=order: pay.prepay_jsapi(order))
        answer = requests.post(f"{one.url}/_sim/pay", json={"out_trade_no": order.out_trade_no}, timeout=5)
        story.append(("paid", answer.json()))
        tried("query", lambda order=order: pay.query(order.out_trade_no))
        refund = refund_of(order.out_trade_no, 80, out_refund_no=f"BACK{seed:04d}STEP{step}")
        tried("refund", lambda refund=refund: pay.refund(refund))
    assert one.sim("notices/settle")["settled"]
    letters = one.notices_of(f"{ours}{seed:04d}")
    # Deliveries at once have no order of their own.
    return [*story, sorted((letter["id"], letter["event_type"], len(letter["attempts"])) for letter in letters)]


def test_one_seed_is_one_replay_and_another_is_another_story(key_folder: Path, mailbox: tuple[Mailbox, str]) -> None:
    runs = []
    for _ in range(2):
        with simulator(Settings(keys=key_folder, refund_seconds=0)) as one:
            one.sim("clock", stop=NOON.isoformat())
            runs.append([played(one, seed, mailbox[1]) for seed in range(8)])
    assert runs[0] == runs[1]
    assert len({repr(story) for story in runs[0]}) == 8
    told = repr(runs[0])
    assert "GatewaySilent" in told and "OutcomeUnknown" in told


def test_the_luck_of_a_seed_does_not_hang_on_our_own_numbers(key_folder: Path, mailbox: tuple[Mailbox, str]) -> None:
    lucks = []
    for ours in ("SEED", "ELSE"):
        with simulator(Settings(keys=key_folder, refund_seconds=0)) as one:
            one.sim("clock", stop=NOON.isoformat())
            stories = [played(one, seed, mailbox[1], ours)[:-1] for seed in range(8)]
            lucks.append([part[0] if len(part) == 2 else part[:2] for story in stories for part in story])
    assert lucks[0] == lucks[1]


def test_fair_weather_is_the_rule_and_returns(wechat: Simulator, pay: PayClient) -> None:
    wechat.sim("weather", calls={"reset": 1.0}, notices={})
    with pytest.raises(GatewaySilent):
        pay.echo("x")
    wechat.heal()
    assert pay.echo("x") == "x"
    wrong = requests.post(f"{wechat.url}/_sim/weather", json={"calls": {"reset": 0.8, "late": 0.4}}, timeout=5)
    assert wrong.status_code == 400


def test_a_stopped_clock_stands_still_and_goes_again(wechat: Simulator) -> None:
    wechat.sim("clock", stop=NOON.isoformat())
    try:
        first = wechat.sim("clock", advance=0)["now"]
        time.sleep(0.01)
        assert first == wechat.sim("clock", advance=0)["now"] == NOON.isoformat()
        assert wechat.sim("clock", advance=90)["now"] == (NOON + timedelta(seconds=90)).isoformat()
    finally:
        wechat.sim("clock", start=True)
    assert abs(datetime.fromisoformat(wechat.sim("clock", advance=0)["now"]) - now()) < timedelta(seconds=5)
