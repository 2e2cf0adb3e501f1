"""How the room of partners refuses."""

from __future__ import annotations

from api.kit.errors import Conflict, NotFound, Unprocessable


class PartnerNotFound(NotFound):
    """There is no such partner in this mall."""


class PartnerNameTaken(Conflict):
    """Another partner of this mall has this name."""


class TooManyPartners(Conflict):
    """This mall has as many partners as it may have; remove one first."""


class PartnerAddressRefused(Unprocessable):
    """Notices go to public addresses by https only; this one is not."""


class PartnerPaused(Conflict):
    """This partner is paused; let it go on first."""


class PartnerSecretRotated(Conflict):
    """The secret was replaced meanwhile; look again before you replace it once more."""


class DeliveryNotFound(NotFound):
    """There is no such delivery to a partner."""
