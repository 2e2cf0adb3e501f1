"""What every tender can do. A file of this folder overrides what is its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Protocol

import marshmallow as ma

from api.checkout.mix import Mix, Source, SourceKey, Tender
from api.checkout.models import Order, OrderRefund, OrderShare
from api.checkout.shares import Bearer, Share
from api.kit.errors import Problem
from api.kit.money import yuan
from api.ledger.service import Asset, Owner
from api.payments.models import MerchantAccount
from api.purchases.baskets import Line
from api.sales import service as sales
from api.sales.policy import SalesRules

Sentence = dict[str, str]
Choice = Mapping[str, Any]


def two(zh: str, en: str) -> Sentence:
    """A sentence in both languages."""
    return {"zh": zh, "en": en}


#: Nobody is known whose points or cards could be used.
NOT_A_MEMBER = "not_a_member"
#: Why a tender cannot be used at all, for those that only a member has.
GENERAL_REASONS = {
    NOT_A_MEMBER: ("加入会员后可用", "can be used once you have joined"),
    "not_for_this": ("不能用于此项", "cannot pay for this"),
    "mall_takes_none": ("商场暂未开放", "is not offered by the mall"),
}


@dataclass(frozen=True)
class Asked:
    """What a tender is asked about: lines with what is left to pay of each, who pays, and whether only new money may."""

    lines: tuple[Line, ...]
    amounts: tuple[int, ...]
    member_id: int | None
    only_new_money: bool = False

    def sum_of(self, may_pay: Sequence[bool]) -> int:
        """What the lines that may be paid cost together."""
        return sum(fen for fen, may in zip(self.amounts, may_pay, strict=True) if may)


@dataclass(frozen=True)
class Option:
    """One thing that could pay: how much it could pay here, how much the mix takes, or why it cannot. Points are told in points too.

    `turn_on` and `turn_off` are what to choose in place of this mix to use it, and to do without it (`TenderRules.choice_fields`).
    """

    key: SourceKey
    kind: str
    source_id: int | None
    has_fen: int
    could_fen: int
    takes_fen: int
    points: int | None
    could_points: int | None
    step_points: int | None
    sentence: Sentence
    reason: str | None
    turn_on: Choice
    turn_off: Choice


class Offer(ABC):
    """What one tender could do for one basket, as it stood when it was asked. It changes nothing."""

    @abstractmethod
    def sources(self, choice: Choice) -> list[Source]:
        """What may pay, within what the shopper wants; the best where nothing is chosen. TenderNotUsable."""

    @abstractmethod
    def shares(self, mix: Mix) -> list[Share]:
        """Its part of a mix, line by line."""

    @abstractmethod
    def sentence(self, tender: Tender, source_id: int | None, fen: int) -> Sentence:
        """What one of its sources pays of the whole, in words."""

    def options(self, mix: Mix) -> list[Option]:
        """Everything of it that the shopper has, with what it could pay here or why it cannot."""
        return []

    def leaves(self, mix: Mix, fen: int) -> Choice:
        """What to choose of it so that it pays this much less than in a mix; nothing where that is not for the shopper to choose."""
        return {}

    def figures(self, mix: Mix) -> dict[str, Any]:
        """What the quote says of it beside its shares (`TenderRules.figure_fields`)."""
        return {}

    def order_values(self, mix: Mix) -> dict[str, Any]:
        """What the order keeps of it beside its shares."""
        return {}


class ShownOrder(Protocol):
    """An order as it is shown to somebody, who may not be told everything of it."""

    @property
    def channel(self) -> str | None:
        """The wallet that pays or paid."""

    @property
    def points_spent(self) -> int:
        """How many points it took; 0 also for who is not to know."""


class Cell(NamedTuple):
    """How much of a share comes back, and how much of that is each bearer's."""

    share: OrderShare
    fen: int
    borne: tuple[tuple[Bearer, int], ...] = ()


@dataclass(frozen=True)
class GivenBack:
    """What came of giving a tender's part back: columns of the refund, and what it says to the shopper."""

    values: dict[str, Any] = field(default_factory=dict)
    pieces: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class NotInvoiced:
    """Why a share is not invoiced; the words take its amount in yuan."""

    reason: str
    words: tuple[str, str]

    def sentence(self, fen: int) -> Sentence:
        """In words, of so many fen."""
        zh, en = self.words
        return two(zh.format(yuan(fen)), en.format(yuan(fen)))


class TenderRules(ABC):
    """One tender. It takes what an order uses when the order is placed; what is not paid by then waits for new money."""

    name: ClassVar[str]
    codes: ClassVar[tuple[Tender, ...]]  # of its shares
    rank: ClassVar[int]  # lower ones pay first
    title: ClassVar[tuple[str, str]]
    is_new_money: ClassVar[bool] = False
    option_kind: ClassVar[str | None] = None
    #: What its value is in the ledger; none for new money.
    assets: ClassVar[tuple[Asset, ...]] = ()
    #: What the shopper may choose of it, what proves that it may be used, and what the quote says of it.
    choice_fields: ClassVar[dict[str, ma.fields.Field[Any]]] = {}
    proof_fields: ClassVar[dict[str, ma.fields.Field[Any]]] = {}
    figure_fields: ClassVar[dict[str, ma.fields.Field[Any]]] = {}
    #: How it can refuse when an order takes it.
    refusals: ClassVar[tuple[type[Problem], ...]] = ()
    #: How a code of its own can be refused at a till.
    code_refusals: ClassVar[tuple[type[Problem], ...]] = ()

    @abstractmethod
    def offer(self, asked: Asked) -> Offer:
        """What it could pay of a basket, and why not."""

    def authorise(self, member_id: int, number: str, shares: Sequence[Share], proof: Mapping[str, Any]) -> None:
        """Before the order of this number takes it: does the shopper prove what is needed? Its `refusals`."""

    def take(self, order: Order, shares: Sequence[OrderShare]) -> None:
        """Take what the order uses of it. Its `refusals`. Only called with shares of its own, as are all below."""

    def take_again(self, order: Order, shares: Sequence[OrderShare]) -> None:
        """Take once more what an order had given up: late money revives it, as another hold. Its `refusals`."""
        self.take(order, shares)

    def release(self, order: Order, shares: Sequence[OrderShare]) -> None:
        """Give everything back that a held order took; again changes nothing."""

    def give_back(self, order: Order, refund: OrderRefund, cells: Sequence[Cell], shares: Sequence[OrderShare]) -> GivenBack:
        """Give a part back as a refund says; the kind's `refunding` has been asked before. `shares` are all of the order's of this tender,
        with what comes back now counted already, so `refunded_fen` includes the cells' fen.
        """
        return GivenBack()

    def bearers(self, order: Order, shares: Sequence[OrderShare]) -> list[tuple[Bearer, ...]]:
        """Who bears each share, where it is a benefit."""
        return [() for _ in shares]

    def debtors(self, fen: int, borne: Sequence[tuple[Bearer, int]], account: MerchantAccount | None) -> list[tuple[Owner, int]]:
        """Who owes the seller this much of a share; what was paid straight to the seller is owed by nobody."""
        return [(bearer.account(), part) for bearer, part in borne if part]

    def share_title(self, code: Tender, order: ShownOrder) -> Sentence:
        """What paid, as an order says it."""
        return two(*self.title)

    def back_sentence(self, code: Tender, order: ShownOrder, refund: OrderRefund, fen: int) -> Sentence:
        """What a refund gives back by it, in words."""
        title = self.share_title(code, order)
        return two(f"¥{yuan(fen)} 退回{title['zh']}", f"¥{yuan(fen)} back: {title['en']}")

    def source_names(self, source_ids: Collection[int]) -> dict[int, str]:
        """What staff call the sources of its shares, where there are several: a card by its masked number."""
        return {}

    @abstractmethod
    def sale_kind(self, code: Tender, channel: str | None) -> sales.TenderKind:
        """As what it stands among the tenders of a sale; `channel` is the wallet that paid, if one did."""

    @abstractmethod
    def earns(self, code: Tender, rules: SalesRules) -> bool:
        """Whether what it paid earns points, as the mall decided."""

    def not_invoiced(self, shares: Sequence[OrderShare]) -> list[NotInvoiced | None]:
        """For each share why it is not invoiced at the purchase; None: it is."""
        return [None for _ in shares]

    def redeem_code(self, code: str, shop_id: int) -> int | None:
        """Who shows this code to be charged, which is used up by it; None: it is no code of this tender's own. Its `code_refusals`."""
        return None
