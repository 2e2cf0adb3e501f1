"""Sheets that people send: CSV or xlsx in, rows of text out. Nothing of any room is known here; every size has a limit."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from api.kit.errors import TooLarge, Unprocessable, WrongKind

MAX_BYTES = 5 * 1024 * 1024
MAX_COLUMNS = 60
MAX_UNPACKED = 25 * 1024 * 1024  # bytes of an xlsx once unpacked; 5,000 shops or 20,000 receipts need about 10 MB
MAX_PARTS = 200
FORMULA = "=#FORMULA"  # stands for a formula, which is refused: its value is not in the file, only what some program once computed

_SEPARATES = re.compile(r'[,;\t"\r\n]')
EXTRA = "(extra)"  # what stands right of the last heading: mostly a comma that was not quoted

Row = dict[str, str]


class SheetTooLarge(TooLarge):
    """The sheet is larger than 5 MB or has more rows than may be sent at once; `rows` says how many."""


class SheetUnreadable(WrongKind):
    """This is neither a CSV (UTF-8 or GB18030) nor an xlsx workbook that can be read."""


class SheetIncomplete(Unprocessable):
    """The sheet lacks columns, has one twice, or has one that is not known; `columns` names them."""


def read(
    data: bytes, known: Mapping[str, str], *, needed: Collection[str], max_rows: int, minutes: bool = False
) -> Iterator[tuple[int, Row]]:
    """The rows of a sheet by column, each with its line number as the person sees it; empty rows are left out.

    `known` says column → its other heading; `minutes` keeps the time of day of an xlsx cell that holds one.
    SheetTooLarge (also after some rows were given), SheetUnreadable, SheetIncomplete.
    """
    if len(data) > MAX_BYTES:
        raise SheetTooLarge(rows=max_rows)
    lines = enumerate(_xlsx(data, max_rows, minutes) if data.startswith(b"PK") else _csv(data), start=1)
    columns: list[str] | None = None
    rows = 0
    for number, cells in lines:
        if not any(cells):
            continue
        if columns is None:
            columns = _columns(cells, known, needed)
            continue
        rows += 1
        if rows > max_rows:
            raise SheetTooLarge(rows=max_rows)
        yield number, _row(columns, cells)
    if columns is None:
        raise SheetIncomplete(columns=list(needed))


def _row(columns: list[str], cells: list[str]) -> Row:
    padded = [*cells, *[""] * (len(columns) - len(cells))]
    extra = [cell for cell in padded[len(columns) :] if cell]
    return dict(zip(columns, padded, strict=False)) | ({EXTRA: extra[0]} if extra else {})


def _columns(headings: Sequence[str], known: Mapping[str, str], needed: Collection[str]) -> list[str]:
    meant = {heading: column for column, heading in known.items()} | {column: column for column in known}
    trimmed = list(headings)
    while trimmed and not trimmed[-1]:
        trimmed.pop()
    columns = [meant.get(heading.replace("（", "(").replace("）", ")").strip(" *").lower()) for heading in trimmed]
    unknown = [heading[:MAX_COLUMNS] for heading, column in zip(trimmed, columns, strict=True) if column is None]
    twice = sorted({column for column in columns if column and columns.count(column) > 1})
    missing = [column for column in needed if column not in columns]
    if unknown or twice or missing:
        raise SheetIncomplete(columns=[*unknown, *twice] or missing)
    return [column for column in columns if column]


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


def _xlsx(data: bytes, max_rows: int, minutes: bool) -> Iterator[list[str]]:
    import openpyxl  # loaded by whoever is sent a workbook

    try:
        _refuse_bomb(data, max_rows)
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
        rows: Iterable[Any] = book.worksheets[0].iter_rows(max_col=MAX_COLUMNS)
        cells = iter([_cell(cell, minutes) for cell in row] for row in rows)
        first = next(cells, [])
    except SheetTooLarge:
        raise
    except Exception as error:  # openpyxl raises whatever its parsers do on a broken file; all of them mean the same
        raise SheetUnreadable() from error
    yield first
    while True:
        try:
            row = next(cells, None)
        except Exception as error:
            raise SheetUnreadable() from error
        if row is None:
            return
        yield row


def _refuse_bomb(data: bytes, max_rows: int) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = archive.infolist()
        if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
            raise SheetTooLarge(rows=max_rows)
        for part in parts:
            text = archive.read(part).replace(b"\0", b"").upper()
            if b"<!DOCTYPE" in text or b"<!ENTITY" in text:  # an xlsx has neither; entities are how XML bombs are built
                raise SheetUnreadable()


def _cell(cell: Any, minutes: bool) -> str:
    value = cell.value
    if getattr(cell, "data_type", None) == "f":
        return FORMULA
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, datetime) and minutes and (value.time() != time() or "h" in str(cell.number_format).lower()):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, (datetime, date)):
        return value.isoformat()[:10]
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else _plain(str(value))


def _plain(text: str) -> str:
    stripped = text.strip()
    return FORMULA if stripped.startswith(("=", "@")) else stripped


def template(headings: Iterable[str], *examples: Iterable[str]) -> bytes:
    """An example sheet as CSV, with the byte order mark by which Excel knows UTF-8."""
    return written([headings, *examples]).encode("utf-8-sig")


def written(rows: Iterable[Iterable[str]]) -> str:
    """Rows as CSV. A cell is quoted also where it holds what separates cells in another language's spreadsheet: `;` or a tab."""
    return "".join(",".join(map(_quoted, row)) + "\r\n" for row in rows)


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if _SEPARATES.search(cell) or cell != cell.strip() else cell
