"""A challenge that costs whoever answers it a moment of computing: ALTCHA's protocol, version 1 (SHA-256 over salt and number, signed).

https://altcha.org/docs/v2/server-integration. The salt carries when it ends, for whom it counts and how large the number may be. It ends
with "&": without that, digits of the number could be moved into the salt and the end put off (CVE-2025-68113). A challenge counts once:
the cache remembers it, and without the cache this process.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
from dataclasses import dataclass
from datetime import timedelta

from api.kit import cache, clock, sealed

ALGORITHM = "SHA-256"
LIFE = timedelta(minutes=5)
_SALT = re.compile(r"\A[0-9a-f]{24}\?expires=([0-9]{1,12})&for=([a-z0-9:-]{1,60})&most=([0-9]{1,9})&\Z")


@dataclass(frozen=True)
class Challenge:
    """Find the number from 0 to `maxnumber` whose hash behind the salt is `challenge`."""

    algorithm: str
    challenge: str
    maxnumber: int
    salt: str
    signature: str


@dataclass(frozen=True)
class Solution:
    """A challenge as it was given, with the number that was found."""

    algorithm: str
    challenge: str
    number: int
    salt: str
    signature: str


def give(purpose: str, most: int) -> Challenge:
    """A fresh challenge for a purpose, whose number is at most so large."""
    ends_at = int((clock.now() + LIFE).timestamp())
    salt = f"{secrets.token_hex(12)}?expires={ends_at}&for={purpose}&most={most}&"
    wanted = _hash(salt, secrets.randbelow(most + 1))
    return Challenge(ALGORITHM, wanted, most, salt, _sign(wanted))


def accept(solution: Solution, purpose: str, least: int) -> bool:
    """Whether this solves a challenge of ours, for this purpose and of at least so much work, in time and for the first time."""
    salt = _SALT.match(solution.salt)
    if salt is None or solution.algorithm != ALGORITHM or not hmac.compare_digest(_sign(solution.challenge), solution.signature):
        return False
    ends_at, of, most = int(salt[1]), salt[2], int(salt[3])
    if of != purpose or most < least or ends_at <= clock.now().timestamp() or _hash(solution.salt, solution.number) != solution.challenge:
        return False
    return _first_use(solution.challenge)


def _hash(salt: str, number: int) -> str:
    return hashlib.sha256(f"{salt}{number}".encode()).hexdigest()


def _sign(challenge: str) -> str:
    return sealed.find_key(f"challenge:{challenge}")


_used: dict[str, float] = {}
_lock = threading.Lock()
_USED_MAX = 50_000


def _first_use(challenge: str) -> bool:
    seconds = int(LIFE.total_seconds()) + 1
    kept = cache.attempt(lambda client: client.set(f"challenge:{challenge}", 1, nx=True, ex=seconds) is True, None)
    # What was used while the cache was away must not count again when it is back.
    return _first_use_here(challenge) if kept is not False else False


def _first_use_here(challenge: str) -> bool:
    now = clock.now().timestamp()
    with _lock:
        if len(_used) > _USED_MAX:
            for old in [name for name, ends_at in _used.items() if ends_at <= now]:
                del _used[old]
        if challenge in _used or len(_used) > 2 * _USED_MAX:
            return False
        _used[challenge] = now + LIFE.total_seconds()
        return True
