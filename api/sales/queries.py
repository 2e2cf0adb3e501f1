"""Reads of sales that take many questions at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Text, any_, literal, select, union

from api.kit.db import session
from api.sales import same_purchase
from api.sales.models import Sale, Sighting
from api.sales.same_purchase import Known, Told

MOST_SPANS = 32


def known(shop_id: int, told: Sequence[Told], *, source_type: str, source_ids: Collection[int]) -> tuple[list[Known], dict[int, int]]:
    """The sales of a shop that any of these sightings may be another sighting of, with all told of them; and which of these
    sources told before, source → sale. Two statements."""
    if not told:
        return [], {}
    # The numbers first, then the rows by their numbers: joined in one, the planner reads every sighting there is.
    ids = list(session.scalars(_alike(shop_id, told, source_type, source_ids)))
    if not ids:
        return [], {}
    rows = session.execute(
        select(
            Sighting.sale_id, Sighting.channel, Sighting.source_type, Sighting.source_id, Sighting.paid_at, Sighting.minute_known,
            Sighting.paid_fen, Sighting.number_key, Sighting.external_key,
            Sale.paid_at.label("sale_at"), Sale.paid_on, Sale.minute_known.label("sale_timed"), Sale.paid_fen.label("sale_fen"),
        )
        .join(Sale, Sale.id == Sighting.sale_id)
        .where(Sighting.sale_id == any_(literal(ids, ARRAY(BigInteger))))
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
                same_purchase.teller(row.source_type),
            )
        )  # fmt: skip
    return list(found.values()), before


def _alike(shop_id: int, told: Sequence[Told], source_type: str, source_ids: Collection[int]) -> Any:
    """The same sales as for each sighting alone, and some more of the same amounts: `matching.choose` leaves those out."""
    near, day = same_purchase.SAME_NUMBER + same_purchase.CLOCKS_DIFFER, timedelta(hours=36)
    amounts = literal(sorted({one.paid_fen for one in told}), ARRAY(BigInteger))
    same = (Sale.shop_id == shop_id) & (Sale.paid_fen == any_(amounts))
    spans = _spans(sorted(one.paid_at for one in told), near)
    keys = sorted({one.number_key for one in told if one.number_key is not None})
    begins, ends = spans[0][0] + near - day, spans[-1][1] - near + day
    return union(
        *(select(Sale.id).where(same, Sale.paid_at.between(*span)) for span in spans),
        select(Sale.id).where(same, Sale.minute_known.is_(False), Sale.paid_at.between(begins, ends)),
        select(Sighting.sale_id).where(Sighting.shop_id == shop_id, Sighting.number_key == any_(literal(keys, ARRAY(Text)))),
        select(Sighting.sale_id).where(
            Sighting.source_type == source_type, Sighting.source_id == any_(literal(sorted(source_ids), ARRAY(BigInteger)))
        ),
    )


def _spans(instants: Sequence[datetime], near: timedelta) -> list[tuple[datetime, datetime]]:
    """So much time around each instant, as few spans as cover it, at most MOST_SPANS."""
    spans = [[instants[0] - near, instants[0] + near]]
    for at in instants[1:]:
        if at - near <= spans[-1][1]:
            spans[-1][1] = at + near
        else:
            spans.append([at - near, at + near])
    while len(spans) > MOST_SPANS:
        spans = [[pair[0][0], pair[-1][1]] for pair in (spans[place : place + 2] for place in range(0, len(spans), 2))]
    return [(begins, ends) for begins, ends in spans]
