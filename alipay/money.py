"""Alipay's yuan (a decimal text with at most two places) and our fen (a whole number)."""

from __future__ import annotations

import re

_YUAN = re.compile(r"(\d{1,12})(?:\.(\d{1,2}))?", re.ASCII)


def yuan(fen: int) -> str:
    """12805 → "128.05". Raises ValueError below zero."""
    if fen < 0:
        raise ValueError("an amount is not negative")
    return f"{fen // 100}.{fen % 100:02d}"


def fen(text: str) -> int:
    """ "128.05" → 12805. Raises ValueError for a third decimal, a sign, an exponent or anything else."""
    match = _YUAN.fullmatch(text)
    if match is None:
        raise ValueError("not an amount in yuan")
    return int(match[1]) * 100 + int((match[2] or "0").ljust(2, "0"))


def signed_fen(text: str) -> int:
    """ "-0.01" → -1, as bills write fees and refunds. Raises ValueError as fen does."""
    return -fen(text[1:]) if text.startswith("-") else fen(text)
