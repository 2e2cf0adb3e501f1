"""Seals over the audit log: a chain of hashes that shows when an entry was changed, removed or slipped in afterwards.

A seal covers every entry of its mall after those of the seal before it, up to one number. Numbers are drawn before a commit, so a
lower one may become visible later: a seal first waits for every transaction that is writing to the log. After that no honest entry can
appear under a sealed number, and one that does was slipped in. It waits without a lock: nobody who writes waits for a seal.
"""

from __future__ import annotations

import hashlib
import json
import struct
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import CheckConstraint, Text, UniqueConstraint, cast, func, select, text
from sqlalchemy.orm import Mapped

from api.kit import clock, db
from api.kit.audit import AuditEntry
from api.kit.db import MallOwned, Model, session

AT_MOST = 10_000  # entries of one seal
PATIENCE = 10.0  # seconds a seal waits for those who write; after that its job is tried again
POLL = 0.05

_LEAF = struct.Struct(">q32s")

#: Who is writing to the log now: a transaction holds this lock from before its number is drawn until its end.
_WRITERS = text("""
SELECT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND relation = 'audit_entries'::regclass AND mode = 'RowExclusiveLock' AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid <> pg_backend_pid()
""")


class AuditSeal(MallOwned, Model):
    """One link of the chain. `leaves` is the number and the hash of each entry that it covers; `digest` chains them to the seal before."""

    __tablename__ = "audit_seals"
    __table_args__ = (UniqueConstraint("mall_id", "seq"), CheckConstraint("seq > 0 AND entries > 0", name="seals_something"))

    seq: Mapped[int]
    through_id: Mapped[int]
    entries: Mapped[int]
    leaves: Mapped[bytes]
    digest: Mapped[str]
    sealed_at: Mapped[datetime]

    @property
    def stamp(self) -> str:
        """How an operator keeps it outside: "12:3fa9…"."""
        return f"{self.seq}:{self.digest}"


class Leaf(NamedTuple):
    """One entry in a seal."""

    entry_id: int
    hash: bytes


@dataclass(frozen=True)
class Verification:
    """What looking through a mall's chain gave. `trouble` names the first thing that is wrong, None when nothing is."""

    seals: int
    entries: int
    unsealed: int
    last: AuditSeal | None
    trouble: str | None


class WritersRemain(RuntimeError):
    """Somebody has been writing to the audit log for so long that it cannot be sealed now; the job tries again."""


def seal_entries() -> int:
    """Seal every entry of this mall that is not sealed yet, in the order of their numbers; returns how many. WritersRemain."""
    db.lock("audit seals")
    newest = session.scalar(select(func.max(AuditEntry.id)))
    if newest is None:
        return 0
    _wait_for_writers()
    sealed, last = 0, _last()
    while leaves := list(_leaves(last.through_id if last else 0, newest, AT_MOST)):
        last = _seal(last, leaves)
        sealed += len(leaves)
    return sealed


def _wait_for_writers() -> None:
    waited_for = set(session.scalars(_WRITERS))
    until = clock.monotonic() + PATIENCE
    while waited_for:
        if clock.monotonic() > until:
            raise WritersRemain()
        time.sleep(POLL)
        waited_for &= set(session.scalars(_WRITERS))


def _seal(before: AuditSeal | None, leaves: Sequence[Leaf]) -> AuditSeal:
    packed = b"".join(_LEAF.pack(*leaf) for leaf in leaves)
    seq = before.seq + 1 if before else 1
    digest = _digest(seq, before, packed)
    made = AuditSeal(seq=seq, through_id=leaves[-1].entry_id, entries=len(leaves), leaves=packed, digest=digest, sealed_at=clock.now())
    session.add(made)
    session.flush()
    return made


def _digest(seq: int, before: AuditSeal | None, leaves: bytes) -> str:
    head = json.dumps(["audit seal", db.mall(), seq, before.digest if before else ""]).encode()
    return hashlib.sha256(head + leaves).hexdigest()


def _last() -> AuditSeal | None:
    return session.scalar(select(AuditSeal).order_by(AuditSeal.seq.desc()).limit(1))


def _leaves(after: int, through: int, most: int | None = None) -> Iterator[Leaf]:
    # JSON as PostgreSQL writes it: the same text for the same value, whatever a driver would make of it.
    query = select(
        AuditEntry.id, AuditEntry.mall_id, AuditEntry.who, AuditEntry.did, AuditEntry.subject_type, AuditEntry.subject_id,
        cast(AuditEntry.before, Text).label("before"), cast(AuditEntry.after, Text).label("after"), AuditEntry.why, AuditEntry.at,
    ).where(AuditEntry.id > after, AuditEntry.id <= through).order_by(AuditEntry.id).limit(most)  # fmt: skip
    for row in session.execute(query):
        yield Leaf(row.id, hashlib.sha256(_canonical(tuple(row))).digest())


def _canonical(row: Iterable[Any]) -> bytes:
    values = [value.isoformat() if isinstance(value, datetime) else value for value in row]
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()


def verify(kept: str | None = None) -> Verification:
    """Look through this mall's chain from its first seal on. `kept` is the stamp of one that was kept outside: it must be there."""
    trouble: str | None = None
    last: AuditSeal | None = None
    seals = entries = 0
    stamps = set()
    for seal in session.scalars(select(AuditSeal).order_by(AuditSeal.seq).execution_options(yield_per=20)):
        trouble = trouble or _trouble(last, seal)
        last, seals, entries = seal, seals + 1, entries + seal.entries
        stamps.add(seal.stamp)
    if kept is not None and kept not in stamps:
        trouble = trouble or f"the seal {kept} that was kept is not in the chain"
    unsealed = select(func.count()).select_from(AuditEntry).where(AuditEntry.id > (last.through_id if last else 0))
    return Verification(seals, entries, session.scalar(unsealed) or 0, last, trouble)


def _trouble(before: AuditSeal | None, seal: AuditSeal) -> str | None:
    if seal.seq != (before.seq + 1 if before else 1):
        return f"seal {before.seq + 1 if before else 1} was removed"
    sealed = [Leaf(*parts) for parts in _LEAF.iter_unpack(seal.leaves)] if len(seal.leaves) % _LEAF.size == 0 else []
    if seal.digest != _digest(seal.seq, before, seal.leaves) or len(sealed) != seal.entries or sealed[-1].entry_id != seal.through_id:
        return f"seal {seal.seq} was changed"
    present = dict(_leaves(before.through_id if before else 0, seal.through_id))
    expected = dict(sealed)
    for entry_id in sorted(present.keys() | expected.keys()):
        if entry_id not in present:
            return f"entry {entry_id} was removed"
        if entry_id not in expected:
            return f"entry {entry_id} was slipped in"
        if present[entry_id] != expected[entry_id]:
            return f"entry {entry_id} was changed"
    return None
