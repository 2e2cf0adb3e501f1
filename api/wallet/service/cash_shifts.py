"""Cash at the desk (收银班次): opened with a counted float, handed in to another person, counted by one person and again by another.

What should lie in a shift is in its row and shown to nobody before two people have counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, case, func, select, update
from sqlalchemy.dialects.postgresql import insert

from api.approvals import service as approvals
from api.kit import audit, clock, logs, pages, states
from api.kit.db import session
from api.malls import service as malls
from api.wallet.errors import (
    CashCountWrong,
    CashFloatTooLarge,
    CashHandInDiffers,
    CashHandInNeeded,
    CashHandInNotFound,
    CashHandInWaits,
    CashShiftNeeded,
    CashShiftNotFound,
    CashShiftOfAnother,
    CashShiftOpen,
)
from api.wallet.models import CardSale, CashHandIn, CashShift
from api.wallet.policy import WalletRules
from api.wallet.states import CASH_AT_DESK, CashHandInState, CashShiftState

log = logs.get(__name__)


class Pieces(NamedTuple):
    """So many notes or coins of one value."""

    face_fen: int
    pieces: int


class Count(NamedTuple):
    """Cash as somebody counted it: in fen, and by value where it was counted so."""

    total_fen: int
    pieces: Sequence[Pieces] = ()

    def by_face(self) -> dict[str, int]:
        """How many of each value, as it is kept."""
        return {str(line.face_fen): line.pieces for line in self.pieces}


def count_of(total_fen: int | None, pieces: Sequence[Pieces]) -> Count:
    """A count out of either one sum or the pieces of each value. CashCountWrong."""
    if (total_fen is None) == (not pieces):
        raise CashCountWrong(errors={"total_fen": "is needed, or notes and coins by value, and not both"})
    if len({line.face_fen for line in pieces}) != len(pieces):
        raise CashCountWrong(errors={"pieces": "each value is counted once"})
    return Count(sum(line.face_fen * line.pieces for line in pieces) if total_fen is None else total_fen, pieces)


def open_shift(desk: str, count: Count, *, by: str) -> CashShift:
    """Open a person's cash shift at a desk with a counted float. CashFloatTooLarge; CashShiftOpen: one a person, one a desk."""
    limit_fen = malls.policy(WalletRules).cash_in_shift_fen
    if count.total_fen > limit_fen:
        raise CashFloatTooLarge(limit_fen=limit_fen)
    now = clock.now()
    desk = " ".join(desk.split())
    opened = insert(CashShift).values(
        state=str(CashShiftState.OPEN), moved_at=now, desk=desk, float_fen=count.total_fen, pieces={"float": count.by_face()},
        opened_by=by, opened_at=now,
    )  # fmt: skip
    shift_id = session.scalar(opened.on_conflict_do_nothing().returning(CashShift.id))
    if shift_id is None:
        raise CashShiftOpen()
    audit.record(by, "cash shift opened", "cash_shift", shift_id, after={"desk": desk, "float_fen": count.total_fen})
    return shift(shift_id)


def take(total_fen: int, *, by: str) -> int:
    """Put cash of a sale into the open shift of who sells; returns the shift. CashShiftNeeded, CashHandInNeeded. One statement.

    It asks and adds at once: nothing goes into a shift that is being counted, and two sales cannot pass the limit together.
    """
    limit_fen = malls.policy(WalletRules).cash_in_shift_fen
    own = CashShift.opened_by == by, CashShift.state == CashShiftState.OPEN
    lies_fen = CashShift.float_fen + CashShift.sold_fen - CashShift.handed_in_fen
    taken = update(CashShift).where(*own, lies_fen + total_fen <= limit_fen).values(sold_fen=CashShift.sold_fen + total_fen)
    shift_id = session.scalar(taken.returning(CashShift.id))
    if shift_id is not None:
        return int(shift_id)
    if session.scalar(select(CashShift.id).where(*own)) is None:
        raise CashShiftNeeded()
    raise CashHandInNeeded(limit_fen=limit_fen)


def hand_in(shift_id: int, amount_fen: int, *, by: str) -> CashHandIn:
    """Hand cash of one's own open shift in; it lies there until another person takes it.

    CashShiftNotFound, CashShiftOfAnother, WrongState, CashHandInWaits.
    """
    held = _hold(shift_id)
    if held.opened_by != by:
        raise CashShiftOfAnother()
    _refuse_unless_open(held)
    _refuse_waiting(shift_id)
    now = clock.now()
    made = CashHandIn(
        state=str(CashHandInState.HANDED), moved_at=now, shift_id=shift_id, amount_fen=amount_fen, handed_by=by, handed_at=now
    )  # fmt: skip
    session.add(made)
    session.flush()
    audit.record(by, "cash handed in", "cash_hand_in", made.id, after={"shift": shift_id, "amount_fen": amount_fen})
    return made


def take_hand_in(hand_in_id: int, amount_fen: int, *, by: str) -> CashHandIn:
    """Take what somebody else hands in, having counted it. CashHandInNotFound, AnotherPersonNeeded, CashHandInDiffers, WrongState."""
    handed = _hand_in(hand_in_id)
    approvals.refuse_alone(handed.handed_by, by)
    # The shift before the hand-in, as everybody holds them: a count and a taking cannot pass each other.
    _refuse_unless_open(_hold(handed.shift_id))
    if handed.amount_fen != amount_fen:
        raise CashHandInDiffers()
    states.move(handed, CashHandInState.TAKEN, by=by, reason="counted and taken", taken_by=by)
    added = update(CashShift).where(CashShift.id == handed.shift_id)
    session.execute(added.values(handed_in_fen=CashShift.handed_in_fen + amount_fen))
    audit.record(by, "cash taken", "cash_hand_in", handed.id, after={"shift": handed.shift_id, "amount_fen": amount_fen})
    return handed


def withdraw_hand_in(hand_in_id: int, *, by: str, why: str) -> CashHandIn:
    """Keep in one's shift what was handed in and not taken. CashHandInNotFound, CashShiftOfAnother, WrongState."""
    handed = _hand_in(hand_in_id)
    if handed.handed_by != by:
        raise CashShiftOfAnother()
    states.move(handed, CashHandInState.WITHDRAWN, by=by, reason=why)
    audit.record(by, "cash hand-in withdrawn", "cash_hand_in", handed.id, after={"shift": handed.shift_id}, why=why)
    return handed


def count_shift(shift_id: int, count: Count, *, by: str, of_another: bool) -> CashShift:
    """Count what lies in a shift: from now on it takes no cash. Who has it counts; `of_another`: this person may where that one is away.

    CashShiftNotFound, CashShiftOfAnother, CashHandInWaits, WrongState.
    """
    held = _hold(shift_id)
    if held.opened_by != by and not of_another:
        raise CashShiftOfAnother()
    _refuse_unless_open(held)
    _refuse_waiting(shift_id)
    counts = held.pieces | {"counted": count.by_face()}
    states.move(held, CashShiftState.COUNTED, by=by, reason="counted", counted_fen=count.total_fen, counted_by=by, pieces=counts)
    # Without the sum: who counts next may read this log.
    audit.record(by, "cash shift counted", "cash_shift", shift_id, after={"desk": held.desk})
    return held


def close_shift(shift_id: int, count: Count, *, by: str) -> CashShift:
    """Count again what another person counted, take the cash over, and see whether it is what was sold for.

    It differs where this count is not what should lie there or not what the first person counted. CashShiftNotFound, AnotherPersonNeeded,
    WrongState.
    """
    held = _hold(shift_id)
    if held.counted_by is not None:
        approvals.refuse_alone(held.counted_by, by)
    agrees = count.total_fen == held.expected_fen == held.counted_fen
    states.move(
        held, CashShiftState.CLOSED if agrees else CashShiftState.DIFFERS, by=by, reason="counted again", recounted_fen=count.total_fen,
        closed_by=by, closed_at=clock.now(), pieces=held.pieces | {"recounted": count.by_face()},
    )  # fmt: skip
    figures = {
        "expected_fen": held.expected_fen, "counted_fen": held.counted_fen, "recounted_fen": held.recounted_fen,
        "difference_fen": held.difference_fen,
    }  # fmt: skip
    audit.record(by, "cash shift closed", "cash_shift", shift_id, after={"desk": held.desk, "state": held.state} | figures)
    if not agrees:
        log.warning("a cash shift differs", shift=shift_id, desk=held.desk, opened_by=held.opened_by, **figures)
    return held


def explain_difference(shift_id: int, *, by: str, why: str) -> CashShift:
    """Write down why a shift differed; not by who had it, counted it or took of its cash.

    CashShiftNotFound, AnotherPersonNeeded, WrongState.
    """
    differing = shift(shift_id)
    takers = session.scalars(select(CashHandIn.taken_by).where(CashHandIn.shift_id == shift_id)).all()
    for hand in {differing.opened_by, differing.counted_by, differing.closed_by, *takers} - {None}:
        approvals.refuse_alone(str(hand), by)
    states.move(differing, CashShiftState.EXPLAINED, by=by, reason=why, explained_by=by, why=why)
    difference = {"difference_fen": differing.difference_fen}
    audit.record(by, "cash difference explained", "cash_shift", shift_id, after=difference, why=why)
    return differing


def _hold(shift_id: int) -> CashShift:
    query = select(CashShift).where(CashShift.id == shift_id).with_for_update()
    held = session.scalar(query.execution_options(populate_existing=True))
    if held is None:
        raise CashShiftNotFound()
    return held


def _refuse_unless_open(held: CashShift) -> None:
    if held.state != CashShiftState.OPEN:
        raise states.WrongState(state=held.state, wanted=str(CashShiftState.OPEN))


def _refuse_waiting(shift_id: int) -> None:
    waiting = select(CashHandIn.id).where(CashHandIn.shift_id == shift_id, CashHandIn.state == CashHandInState.HANDED)
    if session.scalar(waiting.limit(1)) is not None:
        raise CashHandInWaits()


def _hand_in(hand_in_id: int) -> CashHandIn:
    handed = session.get(CashHandIn, hand_in_id, populate_existing=True)
    if handed is None:
        raise CashHandInNotFound()
    return handed


def shift(shift_id: int) -> CashShift:
    """One shift. CashShiftNotFound."""
    kept = session.get(CashShift, shift_id, populate_existing=True)
    if kept is None:
        raise CashShiftNotFound()
    return kept


def own(by: str) -> CashShift | None:
    """The shift of a person whose cash two people have not counted yet."""
    return session.scalar(select(CashShift).where(CashShift.opened_by == by, CashShift.state.in_(CASH_AT_DESK)))


def listed(
    *, state: str | None = None, opened_by: str | None = None, cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT
) -> pages.Page[CashShift]:
    """Shifts, newest first."""
    query = select(CashShift)
    if opened_by is not None:
        query = query.where(CashShift.opened_by == opened_by)
    return pages.page(_in_state(query, CashShift, state), CashShift.id, cursor=cursor, limit=limit)


def hand_ins(
    *, state: str | None = None, shift_id: int | None = None, cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT
) -> pages.Page[CashHandIn]:
    """Cash handed in, newest first."""
    query = select(CashHandIn)
    if shift_id is not None:
        query = query.where(CashHandIn.shift_id == shift_id)
    return pages.page(_in_state(query, CashHandIn, state), CashHandIn.id, cursor=cursor, limit=limit)


def _in_state(query: Select[Any], kind: type[CashShift] | type[CashHandIn], state: str | None) -> Select[Any]:
    return query if state is None else query.where(kind.state == state)


def day_figures(*, since: datetime, until: datetime) -> dict[str, Any]:
    """Of a half-open range: the shifts that two people counted, and how many were open then and are not counted yet."""
    differing = case((CashShift.state != CashShiftState.CLOSED, 1), else_=0)
    sums = [func.coalesce(func.sum(column), 0) for column in (CashShift.float_fen, CashShift.sold_fen, CashShift.handed_in_fen)]
    query = select(func.count(), *sums, func.coalesce(func.sum(CashShift.recounted_fen), 0), func.coalesce(func.sum(differing), 0)).where(
        CashShift.closed_at >= since, CashShift.closed_at < until
    )
    closed, float_fen, sold_fen, handed_in_fen, recounted_fen, differs = map(int, session.execute(query).one())
    uncounted = select(func.count()).where(CashShift.opened_at < until, CashShift.state.in_(CASH_AT_DESK))
    return {
        "closed": closed, "differs": differs, "uncounted": int(session.scalar(uncounted) or 0), "float_fen": float_fen,
        "sold_fen": sold_fen, "handed_in_fen": handed_in_fen, "recounted_fen": recounted_fen,
        "difference_fen": recounted_fen - float_fen - sold_fen + handed_in_fen,
    }  # fmt: skip


def odd_shifts(*, since: datetime, until: datetime) -> list[tuple[int, int, int]]:
    """Shifts counted in a half-open range whose sum of sales is not what was sold for cash in them: shift, sum of sales, its own sum."""
    sales = select(func.coalesce(func.sum(CardSale.total_fen), 0)).where(CardSale.shift_id == CashShift.id).scalar_subquery()
    query = select(CashShift.id, sales, CashShift.sold_fen).where(CashShift.closed_at >= since, CashShift.closed_at < until)
    return [(row[0], int(row[1]), row[2]) for row in session.execute(query.where(CashShift.sold_fen != sales))]
