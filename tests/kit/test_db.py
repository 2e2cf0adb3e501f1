import threading

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError

from api.kit import clock, db, once, records
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


def test_a_row_written_by_a_statement_of_ours_is_as_if_it_had_been_read(inside: int) -> None:
    row = once.OnceKey(principal="member:1", key="key-of-one", request_hash="hash", made_at=clock.now())
    values = records.new_values(row)
    assert set(values) == {"principal", "key", "request_hash", "made_at"}  # an answer of None is no answer, not the JSON null
    records.adopt(row, session.scalars(insert(once.OnceKey).values(**values).returning(once.OnceKey.id)).one(), values)
    known = {column.key: getattr(row, column.key) for column in row.__mapper__.column_attrs}
    assert session.get(once.OnceKey, row.id) is row
    session.refresh(row)
    assert {column.key: getattr(row, column.key) for column in row.__mapper__.column_attrs} == known
    row.status = 201
    session.flush()
    assert session.scalar(select(once.OnceKey.status).where(once.OnceKey.id == row.id)) == 201


def test_a_lock_is_taken_once_and_one_of_an_undone_savepoint_again(inside: int, statements) -> None:
    mine, row = db.lock_of("value", 7), db.Lock(7, 1)
    with statements() as seen:
        db.hold_locks([mine, row, mine])
        db.hold_locks([row, mine])
    assert len(seen) == 1
    with session.begin_nested() as savepoint:
        db.lock("value", 8)
        savepoint.rollback()
    with statements() as seen:
        db.lock("value", 8)
    assert len(seen) == 1


def test_who_waits_for_one_of_several_locks_holds_the_others_by_then(app, mall: int) -> None:
    order: list[str] = []
    waits = threading.Event()

    def second() -> None:
        with db.unit_of_work(mall):
            waits.set()
            db.hold_locks([db.lock_of("value", 1), db.Lock(2, 1)])
            order.append("second")

    with db.unit_of_work(mall):
        db.hold_locks([db.Lock(2, 1)])
        thread = threading.Thread(target=second)
        thread.start()
        assert waits.wait(5)
        order.append("first")
        thread.join(0.3)
    thread.join(10)
    assert order == ["first", "second"]


def test_a_checkpoint_keeps_the_mall_and_the_slots_and_ends_locks_and_messages(app, mall: int, statements) -> None:
    slot: db.Slot[str] = db.Slot()
    sent: list[str] = []
    with db.unit_of_work(mall):
        slot.put("kept")
        db.lock("value", 1)
        db.after_commit(lambda: sent.append("sent"))
        db.checkpoint()
        assert (db.mall(), slot.get(), sent) == (mall, "kept", ["sent"])
        with statements() as seen:
            db.lock("value", 1)
        assert len(seen) == 1
    assert sent == ["sent"]
    with db.unit_of_work(mall):
        assert slot.get() is None


def test_outside_a_unit_of_work_nothing_can_be_kept(app) -> None:
    assert not db.is_open()
    with pytest.raises(RuntimeError, match="No unit of work"):
        db.keep("row")


def test_an_abandoned_unit_of_work_leaves_nothing_and_the_next_one_opens(app, mall: int) -> None:
    slot: db.Slot[str] = db.Slot()
    opened = db.unit_of_work(mall)
    opened.__enter__()
    slot.put("kept")
    once.begin("member:1", "key-of-one", "hash")
    db.abandon()
    with db.unit_of_work(mall):
        assert slot.get() is None
        assert session.scalars(select(once.OnceKey)).all() == []
