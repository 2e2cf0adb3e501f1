"""What a till gave back lowers its sale and takes back its points, by the same path as every refund; or it waits for its sale."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from api.kit import clock
from api.kit.db import session
from api.partners import service as partners
from api.points import service as points
from api.sales import same_purchase
from api.sales import service as sales
from api.sales.errors import RefundTooLarge
from api.sales.models import Sale
from api.tills.models import TillRow
from api.tills.service import row_claims
from api.tills.service.report_intake import repeated
from api.tills.sheets import REFUND
from api.tills.states import Outcome, Waits

#: A refund that has found no sale for so long is no longer tried; it stays listed.
TRIED_FOR = timedelta(days=180)
#: A till's day may end after midnight, and its clock may be behind.
LATER = timedelta(days=1)
AT_ONCE = 500


def give_back(row: TillRow) -> dict[str, Any]:
    """What becomes of a refund; its report is held."""
    earlier = row_claims.held(row.shop_id, REFUND, {str(row.row_key)})
    if row.row_key in earlier:
        return repeated(earlier[row.row_key], row)
    return {"holds": True} | _attempt(row)


def _attempt(row: TillRow) -> dict[str, Any]:
    assert row.paid_fen is not None and row.paid_at is not None
    sale, waits = _sale_of(row)
    if sale is None:
        return {"outcome": Outcome.WAITING, "waits": str(waits)}
    reported: dict[str, Any] = {"amount_fen": row.paid_fen, "source_type": sales.TILL, "source_id": row.id}
    if sales.paid_through_us(sale.id):
        # The money lies with us and is given back by us: the till only reports it.
        same_refund = sales.join_refund(sale.id, **reported)
        if same_refund is None:
            return {"outcome": Outcome.WAITING, "waits": str(Waits.THROUGH_MALL), "sale_id": sale.id}
        return {"outcome": Outcome.KNOWN, "sale_id": sale.id, "sale_refund_id": same_refund.id}
    try:
        refund = sales.refund(sale.id, at=row.paid_at, **reported)
    except RefundTooLarge:
        left = sale.paid_fen - sale.refunded_fen
        return {"outcome": Outcome.DIFFERING, "differs": ["paid_fen"], "known_fen": left, "sale_id": sale.id}
    points.take_back(refund.id, by=sales.TILL)
    first_report = refund.source_type == sales.TILL
    if first_report:
        partners.publish(
            partners.sale_refunded(
                refund.id, sale_id=sale.id, shop_id=sale.shop_id, member_id=sale.member_id, channel=sales.TILL,
                amount_fen=refund.amount_fen, refunded_fen=refund.refunded_before_fen + refund.amount_fen, paid_fen=sale.paid_fen,
                at=row.paid_at, order=None,
            )
        )  # fmt: skip
    return {"outcome": Outcome.REFUNDED if first_report else Outcome.KNOWN, "sale_id": sale.id, "sale_refund_id": refund.id}


def _sale_of(row: TillRow) -> tuple[Sale | None, Waits | None]:
    """The one sale that a refund gives back. A short number comes round again: then the day must be named, or be the only one."""
    assert row.original_no is not None and row.paid_at is not None
    purchases = sales.refunded_purchases(row.shop_id, row.original_no, until=row.paid_at + LATER, paid_on=row.original_on)
    if len(purchases) == 1:
        return purchases[0], None
    return None, Waits.UNCLEAR if purchases else Waits.UNKNOWN


def retry(row_id: int) -> bool:
    """Try a waiting refund once more; whether it waits no longer."""
    row = session.get(TillRow, row_id)
    if row is None:
        return False
    report = row_claims.hold_report(row.report_id)
    session.refresh(row)
    if row.outcome != Outcome.WAITING or row.worked_at is None:
        return False
    becomes = _attempt(row)
    row_claims.record_outcomes(report, [(row, becomes)])
    return bool(becomes["outcome"] != Outcome.WAITING)


def take_waiting(shop_id: int | None = None) -> list[int]:
    """Mark the waiting refunds that were longest untried, at most 500, as tried; returns those whose sale may be known by now."""
    waiting = (TillRow.outcome == str(Outcome.WAITING)) & TillRow.worked_at.is_not(None) & (TillRow.worked_at > clock.now() - TRIED_FOR)
    query = select(TillRow).where(waiting).order_by(TillRow.tried_at, TillRow.id).limit(AT_ONCE)
    if shop_id is not None:
        query = query.where(TillRow.shop_id == shop_id)
    by_shop: dict[int, dict[int, str]] = defaultdict(dict)
    for row in session.scalars(query):
        by_shop[row.shop_id][row.id] = str(same_purchase.number_key(row.original_no))
    worth_trying = []
    for each_shop_id, keys in by_shop.items():
        known_numbers = sales.known_numbers(each_shop_id, set(keys.values()))
        worth_trying += [row_id for row_id, key in keys.items() if key in known_numbers]
    looked_at = [row_id for keys in by_shop.values() for row_id in keys]
    if looked_at:
        tried = update(TillRow).where(TillRow.id.in_(looked_at)).values(tried_at=clock.now())
        session.execute(tried.execution_options(synchronize_session=False))
    return worth_trying


def mark_differing(since: timedelta = timedelta(days=1)) -> int:
    """Show rows as differing whose sale a photo or a payment reported otherwise since then. Returns how many."""
    differing = sales.differing_sightings(clock.now() - since, channel=sales.TILL)
    agreeing = TillRow.outcome.in_([str(Outcome.NEW), str(Outcome.KNOWN)]) & (TillRow.kind != REFUND)
    query = select(TillRow.id, TillRow.report_id).where(TillRow.sale_id.in_(differing), TillRow.holds, agreeing)
    by_report: dict[int, list[int]] = defaultdict(list)
    for row_id, report_id in session.execute(query.order_by(TillRow.report_id, TillRow.id)):
        by_report[report_id].append(row_id)
    changed = 0
    for report_id, ids in sorted(by_report.items()):
        report = row_claims.hold_report(report_id)
        rows = session.scalars(select(TillRow).where(TillRow.id.in_(ids), agreeing).execution_options(populate_existing=True)).all()
        for row in rows:
            differs, known_fen = differing[int(row.sale_id or 0)]
            row_claims.record_outcomes(report, [(row, {"outcome": Outcome.DIFFERING, "differs": differs, "known_fen": known_fen})])
        changed += len(rows)
    return changed
