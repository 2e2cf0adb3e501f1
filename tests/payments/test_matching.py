"""Reconciliation: bills of both gateways, fetched for real, against what we believe."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests

from api.kit import clock, db
from api.malls import service as malls
from api.payments import service
from api.payments.errors import BillDayWrong, BillDifferenceSettled
from api.payments.models import BillDifference, GatewayBill, Payment, Refund
from api.payments.service import hooks
from tests.factories import make_mall
from tests.payments.conftest import Till, add_account, run_due

BEIJING = ZoneInfo("Asia/Shanghai")
#: A day of its own for each test: the bill of a merchant has what every test of it paid that day.
_DAYS = count(40, 5)


@dataclass
class Day:
    """One Beijing day at a till: everybody's clock stands where a test puts it."""

    till: Till
    day: date

    def at(self, hour: float, *, days: int = 0) -> None:
        """Everybody's clock stands at this hour."""
        moment = datetime(self.day.year, self.day.month, self.day.day, tzinfo=BEIJING) + timedelta(days=days, hours=hour)
        clock.fix(moment)
        self.till.simulator.sim("clock", stop=moment.isoformat())

    def next_morning(self) -> None:
        self.at(10.5, days=1)

    def match(self, day: date | None = None) -> GatewayBill:
        return self.till.do(lambda: service.reconcile(self.till.account_id, day or self.day))

    def lines(self, **asked: Any) -> list[BillDifference]:
        return list(self.till.do(lambda: service.differences(**asked).items))

    def kinds(self) -> list[tuple[str, str, str]]:
        """What is open: kind, about, our number."""
        return sorted((one.kind, one.about, one.number) for one in self.lines(state="open"))

    def plant(self, **said: Any) -> None:
        """The bill says otherwise."""
        self.till.simulator.sim("bill-differences", **said)

    def later(self, seconds: float) -> None:
        """Time goes on for everybody, and what is due is done."""
        clock.fix(clock.now() + timedelta(seconds=seconds))
        self.till.simulator.sim("clock", advance=seconds)
        self.till.due()

    def given_back(self, payment: Payment, fen: int, cause: int = 1) -> Refund:
        refund = self.till.give_back(payment, fen, cause)
        for seconds in (6, 31, 121, 601):
            self.later(seconds)
            if self.till.refund(refund).state == "done":
                break
        assert self.till.refund(refund).state == "done"
        return refund


@pytest.fixture
def day(till: Till) -> Iterator[Day]:
    yield from _day(till)


@pytest.fixture
def wechat_day(wechat_till: Till) -> Iterator[Day]:
    yield from _day(wechat_till)


@pytest.fixture
def alipay_day(alipay_till: Till) -> Iterator[Day]:
    yield from _day(alipay_till)


def _day(till: Till) -> Iterator[Day]:
    one = Day(till, clock.today("Asia/Shanghai") + timedelta(days=next(_DAYS)))
    one.at(12)
    yield one
    requests.delete(f"{till.simulator.url}/_sim/bill-differences", timeout=10)
    clock.fix(None)


def test_a_bill_that_agrees_is_counted_and_leaves_nothing_to_do(day: Day) -> None:
    first, second = day.till.paid(1_280), day.till.paid(5_000)
    refund = day.given_back(second, 1_500)
    day.next_morning()
    bill = day.match()
    assert (bill.outcome, bill.open_count, bill.trouble) == ("agrees", 0, None)
    assert (bill.paid_count, bill.paid_fen, bill.refund_count, bill.refund_fen) == (2, 6_280, 1, 1_500)
    assert bill.fee_fen == {"wechat": 0, "alipay": 8 + 30}[day.till.simulator.channel]
    assert {day.till.read(one).billed_on for one in (first, second)} == {day.day}
    assert day.till.refund(refund).billed_on == day.day
    assert day.lines() == []


def test_each_way_to_differ_is_one_line_for_a_person(day: Day) -> None:
    gone, dearer, right, returned = (day.till.paid(fen) for fen in (1_000, 2_000, 3_000, 4_000))
    refund, lost = day.given_back(returned, 400, 1), day.given_back(returned, 300, 2)
    day.plant(kind="missing", out_trade_no=gone.number)
    day.plant(kind="amount", out_trade_no=dearer.number, fen=100)
    if day.till.simulator.channel == "wechat":
        day.plant(kind="missing", out_refund_no=lost.number)
        day.plant(kind="amount", out_refund_no=refund.number, fen=-80)
        day.plant(kind="extra", out_trade_no="NEVERPLACED01", fen=4_200, at=clock.now().isoformat())
    else:
        day.plant(kind="missing", out_trade_no=returned.number, out_request_no=lost.number)
        day.plant(kind="amount", out_trade_no=returned.number, out_request_no=refund.number, fen=80)
        day.plant(kind="extra", out_trade_no="NEVERPLACED01", fen=4_200, day=day.day.isoformat())
    day.next_morning()
    bill = day.match()
    assert day.kinds() == sorted(
        [
            ("missing_there", "payment", gone.number),
            ("missing_there", "refund", lost.number),
            ("amount", "payment", dearer.number),
            ("amount", "refund", refund.number),
            ("missing_here", "payment", "NEVERPLACED01"),
        ]
    )
    assert (bill.outcome, bill.open_count) == ("differs", 5)
    told = {(one.kind, one.about): one for one in day.lines()}
    assert (told["amount", "payment"].bill_fen, told["amount", "payment"].ours_fen) == (2_100, 2_000)
    assert (told["amount", "refund"].bill_fen, told["amount", "refund"].ours_fen) == (320, 400)
    assert told["missing_here", "payment"].bill_fen == 4_200 and told["missing_here", "payment"].payment_id is None
    assert told["missing_there", "payment"].payment_id == gone.id
    assert all(one.number != right.number for one in told.values())


def test_comparing_again_changes_nothing_and_what_went_away_closes_itself(day: Day) -> None:
    payment = day.till.paid(1_000)
    day.plant(kind="amount", out_trade_no=payment.number, fen=7)
    day.next_morning()
    first = day.match()
    [line] = day.lines()
    assert day.match().open_count == first.open_count == 1
    assert [one.id for one in day.lines()] == [line.id]
    requests.delete(f"{day.till.simulator.url}/_sim/bill-differences", timeout=10)
    bill = day.match()
    assert (bill.outcome, bill.open_count) == ("agrees", 0)
    [line] = day.lines()
    assert (line.settled_by, line.note) == ("system", "both sides agree now")
    day.plant(kind="amount", out_trade_no=payment.number, fen=7)
    assert day.match().outcome == "differs"
    assert [(one.id, one.settled_at) for one in day.lines()] == [(line.id, None)]


def test_an_answer_is_given_once_and_stands_until_the_sides_say_something_else(day: Day) -> None:
    payment = day.till.paid(1_000)
    day.plant(kind="amount", out_trade_no=payment.number, fen=7)
    day.next_morning()
    day.match()
    [line] = day.lines()
    answered: list[str] = []

    def answer(by: str) -> None:
        with db.unit_of_work(day.till.mall):
            try:
                service.settle_difference(line.id, by=by, note="与钱包客服核对过")
                answered.append(by)
            except BillDifferenceSettled:
                answered.append("late")

    hands = [threading.Thread(target=answer, args=(f"staff:{each}",)) for each in range(4)]
    for each in hands:
        each.start()
    for each in hands:
        each.join()
    assert sorted(answered).count("late") == 3
    bill = day.match()
    assert (bill.outcome, bill.open_count) == ("settled", 0)
    day.plant(kind="amount", out_trade_no=payment.number, fen=1)
    bill = day.match()
    assert (bill.outcome, bill.open_count) == ("differs", 1)
    assert [(one.bill_fen, one.note) for one in day.lines()] == [(1_008, None)]


def test_money_that_the_bill_has_and_no_notice_told_of_is_asked_for_and_taken(day: Day, told: Any) -> None:
    payment = day.till.placed(1_280)
    day.till.simulator.pay(payment, notify=False)
    day.till.set(payment, state="closed", closed_at=clock.now(), next_ask_at=None)
    day.next_morning()
    day.match()
    assert day.kinds() == [("status", "payment", payment.number)]
    day.till.due()
    assert day.till.read(payment).state == "paid" and told.paid == [payment.number]
    day.later(16 * 60)
    assert day.kinds() == []
    assert [one.outcome for one in day.till.do(lambda: service.bills().items)] == ["agrees"]


def test_a_refund_dropped_by_a_person_that_the_bill_has_is_told(day: Day) -> None:
    payment = day.till.paid(1_000)
    refund = day.given_back(payment, 300)
    day.till.set(refund, state="dropped", done_at=None)
    day.next_morning()
    day.match()
    assert [(one.kind, one.bill_says, one.we_say) for one in day.lines()] == [("status", "done", "dropped")]


def test_a_payment_around_midnight_is_a_cut_off_of_the_day_that_has_it(day: Day) -> None:
    payment = day.till.paid(1_000)
    at_first = clock.now() - timedelta(days=1)
    day.till.set(payment, paid_at=at_first)
    day.next_morning()
    yesterday = day.match(day.day - timedelta(days=1))
    if yesterday.outcome == "waiting":  # this gateway makes no bill of a day without business, so it is believed a day later
        day.at(36, days=1)
        yesterday = day.match(day.day - timedelta(days=1))
    assert yesterday.outcome == "differs" and day.kinds() == [("missing_there", "payment", payment.number)]
    day.match()
    assert day.kinds() == [("cut_off", "payment", payment.number)]
    [missed] = day.lines(kind="missing_there")
    assert missed.settled_by == "system" and missed.note == f"on the bill of {day.day}"
    assert day.till.do(lambda: service.bill(missed.bill_id)).outcome == "agrees"


def test_a_line_that_a_bill_has_twice(alipay_day: Day) -> None:
    payment = alipay_day.till.paid(1_000)
    alipay_day.plant(kind="twice", out_trade_no=payment.number)
    alipay_day.next_morning()
    alipay_day.match()
    assert alipay_day.kinds() == [("twice", "payment", payment.number)]
    [line] = alipay_day.lines()
    assert (line.bill_fen, line.bill_says) == (2_000, "2")


def test_an_undone_charge_is_in_the_bill_both_ways_and_agrees(day: Day) -> None:
    payment = day.till.intend(1_000, kind="auth_code")
    code = day.till.simulator.auth_code("li-lei")
    with db.unit_of_work(day.till.mall):
        service.charge(service.read(payment.id), code)
    assert day.till.read(payment).state == "paid"
    day.till.set(payment, state="closed", paid_at=None, closed_at=clock.now())
    with db.unit_of_work(day.till.mall):
        from api.payments.service.merchants import gateway_of

        gateway = gateway_of(service.account(day.till.account_id))
    gateway.reverse(payment.number)
    day.next_morning()
    bill = day.match()
    assert (bill.outcome, bill.paid_fen, bill.refund_fen) == ("agrees", 1_000, 1_000)
    day.till.set(payment, state="paid", paid_at=clock.now() - timedelta(days=1))
    day.match()
    assert [(one.kind, one.bill_says, one.we_say) for one in day.lines(state="open")] == [("status", "reversed", "paid")]


def test_a_bill_that_is_not_to_be_had_waits_and_a_broken_one_is_never_believed(day: Day) -> None:
    day.till.paid(1_000)
    day.next_morning()
    if day.till.simulator.channel == "wechat":
        day.till.simulator.sim("faults", kind="bad_signature", path="/v3/bill/tradebill")
    else:
        day.till.simulator.sim("faults", kind="bad_signature", method="alipay.data.dataservice.bill.downloadurl.query")
    bill = day.match()
    assert bill.outcome == "waiting" and bill.trouble
    assert day.lines() == []
    assert day.match().outcome == "agrees"


def test_a_quiet_day_is_none_and_the_morning_is_waited_for(day: Day) -> None:
    day.at(9, days=1)
    with pytest.raises(BillDayWrong):
        day.match()
    day.next_morning()
    assert day.match().outcome == "none"
    day.at(12, days=100)
    with pytest.raises(BillDayWrong):
        day.match()


def test_the_nightly_work_asks_for_each_merchants_days_once(day: Day, settings: Any) -> None:
    with db.unit_of_work(day.till.mall):
        other = add_account(day.till.simulator, app_id="another-app")
    payment = day.till.paid(1_000)
    day.next_morning()
    assert day.till.do(service.put_due_bills) >= 1
    day.till.due()
    bills = {bill.billed_on: bill for bill in day.till.do(lambda: service.bills().items)}
    assert bills[day.day].outcome == "agrees" and {bill.account_id for bill in bills.values()} == {day.till.account_id}
    assert other.id != day.till.account_id
    waiting = sum(bill.outcome == "waiting" for bill in bills.values())
    assert day.till.do(service.put_due_bills) == waiting
    assert day.till.read(payment).billed_on == day.day


def test_the_third_side_is_the_ledger(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    payment, other = day.till.paid(1_000), day.till.paid(2_000)
    day.given_back(payment, 300)
    held = {payment.id: 700, other.id: 1_999}
    monkeypatch.setattr(hooks, "ledger_of", [lambda payments: {one.id: held[one.id] for one in payments}])
    day.next_morning()
    day.match()
    assert day.kinds() == [("ledger", "payment", other.number)]
    [line] = day.lines()
    assert (line.bill_fen, line.ours_fen) == (2_000, 1_999)


def test_a_long_bill_takes_few_statements(day: Day, statements: Callable[[], Any]) -> None:
    payments = [day.till.paid(1_000 + each) for each in range(30)]
    day.next_morning()
    with statements() as seen:
        bill = day.match()
    assert (bill.outcome, bill.paid_count) == ("agrees", len(payments))
    assert len(seen) <= 30, seen


def test_the_office_reads_asks_and_answers(day: Day, desk: Callable[..., Any]) -> None:
    payment = day.till.paid(1_000)
    day.plant(kind="amount", out_trade_no=payment.number, fen=7)
    day.next_morning()
    asked = {"account_id": day.till.account_id, "billed_on": day.day.isoformat()}
    assert desk("post", "/gateway-bills", role="service_desk", **asked).status_code == 403
    assert desk("post", "/gateway-bills", role="finance", **(asked | {"billed_on": "2020-01-01"})).status_code == 422
    told = desk("post", "/gateway-bills", role="finance", **asked)
    assert (told.status_code, told.json["outcome"]) == (202, "waiting")
    run_due(day.till.settings, clock.now())
    [bill] = desk("get", "/gateway-bills?outcome=differs", role="finance").json["items"]
    assert (bill["id"], bill["open_count"], bill["paid_fen"]) == (told.json["id"], 1, 1_007)
    [line] = desk("get", f"/bill-differences?bill_id={bill['id']}&state=open", role="finance").json["items"]
    path = f"/bill-differences/{line['id']}/settlement"
    assert desk("put", path, role="finance", note="").status_code == 422
    assert desk("put", path, role="finance", note="已核对").json["settled_by"]
    assert desk("put", path, role="finance", note="已核对").json["type"].endswith("bill-difference-settled")
    assert desk("get", f"/gateway-bills/{bill['id']}", role="finance").json["outcome"] == "settled"
    assert desk("get", "/gateway-bills/999999", role="finance").status_code == 404


def test_the_command_says_what_differs_and_exits_one(day: Day, app: Any) -> None:
    payment = day.till.paid(1_000)
    day.plant(kind="amount", out_trade_no=payment.number, fen=7)
    day.next_morning()
    with db.unit_of_work(day.till.mall):
        code = malls.mall_info().code
    ran = app.test_cli_runner().invoke(args=["payments", "match", code, day.day.isoformat()])
    assert (ran.exit_code, f"amount payment {payment.number}: bill 1007 ours 1000" in ran.output) == (1, True), ran.output
    requests.delete(f"{day.till.simulator.url}/_sim/bill-differences", timeout=10)
    ran = app.test_cli_runner().invoke(args=["payments", "match", code, day.day.isoformat()])
    assert (ran.exit_code, "agrees: 1 payments 10.00, 0 refunds 0.00" in ran.output) == (0, True), ran.output
    ran = app.test_cli_runner().invoke(args=["payments", "match", code, "2020-01-01"])
    assert ran.exit_code == 1 and "kept for 90 days" in ran.output


def test_another_malls_bill_is_not_there(day: Day) -> None:
    day.till.paid(1_000)
    day.next_morning()
    bill = day.match()
    with db.unit_of_work():
        other = make_mall()
    with db.unit_of_work(other.id):
        assert service.bills().items == []
        assert db.session.get(GatewayBill, bill.id) is None
