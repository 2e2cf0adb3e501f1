"""The database: one transaction a request, one mall a transaction, and the wall between malls held by PostgreSQL itself.

A transaction *enters* a mall (`enter`). Every mall-owned table has forced row-level security on that setting and fills its
`mall_id` from it, so no statement, ORM or raw, can see or write another mall's rows. A transaction that entered none gets an error.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Generic, NamedTuple, TypeVar, cast

import psycopg
from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Engine,
    Executable,
    ForeignKey,
    Identity,
    MetaData,
    Text,
    create_engine,
    event,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import DataError, DBAPIError, DisconnectionError, IntegrityError, OperationalError
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    declared_attr,
    mapped_column,
    scoped_session,
    sessionmaker,
)

from api.kit import clock
from api.kit.errors import Conflict, Problem, Unavailable, Unprocessable

MALL_SETTING = "mallbridge.mall_id"

#: Tables without row-level security: they are read before it is known which mall is meant.
ABOVE_MALLS = frozenset({"malls", "public_codes", "reader_beats", "alembic_version"})

#: Tables that only grow: the app adds rows and never rewrites or removes one. Of some the named columns may still change: whose a
#: row is (two memberships become one), how much of it came back. Every `*_moves` table grows in the same way.
ONLY_GROWS: dict[str, frozenset[str]] = {
    "account_ties": frozenset(),
    "audit_entries": frozenset(),
    "audit_seals": frozenset(),
    "card_draw_parts": frozenset({"back_fen"}),
    "card_draws": frozenset({"back_bonus_fen", "back_principal_fen"}),
    "card_events": frozenset(),
    "card_returns": frozenset(),
    "card_sale_lines": frozenset(),
    "growth_entries": frozenset({"member_id"}),
    "ledger_entries": frozenset(),
    "ledger_proofs": frozenset(),
    "ledger_transfers": frozenset(),
    "level_changes": frozenset(),
    "order_lines": frozenset(),
    "plate_checks": frozenset(),
    "points_spend_parts": frozenset({"batch_id", "returned"}),
    "points_spends": frozenset({"given_back", "member_id"}),
    "points_take_backs": frozenset({"member_id"}),
    "sale_refund_tellings": frozenset(),
    "sale_refunds": frozenset(),
    "sale_sightings": frozenset({"member_id"}),
}

MAX_TRIES = 4
IDLE = 1.0  # seconds

#: Enter the mall and read its row at once: nearly every request asks for it next.
_ENTER = f"SELECT set_config('{MALL_SETTING}', %(id)s::text, true), to_jsonb(m) FROM (SELECT) one LEFT JOIN malls m ON m.id = %(id)s"  # noqa: S608
_ENTER_BY_CODE = f"SELECT set_config('{MALL_SETTING}', m.id::text, true), to_jsonb(m) FROM malls m WHERE m.code = %(code)s"  # noqa: S608
_ENTER_BY_PUBLIC_CODE = f"""
SELECT set_config('{MALL_SETTING}', m.id::text, true), to_jsonb(m)
FROM public_codes c JOIN malls m ON m.id = c.mall_id WHERE c.code = %(code)s AND c.kind = %(kind)s
"""  # noqa: S608 - the setting's name is ours

T = TypeVar("T")


class Model(DeclarativeBase):
    """A table. Every table has a BIGINT identity called id."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        int: BigInteger,
        str: Text,
        bool: Boolean,
        datetime: DateTime(timezone=True),
        date: Date,
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        list[str]: JSONB,
    }

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)


class MallOwned:
    """A table whose rows belong to one mall, walled by row-level security (migrations call `wall` for it)."""

    @declared_attr
    def mall_id(cls) -> Mapped[int]:
        """Filled from the mall that the transaction entered."""
        return mapped_column(
            BigInteger,
            ForeignKey("malls.id"),
            server_default=text(f"current_setting('{MALL_SETTING}')::bigint"),
            nullable=False,
        )


class RecordClash(Conflict):
    """Somebody else changed this at the same moment, or it exists already."""


class ValueOutOfRange(Unprocessable):
    """A value in the request is outside what can be stored."""


class DatabaseAway(Unavailable):
    """The database cannot be reached just now, please try again in a few seconds."""


_engine: Engine | None = None
_sessions: sessionmaker[Session] = sessionmaker(expire_on_commit=False, autoflush=True)
session: scoped_session[Session] = scoped_session(_sessions)


class Lock(NamedTuple):
    """An advisory lock: on a hash of 64 bits, or on a kind and the hash of a row's number."""

    number: int
    kind: int | None = None


@dataclass
class Transaction:
    """What ends with one transaction: at the commit, at each checkpoint, and when it is rolled back."""

    locks: set[Lock] = field(default_factory=set)
    after_commit: list[Callable[[], None]] = field(default_factory=list)


@dataclass(eq=False)
class UnitOfWork:
    """What is remembered until the unit of work ends. A checkpoint replaces `transaction` and nothing else; entering a mall, which it
    does again, replaces `mall_row`."""

    mall_id: int | None = None
    mall_row: dict[str, Any] | None = None
    checkpoints: int = 0
    kept: list[object] = field(default_factory=list)
    slots: dict[Slot[Any], object] = field(default_factory=dict)
    transaction: Transaction = field(default_factory=Transaction)


class Slot(Generic[T]):
    """One value that a room keeps until the unit of work ends, checkpoints included: `MALL_INFO: db.Slot[MallInfo] = db.Slot()`."""

    def get(self) -> T | None:
        """The value of this unit of work, or None."""
        return cast("T | None", current().slots.get(self))

    def put(self, value: T) -> T:
        """Keep a value, in place of the one before."""
        current().slots[self] = value
        return value

    def clear(self) -> None:
        """Keep nothing any more."""
        current().slots.pop(self, None)


class _Thread(threading.local):
    unit_of_work: UnitOfWork | None = None


_thread = _Thread()


def connect(url: str, *, pool_size: int = 6) -> Engine:
    """Open the pool this process uses. A statement gets 15 s, a lock 5 s; longer is a bug that must surface."""
    global _engine
    if _engine is not None:
        _engine.dispose()
    _engine = create_engine(
        sqlalchemy_url(url),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=5,
        pool_recycle=1800,
        hide_parameters=True,
        connect_args={
            "connect_timeout": 5,
            "options": "-c statement_timeout=15000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=60000 -c timezone=UTC",
            "application_name": "mallbridge",
            "prepare_threshold": 3,
        },
    )
    event.listen(_engine, "connect", _follow_database_clock)
    event.listen(_engine, "checkin", _remember_use)
    event.listen(_engine, "checkout", _test_if_idle)
    _sessions.configure(bind=_engine)
    return _engine


def engine() -> Engine:
    """The open pool. RuntimeError when this process has not connected."""
    if _engine is None:
        raise RuntimeError("The database is not connected: call db.connect first.")
    return _engine


def sqlalchemy_url(url: str) -> str:
    """postgresql://… as libpq writes it, with the driver named for SQLAlchemy."""
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


def libpq_url(url: str) -> str:
    """The same address for psycopg itself."""
    return url.replace("postgresql+psycopg://", "postgresql://")


def _follow_database_clock(connection: psycopg.Connection, _record: object) -> None:
    with connection.cursor() as cursor:
        began = clock.monotonic()
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
        took = clock.monotonic() - began
        if row:
            clock.follow(row[0], took)
    connection.rollback()


def _remember_use(_connection: Any, record: Any) -> None:
    record.info["used"] = clock.monotonic()


def _test_if_idle(connection: psycopg.Connection, record: Any, _proxy: Any) -> None:
    """Test a connection that was idle; one that was just used is not tested, because that costs each ledger post a third of its speed."""
    if clock.monotonic() - record.info.get("used", clock.monotonic()) < IDLE:
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except psycopg.Error as error:
        raise DisconnectionError() from error


def enter(mall_id: int) -> None:
    """Enter a mall for the rest of this transaction. `mall_row` gives its row."""
    _, row = session.connection().exec_driver_sql(_ENTER, {"id": int(mall_id)}).one()
    mark_entered(mall_id, row)


def mark_entered(mall_id: int, row: dict[str, Any] | None) -> None:
    """Note that this transaction entered a mall by a statement of the caller's own; `row` is the mall's, None when there is none."""
    unit = current()
    unit.mall_id, unit.mall_row = mall_id, row


def enter_by_code(code: str) -> bool:
    """Enter the mall with this code; False when there is none. One statement."""
    return _enter_where(_ENTER_BY_CODE, code=code)


def enter_by_public_code(code: str, kind: str) -> bool:
    """Enter the mall whose printed code this is; False when there is no such code. One statement."""
    return _enter_where(_ENTER_BY_PUBLIC_CODE, code=code, kind=kind)


def _enter_where(statement: str, **values: str) -> bool:
    entered_mall = session.connection().exec_driver_sql(statement, values).one_or_none()
    if entered_mall is None:
        return False
    mark_entered(entered_mall[1]["id"], entered_mall[1])
    return True


def mall_row() -> dict[str, Any] | None:
    """The entered mall's row as it was on entering; None when there is no such mall, or it was changed since (`forget_mall_row`)."""
    return current().mall_row


def forget_mall_row() -> None:
    """The mall's row was changed in this transaction: read it anew."""
    current().mall_row = None


def keep(row: T) -> T:
    """Hold a row until the unit of work ends, so that asking for it again by its number needs no statement."""
    current().kept.append(row)
    return row


def mall() -> int:
    """The mall that this transaction entered. RuntimeError when it entered none."""
    mall_id = current().mall_id
    if mall_id is None:
        raise RuntimeError("This transaction has entered no mall.")
    return mall_id


def is_open() -> bool:
    """Whether this thread is in a unit of work."""
    return _thread.unit_of_work is not None


def current() -> UnitOfWork:
    """The unit of work of this thread. RuntimeError when none is open."""
    if _thread.unit_of_work is None:
        raise RuntimeError("No unit of work is open in this thread.")
    return _thread.unit_of_work


def abandon() -> None:
    """End this thread's unit of work, if any, in whatever state it is: what was not committed is gone."""
    _thread.unit_of_work = None
    session.remove()


@contextmanager
def unit_of_work(mall_id: int | None = None) -> Iterator[None]:
    """One transaction: everything in it is committed together, here and nowhere else, or nothing is."""
    if is_open():
        raise RuntimeError("A unit of work is open already in this thread.")
    unit = _thread.unit_of_work = UnitOfWork()
    try:
        if mall_id is not None:
            enter(mall_id)
        yield
        _commit()
    except BaseException as error:
        error.__dict__["partly_committed"] = unit.checkpoints > 0
        session.rollback()
        raise
    finally:
        abandon()


def checkpoint() -> None:
    """Commit what was written so far, right before calling somebody outside; the mall stays entered."""
    _commit()
    current().checkpoints += 1
    _enter_again()


@contextmanager
def outside_transaction() -> Iterator[None]:
    """Call somebody outside without an open transaction: what was written is committed before, and the mall is entered again after."""
    _commit()
    current().checkpoints += 1
    yield
    _enter_again()


def _enter_again() -> None:
    if (mall_id := current().mall_id) is not None:
        enter(mall_id)


def record_answer(work: Callable[[], T]) -> T:
    """Write down what somebody outside answered, right after `outside_transaction`; repeated when the database asks for it.

    Rows must be looked up (and locked) inside `work`: locks from before the call are released.
    """
    unit = current()
    checkpoints = unit.checkpoints
    for attempt in range(1, MAX_TRIES + 1):
        try:
            result = work()
            session.flush()
            return result
        except DBAPIError as error:
            committed_since = unit.checkpoints != checkpoints
            if attempt == MAX_TRIES or committed_since or not _is_retryable(error):
                raise
            session.rollback()
            unit.transaction = Transaction()
            _enter_again()
    raise AssertionError("unreachable")


def lock_of(*subject: object) -> Lock:
    """The lock on a subject of this mall."""
    key = hashlib.blake2b("\0".join(map(str, (mall(), *subject))).encode(), digest_size=8).digest()
    return Lock(int.from_bytes(key, "big", signed=True))


def lock(*subject: object) -> None:
    """Until the end of this transaction, nobody else in this mall works on the same subject (advisory lock). Not inside a savepoint."""
    hold_locks([lock_of(*subject)])


def hold_locks(locks: Iterable[Lock]) -> None:
    """Hold these locks until the end of this transaction, taken in their order; one that is held needs none. One statement at most."""
    held = current().transaction.locks
    wanted = [lock for lock in dict.fromkeys(locks) if lock not in held]
    if not wanted:
        return
    session.execute(
        select(
            *(
                func.pg_advisory_xact_lock(lock.number)
                if lock.kind is None
                else func.pg_advisory_xact_lock(lock.kind, func.hashint8(lock.number))
                for lock in wanted
            )
        )
    )
    if not session().in_nested_transaction():  # rolling back a savepoint releases the locks taken in it
        held.update(wanted)


def _commit() -> None:
    session.commit()
    unit = current()
    ended, unit.transaction = unit.transaction, Transaction()
    for action in ended.after_commit:
        action()


@contextmanager
def savepoint() -> Iterator[None]:
    """A part of the transaction that is undone alone when it raises: its rows, its locks, and what would run after the commit."""
    waiting = current().transaction.after_commit
    before = len(waiting)
    try:
        with session.begin_nested():
            yield
    except BaseException:
        del waiting[before:]
        raise


class _Undone(Exception):
    """What was tried is undone."""


@contextmanager
def undone() -> Iterator[None]:
    """A part of the transaction that is only tried: its rows, its locks, what rooms keep and what would run after the commit are undone."""
    unit = current()
    slots, kept = dict(unit.slots), list(unit.kept)
    try:
        with savepoint():
            yield
            session.flush()
            raise _Undone
    except _Undone:
        pass
    finally:
        unit.slots, unit.kept, unit.mall_row = slots, kept, None
        session.expire_all()


def after_commit(action: Callable[[], None]) -> None:
    """Run once the transaction is durable (live messages); never runs when it is rolled back. Must not raise."""
    current().transaction.after_commit.append(action)


def may_retry(error: BaseException) -> bool:
    """Whether the same transaction may simply run again: a deadlock or serialization failure, and nothing of it is committed yet."""
    return isinstance(error, DBAPIError) and not error.__dict__.get("partly_committed") and _is_retryable(error)


def _is_retryable(error: DBAPIError) -> bool:
    return isinstance(error.orig, (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure))


def in_mall(mall_id: int | None, work: Callable[[], T]) -> T:
    """Run work in one unit of work, again when the database asks for it, at most MAX_TRIES times."""
    for attempt in range(1, MAX_TRIES + 1):
        try:
            with unit_of_work(mall_id):
                return work()
        except DBAPIError as error:
            if attempt == MAX_TRIES or not may_retry(error):
                raise
    raise AssertionError("unreachable")


def rows_changed(statement: Executable) -> int:
    """Execute a guarded UPDATE or DELETE and say how many rows it changed."""
    result = session.execute(statement)
    assert isinstance(result, CursorResult)
    return int(result.rowcount)


def as_problem(error: DBAPIError) -> Problem | None:
    """The refusal that a database error means to the client; None when it is a bug of ours."""
    if isinstance(error, IntegrityError):
        return RecordClash()
    if isinstance(error, DataError):
        return ValueOutOfRange()
    lost = isinstance(error, OperationalError) or error.connection_invalidated
    return DatabaseAway() if lost else None
