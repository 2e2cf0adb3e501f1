"""Complaints of payers (消费者投诉 2.0): raised and continued by control calls, read, answered and closed by the merchant."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

from flask import Blueprint, Response, g, request

from wechat.complaints import ANSWER_LENGTH, LARGEST_PAGE, LARGEST_TALK, LONGEST_PERIOD
from wechat.signing import seal_field
from wechat.simulator import checks
from wechat.simulator.checks import Body
from wechat.simulator.clock import CHINA_OFFSET, rfc3339
from wechat.simulator.notice_sender import COMPLAINTS
from wechat.simulator.store import Complaint, MerchantAccount, Store
from wechat.simulator.till import Till
from wechat.simulator.wire import PayError, json_answer

BASE = "/merchant-service/complaints-v2"
NOTICES = "/merchant-service/complaint-notifications"
PROBLEMS = ("REFUND", "SERVICE_NOT_WORK", "OTHERS")

_SUMMARIES = {
    "CREATE_COMPLAINT": "用户提交投诉",
    "CONTINUE_COMPLAINT": "用户继续投诉",
    "USER_RESPONSE": "用户新留言",
    "MERCHANT_RESPONSE": "商户新回复",
    "MERCHANT_CONFIRM_COMPLETE": "商户反馈处理完成",
}
_NUMBER = re.compile(r"\d{1,6}")


class ComplaintDesk:
    """Every complaint, and where each merchant's notices of them go. The caller holds the store's lock."""

    def __init__(self, till: Till) -> None:
        self._till = till
        self._store: Store = till.store

    def raise_complaint(self, mchid: str, body: Body) -> Complaint:
        """A payer complains of an order; of one that is not known here too, where the amount is said."""
        number = str(body["out_trade_no"])
        order = self._store.orders.get((mchid, number))
        problem = str(body.get("problem_type", "OTHERS"))
        if problem not in PROBLEMS:
            raise ValueError(f"problem_type is one of {', '.join(PROBLEMS)}")
        person = self._store.people.named(str(body.get("person", "li-lei")))
        now = self._store.clock()
        made = Complaint(
            complaint_id=self._till.number("2000000", "complaint", number),
            mchid=mchid,
            accused=(order.sub_mchid if order else str(body.get("sub_mchid", ""))) or mchid,
            out_trade_no=number,
            transaction_id=(order.transaction_id if order else None) or self._till.number("42", "complaint of", number),
            amount=order.total if order else int(body["amount"]),
            detail=str(body.get("text", "商品与描述不符")),
            problem=problem,
            refund_wanted=int(body["apply_refund_amount"]) if "apply_refund_amount" in body else None,
            phone=str(body.get("phone", person.phone)),
            raised_at=now,
        )
        self._store.complaints[made.complaint_id] = made
        made.note("USER_CREATE_COMPLAINT", now, made.detail)
        self.tell(made, "CREATE_COMPLAINT")
        return made

    def continue_complaint(self, made: Complaint, body: Body) -> None:
        """The payer complains once more: it waits to be answered again."""
        made.times, made.state = made.times + 1, "PENDING"
        made.note("USER_CONTINUE_COMPLAINT", self._store.clock(), str(body.get("text", "问题仍未解决")))
        self.tell(made, "CONTINUE_COMPLAINT")

    def add_word(self, made: Complaint, body: Body) -> None:
        """The payer adds a word."""
        made.payer_waits = True
        made.note("USER_RESPONSE", self._store.clock(), str(body.get("text", "请尽快处理")))
        self.tell(made, "USER_RESPONSE")

    def answer(self, made: Complaint, asked: Body) -> None:
        """The merchant says something; the first answer takes it up."""
        content = checks.text(asked, "response_content", ANSWER_LENGTH)
        if made.state == "PROCESSED":
            raise PayError(400, "INVALID_REQUEST", "投诉单已处理完成，无法提交回复")
        made.state, made.payer_waits = "PROCESSING", False
        made.note("MERCHANT_RESPONSE", self._store.clock(), content)
        self.tell(made, "MERCHANT_RESPONSE")

    def complete(self, made: Complaint) -> None:
        """The merchant says that it is settled."""
        if made.state != "PROCESSING":
            raise PayError(400, "INVALID_REQUEST", "投诉单状态不支持该操作")
        made.state, made.payer_waits = "PROCESSED", False
        made.note("MERCHANT_CONFIRM_COMPLETE", self._store.clock(), "")
        self.tell(made, "MERCHANT_CONFIRM_COMPLETE")

    def tell(self, made: Complaint, action: str) -> None:
        """Send the notice, where the merchant said where to."""
        if url := self._store.complaint_urls.get(made.mchid):
            event = "COMPLAINT.CREATE" if action == "CREATE_COMPLAINT" else "COMPLAINT.STATE_CHANGE"
            content = {"complaint_id": made.complaint_id, "action_type": action}
            merchant = self._store.merchants[made.mchid]
            self._till.notice_sender.post(merchant, url, event, "complaint", _SUMMARIES[action], content, COMPLAINTS)

    def of(self, merchant: MerchantAccount, complaint_id: str) -> Complaint:
        """The merchant's complaint of this number. Raises 400 RESOURCE_NOT_EXISTS."""
        made = self._store.complaints.get(complaint_id)
        if made is None or made.mchid != merchant.mchid:
            raise PayError(400, "RESOURCE_NOT_EXISTS", "投诉单不存在")
        return made

    def accused(self, complaint_id: str, asked: Body) -> Complaint:
        """The complaint, by who it is against as well. Raises 403 NO_AUTH for another merchant's."""
        made = self.of(checks.merchant(), complaint_id)
        if checks.text(asked, "complainted_mchid", 64) != made.accused:
            raise PayError(403, "NO_AUTH", "您暂无权限操作该投诉单")
        return made

    def raised(self, merchant: MerchantAccount, asked: dict[str, str]) -> Body:
        """A page of the complaints of a period, oldest first."""
        begin, end = _day(asked, "begin_date"), _day(asked, "end_date")
        if not 0 <= (end - begin).days <= LONGEST_PERIOD:
            raise PayError(400, "PARAM_ERROR", "查询日期跨度不超过30天")
        limit, offset = _number(asked, "limit", 10, 1, LARGEST_PAGE), _number(asked, "offset", 0, 0, 999_999)
        accused = asked.get("complainted_mchid")
        complaints = [
            made
            for made in self._store.complaints.values()
            if made.mchid == merchant.mchid and accused in (None, made.accused) and begin <= _beijing_day(made.raised_at) <= end
        ]
        shown = [self.shown(made) for made in complaints[offset : offset + limit]]
        return {"data": shown, "limit": limit, "offset": offset, "total_count": len(complaints)}

    def shown(self, made: Complaint) -> Body:
        """A complaint as the API shows it, the phone sealed for the certificate that the request was signed with."""
        order = {"transaction_id": made.transaction_id, "out_trade_no": made.out_trade_no, "amount": made.amount}
        shown: dict[str, Any] = {
            "complaint_id": made.complaint_id,
            "complaint_time": rfc3339(made.raised_at),
            "complaint_detail": made.detail,
            "complaint_state": made.state,
            "complainted_mchid": made.accused,
            "payer_phone": seal_field(g.certificate, made.phone),
            "complaint_order_info": [order],
            "complaint_full_refunded": self._is_refunded(made),
            "incoming_user_response": made.payer_waits,
            "problem_type": made.problem,
            "problem_description": "其他问题",
            "user_complaint_times": made.times,
            "user_tag_list": [],
        }
        return shown | ({"apply_refund_amount": made.refund_wanted} if made.refund_wanted is not None else {})

    def _is_refunded(self, made: Complaint) -> bool:
        given = [refund for refund in self._store.refunds.values() if refund.order.transaction_id == made.transaction_id]
        return sum(refund.amount for refund in given if refund.status == "SUCCESS") >= made.amount


def routes(api: Blueprint, desk: ComplaintDesk, store: Store) -> None:
    """The calls under /merchant-service."""
    _complaint_calls(api, desk, store)
    _notice_calls(api, store)


def _complaint_calls(api: Blueprint, desk: ComplaintDesk, store: Store) -> None:
    @api.get(BASE)
    def complaints_raised() -> Response:
        with store.lock:
            return json_answer(desk.raised(checks.merchant(), request.args.to_dict()))

    @api.get(f"{BASE}/<complaint_id>")
    def complaint(complaint_id: str) -> Response:
        with store.lock:
            return json_answer(desk.shown(desk.of(checks.merchant(), complaint_id)))

    @api.get(f"{BASE}/<complaint_id>/negotiation-historys")
    def complaint_talk(complaint_id: str) -> Response:
        asked = request.args.to_dict()
        limit, offset = _number(asked, "limit", 100, 1, LARGEST_TALK), _number(asked, "offset", 0, 0, 999_999)
        with store.lock:
            words = desk.of(checks.merchant(), complaint_id).words
            return json_answer({"data": words[offset : offset + limit], "limit": limit, "offset": offset, "total_count": len(words)})

    @api.post(f"{BASE}/<complaint_id>/response")
    def answer_complaint(complaint_id: str) -> Response:
        asked = checks.body()
        with store.lock:
            desk.answer(desk.accused(complaint_id, asked), asked)
        return Response(status=204)

    @api.post(f"{BASE}/<complaint_id>/complete")
    def complete_complaint(complaint_id: str) -> Response:
        with store.lock:
            desk.complete(desk.accused(complaint_id, checks.body()))
        return Response(status=204)


def _notice_calls(api: Blueprint, store: Store) -> None:
    @api.get(NOTICES)
    def complaint_url() -> Response:
        url = store.complaint_urls.get(checks.merchant().mchid)
        if url is None:
            raise PayError(400, "RESOURCE_NOT_EXISTS", "查询的通知回调不存在")
        return json_answer({"mchid": checks.merchant().mchid, "url": url})

    @api.post(NOTICES)
    def first_complaint_url() -> Response:
        with store.lock:
            if checks.merchant().mchid in store.complaint_urls:
                raise PayError(400, "RESOURCE_ALREADY_EXISTS", "创建的通知回调已存在")
            return json_answer(_take_url(store))

    @api.put(NOTICES)
    def other_complaint_url() -> Response:
        with store.lock:
            if checks.merchant().mchid not in store.complaint_urls:
                raise PayError(400, "RESOURCE_NOT_EXISTS", "更新的通知回调不存在")
            return json_answer(_take_url(store))

    @api.delete(NOTICES)
    def no_complaint_url() -> Response:
        store.complaint_urls.pop(checks.merchant().mchid, None)
        return Response(status=204)


def _take_url(store: Store) -> Body:
    mchid = checks.merchant().mchid
    store.complaint_urls[mchid] = checks.pattern(checks.body(), "url", checks.NOTIFY_URL)
    return {"mchid": mchid, "url": store.complaint_urls[mchid]}


def _beijing_day(at: datetime) -> date:
    return (at.astimezone(UTC) + CHINA_OFFSET).date()


def _day(asked: dict[str, str], name: str) -> date:
    try:
        return date.fromisoformat(asked.get(name, ""))
    except ValueError:
        raise PayError(400, "PARAM_ERROR", f"{name}格式错误") from None


def _number(asked: dict[str, str], name: str, otherwise: int, least: int, most: int) -> int:
    text = asked.get(name, str(otherwise))
    if not _NUMBER.fullmatch(text) or not least <= int(text) <= most:
        raise PayError(400, "PARAM_ERROR", f"{name}取值范围[{least},{most}]")
    return int(text)
