"""WeChat Pay's side of the signatures: checking a merchant's requests, signing answers and notices."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1
from flask import Response, g, request

from wechat.signing import FRESH_SECONDS, PROBE, SCHEME, certificate_serial, fresh_nonce, private_key, sign, verify
from wechat.simulator.clock import SimClock
from wechat.simulator.keys import KeyFiles
from wechat.simulator.store import MerchantAccount, Store

_FIELD = re.compile(r'(\w+)="([^"]*)"')
_SIGNED = {"mchid", "nonce_str", "signature", "timestamp", "serial_no"}


class PayError(Exception):
    """An error answer of WeChat Pay."""

    def __init__(self, status: int, code: str, message: str, detail: dict[str, Any] | None = None) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.body: dict[str, Any] = {"code": code, "message": message}
        if detail is not None:
            self.body["detail"] = detail


@dataclass
class Signer:
    """The two keys that WeChat Pay signs with. `mode` as in Settings.sign_mode."""

    clock: SimClock
    public_key_id: str
    public_key_mode: RSAPrivateKey = field(repr=False)
    certificate_serial: str
    certificate_mode: RSAPrivateKey = field(repr=False)
    certificate_pem: str = field(repr=False)
    mode: str = "public_key"
    _turn: int = 0

    @classmethod
    def from_files(cls, files: KeyFiles, clock: SimClock, mode: str) -> Signer:
        """Read the gateway's keys."""
        certificate = files.platform_cert.read_text()
        return cls(
            clock=clock,
            public_key_id=files.public_key_id.read_text().strip(),
            public_key_mode=private_key(files.wechatpay_key.read_text()),
            certificate_serial=certificate_serial(certificate),
            certificate_mode=private_key(files.platform_key.read_text()),
            certificate_pem=certificate,
            mode=mode,
        )

    def headers(self, body: bytes, asked_serial: str = "", wrong: str = "") -> dict[str, str]:
        """The signature headers of a body; `wrong` is bad_signature, probe, stale, serial, or nothing."""
        serial, key = self._choose(asked_serial)
        timestamp = str(int(self.clock().timestamp()) - (2 * FRESH_SECONDS if wrong == "stale" else 0))
        nonce = fresh_nonce()
        signed = body.decode() + ("altered" if wrong == "bad_signature" else "")
        signature = sign(key, timestamp, nonce, signed)
        return {
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": (PROBE + signature)[: len(signature)] if wrong == "probe" else signature,
            "Wechatpay-Serial": "PUB_KEY_ID_0000" if wrong == "serial" else serial,
            "Wechatpay-Signature-Type": SCHEME,
        }

    def unseal(self, serial: str, sealed: str) -> str | None:
        """A field that was sealed for one of our keys; None where it does not open."""
        key = self.public_key_mode if serial == self.public_key_id else self.certificate_mode
        try:
            return key.decrypt(b64decode(sealed, validate=True), OAEP(MGF1(SHA1()), SHA1(), None)).decode()
        except ValueError:
            return None

    def _choose(self, asked_serial: str) -> tuple[str, RSAPrivateKey]:
        by_certificate = (self.certificate_serial, self.certificate_mode)
        by_public_key = (self.public_key_id, self.public_key_mode)
        if asked_serial == self.public_key_id:
            return by_public_key
        if self.mode == "mixed":
            self._turn += 1
            return by_certificate if self._turn % 2 else by_public_key
        return by_certificate if self.mode == "certificate" else by_public_key


def sign_answer(signer: Signer, response: Response) -> Response:
    """Put WeChat Pay's signature on an answer, or what a fault makes of it."""
    fault = g.get("fault")
    wrong = fault.kind if fault is not None else ""
    asked = request.headers.get("Wechatpay-Serial", "")
    response.headers.update(signer.headers(response.get_data(), asked, wrong))
    response.headers["Request-ID"] = fresh_nonce()
    return response


def authenticate(store: Store) -> tuple[MerchantAccount, RSAPublicKey]:
    """The merchant that signed this request, and the key of the certificate it did that with. Raises 401 SIGN_ERROR for anything else."""
    scheme, _, parameters = request.headers.get("Authorization", "").partition(" ")
    fields = dict(_FIELD.findall(parameters))
    if scheme != SCHEME or set(fields) != _SIGNED:
        raise _sign_error("Authorization不合法", "sign_not_provided", "")
    merchant = store.merchants.get(fields["mchid"])
    key = merchant.certificates.get(fields["serial_no"].upper()) if merchant else None
    if merchant is None or key is None:
        raise _sign_error("商户证书序列号有误", "serial_no_not_match", "")
    _check_timestamp(store, fields["timestamp"])
    _check_signature(key, fields)
    return merchant, key


def _check_timestamp(store: Store, timestamp: str) -> None:
    age = store.clock().timestamp() - int(timestamp) if timestamp.isdigit() else FRESH_SECONDS
    if abs(age) >= FRESH_SECONDS:
        raise _sign_error("Http头Authorization中的timestamp与发起请求的时间不得超过5分钟", "timestamp_expired", "")


def _check_signature(key: RSAPublicKey, fields: dict[str, str]) -> None:
    body = request.get_data().decode("utf-8", "replace")
    # The raw path and query, exactly as they came over the wire.
    path = str(request.environ.get("REQUEST_URI") or request.full_path.rstrip("?"))
    lines = (request.method, path, fields["timestamp"], fields["nonce_str"], body)
    if not verify(key, fields["signature"], *lines):
        raise _sign_error("签名错误，请检查后再试", "sign_not_match", "\n".join(lines) + "\n")


def _sign_error(message: str, issue: str, signed: str) -> PayError:
    detail = {
        "field": "signature",
        "location": "authorization",
        "detail": {"issue": issue},
        "sign_information": {
            "method": request.method,
            "url": request.path,
            "truncated_sign_message": signed[:60],
            "sign_message_length": len(signed),
        },
    }
    return PayError(401, "SIGN_ERROR", message, detail)


def json_answer(body: object, status: int = 200) -> Response:
    """A JSON answer in the compact form that WeChat Pay sends."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(text, status, content_type="application/json; charset=utf-8")


def public_key_of(certificate_pem: str) -> RSAPublicKey:
    """The RSA key of a merchant's certificate. Raises ValueError for another kind."""
    key = x509.load_pem_x509_certificate(certificate_pem.encode()).public_key()
    if not isinstance(key, RSAPublicKey):
        raise ValueError("not an RSA certificate")
    return key
