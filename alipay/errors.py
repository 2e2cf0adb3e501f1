"""What can go wrong with Alipay, by name. No message carries a code, a token, a phone or a key."""

from __future__ import annotations


class AlipayError(Exception):
    """Alipay refused, did not answer, or gave an answer that cannot be trusted."""


class GatewaySilent(AlipayError):
    """No answer came: whether the call took effect is unknown."""


class UnreadableAnswer(AlipayError):
    """An answer came that does not follow the documented form."""


class Untrusted(AlipayError):
    """The signature of an answer, a notice or a phone number is missing or wrong."""


class Undecryptable(AlipayError):
    """An encrypted content does not open with our content key."""


class Refused(AlipayError):
    """Alipay answered with another code than 10000. Branch on `sub_code`."""

    def __init__(self, code: str, sub_code: str, sub_msg: str) -> None:
        super().__init__(f"{code} {sub_code}: {sub_msg}")
        self.code = code
        self.sub_code = sub_code
        self.sub_msg = sub_msg


class BadCode(Refused):
    """isv.code-invalid: the authorisation code is unknown, used or expired."""


class SignatureRefused(Refused):
    """isv.invalid-signature: Alipay does not accept our signature."""


class BadApp(Refused):
    """isv.invalid-app-id: our app id is wrong."""


class OutcomeUnknown(Refused):
    """20000 or ACQ.SYSTEM_ERROR: the call may or may not have taken effect; query before anything else."""


class TradeMissing(Refused):
    """ACQ.TRADE_NOT_EXIST: no such trade (or, for QR products, the payer has not opened the cashier yet)."""


class TradePaid(Refused):
    """ACQ.TRADE_HAS_SUCCESS: the trade is paid already."""


class TradeClosed(Refused):
    """ACQ.TRADE_HAS_CLOSE: the trade is closed."""


class TradeNumberUsed(Refused):
    """ACQ.CONTEXT_INCONSISTENT: the same number was used with other content."""


class RefundTooLarge(Refused):
    """ACQ.REASON_TRADE_REFUND_FEE_ERR or ACQ.REFUND_AMT_NOT_EQUAL_TOTAL: more than is left, or not the whole."""


class BalanceShort(Refused):
    """ACQ.SELLER_BALANCE_NOT_ENOUGH: the seller's balance does not cover the refund."""


class TradeStateRefuses(Refused):
    """ACQ.TRADE_STATUS_ERROR or ACQ.REASON_TRADE_STATUS_INVALID: not in this state of the trade."""


class AuthCodeRefused(Refused):
    """ACQ.PAYMENT_AUTH_CODE_INVALID: the buyer's auth code is unknown, used or expired; nothing was charged."""


class BuyerCannotPay(Refused):
    """The buyer's account refuses: no balance, a limit, a blocked account. Nothing was charged."""


class BuyerBalanceShort(BuyerCannotPay):
    """ACQ.BUYER_BALANCE_NOT_ENOUGH or ACQ.BUYER_BANKCARD_BALANCE_NOT_ENOUGH: the buyer's money does not cover it."""


class CancelRefused(Refused):
    """ACQ.TRADE_CANCEL_TIME_OUT or ACQ.CANCEL_NOT_ALLOWED: too late to cancel; refund instead."""


class BillMissing(Refused):
    """BILL_NOT_EXIST: no bill for this day, or not yet (about nine in the morning of the next day)."""


_BY_SUB_CODE: dict[str, type[Refused]] = {
    "isv.code-invalid": BadCode,
    "isv.invalid-signature": SignatureRefused,
    "isv.invalid-app-id": BadApp,
    "ACQ.SYSTEM_ERROR": OutcomeUnknown,
    "AQC.SYSTEM_ERROR": OutcomeUnknown,  # so spelt on the page of alipay.trade.cancel
    "ACQ.TRADE_NOT_EXIST": TradeMissing,
    "ACQ.TRADE_HAS_SUCCESS": TradePaid,
    "ACQ.TRADE_HAS_CLOSE": TradeClosed,
    "ACQ.CONTEXT_INCONSISTENT": TradeNumberUsed,
    "ACQ.REASON_TRADE_REFUND_FEE_ERR": RefundTooLarge,
    "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL": RefundTooLarge,
    "ACQ.SELLER_BALANCE_NOT_ENOUGH": BalanceShort,
    "ACQ.TRADE_STATUS_ERROR": TradeStateRefuses,
    "ACQ.REASON_TRADE_STATUS_INVALID": TradeStateRefuses,
    "ACQ.TRADE_HAS_FINISHED": TradeStateRefuses,
    "ACQ.PAYMENT_AUTH_CODE_INVALID": AuthCodeRefused,
    **dict.fromkeys(("ACQ.BUYER_BALANCE_NOT_ENOUGH", "ACQ.BUYER_BANKCARD_BALANCE_NOT_ENOUGH"), BuyerBalanceShort),
    **dict.fromkeys(
        (
            "ACQ.ERROR_BALANCE_PAYMENT_DISABLE",
            "ACQ.BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR",
            "ACQ.BUYER_PAYMENT_AMOUNT_MONTH_LIMIT_ERROR",
            "ACQ.BUYER_ENABLE_STATUS_FORBID",
            "ACQ.BUYER_SELLER_EQUAL",
            "ACQ.PAYMENT_FAIL",
        ),
        BuyerCannotPay,
    ),
    "ACQ.TRADE_CANCEL_TIME_OUT": CancelRefused,
    "ACQ.CANCEL_NOT_ALLOWED": CancelRefused,
    # The pages of two generations spell it with and without a prefix.
    **dict.fromkeys(("BILL_NOT_EXIST", "isp.bill_not_exist", "isv.bill_not_exist"), BillMissing),
}


def refusal(code: str, sub_code: str, sub_msg: str) -> Refused:
    """The named error of an answer; Refused itself where it has no name of its own."""
    if code == "20000":
        return OutcomeUnknown(code, sub_code, sub_msg)
    return _BY_SUB_CODE.get(sub_code, Refused)(code, sub_code, sub_msg)
