"""The kinds of purchase: what a phone or till may ask for, and what happens to the thing when it is placed, paid, given back or given up.

A kind is one file in the folder `kinds/` of the room whose noun it sells; it calls `register`, and nothing else names it. Its hooks are
called inside the transaction of the order's own move, with the order locked.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import marshmallow as ma

from api.kit import rooms
from api.kit.errors import Problem
from api.purchases.baskets import Basket, Buyer, Purchase, Refund
from api.purchases.errors import BasketEmpty
from api.sales import channels

Sentence = Mapping[str, str]


class AskedBy(StrEnum):
    """Who may ask for a kind: whoever pays with a phone, or a shop that charges the code on a phone."""

    PAYER = "payer"
    SHOP = "shop"


@dataclass(frozen=True)
class OnPhone:
    """How the phone goes on from an order of a kind.

    `begins_on`: the page on which such a purchase begins, None: no page of the phone. `paid`: what is said once it is paid.
    `shown_on`: the page that shows what was bought, and `shown_title` what the way there is called.
    """

    begins_on: str | None = None
    paid: Sentence = field(default_factory=lambda: {"zh": "付款成功", "en": "Paid"})
    shown_on: str | None = None
    shown_title: Sentence | None = None


def nothing(*_: Any) -> Any:
    """The hook of a kind that has none."""
    return None


@dataclass(frozen=True)
class PurchaseKind:
    """One kind of purchase.

    `args`: what is said to buy it, beside the name of the kind; `basket` makes lines of it and may refuse with `refusals`.
    `only_new_money`: nothing but a wallet may pay for it. `sale_channel`: under which channel its tenants' sales are recorded, which is
    called what the kind is called; None: it is no tenant's sale and earns no points.
    `reserve`: keep the thing for this order, when it is placed and again when late money revives it; may refuse, `reserve_refusals`.
    `paid`: the money is there; where it still refuses, the order is closed and the money goes back.
    `refundable`: how much of it can come back, where that is not for the asker to say.
    `refunding`: some of it comes back, cell by cell, before any tender gives its part back. Both may refuse, `refund_refusals`.
    `closed`: the order was given up, let the thing go.
    `not_invoiced`: why the mall's own lines are not invoiced now, in Chinese and English with a place for the yuan; None: they are.
    `line_names`: the English of line names that are ours.
    `on_phone`: how the phone goes on from an order of it.
    """

    name: str
    title: Sentence
    args: type[ma.Schema]
    basket: Callable[[Mapping[str, Any], Buyer], Basket]
    refusals: tuple[type[Problem], ...] = ()
    reserve_refusals: tuple[type[Problem], ...] = ()
    refund_refusals: tuple[type[Problem], ...] = ()
    asked_by: AskedBy = AskedBy.PAYER
    only_new_money: bool = False
    sale_channel: str | None = None
    reserve: Callable[[Purchase], None] = nothing
    paid: Callable[[Purchase], None] = nothing
    refundable: Callable[[Purchase], int | None] = nothing
    refunding: Callable[[Purchase, Refund], None] = nothing
    closed: Callable[[Purchase], None] = nothing
    not_invoiced: Callable[[Purchase], tuple[str, str] | None] = nothing
    line_names: Mapping[str, str] = field(default_factory=dict)
    on_phone: OnPhone = field(default_factory=OnPhone)

    @property
    def paid_may_refuse(self) -> bool:
        """Whether something happens to the thing once it is paid, which rules may stand against by then."""
        return self.paid is not nothing

    @property
    def reserves(self) -> bool:
        """Whether the thing is kept for an order."""
        return self.reserve is not nothing


_kinds: dict[str, PurchaseKind] = {}


def register(kind: PurchaseKind) -> PurchaseKind:
    """Make a kind known. ValueError when another one has its name."""
    if kind.name in _kinds:
        raise ValueError(f"there is a kind of purchase called {kind.name} already")
    _kinds[kind.name] = kind
    if kind.sale_channel is not None:
        channels.declare(kind.sale_channel, kind.title)
    _english_names.cache_clear()
    return kind


def unregister(name: str) -> None:
    """Forget a kind; unknown ones are forgotten already."""
    kind = _kinds.pop(name, None)
    if kind is not None and kind.sale_channel is not None:
        channels.forget(kind.sale_channel)
    _english_names.cache_clear()


def kind_of(name: str) -> PurchaseKind:
    """The kind of that name. KeyError: nobody registered it."""
    rooms.load_kinds()
    return _kinds[name]


def kinds(asked_by: AskedBy | None = None) -> list[PurchaseKind]:
    """Every kind, or those that one of the two may ask for, by name."""
    rooms.load_kinds()
    return sorted((kind for kind in _kinds.values() if asked_by in (None, kind.asked_by)), key=lambda kind: kind.name)


@functools.cache
def _english_names() -> dict[str, str]:
    return {name: english for kind in kinds() for name, english in kind.line_names.items()}


def english_name(name: str) -> str:
    """The name of a line or an order in English, where it is one of ours; a shop's own stays as the shop wrote it."""
    return _english_names().get(name, name)


def refusals(asked_by: AskedBy) -> tuple[type[Problem], ...]:
    """How a purchase that one of the two asks for can be refused, whatever its kind."""
    listed: list[type[Problem]] = [BasketEmpty]
    for kind in kinds(asked_by):
        listed += [*kind.refusals, *kind.reserve_refusals]
    return tuple(dict.fromkeys(listed))


def refund_refusals() -> tuple[type[Problem], ...]:
    """How a refund can be refused by the kind of what was bought."""
    return tuple(dict.fromkeys(refusal for kind in kinds() for refusal in kind.refund_refusals))


def schemas(asked_by: AskedBy) -> dict[str, type[ma.Schema]]:
    """kind → what is said to buy it."""
    return {kind.name: kind.args for kind in kinds(asked_by)}
