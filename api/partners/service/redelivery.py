"""Sent again by hand: one delivery, or all that were given up since a moment. The number stays the same, so a partner sees repeats."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, func, select

from api.kit import audit, clock, jobs, states
from api.kit.db import session
from api.partners.errors import DeliveryNotFound, PartnerPaused
from api.partners.models import PartnerDelivery
from api.partners.service import dispatch, registration
from api.partners.states import DeliveryState

RESEND = jobs.Promised()
AT_ONCE = 200


def resend(delivery_id: int, *, by: str) -> PartnerDelivery:
    """Send one delivery again, with the retries from the first; one that waits is sent now.

    DeliveryNotFound, PartnerNotFound, PartnerPaused, WrongState.
    """
    delivery = session.get(PartnerDelivery, delivery_id)
    if delivery is None:
        raise DeliveryNotFound()
    endpoint = registration.find_locked(delivery.endpoint_id)
    if endpoint.paused_at is not None:
        raise PartnerPaused(why=endpoint.paused_why)
    session.refresh(delivery, with_for_update=True)
    audit.record(by, "delivery sent again", "partner_delivery", delivery_id, before={"state": delivery.state, "trouble": delivery.trouble})
    _begin_again(delivery, by)
    endpoint.rests_until_at = None
    session.flush()
    dispatch.schedule(endpoint.id)
    return delivery


def _begin_again(delivery: PartnerDelivery, by: str) -> None:
    now = clock.now()
    delivery.step, delivery.next_at, delivery.ends_at = 0, now, now + dispatch.GIVE_UP_AFTER
    if delivery.state != DeliveryState.WAITING:
        states.move(delivery, DeliveryState.WAITING, by=by, reason="sent again")


def resend_since(endpoint_id: int, since: datetime, *, by: str) -> int:
    """Send everything again that was given up for this partner since then, in the background. Returns how many there are now.

    PartnerNotFound, PartnerPaused.
    """
    endpoint = registration.find_locked(endpoint_id)
    if endpoint.paused_at is not None:
        raise PartnerPaused(why=endpoint.paused_why)
    count = session.scalar(select(func.count()).select_from(PartnerDelivery).where(_given_up(endpoint_id, since))) or 0
    audit.record(by, "deliveries sent again", "partner", endpoint_id, after={"since": since.isoformat(), "deliveries": count})
    if count:
        endpoint.rests_until_at = None
        jobs.later(RESEND, endpoint_id=endpoint_id, since=since.isoformat(), by=by)
    session.flush()
    return count


def _given_up(endpoint_id: int, since: datetime) -> ColumnElement[bool]:
    given_up = (PartnerDelivery.endpoint_id == endpoint_id) & (PartnerDelivery.state == DeliveryState.GIVEN_UP)
    return given_up & (PartnerDelivery.made_at >= since)


def resend_failed(endpoint_id: int, since: datetime, *, by: str, beyond: int = 0) -> int | None:
    """The job's step: some of them. Returns where the next step begins, None at the end."""
    endpoint = dispatch.lock_endpoint(endpoint_id)
    if endpoint is None or endpoint.removed_at is not None:
        return None
    query = select(PartnerDelivery).where(_given_up(endpoint_id, since), PartnerDelivery.id > beyond).order_by(PartnerDelivery.id)
    failed = session.scalars(query.limit(AT_ONCE).with_for_update()).all()
    for delivery in failed:
        _begin_again(delivery, by)
    if failed:
        session.flush()
        dispatch.schedule(endpoint_id)
    return failed[-1].id if len(failed) == AT_ONCE else None
