"""A Sale is one purchase, whatever channel reports it; a Sighting is one report of it. The sale is scored once."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from api.kit.db import MallOwned, Model


class Sale(MallOwned, Model):
    """One purchase (销售). `tenders` and `lines` are as first reported; `scored_by` is the sighting that earned its points."""

    __tablename__ = "sales"
    __table_args__ = (
        CheckConstraint("paid_fen >= 0", name="paid_not_negative"),
        CheckConstraint("refunded_fen BETWEEN 0 AND paid_fen", name="refunds_within_paid"),
        CheckConstraint("(scored_by IS NULL) = (scored_at IS NULL)", name="scored_whole"),
        CheckConstraint("earning_fen BETWEEN 0 AND paid_fen", name="earns_from_what_was_paid"),
        CheckConstraint("refunded_earning_fen BETWEEN 0 AND coalesce(earning_fen, 0)", name="earning_refunds_within"),
        Index("ix_sales_shop_time", "mall_id", "shop_id", "paid_at", "id"),
        Index("ix_sales_member_time", "mall_id", "member_id", "paid_at", "id", postgresql_where=text("member_id IS NOT NULL")),
        Index("ix_sales_time", "mall_id", "paid_at", "id"),
        Index("ix_sales_untimed", "mall_id", "shop_id", "paid_fen", "paid_at", postgresql_where=text("NOT minute_known")),
    )

    shop_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("shops.id"))
    member_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("members.id"))
    channel: Mapped[str]
    paid_at: Mapped[datetime]
    paid_on: Mapped[date]
    minute_known: Mapped[bool]
    paid_fen: Mapped[int]
    refunded_fen: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    earning_fen: Mapped[int | None]  # what of it earns, where the channel knows it to the fen
    refunded_earning_fen: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    receipt_no: Mapped[str | None]
    tenders: Mapped[list[Any]] = mapped_column(JSONB)
    lines: Mapped[list[Any]] = mapped_column(JSONB, server_default=text("'[]'::jsonb"), default=list)
    scored_by: Mapped[int | None]
    scored_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]

    @property
    def measure_fen(self) -> int:
        """What refunds are measured against when points are taken back: what earns where that is known, else what was paid."""
        return self.paid_fen if self.earning_fen is None else self.earning_fen

    @property
    def refunded_measure_fen(self) -> int:
        """How much of the measure was refunded so far."""
        return self.refunded_fen if self.earning_fen is None else self.refunded_earning_fen


class Sighting(MallOwned, Model):
    """One channel's report of a purchase (同一笔销售的一次出现), as that channel sent it."""

    __tablename__ = "sale_sightings"
    __table_args__ = (
        UniqueConstraint("mall_id", "source_type", "source_id"),
        Index("ix_sale_sightings_sale", "sale_id"),
        Index("ix_sale_sightings_member", "mall_id", "member_id", postgresql_where=text("member_id IS NOT NULL")),
        Index("ix_sale_sightings_number", "mall_id", "shop_id", "number_key", postgresql_where=text("number_key IS NOT NULL")),
        Index("ix_sale_sightings_differing", "mall_id", "seen_at", postgresql_where=text("jsonb_array_length(differs) > 0")),
        Index("ix_sale_sightings_external", "mall_id", "shop_id", "external_key", postgresql_where=text("external_key IS NOT NULL")),
    )

    sale_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("sales.id"))
    shop_id: Mapped[int]
    channel: Mapped[str]
    source_type: Mapped[str]
    source_id: Mapped[int]
    member_id: Mapped[int | None]
    paid_at: Mapped[datetime]
    minute_known: Mapped[bool]
    paid_fen: Mapped[int]
    receipt_no: Mapped[str | None]
    number_key: Mapped[str | None]
    external_no: Mapped[str | None]
    external_key: Mapped[str | None]
    differs: Mapped[list[str]]
    seen_at: Mapped[datetime]


class SaleRefund(MallOwned, Model):
    """Money of a sale given back. `refunded_before_fen` fixes its place among the sale's refunds; `measure_fen` is how much of the
    sale's measure it takes, and `measure_before_fen` what earlier ones took."""

    __tablename__ = "sale_refunds"
    __table_args__ = (
        UniqueConstraint("mall_id", "source_type", "source_id"),
        UniqueConstraint("sale_id", "refunded_before_fen"),
        CheckConstraint("amount_fen > 0", name="gives_something_back"),
    )

    sale_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("sales.id"))
    amount_fen: Mapped[int]
    refunded_before_fen: Mapped[int]
    measure_fen: Mapped[int]
    measure_before_fen: Mapped[int]
    source_type: Mapped[str]
    source_id: Mapped[int]
    refunded_at: Mapped[datetime]


class RefundSighting(MallOwned, Model):
    """Another source's report of a refund (同一笔退款的又一次告知) that is recorded already: money given back once counts once."""

    __tablename__ = "sale_refund_tellings"
    __table_args__ = (
        UniqueConstraint("mall_id", "source_type", "source_id"),
        UniqueConstraint("sale_refund_id", "teller"),
    )

    sale_refund_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("sale_refunds.id"))
    teller: Mapped[str]
    source_type: Mapped[str]
    source_id: Mapped[int]
