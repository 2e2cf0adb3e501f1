"""A certificate authority such as Alipay's: a root, one below it, and a root of another kind beside them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

YEARS = timedelta(days=5 * 365)
_BITS = 2048

SigningKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Authority:
    """Signs certificates, and shows the way from them to the roots."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate
    roots: str

    @classmethod
    def new(cls) -> Authority:
        """A fresh one; its keys are kept nowhere."""
        top, below, elliptic = _key(), _key(), ec.generate_private_key(ec.SECP256R1())
        root = _certificate(top, _name("Certification Authority R1"), top, _name("Certification Authority R1"))
        # Stands for the SM2 root of Alipay's bundle, which client libraries must leave out of the number.
        strange = _certificate(elliptic, _name("Certification Authority ECC"), elliptic, _name("Certification Authority ECC"))
        middle = _certificate(below, _name("Certification Authority Class 2 R1"), top, root.subject)
        return cls(below, middle, f"{_pem(strange)}\n{_pem(root)}")

    def certify(self, key: rsa.RSAPrivateKey, name: str) -> str:
        """A certificate for the key in PEM, followed by the one above it."""
        return _pem(_certificate(key, _name(name), self.key, self.certificate.subject)) + _pem(self.certificate)


def _certificate(key: SigningKey, subject: x509.Name, by: SigningKey, issuer: x509.Name) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + YEARS)
    )
    return builder.sign(by, hashes.SHA256())


def _name(common: str) -> x509.Name:
    attributes = (
        (NameOID.COUNTRY_NAME, "CN"),
        (NameOID.ORGANIZATION_NAME, "Ant Financial (simulator)"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "Certification Authority"),
        (NameOID.COMMON_NAME, common),
    )
    return x509.Name([x509.NameAttribute(what, value) for what, value in attributes])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
