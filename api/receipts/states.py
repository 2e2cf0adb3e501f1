"""From each state of a receipt, and of a case in the review queue, the states it may move to."""

from __future__ import annotations

from enum import StrEnum


class ReceiptState(StrEnum):
    """Where a receipt (小票) stands."""

    RECEIVED = "received"
    READING = "reading"
    ASKING = "asking"
    IN_REVIEW = "in_review"
    SCORED = "scored"
    REFUSED = "refused"
    TAKEN_BACK = "taken_back"  # a refund slip that took the points of its purchase back
    RETURNED = "returned"  # a purchase whose points were taken back in whole
    SET_ASIDE = "set_aside"
    WITHDRAWN = "withdrawn"


_S = ReceiptState
_DECIDED = frozenset({_S.ASKING, _S.IN_REVIEW, _S.SCORED, _S.REFUSED, _S.TAKEN_BACK})

RECEIPT_MOVES: dict[ReceiptState, frozenset[ReceiptState]] = {
    _S.RECEIVED: frozenset({_S.READING, _S.SET_ASIDE, _S.WITHDRAWN}),
    _S.READING: _DECIDED | {_S.READING, _S.SET_ASIDE, _S.WITHDRAWN},
    _S.ASKING: frozenset({_S.IN_REVIEW, _S.SCORED, _S.REFUSED, _S.WITHDRAWN}),
    _S.IN_REVIEW: frozenset({_S.SCORED, _S.REFUSED, _S.TAKEN_BACK, _S.WITHDRAWN}),
    _S.REFUSED: frozenset({_S.IN_REVIEW}),
    _S.SCORED: frozenset({_S.RETURNED}),
}

#: What a shopper's own list can be narrowed to.
SHOWN: dict[str, frozenset[ReceiptState]] = {
    "asking": frozenset({_S.ASKING}),
    "waiting": frozenset({_S.RECEIVED, _S.READING, _S.IN_REVIEW}),
    "scored": frozenset({_S.SCORED, _S.RETURNED, _S.TAKEN_BACK}),
    "refused": frozenset({_S.REFUSED, _S.SET_ASIDE, _S.WITHDRAWN}),
}

#: Not decided yet: may be withdrawn.
OPEN = frozenset({_S.RECEIVED, _S.READING, _S.ASKING, _S.IN_REVIEW})


class ReviewState(StrEnum):
    """Where a case of the review queue (人工审核) stands."""

    OPEN = "open"
    SECOND = "second"  # one reviewer approved; the value asks for another
    APPROVED = "approved"
    REFUSED = "refused"
    DROPPED = "dropped"


_R = ReviewState

REVIEW_MOVES: dict[ReviewState, frozenset[ReviewState]] = {
    _R.OPEN: frozenset({_R.SECOND, _R.APPROVED, _R.REFUSED, _R.DROPPED}),
    _R.SECOND: frozenset({_R.APPROVED, _R.REFUSED, _R.DROPPED}),
}
