"""AES-128-CBC with PKCS#7 and a zero IV, with which Alipay seals contents such as phone numbers."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from alipay.errors import Undecryptable

_BLOCK_BITS = 128
# The zero IV is Alipay's choice, not ours; the signature over the ciphertext is what protects it.
_ZERO_IV = bytes(16)


def decrypt(content_key: str, ciphertext: str) -> str:
    """Open base64 ciphertext with the base64 content key. Raises Undecryptable."""
    try:
        opener = _cipher(content_key).decryptor()
        padded = opener.update(b64decode(ciphertext, validate=True)) + opener.finalize()
        unpadder = PKCS7(_BLOCK_BITS).unpadder()
        return (unpadder.update(padded) + unpadder.finalize()).decode()
    except (ValueError, binascii.Error):
        raise Undecryptable("the content does not open with this key") from None


def encrypt(content_key: str, plaintext: str) -> str:
    """The opposite of decrypt, as Alipay does it."""
    padder = PKCS7(_BLOCK_BITS).padder()
    padded = padder.update(plaintext.encode()) + padder.finalize()
    sealer = _cipher(content_key).encryptor()
    return b64encode(sealer.update(padded) + sealer.finalize()).decode()


def _cipher(content_key: str) -> Cipher[CBC]:
    return Cipher(AES(b64decode(content_key, validate=True)), CBC(_ZERO_IV))
