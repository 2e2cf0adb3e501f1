"""Notices of gateways: proved, kept, acknowledged after the commit, handled by a job.

A notice that cannot be proved changes nothing: it leaves a line in the log and, within limits, a row without its content.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import delete, literal_column, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from api.kit import audit, clock, db, jobs, limits, logs, pages, states
from api.kit.db import rows_changed, session
from api.payments.errors import NoticeNotFound
from api.payments.gateways import base
from api.payments.gateways.base import Forged, ParsedNotice
from api.payments.models import Channel, MerchantAccount, Notice, NoticeRefusal, Payment, Refund
from api.payments.service import collection, complaint_intake, merchants, polling, refund_lifecycle
from api.payments.states import NoticeState

log = logs.get(__name__)

LARGEST = 64 * 1024  # bytes; a notice has about 2 KB
REFUSALS_KEPT_FOR = timedelta(days=180)
FORGOTTEN_AT_ONCE = 10_000
KEPT_REFUSALS = limits.Limit("notice-refusals", 60, 60)  # rows of one account in a minute; more are only counted


@dataclass(frozen=True)
class Acknowledgement:
    """What is answered to a gateway, in its own dialect."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"


_ACKNOWLEDGED = {Channel.WECHAT: Acknowledgement(204), Channel.ALIPAY: Acknowledgement(200, b"success", "text/plain")}


def receive(channel: str, account_id: int, headers: Mapping[str, str], body: bytes) -> Acknowledgement:
    """Prove a notice, keep it and put its handling in. The answer is good once this is committed. Raises nothing for what was sent."""
    dialect = Channel(channel)
    account = merchants.find_account(account_id)
    if account is None or account.channel != dialect:
        return _refuse(dialect, None, 404, "there is no such account", body)
    if len(body) > LARGEST:
        return _refuse(dialect, account, 413, "larger than any notice", body)
    try:
        parsed = merchants.gateway_of(account).read_notice(headers, body)
    except Forged as trouble:
        return _refuse(dialect, account, 401, trouble.reason, body, trouble.serial)
    _keep(account, parsed)
    return _ACKNOWLEDGED[dialect]


def _keep(account: MerchantAccount, parsed: ParsedNotice) -> None:
    new = insert(Notice).values(
        account_id=account.id, channel=account.channel, notice_no=parsed.notice_no, event=parsed.event, facts=parsed.facts(),
        received_at=clock.now(), state=str(NoticeState.RECEIVED), moved_at=clock.now(),
    )  # fmt: skip
    again = new.on_conflict_do_update(index_elements=["account_id", "notice_no"], set_={"copies": Notice.copies + 1})
    row: Any = session.execute(again.returning(Notice.id, literal_column("xmax = 0").label("fresh"))).one()
    if row.fresh:
        jobs.later(polling.HANDLE_NOTICE, notice_id=row.id)


def _refuse(dialect: Channel, account: MerchantAccount | None, status: int, reason: str, body: bytes, serial: str = "") -> Acknowledgement:
    account_id = account.id if account else None
    log.warning(
        "security: a notice was refused", channel=str(dialect), account=account_id, reason=reason, bytes=len(body), status_code=status
    )
    if _count_refusal(account_id):
        digest, plain = sha256(body).hexdigest(), logs.clean(serial)[:64].replace("\0", "")
        row = NoticeRefusal(
            channel=str(dialect), account_id=account_id, reason=reason, serial=plain, body_bytes=len(body), digest=digest, at=clock.now()
        )
        session.add(row)
        session.flush()
    if dialect is Channel.ALIPAY:
        return Acknowledgement(status, b"failure", "text/plain")
    return Acknowledgement(status, json.dumps({"code": "FAIL", "message": reason}).encode())


def _count_refusal(account_id: int | None) -> bool:
    """Count a refused notice; False when this account has too many rows of them in this minute."""
    try:
        limits.spend(KEPT_REFUSALS, str(account_id or "nobody"))
    except limits.TooOften:
        return False
    return True


def handle(notice_id: int) -> Notice:
    """Do what a notice says, once: lock the payment, compare, move or do nothing. What does not agree is refused, with the reason.

    NoticeNotFound. Any error leaves the notice as it was.
    """
    notice, payment = _hold_with_payment(notice_id)
    if notice.state not in (NoticeState.RECEIVED, NoticeState.ERROR):
        return notice
    linked: dict[str, Any] = {}
    trouble = _apply(notice, payment, linked)
    if trouble is None:
        states.move(notice, NoticeState.HANDLED, by="system", handled_at=clock.now(), trouble=None, **linked)
    else:
        log.error("security: a genuine notice does not agree with what we know", notice=notice.id, reason=trouble)
        states.move(notice, NoticeState.REFUSED, by="system", reason=trouble, trouble=trouble, **linked)
    return notice


def _apply(notice: Notice, payment: Payment | None, linked: dict[str, Any]) -> str | None:
    """Apply the notice; its payment and refund go into `linked`. Returns why it is refused, in one word, or None."""
    if (complaint_notice := base.complaint_of(notice.facts)) is not None:
        complaint_intake.register(merchants.account(notice.account_id), complaint_notice)
        return None
    payment_status, refund_status = base.payment_of(notice.facts), base.refund_of(notice.facts)
    if payment_status is None and refund_status is None:
        return None if notice.facts.get("only_known") else "unknown-event"
    if payment is None:
        return "unknown-payment"
    if payment.account_id != notice.account_id:
        return "wrong-account"
    linked["payment_id"] = payment.id
    by = f"gateway:{notice.channel}"
    if payment_status is not None:
        return collection.apply_status(payment, payment_status, by=by, reason=f"notice {notice.id}")
    assert refund_status is not None
    refund = refund_lifecycle.of_number(refund_status.refund_number, payment)
    if refund is None:
        return None if payment.undone_from_at else "unknown-refund"  # Alipay reports a payment undone as a refund
    linked["refund_id"] = refund.id
    return refund_lifecycle.apply_status(payment, refund, refund_status, by=by, reason=f"notice {notice.id}")


def note_error(notice_id: int, error_type: str) -> None:
    """Handling a notice failed: make it visible. It is tried again, by the job or by a person."""
    notice = _hold(notice_id)
    if notice.state in (NoticeState.RECEIVED, NoticeState.ERROR):
        if notice.state == NoticeState.RECEIVED:
            states.move(notice, NoticeState.ERROR, by="system", reason=error_type)
        notice.trouble = error_type
        session.flush()


def rerun(notice_id: int, *, by: str) -> Notice:
    """Handle a refused or failed notice once more, as a person decided. NoticeNotFound, WrongState."""
    notice = _hold(notice_id)
    states.move(notice, NoticeState.RECEIVED, by=by, reason="run again")
    jobs.later(polling.HANDLE_NOTICE, notice_id=notice.id)
    audit.record(by, "notice run again", "payment_notice", notice.id, before={"trouble": notice.trouble})
    return notice


def _hold(notice_id: int) -> Notice:
    query = select(Notice).where(Notice.id == notice_id).with_for_update().execution_options(populate_existing=True)
    notice = session.scalars(query).one_or_none()
    if notice is None:
        raise NoticeNotFound()
    return notice


def _hold_with_payment(notice_id: int) -> tuple[Notice, Payment | None]:
    """The notice and the payment that it is of, locked in this order; None when it is of none of ours. NoticeNotFound.

    The number is a query of its own: behind the wall, a column is looked up by its index for a value, not for what JSON has to give first.
    """
    locked = select(Notice).where(Notice.id == notice_id).with_for_update().cte("notice")
    held_notice, number = aliased(Notice, locked), select(locked.c.facts["number"].astext).scalar_subquery()
    query = select(held_notice, Payment).join(Payment, Payment.number == number).with_for_update(of=Payment)
    row = session.execute(query.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        return _hold(notice_id), None
    notice, payment = row
    return notice, db.keep(payment)


def notice(notice_id: int) -> Notice:
    """One notice. NoticeNotFound."""
    row = session.get(Notice, notice_id)
    if row is None:
        raise NoticeNotFound()
    return row


def notices(
    *,
    state: str | None = None,
    account_id: int | None = None,
    number: str | None = None,
    cursor: str | None = None,
    limit: int = pages.DEFAULT_LIMIT,
) -> pages.Page[Notice]:
    """The inbox, newest first; `number` is a payment's or a refund's."""
    query = select(Notice)
    if state is not None:
        query = query.where(Notice.state == state)
    if account_id is not None:
        query = query.where(Notice.account_id == account_id)
    if number is not None:
        payments = select(Payment.id).where(Payment.number == number)
        numbered_refunds = select(Refund.id).where(Refund.number == number)
        query = query.where(Notice.payment_id.in_(payments) | Notice.refund_id.in_(numbered_refunds))
    return pages.page(query, Notice.id, cursor=cursor, limit=limit)


def forget_refusals() -> int:
    """Remove what was refused long ago, some thousands at once; returns how many."""
    old = select(NoticeRefusal.id).where(NoticeRefusal.at < clock.now() - REFUSALS_KEPT_FOR).limit(FORGOTTEN_AT_ONCE)
    return rows_changed(delete(NoticeRefusal).where(NoticeRefusal.id.in_(old)))


def refusals(*, cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT) -> pages.Page[NoticeRefusal]:
    """What could not be proved, newest first."""
    return pages.page(select(NoticeRefusal), NoticeRefusal.id, cursor=cursor, limit=limit)
