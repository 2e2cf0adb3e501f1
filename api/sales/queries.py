"""Reads of sales that take many questions at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import BigInteger, DateTime, column, select, union, values

from api.kit.db import session
from api.sales import matching
from api.sales.matching import Known, Told
from api.sales.models import Sale, Sighting


def known(shop_id: int, told: Sequence[Told], *, source_type: str, source_ids: Collection[int]) -> tuple[list[Known], dict[int, int]]:
    """The sales of a shop that any of these sightings may be another sighting of, with all told of them; and which of these
    sources told before, source → sale. One statement."""
    if not told:
        return [], {}
    rows = session.execute(
        select(
            Sighting.sale_id, Sighting.channel, Sighting.source_type, Sighting.source_id, Sighting.paid_at, Sighting.minute_known,
            Sighting.paid_fen, Sighting.number_key, Sighting.external_key,
            Sale.paid_at.label("sale_at"), Sale.paid_on, Sale.minute_known.label("sale_timed"), Sale.paid_fen.label("sale_fen"),
        )
        .join(Sale, Sale.id == Sighting.sale_id)
        .where(Sighting.sale_id.in_(_alike(shop_id, told, source_type, source_ids)))
        .order_by(Sighting.id)
    )  # fmt: skip
    found: dict[int, Known] = {}
    before: dict[int, int] = {}
    for row in rows:
        if row.source_type == source_type and row.source_id in source_ids:
            before[row.source_id] = row.sale_id
        one = found.setdefault(row.sale_id, Known(row.sale_id, row.sale_at, row.paid_on, row.sale_timed, row.sale_fen, []))
        one.told.append(
            Told(
                row.channel, row.paid_at, row.paid_on, row.minute_known, row.paid_fen, row.number_key, row.external_key,
                matching.teller(row.source_type),
            )
        )  # fmt: skip
    return list(found.values()), before


def _alike(shop_id: int, told: Sequence[Told], source_type: str, source_ids: Collection[int]) -> Any:
    asked = values(column("fen", BigInteger), column("at", DateTime(timezone=True)), name="asked").data(
        sorted({(one.paid_fen, one.paid_at) for one in told})
    )
    same = (Sale.shop_id == shop_id) & (Sale.paid_fen == asked.c.fen)
    day, near = timedelta(hours=36), matching.SAME_NUMBER + matching.CLOCKS_DIFFER
    keys = {one.number_key for one in told if one.number_key is not None}
    return union(
        select(Sale.id).select_from(asked).join(Sale, same & Sale.paid_at.between(asked.c.at - near, asked.c.at + near)),
        select(Sale.id)
        .select_from(asked)
        .join(Sale, same & Sale.minute_known.is_(False) & Sale.paid_at.between(asked.c.at - day, asked.c.at + day)),
        select(Sighting.sale_id).where(Sighting.shop_id == shop_id, Sighting.number_key.in_(keys)),
        select(Sighting.sale_id).where(Sighting.source_type == source_type, Sighting.source_id.in_(source_ids)),
    )
