"""The seam for benefits of the lines (优惠): what coupons and promotions pay of each line, before anything else pays.

A benefit is a function that takes the lines and the member, and returns priced lines with the shares that it pays of them. It is put into
`BENEFITS`; each sees what the ones before it left. None is there yet, so lines come back as they went in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from api.checkout.shares import Share
from api.purchases.baskets import Line


@dataclass(frozen=True)
class PricedLine:
    """A line with what benefits pay of it, each share with its bearers to the fen."""

    line: Line
    shares: tuple[Share, ...] = ()

    @property
    def left_fen(self) -> int:
        """What is left to be paid of it."""
        return self.line.net_fen - sum(share.fen for share in self.shares)


Benefit = Callable[[Sequence[PricedLine], int | None], tuple[PricedLine, ...]]

#: In the order in which they are reckoned.
BENEFITS: list[Benefit] = []


def price(lines: Sequence[Line], member_id: int | None) -> tuple[PricedLine, ...]:
    """The lines with what benefits pay of them for this member (None: nobody known). It changes nothing.

    ValueError when a benefit loses a line, pays more than it costs, or does not say to the fen who bears it.
    """
    priced = tuple(PricedLine(line) for line in lines)
    for benefit in BENEFITS:
        after = benefit(priced, member_id)
        if [row.line for row in after] != [row.line for row in priced]:
            raise ValueError("a benefit returns the lines it was given")
        priced = after
    for number, row in enumerate(priced):
        _check(number, row)
    return priced


def _check(number: int, row: PricedLine) -> None:
    if row.left_fen < 0:
        raise ValueError("benefits pay more than a line costs")
    for share in row.shares:
        if share.line != number or share.fen <= 0 or sum(bearer.fen for bearer in share.bearers) != share.fen:
            raise ValueError("a benefit's share names its line and says to the fen who bears it")
