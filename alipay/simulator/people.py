"""Who a person is to Alipay. Everything follows from the seed, so it is the same after a restart."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256


@dataclass
class Person:
    """A user of Alipay: one user_id everywhere, an open_id for each application."""

    name: str
    user_id: str
    phone: str = field(repr=False)


class People:
    """Every person that was ever named to the simulator."""

    def __init__(self, seed: str) -> None:
        self._seed = seed.encode()
        self._people: dict[str, Person] = {}

    def named(self, name: str) -> Person:
        """The person of this name, born on first mention."""
        person = self._people.get(name)
        if person is None:
            person = Person(name, f"2088{self._number('user', name, 12)}", f"13{self._number('phone', name, 9)}")
            self._people[name] = person
        return person

    def open_id(self, name: str, app_id: str) -> str:
        """The person's open_id in one application: 43 characters."""
        return urlsafe_b64encode(self._digest(f"open:{app_id}", name)).decode().rstrip("=")

    def _number(self, kind: str, name: str, digits: int) -> str:
        return f"{int.from_bytes(self._digest(kind, name)[:8], 'big') % 10**digits:0{digits}d}"

    def _digest(self, kind: str, name: str) -> bytes:
        return hmac.new(self._seed, f"{kind}:{name}".encode(), sha256).digest()
