"""A member whose every column that could say something says so: one row in each table that a member can reach, found by the tables' links.

Each text, JSON and sealed column holds a marker with its own name, so that what is left after closing names where it came from.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidTag
from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Date, DateTime, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from api.kit import clock, rooms, sealed, states
from api.kit.db import Model
from api.settings import Settings
from tests.conftest import owner_rows

ROW = 1000  # the number of every row here, the member's too
OTHER = 999  # somebody else: a shop, a person of the staff

#: Numbers that stand in rows without a foreign key.
LINKS = {"member_id": "members", "order_id": "orders", "payment_id": "payments", "payer_id": "payers"}

#: What a member reaches by a name instead of a number: the principal of a request, a phone, the fact of an event.
BY_NAME = frozenset(
    {"audit_entries", "once_keys", "partner_attempts", "partner_deliveries", "partner_events", "payers", "phone_codes", "text_messages"}
)

MARKER = re.compile(r"Left:([a-z0-9_]+\.[a-z0-9_]+):Over")

#: The smallest legal row where no marker and no plain value would be one, and the states in which a member may close the account.
_NOW = datetime(2026, 5, 1, tzinfo=UTC)
LEGAL: dict[str, dict[str, Any]] = {
    "bill_differences": {"settled_at": _NOW},
    "bonus_grants": {"left_fen": 0, "void_fen": 0},
    "cards": {"state": "void", "successor_id": None},
    "complaint_replies": {"state": "sent", "sent_at": _NOW},
    "complaints": {"state": "processed", "due_at": None, "completed_at": _NOW, "refreshed_at": _NOW},
    "members": {"state": "active", "moves": 1, "folded_into_id": None, "referrer_id": None, "level_until_on": None},
    "merges": {"state": "done", "source_id": OTHER, "target_id": ROW},
    "message_wants": {"inbox": True},
    "once_keys": {"principal": f"member:{ROW}"},
    "order_shares": {"bearers": []},
    "orders": {"state": "paid"},
    "partner_events": {"endpoint_id": None, "spread_at": _NOW},
    "payment_notices": {"facts": {"number": "P1", "payment": {"payer": "Left:payment_notices.facts:Over", "amount_fen": 1}}},
    "payments": {"state": "paid", "paid_at": _NOW, "number": "P" * 24},
    "payment_refunds": {"state": "done", "done_at": _NOW, "number": "R" * 24},
    "phone_codes": {"phone_key": "Left:members.phone_key:Over"},
    "points_awards": {"state": "active"},
    "points_batches": {"left_points": 0},
    "receipt_photos": {"file_key": f"1/receipts/ab/{ROW}.jpg"},
    "receipt_reviews": {"second_by": None},
    "receipts": {"state": "returned"},
    "sale_sightings": {"differs": ["Left:sale_sightings.differs:Over"]},
    "till_rows": {"outcome": "refused"},
    "text_messages": {"phone_key": "Left:members.phone_key:Over"},
}


def marker(column: Column[Any]) -> str:
    """What a column says."""
    return f"Left:{column.table.name}.{column.name}:Over"


def reachable() -> list[Table]:
    """Every table whose rows hang on a member."""
    rooms.load()
    tables = Model.metadata.tables
    names = {"members"} | BY_NAME
    while more := {name for name, table in tables.items() if name not in names and _targets(table) & (names - BY_NAME | {"payers"})}:
        names |= more
    return [tables[name] for name in sorted(names)]


def _targets(table: Table) -> set[str]:
    return {target for column in table.columns if (target := _target(column))}


def _target(column: Column[Any]) -> str | None:
    for key in column.foreign_keys:
        return key.column.table.name
    return LINKS.get(column.name)


def plant(settings: Settings, mall: int) -> None:
    """One row of each table, with no foreign key asked."""
    tables = reachable()
    names = {table.name for table in tables}
    for table in tables:
        legal = LEGAL.get(table.name, {})
        plain = [column for column in table.columns if column.name not in legal and not _fills_itself(column)]
        row = {column.name: _value(column, names, mall) for column in plain} | legal
        row = {name: _stored(value) for name, value in row.items()}
        places = ", ".join("%s" for _ in row)
        quoted = ", ".join(f'"{name}"' for name in row)
        owner_rows(settings, f"INSERT INTO {table.name} ({quoted}) VALUES ({places})", *row.values(), unchecked=True)


def _fills_itself(column: Column[Any]) -> bool:
    says_something = isinstance(column.type, Text | JSONB | LargeBinary)
    return column.computed is not None or (
        column.server_default is not None and not says_something and column.name not in {"id", "mall_id"}
    )


def _stored(value: Any) -> Any:
    return (
        json.dumps(value) if isinstance(value, dict) or (isinstance(value, list) and not all(isinstance(v, int) for v in value)) else value
    )


def _value(column: Column[Any], names: set[str], mall: int) -> Any:
    if column.name == "mall_id":
        return mall
    if column.name == "id":
        return ROW
    if target := _target(column):
        if column.type.python_type is not int:
            return marker(column)
        return ROW if target in names else OTHER
    if isinstance(column.type, Text):
        return _word(column)
    if isinstance(column.type, JSONB):
        return {"said": marker(column)}
    if isinstance(column.type, LargeBinary):
        return sealed.seal(marker(column))
    if column.nullable or isinstance(column.type, ARRAY):
        return None
    return _plain(column)


def _plain(column: Column[Any]) -> Any:
    if isinstance(column.type, Boolean):
        return False
    if isinstance(column.type, DateTime):
        return clock.now()
    if isinstance(column.type, Date):
        return clock.now().date()
    assert isinstance(column.type, BigInteger), column
    return 1


def _word(column: Column[Any]) -> str:
    if column.name == "state" and (noun := _noun(column.table)):
        lifecycle, allowed = states.LIFECYCLES[noun]
        return next((str(state) for state in lifecycle if not allowed.get(state)), str(next(iter(lifecycle))))
    for constraint in column.table.constraints:
        if isinstance(constraint, CheckConstraint):
            listed = re.search(rf"^{column.name} IN \('([^']+)'", str(constraint.sqltext))
            if listed:
                return listed[1]
    return marker(column)


def _noun(table: Table) -> str:
    return next(
        (mapper.class_.noun for mapper in Model.registry.mappers if mapper.local_table is table and hasattr(mapper.class_, "noun")), ""
    )


def left(settings: Settings) -> dict[str, set[str]]:
    """Where markers still are: place → the columns whose they are. Sealed values are opened, files read."""
    found: dict[str, set[str]] = {}
    tables = owner_rows(settings, "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
    for (table,) in tables:
        for (row,) in owner_rows(settings, f'SELECT to_jsonb(t) FROM "{table}" t'):
            for name, value in row.items():
                if markers := set(MARKER.findall(_text(value))):
                    found.setdefault(f"{table}.{name}", set()).update(markers)
    for path in settings.files.rglob("*"):
        if path.is_file() and (markers := set(MARKER.findall(path.read_bytes().decode(errors="replace")))):
            found.setdefault("files", set()).update(markers)
    return found


def _text(value: Any) -> str:
    if isinstance(value, str) and value.startswith("\\x"):
        raw = bytes.fromhex(value[2:])
        try:
            return sealed.unseal(raw)
        except (InvalidTag, ValueError):
            return raw.decode(errors="replace")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
