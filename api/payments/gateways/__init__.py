"""The gateways: which one an account belongs to, opened once a process and version of the account."""

from __future__ import annotations

import threading

from cryptography.exceptions import UnsupportedAlgorithm

from api.payments.gateways import alipay, wechat
from api.payments.gateways.alipay import AlipayGateway
from api.payments.gateways.base import Account, Gateway, KeyRead
from api.payments.gateways.wechat import WeChatGateway
from api.settings import Settings

_settings: Settings | None = None
_open: dict[int, tuple[int, Gateway]] = {}
_lock = threading.Lock()
_MOST = 2_000


def configure(settings: Settings) -> None:
    """Take the addresses of the gateways and our own; nothing is contacted yet."""
    global _settings
    _settings = settings
    _open.clear()


def notify_url(mall_code: str, channel: str, account_id: int) -> str:
    """Where a gateway sends its notices of one account."""
    return f"{_ready().public_url.rstrip('/')}/v1/notices/{mall_code}/{channel}/{account_id}"


def opened_before(account_id: int, version: int) -> Gateway | None:
    """The gateway of an account, if this process opened it in this version already."""
    entry = _open.get(account_id)
    return entry[1] if entry is not None and entry[0] == version else None


def open_gateway(account: Account) -> Gateway:
    """Open the gateway of an account, and keep it for the next time."""
    settings = _ready()
    gateway: Gateway
    if account.channel == "wechat":
        gateway = WeChatGateway(account, base_url=settings.wechat_pay or settings.wechat_api)
    else:
        gateway = AlipayGateway(account, gateway_url=settings.alipay_gateway)
    with _lock:
        if len(_open) >= _MOST:
            _open.clear()
        _open[account.id] = account.version, gateway
    return gateway


def read_key(channel: str, kind: str, text: str, *, certificate: str, serial: str) -> KeyRead:
    """Look at a key before it is kept. ValueError says what is wrong with it, and nothing of the key."""
    read = wechat.read_key if channel == "wechat" else alipay.read_key
    try:
        return read(kind, text, certificate=certificate, serial=serial)
    except (TypeError, UnsupportedAlgorithm):
        raise ValueError("the key is locked by a password, or of a kind that nobody here uses") from None


def _ready() -> Settings:
    if _settings is None:
        raise RuntimeError("The gateways are not configured.")
    return _settings
