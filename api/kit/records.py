"""Rows that a statement of our own writes, and copies of rows that outlive their session."""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy.orm import make_transient_to_detached

from api.kit import db
from api.kit.db import MallOwned, Model, session

M = TypeVar("M", bound=Model)


def new_values(row: Model) -> dict[str, Any]:
    """What an INSERT of our own writes of a new row: what was said of it, the defaults of the rest; its number and mall are drawn there.

    Nothing that is None is in it: a JSON column would take that for a value.
    """
    values: dict[str, Any] = {}
    for name, column in row.__mapper__.columns.items():
        default: Any = column.default
        if name in row.__dict__:
            values[name] = row.__dict__[name]
        elif default is not None:
            values[name] = default.arg if default.is_scalar else default.arg(None)
    return {name: value for name, value in values.items() if value is not None}


def copy(row: M) -> M:
    """A copy of a row that no session holds: to be read, also by others and later, and not to be changed."""
    return type(row)(**{column.key: getattr(row, column.key) for column in row.__mapper__.column_attrs})


def adopt(row: M, row_id: int, values: dict[str, Any]) -> M:
    """A row that a statement of ours has just written (its `new_values`) is the session's from now on, and needs no reading."""
    for column in row.__mapper__.column_attrs:
        setattr(row, column.key, values.get(column.key))
    row.id = row_id
    if isinstance(row, MallOwned):
        row.mall_id = db.mall()
    make_transient_to_detached(row)
    session.add(row)
    return db.keep(row)
