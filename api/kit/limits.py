"""How often a member, device or address may do a thing. Counted in the cache; without the cache, in this process."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from api.kit import cache, clock
from api.kit.errors import TooMany


class TooOften(TooMany):
    """That was too often; please wait a moment and try again."""


@dataclass(frozen=True)
class Limit:
    """At most `times` in `seconds` for one subject."""

    name: str
    times: int
    seconds: int


_local: dict[tuple[str, int], int] = {}
_lock = threading.Lock()
_LOCAL_MAX = 50_000


def spend(limit: Limit, subject: str) -> None:
    """Count one use. TooOften, with the seconds to wait, when the limit is reached."""
    now = int(clock.now().timestamp())
    window = now // limit.seconds
    key = f"limit:{limit.name}:{subject}:{window}"
    used = cache.attempt(lambda client: _count(client, key, limit.seconds), None)
    if used is None:
        used = _count_here(key, window)
    if used > limit.times:
        raise TooOften(retry_after=(window + 1) * limit.seconds - now)


def _count(client: object, key: str, seconds: int) -> int:
    pipe = client.pipeline(transaction=False)  # type: ignore[attr-defined]
    pipe.incr(key)
    pipe.expire(key, seconds + 1)
    return int(pipe.execute()[0])


def _count_here(key: str, window: int) -> int:
    with _lock:
        if len(_local) > _LOCAL_MAX:
            _local.clear()
        _local[key, window] = _local.get((key, window), 0) + 1
        return _local[key, window]
