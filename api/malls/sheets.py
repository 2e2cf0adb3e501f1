"""Sheets of shops: CSV or xlsx in, rows of text out. Nothing of the mall is known here; every size has a limit."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

import openpyxl

from api.malls.errors import SheetIncomplete, SheetTooLarge, SheetUnreadable

MAX_BYTES = 5 * 1024 * 1024
MAX_ROWS = 5000
MAX_COLUMNS = 60
MAX_UNPACKED = 25 * 1024 * 1024  # bytes of an xlsx once unpacked; 5,000 shops need about 6 MB
MAX_PARTS = 200
FORMULA = "=#FORMULA"  # stands for a formula, which is refused: its value is not in the file, only what some program once computed

EXTRA = "(extra)"  # what stands right of the last heading: mostly a comma that was not quoted

#: column → its heading in Chinese. Both are understood; the first five are needed for a new shop.
COLUMNS = {
    "code": "门店编号",
    "site": "楼栋编号",
    "floor": "楼层",
    "unit": "铺位号",
    "name": "店招名称",
    "legal_name": "公司名称",
    "trading_names": "别名",
    "tax_number": "税号",
    "category": "品类",
    "phone": "电话",
    "invoice_url": "开票链接",
    "opening_hours": "营业时间",
    "starts_on": "合同开始",
    "ends_on": "合同结束",
    "points_rate_bp": "积分系数(万分比)",
    "excluded": "不参与积分",
    "closed": "已撤场",
}
NEEDED = ("code", "site", "floor", "unit", "name")
EXAMPLE = (
    "A-0018", "T1", "L2", "L2-018", "海底捞火锅", "四川海底捞餐饮股份有限公司", "海底捞|Haidilao", "91510000MA0000000X", "餐饮",
    "021-60000000", "https://invoice.example.com/A-0018", "10:00-22:00", "2026-01-01", "2028-12-31", "10000", "否", "否",
)  # fmt: skip

Row = dict[str, str]


def read(data: bytes) -> list[tuple[int, Row]]:
    """The rows of a sheet by column, each with its line number as the person sees it; empty rows are left out.

    SheetTooLarge, SheetUnreadable, SheetIncomplete.
    """
    if len(data) > MAX_BYTES:
        raise SheetTooLarge()
    lines = _xlsx(data) if data.startswith(b"PK") else _csv(data)
    numbered = []
    for number, cells in enumerate(lines, start=1):
        if any(cells):
            numbered.append((number, cells))
        if len(numbered) > MAX_ROWS + 1:
            raise SheetTooLarge()
    if not numbered:
        raise SheetIncomplete(columns=list(NEEDED))
    columns = _columns(numbered[0][1])
    return [(number, _row(columns, cells)) for number, cells in numbered[1:]]


def _row(columns: list[str], cells: list[str]) -> Row:
    padded = [*cells, *[""] * (len(columns) - len(cells))]
    extra = [cell for cell in padded[len(columns) :] if cell]
    return dict(zip(columns, padded, strict=False)) | ({EXTRA: extra[0]} if extra else {})


def _columns(headings: Sequence[str]) -> list[str]:
    known = {heading: column for column, heading in COLUMNS.items()} | {column: column for column in COLUMNS}
    trimmed = list(headings)
    while trimmed and not trimmed[-1]:
        trimmed.pop()
    found = [known.get(heading.replace("（", "(").replace("）", ")").strip(" *").lower()) for heading in trimmed]
    unknown = [heading for heading, column in zip(trimmed, found, strict=True) if column is None]
    twice = sorted({column for column in found if column and found.count(column) > 1})
    if unknown or twice or "code" not in found:
        raise SheetIncomplete(columns=[*unknown, *twice] or ["code"])
    return [column for column in found if column]


def _csv(data: bytes) -> Iterator[list[str]]:
    text = _text(data)
    first = text.partition("\n")[0]
    delimiter = max(",\t;", key=first.count)
    try:
        for cells in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            yield [_plain(cell) for cell in cells[:MAX_COLUMNS]]
    except csv.Error as error:
        raise SheetUnreadable() from error


def _text(data: bytes) -> str:
    encodings = ["utf-16"] if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if text.strip() and not any(ord(c) < 32 and c not in "\t\r\n" for c in text):
            return text
    raise SheetUnreadable()


def _xlsx(data: bytes) -> Iterator[list[str]]:
    try:
        _refuse_bomb(data)
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
        rows: Iterable[Any] = book.worksheets[0].iter_rows(max_col=MAX_COLUMNS)
        yield from ([_cell(cell) for cell in row] for row in rows)
    except SheetTooLarge:
        raise
    except Exception as error:  # openpyxl raises whatever its parsers do on a broken file; all of them mean the same
        raise SheetUnreadable() from error


def _refuse_bomb(data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = archive.infolist()
        if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
            raise SheetTooLarge()
        for part in parts:
            text = archive.read(part).replace(b"\0", b"").upper()
            if b"<!DOCTYPE" in text or b"<!ENTITY" in text:  # an xlsx has neither; entities are how XML bombs are built
                raise SheetUnreadable()


def _cell(cell: Any) -> str:
    value = cell.value
    if getattr(cell, "data_type", None) == "f":
        return FORMULA
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, (datetime, date)):
        return value.isoformat()[:10]
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else _plain(str(value))


def _plain(text: str) -> str:
    stripped = text.strip()
    return FORMULA if stripped.startswith(("=", "@")) else stripped


def template() -> bytes:
    """An example sheet as CSV, with the byte order mark by which Excel knows UTF-8."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS.values())
    writer.writerow(EXAMPLE)
    return out.getvalue().encode("utf-8-sig")
