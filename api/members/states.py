"""The life of a member."""

from __future__ import annotations

from enum import StrEnum


class MemberState(StrEnum):
    """A member is active until the account is closed (注销), or folded into an older member who is the same person."""

    ACTIVE = "active"
    CLOSED = "closed"
    FOLDED = "folded"


MOVES: dict[MemberState, frozenset[MemberState]] = {
    MemberState.ACTIVE: frozenset({MemberState.CLOSED, MemberState.FOLDED}),
    MemberState.CLOSED: frozenset(),
    MemberState.FOLDED: frozenset({MemberState.ACTIVE}),  # a merge that was undone
}
