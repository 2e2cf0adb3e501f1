"""Staying signed in: tokens rotate, and an old one used again ends the family."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from api.kit import clock
from api.members.models import MemberSession
from tests.members.conftest import check_refused, header, rows


@pytest.fixture
def family(with_wechat: Any) -> Any:
    return with_wechat("li-lei").json


def refresh(client: Any, token: str) -> Any:
    return client.post("/v1/sessions/refresh", json={"refresh_token": token})


def later(seconds: float) -> None:
    clock.fix(clock.now() + timedelta(seconds=seconds))


def test_a_refresh_token_gives_the_next_pair(client: Any, family: Any) -> None:
    answer = refresh(client, family["refresh_token"])
    assert answer.status_code == 200, answer.json
    assert answer.json["refresh_token"] != family["refresh_token"]
    assert client.get("/v1/me", headers=header(answer)).json["number"] == family["member"]["number"]


def test_an_old_refresh_token_ends_the_family(client: Any, family: Any) -> None:
    second = refresh(client, family["refresh_token"]).json["refresh_token"]
    later(11)
    check_refused(refresh(client, family["refresh_token"]), 401, "refresh-token-reused")
    check_refused(refresh(client, second), 401, "session-ended")


def test_a_token_two_steps_old_ends_the_family_at_once(client: Any, family: Any) -> None:
    second = refresh(client, family["refresh_token"]).json["refresh_token"]
    third = refresh(client, second).json["refresh_token"]
    check_refused(refresh(client, family["refresh_token"]), 401, "refresh-token-reused")
    check_refused(refresh(client, third), 401, "session-ended")


def test_a_lost_answer_is_given_again_unchanged_for_a_moment(client: Any, family: Any) -> None:
    first = refresh(client, family["refresh_token"]).json["refresh_token"]
    later(9)
    assert refresh(client, family["refresh_token"]).json["refresh_token"] == first


def test_a_thief_within_the_moment_is_found_at_the_next_rotation(client: Any, family: Any) -> None:
    stolen = refresh(client, family["refresh_token"]).json["refresh_token"]
    mine = refresh(client, family["refresh_token"]).json["refresh_token"]
    refresh(client, stolen)
    later(11)
    check_refused(refresh(client, mine), 401, "refresh-token-reused")


def test_one_token_from_ten_places_at_once_gives_one_successor(app: Any, family: Any) -> None:
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: refresh(app.test_client(), family["refresh_token"]), range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json["refresh_token"] for answer in answers}) == 1


@pytest.mark.parametrize("part", [0, 1, 2, 3])
def test_a_forged_token_ends_nothing(client: Any, family: Any, part: int) -> None:
    parts = family["refresh_token"].split(".")
    parts[part] = str(int(parts[part]) + 1) if part in (0, 2) else parts[part][:-2] + "zz"
    check_refused(refresh(client, ".".join(parts)), 401, "session-ended")
    assert refresh(client, family["refresh_token"]).status_code == 200


def test_nonsense_is_refused_as_a_session_that_ended(client: Any, app: Any) -> None:
    for token in (
        "nonsense-token",
        "1.2.3.4567890",
        f"{2**64}.a.1.bbbbbbbb",
        "1.a.-1.bbbbbbb",
        "1.a." + "9" * 100 + ".b",
    ):
        check_refused(refresh(client, token), 401, "session-ended")


def test_signing_out_ends_the_family(client: Any, family: Any) -> None:
    headers = {"Authorization": f"Bearer {family['access_token']}"}
    assert client.delete("/v1/sessions/current", headers=headers).status_code == 204
    check_refused(refresh(client, family["refresh_token"]), 401, "session-ended")


def test_a_session_unused_for_thirty_days_has_ended(client: Any, family: Any) -> None:
    later(30 * 86400 + 1)
    check_refused(refresh(client, family["refresh_token"]), 401, "session-ended")


def test_a_session_ends_after_half_a_year_however_much_it_is_used(client: Any, family: Any) -> None:
    token = family["refresh_token"]
    for _ in range(6):
        later(29 * 86400)
        token = refresh(client, token).json["refresh_token"]
    later(29 * 86400)
    check_refused(refresh(client, token), 401, "session-ended")


def test_only_a_hash_of_the_token_is_stored(family: Any, mall: int) -> None:
    (stored,) = rows(mall, select(MemberSession.token_hash, MemberSession.public_id, MemberSession.channel))
    secret = family["refresh_token"].rsplit(".", 1)[1]
    assert secret not in stored and len(secret) >= 32


def test_a_refresh_costs_at_most_six_statements(client: Any, family: Any, statements: Any) -> None:
    with statements() as seen:
        assert refresh(client, family["refresh_token"]).status_code == 200
    assert len(seen) <= 6, "\n".join(seen)
