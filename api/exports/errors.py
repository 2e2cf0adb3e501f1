"""How the room of exports refuses."""

from __future__ import annotations

from api.kit.errors import Conflict, Gone, NotFound, TooMany


class ExportNotFound(NotFound):
    """There is no such export of yours."""


class ExportNotReady(Conflict):
    """This file is not ready yet, or its making was ended."""


class ExportExpired(Gone):
    """This file was removed after the time it is kept; please export the list again."""


class TooManyExports(TooMany):
    """You have several exports under way; please wait until one is done."""
