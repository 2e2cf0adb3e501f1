"""The life of a merge."""

from __future__ import annotations

from enum import StrEnum


class MergeState(StrEnum):
    """A merge waits for a second person, stands, and can be undone once, by two people again."""

    PROPOSED = "proposed"
    REJECTED = "rejected"
    DONE = "done"
    UNDOING = "undoing"  # somebody wants it undone; a second person decides
    UNDONE = "undone"


MERGE_MOVES = {
    MergeState.PROPOSED: frozenset({MergeState.REJECTED, MergeState.DONE}),
    MergeState.REJECTED: frozenset[MergeState](),
    MergeState.DONE: frozenset({MergeState.UNDOING}),
    MergeState.UNDOING: frozenset({MergeState.DONE, MergeState.UNDONE}),
    MergeState.UNDONE: frozenset[MergeState](),
}
