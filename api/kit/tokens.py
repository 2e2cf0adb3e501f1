"""A gateway's access token, shared by all workers through the cache: one of them renews it, the others read it there."""

from __future__ import annotations

import contextlib
import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Generic, Protocol, TypeVar

import redis
from cryptography.exceptions import InvalidTag

from api.kit import cache, clock, sealed

RENEWING = 15.0  # seconds: longer than a gateway may take to answer


class Token(Protocol):
    """What a vendor's client calls its token."""

    @property
    def value(self) -> str:
        """The token itself."""

    @property
    def expires_at(self) -> datetime:
        """When it stops working."""


T = TypeVar("T", bound=Token)


class SharedTokens(Generic[T]):
    """Tokens by a name, sealed in the cache; without a cache each process keeps its own.

    `made` makes the vendor's token of a value and the moment when it ends.
    """

    def __init__(self, made: Callable[[str, datetime], T]) -> None:
        self._made = made
        self._own: dict[str, T] = {}
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def get(self, name: str) -> T | None:
        """The newest token that anybody has put there, if any."""
        kept = cache.attempt(lambda client: client.get(_key(name)), None)
        if kept is None:
            return self._own.get(name)
        try:
            value, until = json.loads(sealed.unseal(kept))
        except InvalidTag:  # sealed with a key that was changed since
            return self._own.get(name)
        return self._made(value, datetime.fromisoformat(until))

    def put(self, name: str, token: T) -> None:
        """Keep it for all until it ends."""
        self._own[name] = token
        lasts = max(1, int((token.expires_at - clock.now()).total_seconds()))
        held = sealed.seal(json.dumps([token.value, token.expires_at.isoformat()]))
        cache.attempt(lambda client: client.set(_key(name), held, ex=lasts), None)

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Held by one thread of one process. A caller that does not get it in time renews too, which invalidates nobody's token."""
        with self._locks[name]:
            held = cache.attempt(lambda client: client.lock(f"{_key(name)}:renewing", timeout=RENEWING), None)
            acquired = held is not None and cache.attempt(lambda _: held.acquire(blocking_timeout=RENEWING), False)
            try:
                yield
            finally:
                if acquired and held is not None:
                    with contextlib.suppress(redis.RedisError):  # it expired, or the cache is unreachable
                        held.release()


def _key(name: str) -> str:
    return f"gateway-token:{name}"
