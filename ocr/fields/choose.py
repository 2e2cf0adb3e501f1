"""Lines to fields: one pass over the rows, then each field asks for what it needs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from ocr.fields import kinds, merchants, numbers, times, total
from ocr.fields.edges import cut_lines, runs_out_below
from ocr.fields.entries import Entry, entries
from ocr.fields.labels import Role, role_of
from ocr.fields.money import amounts, currency_of, printed_currency
from ocr.fields.rows import Item, Row, lay_out
from ocr.fields.text import has_han, is_traditional, squeezed
from ocr.fields.total import Hypothesis
from ocr.ranker.model import Ranker, shipped
from ocr.reading import Box, Candidate, Field, Kind, Line, Picture, Reading, Tender

# How likely the ranker must find an amount to give it (by itself; on a slip without any known sum; under a label that says so), and to
# trust it (with a proof; where the rules are sure of the same).
LIKELY, NAMELESS, POSSIBLE, SURE, AGREED = 0.5, 0.85, 0.3, 0.9, 0.7
_SAY_WHAT_WAS_PAID = frozenset({Role.PAID, Role.PAYABLE, Role.TOTAL, Role.SUBTOTAL, Role.TENDER, Role.CASH, Role.CHANGE})
_MONEY_OF = {"refund": Role.REFUND, "top_up": Role.TOP_UP}
# How surely a date may be taken whose order of day and month nothing settles: the shopper is asked.
UNSETTLED = 0.5
# How surely the only date of a slip is taken when it is clear print and the photo came soon after.
FRESH, LEGIBLE = 0.85, 0.9
_REPRINT = re.compile(r"补打|重打|重印|重新打印|补印|再打印|reprint|duplicate|^副本|^copy$|第[2-9二三四五]次打印|打印次数:?[2-9]")


@dataclass(frozen=True)
class _Slip:
    lines: Sequence[Line]
    rows: Sequence[Row]
    ledger: Sequence[Entry]
    picture: Picture
    kind: Kind
    currency: str | None
    traditional: bool


def choose(lines: Sequence[Line], picture: Picture, today: date | None = None, ranker: Ranker | None = None) -> Reading:
    """The fields of the slip. A field that the lines do not support is None, never a guess.

    `today`: the day of upload. `ranker`: another than the shipped one.
    """
    rows = lay_out(lines)
    cut = cut_lines(lines, picture.width, picture.height)
    ledger = entries(rows, cut)
    kind, sure = kinds.kind_of(rows, ledger, picture.signals.screenshot)
    traditional = sum(is_traditional(line.text) for line in lines) >= 3
    slip = _Slip(lines, rows, ledger, picture, kind, printed_currency(rows, traditional), traditional)
    weighed = _weigh(slip)
    ranked = _ranked(slip, weighed, ranker or shipped())
    amount = _amount(slip, ranked)
    paid_at, other_times = _paid_at(slip, today)
    unit, mall = merchants.unit_and_mall(rows)
    return Reading(
        lines=tuple(lines),
        merchant=_merchant(slip),
        total_fen=amount,
        currency=_currency(slip, ranked),
        paid_at=paid_at,
        other_times=other_times,
        receipt_no=_number(slip, paid_at.value),
        kind=kind,
        kind_confidence=sure,
        auto=_is_sure(slip, ranked, weighed, amount, sure),
        picture=picture,
        candidates=tuple(_candidate(slip, hypothesis) for hypothesis in ranked[:4]),
        tenders=_tenders(ledger, amount.value),
        amounts=_named(ledger),
        original_no=numbers.original_number(rows) if kind == "refund" else None,
        reprint=any(_REPRINT.search(squeezed(row.text)) for row in rows),
        unit=unit,
        mall=mall,
        tax_no=_after(rows, r"(税号|统一社会信用代码|纳税人识别号|gst(reg)?(no|id)?|sstid|统编)", r"[A-Z0-9]{8,20}"),
        phone=_after(rows, r"(电话|热线|tel|phone)", r"[\d][\d\-\s]{6,14}\d"),
        cashier=_after(rows, r"^(收银员?|收款员|操作员号?|cashier|营业员|服务员|salesperson)", r"[\w ]{1,20}"),
    )


def _currency(slip: _Slip, ranked: Sequence[Hypothesis]) -> str:
    """The currency that stands with the amount, else the slip's; empty where none is printed."""
    beside = [code for best in ranked[:1] for entry in best.entries if (code := currency_of(entry.item.text))]
    if beside or slip.currency:
        return beside[0] if beside else str(slip.currency)
    yuan = "¥" if slip.traditional else "[¥元]"
    return "CNY" if any(re.search(yuan, row.text) for row in slip.rows) else ""


def _weigh(slip: _Slip) -> list[Hypothesis]:
    """The amounts in the order of the rules."""
    special = _MONEY_OF.get(slip.kind)
    if special is not None:
        return total.weigh_special(_with_own(slip.ledger, special), slip.rows, special)
    ranked = total.weigh(slip.ledger, slip.rows)
    if slip.kind == "e_screenshot" and not any(hypothesis.evidence & {"paid", "payable"} for hypothesis in ranked):
        return total.weigh_tallest(slip.ledger) or ranked
    return ranked


def _ranked(slip: _Slip, weighed: Sequence[Hypothesis], ranker: Ranker) -> list[Hypothesis]:
    """The amounts in the order of the ranker, which knows sums of purchases and nothing of other papers."""
    if slip.kind in _MONEY_OF or (weighed and weighed[0].evidence & {"special"}):
        return list(weighed)
    known = {hypothesis.fen: hypothesis for hypothesis in weighed}
    ranked = []
    for place in ranker.rank(slip.rows, slip.ledger, weighed):
        hypothesis = known.get(place.amount.fen) or Hypothesis(place.amount.fen, list(place.amount.entries))
        ranked.append(replace(hypothesis, probability=place.probability))
    return ranked


def _with_own(ledger: Sequence[Entry], special: Role) -> list[Entry]:
    """Without the counts and fees that carry the label of the refund or top-up, where its own sum is printed."""
    own = [entry for entry in ledger if entry.role is special and entry.fen]
    sums = {abs(entry.fen) for entry in ledger if entry.role in (Role.TOTAL, Role.PAYABLE, Role.PAID)}
    best = [entry for entry in own if abs(entry.fen) in sums] or [entry for entry in own if entry.strong] or own
    return [entry for entry in ledger if entry.role is not special or entry in best]


def _amount(slip: _Slip, ranked: Sequence[Hypothesis]) -> Field[int]:
    if not ranked or slip.kind == "other" or not _is_supported(slip, ranked[0]) or _may_go_on(slip, ranked[0]):
        return Field(None)
    best = ranked[0]
    fen = -best.fen if slip.kind == "refund" and not _is_credit_note(slip.rows) else best.fen
    indexes = tuple(sorted({entry.item.index for entry in best.entries}))
    return Field(fen, min(0.99, best.confidence), indexes, slip.lines[best.best.item.index].box)


def _is_supported(slip: _Slip, best: Hypothesis) -> bool:
    """Does anything but its place in the order speak for the amount: the ranker clearly, or a label?"""
    if best.probability is None:
        return total.is_supported(best, slip.ledger)
    if best.probability >= POSSIBLE and total.is_supported(best, slip.ledger):
        return True
    # Where the frame cuts the paper, the likeliest of what is left to be seen may be nothing.
    cut = runs_out_below(slip.lines, slip.rows[-1].items, slip.picture.width, slip.picture.height)
    summed = any(entry.role in _SAY_WHAT_WAS_PAID for entry in slip.ledger if entry.fen)
    enough = LIKELY if summed else NAMELESS
    return best.probability >= enough and not cut and not total.is_contradicted(best, slip.ledger)


def _is_credit_note(rows: Iterable[Row]) -> bool:
    # A credit note states the credit, as a positive amount; a refund slip states a payment back.
    return any("creditnote" in squeezed(row.text) for row in rows)


def _may_go_on(slip: _Slip, best: Hypothesis) -> bool:
    """Is the amount the last thing in the frame, so that a discount or the real total may stand below it?"""
    last = max(entry.row for entry in best.entries)
    if best.evidence & {"paid", "tenders", "echo", "change", "words"}:
        return False
    bottom = slip.rows[-1].items
    if "subtotal" in best.evidence and runs_out_below(slip.lines, bottom, slip.picture.width, slip.picture.height):
        return True
    if last < len(slip.rows) - 1:
        return any(_promises_more(row, best.fen) for row in slip.rows[last + 1 :])
    return runs_out_below(slip.lines, slip.rows[last].items, slip.picture.width, slip.picture.height)


def _promises_more(row: Row, due: int) -> bool:
    """A label of a discount or of a later sum without its amount, or an amount without its label."""
    bare = amounts(row.items[0])
    if len(row.items) == 1 and bare and bare[0].strong and not re.search(r"[^\W\d_]{2,}", row.text.replace("RMB", "")):
        return abs(bare[0].fen) != due
    role = role_of(row.text)
    promised = role in (Role.DISCOUNT, Role.ROUNDING, Role.PAYABLE, Role.PAID, Role.TOTAL)
    return promised and len(row.items) == 1 and row.text.rstrip().endswith(":") and not amounts(row.items[0])


def _is_sure(
    slip: _Slip, ranked: Sequence[Hypothesis], weighed: Sequence[Hypothesis], amount: Field[int], kind_sure: float
) -> bool:  # fmt: skip
    if amount.value is None or slip.kind == "other" or kind_sure < 0.5:
        return False
    if slip.kind != "top_up" and any(_is_filling(entry) for entry in slip.ledger):
        return False  # bought and topped up at once: what was bought is for a person to say
    if any(entry.role is Role.DEPOSIT and entry.fen for entry in slip.ledger):
        return False  # paid in parts on several days: which part earns here is for a person to say
    if any(_is_unread(slip, number) for number in range(max(entry.row for entry in ranked[0].entries) + 1, len(slip.rows))):
        return False
    if slip.kind not in ("payment_slip", "e_screenshot") and ranked[0].evidence & total.PROOFS == {"alone"}:
        return False  # a shop's receipt shows more than one amount: the rest was not read
    if kinds.is_doubtful(slip.rows, slip.ledger) or total.paid_nothing(slip.ledger) or total.is_split(ranked[0], slip.ledger):
        return False  # perhaps no purchase, or not all of it this one's
    if total.articles_disagree(slip.ledger, ranked[0].fen):
        return False  # a digit of the sum or of an article was misread, or a discount was not read at all
    if ranked[0].probability is None:
        return total.is_sure(ranked)
    agreed = bool(weighed) and weighed[0].fen == ranked[0].fen and total.is_sure(weighed)
    proved = bool(ranked[0].evidence & total.PROOFS - {"alone"}) and ranked[0].legible >= total.LEGIBLE
    return ranked[0].probability >= (AGREED if agreed else SURE) and (agreed or proved)


def _is_filling(entry: Entry) -> bool:
    # What a card fills itself with is paid at another time.
    return entry.role is Role.TOP_UP and entry.fen > 0 and entry.strong and "自动" not in entry.label


def _is_unread(slip: _Slip, number: int) -> bool:
    """Does a label of a later sum stand here whose amount could not be read?"""
    row = slip.rows[number]
    key = squeezed(row.text)
    if len(row.items) != 1 or len(key) > 8 or key.startswith("已") or role_of(row.text) not in (Role.PAID, Role.PAYABLE):
        return False
    return not any(entry.row in (number, number + 1) for entry in slip.ledger)


def _candidate(slip: _Slip, hypothesis: Hypothesis) -> Candidate:
    item = hypothesis.best.item
    return Candidate(hypothesis.fen, min(0.99, hypothesis.confidence), hypothesis.best.label, item.index, slip.lines[item.index].box)


def _merchant(slip: _Slip) -> Field[str]:
    name = merchants.merchant(slip.rows, slip.ledger, slip.lines, slip.kind)
    if name is None:
        return Field(None)
    return Field(name.text, min(0.99, name.score), _indexes(name.items), _box(slip, name.items))


def _paid_at(slip: _Slip, today: date | None) -> tuple[Field[datetime], tuple[datetime, ...]]:
    """The time of the purchase, and what else the same print means where nothing settles which of its numbers is the month."""
    moments = times.moments(slip.rows, "ymd" if _is_mainland(slip) else "dmy", today)
    if not moments or moments[0].score < 0.2:
        return Field(None), ()
    best = moments[0]
    return Field(best.when, round(_date_confidence(moments, today), 3), _indexes(best.items), _box(slip, best.items)), best.others


def _date_confidence(moments: Sequence[times.Moment], today: date | None) -> float:
    best = moments[0]
    if best.others:
        return min(best.score, UNSETTLED)
    day = best.when.date()
    days = {moment.when.date() for moment in moments if moment.score >= 0.3}
    legible = min(item.score for item in best.items) >= LEGIBLE
    if today is None or not (best.has_time and legible and days == {day}):
        return best.score
    # The one date with a time on the slip, a few days before the upload, needs no label to be the till's own.
    return max(best.score, FRESH) if today - times.NEAR <= day <= today + times.TILL_AHEAD else best.score


def _is_mainland(slip: _Slip) -> bool:
    # Simplified characters, and none that only the traditional script has: years and months stand before days.
    han = [line.text for line in slip.lines if has_han(line.text)]
    return len(han) >= 3 and not any(is_traditional(text) for text in han)


def _number(slip: _Slip, paid_at: datetime | None) -> Field[str]:
    numbers_found = numbers.numbers(slip.rows, slip.kind)
    if not numbers_found:
        return Field(None)
    best = numbers_found[0]
    value = numbers.repaired(best.value, paid_at)
    return Field(value, round(best.score * best.item.score, 3), (best.item.index,), slip.lines[best.item.index].box)


def _indexes(items: Sequence[Item]) -> tuple[int, ...]:
    return tuple(item.index for item in items)


def _box(slip: _Slip, items: Sequence[Item]) -> Box | None:
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
