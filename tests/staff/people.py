"""What people of the staff do at the sign-in: with codes, by links."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pyotp
from flask.testing import FlaskClient

from api.kit import clock
from tests.factories import STAFF_PASSWORD

NEW_PASSWORD = "my very own words"


def sign_in(client: FlaskClient, mall_code: str, login: str, password: str = STAFF_PASSWORD, **more: Any) -> Any:
    """The answer to a try."""
    address = more.pop("address", "127.0.0.1")
    body = {"login": login, "password": password} | more
    return client.post(f"/v1/malls/{mall_code}/staff-sign-in", json=body, environ_base={"REMOTE_ADDR": address})


def header(answer: Any) -> dict[str, str]:
    """The bearer header of a sign-in."""
    assert answer.status_code == 200, answer.json
    return {"Authorization": f"Bearer {answer.json['access_token']}"}


class Phone:
    """An authenticator app that was set up with a secret."""

    def __init__(self, secret: str) -> None:
        self.codes = pyotp.TOTP(secret.replace(" ", ""))

    def code(self, steps: int = 0) -> str:
        """The code that the phone shows now, or so many steps later."""
        return str(self.codes.at(clock.now() + timedelta(seconds=30 * steps)))


def set_up(client: FlaskClient, head: dict[str, str], password: str = STAFF_PASSWORD, *, at: str = "office") -> tuple[Phone, list[str]]:
    """Set up codes: the phone, and the recovery codes."""
    begun = client.post(f"/v1/{at}/me/codes", json={"password": password}, headers=head)
    assert begun.status_code == 201, begun.json
    phone = Phone(begun.json["secret"])
    done = client.put(f"/v1/{at}/me/codes", json={"code": phone.code()}, headers=head)
    assert done.status_code == 200, done.json
    return phone, done.json["recovery_codes"]


def token_of(address: str) -> str:
    """What stands behind the # of a link."""
    return address.partition("#")[2]


def use_link(client: FlaskClient, code: str, address: str, password: str = NEW_PASSWORD) -> Any:
    """Set a password by a link."""
    return client.post(f"/v1/malls/{code}/staff-passwords", json={"token": token_of(address), "password": password})
