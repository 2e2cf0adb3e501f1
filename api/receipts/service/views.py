"""Receipts as they are shown: to their member, and to the mall."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import defer

from api.kit import pages, storage
from api.kit.db import session
from api.receipts import photos as pictures
from api.receipts import reading
from api.receipts.errors import PhotoNotFound, ReceiptNotFound
from api.receipts.models import Receipt, ReceiptCorrection, ReceiptPhoto
from api.receipts.states import SHOWN


def receipts_of(member_id: int, *, cursor: str | None, limit: int, show: str | None = None) -> pages.Page[Receipt]:
    """The member's receipts, newest first; of all, or only those that `show` (a key of SHOWN) names."""
    query = select(Receipt).where(Receipt.member_id == member_id)
    if show is not None:
        query = query.where(Receipt.state.in_(SHOWN[show]))
    return pages.page(query, Receipt.sent_at, Receipt.id, cursor=cursor, limit=limit)


def receipts_of_mall(
    *,
    state: str | None,
    shop_id: int | None,
    since: datetime | None,
    until: datetime | None,
    member_id: int | None = None,
    cursor: str | None,
    limit: int,
) -> pages.Page[Receipt]:
    """Everybody's receipts, newest first, without what the reader said; `since` and `until` are a half-open range of `sent_at`."""
    query = select(Receipt).options(defer(Receipt.reading))
    if member_id is not None:
        query = query.where(Receipt.member_id == member_id)
    if state is not None:
        query = query.where(Receipt.state == state)
    if shop_id is not None:
        query = query.where(Receipt.shop_id == shop_id)
    if since is not None:
        query = query.where(Receipt.sent_at >= since)
    if until is not None:
        query = query.where(Receipt.sent_at < until)
    return pages.page(query, Receipt.sent_at, Receipt.id, cursor=cursor, limit=limit)


def export(member_id: int) -> list[dict[str, Any]]:
    """The member's receipts, for the member's own export of personal data. At most 10,000, newest first."""
    rows = session.scalars(select(Receipt).where(Receipt.member_id == member_id).order_by(Receipt.id.desc()).limit(10_000))
    return [
        {
            "sent_at": row.sent_at.isoformat(),
            "state": row.state,
            "reason": row.why,
            "merchant": row.merchant,
            "paid_fen": row.paid_fen,
            "paid_at": row.paid_at.isoformat() if row.paid_at else None,
            "receipt_no": row.receipt_no,
        }
        for row in rows
    ]


def count_of(member_id: int) -> int:
    """How many receipts a member has sent."""
    return session.scalar(select(func.count()).where(Receipt.member_id == member_id)) or 0


def receipt_of(receipt_id: int, member_id: int) -> Receipt:
    """One receipt of the member. ReceiptNotFound."""
    receipt = session.get(Receipt, receipt_id)
    if receipt is None or receipt.member_id != member_id:
        raise ReceiptNotFound()
    return receipt


def photo_of(receipt_id: int, member_id: int, position: int) -> tuple[bytes, str]:
    """The member's own photo, as sent, with its media type. ReceiptNotFound, PhotoNotFound, FileRemoved."""
    receipt_of(receipt_id, member_id)
    photo = session.scalar(select(ReceiptPhoto).where(ReceiptPhoto.receipt_id == receipt_id, ReceiptPhoto.position == position))
    if photo is None:
        raise PhotoNotFound()
    return storage.read(photo.file_key), reading.MEDIA_TYPES[photo.format]


def crop_of(receipt_id: int, member_id: int, position: int, field: str) -> bytes:
    """The part of the member's own photo where a field stands, as JPEG; the whole photo when it stands elsewhere or was not found."""
    receipt = receipt_of(receipt_id, member_id)
    data, _ = photo_of(receipt_id, member_id, position)
    place = asked_place(receipt, field, position) or place_of(receipt, field)
    return pictures.shown(data, place[1] if place and place[0] == position else None)


def asked_place(receipt: Receipt, field: str, position: int) -> tuple[int, Any] | None:
    """Where on a photo the choices of the open question about a field stand, together."""
    question = receipt.question
    if question is None or question["field"] != field:
        return None
    corners = [corner for choice in question["choices"] if choice["photo"] == position and choice["box"] for corner in choice["box"]]
    return (position, corners) if corners else None


_READ_AS = {
    "paid_fen": "total_fen", "currency": "total_fen", "paid_at": "paid_at", "receipt_no": "receipt_no", "merchant": "merchant",
    "shop_id": "merchant",
}  # fmt: skip


def place_of(receipt: Receipt, field: str) -> tuple[int, Any] | None:
    """On which photo a field was read, and where there."""
    stored = receipt.reading
    return reading.located(stored, stored[_READ_AS[field]]["box"]) if stored else None


def corrections_of(receipt_id: int) -> list[ReceiptCorrection]:
    """What the shopper said, oldest first."""
    return list(session.scalars(select(ReceiptCorrection).where(ReceiptCorrection.receipt_id == receipt_id).order_by(ReceiptCorrection.id)))
