"""A role change, a suspension and a closing end the sign-ins of people, of a shop's people, and of a closed shop's tablets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.kit import db
from api.malls import service as malls
from api.staff import service as staff
from api.staff.states import AccountState
from tests.staff.people import header, sign_in

WHY = {"by": "staff:999", "by_id": 999, "why": "test"}


def _refused(client: FlaskClient, code: str, answer: Any, at: str) -> bool:
    read = client.get(f"/v1/{at}/me", headers={"Authorization": f"Bearer {answer.json['access_token']}"})
    renewed = client.post(f"/v1/malls/{code}/staff-tokens", json={"refresh_token": answer.json["refresh_token"]})
    return (read.status_code, renewed.status_code) == (401, 401)


@pytest.mark.parametrize("role", ["shop_clerk", "floor_manager"])
@pytest.mark.parametrize("end", ["role", AccountState.SUSPENDED, AccountState.CLOSED])
def test_authority_that_ends_ends_the_sign_ins(
    client: FlaskClient, code: str, mall: int, hire: Callable[..., Any], role: str, end: Any
) -> None:
    hire()  # an administrator stays
    account, _ = hire(role)
    answer = sign_in(client, code, account.login)
    at = "shop" if role == "shop_clerk" else "office"
    assert client.get(f"/v1/{at}/me", headers=header(answer)).status_code == 200
    with db.unit_of_work(mall):
        if end == "role":
            staff.change(account.id, {"role": "shop_manager" if role == "shop_clerk" else "marketer"}, **WHY)
        else:
            staff.move(account.id, end, **WHY)
    assert _refused(client, code, answer, at)


def test_authority_that_ends_with_the_shop_ends_its_people_and_tablets(
    client: FlaskClient, code: str, mall: int, hire: Callable[..., Any]
) -> None:
    manager, _ = hire("shop_manager")
    person = sign_in(client, code, manager.login)
    codes = [client.post("/v1/shop/pairing-codes", headers=header(person)).json["code"] for _ in range(2)]
    tablet, late = ({"code": pairing, "device_name": "吧台"} for pairing in codes)
    paired = client.post(f"/v1/malls/{code}/tablet-pairings", json=tablet)
    assert client.get("/v1/shop/me", headers=header_of(paired)).status_code == 200
    with db.unit_of_work(mall):
        malls.change_shop(manager.shop_id, {"closed": True}, by="staff:999", why="test")
    assert _refused(client, code, person, "shop") and _refused(client, code, paired, "shop")
    assert client.post(f"/v1/malls/{code}/tablet-pairings", json=late).status_code == 401


def header_of(paired: Any) -> dict[str, str]:
    """The bearer header of a tablet."""
    return {"Authorization": f"Bearer {paired.json['access_token']}"}
