"""How the room of purchases refuses."""

from __future__ import annotations

from api.kit.errors import Conflict, Unprocessable


class MembershipNeeded(Conflict):
    """Stored value belongs to a member; join first."""


class BasketEmpty(Unprocessable):
    """There is nothing to buy in this."""
