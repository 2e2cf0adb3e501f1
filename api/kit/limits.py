"""How often a member, device or address may do a thing. Counted in the cache; without the cache, in this process."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

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
    if count(limit, subject) > limit.times:
        raise TooOften(retry_after=(now // limit.seconds + 1) * limit.seconds - now)


def count(limit: Limit, subject: str, uses: int = 1) -> int:
    """Count uses, below zero to give some back; returns how many there are in this window."""
    window = int(clock.now().timestamp()) // limit.seconds
    key = f"limit:{limit.name}:{subject}:{window}"
    used = cache.attempt(lambda client: _count(client, key, limit.seconds, uses), None)
    return _count_here(key, window, uses) if used is None else used


SITE_BITS = 48


def network(address: str | None) -> str:
    """Whom an address counts for: one IPv4 address, or the /64 of IPv6 that one subscriber has whole."""
    try:
        known = ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(known, IPv6Address):
        return str(known.ipv4_mapped) if known.ipv4_mapped else str(ip_network((known.packed[:8] + bytes(8), 64)))
    return str(known)


def site(network: str) -> str | None:
    """The /48 that one line of IPv6 may have whole, of a `network`; None where it is IPv4 or unknown."""
    try:
        known = ip_network(network)
    except ValueError:
        return None
    return str(known.supernet(new_prefix=SITE_BITS)) if known.version == 6 else None


def _count(client: object, key: str, seconds: int, uses: int) -> int:
    pipe = client.pipeline(transaction=False)  # type: ignore[attr-defined]
    pipe.incrby(key, uses)
    pipe.expire(key, seconds + 1)
    return int(pipe.execute()[0])


def _count_here(key: str, window: int, uses: int) -> int:
    with _lock:
        if len(_local) > _LOCAL_MAX:
            _local.clear()
        _local[key, window] = _local.get((key, window), 0) + uses
        return _local[key, window]
