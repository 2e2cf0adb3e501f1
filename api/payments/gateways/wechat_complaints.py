"""The seam to WeChat Pay's complaints (消费者投诉 2.0)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from api.payments.gateways.base import ComplaintMessage, ComplaintPage, ComplaintStatus, GatewayComplaintState, Speaker
from api.payments.gateways.wechat_refusals import translated
from wechat.client import PayClient
from wechat.complaints import Complaints
from wechat.records import Complaint

COMPLETION = "MERCHANT_CONFIRM_COMPLETE"

_STATES = {
    "PENDING": GatewayComplaintState.PENDING,
    "PROCESSING": GatewayComplaintState.PROCESSING,
    "PROCESSED": GatewayComplaintState.PROCESSED,
}


class WeChatComplaints:
    """The complaints against what one account at WeChat Pay collects."""

    def __init__(self, client: Callable[[], PayClient], notify_url: str) -> None:
        self._client = client
        self._notify_url = notify_url

    def complaint(self, complaint_no: str) -> ComplaintStatus:
        """A complaint as it is now. NumberUnknown."""
        return _complaint_status(translated(lambda: self._books().complaint(complaint_no)))

    def raised(self, begin_on: date, end_on: date, offset: int) -> ComplaintPage:
        """Those raised on these Beijing days, at most 30 of them, from an offset on."""
        page = translated(lambda: self._books().raised(begin_on, end_on, offset=offset))
        return ComplaintPage(page.total, tuple(_complaint_status(complaint) for complaint in page.complaints))

    def answer(self, complaint_no: str, accused_no: str, content: str) -> None:
        """Say something to the payer."""
        translated(lambda: self._books().answer(complaint_no, accused_no, content))

    def complete(self, complaint_no: str, accused_no: str) -> None:
        """Say that it is settled."""
        translated(lambda: self._books().complete(complaint_no, accused_no))

    def words(self, complaint_no: str) -> list[ComplaintMessage]:
        """What was said and done about a complaint (协商历史), oldest first. NumberUnknown."""
        messages = translated(lambda: self._books().words(complaint_no))
        words = [ComplaintMessage(_speaker(word.kind), word.at, word.content, word.kind == COMPLETION) for word in messages]
        return sorted(words, key=lambda word: word.at)

    def send_notices_here(self) -> None:
        """Let notices of complaints come to this account's address: WeChat Pay has one for each merchant number."""
        translated(lambda: self._books().send_notices_to(self._notify_url))

    def _books(self) -> Complaints:
        return Complaints(self._client())


def _speaker(kind: str) -> Speaker:
    if kind.endswith("_SYSTEM_MESSAGE"):
        return Speaker.SYSTEM
    who = kind.partition("_")[0]
    return {"USER": Speaker.PAYER, "MERCHANT": Speaker.MERCHANT, "PLATFORM": Speaker.PLATFORM}.get(who, Speaker.SYSTEM)


def _complaint_status(complaint: Complaint) -> ComplaintStatus:
    order = complaint.orders[0] if complaint.orders else None
    return ComplaintStatus(
        complaint_no=complaint.complaint_id,
        state=_STATES.get(complaint.state, GatewayComplaintState.PENDING),  # an unknown one: somebody has to look
        raised_at=complaint.raised_at,
        accused_no=complaint.mchid,
        detail=complaint.detail,
        problem_type=complaint.problem_type,
        times=max(1, complaint.times),
        payer_waits=complaint.payer_waits,
        fully_refunded=complaint.fully_refunded,
        refund_wanted_fen=complaint.refund_wanted_fen,
        payment_number=order.out_trade_no if order else None,
        amount_fen=order.amount_fen if order else None,
        phone=complaint.payer_phone,
    )
