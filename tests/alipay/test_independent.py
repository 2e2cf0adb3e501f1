"""python-alipay-sdk, a client that we did not write, against our simulator.

Its import name is ours, so it is loaded from its distribution's files under another name.
"""

from __future__ import annotations

import importlib.util
import sys
from datetime import datetime
from importlib.metadata import distribution
from types import ModuleType
from typing import Any

import pytest
import requests

from alipay.signing import BEIJING
from alipay.trust import AppCertificates
from tests.alipay.conftest import Mailbox, Simulator
from tests.alipay.test_trades import number, wait_for


def independent() -> ModuleType:
    folder = distribution("python-alipay-sdk").locate_file("alipay")
    place = importlib.util.spec_from_file_location("independent_alipay", f"{folder}/__init__.py", submodule_search_locations=[str(folder)])
    assert place is not None and place.loader is not None
    module = importlib.util.module_from_spec(place)
    sys.modules["independent_alipay"] = module
    place.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def sdk() -> ModuleType:
    return independent()


@pytest.fixture
def stranger(sdk: ModuleType, simulator: Simulator) -> Any:
    client = sdk.AliPay(
        appid=simulator.settings.app_id,
        app_private_key_string=simulator.files.app_key.read_text(),
        alipay_public_key_string=simulator.files.alipay_public_key.read_text(),
        sign_type="RSA2",
    )
    client._gateway = simulator.gateway
    return client


def created(simulator: Simulator, stranger: Any, out_trade_no: str, **said: Any) -> dict[str, Any]:
    buyer = simulator.sim("users", person="han-meimei")["user_id"]
    answer: dict[str, Any] = stranger.api_alipay_trade_create(
        subject="奶茶", out_trade_no=out_trade_no, total_amount="9.90", buyer_id=buyer, **said
    )
    return answer


def test_it_creates_pays_queries_and_refunds(simulator: Simulator, stranger: Any) -> None:
    out_trade_no = number()
    trade_no = created(simulator, stranger, out_trade_no)["trade_no"]
    assert stranger.api_alipay_trade_query(out_trade_no=out_trade_no)["trade_status"] == "WAIT_BUYER_PAY"
    simulator.sim("pay", trade_no=trade_no)
    seen = stranger.api_alipay_trade_query(trade_no=trade_no)
    assert (seen["trade_status"], seen["total_amount"]) == ("TRADE_SUCCESS", "9.90")
    refund = stranger.api_alipay_trade_refund("0.90", out_trade_no=out_trade_no, out_request_no="R1")
    assert (refund["fund_change"], refund["refund_fee"]) == ("Y", "0.90")
    state = stranger.api_alipay_trade_fastpay_refund_query("R1", out_trade_no=out_trade_no)
    assert (state["refund_status"], state["refund_amount"]) == ("REFUND_SUCCESS", "0.90")


def test_it_closes_and_cancels(simulator: Simulator, stranger: Any) -> None:
    closed, cancelled = number(), number()
    created(simulator, stranger, closed)
    assert stranger.api_alipay_trade_close(out_trade_no=closed)["code"] == "10000"
    created(simulator, stranger, cancelled)
    simulator.sim("pay", out_trade_no=cancelled)
    assert stranger.api_alipay_trade_cancel(out_trade_no=cancelled)["action"] == "refund"
    assert stranger.api_alipay_trade_query(out_trade_no=cancelled)["trade_status"] == "TRADE_CLOSED"


def test_it_signs_in_once_with_a_code(simulator: Simulator, stranger: Any, sdk: ModuleType) -> None:
    code = simulator.sim("auth-code", person="han-meimei")["code"]
    said = {"grant_type": "authorization_code", "code": code}
    answer = stranger.server_api("alipay.system.oauth.token", **said)
    assert answer["user_id"] == simulator.sim("users", person="han-meimei")["user_id"]
    with pytest.raises(sdk.exceptions.AliPayException, match=r"isv\.code-invalid"):
        stranger.server_api("alipay.system.oauth.token", **said)


def test_it_verifies_our_notices(simulator: Simulator, stranger: Any, mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    out_trade_no = number()
    created(simulator, stranger, out_trade_no, notify_url=url)
    simulator.sim("pay", out_trade_no=out_trade_no)
    form = dict(wait_for(lambda: box.forms)[0])
    signature = form.pop("sign")
    assert stranger.verify(dict(form), signature)
    assert not stranger.verify({**form, "total_amount": "0.01"}, signature)


def test_it_is_refused_with_another_key(simulator: Simulator, stranger: Any, sdk: ModuleType) -> None:
    wrong = sdk.AliPay(
        appid=simulator.settings.app_id,
        app_private_key_string=simulator.files.alipay_key.read_text(),
        alipay_public_key_string=simulator.files.alipay_public_key.read_text(),
    )
    wrong._gateway = simulator.gateway
    with pytest.raises(sdk.exceptions.AliPayException, match=r"isv\.invalid-signature"):
        wrong.api_alipay_trade_query(out_trade_no="x")


def test_it_sees_a_bad_signature_of_an_answer(simulator: Simulator, stranger: Any, sdk: ModuleType) -> None:
    out_trade_no = number()
    created(simulator, stranger, out_trade_no)
    simulator.sim("faults", kind="bad_signature")
    with pytest.raises(sdk.exceptions.AliPayValidationError):
        stranger.api_alipay_trade_query(out_trade_no=out_trade_no)


def code(simulator: Simulator, **said: Any) -> str:
    return str(simulator.sim("auth-pay-code", person="han-meimei", **said)["auth_code"])


def test_it_charges_a_scanned_code(simulator: Simulator, stranger: Any) -> None:
    out_trade_no = number()
    answer = stranger.api_alipay_trade_pay(out_trade_no, "bar_code", code(simulator), "奶茶", total_amount="9.90")
    assert (answer["code"], answer["total_amount"], answer["receipt_amount"]) == ("10000", "9.90", "9.90")
    assert answer["buyer_user_id"] == simulator.sim("users", person="han-meimei")["user_id"]
    assert stranger.api_alipay_trade_query(out_trade_no=out_trade_no)["trade_status"] == "TRADE_SUCCESS"


def test_it_waits_for_a_password_and_cancels(simulator: Simulator, stranger: Any) -> None:
    out_trade_no = number()
    answer = stranger.api_alipay_trade_pay(out_trade_no, "bar_code", code(simulator, needs_password=True), "奶茶", total_amount="9.90")
    assert answer["code"] == "10003"
    assert stranger.api_alipay_trade_query(out_trade_no=out_trade_no)["trade_status"] == "WAIT_BUYER_PAY"
    cancelled = stranger.api_alipay_trade_cancel(out_trade_no=out_trade_no)
    assert (cancelled["action"], cancelled["retry_flag"]) == ("close", "N")
    unknown = stranger.api_alipay_trade_cancel(out_trade_no=number())
    assert unknown["retry_flag"] == "N" and "action" not in unknown


def test_it_is_told_where_the_bill_is(simulator: Simulator, stranger: Any) -> None:
    created(simulator, stranger, out_trade_no := number())
    simulator.sim("pay", out_trade_no=out_trade_no)
    simulator.sim("clock", advance=2 * 24 * 3600)
    try:
        day = f"{datetime.now(BEIJING):%Y-%m-%d}"
        said = {"bill_type": "trade", "bill_date": day}
        answer = stranger.server_api("alipay.data.dataservice.bill.downloadurl.query", said)
        assert requests.get(answer["bill_download_url"], timeout=5).content.startswith(b"PK")
    finally:
        simulator.sim("clock", advance=-2 * 24 * 3600)


def test_in_certificate_mode_it_counts_certificates_as_we_do(simulator: Simulator, sdk: ModuleType) -> None:
    files = simulator.files
    client = sdk.DCAliPay(
        appid=simulator.settings.app_id,
        app_private_key_string=files.app_key.read_text(),
        app_public_key_cert_string=files.app_cert.read_text(),
        alipay_public_key_cert_string=files.alipay_cert.read_text(),
        alipay_root_cert_string=files.alipay_root_cert.read_text(),
    )
    client._gateway = simulator.gateway
    ours = AppCertificates.of(files.app_cert.read_text(), files.alipay_root_cert.read_text())
    assert (client.app_cert_sn, client.alipay_root_cert_sn) == (ours.app_cert_sn, ours.alipay_root_cert_sn)
    simulator.sim("applications", app_id=simulator.settings.app_id, mode="certificate")
    try:
        created(simulator, client, out_trade_no := number())
        assert client.api_alipay_trade_query(out_trade_no=out_trade_no)["trade_status"] == "WAIT_BUYER_PAY"
    finally:
        simulator.sim("applications", app_id=simulator.settings.app_id, mode="both")
