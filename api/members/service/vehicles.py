"""Cars of members (车辆), known by their plates, which parking asks for."""

from __future__ import annotations

import re
import unicodedata

from sqlalchemy import func, select, update

from api.kit import clock, db, pages
from api.kit.db import session
from api.members.errors import PlateInvalid, TooManyVehicles, VehicleNotFound
from api.members.models import Vehicle

MOST = 5

#: Province, office, five or (new energy) six places; special last characters of GA 36-2018.
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使][A-HJ-NP-Z](?:[A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂学警港澳领]|[A-HJ-NP-Z0-9]{6})"
)


def normalise_plate(given: str) -> str:
    """京a·12345 → 京A12345. PlateInvalid."""
    plate = re.sub(r"[\s·.\-]+", "", unicodedata.normalize("NFKC", given)).upper()
    if not _PLATE.fullmatch(plate):
        raise PlateInvalid()
    return plate


def of(member_id: int, cursor: str | None, limit: int) -> pages.Page[Vehicle]:
    """A member's vehicles, newest first."""
    return pages.page(select(Vehicle).where(Vehicle.member_id == member_id), Vehicle.id, cursor=cursor, limit=limit)


def add(member_id: int, plate: str) -> Vehicle:
    """Add a vehicle; the first one is the default. The same plate again gives the one there is. PlateInvalid, TooManyVehicles."""
    wanted = normalise_plate(plate)
    db.lock("vehicles", member_id)
    held = session.scalar(select(Vehicle).where(Vehicle.member_id == member_id, Vehicle.plate == wanted))
    if held is not None:
        return held
    count = session.scalar(select(func.count()).where(Vehicle.member_id == member_id)) or 0
    if count >= MOST:
        raise TooManyVehicles(most=MOST)
    vehicle = Vehicle(member_id=member_id, plate=wanted, is_default=count == 0, added_at=clock.now())
    session.add(vehicle)
    session.flush()
    return vehicle


def make_default(member_id: int, vehicle_id: int) -> Vehicle:
    """Make one vehicle the default. VehicleNotFound."""
    db.lock("vehicles", member_id)
    vehicle = _own(member_id, vehicle_id)
    session.execute(update(Vehicle).where(Vehicle.member_id == member_id, Vehicle.is_default).values(is_default=False))
    vehicle.is_default = True
    session.flush()
    return vehicle


def remove(member_id: int, vehicle_id: int) -> None:
    """Remove a vehicle; of what is left the newest becomes the default. VehicleNotFound."""
    db.lock("vehicles", member_id)
    vehicle = _own(member_id, vehicle_id)
    session.delete(vehicle)
    session.flush()
    if vehicle.is_default:
        newest = session.scalar(select(func.max(Vehicle.id)).where(Vehicle.member_id == member_id))
        session.execute(update(Vehicle).where(Vehicle.id == newest).values(is_default=True))


def default_plate(member_id: int) -> str | None:
    """The plate that parking uses when none is named."""
    return session.scalar(select(Vehicle.plate).where(Vehicle.member_id == member_id, Vehicle.is_default))


def _own(member_id: int, vehicle_id: int) -> Vehicle:
    vehicle = session.scalar(select(Vehicle).where(Vehicle.id == vehicle_id, Vehicle.member_id == member_id).with_for_update())
    if vehicle is None:
        raise VehicleNotFound()
    return vehicle
