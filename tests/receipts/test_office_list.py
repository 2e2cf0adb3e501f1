"""The office lists receipts of the mall, or of one member."""

from __future__ import annotations

from typing import Any

from api.kit import clock, db
from api.kit.db import session
from api.receipts.models import Receipt
from tests.conftest import bearer
from tests.factories import make_member, make_staff


def test_the_desk_lists_the_receipts_of_one_member_page_by_page(client: Any, mall: int) -> None:
    with db.unit_of_work(mall):
        one, other = make_member().id, make_member().id
        for member_id in (one, one, other):
            session.add(Receipt(state="received", member_id=member_id, sent_at=clock.now(), why="waiting", details={}))
            session.flush()
        desk = bearer("staff", make_staff("service_desk").id, mall)
    assert client.get(f"/v1/office/members/{one}?reason=complaint+77", headers=desk).status_code == 200
    first = client.get("/v1/office/receipts", query_string={"member_id": one, "limit": 1}, headers=desk).json
    rest = client.get("/v1/office/receipts", query_string={"member_id": one, "cursor": first["next_cursor"]}, headers=desk).json
    assert [item["id"] for item in first["items"] + rest["items"]] == [2, 1]
    assert len(client.get("/v1/office/receipts", headers=desk).json["items"]) == 3
