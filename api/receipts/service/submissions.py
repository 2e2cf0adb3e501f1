"""Take the photos of a receipt in, to be read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from api.kit import clock, db, limits, storage
from api.kit.db import session
from api.members import service as members
from api.receipts import queries, reading
from api.receipts.errors import PhotoMissing, ReceiptQueueFull, TooManyPhotos
from api.receipts.models import Receipt, ReceiptPhoto
from api.receipts.reasons import Reason
from api.receipts.service.moves import notify
from api.receipts.states import ReceiptState

MAX_PHOTOS = 4

#: Generous by address: everybody in the mall's Wi-Fi has the same one.
BY_MEMBER = limits.Limit("receipts-member", 40, 600)
BY_DEVICE = limits.Limit("receipts-device", 40, 600)
BY_ADDRESS = limits.Limit("receipts-address", 3000, 60)


@dataclass(frozen=True)
class Picture:
    """A checked picture: its bytes and its format by magic."""

    data: bytes
    format: str


def check(photos: Sequence[bytes]) -> list[Picture]:
    """The pictures, checked by magic and header only, in no transaction. PhotoMissing, TooManyPhotos and the refusals of one picture."""
    if not photos:
        raise PhotoMissing()
    if len(photos) > MAX_PHOTOS:
        raise TooManyPhotos(photos=len(photos))
    return [Picture(data, reading.check_photo(data)) for data in photos]


def spend_limits(member_id: int, device: str, address: str) -> None:
    """Count one sending of this member, device and address. TooOften."""
    limits.spend(BY_ADDRESS, address)
    limits.spend(BY_DEVICE, f"{db.mall()}:{device}")
    limits.spend(BY_MEMBER, f"{db.mall()}:{member_id}")


def take_in(member_id: int, pictures: Sequence[Picture], *, device: str, queue_limit: int) -> Receipt:
    """Store the pictures of one receipt, to be read. ReceiptQueueFull when too many wait: then nothing is stored."""
    if queries.waiting_to_be_read(queue_limit) >= queue_limit:
        raise ReceiptQueueFull()
    now = clock.now()
    receipt = Receipt(
        state=ReceiptState.RECEIVED,
        member_id=members.hold(member_id),
        sent_at=now,
        moved_at=now,
        device=device,
        why=Reason.WAITING,
        details={},
        answers={},
    )
    session.add(receipt)
    session.flush()
    rows = [_photo(receipt.id, position, picture, now) for position, picture in enumerate(pictures, 1)]
    session.add_all(rows)
    session.flush()
    _store(rows, pictures)
    notify(receipt)
    return receipt


def _photo(receipt_id: int, position: int, picture: Picture, now: datetime) -> ReceiptPhoto:
    return ReceiptPhoto(
        receipt_id=receipt_id,
        position=position,
        file_key=storage.new_key(db.mall(), "receipts", picture.format.lower()),
        format=picture.format,
        size_bytes=len(picture.data),
        sha256=hashlib.sha256(picture.data).hexdigest(),
        stored_at=now,
    )


def _store(rows: Sequence[ReceiptPhoto], pictures: Sequence[Picture]) -> None:
    # Last, when the database has accepted all: a refusal leaves no file behind (a lost commit's files are swept up).
    stored: list[str] = []
    try:
        for row, picture in zip(rows, pictures, strict=True):
            storage.put(row.file_key, picture.data)
            stored.append(row.file_key)
    except BaseException:
        for key in stored:
            storage.remove(key)
        raise
