"""What the rooms above do when a payment or refund moves. Called inside the transaction of the move, with the payment locked.

The rooms above answer them when they are connected. A hook may lock an order (payment first, then order: always), and speaks to nobody
outside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from api.payments.models import Payment, Refund

#: The money is there (`payment.came_late`: after it was closed).
on_paid: list[Callable[[Payment], None]] = []
#: It cannot be paid any more: closed, or refused by the gateway (`payment.state` says which).
on_closed: list[Callable[[Payment], None]] = []
#: The shopper has the money back, or a person dropped the refund (`refund.state` says which).
on_refund_final: list[Callable[[Refund], None]] = []
#: How much the ledger holds that the gateways owe for these payments: payment id → fen, and nothing for what no order has.
ledger_of: list[Callable[[Sequence[Payment]], dict[int, int]]] = []
#: The shop that a payment was for, where it was for one.
shop_of: list[Callable[[Payment], int | None]] = []
