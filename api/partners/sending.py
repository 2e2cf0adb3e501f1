"""The seam to partners: one POST, signed as Standard Webhooks say, to a public address only, within a limit of time as a whole.

The name is resolved once, every address it stands for is checked, and the connection goes to a checked address: a name whose address
changes in between leads nowhere else. Redirects are answers, not addresses.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import http.client
import os
import socket
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import SplitResult, urlsplit

from api import safety
from api.kit import clock, logs
from api.partners.errors import PartnerAddressRefused
from api.settings import Settings

LIMIT = 10.0  # seconds for everything but the name's resolution, which the system's resolver limits
KEPT = 500  # bytes of the answer
SECRET_PREFIX = "whsec_"  # noqa: S105 - how Standard Webhooks begin a secret
SECRET_BYTES = 32

_PORTS = {"https": 443, "http": 80}

_production = False


def configure(settings: Settings) -> None:
    """Learn whether this is production, where only public addresses by https are called."""
    global _production
    _production = settings.production


@dataclass(frozen=True)
class OutgoingRequest:
    """One attempt of one delivery, ready to be sent."""

    delivery_id: int
    endpoint_id: int
    seq: int
    number: str
    url: str
    body: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    at: datetime = field(default_factory=clock.now)


@dataclass(frozen=True)
class SendResult:
    """The result of an attempt: the answer's status and first bytes, or a word for why there was none."""

    status: int | None = None
    answer: str | None = None
    trouble: str | None = None
    took_ms: int = 0

    @property
    def accepted(self) -> bool:
        """Whether the partner has it: any 2xx, and nothing else."""
        return self.status is not None and 200 <= self.status < 300


class AddressForbidden(Exception):
    """The address is not public, or not by https."""


def new_secret() -> str:
    """A fresh secret: whsec_ and base64 of 32 random bytes."""
    return SECRET_PREFIX + base64.b64encode(os.urandom(SECRET_BYTES)).decode()


def signature(secret: str, number: str, timestamp: int, body: bytes) -> str:
    """One signature (v1): HMAC-SHA256 of id.timestamp.body."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    return "v1," + base64.b64encode(hmac.digest(key, f"{number}.{timestamp}.".encode() + body, hashlib.sha256)).decode()


def refuse_address(url: str) -> None:
    """Refuse what is wrong without resolving the name; the rest is checked at each sending. PartnerAddressRefused."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
        _refuse_scheme(parts)
        if _production and safety.is_inside(host):
            raise AddressForbidden()
    except (AddressForbidden, ValueError) as refused:
        raise PartnerAddressRefused() from refused


def _refuse_scheme(parts: SplitResult) -> None:
    if parts.scheme != "https" and (_production or parts.scheme != "http"):
        raise AddressForbidden()


def post(outgoing: OutgoingRequest) -> SendResult:
    """Send one attempt. Never raises for what a partner or the network does."""
    began = clock.monotonic()
    result = _try(outgoing)
    return SendResult(result.status, result.answer, result.trouble, int((clock.monotonic() - began) * 1000))


def _try(outgoing: OutgoingRequest) -> SendResult:
    try:
        parts = urlsplit(outgoing.url)
        _refuse_scheme(parts)
        addresses = _resolve(parts.hostname or "", parts.port or _PORTS[parts.scheme])
    except AddressForbidden:
        return SendResult(trouble="address-refused")
    except (OSError, ValueError, UnicodeError):
        return SendResult(trouble="name-unknown")
    wire = _Wire(parts, addresses)
    cut = threading.Timer(LIMIT, wire.cut)
    cut.daemon = True
    cut.start()
    try:
        return _result_of(*_exchange(wire, parts, outgoing))
    except (OSError, http.client.HTTPException, ValueError, binascii.Error) as error:
        return SendResult(trouble="timeout" if wire.was_cut or isinstance(error, TimeoutError) else _trouble_of(error))
    finally:
        cut.cancel()
        wire.close()


def _trouble_of(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return "certificate" if isinstance(error, ssl.SSLCertVerificationError) else "tls"
    return "unreachable" if isinstance(error, OSError) else "answer-unreadable"


def _result_of(status: int, head: bytes) -> SendResult:
    answer = logs.clean(head.decode("utf-8", "replace").replace("\0", "")) or None
    if 200 <= status < 300:
        return SendResult(status, answer)
    return SendResult(status, answer, "gone" if status == 410 else "redirect" if 300 <= status < 400 else "not-accepted")


def _resolve(host: str, port: int) -> Sequence[tuple[str, int]]:
    """Every address of a name. In production one that is not public forbids them all, because it is not known which would be used."""
    addresses = [(str(place[4][0]), port) for place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not addresses or (_production and not all(safety.is_public(address) for address, _ in addresses)):
        raise AddressForbidden()
    return addresses


def _exchange(wire: _Wire, parts: SplitResult, outgoing: OutgoingRequest) -> tuple[int, bytes]:
    body, timestamp = outgoing.body.encode(), int(outgoing.at.timestamp())
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Mallbridge",
        "webhook-id": outgoing.number,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(secret, outgoing.number, timestamp, body) for secret in outgoing.secrets),
        "webhook-attempt": str(outgoing.seq),
    }
    wire.request("POST", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), body=body, headers=headers)
    answer = wire.getresponse()
    if wire.was_cut:
        raise TimeoutError  # what looks like the end of the headers was ours
    try:
        return answer.status, answer.read(KEPT)
    except (OSError, http.client.HTTPException):
        return answer.status, b""  # the status is the answer; a body that does not come changes nothing


class _Wire(http.client.HTTPConnection):
    """A connection to a checked address; the certificate must be the name's. `cut` ends it from another thread."""

    def __init__(self, parts: SplitResult, addresses: Sequence[tuple[str, int]]) -> None:
        super().__init__(parts.hostname or "", parts.port or _PORTS[parts.scheme], timeout=LIMIT)
        self.default_port = _PORTS[parts.scheme]  # so that Host names a port only where the address does
        self._addresses, self._sealed = addresses, parts.scheme == "https"
        self._ends = clock.monotonic() + LIMIT
        self._open: socket.socket | None = None
        self.was_cut = False

    def connect(self) -> None:
        self.sock = self._open = self._first_connection()
        if self._sealed:
            context = ssl.create_default_context()
            self.sock = self._open = context.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
            self._open.do_handshake()
        if self.was_cut:
            raise TimeoutError

    def _first_connection(self) -> socket.socket:
        """A connection to the first address that answers; where there is no IPv6, that is not the first one named."""
        for place, address in enumerate(self._addresses, 1):
            left = self._ends - clock.monotonic()
            if left <= 0:
                break
            try:
                return socket.create_connection(address, left)
            except OSError:
                if place == len(self._addresses):
                    raise
        raise TimeoutError

    def cut(self) -> None:
        """The time is over: a read or write in progress fails at once."""
        self.was_cut = True
        if self._open is not None:
            try:
                socket.socket.shutdown(self._open, socket.SHUT_RDWR)
            except OSError:
                return  # it has ended by itself
