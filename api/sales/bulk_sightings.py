"""Many sightings of one shop at once, by a channel that knows no member: as one by one, in few statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.dialects.postgresql import insert

from api.kit import clock, db
from api.kit.db import session
from api.malls import service as malls
from api.sales import queries, same_purchase
from api.sales.models import Sale, Sighting
from api.sales.same_purchase import KnownPurchase, PurchaseFacts, Register

#: First key of the advisory lock under which the sightings of a shop are matched one at a time.
SIGHTING_LOCK = 0x5A1E


class ReportedPurchase(NamedTuple):
    """One of many purchases reported at once: its number in the report, the minute, fen, and the till's number."""

    source_id: int
    paid_at: datetime
    paid_fen: int
    receipt_no: str


@dataclass(frozen=True)
class SightingMatch:
    """What one of many sightings is, or would be: of which sale (None: one not seen before), what it says differently, and the
    amount of the sale."""

    sale_id: int | None
    is_new_sale: bool
    differs: list[str]
    paid_fen: int


class _Compared(NamedTuple):
    """A sighting's purchase, whether the sighting is what made it known, and what it says differently."""

    purchase: KnownPurchase
    is_new: bool
    differs: list[str]


def foresee(shop_id: int, reported: Sequence[ReportedPurchase], *, channel: str, source_type: str) -> list[SightingMatch]:
    """What each of these sightings would turn out to be, in their order. Nothing is written. At most two statements."""
    sightings = _all_facts(reported, channel, source_type)
    purchases, _ = queries.known_purchases(shop_id, sightings)
    return [_match(compared) for compared in _compare(sightings, purchases)]


def sight_all(shop_id: int, reported: Sequence[ReportedPurchase], *, channel: str, source_type: str) -> list[SightingMatch]:
    """A channel that knows no member reports many purchases of a shop at once: as `sight` for each. At most five statements.

    The shop's other sightings wait until this unit of work ends, so report some hundreds at most.
    """
    sightings = _all_facts(reported, channel, source_type)
    db.hold_locks([sighting_lock(shop_id)])
    source_ids = {purchase.source_id for purchase in reported}
    purchases, earlier = queries.known_purchases(shop_id, sightings, source_type=source_type, source_ids=source_ids)
    fresh = [place for place, purchase in enumerate(reported) if purchase.source_id not in earlier]
    compared = dict(zip(fresh, _compare([sightings[place] for place in fresh], purchases), strict=True))
    _record_all(shop_id, [(match.purchase, reported[place]) for place, match in compared.items() if match.is_new])
    rows = [_row(shop_id, match, sightings[place], reported[place], source_type) for place, match in compared.items()]
    if rows:
        session.execute(insert(Sighting), rows)
    return [
        _match(compared[place]) if place in compared else SightingMatch(earlier[purchase.source_id].sale_id, False, [], purchase.paid_fen)
        for place, purchase in enumerate(reported)
    ]


def _all_facts(reported: Sequence[ReportedPurchase], channel: str, source_type: str) -> list[PurchaseFacts]:
    timezone = malls.mall_info().timezone
    return [
        same_purchase.purchase_facts(channel, source_type, timezone=timezone, paid_at=paid_at, paid_fen=paid_fen, receipt_no=receipt_no)
        for _, paid_at, paid_fen, receipt_no in reported
    ]


def _compare(sightings: Sequence[PurchaseFacts], purchases: Sequence[KnownPurchase]) -> list[_Compared]:
    """Each sighting beside its purchase; one that the earlier of them brought is known to the later."""
    register, compared = Register(purchases), []
    for sighting in sightings:
        recognized = register.recognize(sighting)
        if recognized is None:
            purchase = KnownPurchase(None, [sighting])
            register.add(purchase)
            compared.append(_Compared(purchase, True, []))
        else:
            purchase = recognized.purchase
            compared.append(_Compared(purchase, False, same_purchase.differences(sighting, purchase.first)))
            register.add_sighting(purchase, sighting)
    return compared


def _match(compared: _Compared) -> SightingMatch:
    return SightingMatch(compared.purchase.sale_id, compared.is_new, compared.differs, compared.purchase.first.paid_fen)


def _record_all(shop_id: int, new: Sequence[tuple[KnownPurchase, ReportedPurchase]]) -> None:
    """Purchases not seen before, in one statement; each learns its number."""
    if not new:
        return
    now = clock.now()
    rows = [
        {
            "shop_id": shop_id, "channel": purchase.first.channel, "paid_at": purchase.first.paid_at, "paid_on": purchase.first.paid_on,
            "minute_known": True, "paid_fen": purchase.first.paid_fen, "receipt_no": reported.receipt_no, "tenders": [], "lines": [],
            "recorded_at": now,
        }
        for purchase, reported in new
    ]  # fmt: skip
    sale_ids = session.scalars(insert(Sale).returning(Sale.id, sort_by_parameter_order=True), rows)
    for (purchase, _), sale_id in zip(new, sale_ids, strict=True):
        purchase.sale_id = sale_id


def _row(shop_id: int, compared: _Compared, sighting: PurchaseFacts, reported: ReportedPurchase, source_type: str) -> dict[str, Any]:
    assert compared.purchase.sale_id is not None
    return {
        "sale_id": compared.purchase.sale_id, "shop_id": shop_id, "channel": sighting.channel, "source_type": source_type,
        "source_id": reported.source_id, "member_id": None, "paid_at": sighting.paid_at, "minute_known": True,
        "paid_fen": sighting.paid_fen, "receipt_no": reported.receipt_no, "number_key": sighting.number_key, "external_no": None,
        "external_key": None, "differs": compared.differs, "seen_at": clock.now(),
    }  # fmt: skip


def sighting_lock(shop_id: int) -> db.Lock:
    """Who holds it lets nobody else match a sighting of this shop, until the unit of work ends."""
    return db.Lock(shop_id, SIGHTING_LOCK)
