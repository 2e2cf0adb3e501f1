"""What somebody is about to buy, and what was bought: lines of sellers, and who paid which part of each. All money in whole fen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Seller(NamedTuple):
    """Who sells a line: a shop, or (no shop) the mall itself."""

    shop_id: int | None = None

    @property
    def is_mall(self) -> bool:
        """Whether the mall itself sells it."""
        return self.shop_id is None


MALL = Seller()


@dataclass(frozen=True)
class Line:
    """One line of what is bought.

    `net_fen` is what is asked for the whole line, `list_fen` what it costs without any reduction (the same where there is none).
    `item_ref` is how its kind finds the good again. `takes_benefits`: coupons, promotions and points may pay for it; `earns`: points.
    """

    name: str
    net_fen: int
    seller: Seller = MALL
    category: str = ""
    takes_benefits: bool = True
    earns: bool = True
    quantity: int = 1
    item_ref: str | None = None
    list_fen: int = 0

    def __post_init__(self) -> None:
        if not self.list_fen:
            object.__setattr__(self, "list_fen", self.net_fen)

    @property
    def shop_id(self) -> int | None:
        """The shop that sells it; None: the mall itself."""
        return self.seller.shop_id


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
        return sum(line.net_fen for line in self.lines)

    @property
    def sellers(self) -> frozenset[Seller]:
        """Everybody who sells a line of it."""
        return frozenset(line.seller for line in self.lines)

    @property
    def only_shop_id(self) -> int | None:
        """The shop that sells all of it; None where several do, or the mall itself sells a part."""
        sellers = self.sellers
        return next(iter(sellers)).shop_id if len(sellers) == 1 else None


@dataclass(frozen=True)
class Buyer:
    """Who asks for a basket: a member or somebody unknown, by their own phone or (`shop_id`) at that shop's till."""

    member_id: int | None = None
    shop_id: int | None = None


class Allocation(NamedTuple):
    """What one source paid of a line, and how much of that came back. `tender` and `source_id` as in the order's shares."""

    tender: str
    source_id: int | None
    fen: int
    returned_fen: int = 0


@dataclass(frozen=True)
class PurchasedLine:
    """A line of an order, by its number in it, with who paid which part of it."""

    number: int
    line: Line
    allocations: tuple[Allocation, ...] = ()


@dataclass(frozen=True)
class Purchase:
    """An order as its kind sees it. `merchant_account_id`: the account that collected its new money; None where there was none."""

    order_id: int
    number: str
    kind: str
    ref: Mapping[str, Any]
    member_id: int | None
    lines: tuple[PurchasedLine, ...]
    merchant_account_id: int | None = None


class RefundedCell(NamedTuple):
    """How much of what one source paid of a line comes back."""

    line: int
    tender: str
    source_id: int | None
    fen: int


@dataclass(frozen=True)
class Refund:
    """A refund of an order as its kind sees it: its id, its amount, and what comes back of which line."""

    refund_id: int
    amount_fen: int
    cells: tuple[RefundedCell, ...] = field(default=())
