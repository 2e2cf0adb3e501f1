from __future__ import annotations

from api.kit.errors import Conflict, Forbidden, NotFound, Unprocessable


class CardNotFound(NotFound):
    """There is no such card here."""


class CardNotUsable(Conflict):
    """This card cannot be used now; `reason` says why."""


class CardBalanceTooLow(Conflict):
    """There is not enough on the card."""


class PutBackTooLarge(Conflict):
    """More stored value would come back than was used."""


class WalletResting(Conflict):
    """The phone of this account was changed; stored value and PIN rest for some days, and the old PIN ends that."""


class NotResting(Conflict):
    """This stored value does not rest."""


class PinNeeded(Forbidden):
    """Please enter the wallet's PIN; `is_set` says whether there is one yet, `limit_fen` above how much it is asked for."""


class PinWrong(Forbidden):
    """This PIN is wrong; `left` says how many tries are left."""

    suspicious = True


class PinLocked(Forbidden):
    """The PIN was wrong too often; it rests for a while."""

    suspicious = True


class PinTooSimple(Conflict):
    """Everybody tries this PIN first; please choose another one."""


class PinProofNeeded(Forbidden):
    """A PIN needs a fresh proof: the old PIN, a code sent to the phone, or for the first one your WeChat or Alipay; `ways` says which."""


class PinProofTooNew(Forbidden):
    """This phone or wallet was joined to the account a short time ago and proves no PIN before `until`; `ways` says what does."""


class PayCodeWrong(NotFound):
    """This is not a pay code of this mall."""

    suspicious = True


class PayCodeUsed(Conflict):
    """This pay code was used already; please show a fresh one."""

    suspicious = True


class PayCodeExpired(Conflict):
    """This pay code has expired; please show a fresh one."""

    suspicious = True


class PackageNotFound(NotFound):
    """There is no such recharge package."""


class PackageClosed(Conflict):
    """This recharge package is not offered now."""


class PackageLimitReached(Conflict):
    """This recharge package cannot be bought any more often."""


class PackageWrong(Unprocessable):
    """This recharge package does not make sense; `errors` says why."""


class RechargeNotFound(NotFound):
    """There was no such recharge."""


class RechargeSpent(Conflict):
    """Nothing of this recharge is left to be paid back."""


class RechargeDiffers(Conflict):
    """This order was recharged before with other amounts."""


class ProductNotFound(NotFound):
    """There is no such kind of card."""


class ProductCodeTaken(Conflict):
    """There is a kind of card with this code already."""


class ProductWrong(Unprocessable):
    """This kind of card does not make sense; `errors` says why."""


class CardLimitExceeded(Conflict):
    """More than the law allows would be on one card; `limit_fen` says how much may be."""


class BalanceLeft(Conflict):
    """There is stored value left; use it or have it paid back first."""


class CardCodeWrong(Forbidden):
    """This card number and activation code do not belong together."""

    suspicious = True


class CardCodesLocked(Forbidden):
    """The activation code was wrong too often; the card rests until tomorrow, or the service desk helps."""

    suspicious = True


class CardBound(Conflict):
    """This card belongs to somebody already."""


class CardNotForSale(Conflict):
    """This card is not in stock: it was sold, or made void."""


class CardSaleWrong(Unprocessable):
    """These cards cannot be sold like this; `errors` says why."""


class RealNameNeeded(Conflict):
    """The law wants the buyer's name and document for this sale."""


class TransferNeeded(Conflict):
    """The law wants a sale of this size paid by bank transfer."""


class NewCardNeeded(Conflict):
    """A card that belongs to no member is replaced by another card from stock."""


class CardRequestNotFound(NotFound):
    """There is no such request for a card."""


class CardSaleLimitReached(Forbidden):
    """One person has sold cards for as much as is allowed in a day; somebody else has to sell these."""


class CardNotExpired(Conflict):
    """This card is valid still."""


class CardBatchNotFound(NotFound):
    """There is no such batch of cards."""


class CardBatchHandedOver(Conflict):
    """This batch was handed to the printer; nobody can read its activation codes any more."""


class PrintedByAnother(Conflict):
    """Somebody else has begun to fetch this batch for the printer; one person fetches all of it, or new codes are made."""


class CardBatchSold(Conflict):
    """Cards of this batch were sold or voided already; their codes stay as they are."""


class BalanceReportNotFound(NotFound):
    """There is no such report of card balances."""


class CashShiftNotFound(NotFound):
    """There is no such cash shift."""


class CashShiftNeeded(Conflict):
    """Cash is taken within an open cash shift only; open yours first."""


class CashShiftOpen(Conflict):
    """You, or this desk, have a cash shift already that two people have not counted; close that first."""


class CashShiftOfAnother(Forbidden):
    """This is the cash shift of somebody else."""


class CashFloatTooLarge(Conflict):
    """A float holds less than the cash that may lie in a shift; `limit_fen` says how much that is."""


class CashHandInNeeded(Conflict):
    """So much cash may not lie in a shift: hand cash in to a colleague first, then sell. `limit_fen` says how much may lie there."""


class CashCountWrong(Unprocessable):
    """A count is either one sum or pieces of each value; `errors` says what is wrong."""


class CashHandInNotFound(NotFound):
    """There is no such hand-in of cash."""


class CashHandInWaits(Conflict):
    """Cash of this shift was handed in and nobody has taken it yet; have it taken, or withdraw it."""


class CashHandInDiffers(Conflict):
    """This is not the sum that was handed in. Count it together; the hand-in is withdrawn and made again with the right sum."""


class SaleReferenceUsed(Conflict):
    """A sale has this number of a slip or transfer already, on this day or before: each counts once."""
