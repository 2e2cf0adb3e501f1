"""Everything random in the simulator: unguessable as at Alipay, or, with a seed, the same in every replay."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass, field
from hashlib import shake_256
from threading import Lock

WHOLE = 2**64


class Dice:
    """With a seed each thing that is named falls the same way in every run, whatever the threads are doing.

    A trade is named by its place in the order in which the trades came, so the caller's numbers need not be the same.
    """

    def __init__(self, seed: str | None = None) -> None:
        self._lock = Lock()
        self.seed(seed)

    def seed(self, seed: str | None) -> None:
        """Begin anew; None is real chance."""
        with self._lock:
            self._seed = seed
            self._thrown: Counter[tuple[str, ...]] = Counter()
            self._places: dict[str, int] = {}

    def place(self, out_trade_no: str) -> str:
        """The place of a trade in the order in which they came."""
        with self._lock:
            return str(self._places.setdefault(out_trade_no, len(self._places)))

    def digits(self, count: int, *what: str) -> str:
        """So many decimal digits."""
        return f"{int.from_bytes(self._raw(count, *what), 'big') % 10**count:0{count}d}"

    def chance(self, *what: str) -> float:
        """From 0 up to, but not including, 1."""
        return int.from_bytes(self._raw(8, *what), "big") / WHOLE

    def _raw(self, count: int, *what: str) -> bytes:
        if self._seed is None:
            return secrets.token_bytes(count)
        with self._lock:
            self._thrown[what] += 1
            named = "\0".join((self._seed, *what, str(self._thrown[what])))
        return shake_256(named.encode()).digest(count)


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
