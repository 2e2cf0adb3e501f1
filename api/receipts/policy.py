"""What the mall decided about receipts, and what this room holds to be suspicious."""

from __future__ import annotations

from dataclasses import dataclass

from api.kit.money import MAX_FEN
from api.kit.policy import TEN_YEARS, Rules, choice, number, yes

SCORE, REVIEW, REFUSE = "score", "review", "refuse"
VERDICTS = (SCORE, REVIEW, REFUSE)


@dataclass(frozen=True)
class ReceiptRules(Rules):
    """The mall's rules of receipts."""

    place = 10

    submission_days: int = number(7, 0, 365, "a receipt may be sent until the end of this many days after the purchase")
    minimum_spend_fen: int = number(100, 0, MAX_FEN, "a smaller purchase does not score")
    payment_slip: str = choice(REVIEW, VERDICTS, "a card or wallet slip (签购单)")
    delivery_order: str = choice(REVIEW, VERDICTS, "an order slip of a delivery platform (外卖单)")
    e_screenshot: str = choice(REVIEW, VERDICTS, "a screenshot of an electronic receipt (电子小票截图)")
    receipts_per_shop_day: int = number(10, 1, 1000, "scored receipts of one member at one shop on one day")
    receipts_per_member_day: int = number(20, 1, 1000, "receipts of one member in one day, refused ones too")
    receipts_per_member_week: int = number(70, 1, 10_000, "receipts of one member in seven days, refused ones too")
    receipts_member_day_fen: int = number(500_000, 0, MAX_FEN, "what one member's receipts score in 24 hours without a person, in sum")
    receipts_member_week_fen: int = number(1_500_000, 0, MAX_FEN, "what one member's receipts score in seven days without a person, in sum")
    fresh_days: int = number(30, 0, 365, "so long after joining, a member with few purchases known otherwise is fresh")
    fresh_purchases: int = number(3, 0, 100, "purchases known by payments, tills or reviews after which a member is not fresh any more")
    fresh_limit_fen: int = number(100_000, 0, MAX_FEN, "what a fresh member's receipts score without a person, in sum")
    auto_limit_fen: int = number(300_000, 0, MAX_FEN, "the largest purchase that scores without a person looking at it")
    answer_limit_fen: int = number(50_000, 0, MAX_FEN, "the largest purchase that a shopper's own answer may settle")
    second_reader_fen: int = number(500_000, 0, MAX_FEN, "a purchase of at least this needs a second reviewer")
    reviewer_day_fen: int = number(10_000_000, 0, MAX_FEN, "so much one reviewer lets score in 24 hours before a second one is needed")
    ask_shopper: bool = yes(True, "when one field is unsure, ask the shopper before a reviewer")
    decide_minutes: int = number(1440, 5, 43_200, "the promised time until a reviewer has decided")
    late_bonus_points: int = number(0, 0, 10_000, "points for the shopper when that promise is broken")
    review_lock_minutes: int = number(10, 1, 240, "how long one reviewer holds a case")
    photo_retention_days: int = number(180, 1, TEN_YEARS, "photos are removed after this many days")

    def contradictions(self) -> list[str]:
        """The first of each pair is not more than the second."""
        pairs = (
            ("answer_limit_fen", "auto_limit_fen"),  # the shopper's own answer settles no more than a reading does by itself
            ("auto_limit_fen", "second_reader_fen"),  # what needs two people does not go through without one
            ("receipts_member_day_fen", "receipts_member_week_fen"),
            ("receipts_per_shop_day", "receipts_per_member_week"),
            ("receipts_per_member_day", "receipts_per_member_week"),
        )
        return [name for pair in pairs if getattr(self, pair[0]) > getattr(self, pair[1]) for name in pair]


@dataclass(frozen=True)
class ReceiptPolicy:
    """Windows in the mall's own calendar days, amounts in fen, confidences and signals as 0..100."""

    window_days: int = 7  # the day of purchase and so many after it
    minimum_fen: int = 100
    cap_shop_day: int = 10  # scored receipts of a member at one shop on one day of purchase
    cap_member_day: int = 20  # receipts sent by a member in 24 hours up to this one, refused ones too
    cap_member_week: int = 70  # and in seven days
    alone_day_fen: int = 500_000  # what scores of a member without a person in 24 hours, in sum
    alone_week_fen: int = 1_500_000  # and in seven days
    fresh_days: int = 30
    fresh_purchases: int = 3
    fresh_limit_fen: int = 100_000
    payment_slip: str = REVIEW
    delivery_order: str = REVIEW
    e_screenshot: str = REVIEW
    ask_shopper: bool = True
    review_above_fen: int = 300_000
    second_reader_from_fen: int = 500_000
    reviewer_day_fen: int = 10_000_000
    answer_settles_to_fen: int = 50_000
    review_minutes: int = 1440  # the promise to the shopper
    take_minutes: int = 10  # how long a reviewer holds a case
    late_bonus_points: int = 0
    photos_kept_days: int = 180
    # the room's own
    future_minutes: int = 15  # how far a till's clock may run ahead
    velocity_hour: int = 8  # receipts sent by a member in an hour up to this one, the same picture counted once, before a person looks
    signal_at: int = 70  # a picture's sign of fraud from here on
    sure_at: int = 80  # below this confidence a field other than the amount is in doubt
    question_hours: int = 72
    appeal_days: int = 14
    match_at: int = 88
    match_margin: int = 8
    cashier_receipts: int = 8  # of one cashier's receipts in seven days …
    cashier_share: int = 60  # … so many percent by one member: a person looks

    @classmethod
    def of(cls, rules: ReceiptRules) -> ReceiptPolicy:
        """The part of the mall's policy that is about receipts."""
        return cls(
            window_days=rules.submission_days,
            minimum_fen=rules.minimum_spend_fen,
            cap_shop_day=rules.receipts_per_shop_day,
            cap_member_day=rules.receipts_per_member_day,
            cap_member_week=rules.receipts_per_member_week,
            alone_day_fen=rules.receipts_member_day_fen,
            alone_week_fen=rules.receipts_member_week_fen,
            fresh_days=rules.fresh_days,
            fresh_purchases=rules.fresh_purchases,
            fresh_limit_fen=rules.fresh_limit_fen,
            payment_slip=rules.payment_slip,
            delivery_order=rules.delivery_order,
            e_screenshot=rules.e_screenshot,
            ask_shopper=rules.ask_shopper,
            review_above_fen=rules.auto_limit_fen,
            second_reader_from_fen=rules.second_reader_fen,
            reviewer_day_fen=rules.reviewer_day_fen,
            answer_settles_to_fen=rules.answer_limit_fen,
            review_minutes=rules.decide_minutes,
            take_minutes=rules.review_lock_minutes,
            late_bonus_points=rules.late_bonus_points,
            photos_kept_days=rules.photo_retention_days,
        )
