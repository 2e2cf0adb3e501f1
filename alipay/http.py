"""One way to speak HTTP: pooled, timed, and silent about secrets."""

from __future__ import annotations

import requests

from alipay.errors import GatewaySilent

TIMEOUT = (3.0, 10.0)


def new_session() -> requests.Session:
    """A pooled session that takes nothing from the environment."""
    session = requests.Session()
    session.trust_env = False
    return session


def post_form(session: requests.Session, url: str, form: dict[str, str], timeout: tuple[float, float]) -> requests.Response:
    """Post a form in UTF-8. Raises GatewaySilent when no answer came."""
    headers = {"Content-Type": "application/x-www-form-urlencoded;charset=utf-8"}
    try:
        return session.post(url, data=form, headers=headers, timeout=timeout, allow_redirects=False)
    except requests.RequestException as trouble:
        raise GatewaySilent(type(trouble).__name__) from None
