"""How the room of purchases refuses."""

from __future__ import annotations

from api.kit.errors import Conflict


class MembershipNeeded(Conflict):
    """Stored value belongs to a member; join first."""
