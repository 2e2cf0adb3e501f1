"""The lifecycle of an account of the staff."""

from __future__ import annotations

from enum import StrEnum


class AccountState(StrEnum):
    """Whether somebody may sign in."""

    INVITED = "invited"  # has a link, and no password yet
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"  # left the mall; a tablet that was revoked


ALLOWED: dict[AccountState, frozenset[AccountState]] = {
    AccountState.INVITED: frozenset({AccountState.ACTIVE, AccountState.CLOSED}),
    AccountState.ACTIVE: frozenset({AccountState.SUSPENDED, AccountState.CLOSED}),
    AccountState.SUSPENDED: frozenset({AccountState.ACTIVE, AccountState.CLOSED}),
    AccountState.CLOSED: frozenset(),
}
