"""How this room refuses."""

from __future__ import annotations

from api.kit.errors import Conflict, Forbidden, NotFound


class MergeNotFound(NotFound):
    """There is no such merge of memberships."""


class MergeOpen(Conflict):
    """A merge of one of these memberships already waits for a second person."""


class DecisionNotYours(Forbidden):
    """Only who asked for this may withdraw it; turning it down needs the right to decide."""


class MergedOnward(Conflict):
    """The survivor was merged into another membership or closed since; undo that first."""
