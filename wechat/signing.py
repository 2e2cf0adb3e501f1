"""Signatures of WeChat Pay API v3: what we sign, and what we believe.

Source: 签名与验签规则 and 回调通知处理 of WeChat Pay's merchant documentation.
"""

from __future__ import annotations

import binascii
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from wechat.errors import Undecryptable, Untrusted

Clock = Callable[[], datetime]

SCHEME = "WECHATPAY2-SHA256-RSA2048"
FRESH_SECONDS = 300
PROBE = "WECHATPAY/SIGNTEST/"
PUBLIC_KEY_ID = "PUB_KEY_ID_"

# Sensitive fields are sealed with SHA-1 in both places: what WeChat Pay documents.
_SEALING = OAEP(MGF1(SHA1()), SHA1(), None)  # noqa: S303


@dataclass(frozen=True)
class Merchant:
    """Who signs: the merchant number, the serial of its API certificate, and that certificate's private key."""

    mchid: str
    serial_no: str
    private_key: RSAPrivateKey = field(repr=False)

    @classmethod
    def from_pem(cls, mchid: str, certificate_pem: str, key_pem: str) -> Merchant:
        """Read the two files that the merchant portal gives out (apiclient_cert.pem, apiclient_key.pem)."""
        return cls(mchid, certificate_serial(certificate_pem), private_key(key_pem))


def private_key(pem: str) -> RSAPrivateKey:
    """An RSA private key from PEM. Raises ValueError for anything else."""
    key = load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("not an RSA private key")
    return key


def public_key(pem: str) -> RSAPublicKey:
    """An RSA public key from PEM. Raises ValueError for anything else."""
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, RSAPublicKey):
        raise ValueError("not an RSA public key")
    return key


def certificate_serial(pem: str) -> str:
    """A certificate's serial number as WeChat writes it: upper-case hexadecimal."""
    return f"{x509.load_pem_x509_certificate(pem.encode()).serial_number:X}"


def fresh_nonce() -> str:
    """A nonce of 32 upper-case hexadecimal digits."""
    return secrets.token_hex(16).upper()


def sign(key: RSAPrivateKey, *lines: str) -> str:
    """RSA PKCS#1 v1.5 with SHA-256 over the lines, each ended by LF (the last one too), in base64."""
    return b64encode(key.sign(_text(lines), PKCS1v15(), SHA256())).decode()


def verify(key: RSAPublicKey, signature: str, *lines: str) -> bool:
    """Whether the base64 signature is the key's over these lines."""
    return verify_bytes(key, signature, _text(lines))


def verify_bytes(key: RSAPublicKey, signature: str, message: bytes) -> bool:
    """Whether the base64 signature is the key's over exactly these bytes."""
    try:
        key.verify(b64decode(signature, validate=True), message, PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def seal_field(key: RSAPublicKey, plain: str) -> str:
    """A sensitive field that only the key's owner can read, in base64."""
    return b64encode(key.encrypt(plain.encode(), _SEALING)).decode()


def unseal_field(key: RSAPrivateKey, sealed: str) -> str:
    """A sensitive field that was sealed for this key. Raises Undecryptable; says nothing of the content."""
    try:
        return key.decrypt(b64decode(sealed, validate=True), _SEALING).decode()
    except (ValueError, binascii.Error):
        raise Undecryptable("the field does not open with this key") from None


def _text(lines: tuple[str, ...]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def authorization(merchant: Merchant, method: str, path: str, body: str, *, timestamp: int, nonce: str) -> str:
    """The Authorization header of a request. `path` is the path with its query exactly as sent."""
    signature = sign(merchant.private_key, method, path, str(timestamp), nonce, body)
    fields = {
        "mchid": merchant.mchid,
        "nonce_str": nonce,
        "signature": signature,
        "timestamp": str(timestamp),
        "serial_no": merchant.serial_no,
    }
    return f"{SCHEME} " + ",".join(f'{name}="{value}"' for name, value in fields.items())


def pay_params(merchant: Merchant, appid: str, prepay_id: str, *, timestamp: int, nonce: str) -> dict[str, str]:
    """The arguments of wx.requestPayment. Signed with the key that signed the order; signType is not signed."""
    package = f"prepay_id={prepay_id}"
    return {
        "timeStamp": str(timestamp),
        "nonceStr": nonce,
        "package": package,
        "signType": "RSA",
        "paySign": sign(merchant.private_key, *pay_sign_lines(appid, str(timestamp), nonce, package)),
    }


def pay_sign_lines(appid: str, timestamp: str, nonce: str, package: str) -> tuple[str, str, str, str]:
    """The four lines under paySign (mini-program and JSAPI; a native App signs the bare prepay id)."""
    return appid, timestamp, nonce, package


@dataclass(frozen=True)
class TrustedKey:
    """A key that WeChat Pay signs with, and when its certificate is valid (a public key never expires)."""

    key: RSAPublicKey
    not_before: datetime | None = None
    not_after: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        """Whether the certificate behind the key is valid now."""
        return (self.not_before is None or self.not_before <= now) and (self.not_after is None or now < self.not_after)


class Trust:
    """The keys we believe, by `Wechatpay-Serial`: public keys and platform certificates side by side.

    Both kinds may be in use at once: during a change-over callbacks come signed with either.
    """

    def __init__(self, keys: Mapping[str, TrustedKey]) -> None:
        self._keys = {serial.upper(): key for serial, key in keys.items()}

    @classmethod
    def public_key(cls, key_id: str, pem: str) -> Trust:
        """Public-key mode, the default for merchants opened since autumn 2024."""
        if not key_id.startswith(PUBLIC_KEY_ID):
            raise ValueError(f"the id of a WeChat Pay public key starts with {PUBLIC_KEY_ID}")
        return cls({key_id: TrustedKey(public_key(pem))})

    @classmethod
    def certificates(cls, *pems: str) -> Trust:
        """Certificate mode: the platform certificates, each under its own serial number."""
        return cls(dict(_platform_certificate(pem) for pem in pems))

    def __or__(self, other: Trust) -> Trust:
        """Believe both: two keys during a rotation, or both modes during a change-over."""
        return Trust({**self._keys, **other._keys})

    def check(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        """Raise Untrusted unless these headers prove that WeChat Pay sent this body within the last 300 s."""
        field_of = {name.lower(): value for name, value in headers.items()}
        timestamp = _fresh_timestamp(field_of.get("wechatpay-timestamp", ""), now)
        signature = field_of.get("wechatpay-signature", "")
        if not signature or signature.startswith(PROBE):
            raise Untrusted("the signature is missing or a probe")
        if field_of.get("wechatpay-signature-type", SCHEME) != SCHEME:
            raise Untrusted("signed with an algorithm that we do not accept")
        key = self._key(field_of.get("wechatpay-serial", ""), now)
        nonce = field_of.get("wechatpay-nonce", "")
        if not verify_bytes(key, signature, f"{timestamp}\n{nonce}\n".encode() + body + b"\n"):
            raise Untrusted("the signature does not match")

    def seal(self, plain: str, now: datetime, preferred: str = "") -> tuple[str, str]:
        """A text that only WeChat Pay can read, after the serial of the key for it. Raises ValueError without a valid key."""
        valid = {serial: trusted for serial, trusted in self._keys.items() if trusted.is_valid(now)}
        if not valid:
            raise ValueError("no key to seal with is valid")
        serial = preferred.upper() if preferred.upper() in valid else next(reversed(valid))
        return serial, seal_field(valid[serial].key, plain)

    def _key(self, serial: str, now: datetime) -> RSAPublicKey:
        trusted = self._keys.get(serial.upper())
        if trusted is None or not trusted.is_valid(now):
            raise Untrusted("signed with a key that we do not know, or that is out of date")
        return trusted.key


def _fresh_timestamp(text: str, now: datetime) -> str:
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise Untrusted("the timestamp is missing or unreadable")
    if abs(now.timestamp() - int(text)) >= FRESH_SECONDS:
        raise Untrusted("the timestamp is more than five minutes off")
    return text


def _platform_certificate(pem: str) -> tuple[str, TrustedKey]:
    certificate = x509.load_pem_x509_certificate(pem.encode())
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise ValueError("not an RSA certificate")
    valid = TrustedKey(key, certificate.not_valid_before_utc, certificate.not_valid_after_utc)
    return f"{certificate.serial_number:X}", valid
