"""The life of what one person asked for and another one decides."""

from __future__ import annotations

from enum import StrEnum


class ApprovalState(StrEnum):
    """An approval waits for a second person, and ends once: done, turned down or withdrawn, or out of time."""

    PROPOSED = "proposed"
    DONE = "done"
    REJECTED = "rejected"
    EXPIRED = "expired"


APPROVAL_MOVES = {
    ApprovalState.PROPOSED: frozenset({ApprovalState.DONE, ApprovalState.REJECTED, ApprovalState.EXPIRED}),
    ApprovalState.DONE: frozenset[ApprovalState](),
    ApprovalState.REJECTED: frozenset[ApprovalState](),
    ApprovalState.EXPIRED: frozenset[ApprovalState](),
}
