"""AEAD_AES_256_GCM, with which WeChat Pay seals notices and certificates."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from wechat.errors import Undecryptable

KEY_BYTES = 32


def unseal(key: bytes, nonce: str, associated_data: str, ciphertext: str) -> bytes:
    """Open base64(ciphertext ‖ 16-byte tag). Raises Undecryptable; says nothing of the content."""
    try:
        sealed = b64decode(ciphertext, validate=True)
        return AESGCM(key).decrypt(nonce.encode(), sealed, associated_data.encode())
    except (InvalidTag, ValueError, binascii.Error):
        raise Undecryptable("the resource does not open with this key") from None


def seal(key: bytes, nonce: str, associated_data: str, plaintext: bytes) -> str:
    """The opposite of unseal, as the gateway does it: base64(ciphertext ‖ tag)."""
    return b64encode(AESGCM(key).encrypt(nonce.encode(), plaintext, associated_data.encode())).decode()


def api_v3_key(text: str) -> bytes:
    """The merchant's API v3 key as bytes. Raises ValueError unless it has the 32 bytes that WeChat issues."""
    key = text.encode()
    if len(key) != KEY_BYTES:
        raise ValueError(f"an API v3 key has {KEY_BYTES} bytes, this one has {len(key)}")
    return key
