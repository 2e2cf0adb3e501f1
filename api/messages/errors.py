"""How this room refuses."""

from __future__ import annotations

from api.kit.errors import Conflict, NotFound


class MessageNotFound(NotFound):
    """There is no such message among yours."""


class ServiceMessageNeeded(Conflict):
    """Messages about your own receipts and points stay in the inbox; only pushing them can be switched off."""


class OfferConsentNeeded(Conflict):
    """Offers are sent only to who agreed to advertising; please agree to the marketing text first."""
