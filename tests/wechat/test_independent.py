"""wechatpayv3, a client that we did not write, against our simulator: the two cannot share a mistake of ours."""

from __future__ import annotations

import gzip
import json
import time
from datetime import timedelta
from hashlib import sha1
from pathlib import Path
from typing import Any

import pytest
from wechatpayv3 import WeChatPay, WeChatPayType

from tests.wechat.conftest import Mailbox, Simulator, now
from tests.wechat.test_pay import number, wait_for


def stranger(simulator: Simulator, **changed: Any) -> WeChatPay:
    merchant = simulator.merchant
    said: dict[str, Any] = {
        "wechatpay_type": WeChatPayType.MINIPROG,
        "mchid": merchant.mchid,
        "private_key": simulator.files.merchant_key.read_text(),
        "cert_serial_no": merchant.serial_no,
        "apiv3_key": simulator.files.api_v3_key.read_text().strip(),
        "appid": simulator.settings.appid,
        "notify_url": "http://127.0.0.1:9/nobody",
        "public_key": simulator.files.public_key.read_text(),
        "public_key_id": simulator.public_key_id,
        "timeout": (3, 10),
    }
    client = WeChatPay(**{**said, **changed})
    client._core._gate_way = simulator.url
    return client


def placed(simulator: Simulator, client: WeChatPay, out_trade_no: str, **changed: Any) -> dict[str, Any]:
    payer = {"openid": simulator.openid("han-meimei")}
    said = {"description": "奶茶", "out_trade_no": out_trade_no, "amount": {"total": 990}, "payer": payer}
    status, body = client.pay(**{**said, **changed})
    assert status == 200, body
    answer: dict[str, Any] = json.loads(body)
    return answer


def test_it_orders_pays_queries_and_refunds(wechat: Simulator) -> None:
    client, out_trade_no = stranger(wechat), number()
    assert placed(wechat, client, out_trade_no)["prepay_id"].startswith("wx")
    assert json.loads(client.query(out_trade_no=out_trade_no)[1])["trade_state"] == "NOTPAY"
    transaction_id = wechat.sim("pay", out_trade_no=out_trade_no)["transaction_id"]
    status, body = client.query(transaction_id=transaction_id)
    assert (status, json.loads(body)["amount"]["payer_total"]) == (200, 990)
    refund_no = number()
    amount = {"refund": 90, "total": 990, "currency": "CNY"}
    status, body = client.refund(out_refund_no=refund_no, amount=amount, out_trade_no=out_trade_no)
    assert (status, json.loads(body)["status"]) == (200, "PROCESSING")
    done = wait_for(lambda: json.loads(client.query_refund(refund_no)[1])["status"] == "SUCCESS")
    assert done


def test_it_signs_front_end_parameters_that_the_phone_accepts(wechat: Simulator) -> None:
    client, out_trade_no = stranger(wechat), number()
    package = f"prepay_id={placed(wechat, client, out_trade_no)['prepay_id']}"
    stamp, nonce = str(int(time.time())), "abcdefghijklmnop"
    signature = client.sign([wechat.settings.appid, stamp, nonce, package])
    params = {"timeStamp": stamp, "nonceStr": nonce, "package": package, "signType": "RSA", "paySign": signature}
    assert wechat.sim("pay", **params)["out_trade_no"] == out_trade_no


def test_it_closes_with_a_signed_and_empty_204(wechat: Simulator) -> None:
    client, out_trade_no = stranger(wechat), number()
    placed(wechat, client, out_trade_no)
    status, _ = client.close(out_trade_no)
    assert status == 204
    assert json.loads(client.query(out_trade_no=out_trade_no)[1])["trade_state"] == "CLOSED"


def test_it_opens_our_notices(wechat: Simulator, mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    client, out_trade_no = stranger(wechat), number()
    placed(wechat, client, out_trade_no, notify_url=url)
    wechat.sim("pay", out_trade_no=out_trade_no)
    delivery = wait_for(lambda: box.deliveries)[0]
    opened = client.callback(delivery.headers, delivery.body)
    assert opened["event_type"] == "TRANSACTION.SUCCESS"
    assert opened["resource"]["out_trade_no"] == out_trade_no
    assert opened["resource"]["amount"]["total"] == 990


def test_it_is_refused_with_another_merchants_key(wechat: Simulator) -> None:
    client = stranger(wechat, private_key=wechat.files.platform_key.read_text())
    status, body = client.query(out_trade_no="x")
    assert (status, json.loads(body)["code"]) == (401, "SIGN_ERROR")


def test_it_sees_a_bad_signature_of_an_answer(wechat: Simulator) -> None:
    client, out_trade_no = stranger(wechat), number()
    placed(wechat, client, out_trade_no)
    wechat.sim("faults", kind="bad_signature", path="/v3/pay")
    with pytest.raises(Exception, match="signature"):
        client.query(out_trade_no=out_trade_no)


def test_it_downloads_our_certificate_and_works_in_certificate_mode(wechat: Simulator, tmp_path: Path) -> None:
    wechat.sim("sign-mode", mode="certificate")
    (tmp_path / "platform.pem").write_text(wechat.files.platform_cert.read_text())
    client = stranger(wechat, public_key=None, public_key_id=None, cert_dir=str(tmp_path))
    client._core._update_certificates()
    assert len(client._core._certificates) == 1
    out_trade_no = number()
    placed(wechat, client, out_trade_no)
    assert client.query(out_trade_no=out_trade_no)[0] == 200


def test_it_downloads_a_bill_of_the_announced_hash(wechat: Simulator) -> None:
    client = stranger(wechat)
    day = (now() + timedelta(hours=8) - timedelta(days=2)).date()
    status, body = client.trade_bill(day.isoformat(), tar_type="GZIP")
    assert status == 200, body
    announced = json.loads(body)
    status, file = client.download_bill(announced["download_url"])
    assert (status, sha1(gzip.decompress(file)).hexdigest()) == (200, announced["hash_value"])
