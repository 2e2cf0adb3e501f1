"""Another person of the office approves what was asked for."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

from api.kit import db
from tests.conftest import bearer
from tests.factories import make_staff


def colleague(mall: int, role: str = "administrator") -> dict[str, str]:
    """The header of another person of the office."""
    with db.unit_of_work(mall):
        account_id = make_staff(role).id
    return bearer("staff", account_id, mall)


def approved(client: FlaskClient, mall: int, answer: Any, role: str = "administrator") -> Any:
    """What a colleague's approval of a request that waits is answered; the request must have been accepted."""
    assert answer.status_code == 202, answer.json
    return client.put(f"/v1/office/approvals/{answer.json['id']}/approval", headers=colleague(mall, role))
