"""Passwords of the staff: argon2id, and the same work whether or not the account exists."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 12
FEWEST_GUESSES = 8.0  # a power of ten, as zxcvbn counts: what a thief of the hashes tries in about a day
LONGEST = 200  # characters; longer only costs work
_READ = 72  # characters that zxcvbn reads

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)  # OWASP password storage cheat sheet: argon2id, 19 MiB, t=2, p=1


def hash_password(password: str) -> str:
    """The argon2id hash to keep."""
    return _hasher.hash(password)


def matches(password: str, kept: str | None) -> bool:
    """Whether the password is right. Without a kept hash the same work is done and the answer is no."""
    try:
        return _hasher.verify(kept or _dummy_hash(), password) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def is_weak(password: str, known: Sequence[str]) -> bool:
    """Whether somebody who knows these words (the login, the name) guesses it soon, or it is too short or too long."""
    from zxcvbn import zxcvbn  # its lists of words are read by who sets a password only

    if not SHORTEST <= len(password) <= LONGEST:
        return True
    words = [word for text in known for word in (text, *text.split()) if word]
    return float(zxcvbn(password[:_READ], user_inputs=words)["guesses_log10"]) < FEWEST_GUESSES


@cache
def _dummy_hash() -> str:
    return _hasher.hash("nobody signs in with this")
