"""Complaints of payers: known by a notice or by the gateway's list, read by a job, kept as the gateway last described them.

A reading that began before the last one that was noted changes nothing. What staff reply is in `complaint_replies`.
"""

from __future__ import annotations

import unicodedata
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import defer

from api.kit import audit, clock, db, logs, pages, sealed, states
from api.kit.db import rows_changed, session
from api.payments.errors import ComplaintNotFound, MerchantAccountWrong
from api.payments.gateways import base
from api.payments.gateways.base import CallFailure, ComplaintDesk, ComplaintMessage, ComplaintNotice, ComplaintPage, ComplaintStatus
from api.payments.models import COMPLAINT_DETAIL_LENGTH, Channel, Complaint, MerchantAccount, Payment
from api.payments.service import hooks, merchants, polling
from api.payments.service.gateway_calls import talk
from api.payments.states import ComplaintState

log = logs.get(__name__)

ANSWER_WITHIN = timedelta(hours=24)
SOLVE_WITHIN = timedelta(hours=72)
READABLE = (ComplaintState.HEARD, ComplaintState.PENDING, ComplaintState.PROCESSING, ComplaintState.PROCESSED)
GATEWAY_ZONE = "Asia/Shanghai"
LONGEST_LIST = timedelta(days=29)  # from the first day to the last: what the gateway lists at once
MOST_PAGES = 40  # of one account in one reading
PHONES_KEPT_FOR = timedelta(days=180)
FORGOTTEN_AT_ONCE = 10_000
MOST_WORDS = 100  # the youngest
WORD_LENGTH = 500
TYPE_LENGTH = 64
NUMBER_LENGTH = 64


def register(account: MerchantAccount, notice: ComplaintNotice) -> Complaint:
    """A notice names a complaint: keep its number, and put the reading of it in."""
    complaint_id = _ensure_row(account, notice.complaint_no, clock.now())
    complaint = complaint_by_id(complaint_id)
    if complaint.state in READABLE:
        complaint.next_ask_at = clock.now()
        session.flush()
        polling.put_reading(complaint_id)
    return complaint


def _ensure_row(account: MerchantAccount, complaint_no: str, raised_at: datetime) -> int:
    """The row of a complaint, made where there is none: two at once make one."""
    due_at = raised_at + ANSWER_WITHIN
    insertion = insert(Complaint).values(
        state=str(ComplaintState.HEARD), moved_at=clock.now(), channel=account.channel, account_id=account.id, gateway_no=complaint_no,
        opened_at=raised_at, raised_at=raised_at, waits_since_at=raised_at, due_at=due_at, urgency=_urgency(due_at, raised_at),
    )  # fmt: skip
    complaint_id = session.scalar(insertion.on_conflict_do_nothing().returning(Complaint.id))
    if complaint_id is None:
        query = select(Complaint.id).where(Complaint.channel == account.channel, Complaint.gateway_no == complaint_no)
        complaint_id = session.scalars(query).one()
    return complaint_id


def read_again(complaint_id: int) -> Complaint:
    """The job's step: ask the gateway what a complaint is about, and plan the next reading if it does not say. ComplaintNotFound."""
    complaint = complaint_by_id(complaint_id)
    if complaint.state not in READABLE:
        return complaint
    desk, number, began = desk_of(merchants.account(complaint.account_id)), complaint.gateway_no, clock.now()
    status = talk(lambda: desk.complaint(number))
    words = talk(lambda: desk.words(number)) if isinstance(status, ComplaintStatus) else status
    return db.record_answer(lambda: _note_reading(complaint_id, status, None if isinstance(words, CallFailure) else words, began))


def _note_reading(
    complaint_id: int, status: ComplaintStatus | CallFailure, words: list[ComplaintMessage] | None, began: datetime
) -> Complaint:
    complaint = hold(complaint_id)
    if isinstance(status, ComplaintStatus):
        apply_status(complaint, status, words=words, began=began)
        return complaint
    complaint.asks, complaint.trouble = complaint.asks + 1, status.name
    polling.plan_reading(complaint)
    if complaint.next_ask_at is None:
        log.error("a gateway never said what a complaint is about", complaint=complaint.id, reason=status.name)
    session.flush()
    return complaint


def read_lists(days: timedelta) -> int:
    """Read what the gateway lists as raised in these days, for each account: a lost notice loses nothing. Returns how many it lists."""
    query = select(MerchantAccount).where(MerchantAccount.channel == Channel.WECHAT, MerchantAccount.enabled).order_by(MerchantAccount.id)
    accounts = {(account.merchant_no, account.sub_merchant_no): db.keep(account) for account in session.scalars(query)}
    today = clock.today(GATEWAY_ZONE)
    return sum(_read_list(account, today - min(days, LONGEST_LIST), today) for account in accounts.values())


def _read_list(account: MerchantAccount, begin_on: date, end_on: date) -> int:
    desk, read = desk_of(account), 0
    for _ in range(MOST_PAGES):
        page = _read_page(account, desk, begin_on, end_on, offset=read)
        read += len(page.complaints)
        if read >= page.total or not page.complaints:
            return read
    log.error("more complaints are listed than are read at once", account=account.id, read=read)
    return read


def _read_page(account: MerchantAccount, desk: ComplaintDesk, begin_on: date, end_on: date, *, offset: int) -> ComplaintPage:
    began = clock.now()
    page = talk(lambda: desk.raised(begin_on, end_on, offset))
    if isinstance(page, CallFailure):
        log.warning("complaints could not be listed", account=account.id, reason=page.name)
        return ComplaintPage(0, ())
    db.record_answer(lambda: _note_page(account, page, began))
    return page


def _note_page(account: MerchantAccount, page: ComplaintPage, began: datetime) -> None:
    for status in sorted(page.complaints, key=lambda listed: listed.complaint_no):
        complaint = hold(_ensure_row(account, status.complaint_no, status.raised_at))
        if complaint.state not in READABLE:
            continue
        before = _visible_state(complaint)
        apply_status(complaint, status, began=began)
        if _visible_state(complaint) != before and complaint.state in READABLE:
            polling.put_reading(complaint.id)  # the list does not show what was said


def _visible_state(complaint: Complaint) -> tuple[str, int, bool]:
    return complaint.state, complaint.times, complaint.payer_waits


def apply_status(complaint: Complaint, status: ComplaintStatus, *, began: datetime, words: list[ComplaintMessage] | None = None) -> None:
    """Apply the gateway's status to a locked complaint, unless a later one was applied."""
    if complaint.refreshed_at is not None and began < complaint.refreshed_at:
        return
    if (account := _accused(complaint, status.accused_no)) is None:
        # A provider hears of every merchant that it serves, other malls' too: nothing of theirs is kept here.
        log.warning("a complaint is against a merchant that is none of this mall's", complaint=complaint.id)
        cleared: dict[str, Any] = {"refreshed_at": began, "due_at": None, "waits_since_at": None, "next_ask_at": None}
        states.move(complaint, ComplaintState.FOREIGN, by=_by(complaint), **cleared)
        return
    values: dict[str, Any] = {} if words is None else {"words": [_word(word) for word in words[-MOST_WORDS:]]}
    values["accused_no"] = plain(status.accused_no, NUMBER_LENGTH) or account.sub_merchant_no or account.merchant_no
    values |= _description(complaint, status) | _clocks(complaint, status, began) | _links(complaint, account, status)
    move(complaint, ComplaintState(status.state), by=_by(complaint), refreshed_at=began, next_ask_at=None, asks=0, trouble=None, **values)


def move(complaint: Complaint, to: ComplaintState, *, by: str, **values: Any) -> None:
    """Change a locked complaint, and its state with it where that is another one; what is due follows."""
    raised_at, waits = (values.get(name, getattr(complaint, name)) for name in ("raised_at", "waits_since_at"))
    due = None if to is ComplaintState.PROCESSED else _due(raised_at, waits)
    values |= {"due_at": due, "urgency": _urgency(due, raised_at)}
    if complaint.state != to:
        states.move(complaint, to, by=by, **values)
        return
    for name, value in values.items():
        setattr(complaint, name, value)
    session.flush()


def _description(complaint: Complaint, status: ComplaintStatus) -> dict[str, Any]:
    phone = plain(status.phone or "", 32)
    return {
        "detail": plain(status.detail, COMPLAINT_DETAIL_LENGTH),
        "problem_type": plain(status.problem_type, TYPE_LENGTH),
        "payment_number": plain(status.payment_number, NUMBER_LENGTH) if status.payment_number else complaint.payment_number,
        "amount_fen": max(0, status.amount_fen) if status.amount_fen is not None else complaint.amount_fen,
        "refund_wanted_fen": max(0, status.refund_wanted_fen) if status.refund_wanted_fen is not None else None,
        "fully_refunded": status.fully_refunded,
        "times": status.times,
        "payer_waits": status.payer_waits,
        "phone_sealed": sealed.seal(phone) if phone and phone != _phone(complaint) else complaint.phone_sealed,
    }


def _word(word: ComplaintMessage) -> dict[str, Any]:
    content = plain(word.content, WORD_LENGTH)
    return {"speaker": str(word.speaker), "at": word.at.isoformat(), "content": content, "completes": word.completes}


def _phone(complaint: Complaint) -> str | None:
    return sealed.unseal(complaint.phone_sealed) if complaint.phone_sealed else None


def _clocks(complaint: Complaint, status: ComplaintStatus, began: datetime) -> dict[str, Any]:
    """Since when what is awaited. The gateway does not say when a payer complained once more: it is when we learn of it."""
    unread = complaint.state == ComplaintState.HEARD
    went_on = not unread and status.times > complaint.times
    opened_at = status.raised_at
    raised_at = began if went_on else opened_at if unread else complaint.raised_at
    closed = status.state is base.GatewayComplaintState.PROCESSED
    awaited = not closed and (status.state is base.GatewayComplaintState.PENDING or status.payer_waits)
    since = raised_at if unread or went_on else complaint.waits_since_at or began
    answered = status.state is not base.GatewayComplaintState.PENDING
    return {
        "opened_at": opened_at,
        "raised_at": raised_at,
        "waits_since_at": since if awaited else None,
        "answered_at": complaint.answered_at or (began if answered else None),
        "completed_at": complaint.completed_at or began if closed else None,
    }


def _links(complaint: Complaint, account: MerchantAccount, status: ComplaintStatus) -> dict[str, Any]:
    """The payment that it is about, once that is known; a number that somebody else uses too is not ours."""
    if complaint.payment_id is not None:
        return {}
    payment = session.scalars(select(Payment).where(Payment.number == status.payment_number)).one_or_none()
    if payment is not None and (collector := merchants.account(payment.account_id)).merchant_no == account.merchant_no:
        shop_id = next((shop for ask in hooks.shop_of if (shop := ask(payment)) is not None), None) or collector.shop_id
        return {"account_id": collector.id, "payment_id": payment.id, "order_id": payment.order_id, "shop_id": shop_id}
    return {"account_id": account.id, "shop_id": account.shop_id}


def _accused(complaint: Complaint, accused_no: str) -> MerchantAccount | None:
    receiver = merchants.account(complaint.account_id)
    if complaint.state != ComplaintState.HEARD or accused_no in ("", receiver.sub_merchant_no or receiver.merchant_no):
        return receiver  # whom it is against does not change
    own = (MerchantAccount.sub_merchant_no == "") & (MerchantAccount.merchant_no == accused_no)
    query = select(MerchantAccount).where(
        MerchantAccount.channel == complaint.channel,
        MerchantAccount.merchant_no == receiver.merchant_no,
        own | (MerchantAccount.sub_merchant_no == accused_no),
    )
    return session.scalars(query.order_by(MerchantAccount.id).limit(1)).one_or_none()


def _due(raised_at: datetime, waits_since_at: datetime | None) -> datetime:
    solved = raised_at + SOLVE_WITHIN
    return solved if waits_since_at is None else min(solved, waits_since_at + ANSWER_WITHIN)


def _urgency(due_at: datetime | None, raised_at: datetime) -> int:
    return int(raised_at.timestamp()) if due_at is None else -int(due_at.timestamp())


def plain(text: str, longest: int) -> str:
    """A text of somebody outside as it may be kept: without control characters, cut to so many characters."""
    printable = "".join(letter for letter in text if letter == "\n" or unicodedata.category(letter) not in ("Cc", "Cs"))
    return printable if len(printable) <= longest else f"{printable[: longest - 1]}…"


def desk_of(account: MerchantAccount) -> ComplaintDesk:
    """The complaints of an account. MerchantAccountWrong where its gateway's are not connected."""
    desk = merchants.gateway_of(account).complaints()
    if desk is None:
        raise MerchantAccountWrong(errors={"channel": "complaints of this wallet are not connected"})
    return desk


def direct_notices_here(account_id: int, *, by: str) -> CallFailure | None:
    """Let the gateway send an account's notices of complaints to us; the failure if it did not.

    MerchantAccountNotFound, MerchantAccountWrong.
    """
    desk = desk_of(merchants.account(account_id))
    audit.record(by, "complaint notices asked for", "merchant_account", account_id)
    answer = talk(desk.send_notices_here)
    return answer if isinstance(answer, CallFailure) else None


def forget_phones() -> int:
    """Remove the phones of complaints that are settled long since, some thousands at once; returns how many."""
    old = Complaint.completed_at < clock.now() - PHONES_KEPT_FOR
    settled = select(Complaint.id).where(old, Complaint.phone_sealed.is_not(None)).limit(FORGOTTEN_AT_ONCE)
    return rows_changed(update(Complaint).where(Complaint.id.in_(settled)).values(phone_sealed=None))


def complaint_by_id(complaint_id: int) -> Complaint:
    """One complaint. ComplaintNotFound."""
    complaint = session.get(Complaint, complaint_id)
    if complaint is None:
        raise ComplaintNotFound()
    return db.keep(complaint)


def hold(complaint_id: int) -> Complaint:
    """One complaint, locked until this transaction ends. ComplaintNotFound."""
    query = select(Complaint).where(Complaint.id == complaint_id).with_for_update().execution_options(populate_existing=True)
    complaint = session.scalars(query).one_or_none()
    if complaint is None:
        raise ComplaintNotFound()
    return db.keep(complaint)


def complaints(
    *,
    state: str | None = None,
    shop_id: int | None = None,
    number: str | None = None,
    cursor: str | None = None,
    limit: int = pages.DEFAULT_LIMIT,
) -> pages.Page[Complaint]:
    """Complaints: the open ones first, the first due before the others; then the youngest. `number` is the gateway's or a payment's."""
    query = select(Complaint).options(defer(Complaint.words)).where(Complaint.state != ComplaintState.FOREIGN)
    if state is not None:
        query = query.where(Complaint.state == state)
    if shop_id is not None:
        query = query.where(Complaint.shop_id == shop_id)
    if number is not None:
        query = query.where((Complaint.gateway_no == number) | (Complaint.payment_number == number))
    return pages.page(query, Complaint.is_open, Complaint.urgency, Complaint.id, cursor=cursor, limit=limit)


def _by(complaint: Complaint) -> str:
    return f"gateway:{complaint.channel}"
