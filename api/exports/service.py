"""Lists of the office as CSV files, made in the background, piece by piece, within what the asking person's role may see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, BinaryIO

from sqlalchemy import func, select, update

from api.exports.errors import ExportExpired, ExportNotFound, ExportNotReady, TooManyExports
from api.exports.models import ROW_LIMIT, Export
from api.exports.states import ENDED, ExportState
from api.kit import audit, clock, db, identity, membership, pages, states, storage, tables
from api.kit.db import session
from api.kit.errors import Problem
from api.malls import service as malls
from api.staff import service as staff

KEPT_FOR = timedelta(days=7)
AT_ONCE = 3  # unfinished exports of one person
GIVEN_UP_AFTER = timedelta(hours=6)

SEE_ALL = "exports.all"


@dataclass(frozen=True)
class Work:
    """What the job that writes a file must know."""

    key: str
    columns: list[str]
    titles: list[str]
    timezone: str
    language: str


@dataclass(frozen=True)
class Batch:
    """Some rows of the file, and the cursor of the next ones."""

    rows: list[list[str]]
    next_cursor: str | None


def ask(table: str, filters: dict[str, Any], *, columns: list[dict[str, str]], language: str, who: identity.Principal) -> Export:
    """Put an export in. PermissionMissing when the role may not see the list, TooManyExports."""
    _refuse_unseen(table, who)
    for member_id in membership.named_in(filters.items()):
        membership.refuse_unopened(who, member_id)
    _refuse_many(who.id)
    made = Export(
        table=table, filters=filters, columns=columns, language=language,
        asked_by_id=who.id, asked_at=clock.now(), state=str(ExportState.WAITING),
    )  # fmt: skip
    session.add(made)
    session.flush()
    audit.record(who.name, "export asked for", "export", made.id, after={"table": table, "filters": filters})
    return made


def _refuse_unseen(table: str, who: identity.Principal) -> None:
    permission = tables.every()[table].permission
    if permission not in who.permissions:
        raise identity.PermissionMissing(permission=permission)


def _refuse_many(staff_id: int) -> None:
    db.lock("exports", staff_id)
    unfinished = select(func.count()).select_from(Export).where(Export.asked_by_id == staff_id, Export.state.not_in(ENDED))
    if (session.scalar(unfinished) or 0) >= AT_ONCE:
        raise TooManyExports(retry_after=10)


def exports(who: identity.Principal, *, all_people: bool, cursor: str | None, limit: int) -> pages.Page[Export]:
    """My exports, newest first; everybody's for who may see them all."""
    query = select(Export)
    if not (all_people and SEE_ALL in who.permissions):
        query = query.where(Export.asked_by_id == who.id)
    return pages.page(query, Export.id, cursor=cursor, limit=limit)


def find(export_id: int, who: identity.Principal) -> Export:
    """An export of mine, or anybody's for who may see them all. ExportNotFound."""
    export = session.get(Export, export_id)
    if export is None or (export.asked_by_id != who.id and SEE_ALL not in who.permissions):
        raise ExportNotFound()
    return export


def cancel(export_id: int, who: identity.Principal) -> Export:
    """End an export that is not done. ExportNotFound, WrongState."""
    export = find(export_id, who)
    states.move(export, ExportState.CANCELLED, by=who.name, ended_at=clock.now())
    audit.record(who.name, "export cancelled", "export", export.id, after={"table": export.table})
    return export


def open_file(export_id: int, who: identity.Principal) -> tuple[Export, BinaryIO]:
    """The finished file, for the one who asked or who may see all; written down each time.

    ExportNotFound, PermissionMissing, ExportNotReady, ExportExpired.
    """
    export = find(export_id, who)
    if export.state == ExportState.REMOVED or (export.expires_at is not None and export.expires_at <= clock.now()):
        raise ExportExpired()
    _refuse_unseen(export.table, who)
    if export.file_key is None:
        raise ExportNotReady(state=export.state)
    file = storage.open_file(export.file_key)
    audit.record(who.name, "export downloaded", "export", export.id, after={"table": export.table, "rows": export.rows_done})
    return export, file


def begin(export_id: int) -> Work | None:
    """Begin an export, or begin it again after a crash. None when it has ended or the asking person may not see the list any more."""
    export = session.get(Export, export_id)
    if export is None or export.state in ENDED:
        return None
    try:
        _still_allowed(export)
    except Problem as refusal:
        fail(export_id, refusal.slug())
        return None
    if export.state == ExportState.WAITING:
        states.move(export, ExportState.RUNNING, by="system")
    chosen = {column["name"]: column["title"] for column in export.columns}
    names = list(chosen) or tables.every()[export.table].columns
    titles = [tables.plain(chosen.get(name) or tables.heading(name)) for name in names]
    key = storage.new_key(db.mall(), "exports", "csv")
    return Work(key, names, titles, malls.mall_info().timezone, export.language)


def _still_allowed(export: Export) -> None:
    _refuse_unseen(export.table, staff.principal_now(identity.Principal("staff", export.asked_by_id, db.mall())))


def next_batch(export_id: int, work: Work, cursor: str | None, done: int) -> Batch | None:
    """Some more rows, and the progress written down. None when somebody ended the export meanwhile."""
    export = session.get(Export, export_id)
    if export is None or export.state != ExportState.RUNNING:
        return None
    rows, next_cursor = tables.every()[export.table].page(export.filters, cursor)
    left = ROW_LIMIT - done
    cut = len(rows) > left or (len(rows) == left and next_cursor is not None)
    rows = rows[:left]
    session.execute(update(Export).where(Export.id == export_id).values(rows_done=done + len(rows), cut=cut))
    lines = [list(tables.cells(row, work.columns, timezone=work.timezone, language=work.language)) for row in rows]
    return Batch(lines, None if cut else next_cursor)


def finish(export_id: int, key: str, size_bytes: int) -> bool:
    """The file is written and kept for KEPT_FOR. False when somebody ended the export meanwhile: the file is to be removed."""
    export = session.get(Export, export_id)
    if export is None or export.state != ExportState.RUNNING:
        return False
    now = clock.now()
    states.move(export, ExportState.DONE, by="system", file_key=key, size_bytes=size_bytes, ended_at=now, expires_at=now + KEPT_FOR)
    return True


def fail(export_id: int, trouble: str) -> None:
    """End an export that cannot be made; the name of the trouble is shown to who asked."""
    export = session.get(Export, export_id)
    if export is not None and export.state not in ENDED:
        states.move(export, ExportState.FAILED, by="system", reason=trouble, trouble=trouble, ended_at=clock.now())


def expire() -> list[str]:
    """Remove what is past its time and give up what never ended; returns the keys of the files to be removed."""
    now = clock.now()
    for stuck in session.scalars(select(Export).where(Export.state.not_in(ENDED), Export.asked_at < now - GIVEN_UP_AFTER)).all():
        fail(stuck.id, "given-up")
    keys = []
    for old in session.scalars(select(Export).where(Export.state == ExportState.DONE, Export.expires_at <= now)).all():
        keys.append(str(old.file_key))
        states.move(old, ExportState.REMOVED, by="system", file_key=None)
    return keys


def orphans(keys: list[str]) -> list[str]:
    """Of these files, those that belong to no export: their transaction was lost after they were written."""
    known = set(session.scalars(select(Export.file_key).where(Export.file_key.in_(keys))))
    return [key for key in keys if key not in known]
