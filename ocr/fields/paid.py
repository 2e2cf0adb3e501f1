"""Which amount was paid: the order of the rules and of the ranker, what supports the first, and what keeps it from being trusted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from ocr.fields import kinds, total
from ocr.fields.edges import runs_out_below
from ocr.fields.entries import Entry
from ocr.fields.labels import SUMS_AND_PAID, Role, role_of
from ocr.fields.money import amounts
from ocr.fields.rows import Row
from ocr.fields.text import squeezed
from ocr.fields.total import Hypothesis
from ocr.ranker.model import Ranker
from ocr.reading import Field, Kind, Line, Picture

# How likely the ranker must find an amount to give it (by itself; on a slip without any known sum; under a label that says so), and to
# trust it (with a proof; where the rules are sure of the same).
LIKELY, NAMELESS, POSSIBLE, SURE, AGREED = 0.5, 0.85, 0.3, 0.9, 0.7
_SAY_WHAT_WAS_PAID = frozenset({*SUMS_AND_PAID, Role.TENDER, Role.CASH, Role.CHANGE})
_MONEY_OF = {"refund": Role.REFUND, "top_up": Role.TOP_UP}


@dataclass(frozen=True)
class Slip:
    """The lines in their rows, the amounts among them, and what sort of paper it is."""

    lines: Sequence[Line]
    rows: Sequence[Row]
    ledger: Sequence[Entry]
    picture: Picture
    kind: Kind
    kind_confidence: float


@dataclass(frozen=True)
class Paid:
    """The amount that was paid with all that could have been, the likeliest first. `doubts`: why no purchase is trusted to be of it."""

    amount: Field[int]
    ranked: Sequence[Hypothesis]
    doubts: tuple[str, ...]


@dataclass(frozen=True)
class _Choice:
    slip: Slip
    weighed: Sequence[Hypothesis]
    ranked: Sequence[Hypothesis]

    @property
    def best(self) -> Hypothesis:
        return self.ranked[0]


def paid(slip: Slip, ranker: Ranker) -> Paid:
    """What was paid, as far as the slip supports it."""
    weighed = _weigh(slip)
    ranked = _ranked(slip, weighed, ranker)
    amount = _amount(slip, ranked)
    if amount.value is None:
        return Paid(amount, ranked, ("no amount",))
    choice = _Choice(slip, weighed, ranked)
    return Paid(amount, ranked, tuple(name for name, holds in _DOUBTS if holds(choice)))


def _weigh(slip: Slip) -> list[Hypothesis]:
    """The amounts in the order of the rules."""
    special = _MONEY_OF.get(slip.kind)
    if special is not None:
        return total.weigh_special(_with_own(slip.ledger, special), slip.rows, special)
    ranked = total.weigh(slip.ledger, slip.rows)
    if slip.kind == "e_screenshot" and not any(hypothesis.evidence & {"paid", "payable"} for hypothesis in ranked):
        return total.weigh_tallest(slip.ledger) or ranked
    return ranked


def _ranked(slip: Slip, weighed: Sequence[Hypothesis], ranker: Ranker) -> list[Hypothesis]:
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


def _amount(slip: Slip, ranked: Sequence[Hypothesis]) -> Field[int]:
    if not ranked or slip.kind == "other" or not _is_supported(slip, ranked[0]) or _may_go_on(slip, ranked[0]):
        return Field(None)
    best = ranked[0]
    fen = -best.fen if slip.kind == "refund" and not _is_credit_note(slip.rows) else best.fen
    indexes = tuple(sorted({entry.item.index for entry in best.entries}))
    return Field(fen, min(0.99, best.confidence), indexes, slip.lines[best.best.item.index].box)


def _is_supported(slip: Slip, best: Hypothesis) -> bool:
    """Does anything but its place in the order speak for the amount: the ranker clearly, or a label?"""
    if best.probability is None:
        return total.is_supported(best, slip.ledger)
    spoken_for = total.is_supported(best, slip.ledger) or total.is_cash_less_change(best.fen, slip.ledger)
    if best.probability >= POSSIBLE and spoken_for:
        return True
    # Where the frame cuts the paper, the likeliest of what is left to be seen may be nothing.
    cut = runs_out_below(slip.lines, slip.rows[-1].items, slip.picture.width, slip.picture.height)
    summed = any(entry.role in _SAY_WHAT_WAS_PAID for entry in slip.ledger if entry.fen)
    enough = LIKELY if summed else NAMELESS
    return best.probability >= enough and not cut and not total.is_contradicted(best, slip.ledger)


def _is_credit_note(rows: Iterable[Row]) -> bool:
    # A credit note states the credit, as a positive amount; a refund slip states a payment back.
    return any("creditnote" in squeezed(row.text) for row in rows)


def _may_go_on(slip: Slip, best: Hypothesis) -> bool:
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


def _is_also_filled(choice: _Choice) -> bool:
    # Bought and topped up at once: what was bought is for a person to say.
    return choice.slip.kind != "top_up" and any(_is_filling(entry) for entry in choice.slip.ledger)


def _is_filling(entry: Entry) -> bool:
    # What a card fills itself with is paid at another time.
    return entry.role is Role.TOP_UP and entry.fen > 0 and entry.strong and "自动" not in entry.label


def _is_unread(slip: Slip, number: int) -> bool:
    """Does a label of a later sum stand here whose amount could not be read?"""
    row = slip.rows[number]
    key = squeezed(row.text)
    if len(row.items) != 1 or len(key) > 8 or key.startswith("已") or role_of(row.text) not in (Role.PAID, Role.PAYABLE):
        return False
    return not any(entry.row in (number, number + 1) for entry in slip.ledger)


def _is_paid_in_parts(choice: _Choice) -> bool:
    # On several days: which part earns here is for a person to say.
    return any(entry.role is Role.DEPOSIT and entry.fen for entry in choice.slip.ledger)


def _goes_on_unread(choice: _Choice) -> bool:
    last = max(entry.row for entry in choice.best.entries)
    return any(_is_unread(choice.slip, number) for number in range(last + 1, len(choice.slip.rows)))


def _stands_alone(choice: _Choice) -> bool:
    # A shop's receipt shows more than one amount: the rest was not read.
    return choice.slip.kind not in ("payment_slip", "e_screenshot") and choice.best.evidence & total.PROOFS == {"alone"}


def _is_not_proved(choice: _Choice) -> bool:
    best, weighed = choice.best, choice.weighed
    if best.probability is None:
        return not total.is_sure(choice.ranked)
    agreed = bool(weighed) and weighed[0].fen == best.fen and total.is_sure(weighed)
    proved = bool(best.evidence & total.PROOFS - {"alone"}) and best.legible >= total.LEGIBLE
    return best.probability < (AGREED if agreed else SURE) or not (agreed or proved)


_DOUBTS: tuple[tuple[str, Callable[[_Choice], bool]], ...] = (
    ("kind unclear", lambda choice: choice.slip.kind_confidence < 0.5),
    ("topped up as well", _is_also_filled),
    ("paid in parts", _is_paid_in_parts),
    ("a later sum not read", _goes_on_unread),
    ("one amount alone", _stands_alone),
    ("perhaps no purchase", lambda choice: kinds.is_doubtful(choice.slip.rows, choice.slip.ledger)),
    ("nothing paid", lambda choice: total.paid_nothing(choice.slip.ledger)),
    ("others paid the rest", lambda choice: total.is_split(choice.best, choice.slip.ledger)),
    # A digit of the sum or of an article was misread, or a discount was not read at all.
    ("articles come to something else", lambda choice: total.articles_disagree(choice.slip.ledger, choice.best.fen)),
    ("not proved", _is_not_proved),
)
