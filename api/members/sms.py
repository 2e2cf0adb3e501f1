"""The way out for text messages (短信): one HTTP call to the mall's SMS gateway, or none in development.

POST <SMS_URL> {"reference", "phone" (E.164), "text"}, Authorization: Bearer <SMS_KEY>. Any 2xx means taken; the same reference again
must not be sent twice.
"""

from __future__ import annotations

import requests
from prometheus_client import CollectorRegistry, Counter

from api.kit.errors import GatewayTrouble
from api.settings import Settings

TIMEOUT = (3.0, 10.0)

_settings: Settings | None = None
_counter: Counter | None = None


def install_metrics(registry: CollectorRegistry) -> None:
    """Count codes by text: sent, refused for a spent budget, and alarms of budgets."""
    global _counter
    _counter = Counter("text_codes", "Codes by text: sent, refused, alarms", ["outcome", "budget"], registry=registry)


def count(outcome: str, budget: str) -> None:
    """Count one outcome in the metrics of this process."""
    if _counter is not None:
        _counter.labels(outcome, budget).inc()


class TextGatewayRefused(GatewayTrouble):
    """The SMS gateway did not take the message."""


def configure(settings: Settings) -> None:
    """Take the gateway's address and key; nothing is contacted yet."""
    global _settings
    _settings = settings


def offered() -> bool:
    """Whether this mall lets members sign in by phone code."""
    return _settings is not None and _settings.phone_sign_in


def connected() -> bool:
    """Whether messages can leave; in development they stay in the table, where `members last-code` reads them."""
    return _settings is not None and bool(_settings.sms_url)


def deliver(reference: str, phone: str, text: str) -> None:
    """Hand one message over. TextGatewayRefused: try again with the same reference."""
    assert _settings is not None
    headers = {"Authorization": f"Bearer {_settings.sms_key}"}
    body = {"reference": reference, "phone": phone, "text": text}
    try:
        answer = requests.post(_settings.sms_url, json=body, headers=headers, timeout=TIMEOUT, allow_redirects=False)
    except requests.RequestException:
        raise TextGatewayRefused() from None
    if not 200 <= answer.status_code < 300:
        raise TextGatewayRefused(gateway_status=answer.status_code)
