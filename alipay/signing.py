"""RSA2 signatures of Alipay: requests, answers and notices.

Three rules that differ: a request and a platform message keep `sign_type`, a trade notice drops it, and an answer's
signature covers the raw text of its node.
"""

from __future__ import annotations

import binascii
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_private_key, load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

from alipay.errors import UnreadableAnswer

Clock = Callable[[], datetime]

SIGN_TYPE = "RSA2"
BEIJING = timezone(timedelta(hours=8))
_TIME = "%Y-%m-%d %H:%M:%S"
_DECODER = json.JSONDecoder()


def private_key(pem: str) -> RSAPrivateKey:
    """The application's private key from PEM (PKCS#1 or PKCS#8). Raises ValueError for anything else."""
    key = load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("not an RSA private key")
    return key


def public_key(text: str) -> RSAPublicKey:
    """Alipay's public key: PEM, a certificate in PEM, or the bare base64 that the console shows."""
    key = _any_public_key(text)
    if not isinstance(key, RSAPublicKey):
        raise ValueError("not an RSA public key")
    return key


def _any_public_key(text: str) -> object:
    if "BEGIN CERTIFICATE" in text:
        return load_pem_x509_certificate(text.encode()).public_key()
    if "BEGIN" in text:
        return load_pem_public_key(text.encode())
    return load_der_public_key(b64decode("".join(text.split()), validate=True))


def sign(key: RSAPrivateKey, content: str) -> str:
    """SHA256withRSA (RSA2) over the text, in base64."""
    return b64encode(key.sign(content.encode(), PKCS1v15(), SHA256())).decode()


def verify(key: RSAPublicKey, content: str, signature: str) -> bool:
    """Whether the base64 signature is the key's over this text. SHA-1 (sign_type RSA) is never accepted."""
    try:
        raw = b64decode(signature, validate=True)
        # Of the texts that decode to these bytes only one is theirs: unused bits must not vary.
        if b64encode(raw).decode() != signature:
            return False
        key.verify(raw, content.encode(), PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def request_content(params: Mapping[str, str]) -> str:
    """The text under a request's `sign`: sorted k=v, without `sign` and empty values, with `sign_type`."""
    return _joined(params, without=("sign",))


def notice_content(params: Mapping[str, str]) -> str:
    """The text under a trade notice's `sign`: as a request's, but `sign_type` is dropped too."""
    return _joined(params, without=("sign", "sign_type"))


def _joined(params: Mapping[str, str], without: tuple[str, ...]) -> str:
    kept = sorted((name, value) for name, value in params.items() if value and name not in without)
    return "&".join(f"{name}={value}" for name, value in kept)


def signed_node(raw: str, node: str) -> str:
    """The raw text of a top-level node of an answer: an object with its braces, or a string with its quotes.

    Walks the JSON itself, so braces and quotes inside strings, and a node's name inside other values, do not mislead.
    Raises UnreadableAnswer where the text is not an object with that node.
    """
    try:
        return _node(raw, node)
    except (ValueError, IndexError, RecursionError) as trouble:
        raise UnreadableAnswer(f"no {node} in the answer") from trouble


def _node(raw: str, node: str) -> str:
    at = _skip(raw, 0)
    if raw[at] != "{":
        raise ValueError("not an object")
    while raw[at] in "{,":
        name, end = _DECODER.raw_decode(raw, _expect(raw, _skip(raw, at + 1), '"'))
        start = _skip(raw, _expect(raw, _skip(raw, end), ":") + 1)
        _, end = _DECODER.raw_decode(raw, start)
        if name == node:
            return raw[start:end]
        at = _skip(raw, end)
    raise ValueError("no such node")


def _skip(raw: str, at: int) -> int:
    while raw[at] in " \t\r\n":
        at += 1
    return at


def _expect(raw: str, at: int, sign_: str) -> int:
    if raw[at] != sign_:
        raise ValueError(f"expected {sign_}")
    return at


def beijing(instant: datetime) -> str:
    """An instant as Alipay writes it: Beijing wall clock without an offset."""
    return instant.astimezone(BEIJING).strftime(_TIME)


def instant(text: str) -> datetime:
    """Alipay's wall clock as aware UTC; gmt_refund carries a fraction of a second. Raises ValueError."""
    whole, _, fraction = text.partition(".")
    read = datetime.strptime(whole, _TIME).replace(tzinfo=BEIJING).astimezone(UTC)
    return read + timedelta(seconds=float(f"0.{fraction}")) if fraction.isdigit() else read
