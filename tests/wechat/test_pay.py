"""WeChat Pay: our client against the simulator, notices included."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
import requests

from tests.wechat.conftest import Delivery, Mailbox, Simulator, now
from wechat import notices
from wechat.client import PayClient, RefundOrder
from wechat.errors import (
    BalanceShort,
    GatewaySilent,
    OrderClosed,
    OrderMissing,
    OrderNumberUsed,
    OrderPaid,
    OutcomeUnknown,
    PayRefused,
    SignatureRefused,
    Undecryptable,
    UnreadableNotice,
    Untrusted,
)
from wechat.signing import Merchant
from wechat.simulator.keys import certificate_pem, new_key

_NUMBERS = count(int(time.time() * 1000))


def number() -> str:
    return f"T{next(_NUMBERS)}"


def wait_for(what: Callable[[], Any], seconds: float = 5.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
    return found


def placed(wechat: Simulator, pay: PayClient, **changed: Any) -> str:
    order = wechat.order(number(), **changed)
    pay.prepay_jsapi(order)
    return order.out_trade_no


def paid(wechat: Simulator, pay: PayClient, **changed: Any) -> str:
    out_trade_no = placed(wechat, pay, **changed)
    wechat.sim("pay", out_trade_no=out_trade_no)
    return out_trade_no


def read(wechat: Simulator, delivery: Delivery, at: datetime | None = None) -> notices.Notice:
    return notices.read(delivery.headers, delivery.body, trust=wechat.trust, api_v3_key=wechat.v3_key, now=at or now())


def test_an_order_is_placed_paid_and_queried(wechat: Simulator, pay: PayClient) -> None:
    order = wechat.order(number(), expires_at=now() + timedelta(minutes=15), attach="plate:7")
    prepay_id = pay.prepay_jsapi(order)
    assert pay.query(order.out_trade_no).trade_state == "NOTPAY"
    params = pay.pay_params(order.appid, prepay_id)
    transaction_id = wechat.sim("pay", **params)["transaction_id"]
    seen = pay.query(order.out_trade_no)
    assert (seen.trade_state, seen.total_fen, seen.transaction_id) == ("SUCCESS", 1280, transaction_id)
    assert (seen.attach, seen.payer_openid) == ("plate:7", order.payer_openid)
    assert seen.success_at is not None and abs(seen.success_at - datetime.now(UTC)) < timedelta(seconds=5)
    assert pay.query_paid(transaction_id) == seen


def test_the_phone_refuses_a_wrong_pay_sign(wechat: Simulator, pay: PayClient) -> None:
    order = wechat.order(number())
    params = pay.pay_params(order.appid, pay.prepay_jsapi(order))
    forged = requests.post(f"{wechat.url}/_sim/pay", json={**params, "nonceStr": "other"}, timeout=5)
    assert (forged.status_code, forged.json()["code"]) == (400, "SIGN_ERROR")
    assert pay.query(order.out_trade_no).trade_state == "NOTPAY"


def test_only_the_named_payer_pays(wechat: Simulator, pay: PayClient) -> None:
    out_trade_no = placed(wechat, pay)
    said = {"out_trade_no": out_trade_no, "person": "han-meimei"}
    assert requests.post(f"{wechat.url}/_sim/pay", json=said, timeout=5).status_code == 409
    assert wechat.sim("pay", out_trade_no=out_trade_no, person="li-lei")["transaction_id"]


@pytest.mark.parametrize("changed", [{"appid": []}, {"amount": [1]}, {"payer": 7}, {"out_trade_no": {}}])
def test_fields_of_another_kind_are_a_parameter_error(wechat: Simulator, pay: PayClient, changed: dict[str, Any]) -> None:
    asked = {"appid": wechat.settings.appid, "mchid": wechat.settings.mchid, "description": "x", **changed}
    with pytest.raises(PayRefused, match="PARAM_ERROR"):
        pay.post("/v3/pay/transactions/jsapi", {"out_trade_no": number(), "notify_url": "http://a.b", **asked})


def test_the_same_number_again_is_the_same_order_and_never_another(wechat: Simulator, pay: PayClient) -> None:
    order = wechat.order(number())
    assert pay.prepay_jsapi(order) == pay.prepay_jsapi(order)
    with pytest.raises(OrderNumberUsed):
        pay.prepay_jsapi(replace(order, total_fen=1))


@pytest.mark.parametrize(
    "changed",
    [
        {"total_fen": 0},
        {"total_fen": -1},
        {"payer_openid": "oSomebodyElse"},
        {"out_trade_no": "short"},
        {"out_trade_no": "with|bar|in|it"},
        {"description": "字" * 128},
        {"notify_url": "https://example.com/?q=1"},
        {"expires_at": datetime(2020, 1, 1, tzinfo=UTC)},
        {"appid": "wx0000000000000001"},
    ],
)
def test_a_wrong_order_is_refused(wechat: Simulator, pay: PayClient, changed: dict[str, Any]) -> None:
    with pytest.raises(PayRefused) as refused:
        pay.prepay_jsapi(replace(wechat.order(number()), **changed))
    assert refused.value.status == 400


def test_a_closed_order_is_neither_paid_nor_placed_again(wechat: Simulator, pay: PayClient) -> None:
    order = wechat.order(number())
    pay.prepay_jsapi(order)
    pay.close(order.out_trade_no)
    pay.close(order.out_trade_no)
    late = requests.post(f"{wechat.url}/_sim/pay", json={"out_trade_no": order.out_trade_no}, timeout=5)
    assert late.status_code == 409
    assert pay.query(order.out_trade_no).trade_state == "CLOSED"
    with pytest.raises(OrderClosed):
        pay.prepay_jsapi(order)


def test_a_paid_order_is_not_closed(wechat: Simulator, pay: PayClient) -> None:
    out_trade_no = paid(wechat, pay)
    with pytest.raises(OrderPaid):
        pay.close(out_trade_no)


def test_an_unknown_order_is_missing(pay: PayClient) -> None:
    for ask in (pay.query, pay.query_paid, pay.close, pay.query_refund):
        with pytest.raises(OrderMissing):
            ask("unknown-number")


def test_a_request_signed_with_another_key_is_refused(wechat: Simulator) -> None:
    stranger = replace(wechat.merchant, private_key=new_key())
    with pytest.raises(SignatureRefused) as refused:
        wechat.pay_client(merchant=stranger).query("anything")
    assert (refused.value.status, refused.value.code) == (401, "SIGN_ERROR")


def test_a_request_from_a_clock_ten_minutes_off_is_refused(wechat: Simulator) -> None:
    slow = wechat.pay_client(clock=lambda: now() - timedelta(minutes=10))
    with pytest.raises(SignatureRefused):
        slow.query("anything")


def test_an_unsigned_request_is_refused(wechat: Simulator) -> None:
    answer = requests.get(f"{wechat.url}/v3/pay/transactions/out-trade-no/x?mchid=1", timeout=5)
    assert answer.status_code == 401
    assert answer.json()["detail"]["location"] == "authorization"


@pytest.mark.parametrize("kind", ["unsigned", "bad_signature", "probe", "stale"])
def test_an_answer_that_is_not_proved_is_not_believed(wechat: Simulator, pay: PayClient, kind: str) -> None:
    out_trade_no = placed(wechat, pay)
    wechat.sim("faults", kind=kind, path="/v3/pay")
    with pytest.raises(Untrusted):
        pay.query(out_trade_no)
    assert pay.query(out_trade_no).trade_state == "NOTPAY"


def test_an_unproved_204_is_not_believed(wechat: Simulator, pay: PayClient) -> None:
    out_trade_no = placed(wechat, pay)
    wechat.sim("faults", kind="unsigned", path="/v3/pay")
    with pytest.raises(Untrusted):
        pay.close(out_trade_no)


def test_silence_after_the_deed_is_silence_and_a_query_tells(wechat: Simulator) -> None:
    quick = wechat.pay_client(timeout=(0.3, 0.3))
    for kind in ("reset", "silent"):
        order = wechat.order(number())
        wechat.sim("faults", kind=kind, path="/v3/pay/transactions/jsapi", seconds=0.6)
        with pytest.raises(GatewaySilent):
            quick.prepay_jsapi(order)
        assert quick.query(order.out_trade_no).trade_state == "NOTPAY"


@pytest.mark.parametrize(("status", "code"), [(500, "SYSTEM_ERROR"), (429, "FREQUENCY_LIMITED"), (502, "")])
def test_a_gateway_in_trouble_is_an_unknown_outcome(wechat: Simulator, pay: PayClient, status: int, code: str) -> None:
    wechat.sim("faults", kind="refuse", path="/v3/refund", status=status, code=code)
    with pytest.raises(OutcomeUnknown):
        pay.refund(RefundOrder("x", "y", 1, 1))


def test_public_key_mode_has_no_certificates(wechat: Simulator, pay: PayClient) -> None:
    with pytest.raises(OrderMissing):
        pay.download_certificates(wechat.v3_key)


def test_certificates_are_downloaded_and_then_believed(wechat: Simulator, pay: PayClient) -> None:
    wechat.sim("sign-mode", mode="certificate")
    plain = wechat.pay_client(answer_key="")
    with pytest.raises(Untrusted):
        plain.echo("hello")
    trust = plain.download_certificates(wechat.v3_key)
    assert wechat.pay_client(answer_key="", trust=trust).echo("hello") == "hello"


def test_both_keys_are_believed_while_the_gateway_mixes_them(wechat: Simulator, pay: PayClient) -> None:
    wechat.sim("sign-mode", mode="certificate")
    both = wechat.trust | pay.download_certificates(wechat.v3_key)
    wechat.sim("sign-mode", mode="mixed")
    mixed = wechat.pay_client(answer_key="", trust=both)
    assert [mixed.echo(str(n)) for n in range(4)] == ["0", "1", "2", "3"]


def test_a_merchant_rotates_its_certificate(wechat: Simulator) -> None:
    key = new_key()
    certificate = certificate_pem(key, "Demo merchant", now())
    wechat.sim("merchants", mchid=wechat.settings.mchid, certificate_pem=certificate)
    rotated = replace(wechat.merchant, private_key=key)
    with pytest.raises(SignatureRefused):
        wechat.pay_client(merchant=rotated).echo("old serial, new key")
    serial = Merchant.from_pem(rotated.mchid, certificate, private_pem_of(key)).serial_no
    assert wechat.pay_client(merchant=replace(rotated, serial_no=serial)).echo("both new") == "both new"


def private_pem_of(key: Any) -> str:
    from wechat.simulator.keys import private_pem

    return private_pem(key)


def test_a_payment_is_notified_and_the_notice_opens(wechat: Simulator, pay: PayClient, mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    out_trade_no = paid(wechat, pay, notify_url=url)
    delivery = wait_for(lambda: box.deliveries)[0]
    notice = read(wechat, delivery)
    transaction = notice.transaction()
    assert (transaction.out_trade_no, transaction.total_fen) == (out_trade_no, 1280)
    assert transaction == pay.query(out_trade_no)
    with pytest.raises(UnreadableNotice):
        notice.refund()
    with pytest.raises(Untrusted):
        read(wechat, delivery, now() + timedelta(minutes=5, seconds=1))


def test_a_notice_is_resent_until_it_is_acknowledged_under_the_same_id(
    wechat: Simulator, pay: PayClient, mailbox: tuple[Mailbox, str]
) -> None:
    box, url = mailbox
    box.answers = [500, 404, 302]
    out_trade_no = paid(wechat, pay, notify_url=url)
    wait_for(lambda: [letter for letter in wechat.notices(out_trade_no) if letter["acknowledged"]])
    assert [attempt["status"] for attempt in wechat.notices(out_trade_no)[0]["attempts"]] == [500, 404, 302, 204]
    read_ones = [read(wechat, delivery) for delivery in box.deliveries]
    assert len({notice.id for notice in read_ones}) == 1
    assert len({delivery.headers["Wechatpay-Nonce"] for delivery in box.deliveries}) == 4


def test_a_200_counts_as_success_whatever_its_body(wechat: Simulator, pay: PayClient, mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    box.answers = [200]
    out_trade_no = paid(wechat, pay, notify_url=url)
    wait_for(lambda: [letter for letter in wechat.notices(out_trade_no) if letter["acknowledged"]])
    assert len(box.deliveries) == 1


def test_the_schedule_is_the_documented_one() -> None:
    from wechat.simulator.notice_sender import SCHEDULE

    assert len(SCHEDULE) == 15
    assert sum(SCHEDULE) == 24 * 3600 + 4 * 60


@pytest.mark.parametrize("what", ["bad_signature", "probe", "stale", "serial"])
def test_a_forged_notice_is_not_believed_and_the_next_is(
    wechat: Simulator, pay: PayClient, mailbox: tuple[Mailbox, str], what: str
) -> None:
    box, url = mailbox
    box.answers = [401]
    wechat.sim("troubles", kind="wrong", what=what)
    out_trade_no = paid(wechat, pay, notify_url=url)
    wait_for(lambda: len(box.deliveries) == 2)
    with pytest.raises(Untrusted):
        read(wechat, box.deliveries[0])
    assert read(wechat, box.deliveries[1]).transaction().out_trade_no == out_trade_no


def test_a_notice_sealed_for_another_key_does_not_open(wechat: Simulator, pay: PayClient, mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    wechat.sim("troubles", kind="wrong", what="key")
    paid(wechat, pay, notify_url=url)
    delivery = wait_for(lambda: box.deliveries)[0]
    with pytest.raises(Undecryptable):
        read(wechat, delivery)


def test_a_wrong_amount_in_a_genuine_notice_is_shown_as_it_is(wechat: Simulator, pay: PayClient, mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    wechat.sim("troubles", kind="wrong", what="amount")
    paid(wechat, pay, notify_url=url)
    delivery = wait_for(lambda: box.deliveries)[0]
    assert read(wechat, delivery).transaction().total_fen == 1281


def test_notices_are_duplicated_dropped_delayed_and_reordered_on_command(
    wechat: Simulator, pay: PayClient, mailbox: tuple[Mailbox, str]
) -> None:
    box, url = mailbox
    wechat.sim("troubles", kind="duplicate", copies=3)
    paid(wechat, pay, notify_url=url)
    wait_for(lambda: len(box.deliveries) == 3)
    wechat.sim("troubles", kind="drop")
    lost = paid(wechat, pay, notify_url=url)
    wechat.sim("troubles", kind="hold", times=2)
    first, second = paid(wechat, pay, notify_url=url), paid(wechat, pay, notify_url=url)
    assert wechat.sim("notices/release")["released"] == 2
    wait_for(lambda: len(box.deliveries) == 5)
    arrived = [read(wechat, delivery).transaction().out_trade_no for delivery in box.deliveries]
    assert arrived[3:] == [second, first]
    assert lost not in arrived


def refund_of(out_trade_no: str, fen: int, **changed: Any) -> RefundOrder:
    return RefundOrder(**{**vars(RefundOrder(out_trade_no, number(), fen, 1280)), **changed})


def test_a_refund_is_accepted_done_queried_and_notified(wechat: Simulator, pay: PayClient, mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    out_trade_no = paid(wechat, pay)
    asked = refund_of(out_trade_no, 280, notify_url=url, reason="菜品售罄")
    assert pay.refund(asked).status == "PROCESSING"
    delivery = wait_for(lambda: box.deliveries)[0]
    told = read(wechat, delivery).refund()
    assert (told.status, told.refund_fen, told.out_refund_no) == ("SUCCESS", 280, asked.out_refund_no)
    seen = pay.query_refund(asked.out_refund_no)
    assert (seen.status, seen.refund_fen, seen.success_at) == ("SUCCESS", 280, told.success_at)
    assert pay.query(out_trade_no).trade_state == "REFUND"


def test_refunds_never_exceed_the_payment_and_stand_a_minute_apart(wechat: Simulator, pay: PayClient) -> None:
    out_trade_no = paid(wechat, pay)
    first = refund_of(out_trade_no, 1000)
    refund_id = pay.refund(first).refund_id
    assert pay.refund(first).refund_id == refund_id
    with pytest.raises(PayRefused, match="INVALID_REQUEST"):
        pay.refund(replace(first, refund_fen=1))
    with pytest.raises(PayRefused, match="INVALID_REQUEST"):
        pay.refund(refund_of(out_trade_no, 281))
    with pytest.raises(OutcomeUnknown):
        pay.refund(refund_of(out_trade_no, 280))
    wechat.sim("clock", advance=60)
    try:
        assert pay.refund(refund_of(out_trade_no, 280)).refund_fen == 280
    finally:
        wechat.sim("clock", advance=-60)


def test_an_unpaid_order_or_an_empty_balance_refuses_a_refund(wechat: Simulator, pay: PayClient) -> None:
    with pytest.raises(OrderMissing):
        pay.refund(refund_of(placed(wechat, pay), 1))
    wechat.sim("merchants", mchid=wechat.settings.mchid, can_refund=False)
    try:
        with pytest.raises(BalanceShort):
            pay.refund(refund_of(paid(wechat, pay), 1))
    finally:
        wechat.sim("merchants", mchid=wechat.settings.mchid, can_refund=True)


def test_a_refund_may_end_abnormally(wechat: Simulator, pay: PayClient, mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    asked = refund_of(paid(wechat, pay), 5, notify_url=url)
    pay.refund(asked)
    wechat.sim(f"refunds/{asked.out_refund_no}", status="ABNORMAL")
    told = read(wechat, wait_for(lambda: box.deliveries)[0])
    assert told.event_type == "REFUND.ABNORMAL"
    assert told.refund().status == pay.query_refund(asked.out_refund_no).status == "ABNORMAL"


def test_the_trade_bill_carries_the_day_in_yuan(wechat: Simulator) -> None:
    tomorrow = wechat.pay_client(clock=lambda: now() + timedelta(days=1, hours=12))
    out_trade_no = paid(wechat, wechat.pay_client())
    day = (now() + timedelta(hours=8)).date()
    wechat.sim("clock", advance=36 * 3600)
    try:
        text = tomorrow.trade_bill(day)
    finally:
        wechat.sim("clock", advance=-36 * 3600)
    row = next(line for line in text.splitlines() if out_trade_no in line).split(",")
    assert (row[6], row[12], row[24]) == (f"`{out_trade_no}", "`12.80", "`12.80")


def test_a_bill_that_is_not_there_yet_is_refused(pay: PayClient) -> None:
    with pytest.raises(PayRefused, match="NO_STATEMENT_EXIST"):
        pay.trade_bill((now() + timedelta(hours=8)).date())


def test_the_self_test_says_the_message_back(wechat: Simulator, pay: PayClient, mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    assert pay.echo("你好", url) == "你好"
    notice = read(wechat, wait_for(lambda: box.deliveries)[0])
    assert (notice.event_type, notice.original_type) == ("SECURITY_ECHO.SUCCESS", "security")


def test_a_refusal_of_a_notice_is_not_a_success() -> None:
    assert notices.failure("验签失败") == {"code": "FAIL", "message": "验签失败"}


def test_of_a_payment_and_a_close_at_once_one_wins(wechat: Simulator, pay: PayClient) -> None:
    for _ in range(10):
        out_trade_no = placed(wechat, pay)
        with ThreadPoolExecutor(2) as both:
            paying = both.submit(requests.post, f"{wechat.url}/_sim/pay", json={"out_trade_no": out_trade_no}, timeout=5)
            closing = both.submit(pay.close, out_trade_no)
        was_paid, close_trouble = paying.result().status_code == 200, closing.exception()
        assert was_paid is isinstance(close_trouble, OrderPaid)
        assert pay.query(out_trade_no).trade_state == ("SUCCESS" if was_paid else "CLOSED")
