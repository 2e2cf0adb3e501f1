"""Which amount was paid: every printed amount is a hypothesis, and independent evidence speaks for or against it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, product
from math import prod
from statistics import median

from ocr.fields.entries import Entry
from ocr.fields.labels import SUMS, SUMS_AND_PAID, Role
from ocr.fields.money import in_words
from ocr.fields.rows import Row

# How far each kind of evidence, alone, lets us believe an amount. The kinds are independent of each other.
WEIGHTS = {
    "paid": 0.72,
    "payable": 0.74,
    "total": 0.60,
    "subtotal": 0.30,
    "tender": 0.25,
    "tenders": 0.64,
    "echo": 0.35,
    "change": 0.64,
    "discounts": 0.50,
    "items": 0.45,
    "words": 0.70,
    "alone": 0.45,
    "tall": 0.15,
    "again": 0.35,
    "special": 0.72,
    "balance": 0.60,
    "unlabelled": 0.1,
}
PROOFS = frozenset({"tenders", "echo", "change", "discounts", "items", "words", "again", "alone", "balance"})
TRUSTED = 0.85
LEGIBLE = 0.88
CLEAR = 0.97


@dataclass
class Hypothesis:
    """An amount in fen, the entries that print it, and the evidence for it."""

    fen: int
    entries: list[Entry]
    evidence: set[str] = field(default_factory=set)
    doubt: float = 1.0
    probability: float | None = None  # what the ranker says, where it was asked

    @property
    def confidence(self) -> float:
        return self.belief if self.probability is None else self.probability

    @property
    def belief(self) -> float:
        """How far the evidence alone lets us believe it."""
        belief = 1 - prod(1 - WEIGHTS[kind] for kind in self.evidence)
        return round(belief * self.doubt * min(1.0, self.legible / LEGIBLE), 4)

    @property
    def legible(self) -> float:
        """How surely the digits were read: the best of the lines that print them."""
        return max(entry.item.score for entry in self.entries)

    @property
    def best(self) -> Entry:
        """The entry to show: the one with the strongest label, the lowest on the paper among equals."""
        return max(self.entries, key=lambda entry: (_RANK.get(entry.role, 0), entry.item.height, entry.row))


_RANK: dict[Role | None, int] = {
    Role.PAID: 6,
    Role.PAYABLE: 6,
    Role.TOTAL: 5,
    Role.REFUND: 5,
    Role.TOP_UP: 5,
    Role.SUBTOTAL: 3,
    Role.TENDER: 2,
    Role.CASH: 1,
}
_NAMES = {Role.PAID: "paid", Role.PAYABLE: "payable", Role.TOTAL: "total", Role.SUBTOTAL: "subtotal", Role.TENDER: "tender"}
# A means of payment that many shops count as a discount, and a discount that many count as a means of payment.
_VOUCHER = re.compile(r"券|团购|抵|voucher|coupon", re.IGNORECASE)


def weigh(ledger: Sequence[Entry], rows: Sequence[Row]) -> list[Hypothesis]:
    """The amounts that may be the one paid, best first."""
    ledger = _in_style(ledger)
    hypotheses = {fen: Hypothesis(fen, same) for fen, same in _labelled(ledger).items()}
    for hypothesis in hypotheses.values():
        _by_label(hypothesis)
    _by_cash(ledger, hypotheses)
    _by_tenders(ledger, hypotheses)
    _by_discounts(ledger, hypotheses)
    _by_items(ledger, hypotheses)
    _by_words(rows, hypotheses)
    _by_balance(ledger, hypotheses)
    _by_size(ledger, hypotheses)
    _doubt(ledger, hypotheses)
    ranked = sorted(hypotheses.values(), key=lambda hypothesis: (hypothesis.belief, hypothesis.best.row), reverse=True)
    labelled = any(_is_firm(hypothesis) or "subtotal" in hypothesis.evidence for hypothesis in ranked)
    return ranked if labelled else [*_unlabelled(ledger), *ranked]


def _unlabelled(ledger: Sequence[Entry]) -> list[Hypothesis]:
    """Where no label of a sum could be read: the amount in the largest print, if it stands again right below."""
    strong = [entry for entry in ledger if entry.strong and entry.fen > 0]
    if len(strong) < 3:
        return []
    tallest = max(strong, key=lambda entry: entry.item.height)
    below = [entry for entry in strong if tallest.row < entry.row <= tallest.row + 2 and entry.fen == tallest.fen]
    large = tallest.item.height > 1.25 * median(entry.item.height for entry in strong)
    if not (large and below and tallest.role in (None, Role.TENDER)):
        return []
    return [Hypothesis(tallest.fen, [tallest, *below], {"tall", "echo", "unlabelled"})]


def _in_style(ledger: Sequence[Entry]) -> list[Entry]:
    # Where prices carry cents, a bare whole number is a count or a code.
    money = [entry for entry in ledger if entry.role is not Role.COUNT]
    with_cents = sum(entry.cents for entry in money)
    if with_cents < min(3, 0.5 * len(money)):
        return list(ledger)
    return [entry for entry in ledger if entry.cents or entry.strong]


def _labelled(ledger: Sequence[Entry]) -> dict[int, list[Entry]]:
    wanted = (*_NAMES, Role.CASH)
    values: dict[int, list[Entry]] = {}
    for entry in ledger:
        if entry.role in wanted and entry.fen > 0:
            values.setdefault(entry.fen, []).append(entry)
    return {fen: same for fen, same in values.items() if any(entry.role in _NAMES for entry in same)}


def _by_label(hypothesis: Hypothesis) -> None:
    names = {_NAMES[entry.role] for entry in hypothesis.entries if entry.role in _NAMES}
    firm = [name for name in ("payable", "paid", "total", "subtotal") if name in names]
    hypothesis.evidence |= set(firm[:1]) or (names & {"tender"})
    rows = {entry.row for entry in hypothesis.entries if entry.role in SUMS_AND_PAID}
    if len(rows) > 1:
        hypothesis.evidence.add("again")


def _by_cash(ledger: Sequence[Entry], hypotheses: dict[int, Hypothesis]) -> None:
    changes = [abs(entry.fen) for entry in ledger if entry.role is Role.CHANGE and entry.fen]
    handed = [entry for entry in ledger if entry.role in (Role.CASH, Role.PAID, Role.TENDER) and entry.fen]
    for change, given in product(changes, handed):
        paid = abs(given.fen) - change
        if paid > 0 and paid in hypotheses:
            hypotheses[paid].evidence.add("change")
            if given.fen in hypotheses:
                # What was handed over is not what was paid, whatever its label says.
                hypotheses[given.fen].doubt *= 0.1


def _by_tenders(ledger: Sequence[Entry], hypotheses: dict[int, Hypothesis]) -> None:
    means = [entry for entry in ledger if _is_means(entry)]
    for hypothesis in hypotheses.values():
        printed = {entry.row for entry in hypothesis.entries if entry.role in SUMS_AND_PAID}
        if not printed:
            continue
        others = [entry for entry in means if entry.row not in printed and entry.row > min(printed)][-6:]
        for count in range(1, len(others) + 1):
            for some in combinations(others, count):
                if sum(abs(entry.fen) for entry in some) == hypothesis.fen:
                    known = all(entry.role in (Role.TENDER, Role.CASH) for entry in some)
                    hypothesis.evidence.add("tenders" if known else "echo")


def _is_means(entry: Entry) -> bool:
    # With a minus before it a voucher is a discount.
    voucher = entry.role is Role.DISCOUNT and entry.fen > 0 and bool(_VOUCHER.search(entry.label))
    # A name that no rule knows, below the sum, may be one more means of payment.
    unknown = entry.role is None and entry.strong and entry.fen > 0
    return entry.fen != 0 and (entry.role in (Role.TENDER, Role.CASH, Role.DEPOSIT) or voucher or unknown)


def _by_discounts(ledger: Sequence[Entry], hypotheses: dict[int, Hypothesis]) -> None:
    sums = {entry.fen: entry.row for entry in ledger if entry.role in (*SUMS, Role.LISTED) and entry.fen > 0}
    changes = _adjustments(ledger)
    for hypothesis in hypotheses.values():
        for fen, row in sums.items():
            last = max(entry.row for entry in hypothesis.entries)
            if fen != hypothesis.fen and row < last and hypothesis.fen - fen in changes:
                hypothesis.evidence.add("discounts")


def _adjustments(ledger: Sequence[Entry]) -> set[int]:
    """Every change of a sum that the printed discounts, fees, taxes and roundings allow, in fen."""
    reachable = {0}
    for entry in [entry for entry in ledger if entry.fen and _signs(entry)][:8]:
        steps = [sign * abs(entry.fen) for sign in _signs(entry)]
        reachable |= {base + step for base in reachable for step in steps}
    return reachable - {0}


def _signs(entry: Entry) -> tuple[int, ...]:
    if entry.role is Role.TENDER and _VOUCHER.search(entry.label):
        return (-1,)
    if _is_unnamed_discount(entry):
        return (-1,)
    return _SIGNS.get(entry.role, ())


def _is_unnamed_discount(entry: Entry) -> bool:
    return entry.role is None and entry.fen < 0 and entry.strong


_SIGNS: dict[Role | None, tuple[int, ...]] = {
    Role.DISCOUNT: (-1,),
    Role.ROUNDING: (-1, 1),
    Role.FEE: (1,),
    Role.TAX: (1,),
}


def _by_items(ledger: Sequence[Entry], hypotheses: dict[int, Hypothesis]) -> None:
    sums = [entry.row for entry in ledger if entry.role in (*SUMS_AND_PAID, Role.LISTED, Role.DISCOUNT)]
    if not sums:
        return
    first = min(sums)
    lines = _article_lines(ledger, first)
    articles = [fen for fen in lines if fen > 0]
    parts = [entry.fen for entry in ledger if entry.role is Role.SUBTOTAL and entry.fen > 0]
    whole = {sum(articles), sum(lines)} if articles else set()
    # One article and one discount of several would fit too easily: for one article all changes count.
    changes = {0, *_adjustments(ledger)} if len(articles) > 1 else {0, _full_change(ledger)}
    fitting = {total + change for total in whole for change in changes} | ({sum(parts)} if len(parts) > 1 else set())
    for fen in fitting & hypotheses.keys():
        hypotheses[fen].evidence.add("items")


def articles_disagree(ledger: Sequence[Entry], fen: int) -> bool:
    """Do the articles come to something else than the sum: at all, or as if a digit or the point of the sum had been lost?"""
    sums = [entry.row for entry in ledger if entry.role in (*SUMS_AND_PAID, Role.LISTED) or abs(entry.fen) == fen]
    if not sums:
        return False
    above = [entry for entry in ledger if entry.row < min(sums) and entry.role is None and entry.label]
    with_cents = any(entry.cents for entry in above)
    articles = list({entry.row: entry.fen for entry in above if entry.cents or not with_cents}.values())
    # A till that drops zeros (9.9) prints whole prices without cents: then all numbers may be prices.
    drops = any(entry.cents and not entry.strong for entry in above)
    lines = list({entry.row: entry.fen for entry in above}.values()) if drops else []
    # A sum of parts agrees as well: then more articles stand below it.
    printed = {fen, *(entry.fen for entry in ledger if entry.role in (*SUMS, Role.LISTED))}
    changes = _adjustments(ledger)
    expected = [sum(articles) + change for change in {0, *changes}] if articles else []
    whole = [*expected, *(sum(lines) + change for change in {0, *changes} if lines)]
    if any(abs(of_articles - known) <= _MOST_ROUNDED for of_articles in whole for known in printed):
        return False
    if any(_lost_something(of_articles, fen) for of_articles in expected):
        return True
    counted = with_cents and len(articles) > 1 and not any(entry.strong and not entry.cents for entry in above)
    return counted and not changes


def _lost_something(expected: int, fen: int) -> bool:
    """Whether one is the other without its point, or without its leading digit."""
    longer, shorter = max(expected, fen), min(expected, fen)
    return shorter > 0 and (longer == 100 * shorter or (len(str(longer)) - len(str(shorter)) == 1 and str(longer)[1:] == str(shorter)))


_MOST_ROUNDED = 10


def _article_lines(ledger: Sequence[Entry], first: int) -> list[int]:
    """The amounts of the article lines above that row, in fen: of each line its last, with a fee beside it."""
    lines: dict[int, int] = {}
    for entry in ledger:
        if entry.row >= first or entry.role not in (None, Role.FEE):
            continue
        if entry.role is None and len(lines) > 1 and entry.row not in lines and entry.fen == sum(lines.values()):
            continue  # a sum of the lines so far under a name that no rule knows
        beside = lines.get(entry.row, 0) if entry.role is Role.FEE else 0
        lines[entry.row] = entry.fen + beside
    return list(lines.values())


def _full_change(ledger: Sequence[Entry]) -> int:
    return sum(_signs(entry)[0] * abs(entry.fen) for entry in ledger if entry.fen and _signs(entry))


def _by_words(rows: Sequence[Row], hypotheses: dict[int, Hypothesis]) -> None:
    for row in rows:
        fen = in_words(row.text)
        if fen in hypotheses:
            hypotheses[fen].evidence.add("words")


def _by_balance(ledger: Sequence[Entry], hypotheses: dict[int, Hypothesis]) -> None:
    """A card's balance before, less what was paid, is its balance after."""
    balances = [entry.fen for entry in ledger if entry.role is Role.BALANCE and entry.fen >= 0]
    for before, after in product(balances, balances):
        if before - after in hypotheses:
            hypotheses[before - after].evidence.add("balance")


def _by_size(ledger: Sequence[Entry], hypotheses: dict[int, Hypothesis]) -> None:
    heights = [entry.item.height for entry in ledger]
    if not heights:
        return
    usual = median(heights)
    for hypothesis in hypotheses.values():
        if hypothesis.best.item.height > 1.3 * usual:
            hypothesis.evidence.add("tall")
    named = (*_NAMES, Role.CASH, Role.CHANGE, Role.FEE, Role.DISCOUNT)
    money = {abs(entry.fen) for entry in ledger if entry.fen and (entry.strong or entry.cents or entry.role in named)}
    for hypothesis in hypotheses.values():
        if money == {hypothesis.fen}:
            hypothesis.evidence.add("alone")


def _doubt(ledger: Sequence[Entry], hypotheses: dict[int, Hypothesis]) -> None:
    """A sum that is followed by discounts and by a smaller amount due is not what was paid."""
    for hypothesis in hypotheses.values():
        rivals = [rival for rival in hypotheses.values() if rival is not hypothesis]
        if any(_supersedes(rival, hypothesis, ledger) for rival in rivals):
            hypothesis.doubt *= 0.5
        if {"tender", "subtotal"} & hypothesis.evidence and any(_is_firm(rival) for rival in rivals):
            hypothesis.doubt *= 0.6
    _prefer_paid(ledger, hypotheses)
    handed = any(entry.role is Role.CASH and entry.fen for entry in ledger)
    for hypothesis in hypotheses.values():
        if "paid" in hypothesis.evidence and handed and not hypothesis.evidence & PROOFS - {"tenders", "echo"}:
            hypothesis.doubt *= 0.7


def _prefer_paid(ledger: Sequence[Entry], hypotheses: dict[int, Hypothesis]) -> None:
    """Without cash, a little less than was due is what was paid: the till let the odd amount go."""
    if any(entry.role in (Role.CASH, Role.CHANGE) and entry.fen for entry in ledger):
        return
    for due, paid in product(hypotheses.values(), repeat=2):
        less = 0.9 * due.fen <= paid.fen < due.fen and paid.best.row > due.best.row
        if less and "paid" in paid.evidence and "payable" in due.evidence:
            due.doubt *= 0.8


def _is_firm(hypothesis: Hypothesis) -> bool:
    return bool(hypothesis.evidence & {"paid", "payable", "total"})


def _supersedes(later: Hypothesis, earlier: Hypothesis, ledger: Sequence[Entry]) -> bool:
    if later.fen >= earlier.fen or later.best.row <= earlier.best.row or later.doubt <= 0.5:
        return False
    between = range(min(entry.row for entry in earlier.entries), max(entry.row for entry in later.entries))
    reduced = any(_signs(entry)[:1] == (-1,) and entry.fen and entry.row in between for entry in ledger)
    firm = bool(later.evidence & {"paid", "payable", "total"})
    return firm and ("discounts" in later.evidence or (reduced and "again" in later.evidence))


def is_sure(ranked: Sequence[Hypothesis]) -> bool:
    """May the first amount be trusted without a human: a label, a proof apart from it, and no rival?"""
    if not ranked:
        return False
    first = ranked[0]
    proofs = first.evidence & PROOFS
    if proofs == {"alone"} and first.legible < CLEAR:
        return False  # nothing else on the paper would show that a digit was misread
    rival = max((hypothesis.belief for hypothesis in ranked[1:]), default=0.0)
    # Another sum is none where what stands between the two leads from it to the amount that the payment bears out.
    explained = "discounts" in proofs and bool(proofs & {"tenders", "change", "words"})
    labelled = bool(first.evidence & {"paid", "payable", "total", "special"})
    certain = first.legible >= LEGIBLE and first.belief >= TRUSTED and (explained or rival < 0.75 * first.belief)
    return labelled and bool(proofs) and certain


def is_split(hypothesis: Hypothesis, ledger: Sequence[Entry]) -> bool:
    """Do the means of payment that are printed come to less than the sum: somebody else paid the rest, or pays it later?"""
    last = min(entry.row for entry in hypothesis.entries)
    paid = [entry.fen for entry in ledger if entry.row > last and entry.role in (Role.TENDER, Role.CASH) and entry.fen > 0 and entry.strong]
    changed = any(entry.role in (Role.CHANGE, Role.DISCOUNT, Role.POINTS, Role.ROUNDING) and entry.fen for entry in ledger)
    return bool(paid) and not changed and sum(paid) < hypothesis.fen - _MOST_ROUNDED and hypothesis.fen not in paid


def is_cash_less_change(fen: int, ledger: Sequence[Entry]) -> bool:
    """Does the slip print cash and change that differ by this amount?"""
    handed = {entry.fen for entry in ledger if entry.role is Role.CASH and entry.fen > 0}
    returned = {entry.fen for entry in ledger if entry.role is Role.CHANGE and entry.fen > 0}
    return any(given - back == fen for given, back in product(handed, returned))


def paid_nothing(ledger: Sequence[Entry]) -> bool:
    """Does the slip say that nothing was paid: a coupon or points paid for all of it?"""
    return any(entry.role is Role.PAID and entry.fen == 0 and entry.strong for entry in ledger)


def is_supported(hypothesis: Hypothesis, ledger: Sequence[Entry]) -> bool:
    """Does the slip call this amount a total, or is it a subtotal that nothing changes any more?"""
    if hypothesis.belief < 0.3:
        return False
    if hypothesis.evidence & {"paid", "special", "unlabelled"}:
        return True
    if hypothesis.evidence & {"payable", "total"}:
        return bool(hypothesis.evidence & {"tenders", "echo", "change", "words", "discounts"}) or not _reduced_below(hypothesis, ledger)
    proved = bool(hypothesis.evidence & {"tenders", "echo", "change", "words", "items"})
    last = max(entry.row for entry in hypothesis.entries)
    unpaid = not any(entry.role in (Role.TENDER, Role.CASH) and entry.fen and entry.row > last for entry in ledger)
    return "subtotal" in hypothesis.evidence and (proved or unpaid) and not _changed_below(hypothesis, ledger)


def is_contradicted(hypothesis: Hypothesis, ledger: Sequence[Entry]) -> bool:
    """Does the slip itself say that this is not what was paid: by every label of the amount, or by a discount below the only sum?"""
    if all(entry.role in _NEVER_PAID for entry in hypothesis.entries):
        return True
    return not hypothesis.evidence & {"tenders", "echo", "change", "words", "discounts"} and _reduced_below(hypothesis, ledger)


_NEVER_PAID = frozenset({Role.LISTED, Role.DISCOUNT, Role.COUNT, Role.POINTS, Role.BALANCE, Role.CHANGE, Role.BONUS, Role.ROUNDING})


def _reduced_below(hypothesis: Hypothesis, ledger: Sequence[Entry]) -> bool:
    """Does a discount stand below the sum, so that what was paid must stand below the discount?"""
    last = max(entry.row for entry in hypothesis.entries)
    less = [entry for entry in ledger if entry.row > last and entry.fen and (entry.role is Role.DISCOUNT or _is_unnamed_discount(entry))]
    return any(not _TOLD.search(entry.label) for entry in less)


# What a shop tells after the total, about discounts that the total already holds.
_TOLD = re.compile(r"已|共|节省|累计|本次优惠|sav(ed|ing)|you", re.IGNORECASE)


def _changed_below(hypothesis: Hypothesis, ledger: Sequence[Entry]) -> bool:
    last = max(entry.row for entry in hypothesis.entries)
    below = [entry for entry in ledger if entry.row > last and entry.fen and abs(entry.fen) != hypothesis.fen]
    changing = (Role.DISCOUNT, Role.FEE, Role.ROUNDING, Role.SUBTOTAL, Role.TOTAL, Role.PAYABLE, Role.PAID)
    return any(entry.role in changing or (entry.role is None and entry.strong) for entry in below)


def weigh_special(ledger: Sequence[Entry], rows: Sequence[Row], role: Role) -> list[Hypothesis]:
    """On a refund or top-up slip: the amounts under its own labels, and failing those the ordinary ones."""
    own = [entry for entry in ledger if entry.role is role and entry.fen]
    if not own:
        return weigh([_positive(entry) for entry in ledger], rows)
    hypotheses = {abs(entry.fen): Hypothesis(abs(entry.fen), [], {"special"}) for entry in own}
    for entry in own:
        hypotheses[abs(entry.fen)].entries.append(entry)
    for hypothesis in hypotheses.values():
        others = [entry for entry in ledger if abs(entry.fen) == hypothesis.fen and entry not in hypothesis.entries]
        if others or len(hypothesis.entries) > 1:
            hypothesis.evidence.add("again")
    _by_size(ledger, hypotheses)
    return sorted(hypotheses.values(), key=lambda hypothesis: (hypothesis.belief, hypothesis.best.row), reverse=True)


def weigh_tallest(ledger: Sequence[Entry]) -> list[Hypothesis]:
    """On a payment app's page: the amount in the largest print, which carries no label."""
    strong = [entry for entry in ledger if entry.strong and entry.fen]
    if not strong:
        return []
    tallest = max(strong, key=lambda entry: entry.item.height)
    rest = [entry.item.height for entry in ledger if entry is not tallest] or [0.0]
    if tallest.item.height < 1.25 * max(rest):
        return []
    return [Hypothesis(abs(tallest.fen), [tallest], {"special", "tall"})]


def _positive(entry: Entry) -> Entry:
    return replace(entry, fen=abs(entry.fen))
