"""A partner's endpoint gets events; a delivery is one event on its way to one endpoint, an attempt one try of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from api.kit.db import MallOwned, Model
from api.kit.states import Stateful
from api.partners.states import ALLOWED, DeliveryState


class EventKind(StrEnum):
    """What partners can hear of."""

    SALE_RECORDED = "sale.recorded"
    SALE_REFUNDED = "sale.refunded"
    PAYMENT_PAID = "payment.paid"
    REFUND_DONE = "refund.done"
    TEST = "test"  # sent by hand, to one partner


#: What an endpoint may ask for.
WANTED = tuple(kind for kind in EventKind if kind is not EventKind.TEST)
_KINDS = ", ".join(f"'{kind}'" for kind in EventKind)


class PartnerEndpoint(MallOwned, Model):
    """Where a partner (合作方) is notified: address, wanted events, sealed secrets, and how it has answered lately."""

    __tablename__ = "partner_endpoints"
    __table_args__ = (
        CheckConstraint("url ~ '^https?://'", name="url_is_http"),
        CheckConstraint("jsonb_array_length(events) > 0", name="hears_something"),
        CheckConstraint("(old_secret IS NULL) = (old_secret_ends_at IS NULL)", name="old_secret_ends"),
        CheckConstraint("(paused_at IS NULL) = (paused_why IS NULL)", name="paused_whole"),
        CheckConstraint("(turn IS NULL) = (turn_ends_at IS NULL)", name="turn_ends"),
        CheckConstraint("failures >= 0 AND rotations >= 0", name="counts_are_not_negative"),
        Index("uq_partner_endpoints_name", "mall_id", "name", unique=True, postgresql_where=text("removed_at IS NULL")),
    )

    name: Mapped[str]
    url: Mapped[str]
    shop_id: Mapped[int | None] = mapped_column(ForeignKey("shops.id"))  # gets this shop's events only
    events: Mapped[list[str]]
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    old_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    old_secret_ends_at: Mapped[datetime | None]
    rotations: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    paused_at: Mapped[datetime | None]
    paused_why: Mapped[str | None]
    removed_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(server_default=text("0"), default=0)  # in a row
    failing_from_at: Mapped[datetime | None]
    rests_until_at: Mapped[datetime | None]  # after several failures in a row nothing is sent until then
    turn: Mapped[str | None]  # whose turn it is to send: one at a time
    turn_ends_at: Mapped[datetime | None]

    def wants(self, event: PartnerEvent) -> bool:
        """Whether an event is for this endpoint."""
        if event.endpoint_id is not None:
            return event.endpoint_id == self.id
        return event.kind in self.events and self.shop_id in (None, event.shop_id)

    def is_quiet(self, now: datetime) -> bool:
        """Whether nothing is sent to it now: paused, removed, or resting after failures."""
        return self.paused_at is not None or self.removed_at is not None or (self.rests_until_at is not None and now < self.rests_until_at)

    def is_taken(self, turn: str, now: datetime) -> bool:
        """Whether it is somebody else's turn to send to it."""
        return self.turn is not None and self.turn != turn and self.turn_ends_at is not None and now < self.turn_ends_at

    def old_secret_holds(self, now: datetime) -> bool:
        """Whether notices are signed with the secret before this one too."""
        return self.old_secret_ends_at is not None and now < self.old_secret_ends_at


class PartnerEvent(MallOwned, Model):
    """Something that happened, written in the transaction of the fact itself, once. `body` is what every partner gets, byte by byte."""

    __tablename__ = "partner_events"
    __table_args__ = (
        UniqueConstraint("mall_id", "kind", "fact"),
        UniqueConstraint("mall_id", "number"),
        CheckConstraint(f"kind IN ({_KINDS})", name="kind_is_known"),
        CheckConstraint("(body IS NULL) = (spread_at IS NULL)", name="spread_whole"),
        CheckConstraint("(kind = 'test') = (endpoint_id IS NOT NULL)", name="only_a_test_is_for_one"),
        Index("ix_partner_events_unspread", "mall_id", "id", postgresql_where=text("spread_at IS NULL")),
        Index("ix_partner_events_made", "mall_id", "made_at"),
    )

    number: Mapped[str]
    kind: Mapped[str]
    fact: Mapped[str]  # the number of the fact among those of its kind
    shop_id: Mapped[int | None] = mapped_column(ForeignKey("shops.id"))
    endpoint_id: Mapped[int | None] = mapped_column(ForeignKey("partner_endpoints.id"))
    facts: Mapped[dict[str, Any]]
    happened_at: Mapped[datetime]
    made_at: Mapped[datetime]
    body: Mapped[str | None]
    spread_at: Mapped[datetime | None]


class PartnerDelivery(Stateful, MallOwned, Model):
    """One event on its way to one endpoint (投递). `step` is its place in RETRY_DELAYS, `attempts` how often it was tried in all."""

    __tablename__ = "partner_deliveries"
    noun = "partner_delivery"
    lifecycle = DeliveryState
    allowed = ALLOWED
    moves_go_along = True
    __table_args__ = (
        UniqueConstraint("event_id", "endpoint_id"),
        CheckConstraint("state IN ('waiting', 'delivered', 'given_up')", name="state_is_known"),
        CheckConstraint("attempts >= 0 AND step >= 0", name="counts_are_not_negative"),
        Index("ix_partner_deliveries_due", "endpoint_id", "next_at", "id", postgresql_where=text("state = 'waiting'")),
        Index("ix_partner_deliveries_ending", "mall_id", "ends_at", postgresql_where=text("state = 'waiting'")),
        Index("ix_partner_deliveries_newest", "mall_id", "id"),
        Index("ix_partner_deliveries_endpoint", "mall_id", "endpoint_id", "state", "id"),
    )

    event_id: Mapped[int] = mapped_column(ForeignKey("partner_events.id"))
    endpoint_id: Mapped[int] = mapped_column(ForeignKey("partner_endpoints.id"))
    kind: Mapped[str]
    number: Mapped[str]
    attempts: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    step: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    next_at: Mapped[datetime]
    ends_at: Mapped[datetime]  # tried no longer than this
    made_at: Mapped[datetime]
    trouble: Mapped[str | None]  # of the last attempt, by name


class PartnerAttempt(MallOwned, Model):
    """One try. One that has no end was cut short on our side: whether it arrived is not known, and it is sent again."""

    __tablename__ = "partner_attempts"
    __table_args__ = (UniqueConstraint("delivery_id", "seq"), CheckConstraint("seq > 0", name="counted_from_one"))

    delivery_id: Mapped[int] = mapped_column(ForeignKey("partner_deliveries.id"))
    seq: Mapped[int]
    begun_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    status: Mapped[int | None]
    trouble: Mapped[str | None]
    answer: Mapped[str | None]  # its first bytes
    took_ms: Mapped[int | None]
