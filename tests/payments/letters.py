"""Notices written by us, with the simulators' own private keys: genuine to the last byte, or wrong in exactly one place."""

from __future__ import annotations

import json
import secrets
import uuid
from base64 import b64encode
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric import rsa

from alipay import signing as alipay_signing
from api.payments.models import Payment
from tests.payments.conftest import DEMO, Till
from wechat import signing as wechat_signing
from wechat.aead import seal

Letter = tuple[dict[str, str], bytes]


@cache
def _wechat_key(folder: Path) -> rsa.RSAPrivateKey:
    return wechat_signing.private_key((folder / "wechatpay_key.pem").read_text())


@cache
def _alipay_key(folder: Path) -> rsa.RSAPrivateKey:
    return alipay_signing.private_key((folder / "alipay_key.pem").read_text())


@cache
def stranger() -> rsa.RSAPrivateKey:
    """A key of nobody."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def letter(till: Till, payment: Payment, **changed: Any) -> Letter:
    """The notice that a payment was paid."""
    return wechat(till, payment, **changed) if till.simulator.channel == "wechat" else alipay(till, payment, **changed)


def wechat(till: Till, payment: Payment, *, content: dict[str, Any] | None = None, **changed: Any) -> Letter:
    """`content` changes the sealed text; `changed` what is around it: key, serial, v3_key, timestamp, nonce, kind, id, event, touch."""
    keys = till.simulator.keys
    inside = {
        "mchid": DEMO["wechat"]["merchant_no"],
        "appid": DEMO["wechat"]["app_id"],
        "out_trade_no": payment.number,
        "transaction_id": f"42{payment.id:026d}",
        "trade_state": "SUCCESS",
        "trade_type": "JSAPI",
        "success_time": datetime.now(UTC).isoformat(timespec="seconds"),
        "amount": {"total": payment.amount_fen, "payer_total": payment.amount_fen, "currency": "CNY"},
        "payer": {"openid": "somebody"},
    } | (content or {})
    nonce, v3_key = secrets.token_hex(6), changed.get("v3_key") or (keys / "api_v3_key.txt").read_text().strip()
    envelope = {
        "id": changed.get("id") or str(uuid.uuid4()),
        "create_time": datetime.now(UTC).isoformat(timespec="seconds"),
        "event_type": changed.get("event", "TRANSACTION.SUCCESS"),
        "resource_type": "encrypt-resource",
        "summary": "支付成功",
        "resource": {
            "original_type": "transaction",
            "algorithm": "AEAD_AES_256_GCM",
            "associated_data": "transaction",
            "nonce": nonce,
            "ciphertext": seal(v3_key.encode(), nonce, "transaction", json.dumps(inside).encode()),
        },
    }
    body = json.dumps(envelope).encode()
    timestamp = str(int(datetime.now(UTC).timestamp()) + int(changed.get("timestamp", 0)))
    header_nonce = changed.get("nonce") or secrets.token_hex(16)
    signature = wechat_signing.sign(changed.get("key") or _wechat_key(keys), timestamp, header_nonce, body.decode())
    headers = {
        "Wechatpay-Timestamp": timestamp,
        "Wechatpay-Nonce": header_nonce,
        "Wechatpay-Signature": changed.get("prefix", "") + signature,
        "Wechatpay-Serial": changed.get("serial") or (keys / "wechatpay_public_key_id.txt").read_text().strip(),
        "Wechatpay-Signature-Type": changed.get("kind", "WECHATPAY2-SHA256-RSA2048"),
    }
    for name in changed.get("without", ()):
        del headers[name]
    return headers, changed["touch"](body) if "touch" in changed else body


def alipay(till: Till, payment: Payment, *, content: dict[str, Any] | None = None, **changed: Any) -> Letter:
    """`content` changes the signed form; `changed`: key, keep_sign_type, kind, id, touch, without."""
    now = alipay_signing.beijing(datetime.now(UTC))
    form = {
        "notify_type": "trade_status_sync",
        "notify_id": changed.get("id") or uuid.uuid4().hex,
        "notify_time": now,
        "app_id": DEMO["alipay"]["app_id"],
        "seller_id": DEMO["alipay"]["merchant_no"],
        "out_trade_no": payment.number,
        "trade_no": f"2026{payment.id:024d}",
        "trade_status": "TRADE_SUCCESS",
        "total_amount": f"{payment.amount_fen // 100}.{payment.amount_fen % 100:02d}",
        "gmt_payment": now,
        "buyer_open_id": "somebody",
        "charset": "utf-8",
        "version": "1.0",
        "sign_type": "RSA2",
    } | (content or {})
    signed = alipay_signing.request_content(form) if changed.get("keep_sign_type") else alipay_signing.notice_content(form)
    form["sign"] = alipay_signing.sign(changed.get("key") or _alipay_key(till.simulator.keys), signed)
    form["sign_type"] = changed.get("kind", "RSA2")
    if changed.get("empty_sign"):
        form["sign"] = b64encode(b"").decode()
    for name in changed.get("without", ()):
        del form[name]
    body = urlencode(form).encode()
    return {"Content-Type": "application/x-www-form-urlencoded"}, changed["touch"](body) if "touch" in changed else body
