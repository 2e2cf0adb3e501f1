"""Vectors of Alipay's own SDKs through our code. Collected only where MALLBRIDGE_SHARED names their folder."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alipay import aes
from alipay.client import read_answer
from alipay.errors import Untrusted
from alipay.signing import notice_content, public_key, request_content, signed_node, verify
from alipay.trust import Trust

Vector = dict[str, Any]
FILE = Path(os.environ["MALLBRIDGE_SHARED"]) / "vectors" / "gateway_vectors.json"
VECTORS: dict[str, Vector] = {vector["id"]: vector for vector in json.loads(FILE.read_text())["vectors"] if vector["provider"] == "alipay"}


def check_sync_answer(vector: Vector) -> None:
    said, expected = vector["input"], vector["expected"]
    key, raw, node = public_key(said["alipay_public_key_pem"]), said["raw_response"], said["response_node"]
    assert signed_node(raw, node) == expected["signed_substring"]
    trust = Trust(keys=[key])
    method = node.removesuffix("_response").replace("_", ".")
    assert read_answer(raw, method, trust) == json.loads(expected["signed_substring"])
    with pytest.raises(Untrusted):
        read_answer(raw.replace('"Success"', '"success"'), method, trust)
    with pytest.raises(Untrusted):
        read_answer(raw.replace('"msg":"Success"', '"msg": "Success"'), method, trust)


def check_params(vector: Vector) -> None:
    key = public_key(vector["input"]["certificate_pem"])
    for case in vector["input"]["cases"]:
        content = request_content(case["params"])
        assert content == case["sign_content"]
        # SHA-1 (sign_type RSA) is genuine there, and refused here.
        assert verify(key, content, case["sign_b64"]) is (case["hash"] == "SHA256")
        assert not verify(key, notice_content(case["params"]), case["sign_b64"])


def check_aes(vector: Vector) -> None:
    for case in vector["input"]["cases"]:
        assert aes.decrypt(case["aes_key_b64"], case["ciphertext_b64"]) == case["plaintext"]
        assert aes.encrypt(case["aes_key_b64"], case["plaintext"]) == case["ciphertext_b64"]


def check_substring(vector: Vector) -> None:
    for case in vector["input"]["cases"]:
        assert signed_node(case["raw_response"], case["response_node"]) == case["signed_substring"]


CHECKS: dict[str, Callable[[Vector], None]] = {
    "sync_response_verify": check_sync_answer,
    "param_sign_verify_sign_type_included": check_params,
    "content_aes_128_cbc_zero_iv_pkcs7": check_aes,
    "extract_signed_substring": check_substring,
}


@pytest.mark.parametrize("name", sorted(VECTORS))
def test_vector(name: str) -> None:
    CHECKS[VECTORS[name]["kind"]](VECTORS[name])
    assert name in VECTORS


def test_there_are_vectors() -> None:
    assert VECTORS
