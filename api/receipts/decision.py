"""What becomes of a receipt: plain facts in, one outcome out. No database, no clock, no reader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from api.receipts.policy import REFUSE, REVIEW, ReceiptPolicy
from api.receipts.reasons import Reason
from api.receipts.shop_recognition import Match
from api.receipts.states import ReceiptState
from api.receipts.till_forms import Doubt

AMOUNT, SHOP, TIME, CURRENCY = "paid_fen", "shop_id", "paid_at", "currency"
#: What the reader says of a dollar sign that nothing on the slip gives to a country.
SOME_DOLLAR = "$"
#: Malls in one of these write it so. Macau is not among them: its shops price in Hong Kong dollars too.
DOLLARS = ("HKD", "TWD", "USD", "SGD", "AUD", "CAD", "NZD")
#: Below this a candidate is not offered: the photo does not support it.
SUPPORTED = 0.15
CHOICES = 4


@dataclass(frozen=True)
class Sure:
    """A value that was read, and how surely (0..1)."""

    value: Any = None
    confidence: float = 0.0
    box: Any = None

    def doubtful(self, sure_at: int) -> bool:
        """Whether it must be asked about before it counts."""
        return self.confidence * 100 < sure_at


@dataclass(frozen=True)
class Choice:
    """One answer that the photo supports: the value as the answer carries it, its label, where to look on the photo."""

    value: Any
    label: str
    confidence: float
    box: Any = None


@dataclass(frozen=True)
class Question:
    """One question to the shopper about exactly one field."""

    field: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class Twin:
    """Another receipt of the mall that says the same. how: number, minute, picture; first: whether it was there before this one."""

    receipt_id: int
    own: bool
    state: str
    how: str
    same_amount: bool
    same_number: bool
    first: bool


@dataclass(frozen=True)
class KnownSale:
    """The purchase, when the mall knows it already; `scored_by` names the channel that earned its points."""

    id: int
    paid_fen: int
    scored_by: str | None
    returned: bool
    by_number: bool
    of_another: bool = False  # it was paid through us, and not by this member


@dataclass(frozen=True)
class Habits:
    """How the shopper has been sending: scored at this shop that day; sent up to this receipt in an hour (of the same picture one),
    24 hours, 7 days, refused ones too."""

    scored_shop_day: int
    sent_hour: int
    sent_day: int
    sent_week: int
    cashier_total: int
    cashier_own: int
    alone_day_fen: int = 0  # scored without a person in 24 hours, 7 days, and in the whole time of a fresh member
    alone_week_fen: int = 0
    alone_fresh_fen: int = 0
    fresh: bool = False  # joined lately, and few purchases are known by payments, tills or reviews


@dataclass(frozen=True)
class Slip:
    """What the reader says, in our words. `kind` and amounts as OCR names them; `paid_at` aware."""

    kind: str
    kind_confidence: float
    merchant: Sure
    paid_fen: Sure
    paid_at: Sure
    receipt_no: Sure
    auto: bool
    currency: str
    amounts: tuple[Choice, ...]
    readable: bool
    flaw: str | None
    screen_photo: float
    screenshot: float
    edited: float
    other_times: tuple[datetime, ...] = ()  # what else the printed date can mean


@dataclass(frozen=True)
class Facts:
    """Everything that a decision stands on."""

    slip: Slip
    match: Match
    policy: ReceiptPolicy
    now: datetime
    days_old: int | None  # calendar days since the purchase, in the mall's own time; None when no time was read
    currency: str
    trades_then: bool
    shop_excluded: bool
    branch_known: bool  # a reviewer or the shop's tax number settled this printed name before
    twins: tuple[Twin, ...]
    sale: KnownSale | None
    habits: Habits
    answered: frozenset[str]
    doubts: tuple[Doubt, ...] = ()  # what does not fit the shop's tills


@dataclass(frozen=True)
class Outcome:
    """The state to move to, why, and what goes with it."""

    state: ReceiptState
    reason: Reason
    facts: dict[str, Any] = field(default_factory=dict)
    question: Question | None = None


Rule = Callable[[Facts], Outcome | None]


def decide(facts: Facts) -> Outcome:
    """The first rule that speaks decides: sure refusals, known purchases, suspicion, questions, limits; then it scores."""
    for rule in RULES:
        outcome = rule(facts)
        if outcome is not None:
            return outcome
    return Outcome(ReceiptState.SCORED, Reason.AWARDED)


def _refuse(reason: Reason, **facts: Any) -> Outcome:
    return Outcome(ReceiptState.REFUSED, reason, facts)


def _review(reason: Reason, **facts: Any) -> Outcome:
    return Outcome(ReceiptState.IN_REVIEW, reason, facts)


_FLAWS = {"dark": Reason.TOO_DARK, "far": Reason.TOO_FAR, "blurred": Reason.TOO_BLURRED}


def _legible(facts: Facts) -> Outcome | None:
    """A poor photo on which no purchase can be seen is not "no receipt"; where all was read, it does no harm."""
    slip = facts.slip
    named = slip.readable and slip.kind != "other"
    complete = facts.days_old is not None and (slip.paid_fen.value is not None or slip.amounts)
    if slip.flaw is None or (named and (slip.kind in _NO_PURCHASE or complete)):
        return None
    return _refuse(_FLAWS[slip.flaw])


def _readable(facts: Facts) -> Outcome | None:
    return None if facts.slip.readable else _refuse(Reason.NOTHING_TO_READ)


_NO_PURCHASE = {
    "unpaid_bill": Reason.UNPAID_BILL,
    "top_up": Reason.TOP_UP,
    "parking": Reason.PARKING,
    "other": Reason.NOT_A_RECEIPT,
}


def _kind(facts: Facts) -> Outcome | None:
    slip = facts.slip
    if reason := _NO_PURCHASE.get(slip.kind):
        return _review(Reason.KIND_UNCLEAR, kind=slip.kind) if slip.kind_confidence < 0.5 else _refuse(reason)
    if getattr(facts.policy, slip.kind, None) == REFUSE:
        return _refuse(Reason.SLIP_NOT_ACCEPTED, kind=slip.kind)
    return None


def _currency(facts: Facts) -> Outcome | None:
    if facts.slip.currency in ("", facts.currency, SOME_DOLLAR):  # a slip that prints none is in the mall's own
        return None
    return _refuse(Reason.OTHER_CURRENCY, currency=facts.slip.currency)


def _shop(facts: Facts) -> Outcome | None:
    match, merchant = facts.match, facts.slip.merchant
    if match.shop is not None:
        if facts.shop_excluded:
            return _refuse(Reason.SHOP_EXCLUDED, shop=match.shop.name)
        return None
    if match.likely:
        return None  # asked below, unless something else decides first
    if merchant.value and not merchant.doubtful(60):
        return _refuse(Reason.SHOP_NOT_IN_MALL, shop=merchant.value)
    return _review(Reason.SHOP_UNCLEAR, shop=merchant.value)


def _time(facts: Facts) -> Outcome | None:
    paid_at, policy = facts.slip.paid_at, facts.policy
    if facts.days_old is None:
        return _refuse(Reason.TIME_NOT_SEEN)
    if paid_at.doubtful(policy.sure_at):
        return None
    if paid_at.value > facts.now + timedelta(minutes=policy.future_minutes):
        return _refuse(Reason.FUTURE_TIME)
    if facts.days_old > policy.window_days:
        return _refuse(Reason.TOO_OLD, days=policy.window_days)
    if not facts.trades_then and facts.match.shop is not None:
        return _refuse(Reason.SHOP_NOT_OPEN_THEN, shop=facts.match.shop.name)
    return None


def _amount_seen(facts: Facts) -> Outcome | None:
    if facts.slip.paid_fen.value is None and not facts.slip.amounts:
        return _refuse(Reason.AMOUNT_NOT_SEEN)
    return None


_GONE = frozenset({ReceiptState.REFUSED, ReceiptState.WITHDRAWN, ReceiptState.SET_ASIDE})
#: Of a paper that stands so, nothing more is decided.
SETTLED = frozenset({ReceiptState.SCORED, ReceiptState.RETURNED})


def _known_sale(facts: Facts) -> Outcome | None:
    sale = facts.sale
    if sale is None:
        return None
    if sale.by_number and _amount_sure(facts) and facts.slip.paid_fen.value != sale.paid_fen:
        return _review(Reason.SAME_NUMBER_OTHER_AMOUNT, sale_id=sale.id)
    if sale.returned:
        return _refuse(Reason.RETURNED_BEFORE)
    if sale.scored_by not in (None, "receipt"):
        return _refuse(Reason.SCORED_BY_CHANNEL, channel=sale.scored_by, sale_id=sale.id)
    if sale.of_another and not sale.by_number and sale.scored_by is None:
        return _review(Reason.NEEDS_A_CHECK, sale_id=sale.id)  # whose it is, only a number says; the sender is told of nobody
    return None


def _twins(facts: Facts) -> Outcome | None:
    # What is settled speaks before what waits.
    alive = sorted((twin for twin in facts.twins if twin.state not in _GONE), key=lambda twin: twin.state not in SETTLED)
    for twin in alive:
        if twin.how == "number" and not twin.same_amount and _amount_sure(facts):
            return _review(Reason.SAME_NUMBER_OTHER_AMOUNT, receipt_id=twin.receipt_id)
    # Of those that wait only an earlier one holds a later one back: otherwise each would wait for the other, and nobody would score.
    for twin in alive:
        if twin.how != "picture" and twin.same_amount and twin.first:
            return _same_paper(twin)
    for twin in alive:
        if twin.how == "picture" and not (twin.same_amount and twin.same_number):
            return _review(Reason.SAME_PICTURE_OTHER_FACTS, receipt_id=twin.receipt_id)
        if twin.how == "picture" and twin.first:
            return _same_paper(twin)
    return None


def _same_paper(twin: Twin) -> Outcome:
    if twin.state == ReceiptState.RETURNED:
        return _refuse(Reason.RETURNED_BEFORE, receipt_id=twin.receipt_id if twin.own else None)
    if twin.state == ReceiptState.SCORED:
        if twin.own:
            return _refuse(Reason.SCORED_BEFORE, receipt_id=twin.receipt_id)
        return _refuse(Reason.SCORED_FOR_ANOTHER)
    if twin.own:
        return _refuse(Reason.SENT_BEFORE, receipt_id=twin.receipt_id)
    return _review(Reason.SAME_PAPER_TWICE, receipt_id=twin.receipt_id)


def _already_scored(facts: Facts) -> Outcome | None:
    # A receipt's sale that no twin names: its photo facts were corrected in review.
    if facts.sale is not None and facts.sale.scored_by == "receipt":
        return _refuse(Reason.SCORED_FOR_ANOTHER)
    return None


def _caps(facts: Facts) -> Outcome | None:
    habits, policy = facts.habits, facts.policy
    if facts.match.shop is not None and habits.scored_shop_day >= policy.cap_shop_day:
        return _refuse(Reason.SHOP_DAY_CAP, cap=policy.cap_shop_day)
    if habits.sent_day > policy.cap_member_day:
        return _refuse(Reason.MEMBER_DAY_CAP, cap=policy.cap_member_day)
    if habits.sent_week > policy.cap_member_week:
        return _refuse(Reason.MEMBER_WEEK_CAP, cap=policy.cap_member_week)
    return None


def _minimum(facts: Facts) -> Outcome | None:
    if _amount_sure(facts) and facts.slip.paid_fen.value < facts.policy.minimum_fen:
        return _refuse(Reason.BELOW_MINIMUM, minimum_fen=facts.policy.minimum_fen)
    return None


def _picture(facts: Facts) -> Outcome | None:
    slip, policy = facts.slip, facts.policy
    signs = [
        (slip.edited, Reason.EDITED),
        (slip.screen_photo, Reason.SCREEN_PHOTO),
        (0.0 if slip.kind == "e_screenshot" else slip.screenshot, Reason.SCREENSHOT),
    ]
    reasons = [reason for score, reason in signs if score * 100 >= policy.signal_at]
    return _review(reasons[0]) if reasons else None


def _behaviour(facts: Facts) -> Outcome | None:
    habits, policy = facts.habits, facts.policy
    if habits.sent_hour > policy.velocity_hour:
        return _review(Reason.TOO_FAST, sent=habits.sent_hour)
    if habits.cashier_total >= policy.cashier_receipts:
        share = 100 * habits.cashier_own // habits.cashier_total
        if share >= policy.cashier_share:
            return _review(Reason.CASHIER_CONCENTRATION, share=share)
    return None


def _by_hand(facts: Facts) -> Outcome | None:
    if facts.slip.kind != "receipt" and facts.slip.kind_confidence < 0.5:
        return _review(Reason.KIND_UNCLEAR, kind=facts.slip.kind)
    if getattr(facts.policy, facts.slip.kind, None) == REVIEW:
        return _review(Reason.SLIP_BY_POLICY, kind=facts.slip.kind)
    if facts.match.branch_unclear and not facts.branch_known:
        return _review(Reason.BRANCH_UNCLEAR)
    others = () if _amount_sure(facts) else _amount_choices_fen(facts)
    if any(amount is not None and amount > facts.policy.review_above_fen for amount in (facts.slip.paid_fen.value, *others)):
        return _review(Reason.HIGH_VALUE)
    return None


_UNFIT = {
    "form": Reason.NUMBER_OUT_OF_FORM,
    "order": Reason.NUMBER_OUT_OF_ORDER,
    "amount": Reason.UNUSUAL_AMOUNT,
    "round": Reason.ROUND_AMOUNT,
}


def _till(facts: Facts) -> Outcome | None:
    """What does not fit what is known of the shop's tills."""
    return _review(_UNFIT[facts.doubts[0].what], **facts.doubts[0].facts) if facts.doubts else None


def _money_at_risk(facts: Facts) -> Outcome | None:
    """So much scores without a person for one member; for a fresh one, less. Only what would score now is measured."""
    habits, policy, paid_fen = facts.habits, facts.policy, facts.slip.paid_fen.value or 0
    if habits.fresh and habits.alone_fresh_fen + paid_fen > policy.fresh_limit_fen:
        return _review(Reason.FRESH_MEMBER, sum_fen=habits.alone_fresh_fen + paid_fen, limit_fen=policy.fresh_limit_fen)
    if habits.alone_day_fen + paid_fen > policy.alone_day_fen:
        return _review(Reason.MUCH_IN_A_DAY, sum_fen=habits.alone_day_fen + paid_fen, limit_fen=policy.alone_day_fen)
    if habits.alone_week_fen + paid_fen > policy.alone_week_fen:
        return _review(Reason.MUCH_IN_A_WEEK, sum_fen=habits.alone_week_fen + paid_fen, limit_fen=policy.alone_week_fen)
    return None


def _amount_choices_fen(facts: Facts) -> list[int]:
    return [choice.value for choice in _amount_choices(facts)]


def _amount_sure(facts: Facts) -> bool:
    return facts.slip.paid_fen.value is not None and (facts.slip.auto or AMOUNT in facts.answered)


def _ask(facts: Facts) -> Outcome | None:
    open_fields = _open_fields(facts)
    if not open_fields:
        return None
    if len(open_fields) > 1 or not facts.policy.ask_shopper:
        return _review(Reason.FIELDS_UNCLEAR, fields=open_fields)
    choices, reason = _QUESTIONS[open_fields[0]]
    offered = choices(facts)
    if not offered:
        return _review(Reason.FIELDS_UNCLEAR, fields=open_fields)
    amounts = _amount_choices_fen(facts) if open_fields[0] == AMOUNT else [facts.slip.paid_fen.value]
    if max(amounts) > facts.policy.answer_settles_to_fen:
        return _review(Reason.FIELDS_UNCLEAR, fields=open_fields)
    return Outcome(ReceiptState.ASKING, reason, {}, Question(open_fields[0], offered))


def _open_fields(facts: Facts) -> list[str]:
    slip, policy = facts.slip, facts.policy
    in_doubt = {
        AMOUNT: not _amount_sure(facts),
        SHOP: facts.match.shop is None,
        TIME: slip.paid_at.doubtful(policy.sure_at),
        CURRENCY: slip.currency == SOME_DOLLAR and facts.currency not in DOLLARS,
    }
    return [name for name, doubt in in_doubt.items() if doubt]


def _amount_choices(facts: Facts) -> tuple[Choice, ...]:
    best: dict[int, Choice] = {}
    for choice in sorted(facts.slip.amounts, key=lambda choice: -choice.confidence):
        if choice.value > 0 and choice.confidence >= SUPPORTED:
            best.setdefault(choice.value, choice)
    return tuple(best.values())[:CHOICES]


def _shop_choices(facts: Facts) -> tuple[Choice, ...]:
    return tuple(Choice(shop.id, " ".join((shop.name, *shop.units[:1])), 1.0, facts.slip.merchant.box) for shop in facts.match.likely)


def _time_choices(facts: Facts) -> tuple[Choice, ...]:
    at = facts.slip.paid_at
    moments = (at.value, *facts.slip.other_times)
    return tuple(Choice(moment.isoformat(), moment.strftime("%Y-%m-%d %H:%M"), at.confidence, at.box) for moment in moments)


def _currency_choices(facts: Facts) -> tuple[Choice, ...]:
    return tuple(Choice(code, code, 0.5, facts.slip.paid_fen.box) for code in (facts.currency, *DOLLARS[:CHOICES]))


_QUESTIONS: dict[str, tuple[Callable[[Facts], tuple[Choice, ...]], Reason]] = {
    AMOUNT: (_amount_choices, Reason.WHICH_AMOUNT),
    SHOP: (_shop_choices, Reason.WHICH_SHOP),
    TIME: (_time_choices, Reason.WHICH_TIME),
    CURRENCY: (_currency_choices, Reason.WHICH_CURRENCY),
}


def likely_answer(choices: list[dict[str, Any]], chosen: Any) -> bool:
    """Whether an answer may settle an amount: it is about as well supported as the best choice, or it gains nothing."""
    best = max(choices, key=lambda choice: float(choice["confidence"]))
    taken = next(choice for choice in choices if choice["value"] == chosen)
    return bool(taken["confidence"] * 2 >= best["confidence"] or taken["value"] <= best["value"])


RULES: tuple[Rule, ...] = (
    _legible,
    _readable,
    _kind,
    _currency,
    _shop,
    _time,
    _amount_seen,
    _twins,
    _known_sale,
    _already_scored,
    _minimum,
    _caps,
    _picture,
    _behaviour,
    _by_hand,
    _till,
    _ask,
    _money_at_risk,
)
