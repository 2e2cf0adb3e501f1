"""Two memberships of one person become one, and can become two again: points, batches, awards and debts go along, and come back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert

from api.kit import clock
from api.kit.db import session
from api.kit.membership import Moved, Rows
from api.ledger import service as ledger
from api.ledger.service import Asset, Entry
from api.members.service.member_merge import bring_back, move
from api.points.models import Adjustment, Award, Batch, Spend, SpendPart, TakeBack
from api.points.service import batches, counterfactual
from api.points.service.counterfactual import SeparateAccount
from api.points.states import AdjustmentState

ASSETS = (Asset.POINTS, Asset.POINTS_PENDING, Asset.GROWTH)
MERGED, UNDONE = "points_merge", "points_merge_undone"
_TABLES: dict[str, Any] = {"batch": Batch, "award": Award, "spend": Spend, "take_back": TakeBack, "adjustment": Adjustment}


@dataclass(frozen=True)
class Holding:
    """What a member holds: spendable points (below zero: owed), pending ones, growth value, and the batches."""

    points: int
    pending: int
    growth: int
    batches: tuple[tuple[int, str | None], ...]  # what is left, and when it expires

    @property
    def debt(self) -> int:
        """Points owed."""
        return max(0, -self.points)


@dataclass(frozen=True)
class MergeUndo:
    """What undoing a merge would do: what goes back to the source, and what the survivor has after it (below zero: owes)."""

    points: int
    pending: int
    growth: int
    survivor_points: int
    survivor_pending: int
    spent_since: int

    @property
    def survivor_debt(self) -> int:
        """Points the survivor will owe, because it has spent what was the other's."""
        return max(0, -self.survivor_points)


def holds(member_id: int) -> bool:
    """Whether a member has points, spendable, pending or owed."""
    held = ledger.balances(batches.member_account(member_id), ASSETS)
    return any(held[asset] for asset in (Asset.POINTS, Asset.POINTS_PENDING))


def holding(member_id: int) -> Holding:
    """What a member holds now, batches that expire first first; at most a hundred of them."""
    held = ledger.balances(batches.member_account(member_id), ASSETS)
    query = select(Batch.left_points, Batch.expires_at).where(Batch.member_id == member_id, Batch.left_points > 0)
    rows = session.execute(query.order_by(Batch.expires_at.nulls_last(), Batch.id).limit(100))
    lines = tuple((row.left_points, row.expires_at.isoformat() if row.expires_at else None) for row in rows)
    return Holding(held[Asset.POINTS], held[Asset.POINTS_PENDING], held[Asset.GROWTH], lines)


def lock_awards(member_id: int, ids: Iterable[int] | None = None) -> None:
    """Hold a member's awards, all or these: activations and refunds wait."""
    query = select(Award.id).where(Award.member_id == member_id).order_by(Award.id).with_for_update()
    session.execute(query if ids is None else query.where(Award.id.in_(list(ids)))).all()


def merge(from_member_id: int, into_member_id: int, *, merge_id: int) -> tuple[list[Moved], Holding, int | None]:
    """Move everything of one member to another, once. A debt of the one is paid from the points of the other.

    Returns what moved, what the one held, and the transfer (None when it held nothing).
    """
    _hold_accounts(from_member_id, into_member_id)
    held = holding(from_member_id)
    entries = _both_sides(from_member_id, into_member_id, held.points, held.pending, held.growth)
    transfer_id = ledger.post(MERGED, merge_id, entries) if entries else None
    moved = _facts(from_member_id)
    for kind, table in _TABLES.items():
        rows = move(kind, table, from_member_id, into_member_id)
        moved += rows if kind == "take_back" else []  # the others are among _facts already
    return [*moved, *_settle_debt(into_member_id)], held, transfer_id


def _hold_accounts(*member_ids: int) -> None:
    for member_id in sorted(member_ids):
        batches.expire(member_id)
    for member_id in sorted(member_ids):
        ledger.lock(batches.member_account(member_id), Asset.POINTS)


def _both_sides(source_id: int, target_id: int, points: int, pending: int, growth: int) -> list[Entry]:
    source, target = batches.member_account(source_id), batches.member_account(target_id)
    return [
        entry
        for asset, amount in zip(ASSETS, (points, pending, growth), strict=True)
        if amount
        for entry in (
            Entry(source, asset, -amount, overdraft=asset != Asset.POINTS_PENDING),
            Entry(target, asset, amount, overdraft=asset != Asset.POINTS_PENDING),
        )
    ]


def _facts(member_id: int) -> list[Moved]:
    """A member's rows as they stand, with what undoing the merge will have to know of them."""
    columns: dict[str, dict[str, Any]] = {
        "batch": {"left": Batch.left_points, "expired": Batch.expired_points},
        "award": {"state": Award.state},
        "spend": {"given_back": Spend.given_back},
        "adjustment": {"state": Adjustment.state},
    }
    moved = []
    for kind, facts in columns.items():
        table = _TABLES[kind]
        rows = session.execute(select(table.id, *facts.values()).where(table.member_id == member_id).order_by(table.id))
        moved += [Moved(kind, row[0], dict(zip(facts, row[1:], strict=True))) for row in rows]
    parts = select(SpendPart.id, SpendPart.returned).join(Spend, Spend.id == SpendPart.spend_id).where(Spend.member_id == member_id)
    return moved + [Moved("spend_part", row.id, {"returned": row.returned}) for row in session.execute(parts.order_by(SpendPart.id))]


def _settle_debt(member_id: int) -> list[Moved]:
    """Batches may now hold more than the account, because one of the two owed points; returns what was taken from which."""
    over = _left_points(member_id) - max(0, ledger.balance(batches.member_account(member_id), Asset.POINTS))
    if over <= 0:
        return []
    before = _left_by_batch(member_id)
    batches.take(member_id, over)
    after = _left_by_batch(member_id)
    return [Moved("settled_batch", row_id, {"points": left - after.get(row_id, 0)}) for row_id, left in before.items()
            if left != after.get(row_id, 0)]  # fmt: skip


def _left_points(member_id: int) -> int:
    return int(session.scalar(select(func.coalesce(func.sum(Batch.left_points), 0)).where(Batch.member_id == member_id)) or 0)


def _left_by_batch(member_id: int) -> dict[int, int]:
    rows = session.execute(select(Batch.id, Batch.left_points).where(Batch.member_id == member_id, Batch.left_points > 0))
    return {row.id: row.left_points for row in rows}


def preview_undo_merge(target_id: int, rows: Rows, held: Holding) -> MergeUndo:
    """What undoing the merge would do just now. Writes nothing."""
    return _undo_outcome(target_id, counterfactual.replay(rows, held.points, held.growth), rows)


def _undo_outcome(target_id: int, account: SeparateAccount, rows: Rows) -> MergeUndo:
    has = holding(target_id)
    due = sum(left for left, expires in has.batches if expires is not None and expires <= clock.now().isoformat())
    return MergeUndo(
        account.points,
        account.pending,
        account.growth,
        has.points - due - account.points,
        has.pending - account.pending,
        counterfactual.spent_of(target_id, rows),
    )


def undo_merge(
    target_id: int, source_id: int, rows: Rows, held: Holding, *, merge_id: int, undoes: int | None
) -> tuple[MergeUndo, int | None, list[str]]:
    """Undo a merge: the source gets what it would have today, had it never been merged; the survivor pays, and owes what it has spent.

    Returns what was done, the transfer, and the causes of growth since then that belong to the source.
    """
    _hold_accounts(source_id, target_id)
    account = counterfactual.replay(rows, held.points, held.growth)
    done = _undo_outcome(target_id, account, rows)
    entries = _both_sides(target_id, source_id, account.points, account.pending, account.growth)
    transfer_id = ledger.post(UNDONE, merge_id, entries, undoes=undoes) if entries else None
    _bring_back(target_id, source_id, rows, account)
    _open_replacement_batches(target_id, source_id, merge_id)
    _store_batches(account)
    _match_batches_to_account(target_id, max(0, done.survivor_points), rows, merge_id)
    return done, transfer_id, account.growth_causes


def _bring_back(target_id: int, source_id: int, rows: Rows, account: SeparateAccount) -> None:
    since = {"batch": account.new_batches, "take_back": account.new_take_backs}
    for kind, table in _TABLES.items():
        ids = [*rows.get(kind, ()), *since.get(kind, ())]
        only = (_undecided_or_decided_before(rows),) if kind == "adjustment" else ()
        bring_back(table, ids, target_id, source_id, *only)


def _undecided_or_decided_before(rows: Rows) -> ColumnElement[bool]:
    """An adjustment that was posted after the merge went to the survivor, and stays."""
    decided = [row_id for row_id, facts in rows.get("adjustment", {}).items() if (facts or {})["state"] != AdjustmentState.PROPOSED]
    return (Adjustment.state == AdjustmentState.PROPOSED) | Adjustment.id.in_(decided)


def _open_replacement_batches(target_id: int, source_id: int, merge_id: int) -> None:
    """What the survivor spent from the other's batches must return to the survivor: a batch of its own with the same expiry stands in."""
    spent = (
        select(SpendPart.batch_id, func.sum(SpendPart.points).label("points"))
        .join(Spend, Spend.id == SpendPart.spend_id)
        .join(Batch, Batch.id == SpendPart.batch_id)
        .where(Spend.member_id == target_id, Batch.member_id == source_id)
        .group_by(SpendPart.batch_id)
        .subquery()
    )
    batch_rows = session.execute(
        select(Batch.id, Batch.earned_at, Batch.expires_at, spent.c.points).join(spent, spent.c.batch_id == Batch.id)
    )
    for row in batch_rows.all():
        values = {"member_id": target_id, "origin_type": f"merge_undone:{merge_id}", "origin_id": row.id, "points": row.points}
        values |= {"left_points": 0, "earned_at": row.earned_at, "expires_at": row.expires_at}
        made = session.scalar(insert(Batch).values(**values).returning(Batch.id))
        theirs = select(Spend.id).where(Spend.member_id == target_id).scalar_subquery()
        session.execute(update(SpendPart).where(SpendPart.batch_id == row.id, SpendPart.spend_id.in_(theirs)).values(batch_id=made))


def _store_batches(account: SeparateAccount) -> None:
    for batch in account.batches.values():
        values: dict[str, Any] = {"left_points": batch.left}
        if batch.expired:
            values["expired_points"] = batch.expired
        session.execute(update(Batch).where(Batch.id == batch.id).values(**values))


def _match_batches_to_account(member_id: int, wanted: int, rows: Rows, merge_id: int) -> None:
    """Let the survivor's batches hold as much as its account: take from those that expire first, or fill up what was taken from them."""
    missing = wanted - _left_points(member_id)
    if missing < 0:
        batches.take(member_id, -missing)
    settled = {row_id: (facts or {})["points"] for row_id, facts in rows.get("settled_batch", {}).items()}
    for row_id, room in [*settled.items(), *_free_capacity(member_id)]:
        if missing <= 0:
            return
        missing -= _refill(row_id, member_id, min(room, missing))
    if missing > 0:
        now = clock.now()
        batches.open_batch(member_id, "merge_undone", merge_id, missing, missing, earned_at=now, expires_at=batches.expiry_of(now))


def _free_capacity(member_id: int) -> list[tuple[int, int]]:
    room = Batch.points - Batch.left_points - Batch.expired_points
    valid = (Batch.expires_at > clock.now()) | Batch.expires_at.is_(None)
    query = select(Batch.id, room).where(Batch.member_id == member_id, room > 0, valid).order_by(Batch.expires_at.desc().nulls_first())
    return [(row[0], row[1]) for row in session.execute(query)]


def _refill(batch_id: int, member_id: int, points: int) -> int:
    """Put points back into a batch of the member, as many as it can hold and unless it has expired; returns how many."""
    room = Batch.points - Batch.left_points - Batch.expired_points
    valid = (Batch.expires_at > clock.now()) | Batch.expires_at.is_(None)
    can = session.scalar(select(func.least(room, points)).where(Batch.id == batch_id, Batch.member_id == member_id, valid)) or 0
    session.execute(update(Batch).where(Batch.id == batch_id).values(left_points=Batch.left_points + can))
    return int(can)


def stored(held: Holding) -> dict[str, Any]:
    """A holding as JSON values, and `restored` reads it."""
    return {"points": held.points, "pending": held.pending, "growth": held.growth, "batches": [list(line) for line in held.batches]}


def restored(facts: dict[str, Any]) -> Holding:
    """The holding that `stored` wrote."""
    return replace(Holding(**facts), batches=tuple((left, expires) for left, expires in facts["batches"]))


def export(member_id: int) -> dict[str, Any]:
    """A member's own data in this room, as JSON values, for the export the law grants."""
    held = ledger.balances(batches.member_account(member_id), ASSETS)
    awards = session.execute(
        select(Award.sale_id, Award.points, Award.taken_back, Award.earned_at, Award.explanation)
        .where(Award.member_id == member_id)
        .order_by(Award.id)
    )
    return {
        "balances": {str(asset): amount for asset, amount in held.items()},
        "awards": [
            {"sale_id": row.sale_id, "points": row.points - row.taken_back, "at": row.earned_at.isoformat(), "why": row.explanation}
            for row in awards
        ],
    }
