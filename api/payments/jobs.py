"""Background work of payments: ask what has no answer, send refunds, handle notices."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from api.kit import db, jobs, logs
from api.payments import service
from api.payments.service import polling, reconciliation

log = logs.get(__name__)

LATELY = timedelta(days=2)
LONG = timedelta(days=29)


@jobs.job(keeps=polling.ASK_PAYMENT)
def ask_payment(payment_id: int, planned: str | None = None) -> None:
    """Ask about an open payment, end it when its time is over, and plan the next question."""
    service.pursue(payment_id, planned_at=datetime.fromisoformat(planned) if planned else None)


@jobs.job(keeps=polling.PURSUE_REFUND)
def pursue_refund(refund_id: int) -> None:
    """Send a refund, or ask about it, and plan the next step."""
    service.pursue_refund(refund_id)


@jobs.job(keeps=polling.PURSUE_SHARE)
def pursue_share(share_id: int) -> None:
    """Send the mall's part of a payment, ask about it, or set the rest free, and plan the next step."""
    service.pursue_share(share_id)


@jobs.job(transaction=False, keeps=polling.HANDLE_NOTICE)
def handle_notice(mall_id: int, notice_id: int) -> None:
    """Do what a notice says. What fails is written on the notice and tried again."""
    try:
        db.in_mall(mall_id, lambda: service.handle(notice_id))
    except Exception as error:
        name = type(error).__name__
        db.in_mall(mall_id, lambda: service.note_error(notice_id, name))
        raise


@jobs.job(keeps=reconciliation.MATCH_BILL)
def match_bill(account_id: int, day: str) -> None:
    """Fetch a gateway's bill of a day and compare it with our books."""
    service.reconcile(account_id, date.fromisoformat(day))


@jobs.job(keeps=reconciliation.ASK_BILLED)
def ask_billed(payment_id: int) -> None:
    """Ask about a payment that the bill has as paid, and we have not."""
    service.ask(payment_id)


@jobs.nightly("20 2,3,4,6,9 * * *")
def match_bills() -> None:
    """Put in the comparison of the bills of the last days: gateways make them between nine and ten in the morning in Beijing."""
    service.put_due_bills()


@jobs.job(keeps=polling.READ_COMPLAINT)
def read_complaint(complaint_id: int) -> None:
    """Ask the gateway what a complaint is about, and plan the next reading if it gives no answer."""
    service.read_complaint(complaint_id)


@jobs.job(keeps=polling.PURSUE_REPLY)
def pursue_reply(reply_id: int) -> None:
    """Send a reply to a complaint, or ask whether it arrived, and plan the next step."""
    service.pursue_reply(reply_id)


@jobs.nightly("*/15 * * * *")
def list_complaints() -> None:
    """Read the complaints of the last days from the gateway's own list."""
    service.read_complaint_lists(LATELY)


@jobs.nightly("50 18 * * *")
def list_old_complaints() -> None:
    """Read the complaints of the last weeks from the gateway's own list."""
    service.read_complaint_lists(LONG)


@jobs.nightly("55 19 * * *")
def forget_complaint_phones() -> None:
    """Remove the phones of complaints that are settled long since."""
    service.forget_complaint_phones()


@jobs.nightly("15 1 * * *")
def warn_of_keys() -> None:
    """Say which keys of merchant accounts end soon and have no successor."""
    service.warn_of_expiring()


@jobs.nightly("35 19 * * *")
def forget_refusals() -> None:
    """Remove lines about refused notices that are past their time."""
    service.forget_refusals()


@jobs.nightly("* * * * *")
def sweep() -> None:
    """Find what has no answer and no job."""
    if overdue := service.sweep():
        log.warning("questions to gateways were overdue", overdue=overdue)
