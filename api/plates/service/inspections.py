"""How a swapped plate is noticed: a floor walker's spot checks, and alarms that a person looks after."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import select, update

from api.kit import audit, clock, live, pages
from api.kit.db import rows_changed, session
from api.malls import service as malls
from api.malls.models import Shop
from api.plates.errors import PlateAlarmSeen, PlateAlarmUnknown
from api.plates.models import Plate, PlateAlarm, PlateCheck
from api.plates.service.print_sheets import address
from api.plates.states import PlateState

RIGHT, LOOKS_WRONG = "right", "looks_wrong"
WRONG_PLATE, SILENCE = "wrong_plate", "silence"
_CODE = re.compile(r"[a-z2-9]{12}", re.ASCII)


@dataclass(frozen=True)
class ExpectedPlate:
    """What a scanned code should be: its plate (None: not one of this mall's) and the shop that it stands at."""

    scanned: str
    plate: Plate | None
    shop: Shop | None


def expected(scanned: str, base: str) -> ExpectedPlate:
    """What should be seen around a scanned code. `scanned` is what the scanner read, `base` the address that our plates lead to."""
    plate = _plate_in(scanned, base)
    stands = plate is not None and plate.state == PlateState.BOUND and plate.shop_id is not None
    return ExpectedPlate(scanned, plate, malls.shop_in_view(plate.shop_id) if plate and stands and plate.shop_id else None)


def _plate_in(scanned: str, base: str) -> Plate | None:
    # Our code at somebody else's address is somebody else's plate.
    code = scanned.removeprefix(address(base, ""))
    return session.scalars(select(Plate).where(Plate.code == code)).one_or_none() if _CODE.fullmatch(code) else None


def check(scanned: str, base: str, *, shop_id: int, looks_right: bool, note: str, by: str) -> PlateCheck:
    """Write down what stands on a shop's counter. What is not this shop's plate is wrong, whatever the walker says. ShopNotFound."""
    shop, plate = malls.shop(shop_id), _plate_in(scanned, base)
    finding = _finding(plate, shop.id, looks_right)
    spot_check = PlateCheck(
        scanned=scanned,
        plate_id=plate.id if plate else None,
        shop_id=shop.id,
        finding=finding,
        note=note,
        checked_by=by,
        checked_at=clock.now(),
    )
    session.add(spot_check)
    session.flush()
    if finding != RIGHT:
        _raise_alarm(spot_check)
    return spot_check


def _finding(plate: Plate | None, shop_id: int, looks_right: bool) -> str:
    if plate is None:
        return "not_ours"
    if plate.state != PlateState.BOUND:
        return plate.state
    if plate.shop_id != shop_id:
        return "other_shop"
    return RIGHT if looks_right else LOOKS_WRONG


def _raise_alarm(spot_check: PlateCheck) -> None:
    facts = {"check_id": spot_check.id, "finding": spot_check.finding, "plate_id": spot_check.plate_id}
    session.add(PlateAlarm(kind=WRONG_PLATE, shop_id=spot_check.shop_id, facts=facts, raised_at=spot_check.checked_at))
    session.flush()
    live.publish("shop", spot_check.shop_id, "plate_alarm", about=WRONG_PLATE, finding=spot_check.finding)


def checks(*, shop_id: int | None, cursor: str | None, limit: int) -> pages.Page[PlateCheck]:
    """Spot checks, newest first, of the mall or of one shop."""
    query = select(PlateCheck)
    if shop_id is not None:
        query = query.where(PlateCheck.shop_id == shop_id)
    return pages.page(query, PlateCheck.id, cursor=cursor, limit=limit)


def alarms(
    *,
    unseen: bool = False,
    kind: str | None = None,
    shop_id: int | None = None,
    cursor: str | None = None,
    limit: int = pages.DEFAULT_LIMIT,
) -> pages.Page[PlateAlarm]:
    """Alarms, newest first."""
    query = select(PlateAlarm).filter_by(**{name: value for name, value in (("kind", kind), ("shop_id", shop_id)) if value is not None})
    if unseen:
        query = query.where(PlateAlarm.seen_at.is_(None))
    return pages.page(query, PlateAlarm.id, cursor=cursor, limit=limit)


def acknowledge(alarm_id: int, *, by: str, verdict: str) -> PlateAlarm:
    """Say what an alarm came to. PlateAlarmUnknown, PlateAlarmSeen."""
    unseen = update(PlateAlarm).where(PlateAlarm.id == alarm_id, PlateAlarm.seen_at.is_(None))
    changed = rows_changed(unseen.values(seen_by=by, seen_at=clock.now(), verdict=verdict).execution_options(synchronize_session=False))
    alarm = session.get(PlateAlarm, alarm_id, populate_existing=True)
    if alarm is None:
        raise PlateAlarmUnknown()
    if not changed:
        raise PlateAlarmSeen(seen_by=alarm.seen_by)
    audit.record(by, "looked after the alarm", "plate_alarm", alarm.id, after={"verdict": verdict}, why=verdict)
    return alarm
