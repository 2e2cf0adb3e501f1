"""The second step: call a gateway while no transaction is open. A failure comes back as a value, never as an exception."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TypeVar

from api.kit import clock, db
from api.payments.gateways.base import CallFailure

T = TypeVar("T")

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no letter that a person reads as another


def talk(call: Callable[[], T]) -> T | CallFailure:
    """Make what was written durable, call, and enter the mall again."""
    with db.outside_transaction():
        try:
            return call()
        except CallFailure as failure:
            return failure


def new_number(kind: str) -> str:
    """A number of ours that both gateways take: one letter, the second, 13 random letters. 26 of [0-9A-Z], nothing of a person."""
    return f"{kind}{clock.now():%y%m%d%H%M%S}" + "".join(secrets.choice(_LETTERS) for _ in range(13))
