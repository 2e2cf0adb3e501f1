"""Valkey/Redis. Nothing is kept only here: when it is gone, slow or flushed, the mall works without it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import redis

from api.kit import clock, logs

log = logs.get(__name__)
T = TypeVar("T")

TIMEOUT = 0.25  # seconds: a healthy cache answers in under a millisecond
REST = 5.0  # seconds without asking again after it failed

_client: redis.Redis | None = None
_lock = threading.Lock()
_asleep_until = 0.0


def configure(url: str) -> None:
    """Take the cache's address; nothing is opened yet."""
    global _client, _asleep_until
    _client = redis.Redis.from_url(url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, retry_on_timeout=False)
    _asleep_until = 0.0


def attempt(work: Callable[[Any], T], otherwise: T) -> T:
    """What the cache answers, or `otherwise` when it cannot be reached just now. Never raises, never waits over TIMEOUT."""
    global _asleep_until
    if _client is None or clock.monotonic() < _asleep_until:
        return otherwise
    try:
        return work(_client)
    except redis.RedisError as error:
        with _lock:
            _asleep_until = clock.monotonic() + REST
        log.warning("the cache does not answer", error_type=type(error).__name__)
        return otherwise


def alive() -> bool:
    """Whether the cache answers now."""
    return attempt(lambda client: bool(client.ping()), False)
