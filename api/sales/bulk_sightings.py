"""Many sightings of one shop at once, by a channel that knows no member: as one by one, in few statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy.dialects.postgresql import insert

from api.kit import clock, db
from api.kit.db import session
from api.malls import service as malls
from api.sales import queries, same_purchase
from api.sales.models import Sale, Sighting
from api.sales.same_purchase import Known, Register, Told

#: First key of the advisory lock that lets one sighting a shop be matched at a time.
SIGHTING_LOCK = 0x5A1E


class Telling(NamedTuple):
    """One of many sightings told at once: the teller's own number for it, the minute, fen, and the till's number."""

    source_id: int
    paid_at: datetime
    paid_fen: int
    receipt_no: str


@dataclass(frozen=True)
class Found:
    """What one of many sightings is, or would be: of which sale (None: one not seen before), what it tells differently, and the
    amount of the sale."""

    sale_id: int | None
    is_new_sale: bool
    differs: list[str]
    paid_fen: int


def foresee(shop_id: int, tellings: Sequence[Telling], *, channel: str, source_type: str) -> list[Found]:
    """What each of these sightings would turn out to be, in their order. Nothing is written. Two statements."""
    told = _told_all(tellings, channel, source_type)
    known, _ = queries.known(shop_id, told, source_type=source_type, source_ids=())
    return [Found(sale.sale_id, is_new, differs, sale.paid_fen) for sale, is_new, differs in _compare(told, known)]


def sight_all(shop_id: int, tellings: Sequence[Telling], *, channel: str, source_type: str) -> list[Found]:
    """A channel that knows no member tells of many purchases of a shop at once: as `sight` for each. At most five statements.

    The shop's other sightings wait until this unit of work ends, so tell of some hundreds at most.
    """
    told = _told_all(tellings, channel, source_type)
    db.hold_locks([sighting_lock(shop_id)])
    known, before = queries.known(shop_id, told, source_type=source_type, source_ids={one.source_id for one in tellings})
    fresh = [place for place, one in enumerate(tellings) if one.source_id not in before]
    compared = _compare([told[place] for place in fresh], known)
    _record_all(shop_id, [(sale, tellings[place]) for place, (sale, is_new, _) in zip(fresh, compared, strict=True) if is_new])
    found, seen = {}, []
    for place, (sale, is_new, differs) in zip(fresh, compared, strict=True):
        assert sale.sale_id is not None
        found[place] = Found(sale.sale_id, is_new, differs, sale.paid_fen)
        seen.append(_seen(shop_id, sale.sale_id, told[place], tellings[place], source_type, differs))
    if seen:
        session.execute(insert(Sighting), seen)
    return [found.get(place) or Found(before[one.source_id], False, [], one.paid_fen) for place, one in enumerate(tellings)]


def _told_all(tellings: Sequence[Telling], channel: str, source_type: str) -> list[Told]:
    zone, source = ZoneInfo(malls.mall_info().timezone), same_purchase.teller(source_type)
    return [
        Told(channel, at, at.astimezone(zone).date(), True, fen, same_purchase.number_key(number), None, source=source)
        for _, at, fen, number in tellings
    ]


def _compare(told: Sequence[Told], known: Sequence[Known]) -> list[tuple[Known, bool, list[str]]]:
    """For each sighting its sale, whether the sighting is what made it known, and what is told differently."""
    register, compared = Register(known), []
    for one in told:
        sale = register.choose(one)
        if sale is None:
            sale = Known(None, one.paid_at, one.paid_on, one.minute_known, one.paid_fen, [one])
            register.add(sale)
            compared.append((sale, True, list[str]()))
        else:
            compared.append((sale, False, same_purchase.differences(one, sale)))
            register.tell(sale, one)
    return compared


def _record_all(shop_id: int, new: Sequence[tuple[Known, Telling]]) -> None:
    """Purchases not seen before, in one statement; each learns its number."""
    if not new:
        return
    now = clock.now()
    rows = [
        {
            "shop_id": shop_id, "channel": sale.told[0].channel, "paid_at": sale.paid_at, "paid_on": sale.paid_on, "minute_known": True,
            "paid_fen": sale.paid_fen, "receipt_no": telling.receipt_no, "tenders": [], "lines": [], "recorded_at": now,
        }
        for sale, telling in new
    ]  # fmt: skip
    made = session.scalars(insert(Sale).returning(Sale.id, sort_by_parameter_order=True), rows)
    for (sale, _), sale_id in zip(new, made, strict=True):
        sale.sale_id = sale_id


def _seen(shop_id: int, sale_id: int, told: Told, telling: Telling, source_type: str, differs: list[str]) -> dict[str, Any]:
    return {
        "sale_id": sale_id, "shop_id": shop_id, "channel": told.channel, "source_type": source_type, "source_id": telling.source_id,
        "member_id": None, "paid_at": told.paid_at, "minute_known": True, "paid_fen": told.paid_fen, "receipt_no": telling.receipt_no,
        "number_key": told.number_key, "external_no": None, "external_key": None, "differs": differs, "seen_at": clock.now(),
    }  # fmt: skip


def sighting_lock(shop_id: int) -> db.Lock:
    """Who holds it lets nobody else match a sighting of this shop, until the unit of work ends."""
    return db.Lock(shop_id, SIGHTING_LOCK)
