"""How the room of checkout refuses."""

from __future__ import annotations

from api.kit.errors import Conflict, Forbidden, GatewayTrouble, NotFound, Unprocessable


class OrderNotFound(NotFound):
    """There is no such order of yours."""

    suspicious = True


class QuoteChanged(Conflict):
    """What there is to pay has changed meanwhile; look at it again before you pay."""


class TenderNotUsable(Unprocessable):
    """That way to pay cannot be used for this purchase; `reason` says why."""


class ChannelMissing(Unprocessable):
    """Say which wallet pays what is left."""


class WalletUnknown(Conflict):
    """You have not signed in with that wallet; open this page in it, or choose another way to pay."""


class OrderExpired(Conflict):
    """The time to pay this order has run out; nothing was taken."""


class OrderOpen(Conflict):
    """One of your orders still waits to be paid; pay it or give it up first."""


class OrderPaid(Conflict):
    """This order has been paid already."""


class OrderClosed(Conflict):
    """This order was given up; nothing was taken."""


class WalletSilent(GatewayTrouble):
    """The wallet does not answer just now. Nothing is lost: try again, the order stays as it is."""


class OrderRefundTooLarge(Conflict):
    """This is more than is left of the order."""

    suspicious = True


class RefundLineUnknown(Unprocessable):
    """The order has no such line, or nothing is left of it."""


class OrderRefundNotFound(NotFound):
    """There is no such refund."""


class RefundTooLate(Conflict):
    """The time in which a shop may give money back for this order has passed; the mall's staff can."""


class OrderNotPaid(Conflict):
    """This order is not paid, so nothing can be given back."""


class ChargeLimitReached(Forbidden):
    """One person has charged pay codes for as much as is allowed in a day; let the shopper pay on their own phone."""


class ClaimUnknown(NotFound):
    """There is no purchase to be claimed by this code, or its time has passed."""

    suspicious = True


class ClaimTaken(Conflict):
    """This purchase belongs to a member already."""

    suspicious = True


class AuthCodeUnknown(Unprocessable):
    """This is no payment code of WeChat, Alipay or the mall's own wallet."""

    suspicious = True
