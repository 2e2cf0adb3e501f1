"""What happens to orders when two memberships become one, and when a member leaves."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, func, or_, select, tuple_, update

from api.checkout.errors import OrderOpen
from api.checkout.models import Order, Payer
from api.checkout.states import OrderState
from api.kit import clock, once
from api.kit.db import session
from api.kit.membership import Moved, Rows
from api.members.models import Member, MemberIdentity
from api.members.service import member_merge
from api.members.states import MemberState
from api.payments import service as payments

EXPORT_ROWS = 10_000

#: A payer may go on with a complaint so long after it was settled, and the mall may have to prove what was said.
DISPUTES_LAST = timedelta(days=180)


def lock_all(member_id: int, ids: Iterable[int] | None = None) -> None:
    """Hold a member's orders, all or these: their settling and their refunds wait."""
    query = select(Order.id).where(Order.member_id == member_id).order_by(Order.id).with_for_update()
    session.execute(query if ids is None else query.where(Order.id.in_(list(ids)))).all()


def count_of(member_id: int) -> int:
    """How many orders a member has."""
    return session.scalar(select(func.count()).select_from(Order).where(Order.member_id == member_id)) or 0


def hand_over(from_member_id: int, into_member_id: int) -> list[Moved]:
    """Two memberships became one: the orders of the one are the other's. Returns what moved."""
    return member_merge.move("order", Order, from_member_id, into_member_id)


def bring_back(rows: Rows, from_member_id: int, into_member_id: int) -> None:
    """The merge was undone: the orders that went along come back."""
    member_merge.bring_back(Order, rows.get("order", ()), from_member_id, into_member_id)


def refuse_closing(member_id: int) -> None:
    """Who closes the account has no order that waits to be paid. OrderOpen."""
    query = select(Order.number).where(Order.member_id == member_id, Order.state == OrderState.HELD)
    if (number := session.scalar(query.limit(1))) is not None:
        raise OrderOpen(number=number)


def forget(member_id: int) -> None:
    """A member closed the account: what they wrote on orders goes, and how a wallet knows who paid; the books keep the rest under the
    member's number."""
    own = Order.member_id == member_id
    session.execute(update(Order).where(own, Order.remark.is_not(None)).values(remark=None))
    payments.forget_payers(select(Order.id).where(own))
    subjects = select(MemberIdentity.channel, MemberIdentity.app_id, MemberIdentity.subject).where(MemberIdentity.member_id == member_id)
    paid_before_joining = select(Order.payer_id).where(own, Order.payer_id.is_not(None))
    same_wallet = or_(Payer.id.in_(paid_before_joining), tuple_(Payer.channel, Payer.app_id, Payer.subject).in_(subjects))
    # The row stays, because orders name it; whoever pays with this wallet again is somebody new.
    unknown = update(Payer).where(same_wallet).values(subject=func.concat("closed:", Payer.id)).returning(Payer.id)
    once.forget([f"payer:{payer_id}" for payer_id in session.scalars(unknown)])


def forget_late() -> None:
    """Notices that came after a member closed the account say again who paid; complaints are kept until nobody can go on with them."""
    payments.forget_payers(_orders_of_closed())
    payments.forget_complaints(_orders_of_closed(), settled_before=clock.now() - DISPUTES_LAST)


def _orders_of_closed() -> Select[int]:
    return select(Order.id).join(Member, Member.id == Order.member_id).where(Member.state == MemberState.CLOSED)


def export(member_id: int) -> list[dict[str, Any]]:
    """A member's orders, as JSON values, for the export the law grants."""
    rows = session.scalars(select(Order).where(Order.member_id == member_id).order_by(Order.id.desc()).limit(EXPORT_ROWS))
    return [
        {"number": row.number, "what": row.title, "state": row.state, "total_fen": row.total_fen, "refunded_fen": row.refunded_fen,
         "points_spent": row.points_spent, "remark": row.remark, "at": row.made_at.isoformat()}
        for row in rows
    ]  # fmt: skip
