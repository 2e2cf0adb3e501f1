"""Notices whose content nobody thought of: read, or refused by name."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wechat import notices
from wechat.aead import seal
from wechat.errors import UnreadableNotice, WeChatError
from wechat.signing import Trust, sign
from wechat.simulator.keys import new_key, public_pem

NOW = datetime(2026, 5, 1, 4, 0, tzinfo=UTC)
KEY = new_key()
KEY_ID = "PUB_KEY_ID_0116000000000000000000000002"
TRUST = Trust.public_key(KEY_ID, public_pem(KEY))
V3_KEY = b"0123456789abcdef0123456789abcdef"

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
FIELDS = ("mchid", "appid", "out_trade_no", "trade_state", "amount", "payer", "success_time", "out_refund_no", "status")


def read(body: bytes) -> notices.Notice:
    stamp = str(int(NOW.timestamp()))
    headers = {
        "Wechatpay-Timestamp": stamp,
        "Wechatpay-Nonce": "N",
        "Wechatpay-Signature": sign(KEY, stamp, "N", body.decode()),
        "Wechatpay-Serial": KEY_ID,
    }
    return notices.read(headers, body, trust=TRUST, api_v3_key=V3_KEY, now=NOW)


def envelope(content: object, event: str = "TRANSACTION.SUCCESS", original: str = "transaction") -> bytes:
    resource = {
        "original_type": original,
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": seal(V3_KEY, "abcdefghijkl", "", json.dumps(content).encode()),
        "nonce": "abcdefghijkl",
    }
    told = {"id": "1", "create_time": "2026-05-01T12:00:00+08:00", "resource_type": "encrypt-resource"}
    return json.dumps({**told, "event_type": event, "summary": "", "resource": resource}).encode()


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_a_signed_body_of_any_form_is_refused_by_name(said: object) -> None:
    with pytest.raises(WeChatError):
        read(json.dumps(said).encode())


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), VALUES))
def test_an_incomplete_content_is_unreadable(content: dict[str, object]) -> None:
    with pytest.raises(UnreadableNotice):
        read(envelope(content)).transaction()
    with pytest.raises(UnreadableNotice):
        read(envelope(content, "REFUND.SUCCESS", "refund")).refund()


@pytest.mark.parametrize("total", [True, 12.0, "12", None])
def test_an_amount_is_a_whole_number(total: object) -> None:
    content = {"mchid": "1", "appid": "wx", "out_trade_no": "T1", "trade_state": "SUCCESS", "amount": {"total": total}}
    with pytest.raises(UnreadableNotice):
        read(envelope(content)).transaction()


def test_a_resource_may_come_without_associated_data() -> None:
    assert read(envelope({"mchid": "1"})).content == {"mchid": "1"}
