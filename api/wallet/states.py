"""The life of a stored-value card, of a batch of them, and of what the desk asks to be done with one."""

from __future__ import annotations

from enum import StrEnum


class CardState(StrEnum):
    """A card is made without value, sold (or opened by a first recharge), and used. Lost, it is frozen; found, it is used again.

    Replaced: its balance went to a successor. Void: it will never hold value again. Expiry is a date, not a state: an expired
    balance stays and is re-activated.
    """

    MADE = "made"
    ACTIVE = "active"
    FROZEN = "frozen"
    REPLACED = "replaced"
    VOID = "void"


CARD_MOVES = {
    CardState.MADE: frozenset({CardState.ACTIVE, CardState.VOID}),
    CardState.ACTIVE: frozenset({CardState.FROZEN, CardState.REPLACED, CardState.VOID}),
    CardState.FROZEN: frozenset({CardState.ACTIVE, CardState.REPLACED, CardState.VOID}),
    CardState.REPLACED: frozenset[CardState](),
    CardState.VOID: frozenset[CardState](),
}


class CardRequestState(StrEnum):
    """What is asked for a card with much on it waits for a second person."""

    PROPOSED = "proposed"
    DONE = "done"
    REJECTED = "rejected"


CARD_REQUEST_MOVES = {
    CardRequestState.PROPOSED: frozenset({CardRequestState.DONE, CardRequestState.REJECTED}),
    CardRequestState.DONE: frozenset[CardRequestState](),
    CardRequestState.REJECTED: frozenset[CardRequestState](),
}
