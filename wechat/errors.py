"""What can go wrong with WeChat, by name. No message carries a code, a token, a phone or a secret."""

from __future__ import annotations


class WeChatError(Exception):
    """WeChat refused, did not answer, or gave an answer that cannot be trusted."""


class GatewaySilent(WeChatError):
    """No answer came: whether the call took effect is unknown."""


class UnreadableAnswer(WeChatError):
    """An answer came that does not follow the documented form."""


class Untrusted(WeChatError):
    """The signature of an answer or notice is missing, stale, a probe, or wrong."""


class Undecryptable(WeChatError):
    """A sealed resource does not open with our API v3 key."""


class UnreadableNotice(WeChatError):
    """A notice is genuine, but its content does not follow the documented form."""


class MiniProgramRefused(WeChatError):
    """api.weixin.qq.com answered with an errcode (the HTTP status is 200 all the same)."""

    def __init__(self, errcode: int, errmsg: str) -> None:
        super().__init__(f"errcode {errcode}: {errmsg}")
        self.errcode = errcode
        self.errmsg = errmsg


class BadCode(MiniProgramRefused):
    """40029: the login or phone code is unknown, expired, or of another mini-program."""


class CodeUsed(BadCode):
    """40163: the code has been exchanged before."""


class TooFrequent(MiniProgramRefused):
    """45011 or 45009: too many calls in a short time, or the day's quota is used up."""


class Blocked(MiniProgramRefused):
    """40226: WeChat blocks this user as high-risk."""


class Busy(MiniProgramRefused):
    """-1: WeChat is busy; try again a little later."""


class BadToken(MiniProgramRefused):
    """40001, 40014 or 42001: the access token is wrong or has expired."""


class BadApp(MiniProgramRefused):
    """40013 or 40125: our appid or secret is wrong."""


class MessageRefused(MiniProgramRefused):
    """43101: the user has not agreed (any more) to this message."""


class BadMessage(MiniProgramRefused):
    """40003, 40037, 41030 or 47003: wrong openid, template, page or template values."""


class BadScene(MiniProgramRefused):
    """40129: a code's scene has 1 to 32 digits, letters and !#$&'()*+,/:;=?@-._~ only."""


class UserAway(MiniProgramRefused):
    """61010: the user has not been in the mini-program for two hours, so the content is not checked."""


class ShippingRefused(MiniProgramRefused):
    """1006…: the fulfilment of this payment cannot be reported (unknown, done before, or badly described)."""


class ShippingUnknown(ShippingRefused):
    """10060001: WeChat does not know this payment, or not yet."""


class ShippingUnchanged(ShippingRefused):
    """10060023: the same fulfilment was reported before."""


_BY_ERRCODE: dict[int, type[MiniProgramRefused]] = {
    -1: Busy,
    40001: BadToken, 40014: BadToken, 42001: BadToken,
    40003: BadMessage, 40037: BadMessage, 41030: BadMessage, 47003: BadMessage,
    40013: BadApp, 40125: BadApp,
    40029: BadCode,
    40163: CodeUsed,
    40129: BadScene,
    40226: Blocked,
    43101: MessageRefused,
    45009: TooFrequent, 45011: TooFrequent,
    61010: UserAway,
    10060001: ShippingUnknown, 10060023: ShippingUnchanged,
    **dict.fromkeys((*range(10060002, 10060023), *range(10060024, 10060032), 268485216), ShippingRefused),
}  # fmt: skip


def mini_program_refusal(errcode: int, errmsg: str) -> MiniProgramRefused:
    """The named error of an errcode; MiniProgramRefused itself where it has no name of its own."""
    return _BY_ERRCODE.get(errcode, MiniProgramRefused)(errcode, errmsg)


class PayRefused(WeChatError):
    """WeChat Pay answered a call with an error status."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"HTTP {status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message


class SignatureRefused(PayRefused):
    """401 SIGN_ERROR: WeChat Pay does not accept our signature."""


class OutcomeUnknown(PayRefused):
    """429 or 5xx: the call may or may not have taken effect; ask before repeating with another number."""


class OrderMissing(PayRefused):
    """ORDER_NOT_EXIST or RESOURCE_NOT_EXISTS: no such order, or none that is paid."""


class OrderPaid(PayRefused):
    """ORDER_PAID: the order is paid already."""


class OrderClosed(PayRefused):
    """ORDER_CLOSED: the order is closed."""


class OrderNumberUsed(PayRefused):
    """OUT_TRADE_NO_USED: the same number was used with other content."""


class OrderReversed(PayRefused):
    """ORDER_REVERSED: the order was reversed and is never paid again."""


class BalanceShort(PayRefused):
    """NOT_ENOUGH: of a refund or a split, the merchant's balance; of a scanned code, the payer's."""


class AuthCodeRefused(PayRefused):
    """AUTH_CODE_…: the scanned payment code is expired, used, or no code of WeChat Pay."""


class PaymentRefused(PayRefused):
    """TRADE_ERROR or RULE_LIMIT: the payer's wallet, bank or a limit refuses this payment."""


class UserPaying(PayRefused):
    """202 USERPAYING: the payer is typing the password; neither paid nor closed yet."""


# Spellings vary with the age of the page (ORDERNOTEXIST, ORDER_NOT_EXIST), so underscores do not count.
_BY_CODE: dict[str, type[PayRefused]] = {
    "ORDERNOTEXIST": OrderMissing, "RESOURCENOTEXISTS": OrderMissing,
    "ORDERPAID": OrderPaid,
    "ORDERCLOSED": OrderClosed,
    "OUTTRADENOUSED": OrderNumberUsed,
    "ORDERREVERSED": OrderReversed,
    "NOTENOUGH": BalanceShort,
    "AUTHCODEINVALID": AuthCodeRefused, "AUTHCODEERROR": AuthCodeRefused,
    "AUTHCODEEXPIRE": AuthCodeRefused, "AUTHCODEEXPIRED": AuthCodeRefused,
    "TRADEERROR": PaymentRefused, "RULELIMIT": PaymentRefused,
    "USERPAYING": UserPaying,
}  # fmt: skip


def pay_refusal(status: int, code: str, message: str) -> PayRefused:
    """The named error of a WeChat Pay answer: by status first, since codes are spelt in several ways."""
    if status == 401:
        return SignatureRefused(status, code, message)
    if status == 429 or status >= 500:
        return OutcomeUnknown(status, code, message)
    return _BY_CODE.get(code.replace("_", ""), PayRefused)(status, code, message)
