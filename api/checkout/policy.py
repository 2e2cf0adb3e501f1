"""What the mall decided about orders: how long they hold, who gives money back, and until when a payment can be claimed."""

from __future__ import annotations

from dataclasses import dataclass

from api.kit.money import MAX_FEN
from api.kit.policy import Rules, number


@dataclass(frozen=True)
class OrderRules(Rules):
    """The mall's rules of orders."""

    place = 40

    order_minutes: int = number(10, 2, 120, "an order holds points and stored value for so many minutes, then frees them")
    refund_limit_fen: int = number(100_000, 0, MAX_FEN, "more than this given back of one order needs a second person")
    refund_person_day_fen: int = number(300_000, 0, MAX_FEN, "more given back by one person in 24 hours needs a second person")
    charge_person_day_fen: int = number(
        2_000_000, 0, MAX_FEN, "one person charges pay codes of the mall for so much in 24 hours; then shoppers pay on their own phones"
    )
    shop_refund_days: int = number(30, 0, 365, "a shop may give money back for so many days after the payment")
    claim_days: int = number(30, 0, 365, "somebody who paid without membership may join and have that purchase scored for so many days")
