"""Shops from a sheet: first a plan, row by row; then all of it or nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import select

from api.kit import audit
from api.kit.db import session
from api.malls import hours, sheets
from api.malls.errors import ImportRefused
from api.malls.models import HTTPS, HTTPS_SAYS, Floor, Shop, Site
from api.malls.service.mall import invalidate_shops, lock_mall
from api.malls.service.shops import SHOP_FACTS, facts, prices_no_more, refresh_search, tell_closed

MAX_TEXT = 200
MAX_TRADING_NAMES = 20
MAX_RATE_BP = 1_000_000

CREATE, UPDATE, UNCHANGED, REFUSED = "create", "update", "unchanged", "refused"


@dataclass
class PlannedRow:
    """What one row of the sheet would do. `problems` says by column why it is refused, `changes` what it changes from and to."""

    row: int
    code: str
    action: str = UNCHANGED
    problems: dict[str, str] = field(default_factory=dict)
    changes: dict[str, list[Any]] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    shop: Shop | None = None


@dataclass(frozen=True)
class ImportReport:
    """What an import did, or in a dry run would do."""

    dry_run: bool
    counts: dict[str, int]
    rows: list[PlannedRow]


def import_shops(data: bytes, *, dry_run: bool, by: str) -> ImportReport:
    """Import a sheet (CSV or xlsx). Without `dry_run` it is all or nothing: ImportRefused when any row is refused.

    A shop that is not in the sheet stays as it is; a column that is not in the sheet stays as it is.
    SheetTooLarge, SheetUnreadable, SheetIncomplete.
    """
    rows = sheets.read(data)
    if not dry_run:
        lock_mall()  # two imports at once would both create the same shop
    planned = _plan(rows)
    counts = Counter(row.action for row in planned)
    report = ImportReport(dry_run, {action: counts[action] for action in (CREATE, UPDATE, UNCHANGED, REFUSED)}, planned)
    if dry_run:
        return report
    if counts[REFUSED]:
        refused = [{"row": row.row, "code": row.code, "problems": row.problems} for row in planned if row.action == REFUSED]
        raise ImportRefused(report={"counts": report.counts, "rows": refused})
    _save(planned, by)
    return report


def _plan(rows: list[tuple[int, sheets.Row]]) -> list[PlannedRow]:
    shops = {shop.code: shop for shop in session.scalars(select(Shop))}
    floors = {
        (site, label): (site_id, floor_id)
        for site, label, site_id, floor_id in session.execute(
            select(Site.code, Floor.label, Site.id, Floor.id).join(Floor, Floor.site_id == Site.id)
        )
    }
    codes = Counter(row.get("code", "") for _, row in rows)
    return [_plan_row(number, row, shops, floors, codes) for number, row in rows]


def _plan_row(
    number: int, row: sheets.Row, shops: dict[str, Shop], floors: dict[tuple[str, str], tuple[int, int]], codes: Counter[str]
) -> PlannedRow:
    code = row.get("code", "")
    planned = PlannedRow(number, code[:MAX_TEXT], shop=shops.get(code))
    if codes[code] > 1:
        planned.problems["code"] = "this code is in the sheet more than once"
    for column, text in row.items():
        _read_cell(planned, column, text)
    for column in sheets.NEEDED:
        if not row.get(column) and (column in row or planned.shop is None):
            planned.problems.setdefault(column, "is needed")
    _place(planned, row, floors)
    _compare(planned)
    return planned


def _read_cell(planned: PlannedRow, column: str, text: str) -> None:
    if column == sheets.EXTRA:
        planned.problems[column] = "there is more in this row than there are columns"
    elif text == sheets.FORMULA:
        planned.problems[column] = "holds a formula; write the value itself"
    elif column not in ("site", "floor"):
        try:
            planned.values[column] = READERS[column](text)
        except ValueError as error:
            planned.problems[column] = str(error)


def _place(planned: PlannedRow, row: sheets.Row, floors: dict[tuple[str, str], tuple[int, int]]) -> None:
    site, floor = row.get("site"), row.get("floor")
    if (site is None and floor is None) or planned.problems.keys() & {"site", "floor"}:
        return
    if site is None or floor is None:
        planned.problems["site" if site is None else "floor"] = "building and floor belong together"
        return
    place = floors.get((site, floor))
    if place is None:
        known = any(site == code for code, _ in floors)
        planned.problems["floor" if known else "site"] = "there is no such floor" if known else "there is no such building with floors"
        return
    planned.values["site_id"], planned.values["floor_id"] = place


#: What may change how many points a shop gives, and the column that says it; a floor by its building.
PRICED = {"points_rate_bp": "points_rate_bp", "excluded": "excluded", "category": "category", "floor_id": "floor"}


def _compare(planned: PlannedRow) -> None:
    now = {name: getattr(planned.shop, name) for name in planned.values} if planned.shop else {}
    starts, ends = (planned.values.get(name, getattr(planned.shop, name, None)) for name in ("starts_on", "ends_on"))
    if starts and ends and ends < starts:
        planned.problems.setdefault("ends_on", "a contract cannot end before it starts")
    if not planned.problems and not prices_no_more(planned.shop, planned.values):
        given = {name: planned.values[name] for name in PRICED if name in planned.values}
        changed = [PRICED[name] for name, value in given.items() if value != getattr(planned.shop, name, None)]
        note = "what a shop gives takes a second person: change it on the shop's page"
        planned.problems[changed[0] if changed else "points_rate_bp"] = note
    if planned.problems:
        planned.action = REFUSED
        return
    planned.changes = {
        name: [_shown(now.get(name)), _shown(value)] for name, value in planned.values.items() if not planned.shop or now[name] != value
    }
    planned.action = CREATE if planned.shop is None else UPDATE if planned.changes else UNCHANGED


def _shown(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _save(planned: list[PlannedRow], by: str) -> None:
    touched = [(row, _apply(row)) for row in planned if row.action in (CREATE, UPDATE)]
    session.flush()
    for row, shop in touched:
        before = {name: pair[0] for name, pair in row.changes.items()} if row.action == UPDATE else None
        if before and shop.closed and "closed" in row.changes:
            tell_closed(shop.id)
        after = {name: pair[1] for name, pair in row.changes.items()} if row.action == UPDATE else facts(shop, SHOP_FACTS)
        audit.record(by, f"imported the shop ({row.action})", "shop", shop.id, before=before, after=after, why=f"row {row.row} of a sheet")
    if touched:
        invalidate_shops()


def _apply(row: PlannedRow) -> Shop:
    shop = row.shop if row.shop is not None else Shop()
    for name, value in row.values.items():
        setattr(shop, name, value)
    refresh_search(shop)
    session.add(shop)
    return shop


def _text(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise ValueError(f"longer than {MAX_TEXT} characters")
    if any(ord(c) < 32 for c in text):
        raise ValueError("holds line breaks or control characters")
    return text


def _optional(text: str) -> str | None:
    return _text(text) or None


def _pattern(pattern: str, says: str) -> Callable[[str], str | None]:
    compiled = re.compile(pattern, re.ASCII)

    def read(text: str) -> str | None:
        if text and not compiled.fullmatch(text):
            raise ValueError(says)
        return text or None

    return read


def _names(text: str) -> list[str]:
    names = list(dict.fromkeys(name.strip() for name in re.split(r"[|;；、\n]", text) if name.strip()))
    if len(names) > MAX_TRADING_NAMES:
        raise ValueError(f"more than {MAX_TRADING_NAMES} names")
    return [_text(name) for name in names]


def _day(text: str) -> date | None:
    if not text:
        return None
    match = re.fullmatch(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?", text, re.ASCII)
    if match is None:
        raise ValueError("a day is written 2026-01-31")
    day = date(*(int(number) for number in match.groups()))
    if not 1990 <= day.year <= 2199:
        raise ValueError("this year cannot be meant")
    return day


def _rate(text: str) -> int:
    if not text:
        return 10_000
    if not re.fullmatch(r"\d{1,7}", text, re.ASCII) or int(text) > MAX_RATE_BP:
        raise ValueError(f"a whole number from 0 to {MAX_RATE_BP}; 10000 is the mall's own rate")
    return int(text)


def _yes(text: str) -> bool:
    if text.lower() in ("是", "yes", "y", "true", "1"):
        return True
    if text.lower() in ("", "否", "no", "n", "false", "0"):
        return False
    raise ValueError("是 or 否")


def _hours(text: str) -> str | None:
    return hours.normal(text) if text else None


READERS: dict[str, Callable[[str], Any]] = {
    "code": lambda text: _pattern(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,39}", "1 to 40 letters, digits or . _ / -")(text),
    "unit": _text,
    "name": _text,
    "legal_name": _optional,
    "trading_names": _names,
    "tax_number": _pattern(r"[0-9A-Z]{15,20}", "15 to 20 digits or capital letters"),
    "category": _text,
    "phone": _pattern(r"\+?[0-9][0-9 ()-]{4,24}", "digits, spaces, ( ) - only"),
    "invoice_url": _pattern(HTTPS, HTTPS_SAYS),
    "opening_hours": _hours,
    "starts_on": _day,
    "ends_on": _day,
    "points_rate_bp": _rate,
    "excluded": _yes,
    "closed": _yes,
}
