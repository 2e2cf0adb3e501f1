"""Statements of checkout that write several tables at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import CTE, BigInteger, Boolean, ColumnClause, Select, Text, column, func, insert, literal, select, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.dml import ReturningInsert

from api.checkout.models import OrderLine, OrderShare

_LINE = (
    column("line", BigInteger), column("shop_id", BigInteger), column("name", Text), column("category", Text),
    column("quantity", BigInteger), column("item_ref", Text), column("list_fen", BigInteger), column("net_fen", BigInteger),
    column("takes_benefits", Boolean), column("earns", Boolean),
)  # fmt: skip
_SHARE = (
    column("line", BigInteger), column("tender", Text), column("source_id", BigInteger), column("amount_fen", BigInteger),
    column("bearers", JSONB),
)  # fmt: skip


def with_lines(order: CTE, lines: list[dict[str, Any]], shares: list[dict[str, Any]]) -> ReturningInsert[Any]:
    """Write lines and shares beside the order that a statement inserts, which gives its id and member; so does this, once a share."""
    made = insert(OrderLine).from_select(["order_id", *_names(_LINE)], _rows(order, lines, _LINE), include_defaults=False).cte("lines")
    rows = [share | {"bearers": [asdict(bearer) for bearer in share["bearers"]]} for share in shares]
    written = insert(OrderShare).from_select(["order_id", *_names(_SHARE)], _rows(order, rows, _SHARE), include_defaults=False)
    member_id = select(order.c.member_id).scalar_subquery()
    return written.add_cte(made).returning(OrderShare.order_id, member_id)


def _rows(order: CTE, rows: list[dict[str, Any]], columns: Sequence[ColumnClause[Any]]) -> Select[Any]:
    given = func.jsonb_to_recordset(literal(rows, JSONB)).table_valued(*columns, name="row").render_derived(with_types=True)
    return select(order.c.id, *(given.c[wanted.name] for wanted in columns)).select_from(order).join(given, true())


def _names(columns: Sequence[ColumnClause[Any]]) -> list[str]:
    return [wanted.name for wanted in columns]
