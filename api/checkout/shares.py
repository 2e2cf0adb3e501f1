"""Who pays which part of an order's line, and who bears it where it is a benefit. Plain values; the rows are in `models`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Protocol

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

from api.checkout.mix import Tender, give_back
from api.ledger.service import Owner


class BearerKind(StrEnum):
    """Who can pay for a benefit (承担方)."""

    MALL = "mall"
    SHOP = "shop"
    BRAND = "brand"


@dataclass(frozen=True)
class Bearer:
    """Who bears how much of a share, and how much of that came back. `owner_id`: the shop's or the brand's; 0 for the mall."""

    kind: BearerKind
    owner_id: int
    fen: int
    returned_fen: int = 0

    def account(self) -> Owner:
        """The ledger's account of who bears it."""
        if self.kind == BearerKind.BRAND:
            return Owner("brand", self.owner_id)
        return Owner("bearer", self.owner_id)


@dataclass(frozen=True)
class Share:
    """What one source of a tender pays of one line. `source_id` None: the tender has only one source."""

    line: int
    tender: Tender
    source_id: int | None
    fen: int
    bearers: tuple[Bearer, ...] = ()


class Sourced(Protocol):
    """What comes from one source of a tender: a share, or a part of one."""

    @property
    def tender(self) -> str:
        """The tender's code."""

    @property
    def source_id(self) -> int | None:
        """Which of its sources; None where it has only one."""


def by_source(parts: Iterable[tuple[Sourced, int]]) -> dict[tuple[Tender, int | None], int]:
    """How many fen come from each source of each tender, in the order in which the sources appear."""
    sums: dict[tuple[Tender, int | None], int] = {}
    for part, fen in parts:
        key = (Tender(part.tender), part.source_id)
        sums[key] = sums.get(key, 0) + fen
    return sums


class Bearers(TypeDecorator[tuple[Bearer, ...]]):
    """Bearers of a share as a column of JSON objects."""

    impl = JSONB
    cache_ok = True

    def process_bind_param(self, value: Iterable[Bearer] | None, dialect: Any) -> list[dict[str, Any]] | None:  # noqa: ARG002
        """As stored."""
        return None if value is None else [asdict(bearer) for bearer in value]

    def process_result_value(self, value: Sequence[dict[str, Any]] | None, dialect: Any) -> tuple[Bearer, ...]:  # noqa: ARG002
        """As read."""
        return tuple(Bearer(**{**row, "kind": BearerKind(row["kind"])}) for row in value or ())


def returning(bearers: Sequence[Bearer], fen: int) -> tuple[tuple[Bearer, ...], list[int]]:
    """The bearers after so much of their share came back, and how much of it is each one's. ValueError: more than is left."""
    parts = give_back(fen, [bearer.fen - bearer.returned_fen for bearer in bearers])
    after = tuple(replace(bearer, returned_fen=bearer.returned_fen + part) for bearer, part in zip(bearers, parts, strict=True))
    return after, parts
