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
from api.payments.service import collection, complaints, merchants, polling, refunds
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
    account = merchants.known(account_id)
    if account is None or account.channel != dialect:
        return _refused(dialect, None, 404, "there is no such account", body)
    if len(body) > LARGEST:
        return _refused(dialect, account, 413, "larger than any notice", body)
    try:
        read = merchants.gateway_of(account).read_notice(headers, body)
    except Forged as trouble:
        return _refused(dialect, account, 401, trouble.reason, body, trouble.serial)
    _keep(account, read)
    return _ACKNOWLEDGED[dialect]


def _keep(account: MerchantAccount, read: ParsedNotice) -> None:
    kept = insert(Notice).values(
        account_id=account.id, channel=account.channel, notice_no=read.notice_no, event=read.event, facts=read.facts(),
        received_at=clock.now(), state=str(NoticeState.RECEIVED), moved_at=clock.now(),
    )  # fmt: skip
    again = kept.on_conflict_do_update(index_elements=["account_id", "notice_no"], set_={"copies": Notice.copies + 1})
    row: Any = session.execute(again.returning(Notice.id, literal_column("xmax = 0").label("fresh"))).one()
    if row.fresh:
        jobs.later(polling.HANDLE_NOTICE, notice_id=row.id)


def _refused(dialect: Channel, account: MerchantAccount | None, status: int, reason: str, body: bytes, serial: str = "") -> Acknowledgement:
    account_id = account.id if account else None
    log.warning(
        "security: a notice was refused", channel=str(dialect), account=account_id, reason=reason, bytes=len(body), status_code=status
    )
    if _may_keep(account_id):
        digest, plain = sha256(body).hexdigest(), logs.clean(serial)[:64].replace("\0", "")
        row = NoticeRefusal(
            channel=str(dialect), account_id=account_id, reason=reason, serial=plain, body_bytes=len(body), digest=digest, at=clock.now()
        )
        session.add(row)
        session.flush()
    if dialect is Channel.ALIPAY:
        return Acknowledgement(status, b"failure", "text/plain")
    return Acknowledgement(status, json.dumps({"code": "FAIL", "message": reason}).encode())


def _may_keep(account_id: int | None) -> bool:
    try:
        limits.spend(KEPT_REFUSALS, str(account_id or "nobody"))
    except limits.TooOften:
        return False
    return True


def handle(notice_id: int) -> Notice:
    """Do what a notice says, once: lock the payment, compare, move or do nothing. What does not agree is refused, with the reason.

    NoticeNotFound. Any error leaves the notice as it was.
    """
    notice, payment = _hold_both(notice_id)
    if notice.state not in (NoticeState.RECEIVED, NoticeState.ERROR):
        return notice
    about: dict[str, Any] = {}
    trouble = _apply(notice, payment, about)
    if trouble is None:
        states.move(notice, NoticeState.HANDLED, by="system", handled_at=clock.now(), trouble=None, **about)
    else:
        log.error("security: a genuine notice does not agree with what we know", notice=notice.id, reason=trouble)
        states.move(notice, NoticeState.REFUSED, by="system", reason=trouble, trouble=trouble, **about)
    return notice


def _apply(notice: Notice, payment: Payment | None, about: dict[str, Any]) -> str | None:
    """Do it; what the notice turns out to be about goes into `about`. The word for why it is refused, or None."""
    if (complained := base.complaint_of(notice.facts)) is not None:
        complaints.hear(merchants.account(notice.account_id), complained)
        return None
    found, given = base.payment_of(notice.facts), base.refund_of(notice.facts)
    if found is None and given is None:
        return None if notice.facts.get("only_known") else "unknown-event"
    if payment is None:
        return "unknown-payment"
    if payment.account_id != notice.account_id:
        return "wrong-account"
    about["payment_id"] = payment.id
    by = f"gateway:{notice.channel}"
    if found is not None:
        return collection.take(payment, found, by=by, reason=f"notice {notice.id}")
    assert given is not None
    refund = refunds.of_number(given.refund_number, payment)
    if refund is None:
        return None if payment.undone_from_at else "unknown-refund"  # Alipay tells of a payment undone as of a refund
    about["refund_id"] = refund.id
    return refunds.take(payment, refund, given, by=by, reason=f"notice {notice.id}")


def note_error(notice_id: int, error_type: str) -> None:
    """Handling a notice failed: make it visible. It is tried again, by the job or by a person."""
    notice = _hold(notice_id)
    if notice.state in (NoticeState.RECEIVED, NoticeState.ERROR):
        if notice.state == NoticeState.RECEIVED:
            states.move(notice, NoticeState.ERROR, by="system", reason=error_type)
        notice.trouble = error_type
        session.flush()


def rerun(notice_id: int, *, by: str) -> Notice:
    """Handle a refused or failed notice once more, on a person's word. NoticeNotFound, WrongState."""
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


def _hold_both(notice_id: int) -> tuple[Notice, Payment | None]:
    """The notice and the payment that it speaks of, locked in this order; None when it speaks of none of ours. NoticeNotFound.

    The number is a query of its own: behind the wall, a column is looked up by its index for a value, not for what JSON has to give first.
    """
    held = select(Notice).where(Notice.id == notice_id).with_for_update().cte("notice")
    seen, number = aliased(Notice, held), select(held.c.facts["number"].astext).scalar_subquery()
    query = select(seen, Payment).join(Payment, Payment.number == number).with_for_update(of=Payment)
    row = session.execute(query.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        return _hold(notice_id), None
    notice, payment = row
    return notice, db.keep(payment)


def notice(notice_id: int) -> Notice:
    """One notice. NoticeNotFound."""
    found = session.get(Notice, notice_id)
    if found is None:
        raise NoticeNotFound()
    return found


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
