"""HTTP in one place: pooled, with timeouts, and without secrets in the logs."""

from __future__ import annotations

import requests

from alipay.errors import GatewaySilent, UnreadableAnswer

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


def download(session: requests.Session, url: str, timeout: tuple[float, float], largest: int) -> bytes:
    """Fetch a file. Raises GatewaySilent when it did not come, UnreadableAnswer when it is larger than that."""
    if not url.startswith(("https://", "http://")):
        raise UnreadableAnswer("an address that is not the web's")
    try:
        with session.get(url, timeout=timeout, allow_redirects=False, stream=True) as response:
            if response.status_code != 200:
                raise GatewaySilent(f"HTTP {response.status_code}")
            return _whole(response, largest)
    except requests.RequestException as trouble:
        raise GatewaySilent(type(trouble).__name__) from None


def _whole(response: requests.Response, largest: int) -> bytes:
    content = bytearray()
    for part in response.iter_content(1 << 16):
        content += part
        if len(content) > largest:
            raise UnreadableAnswer("the file is too large")
    return bytes(content)
