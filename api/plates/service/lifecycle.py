"""The life of plates: made in batches, bound to shops, moved, retired."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import func, select

from api.kit import audit, clock, db, pages, states
from api.kit.db import session
from api.malls import service as malls
from api.plates.errors import PlateBatchUnknown, PlateBound, PlateRetired, PlateStandsThere, PlateUnknown
from api.plates.models import Plate, PlateBatch
from api.plates.service.resolution import KIND
from api.plates.states import PlateState


def issue(count: int, *, note: str, by: str) -> PlateBatch:
    """Make a batch of blank plates, numbered on from the last one. A handful of statements, whatever the count."""
    db.lock("plate numbers")
    first = (session.scalar(select(func.max(Plate.number))) or 0) + 1
    now = clock.now()
    batch = PlateBatch(note=note, plates=count, first_number=first, made_by=by, made_at=now)
    session.add(batch)
    session.flush()
    codes = malls.new_codes(KIND, count)
    session.add_all(
        Plate(batch_id=batch.id, code=code, number=number, state=PlateState.BLANK, moved_at=now) for number, code in enumerate(codes, first)
    )
    session.flush()
    audit.record(by, "made plates", "plate_batch", batch.id, after={"plates": count, "first_number": first}, why=note or None)
    return batch


def batches(*, cursor: str | None, limit: int) -> pages.Page[PlateBatch]:
    """Every batch, newest first."""
    return pages.page(select(PlateBatch), PlateBatch.id, cursor=cursor, limit=limit)


def batch(batch_id: int) -> PlateBatch:
    """One batch. PlateBatchUnknown."""
    row = session.get(PlateBatch, batch_id)
    if row is None:
        raise PlateBatchUnknown()
    return row


def bind(plate_id: int, shop_id: int, *, by: str, why: str | None = None) -> Plate:
    """Put a blank plate on a shop's counter. PlateUnknown, PlateBound, PlateRetired, ShopNotFound."""
    plate = _held(plate_id)
    if plate.state == PlateState.RETIRED:
        raise PlateRetired()
    if plate.state == PlateState.BOUND:
        assert plate.shop_id is not None  # a CHECK of the table
        raise PlateBound(shop=malls.shop(plate.shop_id).name, shop_id=plate.shop_id)
    return _place(plate, shop_id, "bound the plate", by, why)


def move(plate_id: int, shop_id: int, *, by: str, why: str) -> Plate:
    """Let a plate stand at another shop from now on. PlateUnknown, PlateStandsThere, WrongState, ShopNotFound."""
    plate = _held(plate_id)
    if plate.state == PlateState.RETIRED:
        raise PlateRetired()
    if plate.state == PlateState.BLANK:
        raise states.WrongState(state=plate.state)
    if plate.shop_id == shop_id:
        raise PlateStandsThere()
    return _place(plate, shop_id, "moved the plate", by, why)


def _place(plate: Plate, shop_id: int, action: str, by: str, why: str | None) -> Plate:
    shop, before = malls.shop(shop_id), plate.shop_id
    facts = {"shop_id": shop.id, "from_shop_id": before}
    states.move(plate, PlateState.BOUND, by=by, reason=why, facts=facts, shop_id=shop.id)
    audit.record(by, action, "plate", plate.id, before={"shop_id": before} if before else None, after={"shop_id": shop.id}, why=why)
    return plate


def retire(plate_id: int, *, by: str, why: str) -> Plate:
    """Take a plate out of use for good; its code is never given again. PlateUnknown, WrongState."""
    plate = _held(plate_id)
    before = plate.state
    states.move(plate, PlateState.RETIRED, by=by, reason=why)
    audit.record(by, "retired the plate", "plate", plate.id, before={"state": before}, after={"state": plate.state}, why=why)
    return plate


def _held(plate_id: int) -> Plate:
    # Held, so that of two people who bind it at once the second sees where it stands.
    plate = session.get(Plate, plate_id, with_for_update=True, populate_existing=True)
    if plate is None:
        raise PlateUnknown()
    return plate


def plate_of(plate_id: int) -> Plate:
    """One plate. PlateUnknown."""
    plate = session.get(Plate, plate_id)
    if plate is None:
        raise PlateUnknown()
    return plate


def moves_of(plate_id: int) -> list[Any]:
    """Every move of a plate, newest first; a plate has few."""
    table = Plate.moves_table
    return list(session.execute(select(table).where(table.c.plate_id == plate_id).order_by(table.c.seq.desc()).limit(pages.MAX_LIMIT)))


def plates(
    *,
    state: str | None = None,
    shop_id: int | None = None,
    batch_id: int | None = None,
    number: int | None = None,
    code: str | None = None,
    cursor: str | None = None,
    limit: int = pages.DEFAULT_LIMIT,
) -> pages.Page[Plate]:
    """Plates of the mall, newest first."""
    filters = {"state": state, "shop_id": shop_id, "batch_id": batch_id, "number": number, "code": code}
    query = select(Plate).filter_by(**{name: value for name, value in filters.items() if value is not None})
    return pages.page(query, Plate.id, cursor=cursor, limit=limit)


def shops_with_plates() -> Collection[int]:
    """The shops at which a plate stands. One statement."""
    return set(session.scalars(select(Plate.shop_id).where(Plate.state == PlateState.BOUND, Plate.shop_id.is_not(None)).distinct()))
