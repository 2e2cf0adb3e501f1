"""What the mall decided about receipts, and what this room holds to be suspicious."""

from __future__ import annotations

from dataclasses import dataclass

from api.malls.policy import REFUSE, REVIEW, SCORE, Policy

__all__ = ["REFUSE", "REVIEW", "SCORE", "ReceiptPolicy"]


@dataclass(frozen=True)
class ReceiptPolicy:
    """Windows in the mall's own calendar days, amounts in fen, confidences and signals as 0..100."""

    window_days: int = 7  # the day of purchase and so many after it
    minimum_fen: int = 100
    cap_shop_day: int = 10  # scored receipts of a member at one shop on one day of purchase
    cap_member_day: int = 20  # receipts sent by a member in 24 hours up to this one, refused ones too
    cap_member_week: int = 70  # and in seven days
    payment_slip: str = REVIEW
    delivery_order: str = REVIEW
    e_screenshot: str = REVIEW
    ask_shopper: bool = True
    review_above_fen: int = 300_000
    second_reader_from_fen: int = 500_000
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
    def of(cls, policy: Policy) -> ReceiptPolicy:
        """The part of the mall's policy that is about receipts."""
        return cls(
            window_days=policy.submission_days,
            minimum_fen=policy.minimum_spend_fen,
            cap_shop_day=policy.receipts_per_shop_day,
            cap_member_day=policy.receipts_per_member_day,
            cap_member_week=policy.receipts_per_member_week,
            payment_slip=policy.payment_slip,
            delivery_order=policy.delivery_order,
            e_screenshot=policy.e_screenshot,
            ask_shopper=policy.ask_shopper,
            review_above_fen=policy.auto_limit_fen,
            second_reader_from_fen=policy.second_reader_fen,
            answer_settles_to_fen=policy.answer_limit_fen,
            review_minutes=policy.decide_minutes,
            take_minutes=policy.review_lock_minutes,
            late_bonus_points=policy.late_bonus_points,
            photos_kept_days=policy.photo_retention_days,
        )
