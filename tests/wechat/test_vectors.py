"""Vectors of WeChat's own SDKs through our code. Collected only where MALLBRIDGE_SHARED names their folder."""

from __future__ import annotations

import json
import os
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wechat import notices
from wechat.aead import api_v3_key, seal, unseal
from wechat.client import open_certificates
from wechat.errors import Undecryptable
from wechat.signing import certificate_serial, pay_sign_lines, public_key, verify, verify_bytes

Vector = dict[str, Any]
FILE = Path(os.environ["MALLBRIDGE_SHARED"]) / "vectors" / "gateway_vectors.json"
VECTORS: dict[str, Vector] = {
    vector["id"]: vector for vector in json.loads(FILE.read_text())["vectors"] if vector["provider"] == "wechatpay"
}


def check_rsa(vector: Vector) -> None:
    key = public_key(vector["input"]["public_key_pem"])
    for case in vector["input"]["cases"]:
        assert verify_bytes(key, case["signature_b64"], case["message"].encode()) is case["valid"]


def check_aead(vector: Vector) -> None:
    said = vector["input"]
    sealed = said.get("ciphertext_b64") or vector["expected"]["ciphertext_b64"]
    plain = said.get("plaintext") or vector["expected"]["plaintext"]
    good = {**said, "ciphertext_b64": sealed}

    def opened(case: Vector) -> str:
        key = case["api_v3_key"].encode()
        return unseal(key, case["nonce"], case["associated_data"], case["ciphertext_b64"]).decode()

    assert opened(good) == plain
    assert seal(said["api_v3_key"].encode(), said["nonce"], said["associated_data"], plain.encode()) == sealed
    for changed in vector["negative"]:
        with pytest.raises(Undecryptable):
            opened({**good, **{name: value for name, value in changed.items() if name != "error"}})
    if len(said["api_v3_key"]) != 32:
        with pytest.raises(ValueError, match="32"):
            api_v3_key(said["api_v3_key"])


def check_certificates(vector: Vector) -> None:
    answer = json.loads(vector["input"]["response_body"])
    pems = open_certificates(answer, vector["input"]["api_v3_key"].encode())
    assert pems[0].strip() == vector["expected"]["certificate_pem"].strip()
    assert certificate_serial(pems[0]) == answer["data"][0]["serial_no"] == vector["expected"]["serial_no"]


def check_pay_sign(vector: Vector) -> None:
    said, expected = vector["input"], vector["expected"]
    key = public_key(said["public_key_pem_derived"])
    fields = (said["app_id"], said["time_stamp"], said["nonce_str"])
    for kind, package in (("jsapi_miniprogram", f"prepay_id={said['prepay_id']}"), ("app", said["prepay_id"])):
        lines = pay_sign_lines(*fields, package)
        assert "".join(f"{line}\n" for line in lines) == expected[kind]["message"]
        assert verify(key, expected[kind]["signature_b64"], *lines)
        assert not verify(key, expected[kind]["signature_b64"], *lines[:3], package + "0")


def check_envelope(vector: Vector) -> None:
    envelope = vector["input"]["envelope"]
    resource = dict(envelope["resource"])
    sealed = resource.pop("ciphertext_b64")
    assert len(b64decode(sealed)) == vector["input"]["ciphertext_bytes"]
    # No key is published: our own, over a content of the same length, must pass through the very same envelope.
    key = b"0" * 32
    content = b'{"mchid":"1"}'.ljust(vector["input"]["plaintext_bytes"])
    resource["ciphertext"] = seal(key, resource["nonce"], resource["associated_data"], content)
    assert len(b64decode(resource["ciphertext"])) == vector["input"]["ciphertext_bytes"]
    notice = notices.open_envelope({**envelope, "resource": resource}, key)
    assert (notice.event_type, notice.original_type) == ("MALL_TRANSACTION.SUCCESS", "mall_transaction")
    with pytest.raises(Undecryptable):
        notices.open_envelope({**envelope, "resource": {**resource, "ciphertext": sealed}}, key)


CHECKS: dict[str, Callable[[Vector], None]] = {
    "rsa_sha256_verify": check_rsa,
    "aead_aes_gcm_decrypt": check_aead,
    "aead_aes_256_gcm_encrypt_and_decrypt": check_aead,
    "v3_certificates_response_decrypt": check_certificates,
    "paysign_verify": check_pay_sign,
    "shape_only_mall_transaction_envelope": check_envelope,
}


@pytest.mark.parametrize("name", sorted(VECTORS))
def test_vector(name: str) -> None:
    CHECKS[VECTORS[name]["kind"]](VECTORS[name])
    assert name in VECTORS


def test_there_are_vectors() -> None:
    assert VECTORS
