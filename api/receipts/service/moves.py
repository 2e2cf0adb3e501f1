"""How a receipt moves, and how its rows are held: what all verbs of this room share."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from api.kit import live, states
from api.kit.db import session
from api.receipts import notifications
from api.receipts.errors import ReceiptNotFound
from api.receipts.models import Receipt, ReceiptPhoto
from api.receipts.reading import ReceiptReading
from api.receipts.reasons import Reason
from api.receipts.states import ReceiptState
from api.sales import channels

CHANNEL = channels.declare("receipt", {"zh": "拍照小票", "en": "Receipt photo"})
READER = "system:reader"


def move(
    receipt: Receipt, to: ReceiptState, reason: Reason, *, by: str = READER, facts: dict[str, Any] | None = None, **changes: Any
) -> None:
    """Move a receipt for a reason, keep the facts that its member is shown, and notify the member.

    The move keeps figures only: it stays for good, and words may be those that were printed.
    """
    details = facts or {}
    figures = {name: value for name, value in details.items() if isinstance(value, int)}
    states.move(receipt, to, by=by, reason=str(reason), facts=figures or None, **changes | {"why": str(reason), "details": details})
    notify(receipt)


def notify(receipt: Receipt) -> None:
    """Notify the member of where the receipt stands, on the phone and in the inbox."""
    live.publish("member", receipt.member_id, "receipt", receipt_id=receipt.id, state=receipt.state, reason=receipt.why)
    notifications.notify(receipt)


def hold(receipt_id: int) -> Receipt | None:
    """A receipt, held until the transaction ends."""
    return session.get(Receipt, receipt_id, with_for_update=True, populate_existing=True)


def hold_own(receipt_id: int, member_id: int) -> Receipt:
    """A receipt of the member, held until the transaction ends. ReceiptNotFound."""
    receipt = hold(receipt_id)
    if receipt is None or receipt.member_id != member_id:
        raise ReceiptNotFound()
    return receipt


def photos_of(receipt_id: int) -> list[ReceiptPhoto]:
    """The photos of a receipt in order."""
    return list(session.scalars(select(ReceiptPhoto).where(ReceiptPhoto.receipt_id == receipt_id).order_by(ReceiptPhoto.position)))


def reading_of(receipt: Receipt) -> ReceiptReading:
    """What was read of a receipt that was read."""
    assert receipt.reading is not None
    return ReceiptReading(receipt.reading)


def stored_reading(receipt: Receipt) -> ReceiptReading | None:
    """What was read, while it is kept."""
    return ReceiptReading(receipt.reading) if receipt.reading is not None else None
