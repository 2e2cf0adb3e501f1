"""Tables that may leave as CSV: a room names a list that it shows, and everything else (paging, masking, shape) is the list's own.

`@exported("sales", schemas.OfficeSalesArgs, schemas.OfficeSaleSchema)` right above the function of a list route; `read` gets what the route
gets, and must not ask who is asking: an export runs in the background.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import marshmallow as ma

from api.kit import money, pages, rooms

Read = TypeVar("Read", bound=Callable[[dict[str, Any]], pages.Page[Any]])

#: A cell that begins with one of these is a formula to a spreadsheet (OWASP, CSV injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
#: The same behind what another reader of CSV takes for the end of a cell.
_FORMULA_WITHIN = re.compile(r"(?<=[\s\S])([;\t\r\n]\s*)(?=[=+\-@＝＋－＠])")


class FiltersWrong(Exception):
    """The filters of an export do not fit its list any more."""


@dataclass(frozen=True)
class Table:
    """One list of the office: the function that reads a page of it, and the schemas of what goes in and out."""

    name: str
    read: Callable[[dict[str, Any]], pages.Page[Any]]
    args: type[ma.Schema]
    item: type[ma.Schema]
    asked: str | None

    @property
    def permission(self) -> str:
        """What the role must hold: the same as for the list's route."""
        needed = self.asked or getattr(self.read, "_apidoc", {}).get("permission")
        assert needed is not None, f"the table {self.name} names no permission"
        return str(needed)

    @property
    def columns(self) -> list[str]:
        """Every column, in the order of the list's answer."""
        return [field.data_key or name for name, field in self.item().dump_fields.items()]

    def load(self, filters: Mapping[str, Any], *, cursor: str | None = None) -> dict[str, Any]:
        """The arguments of one page. marshmallow.ValidationError names wrong filters."""
        odd = sorted(set(filters) & {"cursor", "limit"})
        if odd:
            raise ma.ValidationError({name: ["An export is not paged."] for name in odd})
        asked = dict(filters) | {"limit": pages.MAX_LIMIT} | ({} if cursor is None else {"cursor": cursor})
        loaded: dict[str, Any] = self.args(unknown=ma.RAISE).load(asked)
        return loaded

    def page(self, filters: Mapping[str, Any], cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
        """One page of the list as its route shows it, and the cursor of the next. FiltersWrong."""
        try:
            arguments = self.load(filters, cursor=cursor)
        except ma.ValidationError as error:
            raise FiltersWrong from error
        page = self.read(arguments)
        rows: list[dict[str, Any]] = self.item(many=True).dump(page.items)
        return rows, page.next_cursor


#: name → table, of the routes that are loaded; `every` loads those of all rooms.
TABLES: dict[str, Table] = {}


@functools.cache
def every() -> Mapping[str, Table]:
    """Every list that may leave, by name."""
    rooms.files("routes")
    return TABLES


def exported(name: str, args: type[ma.Schema], item: type[ma.Schema], *, permission: str | None = None) -> Callable[[Read], Read]:
    """Let a list be exported under a name. `permission` only where the function is no route."""

    def keep(read: Read) -> Read:
        TABLES[name] = Table(name, read, args, item, permission)
        return read

    return keep


def heading(column: str) -> str:
    """The column's own name; amounts stand in yuan and say so."""
    return column.removesuffix("_fen") + "_yuan" if column.endswith("_fen") else column


def cells(row: Mapping[str, Any], columns: Sequence[str], *, timezone: str, language: str) -> Iterator[str]:
    """One row as a person reads it in a spreadsheet: yuan with two decimals, the mall's own time, one language, no formula."""
    zone = ZoneInfo(timezone)
    for column in columns:
        yield _cell(column, row.get(column), zone, language)


def _cell(column: str, value: Any, zone: ZoneInfo, language: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return money.yuan(value) if column.endswith("_fen") else str(value)
    if isinstance(value, dict) and set(value) == {"zh", "en"}:
        value = value[language]
    if isinstance(value, (dict, list)):
        value = json.dumps(_in_yuan(value), ensure_ascii=False, separators=(",", ":"))
    text = str(value)
    return plain(_local(text, zone) if column.endswith(("_at", "_by", "_until")) or column == "at" else text)


def _in_yuan(value: Any) -> Any:
    if isinstance(value, list):
        return [_in_yuan(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        heading(name): money.yuan(item) if name.endswith("_fen") and isinstance(item, int) else _in_yuan(item)
        for name, item in value.items()
    }


def _local(text: str, zone: ZoneInfo) -> str:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return text if at.tzinfo is None else at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def plain(text: str) -> str:
    """Text that no spreadsheet takes for a formula: a leading apostrophe says that it is text."""
    text = _FORMULA_WITHIN.sub(r"\1'", text)
    return f"'{text}" if text.startswith(FORMULA) else text
