"""How malls refuse."""

from __future__ import annotations

from api.kit.errors import NotFound, Unprocessable


class ShopNotFound(NotFound):
    """There is no such shop in this mall."""


class AliasTooShort(Unprocessable):
    """A shop's alias needs at least two letters or digits."""
