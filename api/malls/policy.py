"""The mall's policy: every rule the operator may set, with its default, its limits and its meaning. Stored as what differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any, get_type_hints

from api.kit.money import MAX_FEN

SCORE, REVIEW, REFUSE = "score", "review", "refuse"
VERDICTS = (SCORE, REVIEW, REFUSE)
ROUNDINGS = ("down", "half_up", "up")
EXPIRIES = ("never", "days", "month_end", "year_end")
VALUE_ORDERS = ("principal_first", "bonus_first", "proportional")
_A_MILLION = 1_000_000
_TEN_YEARS = 3650  # days


def _number(default: int, low: int, high: int, says: str) -> Any:
    return field(default=default, metadata={"min": low, "max": high, "says": says})


def _choice(default: str, choices: tuple[str, ...], says: str) -> Any:
    return field(default=default, metadata={"choices": choices, "says": says})


def _yes(default: bool, says: str) -> Any:
    return field(default=default, metadata={"says": says})


@dataclass(frozen=True)
class Policy:
    """What the operator decided. Amounts in fen, times in the unit of the name."""

    # receipts
    submission_days: int = _number(7, 0, 365, "a receipt may be sent until the end of this many days after the purchase")
    minimum_spend_fen: int = _number(100, 0, MAX_FEN, "a smaller purchase does not score")
    payment_slip: str = _choice(REVIEW, VERDICTS, "a card or wallet slip (签购单)")
    delivery_order: str = _choice(REVIEW, VERDICTS, "an order slip of a delivery platform (外卖单)")
    e_screenshot: str = _choice(REVIEW, VERDICTS, "a screenshot of an electronic receipt (电子小票截图)")
    receipts_per_shop_day: int = _number(10, 1, 1000, "scored receipts of one member at one shop on one day")
    receipts_per_member_day: int = _number(20, 1, 1000, "receipts of one member in one day, refused ones too")
    receipts_per_member_week: int = _number(70, 1, 10_000, "receipts of one member in seven days, refused ones too")
    auto_limit_fen: int = _number(300_000, 0, MAX_FEN, "the largest purchase that scores without a person looking at it")
    answer_limit_fen: int = _number(50_000, 0, MAX_FEN, "the largest purchase that a shopper's own answer may settle")
    second_reader_fen: int = _number(500_000, 0, MAX_FEN, "a purchase of at least this needs a second reviewer")
    ask_shopper: bool = _yes(True, "when one field is unsure, ask the shopper before a reviewer")
    decide_minutes: int = _number(1440, 5, 43_200, "the promised time until a reviewer has decided")
    late_bonus_points: int = _number(0, 0, 10_000, "points for the shopper when that promise is broken")
    review_lock_minutes: int = _number(10, 1, 240, "how long one reviewer holds a case")
    photo_retention_days: int = _number(180, 1, _TEN_YEARS, "photos are removed after this many days")
    # points
    return_window_days: int = _number(7, 0, 365, "points stay pending until goods can no longer be returned")
    points_expiry: str = _choice(
        "year_end", EXPIRIES, "when points expire: after days, or at the end of a month or year after the one they came in"
    )
    points_expiry_length: int = _number(1, 0, _TEN_YEARS, "how many days, months or years")
    expiry_notice_days: int = _number(14, 1, 366, "members are told of points that expire within so many days")
    points_rounding: str = _choice("down", ROUNDINGS, "a fraction of a point")
    points_a_yuan: int = _number(100, 1, _A_MILLION, "so many points are worth one yuan where cost and liability are told in money")
    adjustment_limit_points: int = _number(1000, 0, _A_MILLION * 100, "a larger adjustment by staff needs a second person")
    watch_earned_points: int = _number(5000, 1, _A_MILLION * 100, "a member who earns more in a day is looked at")
    watch_spent_points: int = _number(5000, 1, _A_MILLION * 100, "a member who spends more in a day is looked at")
    watch_awards: int = _number(10, 1, 10_000, "a member with more awards in a day is looked at")
    earn_on_principal: bool = _yes(True, "what was paid from a stored-value card's principal earns")
    earn_on_bonus: bool = _yes(False, "what was paid from a stored-value card's bonus earns")
    earn_on_coupons: bool = _yes(False, "what a coupon paid earns")
    earn_on_points: bool = _yes(False, "what points paid earns")
    # paying
    order_minutes: int = _number(10, 2, 120, "an order holds points and stored value for so many minutes, then frees them")
    points_pay: bool = _yes(True, "points may pay, at their worth of `points_a_yuan`")
    points_pay_step: int = _number(100, 1, _A_MILLION, "points pay in multiples of this")
    points_pay_share_bp: int = _number(5000, 0, 10_000, "points pay at most this share of the lines that take part in benefits")
    stored_pay: bool = _yes(True, "stored-value cards may pay")
    refund_limit_fen: int = _number(100_000, 0, MAX_FEN, "a larger refund by staff needs a second person")
    shop_refund_days: int = _number(30, 0, 365, "a shop may give money back for so many days after the payment")
    claim_days: int = _number(30, 0, 365, "somebody who paid without membership may join and have that purchase scored for so many days")

    # plates
    plate_min_fen: int = _number(1, 1, MAX_FEN, "the least that is paid by a plate")
    plate_max_fen: int = _number(5_000_000, 1, MAX_FEN, "the most that is paid by a plate")
    plate_decimals: int = _number(2, 0, 2, "decimals of an amount in yuan that a shopper types")
    plate_excluded: bool = _yes(False, "a shopper may name a part that earns no benefit")
    silence_minutes: int = _number(30, 10, 240, "a shop's plates are silent when nothing was paid for so many minutes")
    silence_usual: int = _number(4, 1, 1000, "silence is odd where in that time of the week at least so many payments usually come")

    # stored value
    value_order: str = _choice("principal_first", VALUE_ORDERS, "what is used first of a stored-value card")
    pin_above_fen: int = _number(20_000, 0, MAX_FEN, "a payment with more stored value than this asks for the PIN")
    named_card_limit_fen: int = _number(500_000, 1, 500_000, "principal on a named card (记名卡); the law's limit is ¥5,000")
    unnamed_card_limit_fen: int = _number(100_000, 1, 100_000, "principal on an unnamed card (不记名卡); the law's limit is ¥1,000")
    unnamed_valid_years: int = _number(3, 3, 100, "an unnamed card is valid at least so many years; the law wants three")
    real_name_fen: int = _number(1_000_000, 1, 1_000_000, "who buys cards for so much shows a document; by law from ¥10,000")
    person_transfer_fen: int = _number(5_000_000, 1, 5_000_000, "a person pays so much by bank transfer; by law from ¥50,000")
    company_transfer_fen: int = _number(500_000, 1, 500_000, "a company pays so much by bank transfer; by law from ¥5,000")
    card_second_person_fen: int = _number(50_000, 0, MAX_FEN, "with more on a card, thawing, replacing or voiding it needs a second person")
    card_check_shows_balance: bool = _yes(False, "a shop that checks a card sees its balance")

    def differs(self) -> dict[str, Any]:
        """What is not the default, as it is stored."""
        values, standard = asdict(self), asdict(Policy())
        return {name: value for name, value in values.items() if value != standard[name]}


FIELDS = {item.name: item for item in fields(Policy)}
_TYPES: dict[str, type] = get_type_hints(Policy)


def problems(values: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with these values, by field; empty when nothing is."""
    return {name: wrong for name, value in values.items() if (wrong := _wrong(name, value))}


def _wrong(name: str, value: Any) -> str | None:
    if name not in FIELDS:
        return "there is no such rule"
    limits = FIELDS[name].metadata
    if type(value) is not _TYPES[name]:
        return f"must be a {_TYPES[name].__name__}"
    if "choices" in limits and value not in limits["choices"]:
        return f"must be one of {', '.join(limits['choices'])}"
    if "min" in limits and not limits["min"] <= value <= limits["max"]:
        return f"must be {limits['min']} to {limits['max']}"
    return None


def read(stored: Mapping[str, Any]) -> Policy:
    """The policy in force. A stored value that today's limits refuse gives way to the default."""
    wrong = problems(stored)
    return Policy(**{name: value for name, value in stored.items() if name not in wrong})


def contradiction(policy: Policy) -> list[str]:
    """The rules that cannot hold together; empty when all can."""
    pairs = (
        ("answer_limit_fen", "auto_limit_fen"),  # the shopper's own answer settles no more than a reading does by itself
        ("auto_limit_fen", "second_reader_fen"),  # what needs two people does not go through without one
        ("plate_min_fen", "plate_max_fen"),
        ("receipts_per_shop_day", "receipts_per_member_week"),
        ("receipts_per_member_day", "receipts_per_member_week"),
    )
    broken = [name for pair in pairs if getattr(policy, pair[0]) > getattr(policy, pair[1]) for name in pair]
    if policy.points_pay_step * 100 % policy.points_a_yuan:  # a step of points is worth whole fen
        broken += ["points_pay_step", "points_a_yuan"]
    return broken


assert all(item.default is not MISSING for item in FIELDS.values())
