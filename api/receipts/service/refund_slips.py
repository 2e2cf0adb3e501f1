"""A refund slip finds its purchase and takes the points of what came back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from api.kit import clock
from api.kit.db import session
from api.malls import service as malls
from api.partners import service as partners
from api.points import service as points
from api.receipts import queries
from api.receipts.errors import FactsIncomplete
from api.receipts.models import Receipt
from api.receipts.policy import ReceiptPolicy, ReceiptRules
from api.receipts.reading import ReceiptReading
from api.receipts.reasons import Reason
from api.receipts.service.moves import CHANNEL, hold, move
from api.receipts.service.outcomes import to_review
from api.receipts.states import ReceiptState
from api.sales import service as sales


def apply_refund(receipt: Receipt, read: ReceiptReading, *, by: str, purchase_id: int | None) -> None:
    """A reviewer lets a refund slip through, for the purchase named or the single one that belongs to it. FactsIncomplete."""
    facts: dict[str, Any] = {name: getattr(receipt, name) for name in ("shop_id", "paid_fen", "paid_at", "number_key")}
    purchase = hold(purchase_id) if purchase_id is not None else None
    if purchase is None:
        take_back(receipt, read, by=by, policy=ReceiptPolicy.of(malls.policy(ReceiptRules)), amount_sure=True, **facts)
    elif purchase.state != ReceiptState.SCORED or purchase.shop_id != receipt.shop_id:
        raise FactsIncomplete(missing=["purchase_id"])
    else:
        _give_back(receipt, purchase, by=by, **facts)


def take_back(
    receipt: Receipt, read: ReceiptReading, *, by: str, policy: ReceiptPolicy, amount_sure: bool, **changes: Any
) -> None:  # fmt: skip
    """A refund slip: take back the points of the sender's own purchase that it prints the number of; anything else is a person's to decide.

    The answer to all else is the same, a purchase of somebody else's and none at all alike: it tells nothing of others.
    """
    changes |= {"paid_fen": abs(changes["paid_fen"] or 0) or None}
    purchase, doubt = _purchase_of(receipt, read, changes, amount_sure)
    if receipt.state != ReceiptState.IN_REVIEW and (doubt is not None or purchase is None):
        to_review(receipt, Reason.REFUND_UNCLEAR, by=by, policy=policy, facts=doubt or {"receipts": []}, **changes)
    elif doubt is not None:
        raise FactsIncomplete(**doubt)
    elif purchase is None:
        move(receipt, ReceiptState.REFUSED, Reason.REFUND_WITHOUT_RECEIPT, by=by, decided_at=clock.now(), **changes)
    else:
        _give_back(receipt, purchase, by=by, **changes)


def _purchase_of(
    receipt: Receipt, read: ReceiptReading, changes: dict[str, Any], amount_sure: bool
) -> tuple[Receipt | None, dict[str, Any] | None]:
    """The scored purchase that a refund slip speaks of, or what keeps us from being sure."""
    shop_id, amount = changes["shop_id"], changes["paid_fen"]
    missing = [name for name in ("shop_id", "paid_fen") if not changes[name]]
    if missing:
        return None, {"missing": missing}
    until = (changes["paid_at"] or clock.now()) + timedelta(days=1)
    numbered = sales.refunded_purchases(shop_id, read.original_no, until=until, scored_in=CHANNEL) if read.original_no else []
    purchases = queries.scored_purchases(shop_id, [sale.id for sale in numbered], amount, until)
    own = [purchase for purchase in purchases if purchase.member_id == receipt.member_id]
    if not purchases:
        return None, None
    chosen = own if own else purchases
    paid_fen = chosen[0].paid_fen or 0
    # An amount in doubt is borne out by a purchase of just as much; what is only a part of one may be misread.
    unclear = len(chosen) > 1 or amount > paid_fen or (amount < paid_fen and not amount_sure)
    by_number = chosen[0].sale_id in {sale.id for sale in numbered}
    in_review = receipt.state == ReceiptState.IN_REVIEW
    if unclear or not (own if in_review else own and by_number):
        return None, {"receipts": [purchase.id for purchase in purchases]}
    return chosen[0], None


def _give_back(receipt: Receipt, purchase: Receipt, *, by: str, **changes: Any) -> None:
    assert purchase.sale_id is not None
    amount_fen, at = changes["paid_fen"], changes["paid_at"] or clock.now()
    sale = sales.lock(purchase.sale_id)  # two photos of one slip come one after the other
    if _slip_known(receipt, changes) or sale.refunded_fen + amount_fen > sale.paid_fen:
        move(receipt, ReceiptState.REFUSED, Reason.REFUND_APPLIED_BEFORE, by=by, decided_at=clock.now(), **changes)
        return
    refund = sales.refund(sale.id, amount_fen=amount_fen, source_type=CHANNEL, source_id=receipt.id, at=at)
    points.take_back(refund.id, by=by)
    partners.publish(
        partners.sale_refunded(
            refund.id, sale_id=sale.id, shop_id=sale.shop_id, member_id=sale.member_id, channel=CHANNEL, amount_fen=amount_fen,
            refunded_fen=refund.refunded_before_fen + amount_fen, paid_fen=sale.paid_fen, at=at, order=None,
        )
    )  # fmt: skip
    own = purchase.member_id == receipt.member_id
    details = {"amount_fen": amount_fen, "receipt_id": purchase.id} if own else {}
    changes |= {"sale_id": sale.id, "decided_at": clock.now()}
    move(receipt, ReceiptState.TAKEN_BACK, Reason.POINTS_TAKEN_BACK if own else Reason.REFUND_HANDLED, by=by, facts=details, **changes)
    if sale.refunded_fen >= sale.paid_fen:
        move(purchase, ReceiptState.RETURNED, Reason.PURCHASE_RETURNED, by=by)


def _slip_known(receipt: Receipt, changes: dict[str, Any]) -> bool:
    """Whether the same refund slip took points back before: same shop, number, moment and amount."""
    same = [getattr(Receipt, name) == changes[name] for name in ("shop_id", "paid_fen", "paid_at") if changes.get(name) is not None]
    if changes.get("number_key") is not None:
        same.append(Receipt.number_key == changes["number_key"])
    same_slip = select(func.count()).where(Receipt.state == ReceiptState.TAKEN_BACK, Receipt.id != receipt.id, *same)
    return bool(session.scalar(same_slip))
