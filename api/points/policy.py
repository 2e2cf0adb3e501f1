"""What the mall decided about points: when they come, when they go, what they are worth, and how they pay."""

from __future__ import annotations

from dataclasses import dataclass

from api.kit.policy import A_MILLION, TEN_YEARS, Rules, choice, number, yes

ROUNDINGS = ("down", "half_up", "up")
EXPIRIES = ("never", "days", "month_end", "year_end")


@dataclass(frozen=True)
class PointsRules(Rules):
    """The mall's rules of points; what a purchase earns is a rule of its own with a date (`PointsRule`)."""

    place = 20

    return_window_days: int = number(7, 0, 365, "points stay pending until goods can no longer be returned")
    points_expiry: str = choice(
        "year_end", EXPIRIES, "when points expire: after days, or at the end of a month or year after the one they came in"
    )
    points_expiry_length: int = number(1, 0, TEN_YEARS, "how many days, months or years")
    expiry_notice_days: int = number(14, 1, 366, "members are told of points that expire within so many days")
    points_rounding: str = choice("down", ROUNDINGS, "a fraction of a point")
    points_a_yuan: int = number(100, 1, A_MILLION, "so many points are worth one yuan where cost and liability are told in money")
    adjustment_limit_points: int = number(1000, 0, A_MILLION * 100, "more adjusted for one member in 24 hours needs a second person")
    adjustment_person_day_points: int = number(5000, 0, A_MILLION * 100, "more adjusted by one person in 24 hours needs a second person")
    watch_earned_points: int = number(5000, 1, A_MILLION * 100, "a member who earns more in a day is looked at")
    watch_spent_points: int = number(5000, 1, A_MILLION * 100, "a member who spends more in a day is looked at")
    watch_awards: int = number(10, 1, 10_000, "a member with more awards in a day is looked at")
    points_pay: bool = yes(True, "points may pay, at their worth of `points_a_yuan`")
    points_pay_step: int = number(100, 1, A_MILLION, "points pay in multiples of this")
    points_pay_share_bp: int = number(5000, 0, 10_000, "points pay at most this share of the lines that take part in benefits")

    def contradictions(self) -> list[str]:
        """A step of points is worth whole fen."""
        return ["points_pay_step", "points_a_yuan"] if self.points_pay_step * 100 % self.points_a_yuan else []
