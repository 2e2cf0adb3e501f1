"""A Receipt (小票) is what a shopper sent: its photos, what was read, what was decided. A ReceiptReview is its case at a person."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ColumnElement, ForeignKey, Index, UniqueConstraint, literal_column, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from api.kit.db import MallOwned, Model
from api.kit.states import Stateful
from api.receipts.states import RECEIPT_MOVES, REVIEW_MOVES, ReceiptState, ReviewState

OPTIONAL_JSON = JSONB(none_as_null=True)


class Receipt(Stateful, MallOwned, Model):
    """One sending of one to four photos of the same paper. The facts are those that the decision stood on."""

    __tablename__ = "receipts"
    noun = "receipt"
    lifecycle = ReceiptState
    allowed = RECEIPT_MOVES
    __table_args__ = (
        CheckConstraint("reads BETWEEN 0 AND 3", name="reads_are_counted"),
        CheckConstraint("state <> 'scored' OR (sale_id IS NOT NULL AND paid_fen > 0)", name="scored_has_a_sale"),
        # One sale scores for one receipt, one paper scores once, whoever sends it.
        Index("uq_receipts_scored_sale", "mall_id", "sale_id", unique=True, postgresql_where=text("state = 'scored'")),
        Index(
            "uq_receipts_scored_paper",
            "mall_id",
            "shop_id",
            "number_key",
            "paid_on",
            "paid_fen",
            unique=True,
            postgresql_where=text("state = 'scored' AND number_key IS NOT NULL"),
        ),
        Index("ix_receipts_member", "mall_id", "member_id", "sent_at", "id"),
        Index("ix_receipts_number", "mall_id", "shop_id", "number_key"),
        Index("ix_receipts_minute", "mall_id", "shop_id", "paid_at"),
        Index("ix_receipts_state", "mall_id", "state", "moved_at", postgresql_where=text("state IN ('received', 'reading', 'asking')")),
        Index("ix_receipts_sent", "mall_id", "sent_at"),
        Index("ix_receipts_decided", "mall_id", "decided_at", postgresql_where=text("decided_at IS NOT NULL")),
    )

    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    sent_at: Mapped[datetime]
    device: Mapped[str | None]
    reads: Mapped[int] = mapped_column(server_default=text("0"), default=0)  # reads started
    why: Mapped[str]  # a Reason
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)  # what fills its sentence's gaps
    reading: Mapped[dict[str, Any] | None] = mapped_column(OPTIONAL_JSON)  # what the reader said of all photos together
    kind: Mapped[str | None]
    merchant: Mapped[str | None]  # as printed
    cashier: Mapped[str | None]
    shop_id: Mapped[int | None] = mapped_column(ForeignKey("shops.id"))
    paid_fen: Mapped[int | None]
    paid_at: Mapped[datetime | None]
    paid_on: Mapped[date | None]  # the day of purchase in the mall's own time
    minute_known: Mapped[bool] = mapped_column(server_default=text("true"), default=True)
    receipt_no: Mapped[str | None]  # as printed
    number_key: Mapped[str | None]  # its comparable form
    question: Mapped[dict[str, Any] | None] = mapped_column(OPTIONAL_JSON)  # the one open question: field, choices
    answers: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"), default=dict)
    sale_id: Mapped[int | None] = mapped_column(ForeignKey("sales.id"))
    award: Mapped[dict[str, Any] | None] = mapped_column(OPTIONAL_JSON)  # points, state, explanation {zh, en}
    decided_at: Mapped[datetime | None]


#: The places of `ReceiptPhoto.bands`, as PostgreSQL counts them.
BAND_PLACES = (1, 2, 3, 4)


class ReceiptPhoto(MallOwned, Model):
    """One picture of a receipt. The file goes after the time it is kept; hashes and sizes stay."""

    __tablename__ = "receipt_photos"
    __table_args__ = (
        UniqueConstraint("receipt_id", "position"),
        UniqueConstraint("file_key"),
        CheckConstraint("position BETWEEN 1 AND 4", name="at_most_four"),
        Index("ix_receipt_photos_sha256", "mall_id", "sha256"),
        # One index a place: behind the wall of row-level security only plain comparisons may use an index, `overlap` may not.
        *(Index(f"ix_receipt_photos_band_{place}", "mall_id", text(f"(bands[{place}])")) for place in BAND_PLACES),
        Index("ix_receipt_photos_kept", "mall_id", "stored_at", postgresql_where=text("removed_at IS NULL")),
    )

    receipt_id: Mapped[int] = mapped_column(ForeignKey("receipts.id"))
    position: Mapped[int]
    file_key: Mapped[str]
    format: Mapped[str]
    size_bytes: Mapped[int]
    sha256: Mapped[str]
    bands: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))  # four parts of the image hash, each marked with its place
    lines: Mapped[list[Any] | None] = mapped_column(OPTIONAL_JSON)  # the lines on this photo, to mask strangers' data
    stored_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]

    @classmethod
    def band(cls, place: int) -> ColumnElement[int]:
        """One part of the image hash, written as its index is: a bound subscript would not find it."""
        return literal_column(f"{cls.__tablename__}.bands[{int(place)}]", BigInteger)


class ReceiptCorrection(MallOwned, Model):
    """What the shopper says a field should be, beside what was read then. Evidence, not truth."""

    __tablename__ = "receipt_corrections"
    __table_args__ = (Index("ix_receipt_corrections_receipt", "receipt_id"),)

    receipt_id: Mapped[int] = mapped_column(ForeignKey("receipts.id"))
    field: Mapped[str]
    read_value: Mapped[str | None]
    value: Mapped[str]
    note: Mapped[str | None]
    made_at: Mapped[datetime]


class ReceiptReview(Stateful, MallOwned, Model):
    """A case of the review queue: why a person must look, until when it is promised, who holds it, who has approved."""

    __tablename__ = "receipt_reviews"
    noun = "receipt_review"
    lifecycle = ReviewState
    allowed = REVIEW_MOVES
    __table_args__ = (
        Index(
            "uq_receipt_reviews_open",
            "mall_id",
            "receipt_id",
            unique=True,
            postgresql_where=text("state IN ('open', 'second')"),
        ),
        Index("ix_receipt_reviews_queue", "mall_id", "due_at", "id", postgresql_where=text("state IN ('open', 'second')")),
        Index("ix_receipt_reviews_decided", "mall_id", "decided_at", postgresql_where=text("decided_at IS NOT NULL")),
        CheckConstraint("second_by IS NULL OR second_by <> first_by", name="two_different_readers"),
    )

    receipt_id: Mapped[int] = mapped_column(ForeignKey("receipts.id"))
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    reason: Mapped[str]
    opened_at: Mapped[datetime]
    due_at: Mapped[datetime]
    taken_by: Mapped[int | None] = mapped_column(ForeignKey("staff_accounts.id"))
    hold_ends_at: Mapped[datetime | None]
    first_by: Mapped[int | None] = mapped_column(ForeignKey("staff_accounts.id"))
    second_by: Mapped[int | None] = mapped_column(ForeignKey("staff_accounts.id"))
    decided_at: Mapped[datetime | None]
    breached_at: Mapped[datetime | None]


class TillForms(MallOwned, Model):
    """What was learned of a shop's receipt numbers and amounts from reviews, reports and payments."""

    __tablename__ = "till_forms"
    __table_args__ = (UniqueConstraint("mall_id", "shop_id"),)

    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    learned: Mapped[dict[str, Any]] = mapped_column(JSONB)
    learned_at: Mapped[datetime]


class TillNumber(MallOwned, Model):
    """A receipt number known from a review, a report or a payment, with its printed time; the newest of each shop."""

    __tablename__ = "till_numbers"
    __table_args__ = (UniqueConstraint("mall_id", "shop_id", "paid_at", "number"),)

    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    number: Mapped[str]
    paid_at: Mapped[datetime]


class ReviewerMember(MallOwned, Model):
    """Which member a reviewer is when shopping: such receipts never come to that reviewer."""

    __tablename__ = "reviewer_members"
    __table_args__ = (UniqueConstraint("mall_id", "staff_id", "member_id"),)

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff_accounts.id"))
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))


class ReaderBeat(Model):
    """The last time that a reader process read its small known picture rightly. Above malls: readers serve them all."""

    __tablename__ = "reader_beats"
    __table_args__ = (UniqueConstraint("reader"),)

    reader: Mapped[str]
    healthy_at: Mapped[datetime]
    photos: Mapped[int]
