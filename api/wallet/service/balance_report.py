"""卡余额平衡报表: opening + in − out = closing, per card, by shop and in total, and four proofs that name what does not agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from api.kit import clock, pages
from api.kit.db import session
from api.ledger import service as ledger
from api.ledger.service import Asset, Turnover
from api.malls import service as malls
from api.wallet import queries
from api.wallet.errors import BalanceReportNotFound
from api.wallet.models import BalanceLine, BalanceReport, BonusGrant, Card
from api.wallet.service import accounts, card_stock, cash_shifts

DIFFERENCES_KEPT = 100
AT_ONCE = 5_000
#: Who stands against the cards, by asset: what the cards hold together, these owe together.
AGAINST = {Asset.PRINCIPAL_FEN: "mall", Asset.BONUS_FEN: "bearer"}


@dataclass
class Findings:
    """The figures of one day, and what does not agree in them."""

    day: date
    totals: dict[str, dict[str, int]] = field(default_factory=dict)
    by_cause: list[dict[str, Any]] = field(default_factory=list)
    by_shop: list[dict[str, Any]] = field(default_factory=list)
    card_sales: dict[str, dict[str, int]] = field(default_factory=dict)
    cash_shifts: dict[str, Any] = field(default_factory=dict)
    cards: int = 0
    differences: list[dict[str, Any]] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Whether nothing is wrong."""
        return not self.differences

    def differ(self, what: str, subject: str, expected: int, actual: int) -> None:
        """Note something that does not agree."""
        self.differences.append({"what": what, "subject": subject, "expected": expected, "found": actual})

    def figures(self) -> dict[str, Any]:
        """As the report keeps it."""
        return {
            "totals": self.totals, "by_cause": self.by_cause, "by_shop": self.by_shop, "cards": self.cards,
            "card_sales": self.card_sales, "cash_shifts": self.cash_shifts,
        }  # fmt: skip


def yesterday() -> date:
    """The day that is over, on the mall's own calendar."""
    return clock.today(malls.mall_info().timezone) - timedelta(days=1)


def record_report(day: date) -> Findings:
    """Make a day's report (again) and keep it, with each card that moved. A few set statements; memory does not grow with the ledger."""
    timezone = malls.mall_info().timezone
    since, until = clock.midnight(day, timezone), clock.midnight(day + timedelta(days=1), timezone)
    findings = Findings(day)
    report_id = _begin(day)
    _keep_lines(report_id, findings, ledger.turnover("card", accounts.VALUE, since=since, until=until))
    _prove_issued(findings)
    _prove_grants(findings)
    findings.by_cause = [
        {"asset": asset, "cause": cause, "in_fen": came, "out_fen": went}
        for asset, cause, came, went in ledger.moved_by_cause("card", accounts.VALUE, since=since, until=until)
    ]
    findings.by_shop = _by_shop(since=since, until=until)
    findings.card_sales = card_stock.sums_by_payment(day)
    findings.cash_shifts = cash_shifts.day_figures(since=since, until=until)
    for shift_id, sales_fen, sold_fen in cash_shifts.odd_shifts(since=since, until=until):
        findings.differ("shift", f"cash shift {shift_id}", sales_fen, sold_fen)
    report = session.get_one(BalanceReport, report_id)
    report.figures, report.differences, report.made_at = findings.figures(), findings.differences[:DIFFERENCES_KEPT], clock.now()
    session.flush()
    return findings


def _begin(day: date) -> int:
    empty: dict[str, Any] = {"figures": {}, "differences": [], "made_at": clock.now()}
    begun = insert(BalanceReport).values(reported_on=day, **empty)
    begun = begun.on_conflict_do_update(index_elements=["mall_id", "reported_on"], set_={"made_at": clock.now()})
    report_id = session.scalar(begun.returning(BalanceReport.id))
    assert report_id is not None
    session.execute(delete(BalanceLine).where(BalanceLine.report_id == report_id))
    return int(report_id)


def _keep_lines(report_id: int, findings: Findings, rows: Iterator[Turnover]) -> None:
    for chunk in _chunks(_cards(findings, rows), AT_ONCE):
        columns = {name: [line[name] for line in chunk] for name in _empty(0)}
        session.connection().exec_driver_sql(queries.KEEP_LINES, {"report_id": report_id, **columns})
        findings.cards += len(chunk)


def _cards(findings: Findings, rows: Iterator[Turnover]) -> Iterator[dict[str, Any]]:
    """One line a card, out of the two of its assets that come one after the other; sums and what does not agree are noted on the way."""
    line: dict[str, Any] = {}
    for row in rows:
        if not row.agrees:
            subject = f"card {row.owner_id}" if row.owner_id is not None else f"all {row.owner_kind}s"
            findings.differ("balance", f"{subject} {row.asset}", row.opening + row.came - row.went, row.closing)
        if row.owner_id is None:
            sums = {"opening_fen": row.opening, "in_fen": row.came, "out_fen": row.went, "closing_fen": row.closing}
            findings.totals[f"{row.owner_kind} {row.asset}"] = sums
            continue
        if line and line["card_id"] != row.owner_id:
            yield line
            line = {}
        line = line or _empty(row.owner_id)
        name = row.asset.removesuffix("_fen")
        for part, amount in (("opening", row.opening), ("in", row.came), ("out", row.went), ("closing", row.closing)):
            line[f"{name}_{part}_fen"] = amount
    if line:
        yield line


def _empty(card_id: int) -> dict[str, Any]:
    names = [f"{asset}_{part}_fen" for asset in ("principal", "bonus") for part in ("opening", "in", "out", "closing")]
    return {"card_id": card_id} | dict.fromkeys(names, 0)


def _chunks(lines: Iterable[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    rest = iter(lines)
    while chunk := list(islice(rest, size)):
        yield chunk


def _prove_issued(findings: Findings) -> None:
    """Σ cards = − what the mall (of bonus: its bearers) has issued and not taken back, and nobody else holds any."""
    for asset, owner_kind in AGAINST.items():
        closing = {name.split(" ")[0]: sums["closing_fen"] for name, sums in findings.totals.items() if name.endswith(f" {asset}")}
        on_cards, issued = closing.pop("card", 0), closing.pop(owner_kind, 0)
        if on_cards != -issued:
            findings.differ("issued", f"all cards {asset}", -issued, on_cards)
        for kind, amount in closing.items():
            if amount:
                findings.differ("stray", f"all {kind}s {asset}", 0, amount)


def _prove_grants(findings: Findings) -> None:
    """What is left of a card's grants is its bonus, and every account of a card has a card."""
    last = 0
    while True:
        ids = list(session.scalars(select(Card.id).where(Card.id > last).order_by(Card.id).limit(AT_ONCE)))
        if not ids:
            return
        for card_id in _odd_grants(ids):
            _prove_grant(findings, card_id)
        last = ids[-1]


def _odd_grants(card_ids: list[int]) -> list[int]:
    held = ledger.running_balances("card", card_ids, [Asset.BONUS_FEN])
    left = _left(card_ids[0], card_ids[-1])
    return [card_id for card_id in card_ids if left.get(card_id, 0) != held.get((card_id, Asset.BONUS_FEN), 0)]


def _left(first: int, last: int) -> dict[int, int]:
    query = select(BonusGrant.card_id, func.sum(BonusGrant.left_fen)).where(BonusGrant.card_id.between(first, last))
    return {row[0]: int(row[1]) for row in session.execute(query.group_by(BonusGrant.card_id))}


def _prove_grant(findings: Findings, card_id: int) -> None:
    # Two queries about a card in use may see different moments: those that disagree are compared again under a lock.
    session.execute(select(Card.id).where(Card.id == card_id).with_for_update())
    held = ledger.lock(accounts.card(card_id), Asset.BONUS_FEN)
    left = _left(card_id, card_id).get(card_id, 0)
    if left != held:
        findings.differ("grants", f"card {card_id} bonus_fen", held, left)


def _by_shop(*, since: Any, until: Any) -> list[dict[str, Any]]:
    rows = session.connection().exec_driver_sql(queries.BY_SHOP, {"since": since, "until": until}).all()
    names = malls.shop_names([row[0] for row in rows if row[0] is not None])
    columns = ("principal_out_fen", "bonus_out_fen", "principal_back_fen", "bonus_back_fen")
    return [{"shop_id": row[0], "shop": names.get(row[0]), **dict(zip(columns, row[1:], strict=True))} for row in rows]


def reports(cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT) -> pages.Page[BalanceReport]:
    """The daily reports, newest first."""
    return pages.page(select(BalanceReport), BalanceReport.id, cursor=cursor, limit=limit)


def report(report_id: int) -> BalanceReport:
    """One report. BalanceReportNotFound."""
    report = session.get(BalanceReport, report_id)
    if report is None:
        raise BalanceReportNotFound()
    return report


def lines(report_id: int, cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT) -> pages.Page[BalanceLine]:
    """The cards that moved on a report's day. BalanceReportNotFound."""
    query = select(BalanceLine).where(BalanceLine.report_id == report(report_id).id)
    return pages.page(query, BalanceLine.id, cursor=cursor, limit=limit, descending=False)
