"""Personal data at rest: sealed with AES-256-GCM, found again by a keyed hash that cannot be reversed without the key."""

from __future__ import annotations

import hashlib
import hmac
import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE = 12
_keys: dict[str, bytes] = {}


def configure(data_key: str) -> None:
    """Take the key that seals personal data. Losing it loses the phones; changing it needs a re-seal."""
    for purpose in ("seal", "find"):
        derived = HKDF(SHA256(), 32, salt=b"mallbridge", info=purpose.encode()).derive(data_key.encode())
        _keys[purpose] = derived


def seal(plain: str) -> bytes:
    """Encrypt a short text for a BYTEA column."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(_keys["seal"]).encrypt(nonce, plain.encode(), None)


def unseal(sealed: bytes) -> str:
    """Decrypt what `seal` made. cryptography's InvalidTag when it was changed or sealed with another key."""
    return AESGCM(_keys["seal"]).decrypt(sealed[:_NONCE], sealed[_NONCE:], None).decode()


def find_key(plain: str) -> str:
    """The keyed hash (hex) under which a value is looked up and kept unique."""
    return hmac.new(_keys["find"], plain.encode(), hashlib.sha256).hexdigest()


def mask_phone(phone: str) -> str:
    """138****5678: what staff may see of a phone."""
    digits = phone[-11:]
    return f"{digits[:3]}****{digits[-4:]}" if len(digits) >= 7 else "****"
