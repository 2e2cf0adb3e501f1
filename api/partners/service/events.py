"""What partners are told of: the facts of each kind of event, and the row that is written with the fact itself.

A fact's row and the job that spreads it are one statement, and none at all while no partner of the mall wants that kind.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import insert

from api.kit import clock, db, jobs, sealed
from api.kit.db import session
from api.malls import service as malls
from api.partners.models import EventKind, PartnerEvent

SPREAD = jobs.Promised()
NUMBER_BYTES = 15


@dataclass(frozen=True)
class NewEvent:
    """One thing that happened. `fact` is its number among those of its kind; facts are plain values, instants aware."""

    kind: EventKind
    fact: int | str
    at: datetime
    facts: dict[str, Any]
    shop_id: int | None = None
    member_id: int | None = None


def sale_recorded(
    sale_id: int, *, shop_id: int, member_id: int | None, channel: str, paid_at: datetime, paid_fen: int, order: str | None,
    receipt: str | None,
) -> NewEvent:  # fmt: skip
    """A purchase that is new to the mall. Amounts in fen, before any refund."""
    facts = {"sale_id": sale_id, "channel": channel, "paid_fen": paid_fen, "paid_at": paid_at, "order_no": order, "receipt_no": receipt}
    return NewEvent(EventKind.SALE_RECORDED, sale_id, paid_at, facts, shop_id, member_id)


def sale_refunded(
    refund_id: int, *, sale_id: int, shop_id: int, member_id: int | None, channel: str, amount_fen: int, refunded_fen: int, paid_fen: int,
    at: datetime, order: str | None,
) -> NewEvent:  # fmt: skip
    """Money of a purchase given back: this time, and of the purchase in all."""
    facts = {
        "sale_id": sale_id, "sale_refund_id": refund_id, "channel": channel, "amount_fen": amount_fen, "refunded_fen": refunded_fen,
        "paid_fen": paid_fen, "refunded_at": at, "order_no": order,
    }  # fmt: skip
    return NewEvent(EventKind.SALE_REFUNDED, refund_id, at, facts, shop_id, member_id)


def payment_paid(
    payment_id: int, *, number: str, channel: str, amount_fen: int, at: datetime, order: str, shop_id: int | None, member_id: int | None
) -> NewEvent:
    """A wallet has paid. `shop_id` only where the order is one shop's."""
    facts = {"payment_no": number, "channel": channel, "amount_fen": amount_fen, "paid_at": at, "order_no": order}
    return NewEvent(EventKind.PAYMENT_PAID, payment_id, at, facts, shop_id, member_id)


def refund_done(
    refund_id: int, *, number: str, payment: str, channel: str, amount_fen: int, at: datetime, order: str, shop_id: int | None,
    member_id: int | None,
) -> NewEvent:  # fmt: skip
    """A wallet has given money back."""
    facts = {"refund_no": number, "payment_no": payment, "channel": channel, "amount_fen": amount_fen, "refunded_at": at, "order_no": order}
    return NewEvent(EventKind.REFUND_DONE, refund_id, at, facts, shop_id, member_id)


def publish(*events: NewEvent) -> None:
    """Write down what happened, for the partners that want it; the same fact again changes nothing. At most one statement."""
    if rows := [row(event) for event in events if is_wanted(event.kind)]:
        write(rows)


def is_wanted(kind: EventKind) -> bool:
    """Whether any partner of the mall wants this kind. No statement."""
    return kind in malls.mall_info().partner_events


def row(event: NewEvent, *, endpoint_id: int | None = None) -> dict[str, Any]:
    """An event as it is stored. Of a member there is an opaque number, never who it is."""
    zone = ZoneInfo(malls.mall_info().timezone)
    facts = {name: _said(value, zone) for name, value in event.facts.items()}
    if event.kind is not EventKind.TEST:
        facts["member"] = None if event.member_id is None else opaque_member(event.member_id)
    return {
        "number": "evt_" + secrets.token_hex(NUMBER_BYTES), "kind": str(event.kind), "fact": str(event.fact), "shop_id": event.shop_id,
        "endpoint_id": endpoint_id, "facts": facts, "happened_at": event.at, "made_at": clock.now(),
    }  # fmt: skip


def opaque_member(member_id: int) -> str:
    """The number by which partners of this mall know a member: always the same, and it does not tell who that is."""
    return "mem_" + sealed.find_key(f"partner:{db.mall()}:{member_id}")[:32]


def _said(value: Any, zone: ZoneInfo) -> Any:
    return value.astimezone(zone).isoformat(timespec="seconds") if isinstance(value, datetime) else value


def write(rows: list[dict[str, Any]]) -> None:
    """The events and the job that spreads them. One statement."""
    made = insert(PartnerEvent).values(rows).on_conflict_do_nothing().returning(PartnerEvent.id).cte("made")
    session.execute(select(jobs.deferral(SPREAD)).where(exists(select(made.c.id))))
