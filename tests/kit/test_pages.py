"""Lists page by page."""

import base64
import json
from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from api.kit import clock, db, pages
from api.kit.audit import AuditEntry
from tests.conftest import bearer

ROWS = 10_000


@pytest.fixture
def many(mall: int) -> int:
    """A mall with 10,000 rows, many at the very same instant."""
    at = clock.now()
    rows = [
        {"who": "member:1", "did": str(number), "subject_type": "thing", "subject_id": "1", "at": at + timedelta(seconds=number // 7)}
        for number in range(ROWS)
    ]
    with db.unit_of_work(mall):
        db.session.execute(insert(AuditEntry), rows)
    return mall


@pytest.mark.parametrize("descending", [True, False])
def test_every_row_is_visited_once_in_order_one_statement_a_page(many: int, statements, descending: bool) -> None:
    seen: list[int] = []
    cursor, rounds = None, 0
    with db.unit_of_work(many), statements() as run:
        while rounds < 200:
            page = pages.page(select(AuditEntry), AuditEntry.at, AuditEntry.id, cursor=cursor, limit=100, descending=descending)
            seen += [int(row.did) for row in page.items]
            cursor, rounds = page.next_cursor, rounds + 1
            if cursor is None:
                break
    assert rounds == ROWS / 100
    assert len(run) == rounds
    assert seen == sorted(range(ROWS), reverse=descending)


def test_rows_that_come_meanwhile_disturb_no_page(mall: int) -> None:
    def add(name: str) -> None:
        with db.unit_of_work(mall):
            db.session.add(AuditEntry(who="a", did=name, subject_type="t", subject_id="1", at=clock.now()))

    def page(cursor: str | None) -> pages.Page:
        with db.unit_of_work(mall):
            return pages.page(select(AuditEntry), AuditEntry.at, AuditEntry.id, cursor=cursor, limit=2)

    for name in "abcd":
        add(name)
    first = page(None)
    add("e")
    assert [row.did for row in first.items] + [row.did for row in page(first.next_cursor).items] == ["d", "c", "b", "a"]


def written(values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "x", "!!!!", "é", "null", written([]), written([1, 2]), written(["2026-01-01T00:00:00", 1]),
        written(["2026-01-01T00:00:00+00:00", "1"]),
        written(["2026-01-01T00:00:00+00:00", 2**63]), written(["2026-01-01T00:00:00+00:00", True]), written({"a": 1}), written("x" * 300),
        written(["9999-99-99", 1]), written(["' OR 1=1 --", 1]), written(["2026-01-01T00:00:00+00:00", 1, 1]), written([None, None]),
        written([["2026-01-01T00:00:00+00:00"], 1]), "W" * 500, "W" * 501,
    ],
)  # fmt: skip
def test_a_cursor_of_another_make_is_refused(things, mall: int, cursor: str) -> None:
    answer = things.get("/v1/things", query_string={"cursor": cursor}, headers=bearer("member", 1, mall))
    assert answer.status_code == 422, answer.get_data(as_text=True)
    assert answer.json["type"] in {"/problems/cursor-invalid", "/problems/shape-wrong"}


@pytest.mark.parametrize("limit", ["0", "-1", "101", "x", "1e2", "１０", "9" * 30])
def test_a_page_of_no_size_or_too_many_is_refused(things, mall: int, limit: str) -> None:
    answer = things.get("/v1/things", query_string={"limit": limit}, headers=bearer("member", 1, mall))
    assert answer.status_code == 422
