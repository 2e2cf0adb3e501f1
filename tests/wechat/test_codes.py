"""The cashier scans the payer's code: charged, typing the password, refused, lost on the way, reversed."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import requests
from wechatpayv3 import WeChatPayType

from tests.wechat.conftest import Mailbox, Simulator, now
from tests.wechat.test_independent import stranger
from tests.wechat.test_pay import number, placed, refund_of
from wechat.client import CodeOrder, PayClient
from wechat.errors import (
    AuthCodeRefused,
    BalanceShort,
    GatewaySilent,
    OrderMissing,
    OrderNumberUsed,
    OrderPaid,
    OrderReversed,
    OutcomeUnknown,
    PaymentRefused,
    PayRefused,
    UserPaying,
)


def scanned(wechat: Simulator, person: str = "li-lei", **said: Any) -> CodeOrder:
    """An order for a code that the person shows."""
    code = wechat.sim(f"auth-pay-code/{person}", **said)["auth_code"]
    return CodeOrder(wechat.settings.appid, number(), "一楼 奶茶", 1280, code, store="S0017")


def test_a_shown_code_is_charged_at_once(wechat: Simulator, pay: PayClient) -> None:
    order = scanned(wechat)
    assert len(order.auth_code) == 18 and 10 <= int(order.auth_code[:2]) <= 15
    charged = pay.charge_code(order)
    assert (charged.trade_state, charged.trade_type, charged.total_fen, charged.payer_total_fen) == ("SUCCESS", "MICROPAY", 1280, 1280)
    assert (charged.mchid, charged.appid, charged.currency) == (wechat.settings.mchid, wechat.settings.appid, "CNY")
    assert charged.payer_openid == wechat.openid("li-lei")
    assert charged.success_at is not None and charged.transaction_id is not None
    assert pay.query(order.out_trade_no) == charged


def test_a_code_is_used_once_and_lives_a_minute(wechat: Simulator, pay: PayClient) -> None:
    order = scanned(wechat)
    pay.charge_code(order)
    with pytest.raises(AuthCodeRefused, match="AUTH_CODE_INVALID"):
        pay.charge_code(replace(order, out_trade_no=number()))
    stale = scanned(wechat)
    wechat.sim("clock", advance=60)
    try:
        with pytest.raises(AuthCodeRefused, match="AUTH_CODE_EXPIRED"):
            pay.charge_code(stale)
    finally:
        wechat.sim("clock", advance=-60)
    with pytest.raises(OrderMissing):
        pay.query(stale.out_trade_no)


@pytest.mark.parametrize(
    "code", ["280061098828009406", "13006109882800940", "1300610988280094061", "13006109882800940x", "130061098828009406"]
)
def test_what_is_no_code_of_the_wallet_is_refused(wechat: Simulator, pay: PayClient, code: str) -> None:
    with pytest.raises(AuthCodeRefused):
        pay.charge_code(replace(scanned(wechat), auth_code=code))


@pytest.mark.parametrize("changed", [{"total_fen": 0}, {"store": ""}, {"out_trade_no": "short"}, {"appid": "wx0000000000000001"}])
def test_a_wrong_charge_is_refused_and_the_code_stays_good(wechat: Simulator, pay: PayClient, changed: dict[str, Any]) -> None:
    order = scanned(wechat)
    with pytest.raises(PayRefused) as refused:
        pay.charge_code(replace(order, **changed))
    assert refused.value.status == 400
    assert pay.charge_code(order).trade_state == "SUCCESS"


def test_a_payer_who_types_the_password_is_asked_after_until_paid(wechat: Simulator, pay: PayClient) -> None:
    order = scanned(wechat, needs_password=True)
    paying = pay.charge_code(order)
    assert (paying.trade_state, paying.success_at, paying.transaction_id) == ("USERPAYING", None, None)
    assert pay.charge_code(order).trade_state == pay.query(order.out_trade_no).trade_state == "USERPAYING"
    wechat.sim("pay", out_trade_no=order.out_trade_no)
    assert pay.query(order.out_trade_no).trade_state == "SUCCESS"


def test_a_close_while_the_payer_is_typing_does_not_pass_for_closed(wechat: Simulator, pay: PayClient) -> None:
    order = scanned(wechat, needs_password=True)
    pay.charge_code(order)
    with pytest.raises(UserPaying) as told:
        pay.close(order.out_trade_no)
    assert (told.value.status, told.value.code) == (202, "USERPAYING")


def test_a_bare_202_is_a_payer_typing_the_password(wechat: Simulator, pay: PayClient) -> None:
    wechat.sim("faults", kind="refuse", path="/v3/pay/transactions/codepay", code="USERPAYING", status=202)
    assert pay.charge_code(scanned(wechat)).trade_state == "USERPAYING"


def test_a_payer_who_gives_up_leaves_a_failed_order_that_is_reversed(wechat: Simulator, pay: PayClient) -> None:
    order = scanned(wechat, needs_password=True)
    pay.charge_code(order)
    wechat.sim("cancel", out_trade_no=order.out_trade_no)
    assert pay.query(order.out_trade_no).trade_state == "PAYERROR"
    with pytest.raises(PaymentRefused):
        pay.charge_code(order)
    pay.reverse(order.out_trade_no, order.appid)
    assert pay.query(order.out_trade_no).trade_state == "REVOKED"
    late = requests.post(f"{wechat.url}/_sim/pay", json={"out_trade_no": order.out_trade_no}, timeout=5)
    assert late.status_code == 409


@pytest.mark.parametrize(
    ("refuse", "error"),
    [
        ("NOT_ENOUGH", BalanceShort),
        ("TRADE_ERROR", PaymentRefused),
        ("RULE_LIMIT", PaymentRefused),
        ("BANK_ERROR", OutcomeUnknown),
        ("SYSTEM_ERROR", OutcomeUnknown),
    ],
)
def test_a_wallet_that_refuses_is_told_by_name(wechat: Simulator, pay: PayClient, refuse: str, error: type[PayRefused]) -> None:
    order = scanned(wechat, refuse=refuse)
    with pytest.raises(error):
        pay.charge_code(order)
    assert pay.query(order.out_trade_no).trade_state == "PAYERROR"


def test_a_paid_charge_is_reversed_once_and_for_all(wechat: Simulator, pay: PayClient) -> None:
    order = scanned(wechat)
    pay.charge_code(order)
    for _ in range(2):
        pay.reverse(order.out_trade_no, order.appid)
    seen = pay.query(order.out_trade_no)
    assert (seen.trade_state, seen.total_fen) == ("REVOKED", 1280)
    with pytest.raises(OrderReversed):
        pay.charge_code(order)
    with pytest.raises(PayRefused, match="INVALID_REQUEST"):
        pay.refund(refund_of(order.out_trade_no, 1))


def test_only_a_charged_code_is_reversed_and_not_after_a_refund(wechat: Simulator, pay: PayClient) -> None:
    with pytest.raises(PayRefused, match="INVALID_REQUEST"):
        pay.reverse(placed(wechat, pay), wechat.settings.appid)
    with pytest.raises(OrderMissing):
        pay.reverse("unknown-number", wechat.settings.appid)
    order = scanned(wechat)
    pay.charge_code(order)
    pay.refund(refund_of(order.out_trade_no, 1))
    with pytest.raises(PaymentRefused):
        pay.reverse(order.out_trade_no, order.appid)


def test_a_charge_is_reversed_within_seven_days(wechat: Simulator, pay: PayClient) -> None:
    order = scanned(wechat)
    pay.charge_code(order)
    wechat.sim("clock", advance=7 * 86400 + 1)
    try:
        later = wechat.pay_client(clock=lambda: now() + timedelta(days=7, seconds=1))
        with pytest.raises(PayRefused, match="INVALID_REQUEST"):
            later.reverse(order.out_trade_no, order.appid)
    finally:
        wechat.sim("clock", advance=-7 * 86400 - 1)


@pytest.mark.parametrize("kind", ["reset", "silent"])
def test_charged_then_cut_off_is_silence_and_a_query_tells(wechat: Simulator, kind: str) -> None:
    quick, order = wechat.pay_client(timeout=(0.3, 0.3)), scanned(wechat)
    wechat.sim("faults", kind=kind, path="/v3/pay/transactions/codepay", seconds=0.6)
    with pytest.raises(GatewaySilent):
        quick.charge_code(order)
    assert quick.query(order.out_trade_no).trade_state == "SUCCESS"
    with pytest.raises(OrderPaid):
        quick.charge_code(order)


def test_a_number_is_charged_with_one_code_only(wechat: Simulator, pay: PayClient) -> None:
    order = scanned(wechat, needs_password=True)
    pay.charge_code(order)
    with pytest.raises(OrderNumberUsed):
        pay.charge_code(replace(scanned(wechat), out_trade_no=order.out_trade_no))


def test_nobody_is_notified_of_a_charged_code(wechat: Simulator, pay: PayClient, mailbox: tuple[Mailbox, str]) -> None:
    order = scanned(wechat, needs_password=True)
    pay.charge_code(order)
    wechat.sim("pay", out_trade_no=order.out_trade_no)
    assert wechat.sim("notices/settle")["settled"]
    assert wechat.notices(order.out_trade_no) == []


def test_a_refund_of_a_charged_code_is_told_at_its_own_address(wechat: Simulator, pay: PayClient, mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    order = scanned(wechat)
    pay.charge_code(order)
    accepted = pay.refund(refund_of(order.out_trade_no, 280, notify_url=url))
    assert (accepted.currency, accepted.payer_refund_fen) == ("CNY", 280)
    wechat.sim(f"refunds/{accepted.out_refund_no}", status="SUCCESS")
    assert wechat.sim("notices/settle")["settled"] and box.deliveries


def test_an_independent_client_charges_and_reverses(wechat: Simulator) -> None:
    client, order = stranger(wechat), scanned(wechat)
    said = {"description": "奶茶", "out_trade_no": order.out_trade_no, "amount": {"total": 990}, "payer": {"auth_code": order.auth_code}}
    scene = {"store_info": {"out_id": "S0017"}}
    status, body = client.pay(pay_type=WeChatPayType.CODEPAY, scene_info=scene, **said)
    assert (status, json.loads(body)["trade_state"]) == (200, "SUCCESS")
    assert client.codepay_reverse(order.out_trade_no)[0] == 200
    assert json.loads(client.query(out_trade_no=order.out_trade_no)[1])["trade_state"] == "REVOKED"


def test_of_a_password_and_a_reversal_at_once_the_money_never_stays(wechat: Simulator, pay: PayClient) -> None:
    for _ in range(10):
        order = scanned(wechat, needs_password=True)
        pay.charge_code(order)
        with ThreadPoolExecutor(2) as both:
            said = {"out_trade_no": order.out_trade_no}
            paying = both.submit(requests.post, f"{wechat.url}/_sim/pay", json=said, timeout=5)
            both.submit(pay.reverse, order.out_trade_no, order.appid).result()
        seen = pay.query(order.out_trade_no)
        assert seen.trade_state == "REVOKED"
        assert (seen.transaction_id is not None) is (paying.result().status_code == 200)
