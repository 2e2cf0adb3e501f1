"""The lifecycle of a delivery: one event on its way to one partner."""

from __future__ import annotations

from enum import StrEnum


class DeliveryState(StrEnum):
    """Whether the partner has it."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


ALLOWED: dict[DeliveryState, frozenset[DeliveryState]] = {
    DeliveryState.WAITING: frozenset({DeliveryState.DELIVERED, DeliveryState.GIVEN_UP}),
    DeliveryState.DELIVERED: frozenset({DeliveryState.WAITING}),  # sent again by hand
    DeliveryState.GIVEN_UP: frozenset({DeliveryState.WAITING}),
}
