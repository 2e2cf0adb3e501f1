"""Card numbers: sixteen digits, the last one a check digit (Luhn), so that a slip of the finger is seen before anybody is asked."""

from __future__ import annotations

import secrets

LENGTH = 16
ELECTRONIC, PHYSICAL = "80", "81"


def electronic() -> str:
    """A random number for an electronic card: nothing can be derived from it."""
    return with_check_digit(ELECTRONIC + f"{secrets.randbelow(10**13):013d}")


def printed(batch_id: int, position: int) -> str:
    """The number of a card in its batch; they run on, so that a stack can be counted."""
    return with_check_digit(PHYSICAL + f"{batch_id % 10**7:07d}{position:06d}")


def with_check_digit(body: str) -> str:
    """The number with its check digit."""
    return body + str(-_sum(body + "0") % 10)


def is_number(text: str) -> bool:
    """Whether a text can be a card's number."""
    return len(text) == LENGTH and text.isascii() and text.isdigit() and _sum(text) % 10 == 0


def _sum(digits: str) -> int:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total
