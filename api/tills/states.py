"""The lifecycle of a report, and what becomes of each of its rows."""

from __future__ import annotations

from enum import StrEnum


class ReportState(StrEnum):
    """How far a report is: it is checked at once, and worked only when somebody who saw what it would do says so."""

    CHECKED = "checked"
    WORKING = "working"
    DONE = "done"
    DROPPED = "dropped"  # nobody confirmed it


ALLOWED: dict[ReportState, frozenset[ReportState]] = {
    ReportState.CHECKED: frozenset({ReportState.WORKING, ReportState.DROPPED}),
    ReportState.WORKING: frozenset({ReportState.DONE}),
    ReportState.DONE: frozenset(),
    ReportState.DROPPED: frozenset(),
}

UNFINISHED = frozenset({ReportState.CHECKED, ReportState.WORKING})


class Outcome(StrEnum):
    """What a row is; until it is worked, what it would be as things stood when it was checked."""

    NEW = "new"  # a purchase nobody had reported
    KNOWN = "known"  # a purchase, or a refund, that somebody reported already
    DIFFERING = "differing"  # reported otherwise before: kept for a person, nothing is overwritten
    REFUNDED = "refunded"  # a refund that lowered its sale
    WAITING = "waiting"  # a refund whose sale is not clear yet
    REPEATED = "repeated"  # reported before, in the same words
    REFUSED = "refused"  # cannot be read


class Waits(StrEnum):
    """Why a refund waits."""

    UNKNOWN = "unknown"  # nobody reported the purchase yet
    UNCLEAR = "unclear"  # several purchases have this number
    THROUGH_MALL = "through_mall"  # it was paid through the mall, and is given back through it
