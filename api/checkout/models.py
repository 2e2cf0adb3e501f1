"""An Order is one purchase to be paid: its lines, who pays which share of each line, and the part that each tenant gets.

The shares are the one truth of what was paid how: refunds take from them, and no share falls below zero. All money in whole fen.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from api.checkout.states import ORDER_MOVES, REFUND_MOVES, OrderState, RefundState
from api.kit.db import MallOwned, Model
from api.kit.states import Stateful

TENDERS = ("gateway", "stored_principal", "stored_bonus", "points")


class Payer(MallOwned, Model):
    """Somebody who pays without being a member: who a wallet says it is, and nothing else."""

    __tablename__ = "payers"
    __table_args__ = (UniqueConstraint("mall_id", "channel", "app_id", "subject"),)

    channel: Mapped[str]
    app_id: Mapped[str]
    subject: Mapped[str]
    seen_at: Mapped[datetime]


class Order(Stateful, MallOwned, Model):
    """One purchase (订单). `kind` and `ref` say what is bought; `told` holds the sentences that the shopper agreed to."""

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
    kind: Mapped[str]  # plate · charge · recharge
    ref: Mapped[dict[str, Any]]
    title: Mapped[str]
    shop_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("shops.id"))  # None: several shops, or the mall itself
    member_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("members.id"))
    payer_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("payers.id"))
    placed_by: Mapped[str]
    total_fen: Mapped[int]
    gateway_fen: Mapped[int]
    points_spent: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    refunded_fen: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    channel: Mapped[str | None]
    payment_id: Mapped[int | None]  # the payment that paid it, or the newest that may
    told: Mapped[dict[str, Any]]
    remark: Mapped[str | None]
    holds: Mapped[int] = mapped_column(server_default=text("1"), default=1)  # how often it was held: late money may hold it again
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]


class OrderLine(MallOwned, Model):
    """One line of what is bought."""

    __tablename__ = "order_lines"
    __table_args__ = (UniqueConstraint("order_id", "line"), CheckConstraint("amount_fen > 0", name="costs_something"))

    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("orders.id"))
    line: Mapped[int]
    shop_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("shops.id"))
    name: Mapped[str]
    category: Mapped[str]
    amount_fen: Mapped[int]
    discountable: Mapped[bool]
    earns: Mapped[bool]


class OrderShare(MallOwned, Model):
    """What one tender pays of one line. `bearers` says who bears it where it is a benefit: [kind, id, fen, of which came back]."""

    __tablename__ = "order_shares"
    __table_args__ = (
        Index("ix_order_shares_order", "order_id", "id"),
        CheckConstraint(f"tender IN {TENDERS}", name="tender_is_known"),
        CheckConstraint("amount_fen > 0", name="pays_something"),
        CheckConstraint("refunded_fen BETWEEN 0 AND amount_fen", name="refunds_within_share"),
        CheckConstraint("(tender IN ('stored_principal', 'stored_bonus')) = (card_id IS NOT NULL)", name="stored_value_names_its_card"),
    )

    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("orders.id"))
    line: Mapped[int]
    tender: Mapped[str]
    card_id: Mapped[int | None]
    amount_fen: Mapped[int]
    refunded_fen: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    bearers: Mapped[list[Any]]


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
    """One refund of an order (退款). `cells` says how much of which share comes back."""

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
    cells: Mapped[list[Any]]
    reason: Mapped[str]
    asked_by: Mapped[str]
    decided_by: Mapped[str | None]
    payment_refund_id: Mapped[int | None]
    asked_at: Mapped[datetime]
    given_at: Mapped[datetime | None]
