"""What jobs do by the clock: old photos, lost files, questions without an answer, readers that fell silent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select, update

from api.kit import clock, db, storage
from api.kit.db import session
from api.malls import service as malls
from api.receipts import queries
from api.receipts.models import Receipt, ReceiptPhoto
from api.receipts.policy import ReceiptPolicy, ReceiptRules
from api.receipts.reasons import Reason
from api.receipts.service.moves import move
from api.receipts.states import OPEN, ReceiptState


def remove_old_photos() -> int:
    """Remove files past the time they are kept, and the text that was on them; hashes and facts stay."""
    kept_days = ReceiptPolicy.of(malls.policy(ReceiptRules)).photos_kept_days
    old = list(
        session.scalars(
            select(ReceiptPhoto)
            .join(Receipt, Receipt.id == ReceiptPhoto.receipt_id)
            .where(
                ReceiptPhoto.removed_at.is_(None),
                ReceiptPhoto.stored_at < clock.now() - timedelta(days=kept_days),
                Receipt.state.not_in(OPEN),
            )
            .limit(5000)
        )
    )
    for photo in old:
        storage.remove(photo.file_key)
        photo.removed_at, photo.lines = clock.now(), None
    ids = {photo.receipt_id for photo in old}
    if ids:
        session.execute(update(Receipt).where(Receipt.id.in_(ids)).values(reading=None).execution_options(synchronize_session=False))
    return len(old)


def sweep_orphans(files: Sequence[str]) -> int:
    """Remove files that no photo names (their transaction was lost after they were written). Returns how many."""
    named = set(session.scalars(select(ReceiptPhoto.file_key).where(ReceiptPhoto.file_key.in_(files)))) if files else set()
    orphans = [key for key in files if key not in named]
    for key in orphans:
        storage.remove(key)
    return len(orphans)


def close_unanswered() -> int:
    """Questions that nobody answered in time are closed; the shopper may send the receipt again."""
    policy = ReceiptPolicy.of(malls.policy(ReceiptRules))
    stale = select(Receipt).where(
        Receipt.state == ReceiptState.ASKING, Receipt.moved_at < clock.now() - timedelta(hours=policy.question_hours)
    )
    unanswered = list(session.scalars(stale.limit(500).with_for_update(skip_locked=True)))
    for receipt in unanswered:
        move(receipt, ReceiptState.REFUSED, Reason.UNANSWERED, question=None, decided_at=clock.now())
    return len(unanswered)


READER_SILENT = timedelta(seconds=120)


def reader_trouble() -> str | None:
    """What is wrong with the readers, or None: one of them read its small known picture lately. For /readyz."""
    with db.unit_of_work():
        last = queries.last_heartbeat()
    if last is None:
        return "no reader has read its known picture yet; photos wait"
    silent = clock.now() - last
    return None if silent < READER_SILENT else f"no reader has read its known picture for {silent.total_seconds():.0f} s; photos wait"
