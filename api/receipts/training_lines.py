"""Receipts that a person has looked at, as lines to make the ranker of totals better with: what was read, and what was right."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from api.kit.db import session
from api.malls.models import Shop
from api.receipts import reading
from api.receipts.models import Receipt, ReceiptReview
from api.receipts.states import ReceiptState

MOST = 20_000  # receipts of one export: the newest
_DIGITS = re.compile(r"\d")


def lines_of_reviewed(most: int = MOST) -> Iterator[str]:
    """One JSON line a receipt that a reviewer has decided and that scored, newest first; digits of people are masked. One statement."""
    decided = select(ReceiptReview.receipt_id).where(ReceiptReview.decided_at.is_not(None))
    query = (
        select(Receipt, Shop.name)
        .join(Shop, Shop.id == Receipt.shop_id)
        .where(Receipt.state == ReceiptState.SCORED, Receipt.reading.is_not(None), Receipt.id.in_(decided))
        .order_by(Receipt.id.desc())
        .limit(most)
    )
    for receipt, shop_name in session.execute(query.execution_options(yield_per=100)):
        yield json.dumps(_as_lines(receipt, shop_name), ensure_ascii=False, separators=(",", ":"))


def _as_lines(receipt: Receipt, shop_name: str) -> dict[str, Any]:
    assert receipt.reading is not None and receipt.paid_fen is not None
    picture = receipt.reading["picture"]
    return {
        "file": f"receipt_{receipt.id}",
        "width": picture["width"],
        "height": picture["height"],
        "screenshot": picture["signals"]["screenshot"],
        "lines": [{**line, "text": _masked(line["text"])} for line in receipt.reading["lines"]],
        "want": {
            "kind": receipt.kind,
            "merchant": shop_name,
            "date": receipt.paid_on.isoformat() if receipt.paid_on else None,
            "total": receipt.paid_fen / 100,
            "currency": receipt.reading["currency"],
            "receipt_no": receipt.receipt_no,
        },
    }


def _masked(text: str) -> str:
    return _DIGITS.sub("*", text) if reading.private(text) else text
