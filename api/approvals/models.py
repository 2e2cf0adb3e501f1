"""An Approval (审批) is a request of the office that one person made and another one carries out, as it was made."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from api.approvals.states import APPROVAL_MOVES, ApprovalState
from api.kit.db import MallOwned, Model
from api.kit.states import Stateful


class Approval(Stateful, MallOwned, Model):
    """One act of value that waits for, or had, a second person. `request`: the body, sealed, while it waits; `asked`: what people see."""

    __tablename__ = "approvals"
    __table_args__ = (
        CheckConstraint("state <> 'done' OR decided_by <> asked_by", name="two_people"),
        CheckConstraint("(state IN ('done', 'rejected')) = (decided_by IS NOT NULL)", name="decided_by_somebody"),
        Index("uq_approvals_waiting", "mall_id", "act", "subject", unique=True, postgresql_where=text("state = 'proposed'")),
        Index("ix_approvals_newest", "mall_id", "state", "id"),
        Index("ix_approvals_asked_by", "mall_id", "asked_by", "id"),
    )
    noun = "approval"
    lifecycle = ApprovalState
    allowed = APPROVAL_MOVES

    act: Mapped[str]
    subject: Mapped[str | None]  # what it changes, where that stands already: one request at a time
    place: Mapped[dict[str, Any]] = mapped_column(JSONB)  # the values of the address
    request: Mapped[bytes]
    asked: Mapped[dict[str, Any]] = mapped_column(JSONB)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    why: Mapped[str | None]
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    decided_by: Mapped[str | None]
