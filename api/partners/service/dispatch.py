"""From an event to a partner: one delivery for each endpoint, sent one at a time, retried after growing delays, given up after a day.

A turn to send belongs to one worker and expires: when that worker dies between sending and recording, the next turn sends the same
number again. An endpoint that fails several times in a row is paused for a while, so that others do not wait for it.
Locks: the endpoint, then the delivery.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, exists, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from api.kit import clock, jobs, logs, sealed, states
from api.kit.db import rows_changed, session
from api.malls import service as malls
from api.partners.models import PartnerAttempt, PartnerDelivery, PartnerEndpoint, PartnerEvent
from api.partners.sending import OutgoingRequest, SendResult
from api.partners.service.events import SPREAD
from api.partners.states import DeliveryState

log = logs.get(__name__)

DELIVER = jobs.Promised()
VERSION = 1  # of the bodies: a change that breaks readers counts up

#: How long after a failure it is tried again; after the last one it is given up.
RETRY_DELAYS = tuple(timedelta(seconds=wait) for wait in (15, 60, 300, 900, 3600, 7200, 14_400, 28_800, 28_800))
GIVE_UP_AFTER = timedelta(hours=24)
#: A turn is renewed with each request; it must outlive one.
TURN = timedelta(seconds=60)
#: After so many failures in a row an endpoint rests, longer each time.
RESTS_AFTER = 5
REST = timedelta(seconds=15)
LONGEST_REST = timedelta(minutes=15)

#: The clock that scheduled a delivery may be ahead of the worker's. Sending that much early does no harm.
CLOCKS_DIFFER = timedelta(seconds=2)

AT_ONCE = 200
KEPT_FOR = timedelta(days=90)
OVERDUE = timedelta(seconds=30)


def fan_out() -> None:
    """Write the body of each new event once, and a delivery for each endpoint that wants it."""
    fresh = select(PartnerEvent).where(PartnerEvent.spread_at.is_(None)).order_by(PartnerEvent.id).limit(AT_ONCE)
    events = session.scalars(fresh.with_for_update(skip_locked=True)).all()
    if events:
        create_deliveries(events)
    if len(events) == AT_ONCE:
        jobs.later(SPREAD)


def create_deliveries(events: Sequence[PartnerEvent]) -> None:
    """Write the body and the deliveries of these events, which no other job holds."""
    now, mall = clock.now(), malls.mall_info()
    endpoints = session.scalars(select(PartnerEndpoint).where(PartnerEndpoint.removed_at.is_(None)).order_by(PartnerEndpoint.id)).all()
    shops = malls.shops_in_view({event.shop_id for event in events if event.shop_id is not None})
    rows = []
    for event in events:
        code = None if event.shop_id is None else shops[event.shop_id].code
        event.body, event.spread_at = _body(event, code, mall), now
        rows += [_delivery(event, endpoint.id, now) for endpoint in endpoints if endpoint.wants(event)]
    session.flush()
    if rows:
        session.execute(insert(PartnerDelivery).values(rows).on_conflict_do_nothing())
    for endpoint_id in sorted({row["endpoint_id"] for row in rows}):
        schedule(endpoint_id)


def _body(event: PartnerEvent, shop: str | None, mall: malls.MallInfo) -> str:
    at = event.happened_at.astimezone(ZoneInfo(mall.timezone)).isoformat(timespec="seconds")
    data = event.facts if event.kind == "test" else {"shop": shop} | event.facts
    body = {"id": event.number, "type": event.kind, "version": VERSION, "timestamp": at, "mall": mall.code, "data": data}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _delivery(event: PartnerEvent, endpoint_id: int, now: datetime) -> dict[str, Any]:
    return {
        "event_id": event.id, "endpoint_id": endpoint_id, "kind": event.kind, "number": event.number, "state": str(DeliveryState.WAITING),
        "moved_at": now, "next_at": now, "ends_at": now + GIVE_UP_AFTER, "made_at": now,
    }  # fmt: skip


def schedule(endpoint_id: int, *, after: timedelta | None = None) -> None:
    """Queue the job that sends what is due to an endpoint."""
    jobs.later(DELIVER, after=after, endpoint_id=endpoint_id)


def lock_endpoint(endpoint_id: int) -> PartnerEndpoint | None:
    """An endpoint, locked; None when there is none."""
    return session.get(PartnerEndpoint, endpoint_id, with_for_update={"key_share": True}, populate_existing=True)


def next_request(endpoint_id: int, turn: str, *, over: bool) -> OutgoingRequest | None:
    """The next request of this turn; its attempt is recorded before it is sent. None ends the turn (`over`: it lasted long enough)."""
    endpoint, now = lock_endpoint(endpoint_id), clock.now()
    if endpoint is None or endpoint.is_taken(turn, now):
        return None
    due = None if endpoint.is_quiet(now + CLOCKS_DIFFER) else _next_due(endpoint_id, now)
    if due is None or over:
        endpoint.turn = endpoint.turn_ends_at = None
        if due is not None:
            schedule(endpoint_id)
        return None
    endpoint.turn, endpoint.turn_ends_at = turn, now + TURN
    due.attempts += 1
    session.add(PartnerAttempt(delivery_id=due.id, seq=due.attempts, begun_at=now))
    event = session.get_one(PartnerEvent, due.event_id)
    assert event.body is not None
    sealed_ones = [endpoint.secret, *([endpoint.old_secret] if endpoint.old_secret_holds(now) and endpoint.old_secret else [])]
    secrets = tuple(sealed.unseal(key) for key in sealed_ones)
    session.flush()
    return OutgoingRequest(due.id, endpoint_id, due.attempts, due.number, endpoint.url, event.body, secrets, now)


def _next_due(endpoint_id: int, now: datetime) -> PartnerDelivery | None:
    waits = (PartnerDelivery.endpoint_id == endpoint_id) & (PartnerDelivery.state == DeliveryState.WAITING)
    due = select(PartnerDelivery).where(waits, PartnerDelivery.next_at <= now + CLOCKS_DIFFER, PartnerDelivery.ends_at > now)
    ordered = due.order_by(PartnerDelivery.next_at, PartnerDelivery.id).limit(1).with_for_update()
    return session.scalar(ordered.execution_options(populate_existing=True))


def record_result(outgoing: OutgoingRequest, result: SendResult) -> None:
    """Record the result of an attempt, once: delivered, to be tried again, or given up."""
    endpoint, now = lock_endpoint(outgoing.endpoint_id), clock.now()
    attempt = (
        (PartnerAttempt.delivery_id == outgoing.delivery_id) & (PartnerAttempt.seq == outgoing.seq) & PartnerAttempt.ended_at.is_(None)
    )
    outcome = {"ended_at": now, "status": result.status, "trouble": result.trouble, "answer": result.answer, "took_ms": result.took_ms}
    if endpoint is None or rows_changed(update(PartnerAttempt).where(attempt).values(**outcome)) == 0:
        return
    delivery = session.get_one(PartnerDelivery, outgoing.delivery_id, with_for_update=True, populate_existing=True)
    if result.accepted:
        endpoint.failures, endpoint.failing_from_at, endpoint.rests_until_at = 0, None, None
        if delivery.state == DeliveryState.WAITING:
            states.move(delivery, DeliveryState.DELIVERED, by="system", reason="accepted", trouble=None)
        return
    _count_failure(endpoint, now)
    if result.trouble == "gone" and endpoint.paused_at is None:
        endpoint.paused_at, endpoint.paused_why = now, "gone"
        log.warning("a partner is gone and was paused", endpoint=endpoint.id)
    if delivery.state == DeliveryState.WAITING:
        _retry_later(delivery, str(result.trouble), now)


def _count_failure(endpoint: PartnerEndpoint, now: datetime) -> None:
    endpoint.failures += 1
    endpoint.failing_from_at = endpoint.failing_from_at or now
    if endpoint.failures >= RESTS_AFTER:
        rest: timedelta = min(LONGEST_REST, REST * 2 ** min(endpoint.failures - RESTS_AFTER, 10))
        endpoint.rests_until_at = now + rest
        schedule(endpoint.id, after=rest)
    session.flush()


def _retry_later(delivery: PartnerDelivery, trouble: str, now: datetime) -> None:
    """Retry after the next delay, or give up."""
    wait = RETRY_DELAYS[delivery.step] if delivery.step < len(RETRY_DELAYS) else None
    if trouble == "gone" or wait is None or now + wait > delivery.ends_at:
        give_up(delivery, trouble)
        return
    delivery.step, delivery.next_at, delivery.trouble = delivery.step + 1, now + wait, trouble
    schedule(delivery.endpoint_id, after=wait)
    session.flush()


def give_up(delivery: PartnerDelivery, trouble: str) -> None:
    """Stop trying; a person may send it again."""
    states.move(delivery, DeliveryState.GIVEN_UP, by="system", reason=trouble, trouble=trouble)


def sweep() -> int:
    """Queue what is due and has no job, fan out events that were left, give up what waited too long. Returns how much was overdue."""
    now = clock.now()
    late = now - OVERDUE
    waiting = PartnerDelivery.state == DeliveryState.WAITING
    due = exists().where(PartnerDelivery.endpoint_id == PartnerEndpoint.id, waiting, PartnerDelivery.next_at < late)
    awake = or_(PartnerEndpoint.rests_until_at.is_(None), PartnerEndpoint.rests_until_at <= now)
    free = or_(PartnerEndpoint.turn.is_(None), PartnerEndpoint.turn_ends_at <= now)
    alive = PartnerEndpoint.paused_at.is_(None) & PartnerEndpoint.removed_at.is_(None)
    forgotten = session.scalars(select(PartnerEndpoint.id).where(alive, awake, free, due)).all()
    for endpoint_id in forgotten:
        schedule(endpoint_id)
    unspread = session.scalar(select(PartnerEvent.id).where(PartnerEvent.spread_at.is_(None), PartnerEvent.made_at < late).limit(1))
    if unspread is not None:
        jobs.later(SPREAD)
    over = select(PartnerDelivery).where(waiting, PartnerDelivery.ends_at <= now).order_by(PartnerDelivery.id).limit(AT_ONCE)
    ended = session.scalars(over.with_for_update(skip_locked=True)).all()
    for delivery in ended:
        give_up(delivery, delivery.trouble or "not-sent")
    return len(forgotten) + (unspread is not None)


def forget_old() -> bool:
    """Remove events past the time they are kept, with all that was written of them; True when there may be more."""
    old = select(PartnerEvent.id).where(PartnerEvent.made_at < clock.now() - KEPT_FOR).order_by(PartnerEvent.id).limit(AT_ONCE)
    ids = session.scalars(old).all()
    if ids:
        _remove(ids)
    return len(ids) == AT_ONCE


def _remove(event_ids: Sequence[int]) -> None:
    gone = select(PartnerDelivery.id).where(PartnerDelivery.event_id.in_(event_ids))
    session.execute(delete(PartnerAttempt).where(PartnerAttempt.delivery_id.in_(gone)))
    session.execute(delete(PartnerDelivery).where(PartnerDelivery.event_id.in_(event_ids)))
    session.execute(delete(PartnerEvent).where(PartnerEvent.id.in_(event_ids)))
