"""What a receipt writes into its shopper's inbox: once a move, in the same transaction."""

from __future__ import annotations

from api.messages import service as messages
from api.messages.models import Kind
from api.receipts.models import Receipt
from api.receipts.reasons import sentence
from api.receipts.states import ReceiptState

_S = ReceiptState

#: What the shopper is told of, and under which title (zh, en). What the shopper did is no news, nor is waiting.
TITLES: dict[str, tuple[str, str]] = {
    _S.SCORED: ("小票积分到账", "Points for your receipt"),
    _S.ASKING: ("小票有一处需要您确认", "One question about your receipt"),
    _S.REFUSED: ("小票未能积分", "No points for this receipt"),
    _S.SET_ASIDE: ("小票未能积分", "No points for this receipt"),
    _S.TAKEN_BACK: ("退货积分已扣回", "Points taken back for a refund"),
    _S.RETURNED: ("退货积分已扣回", "Points taken back for a refund"),
}


def notify(receipt: Receipt) -> None:
    """Write where the receipt stands now into the inbox, if that is news."""
    if receipt.state not in TITLES:
        return
    zh, en = TITLES[receipt.state]
    messages.send(
        receipt.member_id,
        Kind.RECEIPT,
        source=f"receipt:{receipt.id}:{receipt.moves}",
        title={"zh": zh, "en": en},
        body=sentence(receipt.why, receipt.details),
        page=f"receipt?id={receipt.id}",
    )
