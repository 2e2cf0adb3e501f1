"""How this room refuses."""

from __future__ import annotations

from api.kit.errors import Conflict, Forbidden, GatewayTrouble, NotFound, TooMany, Unauthenticated, Unavailable, Unprocessable


class MemberNotFound(NotFound):
    """There is no such member in this mall."""


class MemberClosed(Conflict):
    """This membership has been closed."""


class LoginCodeRefused(Unauthenticated):
    """This sign-in code is unknown, used or expired; please start the sign-in again."""


class LoginBlocked(Forbidden):
    """The wallet does not let this account sign in."""


class PhoneProofRefused(Conflict):
    """This proof of the phone number is unknown, used, expired or not genuine; please press the button again."""


class PhoneProofUsed(Conflict):
    """This proof of the phone number was used before; please press the button again."""


class PhoneProofMisplaced(Conflict):
    """A phone number from Alipay can only be joined to a sign-in from Alipay."""


class GatewaySilent(GatewayTrouble):
    """The wallet did not answer, please try again."""


class GatewayMisconfigured(GatewayTrouble):
    """The wallet refuses this mall's credentials; the mall has been told."""


class GatewayBusy(Unavailable):
    """The wallet is busy, please try again in a few seconds."""


class ProofOfAnother(Forbidden):
    """This WeChat or Alipay account is not the one that this membership signs in with."""

    suspicious = True


class PhoneInvalid(Unprocessable):
    """This is not a phone number we can use."""


class PhoneNotServed(Unprocessable):
    """Codes are sent to mobile phones of mainland China only."""


class PhoneSignInClosed(Conflict):
    """Signing in with a phone code is not offered here."""


class PhoneCodeWrong(Unauthenticated):
    """This code is wrong."""


class PhoneCodeEnded(Unauthenticated):
    """This code has ended or was tried too often; please ask for a new one."""


class PhoneCodeTooSoon(TooMany):
    """A code was sent a moment ago; please wait before asking for another one."""


class ChallengeNeeded(TooMany):
    """Many codes were asked for from this address; solve the `challenge` and send the solution along with the next request."""

    retry_after = 0


class TextsSpent(TooMany):
    """No more codes are sent by text for now; please sign in with WeChat or Alipay. `budget` says which one is spent."""

    suspicious = True


class NoPhoneYet(Conflict):
    """This membership has no phone number yet."""


class OldPhoneUnproven(Conflict):
    """The phone so far must be proven too; who has lost it asks the service desk."""


class MemberNotActive(Conflict):
    """One of the two memberships is closed, or was merged into another one."""


class MergeWithSelf(Unprocessable):
    """A membership cannot be merged with itself."""


class MergeNeeded(Conflict):
    """Another membership with this phone number holds value; please ask the service desk to merge the two."""


class SessionEnded(Unauthenticated):
    """This sign-in has ended, please sign in again."""


class RefreshTokenReused(Unauthenticated):
    """This sign-in was used from two places and has been ended for safety; please sign in again."""


class MemberCodeUnknown(NotFound):
    """This is not a member code of this mall."""


class MemberCodeExpired(Conflict):
    """This member code has expired; please show a fresh one."""


class MemberCodeUsed(Conflict):
    """This member code was used already; please show a fresh one."""


class BirthdayFixed(Conflict):
    """A birthday is entered once; the service desk can correct it."""


class DocumentUnknown(NotFound):
    """There is no such document to agree to: privacy, marketing, profiling or family."""


class ConsentUnknown(NotFound):
    """There is no standing consent to this document."""


class ConsentIsBasic(Conflict):
    """Without this consent there is no membership; to withdraw it, close the membership."""


class PlateInvalid(Unprocessable):
    """This is not a number plate of mainland China."""


class VehicleNotFound(NotFound):
    """There is no such vehicle among yours."""


class TooManyVehicles(Conflict):
    """No more vehicles can be added; remove one first."""


class FamilyConsentNeeded(Conflict):
    """Please agree to the text about family members first."""


class FamilyMemberNotFound(NotFound):
    """There is no such family member in your list."""


class BirthMonthMisplaced(Unprocessable):
    """Only a child's year and month of birth are kept."""


class TooManyInFamily(Conflict):
    """No more family members can be added; remove one first."""


class LevelNotFound(NotFound):
    """There is no such level in this mall."""


class LevelsOutOfOrder(Conflict):
    """A higher level must need more growth than the one below it."""


class SearchTooWide(Unprocessable):
    """Say exactly one of q, phone, number, code or name."""


class SearchedEnough(TooMany):
    """You have searched for as many members as one person may on one day; ask a colleague."""

    suspicious = True
    retry_after = 3600
