"""Live messages to phones and tablets. A message is a hint to load again: the data itself is in the database.

Topics are named "<mall>:<kind>:<id>", for instance "3:member:7". Each keeps its last messages for a stream that resumes.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from api.kit import cache, db

KEPT = 100
KEPT_SECONDS = 3600

CHANNEL = "live"  # messages, by topic
CONTROL = "live-control"  # what the processes that stream tell each other, and are told: whom to ask again, which streams to end


def topic(mall_id: int, kind: str, subject_id: int) -> str:
    """The name of one listener's topic."""
    return f"{mall_id}:{kind}:{subject_id}"


def publish(kind: str, subject_id: int, event: str, **facts: Any) -> None:
    """Send a message once this transaction is durable. Without a cache it is dropped: the phone polls."""
    name = topic(db.mall(), kind, subject_id)
    message = json.dumps({"event": event, **facts}, ensure_ascii=False)
    db.after_commit(lambda: cache.attempt(lambda client: _send(client, name, message), None))


def _send(client: Any, name: str, message: str) -> None:
    key = f"live:{name}"
    number = client.xadd(key, {"m": message}, maxlen=KEPT, approximate=True)
    pipe = client.pipeline(transaction=False)
    pipe.expire(key, KEPT_SECONDS)
    pipe.publish(CHANNEL, json.dumps({"topic": name, "id": number.decode(), "message": message}))
    pipe.execute()


def ask_again(kinds: Collection[str], principal_ids: Collection[int]) -> None:
    """Whoever listens as one of these is looked up again once this transaction is durable, and heard no more if they may not.

    Without a cache they are looked up a few seconds later, as everybody who listens is.
    """
    principals = [[db.mall(), kind, principal_id] for kind in kinds for principal_id in sorted(set(principal_ids))]
    if principals:
        order = json.dumps({"ask": principals})
        db.after_commit(lambda: cache.attempt(lambda client: client.publish(CONTROL, order), None))


def forget(kind: str, principal_id: int) -> None:
    """Drop the messages that are kept for a stream of this listener that would resume, once this transaction is durable."""
    key = f"live:{topic(db.mall(), kind, principal_id)}"
    db.after_commit(lambda: cache.attempt(lambda client: client.delete(key), None))
