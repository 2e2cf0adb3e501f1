"""Everything random in the simulator: unguessable as at WeChat, or, with a seed, the same in every replay."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass, field
from hashlib import shake_256
from threading import Lock
from uuid import UUID

WHOLE = 2**64


class Dice:
    """With a seed each thing that is named falls the same way in every run, whatever the threads are doing."""

    def __init__(self, seed: str | None = None) -> None:
        self._lock = Lock()
        self.seed(seed)

    def seed(self, seed: str | None) -> None:
        """Begin anew; None is real chance."""
        with self._lock:
            self._seed = seed
            self._thrown: Counter[tuple[str, ...]] = Counter()
            self._mentioned: dict[str, int] = {}

    def nth(self, *names: str) -> tuple[str, ...]:
        """Our own numbers by the order of their first mention: what falls depends on the story, not on them."""
        with self._lock:
            return tuple(str(self._mentioned.setdefault(name, len(self._mentioned))) for name in names)

    def raw(self, count: int, *what: str) -> bytes:
        """So many bytes for what is named; the second throw for the same is another one."""
        if self._seed is None:
            return secrets.token_bytes(count)
        with self._lock:
            self._thrown[what] += 1
            named = "\0".join((self._seed, *what, str(self._thrown[what])))
        return shake_256(named.encode()).digest(count)

    def hex(self, count: int, *what: str) -> str:
        """So many hexadecimal digits."""
        return self.raw((count + 1) // 2, *what).hex()[:count]

    def digits(self, count: int, *what: str) -> str:
        """So many decimal digits."""
        return f"{int.from_bytes(self.raw(count, *what), 'big') % 10**count:0{count}d}"

    def uuid(self, *what: str) -> str:
        """A random UUID."""
        return str(UUID(bytes=self.raw(16, *what), version=4))

    def chance(self, *what: str) -> float:
        """From 0 up to, but not including, 1."""
        return int.from_bytes(self.raw(8, *what), "big") / WHOLE


@dataclass
class FailureRates:
    """How often calls and notices go wrong by themselves: chances by kind, thrown with the dice."""

    calls: dict[str, float] = field(default_factory=dict)
    notices: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.2

    def pick(self, chances: dict[str, float], thrown: float) -> str | None:
        """Which kind this throw means, if any."""
        for kind, chance in chances.items():
            if thrown < chance:
                return kind
            thrown -= chance
        return None
