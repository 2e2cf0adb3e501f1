"""Who of all rows with one number counts, what the others are, and the one place where a row becomes what it is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import bindparam, select, update

from api.kit import clock, db
from api.kit.db import session
from api.sales import same_purchase
from api.sales import service as sales
from api.sales.same_purchase import PurchaseFacts
from api.tills.errors import SalesReportNotFound
from api.tills.models import TillReport, TillRow
from api.tills.sheets import TillLine
from api.tills.states import Outcome

#: What becomes of a row, beside its outcome.
FACTS = ("differs", "known_fen", "waits", "holds", "sale_id", "sale_refund_id")


def hold_report(report_id: int) -> TillReport:
    """A report, with its shop's reports held until the unit of work ends: rows of one shop are worked one after the other."""
    shop_id = session.scalar(select(TillReport.shop_id).where(TillReport.id == report_id))
    if shop_id is None:
        raise SalesReportNotFound()
    db.lock("sales reports of", shop_id)
    return session.get_one(TillReport, report_id, populate_existing=True, with_for_update=True)


def held(shop_id: int, kind: str, keys: Collection[str]) -> dict[str, TillRow]:
    """The rows that count under these keys, by key. One statement."""
    query = select(TillRow).where(TillRow.shop_id == shop_id, TillRow.kind == kind, TillRow.row_key.in_(keys), TillRow.holds)
    return {str(row.row_key): row for row in session.scalars(query)}


def differences(row: TillLine | TillRow, earlier: TillRow) -> list[str]:
    """What a later row with the same number says otherwise; nothing: it only repeats the earlier one. Both are by the till's own clock."""
    differs = same_purchase.differences(_purchase_facts(row), _purchase_facts(earlier), clocks=same_purchase.ONE_CLOCK)
    if same_purchase.number_key(row.original_no) != same_purchase.number_key(earlier.original_no):
        differs.append("original_no")
    return differs


def _purchase_facts(row: TillLine | TillRow) -> PurchaseFacts:
    assert row.paid_at is not None and row.paid_on is not None and row.paid_fen is not None
    return PurchaseFacts(sales.TILL, row.paid_at, row.paid_on, True, row.paid_fen, same_purchase.number_key(row.receipt_no), None)


def record_outcomes(report: TillReport, changed: Sequence[tuple[TillRow, dict[str, Any]]]) -> None:
    """Record what became of rows, and the report's figures with it. The report is held. Two statements."""
    now, counts, worked = clock.now(), dict(report.counts), 0
    values = []
    for row, facts in changed:
        before, after = row.outcome, str(facts["outcome"])
        counts[before] = counts.get(before, 0) - 1
        counts[after] = counts.get(after, 0) + 1
        worked += row.worked_at is None
        columns = {name: facts.get(name, getattr(row, name)) for name in FACTS} | {"waits": facts.get("waits")}
        columns |= {"outcome": after, "tried_at": now, "worked_at": row.worked_at or now}
        values.append({"row_id": row.id, "was": before} | {f"to_{name}": value for name, value in columns.items()})
    guarded = update(TillRow).where(TillRow.id == bindparam("row_id"), TillRow.outcome == bindparam("was"))
    guarded = guarded.values({name: bindparam(f"to_{name}") for name in ("outcome", "tried_at", "worked_at", *FACTS)})
    session.connection().execute(guarded, values)
    shown = {outcome: count for outcome, count in counts.items() if count}
    session.execute(
        update(TillReport)
        .where(TillReport.id == report.id)
        .values(counts=shown, worked_count=TillReport.worked_count + worked)
        .execution_options(synchronize_session=False)
    )
    session.expire(report)
    for row, _ in changed:
        session.expire(row)


def empty() -> dict[str, int]:
    """Figures of a report before its rows are read."""
    return {str(outcome): 0 for outcome in Outcome}
