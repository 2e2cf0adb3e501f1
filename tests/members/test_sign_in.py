"""Signing in through the wallets: real HTTP to their simulators."""

from __future__ import annotations

from typing import Any

from tests.members.conftest import header


def test_a_shopper_signs_in_with_wechat_and_sees_her_own_page(client: Any, with_wechat: Any) -> None:
    answer = with_wechat("li-lei")
    assert answer.status_code == 200, answer.json
    assert answer.json["is_new"] and answer.json["expires_in"] == 900
    assert answer.json["member"]["phone"] is None
    me = client.get("/v1/me", headers=header(answer))
    assert me.status_code == 200 and me.json["number"] == answer.json["member"]["number"]
