"""Lines to fields: one pass over the rows, then each field asks for what it needs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime

from ocr.fields import kinds, merchants, numbers, times
from ocr.fields.edges import cut_lines
from ocr.fields.entries import Entry, entries
from ocr.fields.labels import Role
from ocr.fields.money import currency_of, printed_currency
from ocr.fields.paid import Slip, paid
from ocr.fields.rows import Item, Row, lay_out
from ocr.fields.text import has_han, is_traditional, squeezed
from ocr.fields.total import Hypothesis
from ocr.ranker.model import Ranker, shipped
from ocr.reading import Box, Candidate, Field, Line, Picture, Reading, Tender

# How surely a date may be taken whose order of day and month nothing settles: the shopper is asked.
UNSETTLED = 0.5
# How surely the only date of a slip is taken when it is clear print and the photo came soon after; and one under another day's name.
FRESH, UNNAMED, LEGIBLE = 0.85, 0.7, 0.9
_REPRINT = re.compile(r"补打|重打|重印|重新打印|补印|再打印|reprint|duplicate|^副本|^copy$|第[2-9二三四五]次打印|打印次数:?[2-9]")


def choose(lines: Sequence[Line], picture: Picture, today: date | None = None, ranker: Ranker | None = None) -> Reading:
    """The fields of the slip. A field that the lines do not support is None, never a guess.

    `today`: the day of upload. `ranker`: another than the shipped one.
    """
    rows = lay_out(lines)
    cut = cut_lines(lines, picture.width, picture.height)
    ledger = entries(rows, cut)
    kind, sure = kinds.kind_of(rows, ledger, picture.signals.screenshot)
    slip = Slip(lines, rows, ledger, picture, kind, sure)
    sum_paid = paid(slip, ranker or shipped())
    paid_at, other_times = _paid_at(slip, today)
    unit, mall = merchants.unit_and_mall(rows)
    return Reading(
        lines=tuple(lines),
        merchant=_merchant(slip),
        total_fen=sum_paid.amount,
        currency=_currency(slip, sum_paid.ranked),
        paid_at=paid_at,
        other_times=other_times,
        receipt_no=_number(slip, paid_at.value),
        kind=kind,
        kind_confidence=sure,
        auto=not sum_paid.doubts,
        doubts=sum_paid.doubts,
        picture=picture,
        candidates=tuple(_candidate(slip, hypothesis) for hypothesis in sum_paid.ranked[:4]),
        tenders=_tenders(ledger, sum_paid.amount.value),
        amounts=_named(ledger),
        original_no=numbers.original_number(rows) if kind == "refund" else None,
        reprint=_is_reprint(rows),
        unit=unit,
        mall=mall,
        tax_no=_after(rows, r"(税号|统一社会信用代码|纳税人识别号|gst(reg)?(no|id)?|sstid|统编)", r"[A-Z0-9]{8,20}"),
        phone=_after(rows, r"(电话|热线|tel|phone)", r"[\d][\d\-\s]{6,14}\d"),
        cashier=_after(rows, r"^(收银员?|收款员|操作员号?|cashier|营业员|服务员|salesperson)", r"[\w ]{1,20}"),
    )


def _is_reprint(rows: Sequence[Row]) -> bool:
    return any(_REPRINT.search(squeezed(row.text)) for row in rows)


def _currency(slip: Slip, ranked: Sequence[Hypothesis]) -> str:
    """The currency that stands with the amount, else the slip's."""
    beside = [code for best in ranked[:1] for entry in best.entries if (code := currency_of(entry.item.text))]
    return beside[0] if beside else printed_currency(slip.rows, sum(is_traditional(line.text) for line in slip.lines) >= 3)


def _candidate(slip: Slip, hypothesis: Hypothesis) -> Candidate:
    item = hypothesis.best.item
    return Candidate(hypothesis.fen, min(0.99, hypothesis.confidence), hypothesis.best.label, item.index, slip.lines[item.index].box)


def _merchant(slip: Slip) -> Field[str]:
    name = merchants.merchant(slip.rows, slip.ledger, slip.lines, slip.kind)
    if name is None:
        return Field(None)
    return Field(name.text, min(0.99, name.score), _indexes(name.items), _box(slip, name.items))


def _paid_at(slip: Slip, today: date | None) -> tuple[Field[datetime], tuple[datetime, ...]]:
    """The time of the purchase, and what else the same print means where nothing settles which of its numbers is the month."""
    moments = times.moments(slip.rows, "ymd" if _is_mainland(slip) else "dmy", today, slip.kind)
    if not moments or moments[0].score < 0.2:
        return Field(None), ()
    best = moments[0]
    return Field(
        best.when,
        round(_date_confidence(moments, None if _is_reprint(slip.rows) else today), 3),
        _indexes(best.items),
        _box(slip, best.items),
    ), best.others


def _date_confidence(moments: Sequence[times.Moment], today: date | None) -> float:
    best = moments[0]
    if best.others:
        return min(best.score, UNSETTLED)
    day = best.when.date()
    days = {moment.when.date() for moment in moments if moment.score >= 0.3}
    legible = min(item.score for item in best.items) >= LEGIBLE
    alone = best.named is not False and best.has_time and legible and days == {day}
    if today is not None and alone and today - times.NEAR <= day <= today + times.TILL_AHEAD:
        return max(best.score, FRESH)
    return best.score if best.named else min(best.score, UNNAMED)


def _is_mainland(slip: Slip) -> bool:
    # Simplified characters, and none that only the traditional script has: years and months stand before days.
    han = [line.text for line in slip.lines if has_han(line.text)]
    return len(han) >= 3 and not any(is_traditional(text) for text in han)


def _number(slip: Slip, paid_at: datetime | None) -> Field[str]:
    numbers_found = numbers.numbers(slip.rows, slip.kind)
    if not numbers_found:
        return Field(None)
    best = numbers_found[0]
    value = numbers.repaired(best.value, paid_at)
    return Field(value, round(best.score * best.item.score, 3), (best.item.index,), slip.lines[best.item.index].box)


def _indexes(items: Sequence[Item]) -> tuple[int, ...]:
    return tuple(item.index for item in items)


def _box(slip: Slip, items: Sequence[Item]) -> Box | None:
    return slip.lines[items[0].index].box if items else None


def _tenders(ledger: Sequence[Entry], paid: int | None) -> tuple[Tender, ...]:
    if paid is None:
        return ()
    return tuple(
        Tender(entry.label.strip(" :"), abs(entry.fen))
        for entry in ledger
        if entry.role in (Role.TENDER, Role.CASH) and entry.fen and entry.strong
    )


def _named(ledger: Sequence[Entry]) -> dict[str, int]:
    """The amounts by the part that they play, in fen; of several with one part the last."""
    return {entry.role.value: entry.fen for entry in ledger if entry.role not in (None, Role.OTHER)}


def _after(rows: Sequence[Row], label: str, value: str) -> str | None:
    for row in rows:
        for item in row.items:
            match = re.search(rf"{label}[^:]*:\s*(?P<found>{value})", item.text, re.IGNORECASE)
            if match:
                return match["found"].strip()
    return None
