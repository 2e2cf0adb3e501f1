"""What we sign, and what we believe: answers and notices in both key modes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from wechat.aead import api_v3_key, seal, unseal
from wechat.errors import Undecryptable, Untrusted
from wechat.signing import SCHEME, Merchant, Trust, TrustedKey, authorization, pay_params, sign, verify
from wechat.simulator.keys import KeyFiles, certificate_pem, ensure, new_key, private_pem, public_pem

NOW = datetime(2026, 5, 1, 4, 0, tzinfo=UTC)
KEY = new_key()
KEY_ID = "PUB_KEY_ID_0116000000000000000000000001"
BODY = '{"id":"1","摘要":"支付成功"}'.encode()


def headers(body: bytes = BODY, *, at: datetime = NOW, serial: str = KEY_ID, **changed: str) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    signed = {
        "Wechatpay-Timestamp": stamp,
        "Wechatpay-Nonce": "NONCE",
        "Wechatpay-Signature": sign(KEY, stamp, "NONCE", body.decode()),
        "Wechatpay-Serial": serial,
        "Wechatpay-Signature-Type": SCHEME,
    }
    return {**signed, **changed}


def trust() -> Trust:
    return Trust.public_key(KEY_ID, public_pem(KEY))


def test_a_genuine_body_is_believed_whatever_the_case_of_its_headers() -> None:
    trust().check({name.lower(): value for name, value in headers().items()}, BODY, NOW)
    assert trust().check(headers(), BODY, NOW) is None


def test_an_empty_body_is_signed_too() -> None:
    assert trust().check(headers(b""), b"", NOW) is None


def test_a_missing_signature_type_means_rsa() -> None:
    said = headers()
    del said["Wechatpay-Signature-Type"]
    assert trust().check(said, BODY, NOW) is None


@pytest.mark.parametrize("seconds", [-299, 299])
def test_inside_five_minutes_is_fresh(seconds: int) -> None:
    assert trust().check(headers(at=NOW + timedelta(seconds=seconds)), BODY, NOW) is None


@pytest.mark.parametrize("seconds", [-300, 300, -86400])
def test_five_minutes_off_is_stale(seconds: int) -> None:
    with pytest.raises(Untrusted):
        trust().check(headers(at=NOW + timedelta(seconds=seconds)), BODY, NOW)


@pytest.mark.parametrize(
    "changed",
    [
        {"Wechatpay-Signature": "WECHATPAY/SIGNTEST/aaaa"},
        {"Wechatpay-Signature": ""},
        {"Wechatpay-Signature": "no base64 !"},
        {"Wechatpay-Nonce": "OTHER"},
        {"Wechatpay-Timestamp": ""},
        {"Wechatpay-Timestamp": "１７７７６０８０００"},
        {"Wechatpay-Timestamp": "9" * 400},
        {"Wechatpay-Serial": "PUB_KEY_ID_0000"},
        {"Wechatpay-Serial": ""},
        {"Wechatpay-Signature-Type": "WECHATPAY2-SM2-WITH-SM3"},
    ],
)
def test_anything_else_is_not_believed(changed: dict[str, str]) -> None:
    with pytest.raises(Untrusted):
        trust().check(headers(**changed), BODY, NOW)


def test_a_probe_is_refused_even_with_a_good_signature() -> None:
    good = headers()
    with pytest.raises(Untrusted):
        trust().check({**good, "Wechatpay-Signature": "WECHATPAY/SIGNTEST/" + good["Wechatpay-Signature"]}, BODY, NOW)


def test_a_body_altered_by_one_byte_is_not_believed() -> None:
    for at in range(len(BODY)):
        altered = BODY[:at] + bytes([BODY[at] ^ 1]) + BODY[at + 1 :]
        with pytest.raises(Untrusted):
            trust().check(headers(), altered, NOW)


def test_no_headers_at_all_are_not_believed() -> None:
    with pytest.raises(Untrusted):
        trust().check({}, BODY, NOW)


def test_both_modes_are_believed_during_a_change_over() -> None:
    certificate = certificate_pem(KEY, "platform", NOW)
    both = trust() | Trust.certificates(certificate)
    serial = next(serial for serial in both._keys if not serial.startswith("PUB_KEY_ID_"))
    both.check(headers(), BODY, NOW)
    both.check(headers(serial=serial.lower()), BODY, NOW)
    with pytest.raises(Untrusted):
        trust().check(headers(serial=serial), BODY, NOW)


def test_an_expired_certificate_is_not_believed() -> None:
    old = Trust({"AB": TrustedKey(KEY.public_key(), NOW - timedelta(days=9), NOW - timedelta(days=1))})
    with pytest.raises(Untrusted):
        old.check(headers(serial="AB"), BODY, NOW)


def test_a_public_key_id_looks_like_one() -> None:
    with pytest.raises(ValueError, match="PUB_KEY_ID_"):
        Trust.public_key("5F3A", public_pem(KEY))


def test_the_authorization_covers_method_path_time_nonce_and_body() -> None:
    merchant = Merchant("1900000109", "ABCD", KEY)
    said = authorization(merchant, "POST", "/v3/pay?a=1", "{}", timestamp=1777608000, nonce="N")
    assert said.startswith('WECHATPAY2-SHA256-RSA2048 mchid="1900000109",nonce_str="N",signature="')
    signature = said.split('signature="')[1].split('"')[0]
    assert verify(KEY.public_key(), signature, "POST", "/v3/pay?a=1", "1777608000", "N", "{}")


def test_front_end_parameters_sign_the_package_and_not_the_sign_type() -> None:
    params = pay_params(Merchant("1", "AB", KEY), "wx1", "wx2099", timestamp=1777608000, nonce="N")
    assert params["timeStamp"] == "1777608000" and params["signType"] == "RSA"
    assert verify(KEY.public_key(), params["paySign"], "wx1", "1777608000", "N", "prepay_id=wx2099")


def test_a_merchants_key_is_not_in_its_text() -> None:
    files_key = private_pem(KEY)
    merchant = Merchant.from_pem("1", certificate_pem(KEY, "m", NOW), files_key)
    assert "key" not in repr(merchant)


def test_sealed_and_opened_again() -> None:
    key = api_v3_key("0123456789abcdef0123456789abcdef")
    sealed = seal(key, "abcdefghijkl", "", "退款".encode())
    assert unseal(key, "abcdefghijkl", "", sealed).decode() == "退款"
    for wrong in ((key, "abcdefghijkl", "x", sealed), (key, "abcdefghijkm", "", sealed), (key, "", "", sealed)):
        with pytest.raises(Undecryptable):
            unseal(*wrong)


def test_an_api_v3_key_has_thirty_two_bytes() -> None:
    with pytest.raises(ValueError, match="32"):
        api_v3_key("too short")


def test_keys_are_made_once(key_folder: object) -> None:
    files: KeyFiles = ensure(str(key_folder))
    before = files.merchant_key.read_bytes()
    assert ensure(str(key_folder)).merchant_key.read_bytes() == before
    assert files.merchant_key.stat().st_mode & 0o077 == 0
