"""The lives of a rule's version, an award and an adjustment."""

from __future__ import annotations

from enum import StrEnum


class RuleState(StrEnum):
    """A version of a rule is proposed by one person and approved by another; approved it never changes."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"


RULE_MOVES = {
    RuleState.PROPOSED: frozenset({RuleState.APPROVED, RuleState.REJECTED}),
    RuleState.APPROVED: frozenset[RuleState](),
    RuleState.REJECTED: frozenset[RuleState](),
}


class AwardState(StrEnum):
    """Points are pending until goods can no longer be returned, then active; taken back whole, they are reversed.

    Nothing: the sale earned nothing, or it was refunded whole while the points were pending.
    """

    PENDING = "pending"
    ACTIVE = "active"
    NOTHING = "nothing"
    REVERSED = "reversed"


AWARD_MOVES = {
    AwardState.PENDING: frozenset({AwardState.ACTIVE, AwardState.NOTHING}),
    AwardState.ACTIVE: frozenset({AwardState.REVERSED}),
    AwardState.NOTHING: frozenset[AwardState](),
    AwardState.REVERSED: frozenset[AwardState](),
}


class AdjustmentState(StrEnum):
    """An adjustment above the limit waits for a second person."""

    PROPOSED = "proposed"
    POSTED = "posted"
    REJECTED = "rejected"


ADJUSTMENT_MOVES = {
    AdjustmentState.PROPOSED: frozenset({AdjustmentState.POSTED, AdjustmentState.REJECTED}),
    AdjustmentState.POSTED: frozenset[AdjustmentState](),
    AdjustmentState.REJECTED: frozenset[AdjustmentState](),
}
