"""The key files of the simulator, made once; what an older folder lacks is added.

For our client:
    app_key.pem                             the application's private key (PKCS#8)
    alipay_public_key.pem                   Alipay's public key
    next_alipay_public_key.pem              the one that follows it, for a rotation
    content_key.txt                         the content key (接口内容加密密钥): base64 of 16 bytes
For our client in certificate mode:
    app_cert.pem                            the application's certificate
    alipay_cert.pem, next_alipay_cert.pem   Alipay's, with the certificate above it
    alipay_root_cert.pem                    Alipay's roots: one of RSA, and one of another kind, which does not count
For the simulator only:
    app_public_key.pem                      the public half of the application's key, as uploaded to the console
    alipay_key.pem, next_alipay_key.pem     Alipay's private keys
"""

from __future__ import annotations

import os
import secrets
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from alipay.signing import private_key
from alipay.simulator.authority import Authority

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
    def next_alipay_key(self) -> Path:
        """The private key that Alipay will sign with."""
        return self.folder / "next_alipay_key.pem"

    @property
    def next_alipay_public_key(self) -> Path:
        """Its public half."""
        return self.folder / "next_alipay_public_key.pem"

    @property
    def alipay_root_cert(self) -> Path:
        """Alipay's root certificates."""
        return self.folder / "alipay_root_cert.pem"

    @property
    def alipay_cert(self) -> Path:
        """The certificate of Alipay's key."""
        return self.folder / "alipay_cert.pem"

    @property
    def next_alipay_cert(self) -> Path:
        """The certificate of Alipay's next key."""
        return self.folder / "next_alipay_cert.pem"

    @property
    def app_cert(self) -> Path:
        """The application's certificate."""
        return self.folder / "app_cert.pem"

    @property
    def content_key(self) -> Path:
        """The content key: one line of base64."""
        return self.folder / "content_key.txt"


def ensure(folder: Path | str) -> KeyFiles:
    """The key files of the folder, made if they are not there. Safe when several processes start at once."""
    files = KeyFiles(Path(folder))
    if files.app_cert.exists():
        return files
    files.folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(files.folder / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        os.lockf(lock, os.F_LOCK, 0)
        if not files.app_cert.exists():
            _make(files)
    finally:
        os.close(lock)
    return files


def _make(files: KeyFiles) -> None:
    if not files.content_key.exists():
        _write_secret(files.content_key, b64encode(secrets.token_bytes(16)).decode() + "\n")
    app = _pair(files.app_key, files.app_public_key)
    present, following = (
        _pair(files.alipay_key, files.alipay_public_key),
        _pair(files.next_alipay_key, files.next_alipay_public_key),
    )
    authority = Authority.new()
    files.alipay_root_cert.write_text(authority.roots)
    files.alipay_cert.write_text(authority.certify(present, "支付宝(中国)网络技术有限公司-2088000000000001"))
    files.next_alipay_cert.write_text(authority.certify(following, "支付宝(中国)网络技术有限公司-2088000000000001"))
    # Last: the presence of the application's certificate says that the folder is complete.
    files.app_cert.write_text(authority.certify(app, "2021000000000000"))


def _pair(key_file: Path, public_file: Path) -> rsa.RSAPrivateKey:
    if public_file.exists():
        return private_key(key_file.read_text())
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    _write_secret(key_file, _private_pem(key))
    public_file.write_text(_public_pem(key))
    return key


def _write_secret(file: Path, text: str) -> None:
    with os.fdopen(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)


def _private_pem(key: rsa.RSAPrivateKey) -> str:
    form, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, none).decode()


def _public_pem(key: rsa.RSAPrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()
