"""The known purchases of a shop that sightings are compared with."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, BigInteger, Text, any_, literal, select, union_all

from api.kit.db import session
from api.sales import same_purchase
from api.sales.models import Sale, Sighting
from api.sales.same_purchase import KnownPurchase, PurchaseFacts

MOST_SPANS = 32
#: How far around a sighting a purchase may lie: where both minutes are known, and where only a day is.
MINUTES, DAY = same_purchase.SAME_NUMBER + same_purchase.CLOCKS_DIFFER, timedelta(hours=36)

Span = tuple[datetime, datetime]


class EarlierSighting(NamedTuple):
    """The sighting that a source brought before: of which sale, and the sighting that scored that."""

    sale_id: int
    sighting_id: int
    scored_by: int | None


def known_purchases(
    shop_id: int, facts: Sequence[PurchaseFacts], *, source_type: str = "", source_ids: Collection[int] = ()
) -> tuple[list[KnownPurchase], dict[int, EarlierSighting]]:
    """The purchases of a shop that any of these sightings may be another sighting of, with all that was said of them; and what these
    sources brought before, by source. One statement for a single sighting, at most two for many."""
    if not facts:
        return [], {}
    alike: Any = _alike(shop_id, facts, source_type, source_ids)
    if len(facts) > 1:
        # The numbers first, then the rows by their numbers: joined in one, the planner reads every sighting there is.
        ids = sorted(set(session.scalars(alike)))
        if not ids:
            return [], {}
        alike = any_(literal(ids, ARRAY(BigInteger)))
    rows = session.execute(
        select(
            Sighting.sale_id, Sighting.id, Sighting.channel, Sighting.source_type, Sighting.source_id, Sighting.paid_at,
            Sighting.minute_known, Sighting.paid_fen, Sighting.number_key, Sighting.external_key,
            Sighting.member_id, Sale.paid_on, Sale.refunded_fen, Sale.scored_by,
        )
        .join(Sale, Sale.id == Sighting.sale_id)
        .where(Sighting.sale_id.in_(alike) if len(facts) == 1 else Sighting.sale_id == alike)
        .order_by(Sighting.id)
    )  # fmt: skip
    purchases: dict[int, KnownPurchase] = {}
    earlier: dict[int, EarlierSighting] = {}
    for row in rows:
        if row.source_type == source_type and row.source_id in source_ids:
            earlier[row.source_id] = EarlierSighting(row.sale_id, row.id, row.scored_by)
        purchase = purchases.setdefault(row.sale_id, KnownPurchase(row.sale_id, [], row.refunded_fen))
        purchase.sightings.append(
            PurchaseFacts(
                row.channel, row.paid_at, row.paid_on, row.minute_known, row.paid_fen, row.number_key, row.external_key,
                same_purchase.source_of(row.source_type), row.member_id,
            )
        )  # fmt: skip
        if row.id == row.scored_by:
            purchase.scored_in = row.channel
    return list(purchases.values()), earlier


def _alike(shop_id: int, facts: Sequence[PurchaseFacts], source_type: str, source_ids: Collection[int]) -> Any:
    """The ids of sales with one of these numbers, or one of these amounts at nearly that moment; a stall sells the same dish all day, so
    where minutes are known only the near ones are looked at. More than belong together: `same_purchase.recognize` leaves the rest out."""
    same = (Sale.shop_id == shop_id) & _among(Sale.paid_fen, BigInteger, {sighting.paid_fen for sighting in facts})
    spans = [(at.paid_at - reach, at.paid_at + reach) for at in facts for reach in [MINUTES if at.minute_known else DAY]]
    ids = [select(Sale.id).where(same, Sale.paid_at.between(*span)) for span in _merged(sorted(spans))]
    if timed := [sighting.paid_at for sighting in facts if sighting.minute_known]:
        untimed = Sale.minute_known.is_(False)
        ids.append(select(Sale.id).where(same, untimed, Sale.paid_at.between(min(timed) - DAY, max(timed) + DAY)))
    for column, keys in (
        (Sighting.number_key, {sighting.number_key for sighting in facts}),
        (Sighting.external_key, {sighting.external_key for sighting in facts}),
    ):
        if given := keys - {None}:
            ids.append(select(Sighting.sale_id).where(Sighting.shop_id == shop_id, _among(column, Text, given)))
    if source_ids:
        ids.append(select(Sighting.sale_id).where(Sighting.source_type == source_type, _among(Sighting.source_id, BigInteger, source_ids)))
    return union_all(*ids)


def _among(column: Any, kind: Any, values: Collection[Any]) -> Any:
    # A single payment is by far the most frequent case: it stays a plain comparison.
    if len(values) == 1:
        return column == next(iter(values))
    return column == any_(literal(sorted(values), ARRAY(kind)))


def _merged(spans: Sequence[Span]) -> list[Span]:
    """As few spans as cover these (sorted) ones, at most MOST_SPANS."""
    merged = [spans[0]]
    for begins, ends in spans[1:]:
        if begins <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], ends))
        else:
            merged.append((begins, ends))
    while len(merged) > MOST_SPANS:
        merged = [(pair[0][0], pair[-1][1]) for pair in (merged[place : place + 2] for place in range(0, len(merged), 2))]
    return merged
