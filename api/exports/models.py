"""An Export is a list of the office as a CSV file: who asked for what, how far it is, and until when it is kept."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from api.exports.states import ALLOWED, ExportState
from api.kit.db import MallOwned, Model
from api.kit.states import Stateful

ROW_LIMIT = 200_000  # a spreadsheet ends at 1,048,576 rows, a person long before


class Export(Stateful, MallOwned, Model):
    """One CSV file, asked for by one person. `filters` are those of the list's route; `columns` are [{name, title}], all when empty."""

    __tablename__ = "exports"
    noun = "export"
    lifecycle = ExportState
    allowed = ALLOWED
    __table_args__ = (
        CheckConstraint("rows_done >= 0 AND size_bytes >= 0", name="counts_are_not_negative"),
        CheckConstraint("(state = 'done') = (file_key IS NOT NULL)", name="only_a_done_export_has_a_file"),
        CheckConstraint("language IN ('zh', 'en')", name="language_is_known"),
        Index("ix_exports_asker", "mall_id", "asked_by_id", "id"),
        Index("ix_exports_unfinished", "mall_id", "state", postgresql_where=text("state IN ('waiting', 'running', 'done')")),
    )

    table: Mapped[str] = mapped_column("table_name")
    filters: Mapped[dict[str, Any]]
    columns: Mapped[list[Any]]
    language: Mapped[str]
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("staff_accounts.id"))
    asked_at: Mapped[datetime]
    rows_done: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    cut: Mapped[bool] = mapped_column(server_default=text("false"), default=False)  # the list was longer than ROW_LIMIT
    size_bytes: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    file_key: Mapped[str | None]
    trouble: Mapped[str | None]  # the name of the refusal that ended it
    ended_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]

    @property
    def asked_by(self) -> str:
        """Who asked, as the audit log names them."""
        return f"staff:{self.asked_by_id}"

    @property
    def row_limit(self) -> int:
        """How many rows a file holds at most; of a longer list the rest is left out."""
        return ROW_LIMIT

    @property
    def file_name(self) -> str:
        """What a browser calls the file."""
        return f"{self.table}-{self.id}.csv"
