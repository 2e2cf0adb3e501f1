"""An Order is one purchase to be paid: its lines, who pays which share of each line, and the part that each tenant gets.

The shares are the one truth of what was paid how: refunds take from them, and no share falls below zero. All money in whole fen.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from api.checkout.mix import Tender
from api.checkout.shares import Bearer, Bearers
from api.checkout.states import ORDER_MOVES, REFUND_MOVES, OrderState, RefundState
from api.kit.db import MallOwned, Model
from api.kit.states import Stateful
from api.purchases.baskets import Line, Seller

TENDERS = tuple(str(tender) for tender in Tender)
OF_MANY_SOURCES = tuple(str(tender) for tender in Tender if tender.has_sources)


class Payer(MallOwned, Model):
    """Somebody who pays without being a member: who a wallet says it is, and nothing else."""

    __tablename__ = "payers"
    __table_args__ = (UniqueConstraint("mall_id", "channel", "app_id", "subject"),)

    channel: Mapped[str]
    app_id: Mapped[str]
    subject: Mapped[str]
    seen_at: Mapped[datetime]


class Order(Stateful, MallOwned, Model):
    """One purchase (订单). `kind` and `ref` say what is bought; `agreed_terms` the sentences that the shopper agreed to."""

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("mall_id", "number"),
        CheckConstraint("total_fen > 0 AND gateway_fen BETWEEN 0 AND total_fen", name="amounts_fit"),
        CheckConstraint("refunded_fen BETWEEN 0 AND total_fen", name="refunds_within_paid"),
        CheckConstraint("points_spent >= 0", name="points_not_negative"),
        Index("ix_orders_member", "mall_id", "member_id", "id", postgresql_where=text("member_id IS NOT NULL")),
        Index("ix_orders_payer", "mall_id", "payer_id", "id", postgresql_where=text("payer_id IS NOT NULL")),
        Index("ix_orders_held", "mall_id", "expires_at", postgresql_where=text("state = 'held'")),
        Index("ix_orders_newest", "mall_id", "id"),
    )
    noun = "order"
    lifecycle = OrderState
    allowed = ORDER_MOVES

    number: Mapped[str]
    kind: Mapped[str]  # of purchase (api/purchases/registry.py)
    ref: Mapped[dict[str, Any]]
    title: Mapped[str]
    shop_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("shops.id"))  # the only seller; None: several, or the mall itself
    member_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("members.id"))
    payer_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("payers.id"))
    placed_by: Mapped[str]
    total_fen: Mapped[int]
    gateway_fen: Mapped[int]
    points_spent: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    refunded_fen: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    channel: Mapped[str | None]
    payment_id: Mapped[int | None]  # the payment that paid it, or the newest that may
    agreed_terms: Mapped[dict[str, Any]]
    remark: Mapped[str | None]
    hold_count: Mapped[int] = mapped_column(server_default=text("1"), default=1)  # how often it was held: late money may hold it again
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]

    @property
    def hold_cause(self) -> str:
        """What the value that it holds is held for: the order, and the how-manyth time."""
        return f"{self.id}:{self.hold_count}"


class OrderLine(MallOwned, Model):
    """One line of what is bought; without a shop, the mall itself sells it."""

    __tablename__ = "order_lines"
    __table_args__ = (
        UniqueConstraint("order_id", "line"),
        CheckConstraint("net_fen > 0 AND list_fen >= net_fen", name="costs_something"),
        CheckConstraint("quantity > 0", name="is_some"),
    )

    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("orders.id"))
    line: Mapped[int]
    shop_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("shops.id"))
    name: Mapped[str]
    category: Mapped[str]
    quantity: Mapped[int] = mapped_column(server_default=text("1"), default=1)
    item_ref: Mapped[str | None]
    list_fen: Mapped[int]
    net_fen: Mapped[int]
    takes_benefits: Mapped[bool]
    earns: Mapped[bool]

    def as_line(self) -> Line:
        """The line as its kind made it."""
        return Line(
            self.name, self.net_fen, Seller(self.shop_id), self.category, self.takes_benefits, self.earns, self.quantity, self.item_ref,
            self.list_fen,
        )  # fmt: skip


class OrderShare(MallOwned, Model):
    """What one source of a tender pays of one line, and who bears it where it is a benefit."""

    __tablename__ = "order_shares"
    __table_args__ = (
        Index("ix_order_shares_order", "order_id", "id"),
        CheckConstraint(f"tender IN {TENDERS}", name="tender_is_known"),
        CheckConstraint("amount_fen > 0", name="pays_something"),
        CheckConstraint("refunded_fen BETWEEN 0 AND amount_fen", name="refunds_within_share"),
        CheckConstraint(f"(tender IN {OF_MANY_SOURCES}) = (source_id IS NOT NULL)", name="names_its_source"),
    )

    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("orders.id"))
    line: Mapped[int]
    tender: Mapped[str]
    source_id: Mapped[int | None]
    amount_fen: Mapped[int]
    refunded_fen: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    bearers: Mapped[tuple[Bearer, ...]] = mapped_column(Bearers)

    @property
    def left_fen(self) -> int:
        """What has not come back."""
        return self.amount_fen - self.refunded_fen


class OrderPart(MallOwned, Model):
    """What one tenant gets of a paid order: one sale, one award."""

    __tablename__ = "order_parts"
    __table_args__ = (
        UniqueConstraint("order_id", "shop_id"),
        Index("ix_order_parts_sale", "sale_id"),
        Index("ix_order_parts_day", "mall_id", "shop_id", "paid_at", "id"),
    )

    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("orders.id"))
    shop_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("shops.id"))
    paid_fen: Mapped[int]
    paid_at: Mapped[datetime]
    sale_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("sales.id"))
    sighting_id: Mapped[int]
    points: Mapped[int | None]  # None: nobody to give them to yet
    points_from_at: Mapped[datetime | None]  # from when on they can be spent
    explanation: Mapped[dict[str, Any] | None]


class OrderRefund(Stateful, MallOwned, Model):
    """One refund of an order (退款). `allocations` says how much of which share comes back: [share id, fen]."""

    __tablename__ = "order_refunds"
    __table_args__ = (
        UniqueConstraint("mall_id", "number"),
        CheckConstraint("amount_fen > 0 AND gateway_fen BETWEEN 0 AND amount_fen", name="amounts_fit"),
        Index("ix_order_refunds_order", "order_id", "id"),
        Index("ix_order_refunds_state", "mall_id", "state", "id"),
    )
    noun = "order_refund"
    lifecycle = RefundState
    allowed = REFUND_MOVES

    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("orders.id"))
    number: Mapped[str]
    amount_fen: Mapped[int]
    gateway_fen: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    points_fen: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    points_back: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    points_taken: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    became_debt: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    asked: Mapped[dict[str, Any]]  # whole, lines or an amount, as it was asked for
    allocations: Mapped[list[Any]]
    reason: Mapped[str]
    asked_by: Mapped[str]
    decided_by: Mapped[str | None]
    payment_refund_id: Mapped[int | None]
    asked_at: Mapped[datetime]
    given_at: Mapped[datetime | None]
