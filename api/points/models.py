"""Rules of points by version, awards with their explanation, batches that expire, and what was spent from which batch.

The ledger says how many points a member has; batches say how old they are. Σ left of a member's batches = its balance, or
zero while the member owes points.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from api.kit.db import MallOwned, Model
from api.kit.states import Stateful
from api.points.states import ADJUSTMENT_MOVES, AWARD_MOVES, RULE_MOVES, AdjustmentState, AwardState, RuleState


class Rule(Stateful, MallOwned, Model):
    """One version of a rule (积分规则). A sale earns by the versions that were in force when it was paid."""

    __tablename__ = "points_rules"
    __table_args__ = (
        UniqueConstraint("mall_id", "code", "version"),
        Index("ix_points_rules_in_force", "mall_id", "state", "starts_at"),
        CheckConstraint("kind IN ('base', 'multiplier', 'bonus', 'exclusion', 'cap')", name="kind_known"),
        CheckConstraint("kind <> 'base' OR (points >= 0 AND per_fen > 0)", name="base_has_a_rate"),
        CheckConstraint("kind <> 'multiplier' OR factor_bp BETWEEN 10000 AND 1000000", name="multiplier_multiplies"),
        CheckConstraint("kind <> 'bonus' OR points > 0", name="bonus_gives"),
        CheckConstraint("kind <> 'cap' OR (max_points >= 0 AND period IS NOT NULL AND per IS NOT NULL)", name="cap_caps"),
        CheckConstraint("period IN ('day', 'week', 'month', 'ever')", name="period_known"),
        CheckConstraint("per IN ('member', 'mall')", name="per_known"),
        CheckConstraint("rounding IN ('down', 'half_up', 'up')", name="rounding_known"),
        CheckConstraint("shop_share_bp BETWEEN 0 AND 10000", name="share_in_range"),
        CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name="runs_forward"),
    )
    noun = "points_rule"
    lifecycle = RuleState
    allowed = RULE_MOVES

    code: Mapped[str]
    version: Mapped[int]
    kind: Mapped[str]
    title_zh: Mapped[str]
    title_en: Mapped[str]
    conditions: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"), default=dict)
    enabled: Mapped[bool] = mapped_column(server_default=text("true"), default=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    priority: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    # base: `points` for each `per_fen`; bonus: `points`; multiplier: `factor_bp` (20,000 = ×2), the best one of a `stack` counts
    points: Mapped[int | None]
    per_fen: Mapped[int | None]
    factor_bp: Mapped[int | None]
    stack: Mapped[str] = mapped_column(server_default=text("''"), default="")
    use_shop_rate: Mapped[bool] = mapped_column(server_default=text("true"), default=True)
    rounding: Mapped[str | None]
    # who bears the points: the shop's share in basis points, the rest is the mall's
    shop_share_bp: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    # cap: at most `max_points` a `period` for each member, or for the whole mall (a budget), of one rule (`of_code`) or of all
    max_points: Mapped[int | None]
    period: Mapped[str | None]
    per: Mapped[str | None]
    of_code: Mapped[str | None]
    proposed_by: Mapped[str]
    decided_by: Mapped[str | None]
    why: Mapped[str]
    # the rule in words, as the second person read and approved it
    sentence: Mapped[dict[str, Any]]


class CapUse(MallOwned, Model):
    """How much of a cap is used in one period, by one member or (0) by the whole mall."""

    __tablename__ = "points_cap_uses"
    __table_args__ = (UniqueConstraint("mall_id", "code", "member_id", "begins_on"), CheckConstraint("used >= 0", name="not_negative"))

    code: Mapped[str]
    member_id: Mapped[int]
    begins_on: Mapped[date]
    most: Mapped[int]
    used: Mapped[int]
    granted: Mapped[int]  # what the newest asking got: the answer of the one statement that asks and takes


class Award(Stateful, MallOwned, Model):
    """What a sale earned (积分发放), by which rules and rates, in words. `parts` is what a refund undoes."""

    __tablename__ = "points_awards"
    __table_args__ = (
        UniqueConstraint("mall_id", "sale_id"),
        Index("ix_points_awards_member", "mall_id", "member_id", "id"),
        Index("ix_points_awards_earned", "mall_id", "earned_at"),
        Index("ix_points_awards_paid", "mall_id", "paid_at"),
        Index("ix_points_awards_due", "mall_id", "active_from_at", postgresql_where=text("state = 'pending'")),
        CheckConstraint("taken_back BETWEEN 0 AND points", name="taken_back_within"),
        CheckConstraint("growth_taken_back BETWEEN 0 AND growth", name="growth_taken_back_within"),
    )
    noun = "points_award"
    lifecycle = AwardState
    allowed = AWARD_MOVES

    sale_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("sales.id"))
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    shop_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("shops.id"))
    points: Mapped[int]
    taken_back: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    growth: Mapped[int]
    growth_taken_back: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    base_fen: Mapped[int]
    paid_fen: Mapped[int]
    parts: Mapped[list[Any]] = mapped_column(JSONB)
    caps: Mapped[list[Any]] = mapped_column(JSONB)
    reason: Mapped[str | None]
    explanation: Mapped[dict[str, Any]] = mapped_column(JSONB)
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    transfer_id: Mapped[int | None]
    paid_at: Mapped[datetime]  # the sale's: caps and rules go by it, and a rehearsal finds a month's awards by it
    earned_at: Mapped[datetime]
    active_from_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]


class TakeBack(MallOwned, Model):
    """Points of an award undone by one refund: how many from the award's own batch, from others, and how many became a debt."""

    __tablename__ = "points_take_backs"
    __table_args__ = (UniqueConstraint("mall_id", "sale_refund_id"), Index("ix_points_take_backs_award", "award_id"))

    sale_refund_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("sale_refunds.id"))
    award_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("points_awards.id"))
    member_id: Mapped[int]
    points: Mapped[int]
    growth: Mapped[int]
    from_expired: Mapped[int]
    became_debt: Mapped[int]
    transfer_id: Mapped[int | None]
    taken_at: Mapped[datetime]


class Batch(MallOwned, Model):
    """Points that came together and expire together (积分批次)."""

    __tablename__ = "points_batches"
    __table_args__ = (
        UniqueConstraint("mall_id", "origin_type", "origin_id"),
        Index("ix_points_batches_open", "mall_id", "member_id", "expires_at", postgresql_where=text("left_points > 0")),
        Index("ix_points_batches_due", "mall_id", "expires_at", postgresql_where=text("left_points > 0")),
        CheckConstraint("left_points BETWEEN 0 AND points", name="left_within"),
        CheckConstraint("expired_points BETWEEN 0 AND points - left_points", name="expired_within"),
    )

    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    origin_type: Mapped[str]
    origin_id: Mapped[int]
    points: Mapped[int]
    left_points: Mapped[int]
    expired_points: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    earned_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]


class Spend(MallOwned, Model):
    """Points given for something (积分消费), with the cause that the ledger knows it by."""

    __tablename__ = "points_spends"
    __table_args__ = (
        UniqueConstraint("mall_id", "cause_type", "cause_id"),
        Index("ix_points_spends_spent", "mall_id", "spent_at"),
        Index("ix_points_spends_member", "mall_id", "member_id", "id"),
        CheckConstraint("given_back BETWEEN 0 AND points", name="given_back_within"),
    )

    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    points: Mapped[int]
    given_back: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    cause_type: Mapped[str]
    cause_id: Mapped[str]
    transfer_id: Mapped[int]
    spent_at: Mapped[datetime]


class SpendPart(MallOwned, Model):
    """How many points of a spend came from which batch: that is where they return to."""

    __tablename__ = "points_spend_parts"
    __table_args__ = (
        UniqueConstraint("spend_id", "batch_id"),
        CheckConstraint("returned BETWEEN 0 AND points", name="returned_within"),
    )

    spend_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("points_spends.id"))
    batch_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("points_batches.id"))
    points: Mapped[int]
    returned: Mapped[int] = mapped_column(server_default=text("0"), default=0)


class Adjustment(Stateful, MallOwned, Model):
    """Points given or taken by staff (人工调整), with a reason, and above the limit with a second person."""

    __tablename__ = "points_adjustments"
    __table_args__ = (
        Index("ix_points_adjustments_member", "mall_id", "member_id", "id"),
        Index("ix_points_adjustments_proposer", "mall_id", "proposed_by", "proposed_at"),
        CheckConstraint("points <> 0", name="changes_something"),
    )
    noun = "points_adjustment"
    lifecycle = AdjustmentState
    allowed = ADJUSTMENT_MOVES

    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    points: Mapped[int]
    why: Mapped[str]
    proposed_by: Mapped[str]
    proposed_at: Mapped[datetime]
    decided_by: Mapped[str | None]
    transfer_id: Mapped[int | None]


class Alert(MallOwned, Model):
    """Growth or redemption that looks odd (异常积分), for a person to look at."""

    __tablename__ = "points_alerts"
    __table_args__ = (
        UniqueConstraint("mall_id", "kind", "member_id", "happened_on"),
        Index("ix_points_alerts_open", "mall_id", "id", postgresql_where=text("seen_by IS NULL")),
    )

    kind: Mapped[str]
    member_id: Mapped[int]
    happened_on: Mapped[date]
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    raised_at: Mapped[datetime]
    seen_by: Mapped[str | None]
    seen_at: Mapped[datetime | None]
    verdict: Mapped[str | None]


class LiabilityReport(MallOwned, Model):
    """What the mall owed its members in points on one day: outstanding, by age, by expiry, by bearer, and whether the books agree."""

    __tablename__ = "points_liability_reports"
    __table_args__ = (UniqueConstraint("mall_id", "reported_on"),)

    reported_on: Mapped[date]
    figures: Mapped[dict[str, Any]] = mapped_column(JSONB)
    made_at: Mapped[datetime]


class Rehearsal(MallOwned, Model):
    """A rule played over the sales of a range before anybody approves it (试算). It writes this row and nothing else."""

    __tablename__ = "points_rehearsals"
    __table_args__ = (
        Index("ix_points_rehearsals_rule", "mall_id", "rule_id", "id"),
        CheckConstraint("first_on <= last_on", name="range_runs_forward"),
        CheckConstraint("(result IS NULL) = (finished_at IS NULL)", name="finished_with_a_result"),
        CheckConstraint("done BETWEEN 0 AND total", name="done_within"),
    )

    rule: Mapped[dict[str, Any]] = mapped_column(JSONB)
    rule_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("points_rules.id"))
    sentence: Mapped[dict[str, Any]] = mapped_column(JSONB)
    first_on: Mapped[date]
    last_on: Mapped[date]
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    begun_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    done: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    total: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    failure: Mapped[str | None]
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))

    @property
    def progress(self) -> str:
        """waiting, running, done, or failed (it is tried again a few times)."""
        if self.finished_at is not None:
            return "done"
        if self.failure is not None:
            return "failed"
        return "waiting" if self.begun_at is None else "running"
