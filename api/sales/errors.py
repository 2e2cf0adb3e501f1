from __future__ import annotations

from api.kit.errors import Conflict, NotFound, Unprocessable


class SaleNotFound(NotFound):
    """There is no such sale."""


class TendersDoNotAddUp(Unprocessable):
    """The tenders add up to more than was paid."""


class RefundTooLarge(Conflict):
    """More would be refunded than was paid."""


class RefundClash(Conflict):
    """The same refund was recorded before with another sale or amount."""
