"""The life of a stored-value card, of what the desk asks to be done with one, and of the cash that cards are sold for."""

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


class CashShiftState(StrEnum):
    """A cash shift takes cash while it is open. One person counts it, another counts it again: they agree with what was sold, or differ.

    A difference is explained once, with a reason.
    """

    OPEN = "open"
    COUNTED = "counted"
    CLOSED = "closed"
    DIFFERS = "differs"
    EXPLAINED = "explained"


CASH_SHIFT_MOVES = {
    CashShiftState.OPEN: frozenset({CashShiftState.COUNTED}),
    CashShiftState.COUNTED: frozenset({CashShiftState.CLOSED, CashShiftState.DIFFERS}),
    CashShiftState.CLOSED: frozenset[CashShiftState](),
    CashShiftState.DIFFERS: frozenset({CashShiftState.EXPLAINED}),
    CashShiftState.EXPLAINED: frozenset[CashShiftState](),
}
#: Its cash lies at the desk: nobody but two people together may end that.
CASH_AT_DESK = (CashShiftState.OPEN, CashShiftState.COUNTED)


class CashHandInState(StrEnum):
    """Cash that is handed in lies in the shift until another person has taken it."""

    HANDED = "handed"
    TAKEN = "taken"
    WITHDRAWN = "withdrawn"


CASH_HAND_IN_MOVES = {
    CashHandInState.HANDED: frozenset({CashHandInState.TAKEN, CashHandInState.WITHDRAWN}),
    CashHandInState.TAKEN: frozenset[CashHandInState](),
    CashHandInState.WITHDRAWN: frozenset[CashHandInState](),
}
