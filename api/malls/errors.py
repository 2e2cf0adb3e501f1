"""How malls refuse."""

from __future__ import annotations

from api.kit.errors import Conflict, NotFound, TooLarge, Unprocessable, WrongKind


class SiteNotFound(NotFound):
    """There is no such building in this mall."""


class FloorNotFound(NotFound):
    """There is no such floor in this mall."""


class ShopNotFound(NotFound):
    """There is no such shop in this mall."""


class AliasNotFound(NotFound):
    """There is no such alias in this mall."""


class MallCodeTaken(Conflict):
    """Another mall has this code."""


class SiteTaken(Conflict):
    """Another building of this mall has this code."""


class FloorTaken(Conflict):
    """Another floor of this building has this label."""


class ShopCodeTaken(Conflict):
    """Another shop of this mall has this code."""


class PolicyContradicts(Conflict):
    """These rules cannot hold together; `rules` names them."""


class AliasTooShort(Unprocessable):
    """A shop's alias needs at least two letters or digits."""


class ContractBackwards(Unprocessable):
    """A contract cannot end before it starts."""


class OpeningHoursUnclear(Unprocessable):
    """Opening hours are written like "1-5 10:00-22:00; 6-7 10:00-22:30", days from Monday = 1."""


class ShopPhotoTooLarge(TooLarge):
    """A shop's photo has at most 10 MB and 40 megapixels."""


class ShopPhotoUnreadable(WrongKind):
    """This is not a JPEG, PNG or WebP picture that can be opened."""


class ShopPhotoNotFound(NotFound):
    """This shop has no photo."""


class ImportRefused(Conflict):
    """Some rows are refused, so nothing was imported; `report` says which and why."""
