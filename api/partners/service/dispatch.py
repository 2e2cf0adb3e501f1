"""From an event to a partner: spread over the endpoints, sent one at a time to each, tried again on a ladder, given up after a day.

A turn to send belongs to one worker and ends by itself: when that worker dies between sending and noting, the next turn sends the same
number again. An endpoint that fails several times in a row rests, so that it costs one attempt a rest and nobody else waits for it.
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
from api.partners.sending import Letter, Said
from api.partners.service.events import SPREAD
from api.partners.states import DeliveryState

log = logs.get(__name__)

DELIVER = jobs.Promised()
VERSION = 1  # of the bodies: a change that breaks readers counts up

#: How long after a failure it is tried again; after the last one it is given up.
LADDER = tuple(timedelta(seconds=wait) for wait in (15, 60, 300, 900, 3600, 7200, 14_400, 28_800, 28_800))
PATIENCE = timedelta(hours=24)
#: A turn is renewed with each letter; it must outlive one.
TURN = timedelta(seconds=60)
#: After so many failures in a row an endpoint rests, longer each time.
RESTS_AFTER = 5
REST = timedelta(seconds=15)
LONGEST_REST = timedelta(minutes=15)

#: The clock of who put a letter in may run before that of the worker whose job it woke. Early by so much hurts nobody.
CLOCKS_DIFFER = timedelta(seconds=2)

AT_ONCE = 200
KEPT_FOR = timedelta(days=90)
OVERDUE = timedelta(seconds=30)


def spread() -> None:
    """Write the body of each new event once, and a delivery for each endpoint that wants it."""
    fresh = select(PartnerEvent).where(PartnerEvent.spread_at.is_(None)).order_by(PartnerEvent.id).limit(AT_ONCE)
    events = session.scalars(fresh.with_for_update(skip_locked=True)).all()
    if events:
        send_out(events)
    if len(events) == AT_ONCE:
        jobs.later(SPREAD)


def send_out(events: Sequence[PartnerEvent]) -> None:
    """Spread these events, which nobody else can be spreading."""
    now, mall = clock.now(), malls.mall_info()
    endpoints = session.scalars(select(PartnerEndpoint).where(PartnerEndpoint.removed_at.is_(None)).order_by(PartnerEndpoint.id)).all()
    shops = malls.shops_in_view({event.shop_id for event in events if event.shop_id is not None})
    rows = []
    for event in events:
        code = None if event.shop_id is None else shops[event.shop_id].code
        event.body, event.spread_at = _body(event, code, mall), now
        rows += [_delivery(event, endpoint.id, now) for endpoint in endpoints if endpoint.hears(event)]
    session.flush()
    if rows:
        session.execute(insert(PartnerDelivery).values(rows).on_conflict_do_nothing())
    for endpoint_id in sorted({row["endpoint_id"] for row in rows}):
        wake(endpoint_id)


def _body(event: PartnerEvent, shop: str | None, mall: malls.MallInfo) -> str:
    at = event.happened_at.astimezone(ZoneInfo(mall.timezone)).isoformat(timespec="seconds")
    data = event.facts if event.kind == "test" else {"shop": shop} | event.facts
    body = {"id": event.number, "type": event.kind, "version": VERSION, "timestamp": at, "mall": mall.code, "data": data}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _delivery(event: PartnerEvent, endpoint_id: int, now: datetime) -> dict[str, Any]:
    return {
        "event_id": event.id, "endpoint_id": endpoint_id, "kind": event.kind, "number": event.number, "state": str(DeliveryState.WAITING),
        "moved_at": now, "next_at": now, "ends_at": now + PATIENCE, "made_at": now,
    }  # fmt: skip


def wake(endpoint_id: int, *, after: timedelta | None = None) -> None:
    """Put in the job that sends what is due to an endpoint."""
    jobs.later(DELIVER, after=after, endpoint_id=endpoint_id)


def hold(endpoint_id: int) -> PartnerEndpoint | None:
    """An endpoint, locked; None when there is none."""
    return session.get(PartnerEndpoint, endpoint_id, with_for_update={"key_share": True}, populate_existing=True)


def take(endpoint_id: int, turn: str, *, over: bool) -> Letter | None:
    """The next letter of this turn; its attempt is written down before it is sent. None ends the turn (`over`: it lasted long enough)."""
    endpoint, now = hold(endpoint_id), clock.now()
    if endpoint is None or endpoint.is_taken(turn, now):
        return None
    due = None if endpoint.is_quiet(now + CLOCKS_DIFFER) else _next_due(endpoint_id, now)
    if due is None or over:
        endpoint.turn = endpoint.turn_ends_at = None
        if due is not None:
            wake(endpoint_id)
        return None
    endpoint.turn, endpoint.turn_ends_at = turn, now + TURN
    due.attempts += 1
    session.add(PartnerAttempt(delivery_id=due.id, seq=due.attempts, begun_at=now))
    event = session.get_one(PartnerEvent, due.event_id)
    assert event.body is not None
    sealed_ones = [endpoint.secret, *([endpoint.old_secret] if endpoint.old_secret_holds(now) and endpoint.old_secret else [])]
    secrets = tuple(sealed.unseal(key) for key in sealed_ones)
    session.flush()
    return Letter(due.id, endpoint_id, due.attempts, due.number, endpoint.url, event.body, secrets, now)


def _next_due(endpoint_id: int, now: datetime) -> PartnerDelivery | None:
    waits = (PartnerDelivery.endpoint_id == endpoint_id) & (PartnerDelivery.state == DeliveryState.WAITING)
    due = select(PartnerDelivery).where(waits, PartnerDelivery.next_at <= now + CLOCKS_DIFFER, PartnerDelivery.ends_at > now)
    ordered = due.order_by(PartnerDelivery.next_at, PartnerDelivery.id).limit(1).with_for_update()
    return session.scalar(ordered.execution_options(populate_existing=True))


def note(letter: Letter, result: Said) -> None:
    """Write down what came of an attempt, once: delivered, to be tried again, or given up."""
    endpoint, now = hold(letter.endpoint_id), clock.now()
    attempt = (PartnerAttempt.delivery_id == letter.delivery_id) & (PartnerAttempt.seq == letter.seq) & PartnerAttempt.ended_at.is_(None)
    outcome = {"ended_at": now, "status": result.status, "trouble": result.trouble, "answer": result.answer, "took_ms": result.took_ms}
    if endpoint is None or rows_changed(update(PartnerAttempt).where(attempt).values(**outcome)) == 0:
        return
    delivery = session.get_one(PartnerDelivery, letter.delivery_id, with_for_update=True, populate_existing=True)
    if result.taken:
        endpoint.failures, endpoint.failing_from_at, endpoint.rests_until_at = 0, None, None
        if delivery.state == DeliveryState.WAITING:
            states.move(delivery, DeliveryState.DELIVERED, by="system", reason="accepted", trouble=None)
        return
    _count_failure(endpoint, now)
    if result.trouble == "gone" and endpoint.paused_at is None:
        endpoint.paused_at, endpoint.paused_why = now, "gone"
        log.warning("a partner is gone and was paused", endpoint=endpoint.id)
    if delivery.state == DeliveryState.WAITING:
        _put_off(delivery, str(result.trouble), now)


def _count_failure(endpoint: PartnerEndpoint, now: datetime) -> None:
    endpoint.failures += 1
    endpoint.failing_from_at = endpoint.failing_from_at or now
    if endpoint.failures >= RESTS_AFTER:
        rest: timedelta = min(LONGEST_REST, REST * 2 ** min(endpoint.failures - RESTS_AFTER, 10))
        endpoint.rests_until_at = now + rest
        wake(endpoint.id, after=rest)
    session.flush()


def _put_off(delivery: PartnerDelivery, trouble: str, now: datetime) -> None:
    """The next step of the ladder, or the end."""
    wait = LADDER[delivery.step] if delivery.step < len(LADDER) else None
    if trouble == "gone" or wait is None or now + wait > delivery.ends_at:
        give_up(delivery, trouble)
        return
    delivery.step, delivery.next_at, delivery.trouble = delivery.step + 1, now + wait, trouble
    wake(delivery.endpoint_id, after=wait)
    session.flush()


def give_up(delivery: PartnerDelivery, trouble: str) -> None:
    """Try it no longer; a person may send it again."""
    states.move(delivery, DeliveryState.GIVEN_UP, by="system", reason=trouble, trouble=trouble)


def sweep() -> int:
    """Find what is due and has no job, spread what was left lying, give up what waited too long. Returns how much was found."""
    now = clock.now()
    late = now - OVERDUE
    waiting = PartnerDelivery.state == DeliveryState.WAITING
    due = exists().where(PartnerDelivery.endpoint_id == PartnerEndpoint.id, waiting, PartnerDelivery.next_at < late)
    awake = or_(PartnerEndpoint.rests_until_at.is_(None), PartnerEndpoint.rests_until_at <= now)
    free = or_(PartnerEndpoint.turn.is_(None), PartnerEndpoint.turn_ends_at <= now)
    alive = PartnerEndpoint.paused_at.is_(None) & PartnerEndpoint.removed_at.is_(None)
    forgotten = session.scalars(select(PartnerEndpoint.id).where(alive, awake, free, due)).all()
    for endpoint_id in forgotten:
        wake(endpoint_id)
    lying = session.scalar(select(PartnerEvent.id).where(PartnerEvent.spread_at.is_(None), PartnerEvent.made_at < late).limit(1))
    if lying is not None:
        jobs.later(SPREAD)
    over = select(PartnerDelivery).where(waiting, PartnerDelivery.ends_at <= now).order_by(PartnerDelivery.id).limit(AT_ONCE)
    ended = session.scalars(over.with_for_update(skip_locked=True)).all()
    for delivery in ended:
        give_up(delivery, delivery.trouble or "not-sent")
    return len(forgotten) + (lying is not None)


def forget_old() -> bool:
    """Remove events past the time they are kept, with all that was written of them; True when there may be more."""
    old = select(PartnerEvent.id).where(PartnerEvent.made_at < clock.now() - KEPT_FOR).order_by(PartnerEvent.id).limit(AT_ONCE)
    ids = session.scalars(old).all()
    if ids:
        _remove(ids)
    return len(ids) == AT_ONCE


def _remove(event_ids: Sequence[int]) -> None:
    gone = select(PartnerDelivery.id).where(PartnerDelivery.event_id.in_(event_ids))
    moves = PartnerDelivery.moves_table
    session.execute(delete(PartnerAttempt).where(PartnerAttempt.delivery_id.in_(gone)))
    session.execute(delete(moves).where(moves.c.partner_delivery_id.in_(gone)))
    session.execute(delete(PartnerDelivery).where(PartnerDelivery.event_id.in_(event_ids)))
    session.execute(delete(PartnerEvent).where(PartnerEvent.id.in_(event_ids)))
