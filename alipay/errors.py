"""What can go wrong with Alipay, by name. No message carries a code, a token, a phone or a key."""

from __future__ import annotations


class AlipayError(Exception):
    """Alipay refused, fell silent, or said something that cannot be trusted."""


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


_BY_SUB_CODE: dict[str, type[Refused]] = {
    "isv.code-invalid": BadCode,
    "isv.invalid-signature": SignatureRefused,
    "isv.invalid-app-id": BadApp,
    "ACQ.SYSTEM_ERROR": OutcomeUnknown,
    "ACQ.TRADE_NOT_EXIST": TradeMissing,
    "ACQ.TRADE_HAS_SUCCESS": TradePaid,
    "ACQ.TRADE_HAS_CLOSE": TradeClosed,
    "ACQ.CONTEXT_INCONSISTENT": TradeNumberUsed,
    "ACQ.REASON_TRADE_REFUND_FEE_ERR": RefundTooLarge,
    "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL": RefundTooLarge,
    "ACQ.SELLER_BALANCE_NOT_ENOUGH": BalanceShort,
    "ACQ.TRADE_STATUS_ERROR": TradeStateRefuses,
    "ACQ.REASON_TRADE_STATUS_INVALID": TradeStateRefuses,
}


def refusal(code: str, sub_code: str, sub_msg: str) -> Refused:
    """The named error of an answer; Refused itself where it has no name of its own."""
    if code == "20000":
        return OutcomeUnknown(code, sub_code, sub_msg)
    return _BY_SUB_CODE.get(sub_code, Refused)(code, sub_code, sub_msg)
