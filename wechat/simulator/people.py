"""Who a person is to WeChat. Everything follows from the seed, so it is the same after a restart."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256

_PERSON_BYTES = 12
_APP_BYTES = 8


@dataclass
class Person:
    """A user of WeChat. `blocked` users are refused at login (40226)."""

    name: str
    unionid: str
    phone: str = field(repr=False)
    blocked: bool = False
    logins: list[float] = field(default_factory=list, repr=False)


class People:
    """Every person that was ever named to the simulator."""

    def __init__(self, seed: str) -> None:
        self._seed = seed.encode()
        self._people: dict[str, Person] = {}

    def named(self, name: str) -> Person:
        """The person of this name, born on first mention."""
        person = self._people.get(name)
        if person is None:
            person = Person(name, self._unionid(name), self._phone(name))
            self._people[name] = person
        return person

    def forget_logins(self) -> None:
        """Nobody has signed in lately: the minute's quota is everybody's again."""
        for person in self._people.values():
            person.logins = []

    def openid(self, name: str, appid: str) -> str:
        """The person's openid in one mini-program: 28 characters, another one in each mini-program."""
        person = self._digest("person", name)[:_PERSON_BYTES]
        return "o" + urlsafe_b64encode(person + self._app_tag(person, appid)).decode().rstrip("=")

    def is_openid(self, openid: object, appid: str) -> bool:
        """Whether the openid was issued for this mini-program, by this or an earlier run with the same seed."""
        try:
            raw = urlsafe_b64decode(str(openid)[1:] + "=")
        except ValueError:
            return False
        person = raw[:_PERSON_BYTES]
        return hmac.compare_digest(raw[_PERSON_BYTES:], self._app_tag(person, appid))

    def elsewhere(self, openid: str, appid: str) -> str:
        """The same person's openid in another mini-program."""
        person = urlsafe_b64decode(openid[1:] + "=")[:_PERSON_BYTES]
        return "o" + urlsafe_b64encode(person + self._app_tag(person, appid)).decode().rstrip("=")

    def _unionid(self, name: str) -> str:
        return "oU" + urlsafe_b64encode(self._digest("union", name)[:19]).decode().rstrip("=")

    def _phone(self, name: str) -> str:
        number = int.from_bytes(self._digest("phone", name)[:8], "big")
        return f"13{number % 10**9:09d}"

    def _app_tag(self, person: bytes, appid: str) -> bytes:
        return hmac.new(self._seed, b"app:" + appid.encode() + person, sha256).digest()[:_APP_BYTES]

    def _digest(self, kind: str, name: str) -> bytes:
        return hmac.new(self._seed, f"{kind}:{name}".encode(), sha256).digest()
