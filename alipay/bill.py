"""The trade bill of one day: a zip of CSV files in GBK.

No official page that we could read describes the file, so its form is unconfirmed: it follows samples that merchants have
published. Whatever lacks a part of that form (a column, the end of the list, the counts) is an UnreadableAnswer, never a
shorter bill. The file is not signed: compare it with our own books, and book nothing because of it.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from alipay.errors import UnreadableAnswer
from alipay.money import signed_fen
from alipay.signing import instant

LARGEST_ZIP = 64 << 20
LARGEST_FILE = 512 << 20
REFUND = "退款"
FIRST_COLUMN = "支付宝交易号"
_END = "业务明细列表结束"
_SINCE = re.compile(r"#起始日期:\[(\d{4})年(\d\d)月(\d\d)日")
_COUNT = re.compile(r"#(交易|退款)合计[:：](\d+)笔")


@dataclass(frozen=True)
class BillLine:
    """One payment or refund. Money to the seller is positive and money back negative, the fee of Alipay likewise."""

    kind: str
    trade_no: str
    out_trade_no: str
    out_request_no: str
    subject: str
    amount_fen: int
    received_fen: int
    fee_fen: int
    finished_at: datetime
    raw: Mapping[str, str] = field(repr=False)

    @property
    def is_refund(self) -> bool:
        """Whether the money went back to the buyer."""
        return self.kind == REFUND


def read(packed: bytes, day: date) -> list[BillLine]:
    """Every line of the day's bill. Raises UnreadableAnswer."""
    try:
        return _lines(_details(packed), day)
    # zipfile raises a RuntimeError for an archive under a password or packed in a way that it does not know.
    except (ValueError, KeyError, zipfile.BadZipFile, zlib.error, csv.Error, RuntimeError) as trouble:
        raise UnreadableAnswer(f"the bill has not the form that we know: {trouble}") from trouble


def _details(packed: bytes) -> str:
    # File names, like everything inside, are GBK.
    with zipfile.ZipFile(io.BytesIO(packed), metadata_encoding="gbk") as folder:
        details = [entry for entry in folder.infolist() if entry.filename.endswith(".csv") and "汇总" not in entry.filename]
        if len(details) != 1:
            raise ValueError(f"{len(details)} files of details")
        if details[0].file_size > LARGEST_FILE:
            raise ValueError("the file is too large")
        return folder.read(details[0]).decode("gb18030")


def _lines(text: str, day: date) -> list[BillLine]:
    remarks, rows = _split(text)
    since = next((match for remark in remarks if (match := _SINCE.match(remark))), None)
    if since is None or date(*map(int, since.groups())) != day:
        raise ValueError("it is of another day")
    if not any(_END in remark for remark in remarks):
        raise ValueError("its end is missing")
    lines = [_line(row) for row in _table(rows)]
    for remark in remarks:
        if count := _COUNT.match(remark):
            _check_count(lines, count[1] == REFUND, int(count[2]))
    return lines


def _split(text: str) -> tuple[list[str], Iterator[str]]:
    lines = text.splitlines()
    return [line for line in lines if line.startswith("#")], (line for line in lines if line.strip() and not line.startswith("#"))


def _table(rows: Iterator[str]) -> Iterator[dict[str, str]]:
    table = csv.reader(rows, strict=True)
    # Pages write the brackets of 订单金额（元） in both widths.
    header = [name.strip().replace("（", "(").replace("）", ")") for name in next(table, [])]
    if not header or header[0] != FIRST_COLUMN:
        raise ValueError("the columns are missing")
    for row in table:
        if len(row) != len(header):
            raise ValueError(f"{len(row)} values in {len(header)} columns")
        yield {name: value.strip() for name, value in zip(header, row, strict=True)}


def _line(row: Mapping[str, str]) -> BillLine:
    turn: Callable[[int], int] = (lambda fen: -abs(fen)) if row["业务类型"] == REFUND else (lambda fen: fen)
    return BillLine(
        kind=row["业务类型"],
        trade_no=row[FIRST_COLUMN],
        out_trade_no=row["商户订单号"],
        out_request_no=row["退款批次号/请求号"],
        subject=row["商品名称"],
        amount_fen=turn(signed_fen(row["订单金额(元)"])),
        received_fen=turn(signed_fen(row["商家实收(元)"])),
        fee_fen=signed_fen(row["服务费(元)"]),
        finished_at=instant(row["完成时间"]),
        raw=row,
    )


def _check_count(lines: list[BillLine], refunds: bool, count: int) -> None:
    actual = sum(line.is_refund == refunds for line in lines)
    if actual != count:
        raise ValueError(f"{actual} lines where it counts {count}")
