import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from api.kit import db, once
from api.kit.db import session
from tests.factories import make_mall


def test_a_row_of_another_mall_is_not_seen(app) -> None:
    with db.unit_of_work():
        mine, other = make_mall().id, make_mall().id
    with db.unit_of_work(other):
        once.begin("member:1", "some-key-1", "hash")
    with db.unit_of_work(mine):
        assert session.scalars(select(once.OnceKey)).all() == []
        assert session.execute(text("UPDATE once_keys SET key = 'stolen-key'")).rowcount == 0


def test_a_row_cannot_be_written_into_another_mall(app) -> None:
    with db.unit_of_work():
        mine, other = make_mall().id, make_mall().id
    with pytest.raises(DBAPIError), db.unit_of_work(mine):
        session.execute(
            text("INSERT INTO once_keys (mall_id, principal, key, request_hash, made_at) VALUES (:m, 'a', 'b', 'c', now())"),
            {"m": other},
        )


def test_who_entered_no_mall_gets_an_error(app) -> None:
    with pytest.raises(DBAPIError), db.unit_of_work():
        session.execute(text("SELECT * FROM once_keys")).all()


def test_a_connection_that_left_a_mall_is_in_no_mall(app, mall: int) -> None:
    with db.unit_of_work(mall):
        pass
    for _ in range(20):
        with pytest.raises(DBAPIError), db.unit_of_work():
            session.execute(text("SELECT * FROM once_keys")).all()


def test_the_same_key_gives_the_first_answer(inside: int) -> None:
    assert once.begin("member:1", "key-of-one", "hash") is None
    once.finish("member:1", "key-of-one", 201, b'{"points": 5}')
    assert once.begin("member:1", "key-of-one", "hash") == once.Answer(201, {"points": 5})


def test_the_same_key_with_another_body_is_refused(inside: int) -> None:
    once.begin("member:1", "key-of-one", "hash")
    with pytest.raises(once.IdempotencyKeyReused):
        once.begin("member:1", "key-of-one", "other")


def test_the_app_serves_health_and_contract(client) -> None:
    assert client.get("/healthz").json == {"alive": True}
    ready = client.get("/readyz")
    assert ready.status_code == 200, ready.json
    assert client.get("/openapi.json").json["openapi"] == "3.1.0"
    assert client.get("/nothing").json["type"] == "/problems/path-unknown"
