"""What gateways collect and give back, for the office; and where the gateways' notices come in."""

from __future__ import annotations

from typing import Any

import flask
from flask import request

from api.approvals.errors import AnotherPersonNeeded
from api.approvals.two_people import two_people
from api.kit import http, identity, pages
from api.kit.states import WrongState
from api.kit.tables import exported
from api.malls.errors import ShopNotFound
from api.payments import schemas, service
from api.payments.errors import (
    BillDayWrong,
    BillDifferenceNotFound,
    BillDifferenceSettled,
    BillNotFound,
    ComplaintMovedOn,
    ComplaintNotAnswered,
    ComplaintNotFound,
    ComplaintOver,
    ComplaintReplyOnItsWay,
    ComplaintUnread,
    MerchantAccountNotFound,
    MerchantAccountTaken,
    MerchantAccountWrong,
    MerchantKeyNotFound,
    MerchantKeyWrong,
    NoticeNotFound,
    PaymentNotFound,
    RefundNotFound,
    RefundOnItsWay,
    ShareNotFound,
    ShareOnItsWay,
)
from api.payments.models import (
    BillDifference,
    Complaint,
    ComplaintReply,
    GatewayBill,
    MerchantAccount,
    MerchantKey,
    Notice,
    NoticeRefusal,
    Payment,
    ProfitShare,
    Refund,
)

office = http.Blueprint("office_payments", __name__, audience=identity.mall_staff, description="What gateways collect and give back")
merchants = http.Blueprint(
    "office_merchants", __name__, audience=identity.mall_staff, url_prefix="/merchants", description="Merchant accounts and their keys"
)
notices = http.Blueprint(
    "notices", __name__, audience=identity.gateways, url_prefix="/<mall_code>", description="Notices of the payment gateways"
)


@office.get("/payments")
@office.arguments(schemas.PaymentsArgs, location="query")
@office.response(200, schemas.GatewayPaymentPage)
@office.problems(pages.CursorInvalid)
@office.permission("payments.read")
@exported("payments", schemas.PaymentsArgs, schemas.GatewayPaymentSchema)
def list_payments(args: dict[str, Any]) -> pages.Page[Payment]:
    """Payments, newest first"""
    return service.payments(**args)


@office.get("/payments/<int:payment_id>")
@office.response(200, schemas.PaymentHistorySchema)
@office.problems(PaymentNotFound)
@office.permission("payments.read")
def read_payment(payment_id: int) -> service.History:
    """A payment with every move, notice and refund"""
    return service.history(payment_id)


@office.post("/payments/<int:payment_id>/questions")
@office.response(200, schemas.GatewayPaymentSchema)
@office.problems(PaymentNotFound)
@office.permission("payments.ask")
def ask_now(payment_id: int) -> Payment:
    """Ask the gateway now what became of a payment"""
    return service.ask_now(payment_id, by=identity.staff().name)


@office.get("/payment-refunds")
@office.arguments(schemas.RefundsArgs, location="query")
@office.response(200, schemas.GatewayRefundPage)
@office.problems(pages.CursorInvalid)
@office.permission("payments.read")
@exported("payment_refunds", schemas.RefundsArgs, schemas.GatewayRefundSchema)
def list_refunds(args: dict[str, Any]) -> pages.Page[Refund]:
    """Refunds, newest first"""
    return service.refunds(**args)


@office.post("/payment-refunds/<int:refund_id>/sendings")
@office.response(200, schemas.GatewayRefundSchema)
@office.problems(RefundNotFound, RefundOnItsWay)
@office.permission("refunds.send")
def send_again(refund_id: int) -> Refund:
    """Send a stuck refund again"""
    return service.send_again(refund_id, by=identity.staff().name)


@office.put("/payment-refunds/<int:refund_id>/drop")
@office.arguments(schemas.DropArgs)
@office.response(200, schemas.GatewayRefundSchema)
@office.problems(RefundNotFound, RefundOnItsWay, AnotherPersonNeeded)
@office.permission("refunds.drop")
def drop_refund(args: dict[str, Any], refund_id: int) -> Refund:
    """Give a stuck refund up: the shopper got the money another way"""
    return service.drop(refund_id, by=identity.staff().name, why=args["why"])


@office.get("/payment-shares")
@office.arguments(schemas.SharesArgs, location="query")
@office.response(200, schemas.PaymentSharePage)
@office.problems(pages.CursorInvalid)
@office.permission("payments.read")
@exported("payment_shares", schemas.SharesArgs, schemas.PaymentShareSchema)
def list_shares(args: dict[str, Any]) -> pages.Page[ProfitShare]:
    """The mall's parts of what shops collect directly, newest first"""
    return service.shares(**args)


@office.post("/payment-shares/<int:share_id>/sendings")
@office.response(200, schemas.PaymentShareSchema)
@office.problems(ShareNotFound, ShareOnItsWay)
@office.permission("shares.send")
def send_share_again(share_id: int) -> ProfitShare:
    """Send a stuck share again"""
    return service.send_share_again(share_id, by=identity.staff().name)


@office.get("/payment-notices")
@office.arguments(schemas.NoticesArgs, location="query")
@office.response(200, schemas.GatewayNoticePage)
@office.problems(pages.CursorInvalid)
@office.permission("notices.read")
@exported("payment_notices", schemas.NoticesArgs, schemas.GatewayNoticeSchema)
def list_notices(args: dict[str, Any]) -> pages.Page[Notice]:
    """The inbox of gateways' notices, newest first"""
    return service.notices(**args)


@office.get("/payment-notices/<int:notice_id>")
@office.response(200, schemas.GatewayNoticeSchema)
@office.problems(NoticeNotFound)
@office.permission("notices.read")
def read_notice(notice_id: int) -> Notice:
    """One notice"""
    return service.notice(notice_id)


@office.post("/payment-notices/<int:notice_id>/runs")
@office.response(202, schemas.GatewayNoticeSchema)
@office.problems(NoticeNotFound, WrongState)
@office.permission("notices.rerun")
def rerun_notice(notice_id: int) -> Notice:
    """Handle a refused or failed notice once more"""
    return service.rerun(notice_id, by=identity.staff().name)


@office.get("/notice-refusals")
@office.arguments(http.PageArgs, location="query")
@office.response(200, schemas.NoticeRefusalPage)
@office.problems(pages.CursorInvalid)
@office.permission("notices.read")
@exported("notice_refusals", http.PageArgs, schemas.NoticeRefusalSchema)
def list_refusals(args: dict[str, Any]) -> pages.Page[NoticeRefusal]:
    """Deliveries that could not be proved to come from a gateway, newest first"""
    return service.refusals(cursor=args.get("cursor"), limit=args["limit"])


@office.get("/gateway-bills")
@office.arguments(schemas.GatewayBillsArgs, location="query")
@office.response(200, schemas.GatewayBillPage)
@office.problems(pages.CursorInvalid)
@office.permission("bills.read")
@exported("gateway_bills", schemas.GatewayBillsArgs, schemas.GatewayBillSchema)
def list_bills(args: dict[str, Any]) -> pages.Page[GatewayBill]:
    """The gateways' bills and what comparing them found, the newest day first"""
    return service.bills(**args)


@office.post("/gateway-bills")
@office.arguments(schemas.GatewayBillArgs)
@office.response(202, schemas.GatewayBillSchema)
@office.problems(MerchantAccountNotFound, BillDayWrong)
@office.permission("bills.settle")
def ask_for_bill(args: dict[str, Any]) -> GatewayBill:
    """Fetch a bill and compare it, again or for the first time, in the background"""
    return service.ask_for_bill(args["account_id"], args["billed_on"], by=identity.staff().name)


@office.get("/gateway-bills/<int:bill_id>")
@office.response(200, schemas.GatewayBillSchema)
@office.problems(BillNotFound)
@office.permission("bills.read")
def read_bill(bill_id: int) -> GatewayBill:
    """One bill"""
    return service.bill(bill_id)


@office.get("/bill-differences")
@office.arguments(schemas.BillDifferencesArgs, location="query")
@office.response(200, schemas.BillDifferencePage)
@office.problems(pages.CursorInvalid)
@office.permission("bills.read")
@exported("bill_differences", schemas.BillDifferencesArgs, schemas.BillDifferenceSchema)
def list_differences(args: dict[str, Any]) -> pages.Page[BillDifference]:
    """In what bills and our books differ, newest first"""
    return service.differences(**args)


@office.put("/bill-differences/<int:difference_id>/settlement")
@office.arguments(schemas.SettlementArgs)
@office.response(200, schemas.BillDifferenceSchema)
@office.problems(BillDifferenceNotFound, BillDifferenceSettled)
@office.permission("bills.settle")
def settle_difference(args: dict[str, Any], difference_id: int) -> BillDifference:
    """Answer a difference"""
    return service.settle_difference(difference_id, by=identity.staff().name, note=args["note"])


@office.get("/complaints")
@office.arguments(schemas.ComplaintsArgs, location="query")
@office.response(200, schemas.ComplaintPage)
@office.problems(pages.CursorInvalid)
@office.permission("complaints.read")
@exported("complaints", schemas.ComplaintsArgs, schemas.ComplaintSchema)
def list_complaints(args: dict[str, Any]) -> pages.Page[Complaint]:
    """Complaints of payers: the open ones first, the first due before the others"""
    return service.complaints(**args)


@office.get("/complaints/<int:complaint_id>")
@office.response(200, schemas.ComplaintHistorySchema)
@office.problems(ComplaintNotFound)
@office.permission("complaints.read")
def read_complaint(complaint_id: int) -> service.ComplaintHistory:
    """A complaint with what was said and done, and its payment"""
    return service.complaint_history(complaint_id)


@office.put("/complaints/<int:complaint_id>/answers/<int:seq>")
@office.arguments(schemas.ComplaintAnswerArgs)
@office.response(200, schemas.ComplaintReplySchema)
@office.problems(ComplaintNotFound, ComplaintUnread, ComplaintOver, ComplaintMovedOn, ComplaintReplyOnItsWay)
@office.permission("complaints.answer")
def answer_complaint(args: dict[str, Any], complaint_id: int, seq: int) -> ComplaintReply:
    """Answer the payer, as the complaint's reply of this number: the same once more is said once"""
    return service.answer_complaint(complaint_id, seq, args["content"], by=identity.staff().name)


@office.put("/complaints/<int:complaint_id>/completions/<int:seq>")
@office.response(200, schemas.ComplaintReplySchema)
@office.problems(ComplaintNotFound, ComplaintUnread, ComplaintOver, ComplaintNotAnswered, ComplaintMovedOn, ComplaintReplyOnItsWay)
@office.permission("complaints.answer")
def complete_complaint(complaint_id: int, seq: int) -> ComplaintReply:
    """Say that a complaint is settled, as its reply of this number: the same once more is said once"""
    return service.complete_complaint(complaint_id, seq, by=identity.staff().name)


@merchants.get("")
@merchants.arguments(schemas.MerchantsArgs, location="query")
@merchants.response(200, schemas.MerchantAccountPage)
@merchants.problems(pages.CursorInvalid)
@merchants.permission("merchants.read")
@exported("merchants", schemas.MerchantsArgs, schemas.MerchantAccountSchema)
def list_merchants(args: dict[str, Any]) -> pages.Page[MerchantAccount]:
    """Merchant accounts, newest first"""
    return service.accounts(**args)


@merchants.post("")
@merchants.arguments(schemas.MerchantAccountArgs)
@merchants.response(201, schemas.MerchantAccountSchema)
@merchants.problems(MerchantAccountWrong, MerchantAccountTaken, ShopNotFound)
@merchants.idempotent
@merchants.permission("merchants.write")
@two_people("merchant.open", arguments=schemas.MerchantAccountArgs, approver="merchants.approve")
def open_merchant(args: dict[str, Any]) -> MerchantAccount:
    """Add a merchant account"""
    return service.open_account(by=identity.staff().name, **args)


@merchants.get("/expiring-keys")
@merchants.arguments(http.PageArgs, location="query")
@merchants.response(200, schemas.MerchantKeyPage)
@merchants.problems(pages.CursorInvalid)
@merchants.permission("merchants.read")
def list_expiring(args: dict[str, Any]) -> pages.Page[MerchantKey]:
    """Keys that end soon and have no successor yet, the first to end first"""
    return service.expiring(cursor=args.get("cursor"), limit=args["limit"])


@merchants.get("/<int:account_id>")
@merchants.response(200, schemas.MerchantAccountSchema)
@merchants.problems(MerchantAccountNotFound)
@merchants.permission("merchants.read")
def read_merchant(account_id: int) -> MerchantAccount:
    """One merchant account"""
    return service.account(account_id)


@merchants.patch("/<int:account_id>")
@merchants.arguments(schemas.MerchantChangeArgs)
@merchants.response(200, schemas.MerchantAccountSchema)
@merchants.problems(MerchantAccountNotFound, MerchantAccountWrong)
@merchants.permission("merchants.write")
@two_people(
    "merchant.change",
    arguments=schemas.MerchantChangeArgs,
    approver="merchants.approve",
    before=lambda args, account_id: {name: getattr(service.account(account_id), name) for name in args if name != "why"},
    alone=lambda args, **_: set(args) <= {"name", "why"} or (set(args) <= {"name", "enabled", "why"} and args["enabled"] is False),
)
def change_merchant(args: dict[str, Any], account_id: int) -> MerchantAccount:
    """Rename an account, change its share, or let it collect no more"""
    why = args.pop("why")
    return service.change_account(account_id, args, by=identity.staff().name, why=why)


@merchants.get("/<int:account_id>/keys")
@merchants.arguments(http.PageArgs, location="query")
@merchants.response(200, schemas.MerchantKeyPage)
@merchants.problems(MerchantAccountNotFound, pages.CursorInvalid)
@merchants.permission("merchants.read")
def list_keys(args: dict[str, Any], account_id: int) -> pages.Page[MerchantKey]:
    """The keys of an account, without the keys themselves"""
    return service.keys(account_id, cursor=args.get("cursor"), limit=args["limit"])


@merchants.post("/<int:account_id>/keys")
@merchants.arguments(schemas.MerchantKeyArgs)
@merchants.response(201, schemas.MerchantKeySchema)
@merchants.problems(MerchantAccountNotFound, MerchantKeyWrong)
@merchants.idempotent
@merchants.permission("merchants.write")
@two_people(
    "merchant.key",
    arguments=schemas.MerchantKeyArgs,
    approver="merchants.approve",
    before=lambda _args, account_id: {"merchant_no": service.account(account_id).merchant_no},
)
def add_key(args: dict[str, Any], account_id: int) -> MerchantKey:
    """Add a key; the ones before it go on being believed until they end"""
    return service.add_key(account_id, by=identity.staff().name, **args)


@merchants.put("/<int:account_id>/keys/<int:key_id>/end")
@merchants.arguments(schemas.KeyEndArgs)
@merchants.response(200, schemas.MerchantKeySchema)
@merchants.problems(MerchantAccountNotFound, MerchantKeyNotFound)
@merchants.permission("merchants.write")
def end_key(args: dict[str, Any], account_id: int, key_id: int) -> MerchantKey:
    """Let a key be believed no longer"""
    return service.end_key(account_id, key_id, ends_at=args["ends_at"], by=identity.staff().name, why=args["why"])


@notices.post("/wechat/<int:account_id>")
@notices.response(204)
@notices.raw(http.MAX_BODY)
@notices.dialect("application/json")
def take_wechat_notice(account_id: int) -> flask.Response:
    """A notice of WeChat Pay: stored, then acknowledged, then handled"""
    return _take("wechat", account_id)


@notices.post("/alipay/<int:account_id>")
@notices.response(200, {"type": "string"}, content_type="text/plain")
@notices.raw(http.MAX_BODY)
@notices.dialect("text/plain")
def take_alipay_notice(account_id: int) -> flask.Response:
    """A notice of Alipay: stored, then acknowledged, then handled"""
    return _take("alipay", account_id)


def _take(channel: str, account_id: int) -> flask.Response:
    answer = service.receive(channel, account_id, dict(request.headers), request.get_data())
    return flask.Response(answer.body, answer.status, content_type=answer.content_type)
