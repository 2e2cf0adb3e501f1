"""What can be done with merges: look at what one would do, propose it, carry it out as a second person, and undo it, once."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, or_, select, update

from api.approvals.service import Waiting
from api.kit import clock, pages, rooms, states
from api.kit.db import session
from api.kit.membership import Moved, Rows
from api.members import service as members
from api.members.models import Level, Member
from api.members.service import member_merge as member_merging
from api.members.states import MemberState
from api.merges.errors import DecisionNotYours, MergedOnward, MergeNotFound, MergeOpen
from api.merges.models import Merge, MergeRow
from api.merges.states import MergeState
from api.points import service as points
from api.points.service import member_merge as point_merging

WAITING = Waiting(Merge, MergeState.PROPOSED, MergeState.REJECTED, "proposed_by", {"staff": "merges.propose"})
WAITING_UNDO = Waiting(Merge, MergeState.UNDOING, MergeState.DONE, "undo_proposed_by", {"staff": "merges.propose"})


@dataclass(frozen=True)
class Side:
    """One of the two as it is now."""

    member: Member
    level: Level | None
    holding: points.Holding
    identities: int
    vehicles: int
    consents: int
    channels: list[str]
    counts: dict[str, int]  # what each room counts

    @property
    def batches(self) -> list[dict[str, Any]]:
        """What is left of each batch, and when it expires."""
        return [{"points": points_left, "expires_at": expires_at} for points_left, expires_at in self.holding.batches]


@dataclass(frozen=True)
class Conflict:
    """A field that only one of the two can give: what is kept, of whom."""

    field: str
    kept_of: str  # source · target


@dataclass(frozen=True)
class Preview:
    """Both sides, what the survivor will have, and what conflicts."""

    source: Side
    target: Side
    points: int
    pending: int
    growth: int
    conflicts: list[Conflict]

    @property
    def debt(self) -> int:
        """Points the survivor will owe."""
        return max(0, -self.points)


@dataclass(frozen=True)
class UndoPreview:
    """What undoing would do just now; `lost` names what cannot return."""

    outcome: points.MergeUndo
    lost: list[str]


def preview(source_id: int, target_id: int, *, phone_of_source: bool = False) -> Preview:
    """What a merge would do just now. Writes nothing. MergeWithSelf, MemberNotFound, MemberNotActive."""
    source, target = member_merging.look_at_two(source_id, target_id)
    member_merging.refuse_inactive(source, target)
    source_side, target_side = _side(source), _side(target)
    return Preview(
        source_side,
        target_side,
        source_side.holding.points + target_side.holding.points,
        source_side.holding.pending + target_side.holding.pending,
        source_side.holding.growth + target_side.holding.growth,
        _conflicts(source, target, phone_of_source),
    )


def propose(source_id: int, target_id: int, *, phone_of_source: bool, why: str, by: str) -> Merge:
    """Ask a second person to fold the source into the target. MergeOpen, MergeWithSelf, MemberNotFound, MemberNotActive."""
    seen = preview(source_id, target_id, phone_of_source=phone_of_source)
    both = (source_id, target_id)
    waiting = select(Merge.id).where(Merge.state == MergeState.PROPOSED, or_(Merge.source_id.in_(both), Merge.target_id.in_(both)))
    if (open_id := session.scalar(waiting.limit(1))) is not None:
        raise MergeOpen(merge_id=open_id)
    now = clock.now()
    merge = Merge(
        state=MergeState.PROPOSED, moved_at=now, source_id=source_id, target_id=target_id, phone_of_source=phone_of_source, why=why,
        proposed_by=by, proposed_at=now, preview=_preview_figures(seen),
    )  # fmt: skip
    session.add(merge)
    session.flush()
    return merge


def reject(merge_id: int, *, why: str, by: str, decides: bool) -> Merge:
    """Turn a proposed merge down, or withdraw one's own. MergeNotFound, DecisionNotYours, WrongState."""
    merge = read(merge_id)
    _refuse_uninvolved(merge.proposed_by, by, decides)
    states.move(merge, MergeState.REJECTED, by=by, reason=why, decided_by=by)
    return merge


def approve(merge_id: int, *, by: str) -> Merge:
    """Carry out a merge that somebody else proposed. MergeNotFound, AnotherPersonNeeded, WrongState, MemberNotActive."""
    merge = read(merge_id)
    WAITING.refuse_unfit(merge, by)
    states.move(merge, MergeState.DONE, by=by, decided_by=by, done_at=clock.now())
    source, target = _hold(merge.source_id, merge.target_id)
    member_merging.refuse_inactive(source, target)
    moved, held, transfer_id = points.merge(source.id, target.id, merge_id=merge.id)
    moved += [row for part in rooms.member_parts() for row in part.hand_over(source.id, target.id)]
    of_members, kept = member_merging.absorb(source, target, phone_of_source=merge.phone_of_source, by=by)
    _store_rows(merge, [*moved, *of_members])
    merge.held, merge.kept, merge.transfer_id = point_merging.stored(held), kept, transfer_id
    merge.moved = dict(Counter(row.kind for row in [*moved, *of_members]))
    session.flush()
    return merge


def preview_undo(merge_id: int) -> UndoPreview:
    """What undoing a merge would do just now. Writes nothing. MergeNotFound, MergedOnward, WrongState."""
    merge = read(merge_id)
    if merge.state not in (MergeState.DONE, MergeState.UNDOING):
        raise states.WrongState(state=merge.state, wanted=str(MergeState.UNDONE))
    source, target = _both_members(merge, hold=False)
    rows = _rows(merge.id)
    outcome = points.preview_undo_merge(target.id, rows, point_merging.restored(merge.held or {}))
    return UndoPreview(outcome, member_merging.unreturnable(source, target, rows, merge.kept or {}))


def propose_undo(merge_id: int, *, why: str, by: str) -> Merge:
    """Ask a second person to undo a merge. MergeNotFound, MergedOnward, WrongState."""
    merge = read(merge_id)
    states.move(merge, MergeState.UNDOING, by=by, reason=why, undo_why=why, undo_proposed_by=by)
    _both_members(merge)
    return merge


def reject_undo(merge_id: int, *, why: str, by: str, decides: bool) -> Merge:
    """Let a merge stand after all. MergeNotFound, DecisionNotYours, WrongState."""
    merge = read(merge_id)
    _refuse_uninvolved(merge.undo_proposed_by, by, decides)
    states.move(merge, MergeState.DONE, by=by, reason=why)
    return merge


def approve_undo(merge_id: int, *, by: str) -> Merge:
    """Make two of one again. What was earned since stays with the survivor; what was spent of the other's it owes.

    MergeNotFound, AnotherPersonNeeded, MergedOnward, WrongState.
    """
    merge = read(merge_id)
    WAITING_UNDO.refuse_unfit(merge, by)
    states.move(merge, MergeState.UNDONE, by=by, undo_decided_by=by, undone_at=clock.now())
    rows = _rows(merge.id)
    _lock_moved(merge.target_id, rows)
    source, target = _both_members(merge)
    held = point_merging.restored(merge.held or {})
    done, transfer_id, causes = points.undo_merge(target.id, source.id, rows, held, merge_id=merge.id, undoes=merge.transfer_id)
    for part in rooms.member_parts():
        part.bring_back(rows, target.id, source.id)
    lost = member_merging.release(source, target, rows, merge.kept or {}, causes=causes, by=by)
    merge.undone, merge.undo_transfer_id = asdict(done) | {"survivor_debt": done.survivor_debt, "lost": lost}, transfer_id
    session.flush()
    return merge


def read(merge_id: int) -> Merge:
    """One merge. MergeNotFound."""
    merge = session.get(Merge, merge_id, populate_existing=True)
    if merge is None:
        raise MergeNotFound()
    return merge


def listed(*, state: str | None, member_id: int | None, cursor: str | None, limit: int) -> pages.Page[Merge]:
    """Merges, newest first: of one state, or that a member was part of."""
    query = select(Merge)
    if state is not None:
        query = query.where(Merge.state == state)
    if member_id is not None:
        query = query.where(or_(Merge.source_id == member_id, Merge.target_id == member_id))
    return pages.page(query, Merge.id, cursor=cursor, limit=limit)


def history(merge_id: int) -> list[dict[str, Any]]:
    """Every step of a merge: who, when, why. At most as many as a merge can take, so it is not paged."""
    moves = Merge.moves_table
    rows = session.execute(select(moves).where(moves.c.merge_id == merge_id).order_by(moves.c.seq).limit(100))
    return [{"state": row.to_state, "by": row.moved_by, "why": row.reason, "at": row.moved_at} for row in rows]


def forget(member_id: int) -> None:
    """One of both closes the account: what they were like, names, phones and how wallets know them, goes. It cannot be undone any more."""
    theirs = or_(Merge.target_id == member_id, Merge.source_id == member_id)
    session.execute(update(MergeRow).where(MergeRow.merge_id.in_(select(Merge.id).where(theirs))).values(facts=None))
    session.execute(update(Merge).where(theirs).values(kept=None))


def export(member_id: int) -> list[dict[str, Any]]:
    """The merges a member was part of, for the member's own export."""
    rows = session.scalars(select(Merge).where(Merge.target_id == member_id).order_by(Merge.id.desc()).limit(100))
    return [{"number": row.source_id, "state": row.state, "at": _iso(row.done_at), "undone_at": _iso(row.undone_at)} for row in rows]


def _refuse_uninvolved(proposed_by: str | None, by: str, decides: bool) -> None:
    if not decides and by != proposed_by:
        raise DecisionNotYours()


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _side(member: Member) -> Side:
    counted = member_merging.counts(member.id)
    return Side(
        member,
        members.level_of(member.level_rank),
        points.holding(member.id),
        counted["identity"],
        counted["vehicle"],
        counted["consent"],
        member_merging.channels(member.id),
        {name: number for part in rooms.member_parts() for name, number in part.count(member.id).items()},
    )


def _conflicts(source: Member, target: Member, phone_of_source: bool) -> list[Conflict]:
    conflicts = []
    if source.phone_key and target.phone_key and source.phone_key != target.phone_key:
        conflicts.append(Conflict("phone", "source" if phone_of_source else "target"))
    for field in ("nickname", "birthday_on"):
        of_source, of_target = getattr(source, field), getattr(target, field)
        if of_source is not None and of_target is not None and of_source != of_target:
            conflicts.append(Conflict(field, "target"))
    if source.level_rank != target.level_rank:
        conflicts.append(Conflict("level", "source" if source.level_rank > target.level_rank else "target"))
    return conflicts


def _preview_figures(seen: Preview) -> dict[str, Any]:
    """A preview as it is kept: figures, no personal data."""

    def side(holder: Side) -> dict[str, Any]:
        return asdict(holder.holding) | {
            "level_rank": holder.member.level_rank, "identities": holder.identities, "vehicles": holder.vehicles, **holder.counts,
        }  # fmt: skip

    conflicts = [asdict(conflict) for conflict in seen.conflicts]
    return {"source": side(seen.source), "target": side(seen.target), "points": seen.points, "conflicts": conflicts}


def _hold(source_id: int, target_id: int) -> tuple[Member, Member]:
    """Wait for what still earns for the source, then lock both members: the order in which scoring locks."""
    for part in rooms.member_parts():
        part.lock(source_id)
    return member_merging.lock_two(source_id, target_id)


def _lock_moved(target_id: int, rows: Rows) -> None:
    for part in rooms.member_parts():
        part.lock(target_id, rows.get(part.kind, ()))


def _both_members(merge: Merge, *, hold: bool = True) -> tuple[Member, Member]:
    source, target = member_merging.look_at_two(merge.source_id, merge.target_id, hold=hold)
    if target.state != MemberState.ACTIVE or source.folded_into_id != target.id or merge.kept is None:
        raise MergedOnward()
    return source, target


def _store_rows(merge: Merge, moved: list[Moved]) -> None:
    rows = [{"merge_id": merge.id, "kind": row.kind, "row_id": row.row_id, "facts": row.facts} for row in moved]
    if rows:
        session.execute(insert(MergeRow), rows)


def _rows(merge_id: int) -> dict[str, dict[int, dict[str, Any] | None]]:
    rows: dict[str, dict[int, dict[str, Any] | None]] = {}
    for row in session.execute(select(MergeRow.kind, MergeRow.row_id, MergeRow.facts).where(MergeRow.merge_id == merge_id)):
        rows.setdefault(row.kind, {})[row.row_id] = row.facts
    return rows
