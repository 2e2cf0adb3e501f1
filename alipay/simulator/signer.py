"""The keys that Alipay signs with: the present one, the next, or both by turns while they are exchanged."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from alipay.signing import private_key, sign
from alipay.simulator.keys import KeyFiles
from alipay.trust import AppCertificates, certificate_number, certificate_of

MODES = ("present", "next", "mixed")


@dataclass
class Signer:
    """Signs with whichever key is its turn, and says the number of that key's certificate."""

    present: tuple[RSAPrivateKey, str] = field(repr=False)
    next: tuple[RSAPrivateKey, str] = field(repr=False)
    mode: str = "present"
    _turns: count[int] = field(default_factory=count, repr=False)

    @classmethod
    def of(cls, files: KeyFiles) -> Signer:
        """From the key files."""
        pairs = ((files.alipay_key, files.alipay_cert), (files.next_alipay_key, files.next_alipay_cert))
        present, following = ((private_key(key.read_text()), certificate_number(certificate_of(cert.read_text()))) for key, cert in pairs)
        return cls(present, following)

    def sign(self, content: str) -> tuple[str, str]:
        """The signature, and the number of the certificate to say with it."""
        following = self.mode == "next" or (self.mode == "mixed" and next(self._turns) % 2 == 1)
        key, number = self.next if following else self.present
        return sign(key, content), number


def app_certificates(files: KeyFiles) -> AppCertificates:
    """What the demo application names in certificate mode."""
    return AppCertificates.of(files.app_cert.read_text(), files.alipay_root_cert.read_text())
