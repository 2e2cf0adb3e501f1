"""A Merge (会员合并) makes one membership of two, and remembers every row that moved, so that it can be undone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from api.kit.db import MallOwned, Model
from api.kit.states import Stateful
from api.merges.states import MERGE_MOVES, MergeState

OPTIONAL_JSON = JSONB(none_as_null=True)


class Merge(Stateful, MallOwned, Model):
    """Two memberships of one person. `kept` is what both were like before; it goes when the survivor closes the account."""

    __tablename__ = "merges"
    __table_args__ = (
        CheckConstraint("source_id <> target_id", name="of_two"),
        CheckConstraint("decided_by IS NULL OR state = 'rejected' OR decided_by <> proposed_by", name="two_people_merge"),
        CheckConstraint("state <> 'undone' OR undo_decided_by <> undo_proposed_by", name="two_people_undo"),
        Index("uq_merges_waiting", "mall_id", "source_id", unique=True, postgresql_where=text("state = 'proposed'")),
        Index("uq_merges_standing", "mall_id", "source_id", unique=True, postgresql_where=text("state IN ('done', 'undoing')")),
        Index("ix_merges_target", "mall_id", "target_id", "id"),
        Index("ix_merges_source", "mall_id", "source_id", "id"),
        Index("ix_merges_newest", "mall_id", "id"),
    )
    noun = "merge"
    lifecycle = MergeState
    allowed = MERGE_MOVES

    source_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    target_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    phone_of_source: Mapped[bool]
    why: Mapped[str]
    proposed_by: Mapped[str]
    proposed_at: Mapped[datetime]
    preview: Mapped[dict[str, Any]] = mapped_column(JSONB)  # what was shown to who proposed it
    decided_by: Mapped[str | None]
    done_at: Mapped[datetime | None]
    held: Mapped[dict[str, Any] | None] = mapped_column(OPTIONAL_JSON)  # points, pending, growth of the source
    kept: Mapped[dict[str, Any] | None] = mapped_column(OPTIONAL_JSON)
    moved: Mapped[dict[str, Any] | None] = mapped_column(OPTIONAL_JSON)  # how many rows of each kind
    transfer_id: Mapped[int | None]
    undo_why: Mapped[str | None]
    undo_proposed_by: Mapped[str | None]
    undo_decided_by: Mapped[str | None]
    undone: Mapped[dict[str, Any] | None] = mapped_column(OPTIONAL_JSON)  # what went back, what the survivor owes, what was lost
    undo_transfer_id: Mapped[int | None]
    undone_at: Mapped[datetime | None]


class MergeRow(MallOwned, Model):
    """One row that moved, of any room, with what must be known to bring it back."""

    __tablename__ = "merge_rows"
    __table_args__ = (UniqueConstraint("merge_id", "kind", "row_id"),)

    merge_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("merges.id"))
    kind: Mapped[str]
    row_id: Mapped[int]
    facts: Mapped[dict[str, Any] | None] = mapped_column(OPTIONAL_JSON)
