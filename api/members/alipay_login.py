"""The seam to Alipay's mini-program: an authorisation code becomes an identity, an encrypted answer a verified phone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from alipay import errors as vendor
from alipay import phone as vendor_phone
from alipay.client import AlipayClient
from alipay.signing import private_key
from alipay.trust import Trust
from api.kit import clock, logs
from api.members import errors, phones
from api.members.proofs import ProvenIdentity
from api.settings import Settings

log = logs.get(__name__)


@dataclass(frozen=True)
class _Seam:
    client: AlipayClient
    content_key: str = field(repr=False)


_settings: Settings | None = None
_seam: _Seam | None = None


def configure(settings: Settings) -> None:
    """Take where the application's keys are; they are read at the first use."""
    global _settings, _seam
    _settings, _seam = settings, None


def sign_in(auth_code: str) -> ProvenIdentity:
    """Who is behind a code of my.getAuthCode. LoginCodeRefused, GatewaySilent, GatewayBusy, GatewayMisconfigured."""
    client = _ready().client
    try:
        known = client.oauth_token(auth_code)
    except vendor.BadCode:
        raise errors.LoginCodeRefused() from None
    except vendor.AlipayError as trouble:
        raise _in_our_words(trouble) from None
    subjects = tuple(name for name in (known.open_id, known.user_id) if name)
    return ProvenIdentity("alipay", client.app_id, subjects, known.union_id)


def phone(payload: Mapping[str, str]) -> str:
    """The normalised phone in what my.getPhoneNumber gave. PhoneProofRefused when it is not Alipay's word."""
    seam = _ready()
    try:
        number = vendor_phone.phone_number(payload, trust=seam.client.trust, content_key=seam.content_key)
    except vendor.AlipayError as trouble:
        log.warning("a phone payload was refused", error_type=type(trouble).__name__)
        raise errors.PhoneProofRefused() from None
    return phones.normalise(number.mobile)


def _ready() -> _Seam:
    global _seam
    if _settings is None:
        raise RuntimeError("The Alipay seam is not configured.")
    if _seam is None:
        _seam = _read_keys(_settings)
    return _seam


def _read_keys(settings: Settings) -> _Seam:
    folder = settings.alipay_keys
    try:
        own, theirs = ((folder / name).read_text() for name in ("app_key.pem", "alipay_public_key.pem"))
        content_key = (folder / "content_key.txt").read_text().strip()
        client = AlipayClient(
            settings.alipay_appid, private_key(own), Trust.public_keys(theirs), clock=clock.now, gateway=settings.alipay_gateway
        )
    except (OSError, ValueError) as trouble:
        log.error("Alipay's keys cannot be read", error_type=type(trouble).__name__, folder=str(folder))
        raise errors.GatewayMisconfigured() from None
    return _Seam(client, content_key)


def _in_our_words(trouble: vendor.AlipayError) -> Exception:
    if isinstance(trouble, vendor.OutcomeUnknown):
        return errors.GatewayBusy()
    if isinstance(trouble, vendor.BadApp | vendor.SignatureRefused):
        log.error("Alipay refuses our credentials", error_type=type(trouble).__name__)
        return errors.GatewayMisconfigured()
    log.warning("Alipay did not answer usefully", error_type=type(trouble).__name__)
    return errors.GatewaySilent()
