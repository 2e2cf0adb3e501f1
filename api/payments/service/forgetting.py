"""What goes when somebody who paid closes the account: how the wallet knows them, and in the end what they complained of."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, Select, Text, cast, null, or_, select, update

from api.kit.db import session
from api.payments.models import Complaint, ComplaintReply, Notice, Payment
from api.payments.states import OPEN, ReplyState

ERASED = "…"


def forget_payers(of_orders: Select[int]) -> None:
    """The payments of these orders say no more who paid, nor do the notices of them. One that is still open does until it is not."""
    ended = (Payment.order_id.in_(of_orders), Payment.state.not_in(OPEN))
    payer: Any = ["payment", "payer"]
    names_payer = Notice.facts[payer].as_string().is_not(None)
    without = Notice.facts.op("#-")(cast(payer, ARRAY(Text)))
    of_payments = Notice.payment_id.in_(select(Payment.id).where(*ended))
    session.execute(_silently(update(Notice).where(of_payments, names_payer).values(facts=without)))
    says_who = or_(Payment.payer_subject.is_not(None), Payment.placed_with.is_not(None))
    session.execute(_silently(update(Payment).where(*ended, says_who).values(payer_subject=None, placed_with=null())))


def forget_complaints(of_orders: Select[int], *, settled_before: datetime) -> None:
    """Of the complaints about these orders that were settled before an instant, that they were there and how they ended is kept."""
    payments = select(Payment.id).where(Payment.order_id.in_(of_orders))
    theirs = or_(Complaint.order_id.in_(of_orders), Complaint.payment_id.in_(payments))
    old = select(Complaint.id).where(theirs, Complaint.completed_at < settled_before)
    replies = ComplaintReply.complaint_id.in_(old) & (ComplaintReply.content != "") & (ComplaintReply.state != ReplyState.PLANNED)
    session.execute(_silently(update(ComplaintReply).where(replies).values(content=ERASED)))
    session.execute(_silently(update(Complaint).where(Complaint.id.in_(old)).values(detail="", words=[], phone_sealed=None)))


def _silently(statement: Any) -> Any:
    return statement.execution_options(synchronize_session=False)
