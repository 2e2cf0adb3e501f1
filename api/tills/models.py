"""A TillReport is what a shop's till says it sold, sent at once; a TillRow is one receipt or refund of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from api.kit.db import MallOwned, Model
from api.kit.states import Stateful
from api.tills.states import ALLOWED, ReportState

PENDING = "worked_at IS NULL AND outcome <> 'refused'"


class TillReport(Stateful, MallOwned, Model):
    """One file or one call of a till (销售上报). `counts` says how many rows are what; the same content is one report."""

    __tablename__ = "till_reports"
    noun = "till_report"
    lifecycle = ReportState
    allowed = ALLOWED
    __table_args__ = (
        CheckConstraint("source IN ('file', 'call')", name="source_is_known"),
        CheckConstraint("worked_count BETWEEN 0 AND row_count", name="worked_within_rows"),
        CheckConstraint("(state = 'done') = (ended_at IS NOT NULL)", name="ended_when_done"),
        Index(
            "uq_till_reports_content", "mall_id", "shop_id", "content_hash", unique=True, postgresql_where=text("state <> 'dropped'")
        ),
        Index("ix_till_reports_shop", "mall_id", "shop_id", "id"),
        Index("ix_till_reports_unfinished", "mall_id", "state", postgresql_where=text("state IN ('checked', 'working')")),
    )  # fmt: skip

    shop_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("shops.id"))
    source: Mapped[str]
    file_name: Mapped[str | None]
    content_hash: Mapped[str]
    row_count: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    worked_count: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    counts: Mapped[dict[str, Any]]
    sent_by: Mapped[str]
    sent_at: Mapped[datetime]
    confirmed_by: Mapped[str | None]
    ended_at: Mapped[datetime | None]


class TillRow(MallOwned, Model):
    """One row of a report. `holds`: of all rows with its number (`row_key`) this is the one that counted; others repeat it or differ.

    `told` keeps the cells of a row that was refused as they were sent, `problems` why, by column.
    """

    __tablename__ = "till_rows"
    __table_args__ = (
        UniqueConstraint("report_id", "line"),
        CheckConstraint("kind IN ('sale', 'refund')", name="kind_is_known"),
        CheckConstraint(
            "outcome IN ('new', 'known', 'differing', 'refunded', 'waiting', 'repeated', 'refused')", name="outcome_is_known"
        ),
        CheckConstraint(
            "outcome = 'refused' OR (row_key IS NOT NULL AND paid_at IS NOT NULL AND paid_on IS NOT NULL AND paid_fen IS NOT NULL)",
            name="whole_unless_refused",
        ),
        CheckConstraint("paid_fen >= 0", name="paid_not_negative"),
        CheckConstraint("NOT holds OR worked_at IS NOT NULL", name="holds_once_worked"),
        CheckConstraint("outcome = 'refused' OR kind = 'sale' OR original_no IS NOT NULL", name="refunds_name_their_sale"),
        Index(
            "uq_till_rows_held", "mall_id", "shop_id", "kind", "row_key", unique=True, postgresql_where=text("holds")
        ),
        Index("ix_till_rows_report_outcome", "report_id", "outcome", "id"),
        Index("ix_till_rows_pending", "report_id", "kind", "paid_at", "id", postgresql_where=text(PENDING)),
        Index("ix_till_rows_outcome", "mall_id", "outcome", "id", postgresql_where=text("worked_at IS NOT NULL")),
        Index("ix_till_rows_waiting", "mall_id", "tried_at", postgresql_where=text("outcome = 'waiting' AND worked_at IS NOT NULL")),
        Index("ix_till_rows_sale", "sale_id", postgresql_where=text("sale_id IS NOT NULL")),
    )  # fmt: skip

    report_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("till_reports.id"))
    shop_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("shops.id"))
    line: Mapped[int]
    kind: Mapped[str]
    outcome: Mapped[str]
    receipt_no: Mapped[str | None]
    row_key: Mapped[str | None]
    paid_at: Mapped[datetime | None]
    paid_on: Mapped[date | None]
    paid_fen: Mapped[int | None]
    original_no: Mapped[str | None]
    original_on: Mapped[date | None]
    tender: Mapped[str | None]
    problems: Mapped[dict[str, Any]]
    told: Mapped[dict[str, Any]]
    differs: Mapped[list[str]]
    known_fen: Mapped[int | None]  # of a row that differs: the amount that was reported before, or that is left to give back
    waits: Mapped[str | None]
    holds: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    sale_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("sales.id"))
    sale_refund_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("sale_refunds.id"))
    worked_at: Mapped[datetime | None]
    tried_at: Mapped[datetime | None]
