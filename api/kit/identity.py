"""Who is asking. A short access token names a principal and its mall; every blueprint names the audience it serves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import jwt
from flask import g, request

from api.kit import clock, db
from api.kit.errors import Forbidden, Unauthenticated

ACCESS_TOKEN_LIVES = timedelta(minutes=15)
ALGORITHM = "HS256"


class SignInNeeded(Unauthenticated):
    """Please sign in first."""


class TokenInvalid(Unauthenticated):
    """This sign-in is not valid or has ended, please sign in again."""


class WrongAudience(Forbidden):
    """Your account is not meant for this part of the mall."""


class PermissionMissing(Forbidden):
    """Your role does not allow this."""

    suspicious = True


@dataclass(frozen=True)
class Principal:
    """Somebody signed in: a member, a person of the mall's staff or of a shop's staff, a tablet, a partner."""

    kind: str  # member · payer · staff · shop · partner
    id: int
    mall_id: int
    session_id: str = ""
    shop_id: int | None = None
    role: str | None = None
    permissions: frozenset[str] = field(default_factory=frozenset)
    token_ends: int = field(default=0, compare=False)  # when its access token does, in seconds since 1970

    @property
    def name(self) -> str:
        """How moves, audit lines and ledger causes name this principal: "member:7"."""
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True)
class Audience:
    """Who may call the routes of a blueprint."""

    name: str
    kinds: frozenset[str]
    prefix: str


members = Audience("members", frozenset({"member"}), "/v1")
payers = Audience("payers", frozenset({"member", "payer"}), "/v1")  # who pays, a member or somebody whom only a wallet knows
shop_staff = Audience("shop staff", frozenset({"shop"}), "/v1/shop")
mall_staff = Audience("mall staff", frozenset({"staff"}), "/v1/office")
partners = Audience("partners", frozenset({"partner"}), "/v1/partner")
gateways = Audience("gateways", frozenset(), "/v1/notices")
anyone = Audience("anyone", frozenset(), "/v1")

#: kind → what enters the mall of a fresh token's claims and turns them into a principal there (roles are looked up, not trusted).
_entrances: dict[str, Callable[[Principal], Principal]] = {}
#: kind → somebody of this kind as he may act now, without a sign-in; None who may not.
_stand_ins: dict[str, Callable[[int], Principal | None]] = {}
_secret = ""


def configure(secret: str) -> None:
    """Take the secret that signs access tokens."""
    global _secret
    _secret = secret


def entrance(kind: str, enter: Callable[[Principal], Principal]) -> None:
    """Register how a principal of this kind enters its mall: it is looked up there (its role, whether it may still enter)."""
    _entrances[kind] = enter


def stand_in(kind: str, look: Callable[[int], Principal | None]) -> None:
    """Register how somebody of this kind is looked up when another person does what he asked for."""
    _stand_ins[kind] = look


@contextmanager
def acting(name: str, permission: str | None) -> Iterator[None]:
    """Do something for who asked for it ("staff:7"), with the rights of today. PermissionMissing when these do not suffice any more."""
    asker, present = _standing(name), principal()
    if asker is None or (permission is not None and permission not in asker.permissions):
        raise PermissionMissing(permission=permission)
    g.principal = asker
    try:
        yield
    finally:
        g.principal = present


def still_may(name: str, permission: str) -> bool:
    """Whether who asked for something ("shop:7") may still do it by itself."""
    asker = _standing(name)
    return asker is not None and permission in asker.permissions


def _standing(name: str) -> Principal | None:
    kind, _, number = name.partition(":")
    return _stand_ins[kind](int(number))


def access_token(kind: str, principal_id: int, mall_id: int, *, session_id: str, shop_id: int | None = None) -> str:
    """A token for ACCESS_TOKEN_LIVES. It carries no personal data."""
    now = clock.now()
    claims: dict[str, Any] = {
        "sub": f"{kind}:{principal_id}",
        "mall": mall_id,
        "sid": session_id,
        "iat": int(now.timestamp()),
        "exp": int((now + ACCESS_TOKEN_LIVES).timestamp()),
    }
    if shop_id is not None:
        claims["shop"] = shop_id
    return jwt.encode(claims, _secret, algorithm=ALGORITHM)


def read_token(token: str) -> Principal:
    """The principal that a token names. TokenInvalid when it is forged, expired or of another make."""
    try:
        claims = jwt.decode(
            token,
            _secret,
            algorithms=[ALGORITHM],
            options={"require": ["sub", "exp", "iat"], "verify_exp": False, "verify_iat": False},
        )
        kind, _, number = str(claims["sub"]).partition(":")
        ends = int(claims["exp"])
        principal = Principal(kind, int(number), int(claims["mall"]), str(claims["sid"]), claims.get("shop"), token_ends=ends)
    except (jwt.PyJWTError, KeyError, ValueError, TypeError) as error:
        raise TokenInvalid() from error
    if clock.now().timestamp() >= ends:
        raise TokenInvalid()
    return principal


def bearer() -> Principal:
    """The principal of this request's Authorization header, before the mall is entered."""
    header = request.headers.get("Authorization", "")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise SignInNeeded()
    return read_token(token.strip())


def admit(principal: Principal, audience: Audience, permission: str | None) -> None:
    """Let the principal into its mall, or refuse. Afterwards the mall is entered and `principal()` names who is asking."""
    if principal.kind not in audience.kinds:
        raise WrongAudience()
    admitted = _entrances.get(principal.kind, _enter)(principal)
    if permission is not None and permission not in admitted.permissions:
        raise PermissionMissing(permission=permission)
    g.principal = admitted


def _enter(principal: Principal) -> Principal:
    db.enter(principal.mall_id)
    return principal


def principal() -> Principal:
    """Who is asking, in a route that has an audience. SignInNeeded elsewhere."""
    who: Principal | None = g.get("principal")
    if who is None:
        raise SignInNeeded()
    return who


def member() -> Principal:
    """The member asking."""
    return _of_kind("member")


def staff() -> Principal:
    """The person of the mall's staff asking."""
    return _of_kind("staff")


def shop() -> Principal:
    """The tablet or person of a shop asking; `shop_id` is set."""
    return _of_kind("shop")


def _of_kind(kind: str) -> Principal:
    who = principal()
    if who.kind != kind:
        raise WrongAudience()
    return who
