"""What the ledger holds for the payments of orders: the third side of comparing a gateway's bill."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from api.checkout.models import Order, OrderRefund
from api.kit.db import session
from api.ledger import service as ledger
from api.ledger.service import Asset, Owner
from api.payments.models import Payment

SETTLED = ("order_settle", "recharge")
GIVEN_BACK = ("order_refund", "recharge_refund")


def held_for(payments: Sequence[Payment]) -> dict[int, int]:
    """How much the gateway owes by the ledger: payment id → fen, net of refunds; nothing for money that no order took.

    Three statements for each account.
    """
    owed: dict[int, int] = {}
    for account_id in {payment.account_id for payment in payments}:
        owed |= _held_on(account_id, [payment.id for payment in payments if payment.account_id == account_id])
    return owed


def _held_on(account_id: int, payment_ids: list[int]) -> dict[int, int]:
    paid = {row.id: row.payment_id for row in session.execute(select(Order.id, Order.payment_id).where(Order.payment_id.in_(payment_ids)))}
    back = session.execute(select(OrderRefund.id, OrderRefund.order_id).where(OrderRefund.order_id.in_(paid)))
    causes = {(kind, order_id): payment_id for order_id, payment_id in paid.items() for kind in SETTLED}
    causes |= {(kind, row.id): paid[row.order_id] for row in back for kind in GIVEN_BACK}
    owed: dict[int, int] = {}
    # A gateway owes what its account is below zero.
    for cause, fen in ledger.moved_by(Owner("gateway", account_id), Asset.CASH_FEN, list(causes)).items():
        owed[causes[cause]] = owed.get(causes[cause], 0) - fen
    return owed
