"""Take a report in: read every row, foresee what each would do, and keep it until somebody confirms."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from api.kit import audit, clock, db, states
from api.kit.db import session
from api.kit.sheets import Row
from api.malls import service as malls
from api.malls.models import Shop
from api.sales import same_purchase
from api.sales import service as sales
from api.tills import sheets
from api.tills.errors import NothingToReport, SalesReportEmpty, TooManySalesReports
from api.tills.models import TillReport, TillRow
from api.tills.service import row_claims
from api.tills.sheets import REFUND, SALE, Reader, TillLine
from api.tills.states import UNFINISHED, Outcome, ReportState, Waits

CALL_ROWS = 500  # rows of one call
BATCH = 500
AT_ONCE = 20  # unfinished reports of one shop
FORGOTTEN_AFTER = timedelta(days=7)
NAME_LENGTH = 200


@dataclass(frozen=True)
class Confirmation:
    """A report to be worked, and whether this very call confirmed it."""

    report: TillReport
    fresh: bool


@dataclass
class _ReportSoFar:
    """What was read of a report so far: line by kind and key, the numbers of its sales, and refunds without a sale yet."""

    lines: dict[tuple[str, str], int] = field(default_factory=dict)
    numbers: set[str] = field(default_factory=set)
    unknown: dict[int, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    rows: int = 0


def take_file(shop_id: int, data: bytes, *, file_name: str | None, by: str) -> TillReport:
    """Read a sheet (CSV or xlsx) of a shop's till and say what each row would do. The same file again is the same report.

    ShopNotFound, SheetTooLarge, SheetUnreadable, SheetIncomplete, SalesReportEmpty, TooManySalesReports.
    """
    shop = malls.shop(shop_id)
    content = hashlib.sha256(data).hexdigest()
    if (same_report := _begin(shop_id, content)) is not None:
        return same_report
    name = "".join(char for char in file_name or "" if char.isprintable()).strip()[:NAME_LENGTH] or None
    report = _take(shop, sheets.read(data), source="file", file_name=name, content_hash=content, by=by)
    after = {"shop_id": shop_id, "file_name": name, "counts": report.counts}
    audit.record(by, "sent a sales report", "sales_report", report.id, after=after)
    return report


def take_call(shop_id: int, cells: Sequence[dict[str, str]], *, by: str) -> Confirmation:
    """Take rows that a till system sent, confirmed by being sent. The same rows again are the same report.

    ShopNotFound, TooManySalesReports.
    """
    shop = malls.shop(shop_id)
    content = hashlib.sha256(json.dumps(list(cells), sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    if (same_report := _begin(shop_id, content)) is not None:
        return Confirmation(same_report, False)
    report = _take(shop, enumerate(cells, start=1), source="call", file_name=None, content_hash=content, by=by)
    states.move(report, ReportState.WORKING, by=by, confirmed_by=by)
    return Confirmation(report, True)


def _begin(shop_id: int, content: str) -> TillReport | None:
    """The report of this content, if it was sent before; else there is room for one more. TooManySalesReports."""
    db.lock("sales reports sent by", shop_id)
    of_shop = TillReport.shop_id == shop_id
    same_content = select(TillReport).where(of_shop, TillReport.content_hash == content, TillReport.state != ReportState.DROPPED)
    if (report := session.scalar(same_content)) is not None:
        return report
    unfinished = select(func.count()).select_from(TillReport).where(of_shop, TillReport.state.in_(UNFINISHED))
    if (session.scalar(unfinished) or 0) >= AT_ONCE:
        raise TooManySalesReports(retry_after=60)
    return None


def _take(shop: Shop, lines: Iterable[tuple[int, Row]], *, by: str, **facts: Any) -> TillReport:
    now = clock.now()
    report = TillReport(state=str(ReportState.CHECKED), shop_id=shop.id, counts=row_claims.empty(), sent_by=by, sent_at=now, **facts)
    session.add(report)
    session.flush()
    reader, so_far = Reader(shop.code, malls.mall_info().timezone, now), _ReportSoFar()
    lines = iter(lines)
    while batch := list(itertools.islice(lines, BATCH)):
        _keep(report, [reader.read(number, cells) for number, cells in batch], so_far)
    if not so_far.rows:
        raise SalesReportEmpty()
    _find_sales_within(report, so_far)
    report.row_count, report.counts = so_far.rows, {outcome: count for outcome, count in so_far.counts.items() if count}
    session.flush()
    return report


def _keep(report: TillReport, lines: list[TillLine], so_far: _ReportSoFar) -> None:
    """Some rows of a report, each with what it would do. At most five statements."""
    for line in lines:
        if not line.problems:
            earlier = so_far.lines.setdefault((line.kind, line.row_key), line.line)
            if earlier != line.line:
                line.problems["receipt_no"] = f"this number stands in line {earlier} already"
    foreseen = _foresee_sales(report.shop_id, [line for line in lines if line.kind == SALE and not line.problems])
    foreseen |= _foresee_refunds(report.shop_id, [line for line in lines if line.kind == REFUND and not line.problems])
    rows = [_row(report, line, foreseen.get(line.line, {"outcome": str(Outcome.REFUSED)})) for line in lines]
    session.execute(insert(TillRow), rows)
    for line, row in zip(lines, rows, strict=True):
        so_far.counts[row["outcome"]] += 1
        if line.kind == SALE and not line.problems:
            so_far.numbers.add(str(same_purchase.number_key(line.receipt_no)))
        elif row["outcome"] == Outcome.WAITING:
            so_far.unknown[line.line] = str(same_purchase.number_key(line.original_no))
    so_far.rows += len(rows)


def _foresee_sales(shop_id: int, lines: list[TillLine]) -> dict[int, dict[str, Any]]:
    foreseen, fresh = _held(shop_id, SALE, lines)
    if fresh:
        reported = [reported_purchase(line.line, line) for line in fresh]
        matches = sales.foresee(shop_id, reported, channel=sales.TILL, source_type=sales.TILL)
        foreseen |= {line.line: of_sale(match) for line, match in zip(fresh, matches, strict=True)}
    return foreseen


def _foresee_refunds(shop_id: int, lines: list[TillLine]) -> dict[int, dict[str, Any]]:
    foreseen, fresh = _held(shop_id, REFUND, lines)
    numbers = {line.line: str(same_purchase.number_key(line.original_no)) for line in fresh}
    known_numbers = sales.known_numbers(shop_id, set(numbers.values())) if numbers else set()
    for line_number, key in numbers.items():
        waits = None if key in known_numbers else str(Waits.UNKNOWN)
        foreseen[line_number] = {"outcome": str(Outcome.WAITING if waits else Outcome.REFUNDED), "waits": waits}
    return foreseen


def _held(shop_id: int, kind: str, lines: list[TillLine]) -> tuple[dict[int, dict[str, Any]], list[TillLine]]:
    """What the rows are whose number was reported before, and the rows whose number was not."""
    earlier = row_claims.held(shop_id, kind, {line.row_key for line in lines}) if lines else {}
    repetitions = {line.line: repeated(earlier[line.row_key], line) for line in lines if line.row_key in earlier}
    return repetitions, [line for line in lines if line.line not in repetitions]


def reported_purchase(source_id: int, row: TillLine | TillRow) -> sales.ReportedPurchase:
    """A row as the room of sales takes it."""
    assert row.paid_at is not None and row.paid_fen is not None and row.receipt_no is not None
    return sales.ReportedPurchase(source_id, row.paid_at, row.paid_fen, row.receipt_no)


def of_sale(match: sales.SightingMatch) -> dict[str, Any]:
    """What a row of a sale becomes."""
    outcome = Outcome.NEW if match.is_new_sale else Outcome.DIFFERING if match.differs else Outcome.KNOWN
    return {
        "outcome": str(outcome),
        "differs": match.differs,
        "known_fen": match.paid_fen if match.differs else None,
        "sale_id": match.sale_id,
    }


def repeated(earlier: TillRow, row: TillLine | TillRow) -> dict[str, Any]:
    """What a row becomes whose number was reported before."""
    differs = row_claims.differences(row, earlier)
    outcome = Outcome.DIFFERING if differs else Outcome.REPEATED
    return {"outcome": str(outcome), "differs": differs, "known_fen": earlier.paid_fen if differs else None, "sale_id": earlier.sale_id}


def _row(report: TillReport, line: TillLine, foreseen: dict[str, Any]) -> dict[str, Any]:
    refused = bool(line.problems)
    return {
        "report_id": report.id,
        "shop_id": report.shop_id,
        "line": line.line,
        "kind": line.kind,
        "receipt_no": line.receipt_no or None,
        "row_key": line.row_key or None,
        "paid_at": line.paid_at,
        "paid_on": line.paid_on,
        "paid_fen": line.paid_fen,
        "original_no": line.original_no,
        "original_on": line.original_on,
        "tender": line.tender,
        "problems": line.problems,
        "told": {name: cell[: sheets.CELL_LENGTH] for name, cell in line.cells.items() if cell} if refused else {},
        "differs": foreseen.get("differs", []),
        "known_fen": foreseen.get("known_fen"),
        "waits": foreseen.get("waits"),
        "outcome": foreseen["outcome"],
    }


def _find_sales_within(report: TillReport, so_far: _ReportSoFar) -> None:
    """A refund may stand above the sale that it gives back."""
    lines = [line for line, key in so_far.unknown.items() if key in so_far.numbers]
    if lines:
        refunds = update(TillRow).where(TillRow.report_id == report.id, TillRow.line.in_(lines))
        session.execute(refunds.values(outcome=str(Outcome.REFUNDED), waits=None).execution_options(synchronize_session=False))
        so_far.counts[str(Outcome.WAITING)] -= len(lines)
        so_far.counts[str(Outcome.REFUNDED)] += len(lines)


def confirm(report: TillReport, *, by: str) -> Confirmation:
    """Somebody saw what a report would do and wants it done. Confirming twice is confirming once. NothingToReport, WrongState."""
    if report.state in (ReportState.WORKING, ReportState.DONE):
        return Confirmation(report, False)
    if report.counts.get(Outcome.REFUSED, 0) == report.row_count:
        raise NothingToReport()
    states.move(report, ReportState.WORKING, by=by, confirmed_by=by)
    audit.record(by, "confirmed a sales report", "sales_report", report.id, after={"shop_id": report.shop_id, "counts": report.counts})
    return Confirmation(report, True)


def drop(report: TillReport, *, by: str, reason: str = "dropped") -> TillReport:
    """Nobody wants what a report would do: its rows go, and the same file may be sent anew. WrongState."""
    states.move(report, ReportState.DROPPED, by=by, reason=reason)
    session.execute(delete(TillRow).where(TillRow.report_id == report.id).execution_options(synchronize_session=False))
    audit.record(by, "dropped a sales report", "sales_report", report.id, after={"shop_id": report.shop_id})
    return report


def drop_forgotten() -> int:
    """Drop reports that nobody confirmed in time, at most 100; returns how many."""
    old = (TillReport.state == ReportState.CHECKED) & (TillReport.sent_at < clock.now() - FORGOTTEN_AFTER)
    forgotten = session.scalars(select(TillReport).where(old).order_by(TillReport.id).limit(100)).all()
    for report in forgotten:
        drop(report, by="system", reason="nobody confirmed it")
    return len(forgotten)
