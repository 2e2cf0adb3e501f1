"""Payments looked up and locked. Lock order: payment, then its refund or share, then (inside a hook) the order."""

from __future__ import annotations

from sqlalchemy import select

from api.kit import db
from api.kit.db import session
from api.payments.errors import PaymentNotFound
from api.payments.models import Payment


def read(payment_id: int) -> Payment:
    """One payment. PaymentNotFound."""
    payment = session.get(Payment, payment_id)
    if payment is None:
        raise PaymentNotFound()
    return db.keep(payment)


def hold(payment_id: int) -> Payment:
    """One payment, locked until this transaction ends. PaymentNotFound."""
    query = select(Payment).where(Payment.id == payment_id).with_for_update().execution_options(populate_existing=True)
    payment = session.scalars(query).one_or_none()
    if payment is None:
        raise PaymentNotFound()
    return db.keep(payment)


def hold_all(order_id: int) -> list[Payment]:
    """Every payment of an order, locked in their order: to be taken before the order itself is locked."""
    query = select(Payment).where(Payment.order_id == order_id).order_by(Payment.id).with_for_update()
    return list(session.scalars(query.execution_options(populate_existing=True)))


def payments_of(order_id: int) -> list[Payment]:
    """Every payment of an order, oldest first."""
    return list(session.scalars(select(Payment).where(Payment.order_id == order_id).order_by(Payment.id)))
