"""The audit log of the office: every change with who, when, before, after and why. It only grows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, select
from sqlalchemy.orm import Mapped

from api.kit import clock, logs, pages
from api.kit.db import MallOwned, Model, session
from api.kit.pages import Page


class AuditEntry(MallOwned, Model):
    """One change somebody of the staff made."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_subject", "mall_id", "subject_type", "subject_id", "id"),
        Index("ix_audit_entries_who", "mall_id", "who", "id"),
        Index("ix_audit_entries_newest", "mall_id", "id"),
    )

    who: Mapped[str]
    did: Mapped[str]
    subject_type: Mapped[str]
    subject_id: Mapped[str]
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    why: Mapped[str | None]
    at: Mapped[datetime]


def record(
    who: str,
    did: str,
    subject_type: str,
    subject_id: int | str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    why: str | None = None,
) -> None:
    """Write one line in the transaction of the change itself. Phones and secrets in before/after are masked."""
    session.add(
        AuditEntry(
            who=who,
            did=did,
            subject_type=subject_type,
            subject_id=str(subject_id),
            before=logs.clean(before) if before else None,
            after=logs.clean(after) if after else None,
            why=why,
            at=clock.now(),
        )
    )


def was_done_since(who: str, did: str, subject_type: str, subject_id: int | str, *, since: datetime) -> bool:
    """Whether somebody did this to the subject since then."""
    query = select(AuditEntry.id).where(
        AuditEntry.subject_type == subject_type, AuditEntry.subject_id == str(subject_id), AuditEntry.who == who, AuditEntry.did == did,
        AuditEntry.at >= since,
    )  # fmt: skip
    return session.scalar(query.limit(1)) is not None


def entries(
    *,
    who: str | None = None,
    subject_type: str | None = None,
    subject_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    cursor: str | None = None,
    limit: int = pages.DEFAULT_LIMIT,
) -> Page[AuditEntry]:
    """The log, newest first; `since` and `until` are a half-open range."""
    query = select(AuditEntry).filter_by(
        **{name: value for name, value in (("who", who), ("subject_type", subject_type), ("subject_id", subject_id)) if value is not None}
    )
    if since is not None:
        query = query.where(AuditEntry.at >= since)
    if until is not None:
        query = query.where(AuditEntry.at < until)
    return pages.page(query, AuditEntry.id, cursor=cursor, limit=limit)
