"""What partners outside are told of an order: written down in the transaction of the fact itself, sent afterwards."""

from __future__ import annotations

from collections.abc import Sequence

from api.checkout.models import Order, OrderPart
from api.kit import clock
from api.partners import service as partners
from api.partners.models import EventKind
from api.payments import service as payments
from api.payments.models import Payment
from api.payments.models import Refund as GatewayRefund
from api.purchases.registry import kind_of
from api.sales.models import SaleRefund


def paid(order: Order, payment: Payment | None, parts: Sequence[tuple[OrderPart, bool]]) -> None:
    """A wallet's payment, and each tenant's sale that the mall did not know before. At most one statement."""
    recorded = [_recorded(order, part) for part, is_new_sale in parts if is_new_sale]
    partners.publish(*([_paid(order, payment)] if payment else []), *recorded)


def money_arrived(order: Order, payment: Payment) -> None:
    """A wallet's payment that goes back: it was paid all the same."""
    partners.publish(_paid(order, payment))


def _paid(order: Order, payment: Payment) -> partners.NewEvent:
    return partners.payment_paid(
        payment.id, number=payment.number, channel=payment.channel, amount_fen=payment.amount_fen, at=payment.paid_at or clock.now(),
        order=order.number, shop_id=order.shop_id, member_id=order.member_id,
    )  # fmt: skip


def _recorded(order: Order, part: OrderPart) -> partners.NewEvent:
    return partners.sale_recorded(
        part.sale_id, shop_id=part.shop_id, member_id=order.member_id, channel=_channel(order), paid_at=part.paid_at,
        paid_fen=part.paid_fen, order=order.number, receipt=None,
    )  # fmt: skip


def _channel(order: Order) -> str:
    return kind_of(order.kind).sale_channel or order.kind


def refunded(order: Order, recorded: Sequence[tuple[OrderPart, SaleRefund]]) -> None:
    """What each tenant's sale gave back. At most one statement."""
    partners.publish(
        *(
            partners.sale_refunded(
                back.id, sale_id=back.sale_id, shop_id=part.shop_id, member_id=order.member_id, channel=_channel(order),
                amount_fen=back.amount_fen, refunded_fen=back.refunded_before_fen + back.amount_fen, paid_fen=part.paid_fen,
                at=back.refunded_at, order=order.number,
            )
            for part, back in recorded
        )
    )  # fmt: skip


def given_back(order: Order, refund: GatewayRefund) -> None:
    """A wallet has given money back."""
    payment = payments.read(refund.payment_id)
    partners.publish(
        partners.refund_done(
            refund.id, number=refund.number, payment=payment.number, channel=payment.channel, amount_fen=refund.amount_fen,
            at=refund.done_at or clock.now(), order=order.number, shop_id=order.shop_id, member_id=order.member_id,
        )
    )  # fmt: skip


def wants_refunds() -> bool:
    """Whether any partner subscribes to a wallet's refunds."""
    return partners.is_wanted(EventKind.REFUND_DONE)
