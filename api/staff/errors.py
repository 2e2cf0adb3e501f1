"""How the room of staff refuses."""

from __future__ import annotations

from api.kit.errors import NotFound, Unauthenticated


class SignInRefused(Unauthenticated):
    """The login or the password is wrong, or there were too many wrong tries; please wait and try again."""


class StaffAccountNotFound(NotFound):
    """There is no such account in this mall."""
