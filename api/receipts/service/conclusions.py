"""A read begins, ends or fails, and the receipt is decided on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import select

from api.kit import clock
from api.kit.db import session
from api.malls import service as malls
from api.receipts.models import Receipt, ReceiptPhoto
from api.receipts.reading import ReceiptReading
from api.receipts.reasons import Reason
from api.receipts.service.decisions import settle
from api.receipts.service.moves import READER, hold, move, photos_of
from api.receipts.states import ReceiptState

MAX_READS = 3


@dataclass(frozen=True)
class ToRead:
    """The photos of one receipt by their keys, and the day they were sent, by the mall's own clock."""

    keys: list[str]
    sent_on: date


def begin_reading(receipt_id: int) -> ToRead | None:
    """Count one more read and say what is to be read; None when there is nothing to read (any more).

    After MAX_READS reads that never ended the photo is what ends them: the receipt is set aside.
    """
    receipt = hold(receipt_id)
    if receipt is None or receipt.state not in (ReceiptState.RECEIVED, ReceiptState.READING):
        return None
    if receipt.reads >= MAX_READS:
        _set_aside(receipt)
        return None
    move(receipt, ReceiptState.READING, Reason.BEING_READ, reads=receipt.reads + 1)
    keys = session.scalars(select(ReceiptPhoto.file_key).where(ReceiptPhoto.receipt_id == receipt_id).order_by(ReceiptPhoto.position))
    return ToRead(list(keys), receipt.sent_at.astimezone(ZoneInfo(malls.mall_info().timezone)).date())


def reading_failed(receipt_id: int) -> bool:
    """A read ended in an error; True when it was the last one and the receipt is set aside."""
    receipt = hold(receipt_id)
    if receipt is None or receipt.state != ReceiptState.READING:
        return True
    if receipt.reads < MAX_READS:
        return False
    _set_aside(receipt)
    return True


def _set_aside(receipt: Receipt) -> None:
    move(receipt, ReceiptState.SET_ASIDE, Reason.READER_GAVE_UP, decided_at=clock.now())


def conclude(receipt_id: int, read: ReceiptReading | None) -> None:
    """Keep what was read, decide, and carry the decision out. None: the picture could not be opened."""
    receipt = hold(receipt_id)
    if receipt is None or receipt.state != ReceiptState.READING:
        return  # withdrawn meanwhile, or another reader was faster
    if read is None:
        move(receipt, ReceiptState.REFUSED, Reason.PHOTO_DAMAGED, decided_at=clock.now())
        return
    photos = photos_of(receipt_id)
    for photo, photo_facts in zip(photos, read.photos, strict=True):
        photo.bands, photo.lines = list(photo_facts.bands), list(photo_facts.lines)
    settle(receipt, read, photos, by=READER, reading=read.stored)
