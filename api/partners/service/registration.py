"""Partners' endpoints: added, changed, paused, removed, given another secret, tested. Each act is in the audit log, a secret never."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, update

from api import safety
from api.kit import audit, clock, sealed
from api.kit.db import rows_changed, session
from api.malls import service as malls
from api.partners import sending
from api.partners.errors import PartnerNameTaken, PartnerNotFound, PartnerPaused, PartnerSecretRotated, TooManyPartners
from api.partners.models import EventKind, PartnerDelivery, PartnerEndpoint, PartnerEvent
from api.partners.service import dispatch
from api.partners.service import events as partner_events
from api.partners.states import DeliveryState

MOST = 20  # endpoints of a mall


def add(*, name: str, url: str, shop_id: int | None, events: Sequence[str], by: str) -> tuple[PartnerEndpoint, str]:
    """Let a partner hear of events. Returns its secret too, which is not shown again.

    PartnerAddressRefused, PartnerNameTaken, TooManyPartners, ShopNotFound.
    """
    malls.lock_mall()
    sending.refuse_address(url)
    if shop_id is not None:
        malls.shop(shop_id)
    _refuse_taken(name)
    if _count() >= MOST:
        raise TooManyPartners(most=MOST)
    secret = sending.new_secret()
    made = PartnerEndpoint(
        name=name, url=url, shop_id=shop_id, events=sorted(set(events)), secret=sealed.seal(secret), made_by=by, made_at=clock.now()
    )
    session.add(made)
    session.flush()
    _store_wanted_events()
    audit.record(by, "partner added", "partner", made.id, after=_facts(made))
    return made, secret


def unfit_addresses() -> list[str]:
    """Partners of this mall who are not spoken to in production, and why."""
    rows = session.execute(select(PartnerEndpoint.name, PartnerEndpoint.url).where(PartnerEndpoint.removed_at.is_(None)))
    faults = [(row.name, row.url, safety.address_fault(row.url)) for row in rows]
    return [f"the partner {name}'s address {url} {fault}: give it a public https address." for name, url, fault in faults if fault]


def _count() -> int:
    return session.scalar(select(func.count()).select_from(PartnerEndpoint).where(PartnerEndpoint.removed_at.is_(None))) or 0


def _refuse_taken(name: str, but: int | None = None) -> None:
    query = select(PartnerEndpoint.id).where(PartnerEndpoint.name == name, PartnerEndpoint.removed_at.is_(None))
    if session.scalar(query if but is None else query.where(PartnerEndpoint.id != but)) is not None:
        raise PartnerNameTaken()


def _store_wanted_events() -> None:
    """Keep with the mall what any of its partners wants, so that a sale costs no statement while no partner wants it."""
    wanted = session.scalars(select(PartnerEndpoint.events).where(PartnerEndpoint.removed_at.is_(None))).all()
    malls.set_partner_events({kind for kinds in wanted for kind in kinds})


def _facts(row: PartnerEndpoint) -> dict[str, Any]:
    return {"name": row.name, "url": row.url, "shop_id": row.shop_id, "events": row.events}


def find(endpoint_id: int) -> PartnerEndpoint:
    """A partner of this mall that was not removed. PartnerNotFound."""
    partner = session.get(PartnerEndpoint, endpoint_id)
    if partner is None or partner.removed_at is not None:
        raise PartnerNotFound()
    return partner


def find_locked(endpoint_id: int) -> PartnerEndpoint:
    """The same, locked until the unit of work ends. PartnerNotFound."""
    partner = dispatch.lock_endpoint(endpoint_id)
    if partner is None or partner.removed_at is not None:
        raise PartnerNotFound()
    return partner


def change(endpoint_id: int, changes: dict[str, Any], *, by: str, why: str) -> PartnerEndpoint:
    """Change name, address, shop or events from now on. PartnerNotFound, PartnerAddressRefused, PartnerNameTaken, ShopNotFound."""
    malls.lock_mall()
    partner = find_locked(endpoint_id)
    before = _facts(partner)
    if "url" in changes:
        sending.refuse_address(changes["url"])
    if changes.get("shop_id") is not None:
        malls.shop(changes["shop_id"])
    if "name" in changes:
        _refuse_taken(changes["name"], endpoint_id)
    for name, value in changes.items():
        setattr(partner, name, sorted(set(value)) if name == "events" else value)
    session.flush()
    _store_wanted_events()
    audit.record(by, "partner changed", "partner", endpoint_id, before=before, after=_facts(partner), why=why)
    return partner


def pause(endpoint_id: int, *, by: str, why: str) -> PartnerEndpoint:
    """Send nothing for now; what happens meanwhile waits for a day. Paused already changes nothing. PartnerNotFound."""
    partner = find_locked(endpoint_id)
    if partner.paused_at is None:
        partner.paused_at, partner.paused_why = clock.now(), why
        audit.record(by, "partner paused", "partner", endpoint_id, why=why)
        session.flush()
    return partner


def resume(endpoint_id: int, *, by: str) -> PartnerEndpoint:
    """Send again, at once what waited meanwhile. PartnerNotFound."""
    partner = find_locked(endpoint_id)
    if partner.paused_at is not None:
        audit.record(by, "partner resumed", "partner", endpoint_id, before={"paused_why": partner.paused_why})
        partner.paused_at = partner.paused_why = partner.rests_until_at = partner.failing_from_at = None
        partner.failures = 0
        dispatch.schedule(endpoint_id)
        session.flush()
    return partner


def remove(endpoint_id: int, *, by: str, why: str) -> None:
    """Remove a partner; the log of what was sent stays. What still waits is given up by the sweep. PartnerNotFound."""
    malls.lock_mall()
    partner = find_locked(endpoint_id)
    now = clock.now()
    partner.removed_at = now
    session.flush()
    waits = (PartnerDelivery.endpoint_id == endpoint_id) & (PartnerDelivery.state == DeliveryState.WAITING)
    session.execute(update(PartnerDelivery).where(waits).values(ends_at=now))
    _store_wanted_events()
    audit.record(by, "partner removed", "partner", endpoint_id, before=_facts(partner), why=why)


def rotate(endpoint_id: int, *, rotation: int, keep_hours: int, by: str) -> tuple[PartnerEndpoint, str]:
    """Another secret, returned once; the one before signs beside it for so many hours, then no more.

    `rotation` is how often it was replaced when the person looked, so that two taps replace it once. PartnerNotFound, PartnerSecretRotated.
    """
    find(endpoint_id)
    now, secret = clock.now(), sending.new_secret()
    old = {"old_secret": PartnerEndpoint.secret, "old_secret_ends_at": now + timedelta(hours=keep_hours)} if keep_hours else _no_old()
    same = (PartnerEndpoint.id == endpoint_id) & (PartnerEndpoint.rotations == rotation)
    values = {"secret": sealed.seal(secret), "rotations": PartnerEndpoint.rotations + 1, **old}
    if rows_changed(update(PartnerEndpoint).where(same).values(**values).execution_options(synchronize_session=False)) == 0:
        raise PartnerSecretRotated()
    audit.record(by, "partner secret replaced", "partner", endpoint_id, after={"rotations": rotation + 1, "old_holds_hours": keep_hours})
    partner = find_locked(endpoint_id)
    return partner, secret


def _no_old() -> dict[str, Any]:
    return {"old_secret": None, "old_secret_ends_at": None}


def test(endpoint_id: int, *, by: str) -> PartnerDelivery:
    """Send a test event to this partner alone. PartnerNotFound, PartnerPaused."""
    partner = find_locked(endpoint_id)
    if partner.paused_at is not None:
        raise PartnerPaused(why=partner.paused_why)
    now = clock.now()
    test_event = partner_events.NewEvent(EventKind.TEST, secrets.token_hex(8), now, {"partner": partner.name, "asked_at": now})
    event = PartnerEvent(**partner_events.row(test_event, endpoint_id=endpoint_id))
    session.add(event)
    session.flush()
    dispatch.create_deliveries([event])
    audit.record(by, "partner tested", "partner", endpoint_id, after={"event": event.number})
    return session.scalars(select(PartnerDelivery).where(PartnerDelivery.event_id == event.id)).one()
