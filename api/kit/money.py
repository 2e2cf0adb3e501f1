"""Money is whole fen (分). Yuan strings exist only at the edges and cross here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal

MAX_FEN = 10_000_000_000  # 100 million yuan: no purchase in a mall is larger; also far below 2**63

_YUAN = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,2})?", re.ASCII)


def fen(yuan: str) -> int:
    """Yuan as written ("12.30") to fen. ValueError on a third decimal, other digits, signs or separators."""
    if not _YUAN.fullmatch(yuan):
        raise ValueError(f"not an amount in yuan: {yuan[:20]!r}")
    sign = -1 if yuan.startswith("-") else 1
    whole, _, part = yuan.lstrip("-").partition(".")
    return sign * (int(whole) * 100 + int(part.ljust(2, "0")))


def yuan(amount_fen: int) -> str:
    """Fen to yuan with two decimals, as gateways and receipts write it."""
    sign = "-" if amount_fen < 0 else ""
    return f"{sign}{abs(amount_fen) // 100}.{abs(amount_fen) % 100:02d}"


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Divide a total by whole weights so that the parts add up exactly (largest remainder, ties to the first)."""
    if not weights or any(weight < 0 for weight in weights):
        raise ValueError("weights must be whole numbers, none below zero")
    scale = sum(weights)
    if scale == 0:
        return split(total, [1] * len(weights))
    sign = -1 if total < 0 else 1
    parts = [abs(total) * weight // scale for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: (-(abs(total) * weights[i] % scale), i))
    for i in order[: abs(total) - sum(parts)]:
        parts[i] += 1
    return [sign * part for part in parts]


def basis_points(amount: int, rate_bp: int, rounding: str = "down") -> int:
    """A share of an amount: rate in basis points (10,000 = the whole). Rounding: down, up or half_up."""
    modes = {"down": ROUND_DOWN, "up": ROUND_UP, "half_up": ROUND_HALF_UP}
    exact = Decimal(amount) * rate_bp / 10_000
    return int(exact.quantize(Decimal(1), rounding=modes[rounding]))
