from __future__ import annotations

from api.kit.errors import Conflict, NotFound


class BalanceTooLow(Conflict):
    """There is not enough of it on the account."""


class CauseClash(Conflict):
    """The same cause was posted before with other amounts."""


class AlreadyUndone(Conflict):
    """This transfer has been undone already."""


class TransferNotFound(NotFound):
    """There is no such transfer."""


class AccountUnknown(NotFound):
    """There is no account of this kind."""
