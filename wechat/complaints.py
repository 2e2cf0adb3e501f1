"""Complaints of payers (消费者投诉 2.0): read, answered, closed, and where their notices go."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from urllib.parse import quote, urlencode

from wechat import records
from wechat.client import PayClient
from wechat.errors import OrderMissing, Undecryptable
from wechat.records import Complaint, ComplaintPage, ComplaintWord

BASE = "/v3/merchant-service/complaints-v2"
NOTICES = "/v3/merchant-service/complaint-notifications"

ANSWER_LENGTH = 200  # characters
LARGEST_PAGE = 50
LONGEST_PERIOD = 30  # days
LARGEST_TALK = 300


class Complaints:
    """The complaints against what a client's merchant collects. Errors as the client's; OrderMissing for an unknown number."""

    def __init__(self, client: PayClient) -> None:
        self._client = client

    def complaint(self, complaint_id: str) -> Complaint:
        """A complaint as it is now. Raises OrderMissing."""
        return self._opened(self._client.read(self._client.get(_path(complaint_id)), records.complaint))

    def raised(self, begin: date, end: date, *, offset: int = 0, limit: int = LARGEST_PAGE) -> ComplaintPage:
        """A page of those raised on these Beijing days, both included, at most 30 of them; a provider's of its sub-merchant."""
        asked = {"limit": str(limit), "offset": str(offset), "begin_date": begin.isoformat(), "end_date": end.isoformat()}
        if self._client.sub:
            asked["complainted_mchid"] = self._client.sub.mchid
        page = self._client.read(self._client.get(f"{BASE}?{urlencode(asked)}"), records.complaint_page)
        return replace(page, complaints=tuple(self._opened(complaint) for complaint in page.complaints))

    def words(self, complaint_id: str) -> tuple[ComplaintWord, ...]:
        """What payer, merchant and platform said of a complaint, up to 300 of it. Raises OrderMissing."""
        path = f"{_path(complaint_id)}/negotiation-historys?{urlencode({'limit': str(LARGEST_TALK), 'offset': '0'})}"
        return self._client.read(self._client.get(path), records.complaint_words)

    def answer(self, complaint_id: str, mchid: str, content: str) -> None:
        """Say something to the payer, at most 200 characters; once more is said once more. Raises PayRefused where it is over."""
        asked = {"complainted_mchid": mchid, "response_content": content}
        self._client.call("POST", f"{_path(complaint_id)}/response", asked)

    def complete(self, complaint_id: str, mchid: str) -> None:
        """Say that it is settled. Raises PayRefused where it is already."""
        self._client.call("POST", f"{_path(complaint_id)}/complete", {"complainted_mchid": mchid})

    def notice_url(self) -> str | None:
        """Where notices of complaints go, or None."""
        try:
            return self._client.read(self._client.get(NOTICES), lambda answer: records.text(answer, "url"))
        except OrderMissing:
            return None

    def send_notices_to(self, url: str) -> None:
        """Let notices go to this HTTPS address from now on, instead of any other."""
        if (present := self.notice_url()) != url:
            self._client.call("POST" if present is None else "PUT", NOTICES, {"url": url})

    def send_no_notices(self) -> None:
        """Let no notices be sent any more."""
        self._client.call("DELETE", NOTICES, None)

    def _opened(self, complaint: Complaint) -> Complaint:
        """With the phone opened; without one where it was sealed for another certificate of ours."""
        if not complaint.payer_phone:
            return complaint
        try:
            return replace(complaint, payer_phone=self._client.unseal(complaint.payer_phone))
        except Undecryptable:
            return replace(complaint, payer_phone=None)


def _path(complaint_id: str) -> str:
    return f"{BASE}/{quote(complaint_id, safe='')}"
