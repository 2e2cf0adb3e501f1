"""How the room of approvals refuses."""

from __future__ import annotations

from api.kit.errors import Conflict, Forbidden, NotFound


class ApprovalNotFound(NotFound):
    """There is no such request, or it is not for you to decide."""


class AnotherPersonNeeded(Forbidden):
    """Another person must decide: not who asked, and nobody whose account one of you two opened, let in or raised in the last 30 days."""

    suspicious = True


class ApprovalOpen(Conflict):
    """The same is waiting for a second person already; decide or withdraw that first."""


class ApprovalOutdated(Conflict):
    """What it changes is another by now, who asked may not do it any more, or it waited too long; turn it down and ask again."""
