"""How plates refuse."""

from __future__ import annotations

from api.kit.errors import Conflict, Gone, NotFound


class PlateUnknown(NotFound):
    """This code is not one of this mall's plates; please ask at the shop and do not pay by it."""

    suspicious = True


class PlateBlank(Conflict):
    """This plate is not in use yet; please ask at the shop."""


class PlateRetired(Gone):
    """This plate is no longer in use; please ask the shop for its new one."""

    suspicious = True


class PlateShopClosed(Conflict):
    """The shop of this plate takes no payments now."""


class PlateBound(Conflict):
    """This plate stands at a shop already; `shop` names it. Move it instead."""


class PlateStandsThere(Conflict):
    """This plate stands at that shop already."""


class PlateAmountTooSmall(Conflict):
    """The amount is smaller than this shop takes by its plate; `min_fen` says how much at least."""


class PlateAmountTooLarge(Conflict):
    """The amount is larger than this shop takes by its plate; `max_fen` says how much at most."""


class PlateAmountTooFine(Conflict):
    """The amount has more decimals than this shop takes; `decimals` says how many."""


class ExcludedPartNotTaken(Conflict):
    """This shop does not let a part be named that earns no benefit."""


class ExcludedPartTooLarge(Conflict):
    """The part that earns no benefit is not within the amount."""


class PlateTermsContradict(Conflict):
    """The least amount is larger than the largest; `min_fen` and `max_fen` are what would hold."""


class PlateBatchUnknown(NotFound):
    """There is no such batch of plates in this mall."""


class PlateAlarmUnknown(NotFound):
    """There is no such alarm in this mall."""


class PlateAlarmSeen(Conflict):
    """Somebody has looked after this alarm already; `seen_by` says who."""


class PlateSheetEmpty(Conflict):
    """None of these plates can be printed: a sheet needs plates that are not retired."""
