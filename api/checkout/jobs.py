"""Background work of checkout: an order whose time ran out is given up, whatever restarted meanwhile."""

from __future__ import annotations

from sqlalchemy import select

from api.checkout import errors
from api.checkout.models import Order
from api.checkout.service import orders, placement
from api.checkout.states import OrderState
from api.kit import clock, db, logs
from api.kit import jobs as kit
from api.kit.db import session

log = logs.get(__name__)

SWEPT = 500


@kit.job(transaction=False)
def give_up(mall_id: int, order_id: int) -> None:
    """Give up an order whose time ran out, unless its money came. While its wallet is silent it stays held, and the sweep asks again."""
    try:
        with db.unit_of_work(mall_id):
            order = orders.read(order_id)
            if order.state == OrderState.HELD and order.expires_at <= clock.now():
                placement.give_up(order, by="system", reason="expired")
    except errors.OrderPaid:
        return
    except errors.WalletSilent:
        log.warning("a wallet does not say whether an expired order was paid", order_id=order_id)


@kit.nightly("* * * * *")
def sweep() -> None:
    """Each minute: a job for each held order whose time ran out."""
    query = select(Order.id).where(Order.state == OrderState.HELD, Order.expires_at <= clock.now()).order_by(Order.expires_at).limit(SWEPT)
    for order_id in session.scalars(query):
        kit.later(give_up, order_id=order_id, lock=f"order:{db.mall()}:{order_id}")
