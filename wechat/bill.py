"""The trade bill of one day: CSV, a backtick before every value, amounts in yuan, two summary lines at the end.

Whatever lacks a part of that form (a column, the summary, the counts) is an UnreadableAnswer, never a shorter bill. The text itself
was proved by the announced hash before it comes here (https://pay.weixin.qq.com/doc/v3/merchant/4012071455).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from wechat.errors import UnreadableAnswer

BEIJING = timezone(timedelta(hours=8))
PAID, REFUND, REVERSED = "SUCCESS", "REFUND", "REVOKED"
_YUAN = re.compile(r"(-?)(\d{1,12})\.(\d{2})\Z", re.ASCII)
_FEE = re.compile(r"(-?)(\d{1,12})(?:\.(\d{1,5}))?\Z", re.ASCII)
_TOTAL = "总交易单数"


@dataclass(frozen=True)
class BillLine:
    """One line: a payment (state SUCCESS), money that went back (REFUND), or an auth-code payment that was undone (REVOKED).

    `amount_fen` is positive whichever way the money went; the fee of WeChat Pay is negative when it came back.
    """

    state: str
    transaction_id: str
    out_trade_no: str
    refund_id: str
    out_refund_no: str
    refund_status: str
    amount_fen: int
    fee_fen: int
    at: datetime
    raw: Mapping[str, str] = field(repr=False)


def read(text: str) -> list[BillLine]:
    """Every line of a bill. Raises UnreadableAnswer."""
    try:
        return _read(text)
    except (ValueError, KeyError, csv.Error) as trouble:
        raise UnreadableAnswer(f"the bill has not the form that we know: {trouble}") from trouble


def _read(text: str) -> list[BillLine]:
    rows = [line for line in text.splitlines() if line.strip()]
    begins = next((at for at, line in enumerate(rows) if line.startswith(_TOTAL)), None)
    if begins is None or begins == 0 or len(rows) != begins + 2:
        raise ValueError("its summary is missing")
    header = rows[0].lstrip("\ufeff").split(",")
    lines = [_line(dict(zip(header, _values(row, len(header)), strict=True))) for row in rows[1:begins]]
    summary = dict(zip(rows[begins].split(","), _values(rows[begins + 1], rows[begins].count(",") + 1), strict=True))
    if int(summary[_TOTAL]) != len(lines):
        raise ValueError(f"{len(lines)} lines where it counts {summary[_TOTAL]}")
    return lines


def _values(row: str, count: int) -> list[str]:
    # A value may hold a comma, and the backtick is what begins each: that is what the format has it for.
    values = row.removeprefix("`").split(",`")
    if not row.startswith("`") or len(values) != count:
        raise ValueError(f"{len(values)} values in {count} columns")
    return [value.strip() for value in values]


def _line(row: Mapping[str, str]) -> BillLine:
    state = row["交易状态"]
    if state not in (PAID, REFUND, REVERSED):
        raise ValueError(f"the state {state[:20]}")
    back = state != PAID
    return BillLine(
        state=state,
        transaction_id=row["微信订单号"],
        out_trade_no=row["商户订单号"],
        refund_id=row["微信退款单号"],
        out_refund_no=row["商户退款单号"],
        refund_status=row["退款状态"],
        amount_fen=_fen(row["申请退款金额"] if back else row["订单金额"]),
        fee_fen=_fee(row["手续费"]),
        at=datetime.strptime(row["交易时间"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING),
        raw=row,
    )


def _fen(text: str) -> int:
    if (match := _YUAN.match(text)) is None:
        raise ValueError("not an amount in yuan")
    return int(f"{match[1]}{int(match[2]) * 100 + int(match[3])}")


def _fee(text: str) -> int:
    """Fees have five decimals; what is below a fen is rounded, half away from zero."""
    if (match := _FEE.match(text)) is None:
        raise ValueError("not a fee in yuan")
    units = int(match[2]) * 100_000 + int((match[3] or "0").ljust(5, "0"))
    fen = (units + 500) // 1000
    return -fen if match[1] else fen
