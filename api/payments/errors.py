from __future__ import annotations

from api.kit.errors import Conflict, GatewayTrouble, NotFound, Unprocessable


class NoMerchantAccount(Conflict):
    """This way to pay is not available here at present."""


class MerchantAccountNotFound(NotFound):
    """There is no such merchant account."""


class MerchantAccountTaken(Conflict):
    """There is a merchant account with this number already."""


class MerchantAccountWrong(Unprocessable):
    """This merchant account does not make sense; `errors` says why."""


class MerchantKeyWrong(Unprocessable):
    """This key cannot be read, or is of another kind; `errors` says why."""


class MerchantKeyNotFound(NotFound):
    """There is no such key of this merchant account."""


class PaymentNotFound(NotFound):
    """There is no such payment."""


class GatewayPaymentRefused(GatewayTrouble):
    """The wallet's service refused this payment; please choose another way to pay."""


class GatewaySilentNow(GatewayTrouble):
    """The wallet's service does not answer just now; please try again in a moment."""

    retry_after = 3


class PaymentOver(Conflict):
    """This payment is over and can no longer be paid."""


class PaymentPaid(Conflict):
    """This has been paid already."""


class PaymentNotPaid(Conflict):
    """This has not been paid, so nothing can be given back."""


class GatewayRefundTooLarge(Conflict):
    """More would be given back than was paid."""

    suspicious = True


class RefundNotFound(NotFound):
    """There is no such refund."""


class RefundOnItsWay(Conflict):
    """This refund is not stuck: the wallet's service is working on it, or it is done."""


class ShareNotFound(NotFound):
    """There is no such share."""


class ShareOnItsWay(Conflict):
    """This share is not stuck: the wallet's service is working on it, or it is done."""


class NoticeNotFound(NotFound):
    """There is no such notice."""


class BillNotFound(NotFound):
    """There is no such bill."""


class BillDayWrong(Unprocessable):
    """A bill is made the morning after its day, and kept for 90 days."""


class BillDifferenceNotFound(NotFound):
    """There is no such difference."""


class BillDifferenceSettled(Conflict):
    """This difference has been answered already."""


class ComplaintNotFound(NotFound):
    """There is no such complaint."""


class ComplaintUnread(Conflict):
    """The wallet's service has not said yet what this complaint is about; please try again in a moment."""

    retry_after = 10


class ComplaintOver(Conflict):
    """This complaint is settled; nothing more can be said unless the payer goes on with it."""


class ComplaintNotAnswered(Conflict):
    """A complaint is answered before it is settled."""


class ComplaintMovedOn(Conflict):
    """Somebody has replied meanwhile; please look at the complaint again."""


class ComplaintReplyOnItsWay(Conflict):
    """The reply before this one is still on its way to the wallet's service."""
