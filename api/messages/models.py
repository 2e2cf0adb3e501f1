"""A Message (消息) is a line in a member's inbox; a MessageWant says which kinds the member wants, and where; a PushGrant counts how many
messages of a template the member has agreed to get on the phone."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from api.kit.db import MallOwned, Model


class Kind(StrEnum):
    """What a message is about. All but OFFER are service: they tell what happened to the member's own things."""

    RECEIPT = "receipt"
    POINTS = "points"
    ORDER = "order"
    ACCOUNT = "account"
    OFFER = "offer"


class Unwanted(StrEnum):
    """Why a member is not to be contacted."""

    TOO_MANY = "too_many"
    NOT_RELEVANT = "not_relevant"
    NEVER_ASKED = "never_asked"
    PRIVACY = "privacy"
    OTHER = "other"


class Push(StrEnum):
    """How far a message is that goes to the phone too."""

    WAITING = "waiting"
    QUEUED = "queued"
    SENDING = "sending"  # asked, and not answered (yet): never asked again
    SENT = "sent"
    REFUSED = "refused"  # the member's agreement was used up or taken back
    FAILED = "failed"


_PUSHES = tuple(str(push) for push in Push)
_KINDS = tuple(str(kind) for kind in Kind)
_REASONS = tuple(str(reason) for reason in Unwanted)


class Message(MallOwned, Model):
    """One line of the inbox, in both languages, made by who sends it. What causes it (`source`) writes it once."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("mall_id", "source"),
        CheckConstraint(f"kind IN {_KINDS}", name="kind_known"),
        CheckConstraint("expires_at > created_at", name="expires_later"),
        Index("ix_messages_inbox", "mall_id", "member_id", "id"),
        Index("ix_messages_unread", "mall_id", "member_id", "id", postgresql_where=text("read_at IS NULL")),
        Index("ix_messages_expires", "mall_id", "expires_at"),
        Index("ix_messages_to_push", "mall_id", "id", postgresql_where=text("push_state = 'waiting'")),
        CheckConstraint(f"push_state IN {_PUSHES}", name="push_state_known"),
    )

    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    kind: Mapped[str]
    source: Mapped[str]  # "receipt:7:3"
    title: Mapped[dict[str, Any]] = mapped_column(JSONB)  # zh, en
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    page: Mapped[str | None]  # where in the mini-program it leads: "receipt?id=7"
    push: Mapped[bool]  # whether the member wanted it pushed to the phone too, when it was sent
    push_state: Mapped[str | None]  # of those the member had agreed to get by a template (Push)
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]


class MessageWant(MallOwned, Model):
    """What a member wants of one kind. No row: all of a service kind; of offers what the marketing consent says."""

    __tablename__ = "message_wants"
    __table_args__ = (
        UniqueConstraint("mall_id", "member_id", "kind"),
        CheckConstraint(f"kind IN {_KINDS}", name="kind_known"),
        CheckConstraint(f"kind = '{Kind.OFFER}' OR inbox", name="service_stays_in_the_inbox"),
        CheckConstraint(f"reason IN {_REASONS}", name="reason_known"),
    )

    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    kind: Mapped[str]
    inbox: Mapped[bool]
    push: Mapped[bool]
    reason: Mapped[str | None]  # why not to be contacted (Unwanted)
    paused_until_on: Mapped[date | None]  # nothing of it before this day
    changed_at: Mapped[datetime]


class PushGrant(MallOwned, Model):
    """How many more messages of one template a member has agreed to: WeChat cannot be asked for it, so it is counted here."""

    __tablename__ = "push_grants"
    __table_args__ = (UniqueConstraint("mall_id", "member_id", "template_id"), CheckConstraint("left_count >= 0", name="never_overdrawn"))

    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    template_id: Mapped[str]
    left_count: Mapped[int]
    granted_at: Mapped[datetime]
