"""The inbox over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from api.kit import db
from api.messages import service
from api.messages.models import Kind
from tests.conftest import bearer
from tests.factories import make_mall, make_member


def fill(mall: int, lines: int) -> int:
    with db.unit_of_work(mall):
        member = make_member().id
        for number in range(lines):
            kind = Kind.POINTS if number % 2 else Kind.RECEIPT
            text = {"zh": f"第{number}条", "en": f"No. {number}"}
            service.send(member, kind, source=f"test:{number}", title=text, body=text, page="points")
        return member


def test_the_inbox_is_paged_newest_first_with_the_number_of_unread(client: Any, mall: int) -> None:
    me = bearer("member", fill(mall, 5), mall)
    first = client.get("/v1/messages?limit=3", headers=me).json
    rest = client.get(f"/v1/messages?limit=3&cursor={first['next_cursor']}", headers=me).json
    assert [one["title"]["en"] for one in first["items"] + rest["items"]] == [f"No. {number}" for number in (4, 3, 2, 1, 0)]
    assert (first["unread"], rest["next_cursor"]) == (5, None)
    assert [one["kind"] for one in client.get("/v1/messages?kind=points", headers=me).json["items"]] == ["points"] * 2


def test_reading_one_and_all(client: Any, mall: int) -> None:
    me = bearer("member", fill(mall, 3), mall)
    newest = client.get("/v1/messages", headers=me).json["items"][0]["id"]
    assert client.put(f"/v1/messages/{newest}/read", headers=me).json["read_at"]
    assert client.get("/v1/messages?unread=true", headers=me).json["unread"] == 2
    assert client.put("/v1/messages/read-all", json={"up_to": newest - 1}, headers=me).json == {"unread": 0}


def test_nobody_reads_somebody_elses_messages(client: Any, mall: int) -> None:
    owner = bearer("member", fill(mall, 1), mall)
    message = client.get("/v1/messages", headers=owner).json["items"][0]["id"]
    with db.unit_of_work():
        other_mall = make_mall().id
    with db.unit_of_work(mall):
        neighbour = make_member().id
    for stranger in (bearer("member", neighbour, mall), bearer("member", fill(other_mall, 0), other_mall)):
        answer = client.put(f"/v1/messages/{message}/read", headers=stranger)
        assert (answer.status_code, answer.json["type"]) == (404, "/problems/message-not-found")


def test_wants_are_changed_kind_by_kind(client: Any, mall: int) -> None:
    me = bearer("member", fill(mall, 0), mall)
    said = client.put("/v1/me/wants", json={"wants": [{"kind": "points", "push": False, "paused_until_on": "2027-01-01"}]}, headers=me)
    assert said.json == client.get("/v1/me/wants", headers=me).json
    points = next(one for one in said.json["wants"] if one["kind"] == "points")
    assert (points["service"], points["inbox"], points["push"], points["paused_until_on"]) == (True, True, False, "2027-01-01")


@pytest.mark.parametrize(
    ("want", "status", "name"),
    [
        ({"kind": "receipt", "inbox": False}, 409, "service-message-needed"),
        ({"kind": "offer"}, 409, "offer-consent-needed"),
        ({"kind": "gossip"}, 422, "shape-wrong"),
        ({"kind": "offer", "inbox": False, "push": False, "reason": "because"}, 422, "shape-wrong"),
    ],
)
def test_a_wish_that_cannot_be_is_refused(client: Any, mall: int, want: dict[str, Any], status: int, name: str) -> None:
    answer = client.put("/v1/me/wants", json={"wants": [want]}, headers=bearer("member", fill(mall, 0), mall))
    assert (answer.status_code, answer.json["type"]) == (status, f"/problems/{name}")


def test_offers_are_switched_on_under_their_consent_and_off_with_a_reason(client: Any, mall: int) -> None:
    me = bearer("member", fill(mall, 0), mall)
    assert client.put("/v1/me/consents/marketing", json={"version": "1"}, headers=me).status_code == 200
    on = client.put("/v1/me/wants", json={"wants": [{"kind": "offer", "push": False}]}, headers=me).json["wants"][-1]
    off = client.put("/v1/me/wants", json={"wants": [{"kind": "offer", "inbox": False, "push": False, "reason": "too_many"}]}, headers=me)
    assert (on["inbox"], off.json["wants"][-1]["inbox"], off.json["wants"][-1]["reason"]) == (True, False, "too_many")
