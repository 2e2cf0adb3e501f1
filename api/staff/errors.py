"""How the room of staff refuses."""

from __future__ import annotations

from api.kit.errors import Conflict, Forbidden, Gone, NotFound, Unauthenticated, Unprocessable
from api.kit.identity import TokenInvalid


class SignInRefused(Unauthenticated):
    """The login or the password is wrong, or there were too many wrong tries; please wait and try again."""


class CodeNeeded(Forbidden):
    """Please enter the code of your authenticator app too, or one of your recovery codes."""


class CodeWrong(Forbidden):
    """This code is wrong or was used already, or there were too many wrong ones; please wait for the next code."""


class LinkRefused(Gone):
    """This link was used already, is too old, or another took its place; ask for a new one."""


class LinkNotReady(Conflict):
    """No link of this account waits for you: it was shown once, or somebody else asked for it, or nobody did."""


class CodesNotBegun(Conflict):
    """Please begin to set up the codes first."""


class SignInNotFound(NotFound):
    """There is no such sign-in of this account."""


class NewsNotFound(NotFound):
    """There is no such news for you."""


class ForTryingOutOnly(Conflict):
    """In production nobody gets a password from somebody else; make a link instead."""


class TokenReused(TokenInvalid):
    """This sign-in was continued elsewhere; for safety it has been ended, please sign in again."""


class PairingCodeRefused(Unauthenticated):
    """This pairing code is wrong, used or too old; ask for a new one."""


class StaffAccountNotFound(NotFound):
    """There is no such account in this mall."""


class TabletNotFound(NotFound):
    """There is no such tablet here."""


class LoginTaken(Conflict):
    """Somebody of this mall has this login already."""


class RoleNeedsShop(Unprocessable):
    """A shop's role needs a shop, and a role of the mall has none."""


class PasswordWeak(Unprocessable):
    """A password needs 12 to 200 characters and must not be guessed soon: four or more unrelated words, without the login or the name."""


class PasswordWrong(Forbidden):
    """The present password is wrong."""


class OwnAccount(Conflict):
    """Nobody changes the name, the role or the state of the own account; ask another administrator."""


class LastAdministrator(Conflict):
    """This is the last administrator of the mall."""


class AdministratorsExist(Conflict):
    """This mall has two administrators already; they make other accounts in the office."""


class ShopClosed(Conflict):
    """This shop is closed."""


class JobNotFound(NotFound):
    """There is no such job in this mall."""


class JobNotFailed(Conflict):
    """Only a job that has failed is tried again by hand."""
