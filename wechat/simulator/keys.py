"""The key files of the simulator, made once.

For our client:
    merchant_key.pem, merchant_cert.pem                    the merchant's API key (PKCS#8) and its certificate
    wechatpay_public_key.pem, wechatpay_public_key_id.txt  WeChat Pay's public key and its PUB_KEY_ID_…
    platform_cert.pem                                      a platform certificate, for certificate mode
    api_v3_key.txt                                         the merchant's API v3 key, 32 characters
For the simulator only:
    wechatpay_key.pem, platform_key.pem                    the private halves
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

KEY_BITS = 2048
CERTIFICATE_DAYS = 5 * 365


@dataclass(frozen=True)
class KeyFiles:
    """Where each file of the folder is."""

    folder: Path

    @property
    def merchant_key(self) -> Path:
        """The merchant's private key."""
        return self.folder / "merchant_key.pem"

    @property
    def merchant_cert(self) -> Path:
        """The merchant's API certificate."""
        return self.folder / "merchant_cert.pem"

    @property
    def public_key(self) -> Path:
        """WeChat Pay's public key."""
        return self.folder / "wechatpay_public_key.pem"

    @property
    def public_key_id(self) -> Path:
        """The id of WeChat Pay's public key: one line, PUB_KEY_ID_…"""
        return self.folder / "wechatpay_public_key_id.txt"

    @property
    def api_v3_key(self) -> Path:
        """The merchant's API v3 key: one line of 32 characters."""
        return self.folder / "api_v3_key.txt"

    @property
    def wechatpay_key(self) -> Path:
        """WeChat Pay's private key (public-key mode)."""
        return self.folder / "wechatpay_key.pem"

    @property
    def platform_cert(self) -> Path:
        """WeChat Pay's platform certificate."""
        return self.folder / "platform_cert.pem"

    @property
    def platform_key(self) -> Path:
        """The private key of the platform certificate."""
        return self.folder / "platform_key.pem"


def ensure(folder: Path | str) -> KeyFiles:
    """The key files of the folder, made if they are not there. Safe when several processes start at once."""
    files = KeyFiles(Path(folder))
    if files.public_key_id.exists():
        return files
    files.folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(files.folder / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        os.lockf(lock, os.F_LOCK, 0)
        if not files.public_key_id.exists():
            _make(files)
    finally:
        os.close(lock)
    return files


def _make(files: KeyFiles) -> None:
    _key_and_certificate(files.merchant_key, files.merchant_cert, "Demo merchant")
    _key_and_certificate(files.platform_key, files.platform_cert, "Tenpay.com sign (simulator)")
    write_secret(files.api_v3_key, secrets.token_hex(16) + "\n")
    key = new_key()
    write_secret(files.wechatpay_key, private_pem(key))
    files.public_key.write_text(public_pem(key))
    # Written last: its presence says that the folder is complete.
    files.public_key_id.write_text(f"PUB_KEY_ID_{secrets.randbelow(10**20):020d}{secrets.randbelow(10**14):014d}\n")


def _key_and_certificate(key_file: Path, certificate_file: Path, name: str) -> None:
    key = new_key()
    write_secret(key_file, private_pem(key))
    certificate_file.write_text(certificate_pem(key, name, datetime.now(UTC)))


def new_key() -> rsa.RSAPrivateKey:
    """A fresh 2048-bit RSA key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)


def private_pem(key: rsa.RSAPrivateKey) -> str:
    """The key as PKCS#8 PEM, without a password."""
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem.decode()


def public_pem(key: rsa.RSAPrivateKey) -> str:
    """The public half as PEM."""
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()


def certificate_pem(key: rsa.RSAPrivateKey, name: str, since: datetime) -> str:
    """A self-signed certificate for the key, valid for five years."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since - timedelta(days=1))
        .not_valid_after(since + timedelta(days=CERTIFICATE_DAYS))
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def write_secret(file: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    with os.fdopen(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)
