"""The sheet of a till: which columns it has, how each is read, and an example of it. Pure rules, no database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from api.kit import money, sheets
from api.kit.sheets import EXTRA, FORMULA, Row
from api.sales import same_purchase

MAX_ROWS = 20_000
NUMBER_LENGTH = 64
TENDER_LENGTH = 40
CELL_LENGTH = 200

#: A till's clock may be ahead of ours.
CLOCK_AHEAD = timedelta(minutes=10)
#: What is older is no longer a shopper's question.
OLDEST = timedelta(days=400)

#: column → its heading in Chinese. Both are understood; a sheet has the amount in yuan or in fen.
COLUMNS = {
    "shop": "门店编号",
    "kind": "类型",
    "receipt_no": "小票号",
    "paid_at": "支付时间",
    "paid_yuan": "金额(元)",
    "paid_fen": "金额(分)",
    "original_no": "原小票号",
    "original_on": "原单日期",
    "tender": "支付方式",
}
NEEDED = ("receipt_no", "paid_at")
TEMPLATE = [name for name in COLUMNS if name not in ("shop", "paid_fen")]
EXAMPLES = (
    ("销售", "20261126-0001", "2026-11-26 12:05", "128.00", "", "", "微信"),
    ("退款", "20261126-0107", "2026-11-26 18:40", "28.00", "20261126-0001", "2026-11-26", "微信"),
)

SALE, REFUND = "sale", "refund"
KINDS = {"": SALE, "销售": SALE, "sale": SALE, "退款": REFUND, "退货": REFUND, "refund": REFUND}

_MOMENT = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})[ T](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?", re.ASCII
)  # fmt: skip
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?", re.ASCII)


@dataclass
class TillLine:
    """One row as it was read. `problems` says by column why it cannot be taken; then the other fields may be missing."""

    line: int
    cells: Row
    kind: str = SALE
    receipt_no: str = ""
    row_key: str = ""
    paid_at: datetime | None = None
    paid_on: date | None = None
    paid_fen: int | None = None
    original_no: str | None = None
    original_on: date | None = None
    tender: str | None = None
    problems: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reader:
    """Reads rows of one shop's till: its code, the mall's time zone, and what time it is now."""

    shop_code: str
    timezone: str
    now: datetime

    def read(self, line: int, cells: Row) -> TillLine:
        """One row, with every problem it has."""
        row = TillLine(line, cells)
        for column, text in cells.items():
            if column == EXTRA:
                row.problems[column] = "there is more in this row than there are columns"
            elif text == FORMULA:
                row.problems[column] = "holds a formula; write the value itself"
            elif len(text) > CELL_LENGTH:
                row.problems[column] = f"longer than {CELL_LENGTH} characters"
        if cells.get("shop", self.shop_code) not in ("", self.shop_code):
            row.problems.setdefault("shop", "this row is of another shop")
        for name, reads in (
            ("kind", self._kind), ("receipt_no", self._number), ("paid_at", self._moment),
            ("paid_yuan", self._amount), ("original_no", self._original), ("tender", self._tender),
        ):  # fmt: skip
            try:
                if name not in row.problems:
                    reads(row, cells)
            except ValueError as error:
                row.problems.setdefault(name, str(error))
        if not row.problems:
            row.row_key = same_purchase.purchase_key(row.receipt_no, row.paid_on)
        return row

    def _kind(self, row: TillLine, cells: Row) -> None:
        kind = KINDS.get(cells.get("kind", "").lower())
        if kind is None:
            raise ValueError("sale or refund (销售 or 退款)")
        row.kind = kind

    def _number(self, row: TillLine, cells: Row) -> None:
        row.receipt_no = _number(cells.get("receipt_no", ""))

    def _moment(self, row: TillLine, cells: Row) -> None:
        text = cells.get("paid_at", "")
        if not text:
            raise ValueError("is needed")
        row.paid_at = moment(text, self.timezone)
        if row.paid_at > self.now + CLOCK_AHEAD:
            raise ValueError("lies in the future")
        if row.paid_at < self.now - OLDEST:
            raise ValueError("lies more than 400 days back")
        row.paid_on = row.paid_at.astimezone(ZoneInfo(self.timezone)).date()

    def _amount(self, row: TillLine, cells: Row) -> None:
        yuan, fen = cells.get("paid_yuan", ""), cells.get("paid_fen", "")
        if bool(yuan) == bool(fen):
            raise ValueError("the amount is needed once, in yuan or in fen")
        row.paid_fen = _fen(fen) if fen else _yuan(yuan)
        if row.kind == REFUND and not row.paid_fen:
            raise ValueError("a refund gives something back")

    def _original(self, row: TillLine, cells: Row) -> None:
        text, day = cells.get("original_no", ""), cells.get("original_on", "")
        if row.kind == SALE:
            if text or day:
                raise ValueError("only a refund names an earlier receipt")
            return
        if not text:
            raise ValueError("a refund names the receipt it gives back")
        row.original_no = _number(text)
        row.original_on = _day(day) if day else None

    def _tender(self, row: TillLine, cells: Row) -> None:
        text = cells.get("tender", "")
        if len(text) > TENDER_LENGTH or any(ord(char) < 32 for char in text):
            raise ValueError(f"longer than {TENDER_LENGTH} characters, or with line breaks")
        row.tender = text or None


def read(data: bytes) -> Iterator[tuple[int, Row]]:
    """The rows of a sheet, one by one. SheetTooLarge, SheetUnreadable, SheetIncomplete."""
    return sheets.read(data, COLUMNS, needed=NEEDED, max_rows=MAX_ROWS, minutes=True)


def template() -> bytes:
    """An example sheet as CSV: a sale, and a refund of part of it."""
    return sheets.template([COLUMNS[name] for name in TEMPLATE], *EXAMPLES)


def moment(text: str, timezone: str) -> datetime:
    """An instant: local to the mall, or with an offset of its own. ValueError."""
    written = _MOMENT.fullmatch(text)
    if written is None:
        raise ValueError("a time is written 2026-01-31 18:05")
    *parts, offset = written.groups()
    year, month, day, hour, minute, second = (int(part or 0) for part in parts)
    if not 1990 <= year <= 2199:
        raise ValueError("this year cannot be meant")
    local = _instant(year, month, day, hour, minute, second)
    if offset is None:
        return local.replace(tzinfo=ZoneInfo(timezone)).astimezone(UTC)
    try:
        return datetime.fromisoformat(f"{local.isoformat()}{offset}").astimezone(UTC)
    except ValueError as error:
        raise ValueError("there is no such day or hour") from error


def _instant(*parts: int) -> datetime:
    try:
        return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001 - the zone is added by who asks
    except ValueError as error:
        raise ValueError("there is no such day or hour") from error


def _day(text: str) -> date:
    written = _DAY.fullmatch(text)
    if written is None:
        raise ValueError("a day is written 2026-01-31")
    return _instant(*(int(number) for number in written.groups()), 0, 0, 0).date()


def _number(text: str) -> str:
    if not text:
        raise ValueError("is needed")
    if len(text) > NUMBER_LENGTH or any(ord(char) < 32 for char in text):
        raise ValueError(f"longer than {NUMBER_LENGTH} characters, or with line breaks")
    if same_purchase.number_key(text) is None:
        raise ValueError("a number has letters or digits")
    return text


def _yuan(text: str) -> int:
    if text.startswith("-"):
        raise ValueError("write the amount without a minus; a refund says 退款")
    try:
        return _in_range(money.fen(text))
    except ValueError as error:
        raise ValueError("an amount is written 128.00, with at most two decimals") from error


def _fen(text: str) -> int:
    if text.startswith("-"):
        raise ValueError("write the amount without a minus; a refund says 退款")
    if not re.fullmatch(r"[0-9]{1,11}", text, re.ASCII):
        raise ValueError("fen are written as a whole number")
    return _in_range(int(text))


def _in_range(amount_fen: int) -> int:
    if amount_fen > money.MAX_FEN:
        raise ValueError("no purchase is as large")
    return amount_fen
