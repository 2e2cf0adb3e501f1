"""What can be bought: a basket of lines, and what happens to the thing itself when it is paid, given back or given up.

Dining and the emall add a kind of their own here; everything else of checkout stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from api.checkout.mix import Line, Tender
from api.checkout.models import Order, OrderRefund

ALL_TENDERS = frozenset(Tender)


@dataclass(frozen=True)
class Basket:
    """What somebody is about to pay. `ref` is what the kind needs to find the thing again; `remark` is the shopper's own."""

    kind: str
    ref: dict[str, Any]
    title: str
    lines: tuple[Line, ...]
    remark: str | None = None

    @property
    def total_fen(self) -> int:
        """The sum of the lines."""
        return sum(line.amount_fen for line in self.lines)

    @property
    def shop_ids(self) -> frozenset[int]:
        """The tenants it is bought from; empty when the mall itself sells it."""
        return frozenset(line.shop_id for line in self.lines if line.shop_id is not None)


def _nothing(*_: Any) -> Any:
    return None


@dataclass(frozen=True)
class Kind:
    """One kind of thing: what may pay for it, whether it is a sale of tenants (with points), and its own deeds."""

    name: str
    accepts: frozenset[Tender] = ALL_TENDERS
    sale_channel: str | None = None  # None: no tenant's sale, and no points
    placed: Callable[[Order], None] = _nothing  # may refuse
    paid: Callable[[Order], None] = _nothing
    comes_back: Callable[[Order], int | None] = _nothing  # how much of it comes back, where that is not for the asker to say
    refunding: Callable[[Order, OrderRefund], None] = _nothing  # may refuse
    closed: Callable[[Order], None] = _nothing


KINDS: dict[str, Kind] = {}


def add(kind: Kind) -> Kind:
    """Make a kind known."""
    KINDS[kind.name] = kind
    return kind


def of(order: Order) -> Kind:
    """The kind of thing that an order buys."""
    return KINDS[order.kind]
