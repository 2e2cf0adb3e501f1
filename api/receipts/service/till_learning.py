"""What reviews, reports and payments say of a shop's receipt numbers and amounts; never what scored by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, literal, select, tuple_, union_all
from sqlalchemy.dialects.postgresql import insert

from api.kit import clock
from api.kit.db import session
from api.malls import service as malls
from api.receipts import till_forms
from api.receipts.models import Receipt, ReceiptReview, TillForms, TillNumber
from api.receipts.service.moves import CHANNEL
from api.receipts.states import ReceiptState, ReviewState
from api.receipts.till_forms import KnownNumber
from api.sales.models import Sighting

KEPT, NEAR = 3000, 40
LEARNED_FROM = timedelta(days=400)


@dataclass(frozen=True)
class TillKnowledge:
    """What is known of a shop: its forms and amounts, and the numbers printed around a time."""

    learned: dict[str, Any]
    near: tuple[KnownNumber, ...]


def known_tills(shop_id: int, at: datetime) -> TillKnowledge | None:
    """What is known of a shop's tills around a time; None before anything was learned. At most two statements."""
    learned = session.scalar(select(TillForms.learned).where(TillForms.shop_id == shop_id))
    if learned is None:
        return None
    numbers = select(TillNumber.number, TillNumber.paid_at).where(TillNumber.shop_id == shop_id)
    before = numbers.where(TillNumber.paid_at <= at).order_by(TillNumber.paid_at.desc()).limit(NEAR).subquery()
    after = numbers.where(TillNumber.paid_at > at).order_by(TillNumber.paid_at).limit(NEAR).subquery()
    rows = session.execute(union_all(select(before), select(after)))
    return TillKnowledge(learned, tuple(KnownNumber(*row) for row in rows))


def learn_tills() -> int:
    """Learn the tills of every shop anew from what is known of it. Returns how many shops."""
    since, evidence = clock.now() - LEARNED_FROM, _evidence().subquery()
    shops = list(session.scalars(select(evidence.c.shop_id).where(evidence.c.paid_at > since).distinct()))
    timezone = malls.mall_info().timezone
    for shop_id in shops:
        _learn_shop(shop_id, since, timezone)
    return len(shops)


def _evidence() -> Any:
    sighted = select(
        Sighting.shop_id.label("shop_id"), Sighting.receipt_no.label("number"), Sighting.paid_at.label("paid_at"),
        Sighting.paid_fen.label("paid_fen"), Sighting.minute_known.label("timed"),
    ).where(Sighting.channel != CHANNEL)  # fmt: skip
    approved = select(literal(1)).where(ReceiptReview.receipt_id == Receipt.id, ReceiptReview.state == ReviewState.APPROVED)
    reviewed = select(Receipt.shop_id, Receipt.receipt_no, Receipt.paid_at, Receipt.paid_fen, Receipt.minute_known).where(
        Receipt.state.in_((ReceiptState.SCORED, ReceiptState.RETURNED)), approved.exists()
    )
    return union_all(sighted, reviewed)


def _learn_shop(shop_id: int, since: datetime, timezone: str) -> None:
    evidence = _evidence().subquery()
    newest = select(evidence).where(evidence.c.shop_id == shop_id, evidence.c.paid_at > since).order_by(evidence.c.paid_at.desc())
    rows = session.execute(newest.limit(KEPT)).all()
    numbers = {KnownNumber(till_forms.plain(row.number), row.paid_at) for row in rows if row.number and row.timed}
    learned = till_forms.learn(sorted(numbers, key=lambda known: known.paid_at), [row.paid_fen for row in rows], timezone)
    values = {"shop_id": shop_id, "learned": learned, "learned_at": clock.now()}
    upsert = insert(TillForms).values(**values).on_conflict_do_update(index_elements=["mall_id", "shop_id"], set_=values)
    session.execute(upsert)
    pairs = [(known.paid_at, known.number) for known in numbers]
    held = {
        (row.paid_at, row.number)
        for row in session.execute(select(TillNumber.paid_at, TillNumber.number).where(TillNumber.shop_id == shop_id))
    }
    if fresh := set(pairs) - held:
        session.execute(insert(TillNumber), [{"shop_id": shop_id, "paid_at": at, "number": number} for at, number in sorted(fresh)])
    if gone := held - set(pairs):
        key = tuple_(TillNumber.paid_at, TillNumber.number)
        session.execute(delete(TillNumber).where(TillNumber.shop_id == shop_id, key.in_(gone)).execution_options(synchronize_session=False))
