"""What a merged member would have today, had it never been merged: its own events since then, applied to what it brought.

The survivor's spends and earnings do not count here; they are the survivor's. Activations, refunds and expiries of the member's own
purchases, and points given back for its own spends, do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select

from api.kit import clock
from api.kit.db import session
from api.kit.membership import Rows
from api.points.models import Award, Batch, Spend, SpendPart, TakeBack
from api.points.states import AwardState


@dataclass
class _Batch:
    """One batch as it would stand."""

    id: int
    award_id: int | None
    points: int
    left: int
    expired: int
    expires_at: datetime | None


@dataclass
class SeparateAccount:
    """The member's own account and batches, with its events since the merge applied."""

    points: int
    growth: int
    pending: int = 0
    batches: dict[int, _Batch] = field(default_factory=dict)
    new_batches: list[int] = field(default_factory=list)
    new_take_backs: list[int] = field(default_factory=list)
    growth_causes: list[str] = field(default_factory=list)

    def expire(self, at: datetime) -> None:
        """Batches past their time by then expire."""
        for batch in self.batches.values():
            if batch.left and batch.expires_at is not None and batch.expires_at <= at:
                self.points -= batch.left
                batch.expired += batch.left
                batch.left = 0

    def activate(self, batch: _Batch) -> None:
        """Pending points became spendable; they repay a debt first."""
        self.points += batch.points
        batch.left = min(batch.points, max(0, self.points))
        self.batches[batch.id] = batch

    def take_back(self, award_id: int, points: int) -> None:
        """A refund: what expired unspent is gone already, the rest comes from the award's own batch, then from those that expire first."""
        own = next((batch for batch in self.batches.values() if batch.award_id == award_id), None)
        from_expired = min(max(0, points - own.left), own.expired) if own is not None else 0
        taken = points - from_expired
        self.points -= taken
        for batch in sorted(self.batches.values(), key=lambda batch: (batch is not own, *_soonest(batch))):
            part = min(batch.left, taken)
            batch.left -= part
            taken -= part

    def give_back(self, parts: Iterable[tuple[int, int]]) -> None:
        """Points of the member's own spends came back to the batches they were from, after a debt was repaid."""
        for batch_id, points in parts:
            self.points += points
            self.batches[batch_id].left += min(points, max(0, self.points))


def _soonest(batch: _Batch) -> tuple[bool, float, int]:
    return (batch.expires_at is None, batch.expires_at.timestamp() if batch.expires_at else 0.0, batch.id)


def replay(rows: Rows, points: int, growth: int) -> SeparateAccount:
    """The member as it would stand now. `rows` moved at the merge; `points` and `growth` are what it held then."""
    account = SeparateAccount(points, growth)
    awards = list(rows.get("award", {}))
    account.pending = _pending(awards)
    known, opened = _batches(rows, awards)
    account.batches = {batch.id: batch for batch in known}
    account.new_batches = [batch.id for _, batch in opened]
    refunds = _refunds(awards, rows.get("take_back", ()))
    account.new_take_backs = [refund.id for refund in refunds]
    account.growth -= sum(refund.growth for refund in refunds)
    account.growth_causes = [f"points_award:{award_id}" for award_id in awards] + [f"sale_refund:{row.sale_refund_id}" for row in refunds]
    _apply_events(account, opened, refunds)
    account.give_back(_given_back(rows))
    account.expire(clock.now())
    return account


def _apply_events(account: SeparateAccount, opened: list[tuple[datetime, _Batch]], refunds: list[TakeBack]) -> None:
    activations = {batch.award_id: at for at, batch in opened}
    held = {batch.award_id for batch in account.batches.values()}
    events: list[tuple[datetime, int, object]] = [(at, number, batch) for number, (at, batch) in enumerate(opened)]
    for refund in refunds:
        # While the award was pending, a refund only made fewer points pending.
        if refund.award_id in held or (refund.award_id in activations and activations[refund.award_id] <= refund.taken_at):
            events.append((refund.taken_at, len(opened) + refund.id, refund))
    for at, _, event in sorted(events, key=lambda event: event[:2]):
        account.expire(at)
        if isinstance(event, _Batch):
            account.activate(event)
        elif isinstance(event, TakeBack):
            account.take_back(event.award_id, event.points)


def _pending(awards: list[int]) -> int:
    waiting = select(func.coalesce(func.sum(Award.points - Award.taken_back), 0))
    return int(session.scalar(waiting.where(Award.id.in_(awards), Award.state == AwardState.PENDING)) or 0)


def _batches(rows: Rows, awards: list[int]) -> tuple[list[_Batch], list[tuple[datetime, _Batch]]]:
    """The batches that moved, as they stood then; and those opened since by the member's own awards, with when."""
    then = {row_id: facts or {} for row_id, facts in rows.get("batch", {}).items()}
    of_awards = (Batch.origin_type == "award") & Batch.origin_id.in_(awards)
    batch_rows = session.scalars(select(Batch).where(Batch.id.in_(list(then)) | of_awards).order_by(Batch.id))
    moves = Award.moves_table
    active = select(moves.c.points_award_id, moves.c.moved_at).where(
        moves.c.to_state == AwardState.ACTIVE, moves.c.points_award_id.in_(awards)
    )
    since = {row.points_award_id: row.moved_at for row in session.execute(active)}
    known, opened = [], []
    for row in batch_rows.all():
        award_id = row.origin_id if row.origin_type == "award" else None
        if row.id in then:
            known.append(_Batch(row.id, award_id, row.points, then[row.id]["left"], then[row.id]["expired"], row.expires_at))
        else:
            opened.append((since[award_id], _Batch(row.id, award_id, row.points, 0, 0, row.expires_at)))
    return known, opened


def _refunds(awards: list[int], known: Iterable[int]) -> list[TakeBack]:
    query = select(TakeBack).where(TakeBack.award_id.in_(awards), TakeBack.id.not_in(list(known)))
    return list(session.scalars(query.order_by(TakeBack.taken_at, TakeBack.id)))


def _given_back(rows: Rows) -> list[tuple[int, int]]:
    """(batch, points) that came back since then for the member's own spends."""
    before = {row_id: int((facts or {})["returned"]) for row_id, facts in rows.get("spend_part", {}).items()}
    query = select(SpendPart.id, SpendPart.batch_id, SpendPart.returned).where(SpendPart.id.in_(list(before))).order_by(SpendPart.id)
    return [(row.batch_id, row.returned - before[row.id]) for row in session.execute(query) if row.returned > before[row.id]]


def spent_of(target_id: int, rows: Rows) -> int:
    """How many of the points that were brought the survivor has spent since, and not got back."""
    query = (
        select(func.coalesce(func.sum(SpendPart.points - SpendPart.returned), 0))
        .join(Spend, Spend.id == SpendPart.spend_id)
        .where(
            Spend.member_id == target_id, SpendPart.batch_id.in_(list(rows.get("batch", {}))), Spend.id.not_in(list(rows.get("spend", {})))
        )
    )
    return int(session.scalar(query) or 0)
