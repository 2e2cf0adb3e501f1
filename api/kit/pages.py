"""Lists come page by page: by key, never by offset, so page 10,000 costs what page 1 costs."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from api.kit.db import session
from api.kit.errors import Unprocessable

T = TypeVar("T")

DEFAULT_LIMIT = 20
MAX_LIMIT = 100


class CursorInvalid(Unprocessable):
    """This page cursor is not one of ours; start again without it."""


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list, and the cursor of the next one (None at the end)."""

    items: Sequence[T]
    next_cursor: str | None


def page(
    query: Select[Any],
    *keys: InstrumentedAttribute[Any],
    cursor: str | None,
    limit: int = DEFAULT_LIMIT,
    descending: bool = True,
) -> Page[Any]:
    """Run the query ordered by its keys (the last one unique), from the cursor on. One statement."""
    limit = max(1, min(limit, MAX_LIMIT))
    columns: Any = tuple_(*keys)
    if cursor is not None:
        after = tuple_(*_decode(cursor, keys))
        query = query.where(columns < after if descending else columns > after)
    ordered = query.order_by(*(key.desc() if descending else key.asc() for key in keys)).limit(limit + 1)
    rows = session.execute(ordered).all()
    single = [row[0] if len(row) == 1 else row for row in rows]
    if len(single) <= limit:
        return Page(single, None)
    last = single[limit - 1]
    return Page(single[:limit], _encode([getattr(last, key.key) for key in keys]))


def _encode(values: Sequence[Any]) -> str:
    plain = [value.isoformat() if isinstance(value, date) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def _decode(cursor: str, keys: Sequence[InstrumentedAttribute[Any]]) -> list[Any]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        values = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if not isinstance(values, list) or len(values) != len(keys):
            raise ValueError("wrong number of keys")
        return [_typed(value, key.type.python_type) for value, key in zip(values, keys, strict=True)]
    except (ValueError, TypeError) as error:
        raise CursorInvalid() from error


def _typed(value: Any, wanted: type[Any]) -> Any:
    if wanted is date:
        return date.fromisoformat(value)
    if wanted is datetime:
        at = datetime.fromisoformat(value)
        if at.tzinfo is None:
            raise ValueError("an instant without offset")
        return at
    if type(value) is not wanted or (isinstance(value, int) and abs(value) >= 2**63):
        raise ValueError("wrong type of key")
    return value
