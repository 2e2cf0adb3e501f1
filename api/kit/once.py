"""Idempotency-Key: the same request sent again gets the same answer and changes nothing a second time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import UniqueConstraint, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped

from api.kit import clock, jobs
from api.kit.db import MallOwned, Model, session
from api.kit.errors import Conflict, Unprocessable

KEY_LENGTH = 200
KEPT_FOR = timedelta(days=2)


class IdempotencyKeyReused(Conflict):
    """This Idempotency-Key was used before for a different request."""

    suspicious = True


class IdempotencyKeyInvalid(Unprocessable):
    """An Idempotency-Key is 8 to 200 visible ASCII characters."""


class IdempotencyKeyMissing(Unprocessable):
    """This request changes something of value and needs an Idempotency-Key header."""


class OnceKey(MallOwned, Model):
    """A key, the hash of the request it came with, and the answer, written in the transaction of the change itself."""

    __tablename__ = "once_keys"
    __table_args__ = (UniqueConstraint("mall_id", "principal", "key"),)

    principal: Mapped[str]
    key: Mapped[str]
    request_hash: Mapped[str]
    status: Mapped[int | None]
    answer: Mapped[dict[str, Any] | None]
    made_at: Mapped[datetime]


class RequestUnfinished(Conflict):
    """This request was begun before and not finished; look at what it made before you send a new one."""


@dataclass(frozen=True)
class Answer:
    """A stored answer to be sent again."""

    status: int
    body: dict[str, Any]


def request_hash(method: str, path: str, body: bytes) -> str:
    """What makes two requests the same request."""
    return hashlib.sha256(b"\0".join((method.encode(), path.encode(), body))).hexdigest()


def begin(principal: str, key: str, digest: str) -> Answer | None:
    """Claim the key, or return the stored answer. A concurrent twin waits here for the first to commit.

    IdempotencyKeyReused when the key came with another request before; RequestUnfinished when the first one died after a checkpoint.
    """
    if not (8 <= len(key) <= KEY_LENGTH and key.isascii() and key.isprintable()):
        raise IdempotencyKeyInvalid()
    claim = (
        insert(OnceKey)
        .values(principal=principal, key=key, request_hash=digest, made_at=clock.now())
        .on_conflict_do_nothing()
        .returning(OnceKey.id)
    )
    if session.execute(claim).scalar() is not None:
        return None
    held = session.execute(
        select(OnceKey.request_hash, OnceKey.status, OnceKey.answer).where(OnceKey.principal == principal, OnceKey.key == key)
    ).one()
    if held.request_hash != digest:
        raise IdempotencyKeyReused()
    if held.status is None:
        raise RequestUnfinished()
    return Answer(held.status, held.answer)


def finish(principal: str, key: str, status: int, body: bytes) -> None:
    """Store the answer beside the change it answers for."""
    answer = json.loads(body) if body else {}
    session.execute(update(OnceKey).where(OnceKey.principal == principal, OnceKey.key == key).values(status=status, answer=answer))


def forget(principals: Collection[str]) -> None:
    """Remove what these principals sent with a key: the answers repeat what they said."""
    session.execute(delete(OnceKey).where(OnceKey.principal.in_(principals)))


@jobs.nightly("50 19 * * *")
def forget_old_keys() -> None:
    """Remove keys past their time."""
    session.execute(delete(OnceKey).where(OnceKey.made_at < clock.now() - KEPT_FOR))
