"""What the office sees of partners: the state of each, and the log of everything that was sent."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from api.kit import pages
from api.kit.db import session
from api.partners.errors import DeliveryNotFound
from api.partners.models import PartnerAttempt, PartnerDelivery, PartnerEndpoint, PartnerEvent

ATTEMPTS_SHOWN = 50


@dataclass(frozen=True)
class DeliveryDetails:
    """One delivery with the event it carries and its newest attempts."""

    delivery: PartnerDelivery
    event: PartnerEvent
    partner: str
    attempts: list[PartnerAttempt]


def endpoints(*, cursor: str | None, limit: int) -> pages.Page[PartnerEndpoint]:
    """Partners that were not removed, newest first."""
    query = select(PartnerEndpoint).where(PartnerEndpoint.removed_at.is_(None))
    return pages.page(query, PartnerEndpoint.id, cursor=cursor, limit=limit)


def counts(endpoint_ids: Collection[int]) -> dict[int, dict[str, int]]:
    """How many deliveries of each endpoint wait and how many were given up: endpoint → state → count. One statement."""
    query = (
        select(PartnerDelivery.endpoint_id, PartnerDelivery.state, func.count())
        .where(PartnerDelivery.endpoint_id.in_(endpoint_ids), PartnerDelivery.state.in_(["waiting", "given_up"]))
        .group_by(PartnerDelivery.endpoint_id, PartnerDelivery.state)
    )
    counted: dict[int, dict[str, int]] = {endpoint_id: {"waiting": 0, "given_up": 0} for endpoint_id in endpoint_ids}
    for endpoint_id, state, count in session.execute(query):
        counted[endpoint_id][state] = count
    return counted


def deliveries(
    *, partner_id: int | None = None, state: str | None = None, event: str | None = None, number: str | None = None,
    since: datetime | None = None, cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT,
) -> pages.Page[PartnerDelivery]:  # fmt: skip
    """Deliveries, newest first: of one partner, in a state, of a kind of event, of one event's number, since a moment."""
    wanted: dict[Any, Any] = {
        PartnerDelivery.endpoint_id: partner_id,
        PartnerDelivery.state: state,
        PartnerDelivery.kind: event,
        PartnerDelivery.number: number,
    }
    query = select(PartnerDelivery).where(*(column == value for column, value in wanted.items() if value is not None))
    if since is not None:
        query = query.where(PartnerDelivery.made_at >= since)
    return pages.page(query, PartnerDelivery.id, cursor=cursor, limit=limit)


def delivery(delivery_id: int) -> DeliveryDetails:
    """One delivery with its event and its newest attempts. DeliveryNotFound."""
    row = session.get(PartnerDelivery, delivery_id)
    if row is None:
        raise DeliveryNotFound()
    event, endpoint = session.get_one(PartnerEvent, row.event_id), session.get_one(PartnerEndpoint, row.endpoint_id)
    return DeliveryDetails(row, event, endpoint.name, attempts(delivery_id))


def attempts(delivery_id: int) -> list[PartnerAttempt]:
    """The newest attempts of a delivery, newest first, ATTEMPTS_SHOWN at most."""
    query = select(PartnerAttempt).where(PartnerAttempt.delivery_id == delivery_id).order_by(PartnerAttempt.seq.desc())
    return list(session.scalars(query.limit(ATTEMPTS_SHOWN)))
