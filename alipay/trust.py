"""Whose signatures count, and which certificates we name: key mode and certificate mode, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import md5

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import Certificate, load_pem_x509_certificates

from alipay.errors import Untrusted
from alipay.signing import public_key, verify

_RSA_SIGNED = "1.2.840.113549.1.1."
_LONGEST_CHAIN = 5


class Trust:
    """Alipay's keys that we believe: bare public keys, and certificates by their number.

    An answer names its certificate (alipay_cert_sn) and is proved with exactly that one. What names none, such as a
    notice, is proved with any of the keys, so two of them may be valid during a rotation and both modes in a change-over.
    An expired certificate still proves what it signed: `expires_at` is there to warn of it.
    """

    def __init__(self, keys: Iterable[RSAPublicKey] = (), certificates: Mapping[str, Certificate] | None = None) -> None:
        self._keys = tuple(keys)
        self._certificates = dict(certificates or {})
        self._certified = {number: _rsa(certificate) for number, certificate in self._certificates.items()}

    @classmethod
    def public_keys(cls, *texts: str) -> Trust:
        """Key mode: Alipay's public key as PEM or as the bare base64 of the console. Raises ValueError."""
        return cls(keys=[public_key(text) for text in texts])

    @classmethod
    def certificates(cls, *pems: str, root: str) -> Trust:
        """Certificate mode: Alipay's public-key certificates. Raises ValueError where one does not lead to the root."""
        roots = load_pem_x509_certificates(root.encode())
        held = [_chained(load_pem_x509_certificates(pem.encode()), roots) for pem in pems]
        return cls(certificates={certificate_number(certificate): certificate for certificate in held})

    def __or__(self, other: Trust) -> Trust:
        """Believe both."""
        return Trust((*self._keys, *other._keys), {**self._certificates, **other._certificates})

    @property
    def expires_at(self) -> datetime | None:
        """When the first of the certificates expires; a public key never does."""
        return min((certificate.not_valid_after_utc for certificate in self._certificates.values()), default=None)

    def check(self, content: str, signature: object, certificate: str = "") -> None:
        """Raise Untrusted unless the base64 signature over this text is Alipay's."""
        if not isinstance(signature, str) or not signature:
            raise Untrusted("the signature is missing")
        if not any(verify(key, content, signature) for key in self._candidates(certificate)):
            raise Untrusted("the signature does not match")

    def _candidates(self, certificate: str) -> Iterable[RSAPublicKey]:
        if not certificate:
            return (*self._keys, *self._certified.values())
        if certificate not in self._certified:
            raise Untrusted("signed with a certificate that we do not hold")
        return (self._certified[certificate],)


@dataclass(frozen=True)
class AppCertificates:
    """What a request names in certificate mode: the application's certificate and Alipay's root, by number."""

    app_cert_sn: str
    alipay_root_cert_sn: str

    @classmethod
    def of(cls, app: str, root: str) -> AppCertificates:
        """From the PEMs of both. Raises ValueError."""
        return cls(certificate_number(certificate_of(app)), root_number(root))


def certificate_of(pem: str) -> Certificate:
    """The first certificate of a PEM; what follows are those above it. Raises ValueError."""
    return load_pem_x509_certificates(pem.encode())[0]


def certificate_number(certificate: Certificate) -> str:
    """A certificate's number as Alipay counts: the MD5 of its issuer's name and its serial number."""
    text = certificate.issuer.rfc4514_string() + str(certificate.serial_number)
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def root_number(root: str) -> str:
    """The numbers of a bundle's RSA certificates, joined; it holds SM2 certificates as well, which do not count."""
    certificates = load_pem_x509_certificates(root.encode())
    signed_by_rsa = [each for each in certificates if each.signature_algorithm_oid.dotted_string.startswith(_RSA_SIGNED)]
    numbers = [certificate_number(certificate) for certificate in signed_by_rsa]
    if not numbers:
        raise ValueError("no RSA certificate in the root bundle")
    return "_".join(numbers)


def _chained(chain: list[Certificate], roots: list[Certificate]) -> Certificate:
    leaf, held = chain[0], chain[0]
    for _ in range(_LONGEST_CHAIN):
        if any(_issued(held, root) for root in roots):
            return leaf
        above = next((issuer for issuer in chain[1:] if issuer is not held and _issued(held, issuer)), None)
        if above is None:
            break
        held = above
    raise ValueError("the certificate does not lead to the root")


def _issued(certificate: Certificate, by: Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(by)
    except (InvalidSignature, TypeError, ValueError):
        return False
    return True


def _rsa(certificate: Certificate) -> RSAPublicKey:
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise ValueError("not an RSA certificate")
    return key
