"""The key files of the simulator, made once.

For our client:
    app_key.pem                             the application's private key (PKCS#8)
    alipay_public_key.pem                   Alipay's public key
    content_key.txt                         the content key (接口内容加密密钥): base64 of 16 bytes
For the simulator only:
    app_public_key.pem                      the public half of the application's key, as uploaded to the console
    alipay_key.pem                          Alipay's private key
"""

from __future__ import annotations

import os
import secrets
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

KEY_BITS = 2048


@dataclass(frozen=True)
class KeyFiles:
    """Where each file of the folder is."""

    folder: Path

    @property
    def app_key(self) -> Path:
        """The application's private key."""
        return self.folder / "app_key.pem"

    @property
    def app_public_key(self) -> Path:
        """The application's public key."""
        return self.folder / "app_public_key.pem"

    @property
    def alipay_key(self) -> Path:
        """Alipay's private key."""
        return self.folder / "alipay_key.pem"

    @property
    def alipay_public_key(self) -> Path:
        """Alipay's public key."""
        return self.folder / "alipay_public_key.pem"

    @property
    def content_key(self) -> Path:
        """The content key: one line of base64."""
        return self.folder / "content_key.txt"


def ensure(folder: Path | str) -> KeyFiles:
    """The key files of the folder, made if they are not there. Safe when several processes start at once."""
    files = KeyFiles(Path(folder))
    if files.alipay_public_key.exists():
        return files
    files.folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(files.folder / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        os.lockf(lock, os.F_LOCK, 0)
        if not files.alipay_public_key.exists():
            _make_pair(files.app_key, files.app_public_key)
            _write_secret(files.content_key, b64encode(secrets.token_bytes(16)).decode() + "\n")
            # Last: the presence of Alipay's public key says that the folder is complete.
            _make_pair(files.alipay_key, files.alipay_public_key)
    finally:
        os.close(lock)
    return files


def _make_pair(key_file: Path, public_file: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    _write_secret(key_file, _private_pem(key))
    public_file.write_text(_public_pem(key))


def _write_secret(file: Path, text: str) -> None:
    with os.fdopen(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)


def _private_pem(key: rsa.RSAPrivateKey) -> str:
    form, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, none).decode()


def _public_pem(key: rsa.RSAPrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()
