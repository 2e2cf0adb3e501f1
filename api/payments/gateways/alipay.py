"""The seam to Alipay: gateway.do in our words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import TypeVar
from urllib.parse import parse_qsl

from cryptography.x509 import load_pem_x509_certificates

from alipay import bill, notices
from alipay import errors as vendor
from alipay.client import AlipayClient, CodeOrder, TradeOrder
from alipay.records import Trade
from alipay.signing import private_key, public_key
from alipay.trust import AppCertificates, Trust, certificate_number, root_number
from api.kit import clock, logs
from api.payments.gateways import base
from api.payments.gateways.base import (
    Account,
    BillLine,
    BillLineKind,
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
    SplitStatus,
)

log = logs.get(__name__)
T = TypeVar("T")

SUBJECT_LENGTH = 256
FIELDS_MOST = 80
_NOT_IN_A_SUBJECT = str.maketrans("/=&", "   ")

_STATES = {
    "WAIT_BUYER_PAY": GatewayPaymentState.WAITING,
    "TRADE_SUCCESS": GatewayPaymentState.PAID,
    "TRADE_FINISHED": GatewayPaymentState.PAID,
    "TRADE_CLOSED": GatewayPaymentState.CLOSED,
}
_REFUSED: dict[type[vendor.Refused], type[base.Refused]] = {
    vendor.TradeMissing: base.NumberUnknown,
    vendor.TradePaid: base.AlreadyPaid,
    vendor.TradeClosed: base.AlreadyClosed,
    vendor.BalanceShort: base.BalanceShort,
    vendor.BuyerBalanceShort: base.PayerBalanceShort,
}


class AlipayGateway:
    """One application at Alipay."""

    def __init__(self, account: Account, *, gateway_url: str) -> None:
        self._account = account
        self._gateway_url = gateway_url
        self._trusts: dict[tuple[Key, ...], Trust] = {}
        self._clients: dict[tuple[Key, ...], AlipayClient] = {}

    def place(self, request: PaymentRequest) -> dict[str, str]:
        """A trade_no. AlreadyPaid, AlreadyClosed."""
        payer = {"buyer_id": request.payer_subject} if _is_user_id(request.payer_subject) else {"buyer_open_id": request.payer_subject}
        order = TradeOrder(
            out_trade_no=request.number,
            subject=_subject(request.description),
            total_fen=request.amount_fen,
            notify_url=self._account.notify_url,
            expires_at=request.expires_at,
            **payer,
        )
        return {"trade_no": _translated(lambda: self._client().create(order))}

    def wallet_arguments(self, placed: Mapping[str, str]) -> dict[str, str]:
        """The argument of my.tradePay."""
        return {"tradeNO": placed["trade_no"]}

    def charge(self, request: PaymentRequest, auth_code: str) -> PaymentStatus:
        """Collect from the buyer who showed the code (付款码). PayerBalanceShort."""
        order = CodeOrder(
            out_trade_no=request.number,
            subject=_subject(request.description),
            total_fen=request.amount_fen,
            auth_code=auth_code,
            notify_url=self._account.notify_url,
            expires_at=request.expires_at,
        )
        trade = _translated(lambda: self._client().pay(order))
        status = _payment_status(trade, self._account.app_id)
        return replace(status, state=GatewayPaymentState.PAYING) if status.state is GatewayPaymentState.WAITING else status

    def query(self, number: str) -> PaymentStatus:
        """The trade of our number. NumberUnknown."""
        trade = _translated(lambda: self._client().query(number))
        return _payment_status(trade, self._account.app_id)

    def close(self, number: str) -> None:
        """Close the trade. AlreadyPaid, AlreadyClosed, NumberUnknown."""
        try:
            _translated(lambda: self._client().close(number), vendor.TradeStateRefuses)
        except vendor.TradeStateRefuses:
            # Paid, or closed already: only the trade itself can say which.
            closed = self.query(number).state is GatewayPaymentState.CLOSED
            raise (base.AlreadyClosed() if closed else base.AlreadyPaid()) from None

    def reverse(self, number: str) -> None:
        """Undo an auth-code payment: closed if unpaid, given back whole if paid."""
        cancellation = _translated(lambda: self._client().cancel(number))
        if cancellation.again:
            raise base.OutcomeUnknown("not-undone-yet")
        if cancellation.action is None:
            raise base.NumberUnknown()

    def refund(self, request: RefundRequest) -> RefundStatus:
        """Give money back; not moved at once means: ask. BalanceShort, NumberUnknown."""
        refund = _translated(
            lambda: self._client().refund(request.number, request.refund_number, request.refund_fen, request.reason[:SUBJECT_LENGTH])
        )
        state = GatewayRefundState.DONE if refund.moved else GatewayRefundState.WORKING
        return RefundStatus(
            state, request.refund_number, gateway_no=refund.trade_no, amount_fen=request.refund_fen, done_at=refund.refunded_at
        )

    def query_refund(self, number: str, refund_number: str) -> RefundStatus:
        """Whether the refund is done. NumberUnknown, since Alipay shows only what is done."""
        refund = _translated(lambda: self._client().query_refund(number, refund_number))
        if not refund.done:
            raise base.NumberUnknown()
        return RefundStatus(GatewayRefundState.DONE, refund_number, amount_fen=refund.refund_fen, done_at=refund.refunded_at)

    def split(self, request: SplitRequest) -> SplitStatus:  # noqa: ARG002
        """Accounts at Alipay split nothing; none is opened with a share for the mall."""
        raise base.Refused("not-offered")

    def query_split(self, request: SplitRequest) -> SplitStatus:  # noqa: ARG002
        """As `split`."""
        raise base.Refused("not-offered")

    def finish_split(self, request: SplitRequest, finish_number: str) -> SplitStatus:  # noqa: ARG002
        """As `split`."""
        raise base.Refused("not-offered")

    def return_split(self, request: SplitRequest, return_number: str, amount_fen: int) -> SplitStatus:  # noqa: ARG002
        """As `split`."""
        raise base.Refused("not-offered")

    def query_split_return(self, request: SplitRequest, return_number: str) -> SplitStatus:  # noqa: ARG002
        """As `split`."""
        raise base.Refused("not-offered")

    def bill(self, day: date) -> list[BillLine]:
        """The trade bill of one Beijing day. NoBill."""
        try:
            return [_bill_line(line) for line in _translated(lambda: self._client().trade_bill(day), vendor.BillMissing)]
        except vendor.BillMissing:
            raise NoBill() from None

    def complaints(self) -> None:
        """Alipay's complaints have a service of their own, which is not connected."""

    def read_notice(self, headers: Mapping[str, str], body: bytes) -> ParsedNotice:  # noqa: ARG002 - Alipay signs inside the form
        """The notice in this form. Forged."""
        try:
            form = dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=FIELDS_MOST))
            return _parsed_notice(notices.read_trade(form, trust=self._trust()))
        except (vendor.Untrusted, vendor.UnreadableAnswer) as trouble:
            raise Forged(str(trouble)) from None
        except ValueError:
            raise Forged("the notice is not a form in UTF-8") from None

    def _client(self) -> AlipayClient:
        now = clock.now()
        own, roots = self._account.valid("own_key", now), self._account.valid("root_certificate", now)
        if not own:
            raise base.Refused("keys-missing")
        used = (own[0], *roots[:1], *self._believed())
        if used not in self._clients:
            certificates = AppCertificates(own[0].serial, root_number(roots[0].text)) if own[0].serial and roots else None
            self._clients[used] = AlipayClient(
                self._account.app_id,
                private_key(own[0].text),
                self._trust(),
                clock=clock.now,
                certificates=certificates,
                gateway=self._gateway_url,
            )
        return self._clients[used]

    def _believed(self) -> tuple[Key, ...]:
        now = clock.now()
        return (*self._account.valid("trusted_key", now), *self._account.valid("trusted_certificate", now))

    def _trust(self) -> Trust:
        """Everything that is valid now: two keys while one follows the other, and both modes in a change-over."""
        believed = self._believed()
        if believed not in self._trusts:
            trust = Trust.public_keys(*(key.text for key in believed if key.kind == "trusted_key"))
            for root in self._account.valid("root_certificate", clock.now())[:1]:
                for key in believed:
                    trust |= _certified(key, root) if key.kind == "trusted_certificate" else Trust()
            self._trusts[believed] = trust
        return self._trusts[believed]


def _certified(key: Key, root: Key) -> Trust:
    try:
        return Trust.certificates(key.text, root=root.text)
    except ValueError:
        log.error("a certificate does not lead to Alipay's root and is not believed", serial=key.serial)
        return Trust()


def read_key(kind: str, text: str, *, certificate: str, serial: str) -> KeyRead:  # noqa: ARG001 - Alipay's keys have no ids of their own
    """What a key says of itself. ValueError."""
    if kind == "own_key":
        return _read_own(text, certificate)
    if kind == "trusted_key":
        public_key(text)
        return KeyRead()
    if kind == "trusted_certificate":
        held = load_pem_x509_certificates(text.encode())[0]
        public_key(text)
        return KeyRead(certificate_number(held), held.not_valid_after_utc)
    if kind == "root_certificate":
        root_number(text)
        return KeyRead()
    raise ValueError("Alipay has no such kind of key")


def _read_own(text: str, certificate: str) -> KeyRead:
    key = private_key(text)
    if not certificate:
        return KeyRead()
    given = load_pem_x509_certificates(certificate.encode())[0]
    if given.public_key() != key.public_key():
        raise ValueError("the certificate belongs to another key")
    return KeyRead(certificate_number(given), given.not_valid_after_utc)


def _is_user_id(subject: str) -> bool:
    return len(subject) == 16 and subject.startswith("2088") and subject.isascii() and subject.isdigit()


def _subject(description: str) -> str:
    return description.translate(_NOT_IN_A_SUBJECT)[:SUBJECT_LENGTH]


def _payment_status(trade: Trade, app_id: str) -> PaymentStatus:
    # A trade that is closed after it was paid was given back whole: it was paid all the same.
    state = GatewayPaymentState.PAID if trade.paid_at is not None else _STATES.get(trade.trade_status, GatewayPaymentState.WAITING)
    return PaymentStatus(
        state=state,
        number=trade.out_trade_no,
        app_id=app_id,
        gateway_no=trade.trade_no,
        amount_fen=trade.total_fen,
        paid_at=trade.paid_at,
        payer=trade.buyer,
    )


def _bill_line(line: bill.BillLine) -> BillLine:
    kind = BillLineKind.PAYMENT
    if line.is_refund:
        # A cancelled trade is money back without a number of a refund of ours.
        kind = BillLineKind.REVERSAL if line.out_request_no in ("", line.out_trade_no) else BillLineKind.REFUND
    return BillLine(
        kind=kind,
        number=line.out_request_no if kind is BillLineKind.REFUND else line.out_trade_no,
        payment_number=line.out_trade_no,
        gateway_no=line.trade_no,
        amount_fen=abs(line.amount_fen),
        fee_fen=-line.fee_fen,
        at=line.finished_at,
        refund_state=GatewayRefundState.DONE if kind is BillLineKind.REFUND else None,
    )


def _parsed_notice(notice: notices.TradeNotice) -> ParsedNotice:
    if notice.refund_fen is not None:
        # The fee is the sum of all refunds so far, so the notice only says which refund to ask for.
        refund = RefundStatus(
            GatewayRefundState.WORKING, notice.out_request_no or "", merchant_no=notice.seller_id, done_at=notice.refunded_at
        )
        return ParsedNotice(notice.id, f"{notice.trade_status} refund", refund=refund, number=notice.out_trade_no)
    payment = PaymentStatus(
        state=GatewayPaymentState.PAID if notice.paid_at is not None else _STATES.get(notice.trade_status, GatewayPaymentState.WAITING),
        number=notice.out_trade_no,
        merchant_no=notice.seller_id,
        app_id=notice.app_id,
        gateway_no=notice.trade_no,
        amount_fen=notice.total_fen,
        paid_at=notice.paid_at,
        payer=notice.buyer,
    )
    return ParsedNotice(notice.id, notice.trade_status, payment=payment, number=notice.out_trade_no)


def _translated(call: Callable[[], T], *passed: type[vendor.Refused]) -> T:
    try:
        return call()
    except passed:
        raise
    except vendor.OutcomeUnknown:
        raise base.OutcomeUnknown("outcome-unknown") from None
    except vendor.Refused as trouble:
        refusal = next((ours for theirs, ours in _REFUSED.items() if isinstance(trouble, theirs)), None)
        name = trouble.sub_code.removeprefix("ACQ.").lower().replace("_", "-")[:40]
        raise (refusal() if refusal else base.Refused(name or "refused")) from None
    except vendor.AlipayError as trouble:
        raise base.OutcomeUnknown(type(trouble).__name__.lower()) from None
