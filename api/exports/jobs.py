"""Background work of exports: writing the file, and removing old ones."""

from __future__ import annotations

import codecs
import functools
from collections.abc import Iterable
from datetime import timedelta
from typing import BinaryIO

from sqlalchemy.exc import DBAPIError

from api.exports import service
from api.exports.service import Batch, Work
from api.kit import clock, db, jobs, logs, sheets, storage
from api.kit.errors import Problem
from api.kit.tables import FiltersWrong

log = logs.get(__name__)

ORPHAN_AGE = timedelta(hours=12)


class _Cancelled(Exception):
    """Somebody ended the export while it was written."""


@jobs.job(transaction=False)
def write(mall_id: int, export_id: int) -> None:
    """Write the file batch by batch, each in a short transaction of its own: memory stays flat, and no lock is held for long."""
    work = db.in_mall(mall_id, lambda: service.begin(export_id))
    if work is None:
        return
    try:
        with storage.open_for_writing(work.key) as file:
            size = _write(file, mall_id, export_id, work)
    except _Cancelled:
        return
    except (Problem, FiltersWrong) as refusal:
        trouble = refusal.slug() if isinstance(refusal, Problem) else "filters-wrong"
        db.in_mall(mall_id, lambda: service.fail(export_id, trouble))
    except DBAPIError:
        raise  # the database is away: the job is tried again from the beginning
    except Exception as error:
        log.error("an export failed", export=export_id, error_type=type(error).__name__, exc_info=error)
        db.in_mall(mall_id, lambda: service.fail(export_id, "internal-error"))
    else:
        if not db.in_mall(mall_id, lambda: service.finish(export_id, work.key, size)):
            storage.remove(work.key)


def _write(file: BinaryIO, mall_id: int, export_id: int, work: Work) -> int:
    """The byte order mark (Excel knows UTF-8 by it), the headings, the rows. Returns the size in bytes."""
    size = file.write(codecs.BOM_UTF8) + file.write(_lines([work.titles]))
    cursor, done = None, 0
    while True:
        batch = _batch(mall_id, export_id, work, cursor, done)
        size += file.write(_lines(batch.rows))
        cursor, done = batch.next_cursor, done + len(batch.rows)
        if cursor is None:
            return size


def _batch(mall_id: int, export_id: int, work: Work, cursor: str | None, done: int) -> Batch:
    batch = db.in_mall(mall_id, lambda: service.next_batch(export_id, work, cursor, done))
    if batch is None:
        raise _Cancelled()
    return batch


def _lines(rows: Iterable[list[str]]) -> bytes:
    return sheets.written(rows).encode()


@jobs.nightly("20 19 * * *")
def remove_old_exports() -> None:
    """Remove files past the time they are kept, and give up exports that never ended."""
    keys = service.expire()
    orphans = service.orphans(list(storage.older_than(f"{db.mall()}/exports", clock.now() - ORPHAN_AGE)))
    for key in [*keys, *orphans]:
        db.after_commit(functools.partial(storage.remove, key))
    log.info("old exports removed", files=len(keys), orphans=len(orphans))
