"""HTTP in one place: pooled, with timeouts, and without secrets in the logs."""

from __future__ import annotations

import logging

import requests

from wechat.errors import GatewaySilent

TIMEOUT = (3.0, 10.0)

# At DEBUG urllib3 writes whole URLs, and jscode2session carries our secret and the shopper's code in its URL.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)


def new_session() -> requests.Session:
    """A pooled session that ignores .netrc, which would overwrite our Authorization header."""
    session = requests.Session()
    session.trust_env = False
    return session


def send(session: requests.Session, request: requests.Request, timeout: tuple[float, float]) -> requests.Response:
    """The answer, whatever its status. Raises GatewaySilent when none came."""
    try:
        return session.send(session.prepare_request(request), timeout=timeout, allow_redirects=False)
    except requests.RequestException as trouble:
        # The text of the original names the whole URL, which carries codes and secrets: keep only its kind.
        raise GatewaySilent(type(trouble).__name__) from None
