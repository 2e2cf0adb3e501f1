"""Background work of receipts: reading, and keeping the house clean."""

from __future__ import annotations

import os
import socket
from datetime import timedelta

from api.kit import clock, db, jobs, logs, storage
from api.kit.storage import FileRemoved
from api.receipts import queries, reading, review, service
from api.settings import Settings

log = logs.get(__name__)

READER_QUEUE = "ocr"
BEAT_SECONDS = 30.0
ORPHAN_AGE = timedelta(hours=2)
SWEEP = 500  # files asked about at once


@jobs.job(queue=READER_QUEUE, transaction=False)
def read(mall_id: int, receipt_id: int) -> None:
    """Read a receipt: count the try → read, holding no transaction → store, decide and score in one transaction."""
    to_read = db.in_mall(mall_id, lambda: service.begin_reading(receipt_id))
    if to_read is None:
        return
    try:
        receipt_reading = reading.read([storage.read(key) for key in to_read.keys], to_read.sent_on)
    except (reading.PhotoUnreadable, FileRemoved):
        receipt_reading = None
    except Exception:
        if db.in_mall(mall_id, lambda: service.reading_failed(receipt_id)):
            return
        raise
    db.in_mall(mall_id, lambda: service.conclude(receipt_id, receipt_reading))


@jobs.nightly("10 19 * * *")
def remove_old_photos() -> None:
    """Remove photos past the time they are kept."""
    removed = service.remove_old_photos()
    log.info("old receipt photos removed", photos=removed)


@jobs.nightly("25 20 * * *")
def learn_tills() -> None:
    """Learn the form and order of receipt numbers, and usual amounts, from reviews, reports and payments."""
    log.info("tills learned", shops=service.learn_tills())


@jobs.job(keeps=service.ERASURE)
def erase_photos(member_id: int) -> None:
    """Remove the photos of a closed account."""
    log.info("photos of a closed account removed", photos=service.erase_photos(member_id))


@jobs.nightly("40 19 * * *")
def sweep_orphans() -> None:
    """Remove files whose transaction was lost after they were written."""
    before = clock.now() - ORPHAN_AGE
    batch: list[str] = []
    removed = 0
    for key in storage.older_than(f"{db.mall()}/receipts", before):
        batch.append(key)
        if len(batch) == SWEEP:
            removed += service.sweep_orphans(batch)
            batch = []
    removed += service.sweep_orphans(batch)
    log.info("orphaned receipt files removed", files=removed)


@jobs.nightly("*/5 * * * *")
def watch_promises() -> None:
    """Mark cases whose promised time has passed, and close questions that nobody answered."""
    late = review.mark_late()
    service.close_unanswered()
    if late:
        log.warning("receipt reviews are later than promised", cases=late)


def worn_out(settings: Settings) -> bool:
    """Whether a fresh reader takes over: after so many photos, or above so much memory."""
    photos, rested = reading.photos_read(), reading.rested_mb()
    worn = photos >= settings.reader_recycle_photos or rested > settings.reader_recycle_mb
    if worn:
        log.info("the reader is worn out", photos=photos, memory_mb=rested)
    return worn


def beat() -> None:
    """The reader process says that it reads its known picture rightly."""
    if reading.healthy():
        with db.unit_of_work():
            queries.record_heartbeat(f"{socket.gethostname()}:{os.getpid()}", reading.photos_read())
