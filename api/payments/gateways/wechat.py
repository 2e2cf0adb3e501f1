"""The seam to WeChat Pay: API v3 in our words. Public keys and platform certificates are believed side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import load_pem_x509_certificate

from api.kit import clock
from api.payments.gateways import base
from api.payments.gateways.base import (
    Account,
    BillLine,
    BillLineKind,
    ComplaintNotice,
    Forged,
    GatewayPaymentState,
    GatewayRefundState,
    Key,
    KeyRead,
    NoBill,
    ParsedNotice,
    PaymentRequest,
    PaymentStatus,
    RefundRequest,
    RefundStatus,
    SplitRequest,
    SplitState,
    SplitStatus,
)
from api.payments.gateways.wechat_complaints import WeChatComplaints
from api.payments.gateways.wechat_refusals import translated
from wechat import bill, notices
from wechat import errors as vendor
from wechat.aead import api_v3_key
from wechat.client import CodeOrder, JsapiOrder, PayClient, RefundOrder, SubMerchant
from wechat.records import Refund, ShareReturn, Sharing, Transaction
from wechat.sharing import Part as VendorPart
from wechat.sharing import ProfitSharing, Receiver
from wechat.signing import PUBLIC_KEY_ID, Merchant, Trust, TrustedKey, certificate_serial, private_key, public_key

DESCRIPTION_LENGTH = 127
REASON_LENGTH = 80
ECHO = "SECURITY_ECHO.SUCCESS"  # WeChat Pay's self-test
NO_STATEMENT = "no-statement-exist"
RELATION = "HEADQUARTER"  # what the mall is to a shop that shares with it

_STATES = {
    "SUCCESS": GatewayPaymentState.PAID,
    "REFUND": GatewayPaymentState.PAID,
    "NOTPAY": GatewayPaymentState.WAITING,
    "USERPAYING": GatewayPaymentState.PAYING,
    "CLOSED": GatewayPaymentState.CLOSED,
    "REVOKED": GatewayPaymentState.CLOSED,
    "PAYERROR": GatewayPaymentState.FAILED,
}
_REFUND_STATES = {
    "SUCCESS": GatewayRefundState.DONE,
    "PROCESSING": GatewayRefundState.WORKING,
    "ABNORMAL": GatewayRefundState.ABNORMAL,
    "CLOSED": GatewayRefundState.CLOSED,
}
#: A bill has words of its own as well.
_BILLED_REFUND_STATES = _REFUND_STATES | {"FAIL": GatewayRefundState.CLOSED, "CHANGE": GatewayRefundState.ABNORMAL}


class WeChatGateway:
    """One merchant account at WeChat Pay."""

    def __init__(self, account: Account, *, base_url: str) -> None:
        self._account = account
        self._base_url = base_url
        self._trust = Trust({key.serial: _trusted(key) for key in account.keys if key.kind in ("trusted_key", "trusted_certificate")})
        self._clients: dict[tuple[str, str], PayClient] = {}

    def place(self, request: PaymentRequest) -> dict[str, str]:
        """A prepay_id. AlreadyPaid, AlreadyClosed."""
        order = JsapiOrder(
            appid=self._account.app_id,
            out_trade_no=request.number,
            description=request.description[:DESCRIPTION_LENGTH],
            total_fen=request.amount_fen,
            payer_openid=request.payer_subject,
            notify_url=self._account.notify_url,
            expires_at=request.expires_at,
            profit_sharing=request.shared,
        )
        return {"prepay_id": translated(lambda: self._client().prepay_jsapi(order))}

    def wallet_arguments(self, placed: Mapping[str, str]) -> dict[str, str]:
        """The arguments of wx.requestPayment."""
        return translated(lambda: self._client().pay_params(self._account.app_id, placed["prepay_id"]))

    def charge(self, request: PaymentRequest, auth_code: str) -> PaymentStatus:
        """Collect from who showed the code (付款码). PayerBalanceShort."""
        order = CodeOrder(
            appid=self._account.app_id,
            out_trade_no=request.number,
            description=request.description[:DESCRIPTION_LENGTH],
            total_fen=request.amount_fen,
            auth_code=auth_code,
            store=request.store,
            profit_sharing=request.shared,
        )
        try:
            status = _payment_status(translated(lambda: self._client().charge_code(order)))
        except base.BalanceShort:  # WeChat Pay has one word for both; nobody but the payer pays here
            raise base.PayerBalanceShort() from None
        return replace(status, state=GatewayPaymentState.PAYING) if status.state is GatewayPaymentState.WAITING else status

    def query(self, number: str) -> PaymentStatus:
        """The order of our number. NumberUnknown."""
        return _payment_status(translated(lambda: self._client().query(number)))

    def close(self, number: str) -> None:
        """Close the order; may be repeated. AlreadyPaid, NumberUnknown."""
        translated(lambda: self._client().close(number))

    def reverse(self, number: str) -> None:
        """Undo an auth-code payment: it dies unpaid, and what was paid is given back."""
        translated(lambda: self._client().reverse(number, self._account.app_id))

    def refund(self, request: RefundRequest) -> RefundStatus:
        """Ask for a refund. BalanceShort, NumberUnknown."""
        order = RefundOrder(
            out_trade_no=request.number,
            out_refund_no=request.refund_number,
            refund_fen=request.refund_fen,
            total_fen=request.total_fen,
            reason=request.reason[:REASON_LENGTH],
            notify_url=self._account.notify_url,
        )
        return _refund_status(translated(lambda: self._client().refund(order)))

    def query_refund(self, number: str, refund_number: str) -> RefundStatus:  # noqa: ARG002 - WeChat Pay finds it by its own number
        """The refund of our number. NumberUnknown."""
        return _refund_status(translated(lambda: self._client().query_refund(refund_number)))

    def split(self, request: SplitRequest) -> SplitStatus:
        """Pass the part on."""
        books, part = self._books(), VendorPart(request.receiver_no, request.amount_fen, request.description)

        def send() -> Sharing:
            books.add_receiver(Receiver(request.receiver_no, RELATION))
            return books.share(request.gateway_no, request.share_number, [part], unfreeze_rest=False)

        return _split_status(translated(send))

    def query_split(self, request: SplitRequest) -> SplitStatus:
        """The split of our number. NumberUnknown."""
        books = self._books()
        return _split_status(translated(lambda: books.query(request.gateway_no, request.share_number)))

    def finish_split(self, request: SplitRequest, finish_number: str) -> SplitStatus:
        """Leave the rest to the shop."""
        books = self._books()
        return _split_status(translated(lambda: books.unfreeze(request.gateway_no, finish_number, request.description)))

    def return_split(self, request: SplitRequest, return_number: str, amount_fen: int) -> SplitStatus:
        """Let some of a part come back."""
        books, share, why = self._books(), request.share_number, request.description
        return _return_status(translated(lambda: books.take_back(share, return_number, request.receiver_no, amount_fen, why)))

    def query_split_return(self, request: SplitRequest, return_number: str) -> SplitStatus:
        """The return of our number. NumberUnknown."""
        books = self._books()
        return _return_status(translated(lambda: books.query_return(request.share_number, return_number)))

    def complaints(self) -> WeChatComplaints:
        """The complaints of payers (消费者投诉)."""
        return WeChatComplaints(self._client, self._account.notify_url)

    def _books(self) -> ProfitSharing:
        return ProfitSharing(self._client(), self._account.app_id)

    def bill(self, day: date) -> list[BillLine]:
        """The trade bill of one Beijing day. NoBill."""
        try:
            return translated(lambda: [_bill_line(line) for line in bill.read(self._client().trade_bill(day))])
        except base.Refused as refusal:
            raise (NoBill() if refusal.name == NO_STATEMENT else refusal) from None

    def read_notice(self, headers: Mapping[str, str], body: bytes) -> ParsedNotice:
        """The notice in this raw body. Forged."""
        try:
            return _parsed_notice(self._opened(headers, body))
        except (vendor.Untrusted, vendor.Undecryptable, vendor.UnreadableNotice) as trouble:
            raise Forged(str(trouble), headers.get("Wechatpay-Serial", "")) from None

    def _opened(self, headers: Mapping[str, str], body: bytes) -> notices.Notice:
        now = clock.now()
        keys = self._account.valid("notice_key", now)
        for key in keys[:-1]:
            try:
                return notices.read(headers, body, trust=self._trust, api_v3_key=api_v3_key(key.text), now=now)
            except vendor.Undecryptable:
                continue  # while one key follows the other, a notice may be sealed with either
        if not keys:
            raise vendor.Undecryptable("there is no API v3 key")
        return notices.read(headers, body, trust=self._trust, api_v3_key=api_v3_key(keys[-1].text), now=now)

    def _client(self) -> PayClient:
        now = clock.now()
        own = self._account.valid("own_key", now)
        trusted = [key for key in self._account.valid("trusted_key", now) if key.serial.startswith(PUBLIC_KEY_ID)]
        if not own:
            raise base.Refused("keys-missing")
        names = own[0].serial, trusted[0].serial if trusted else ""
        if names not in self._clients:
            merchant = Merchant(self._account.merchant_no, own[0].serial, private_key(own[0].text))
            sub = SubMerchant(self._account.sub_merchant_no, self._account.sub_app_id) if self._account.mode == "partner" else None
            self._clients[names] = PayClient(merchant, self._trust, clock=clock.now, sub=sub, answer_key=names[1], base_url=self._base_url)
        return self._clients[names]


def read_key(kind: str, text: str, *, certificate: str, serial: str) -> KeyRead:
    """What a key says of itself. ValueError."""
    if kind == "own_key":
        return _read_own(text, certificate, serial)
    if kind == "notice_key":
        api_v3_key(text)
        return KeyRead()
    if kind == "trusted_key":
        public_key(text)
        if not serial.startswith(PUBLIC_KEY_ID):
            raise ValueError(f"the id of a WeChat Pay public key starts with {PUBLIC_KEY_ID}")
        return KeyRead(serial)
    if kind == "trusted_certificate":
        Trust.certificates(text)
        return KeyRead(certificate_serial(text), load_pem_x509_certificate(text.encode()).not_valid_after_utc)
    raise ValueError("WeChat Pay has no such kind of key")


def _read_own(text: str, certificate: str, serial: str) -> KeyRead:
    key = private_key(text)
    if not certificate:
        if not serial:
            raise ValueError("our key needs its certificate, or the certificate's serial number")
        return KeyRead(serial.upper())
    given = load_pem_x509_certificate(certificate.encode())
    if given.public_key() != key.public_key():
        raise ValueError("the certificate belongs to another key")
    return KeyRead(certificate_serial(certificate), given.not_valid_after_utc)


def _trusted(key: Key) -> TrustedKey:
    if key.kind == "trusted_key":
        return TrustedKey(public_key(key.text), key.starts_at, key.ends_at)
    certified = load_pem_x509_certificate(key.text.encode()).public_key()
    assert isinstance(certified, RSAPublicKey)  # looked at when it was added
    return TrustedKey(certified, key.starts_at, key.ends_at)


def _payment_status(transaction: Transaction) -> PaymentStatus:
    return PaymentStatus(
        state=_STATES.get(transaction.trade_state, GatewayPaymentState.WAITING),
        number=transaction.out_trade_no,
        merchant_no=transaction.mchid,
        sub_merchant_no=transaction.sub_mchid,
        app_id=transaction.appid,
        gateway_no=transaction.transaction_id,
        amount_fen=transaction.total_fen,
        currency=transaction.currency,
        paid_at=transaction.success_at,
        payer=transaction.payer_openid,
    )


def _refund_status(refund: Refund) -> RefundStatus:
    return RefundStatus(
        state=_REFUND_STATES.get(refund.status, GatewayRefundState.WORKING),
        refund_number=refund.out_refund_no,
        merchant_no=refund.mchid,
        gateway_no=refund.refund_id,
        amount_fen=refund.refund_fen,
        done_at=refund.success_at,
    )


def _split_status(sharing: Sharing) -> SplitStatus:
    if sharing.state != "FINISHED":
        return SplitStatus(SplitState.WORKING, sharing.order_id)
    failed = next((part for part in sharing.parts if part.result != "SUCCESS"), None)  # finished does not mean success
    return SplitStatus(SplitState.FAILED if failed else SplitState.DONE, sharing.order_id, failed.fail_reason if failed else "")


def _return_status(share_return: ShareReturn) -> SplitStatus:
    state = {"SUCCESS": SplitState.DONE, "FAILED": SplitState.FAILED}.get(share_return.result, SplitState.WORKING)
    return SplitStatus(state, share_return.return_id, share_return.fail_reason)


def _bill_line(line: bill.BillLine) -> BillLine:
    kind = {bill.PAID: BillLineKind.PAYMENT, bill.REFUND: BillLineKind.REFUND, bill.REVERSED: BillLineKind.REVERSAL}[line.state]
    return BillLine(
        kind=kind,
        number=line.out_refund_no if kind is BillLineKind.REFUND else line.out_trade_no,
        payment_number=line.out_trade_no,
        gateway_no=line.refund_id if kind is BillLineKind.REFUND else line.transaction_id,
        amount_fen=line.amount_fen,
        fee_fen=line.fee_fen,
        at=line.at,
        refund_state=_BILLED_REFUND_STATES.get(line.refund_status, GatewayRefundState.WORKING) if kind is BillLineKind.REFUND else None,
    )


def _parsed_notice(notice: notices.Notice) -> ParsedNotice:
    if notice.event_type == "TRANSACTION.SUCCESS" and notice.original_type == "transaction":
        payment = _payment_status(notice.transaction())
        return ParsedNotice(notice.id, notice.event_type, payment=payment, number=payment.number)
    if notice.event_type.startswith("COMPLAINT."):
        complaint = notice.complaint()
        return ParsedNotice(notice.id, notice.event_type, complaint=ComplaintNotice(complaint.complaint_id, complaint.action))
    if notice.event_type.startswith("REFUND."):
        refund = notice.refund()
        return ParsedNotice(notice.id, notice.event_type, refund=_refund_status(refund), number=refund.out_trade_no)
    only_known = "profitsharing" in (notice.original_type, notice.event_type.partition(".")[0].lower()) or notice.event_type == ECHO
    return ParsedNotice(notice.id, notice.event_type, only_known=only_known)
