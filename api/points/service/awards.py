"""A sale earns points: reckon by the rules that were in force, ask the caps, post, and keep the explanation."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select
from sqlalchemy.sql.dml import ReturningInsert

from api.kit import clock, records, states
from api.kit.db import session
from api.kit.money import split
from api.ledger import service as ledger
from api.ledger.service import Asset, Entry
from api.malls import service as malls
from api.members import service as members
from api.points import reckoning
from api.points.errors import AwardNotFound, SaleNotClaimed
from api.points.models import Award
from api.points.policy import PointsRules
from api.points.reckoning import Facts, Reckoned
from api.points.service import batches, caps, growth, rules
from api.points.states import AwardState
from api.sales import service as sales
from api.sales.models import Sale

#: One growth for each whole yuan of what earns.
GROWTH_PER_FEN = 100


def earn(sale_id: int, *, by: str) -> Award:
    """Award a claimed sale its points, once: pending until the return window closes. A sale that earns nothing says why.

    SaleNotFound, SaleNotClaimed.
    """
    sale = sales.lock(sale_id)
    if sale.scored_by is None or sale.member_id is None:
        raise SaleNotClaimed()
    if (earlier := award_of(sale_id)) is not None:
        return earlier
    return earn_claimed(sale, by=by)


def earn_claimed(sale: Sale, *, by: str) -> Award:
    """Award a sale that this very transaction recorded and claimed: nobody else can hold it, and nothing was awarded for it before."""
    assert sale.member_id is not None
    buyer = members.earner(sale.member_id)
    if buyer.id != sale.member_id:
        sales.reassign(sale, buyer.id)
    facts = facts_of(sale, buyer)
    in_force = rules.in_force(sale.paid_at)
    reckoned = reckoning.reckon(facts, in_force, rounding=malls.policy(PointsRules).points_rounding)
    if sale.paid_fen and sale.refunded_fen >= sale.paid_fen:
        reckoned = Reckoned(reason="refunded")
    if buyer.closed:
        reckoned = Reckoned(reason="member_closed")
    reckoned, uses = caps.apply(reckoned, in_force, facts, sale.member_id)
    return _record(sale, facts, reckoned, uses, by)


def award_of(sale_id: int) -> Award | None:
    """What a sale earned, if it has."""
    return session.scalar(select(Award).where(Award.sale_id == sale_id))


def award(award_id: int) -> Award:
    """An award. AwardNotFound."""
    award = session.get(Award, award_id)
    if award is None:
        raise AwardNotFound()
    return award


def facts_of(sale: Sale, buyer: members.Earner) -> Facts:
    """What is known of a sale and its buyer now, as far as rules ask."""
    shop = malls.shop(sale.shop_id)
    # Refunded before it was scored: it earns for what is left.
    gone = sale.refunded_measure_fen
    base_fen = split(sales.earning_base(sale), [sale.measure_fen - gone, gone])[0] if sale.measure_fen else 0
    return Facts(
        base_fen=base_fen,
        paid_fen=sale.paid_fen,
        local=sale.paid_at.astimezone(ZoneInfo(malls.mall_info().timezone)),
        minute_known=sale.minute_known,
        channel=sale.channel,
        shop_id=shop.id,
        site_id=shop.site_id,
        category=shop.category,
        shop_rate_bp=shop.points_rate_bp,
        shop_excluded=shop.excluded,
        level=buyer.rank,
        level_bp=buyer.multiplier_bp,
    )


def _record(sale: Sale, facts: Facts, reckoned: Reckoned, uses: list[list[int]], by: str) -> Award:
    now = clock.now()
    active_from = _window_closes(sale, now)
    pending = active_from > now
    earned_growth = facts.base_fen // GROWTH_PER_FEN if reckoned.points else 0
    posted = _post(sale, reckoned, earned_growth, Asset.POINTS_PENDING if pending else Asset.POINTS)
    state = (AwardState.PENDING if pending else AwardState.ACTIVE) if reckoned.points else AwardState.NOTHING
    made = Award(
        sale_id=sale.id,
        member_id=sale.member_id,
        shop_id=sale.shop_id,
        state=str(state),
        points=reckoned.points,
        growth=earned_growth,
        base_fen=facts.base_fen,
        paid_fen=sale.paid_fen,
        parts=[part.stored() for part in reckoned.parts],
        caps=uses,
        reason=None if reckoned.points else reckoned.reason or "capped",
        explanation=reckoning.explain(facts, reckoned),
        facts=_kept(facts, sale, by, reckoned.capped),
        transfer_id=posted.transfer_id if posted else None,
        paid_at=sale.paid_at,
        earned_at=now,
        active_from_at=active_from,
        expires_at=batches.expiry_of(now),
    )
    _write(made, posted if state == AwardState.ACTIVE else None)
    growth.credit_later(made.member_id, earned_growth, f"points_award:{made.id}")
    return made


def _write(made: Award, posted: ledger.PostedTransfer | None) -> None:
    """Write an award down, with the batch of what was posted (None: nothing that can be spent yet). One statement."""
    values = records.new_values(made)
    written: ReturningInsert[Any] = insert(Award).values(**values).returning(Award.id)
    if posted is not None and not posted.repeated:
        written = batches.opening(made, posted, written.cte("award"))
    records.adopt(made, session.execute(written).scalar_one(), values)


def _window_closes(sale: Sale, now: datetime) -> datetime:
    """When the last day for returning the goods has ended in the mall's own time."""
    info = malls.mall_info()
    days = info.policy.of(PointsRules).return_window_days
    return clock.midnight(sale.paid_on + timedelta(days=days + 1), info.timezone) if days else now


def _post(sale: Sale, reckoned: Reckoned, grown: int, asset: Asset) -> ledger.PostedTransfer | None:
    if not reckoned.points:
        return None
    owner = batches.member_account(sale.member_id or 0)
    entries = [Entry(owner, asset, reckoned.points), *borne(sale.shop_id, reckoned.points, reckoned.shop_points, asset)]
    if grown:
        entries += [Entry(owner, Asset.GROWTH, grown), Entry(batches.bearer(0), Asset.GROWTH, -grown)]
    return ledger.post_with_balances("sale", sale.id, entries)


def borne(shop_id: int, points: int, shop_points: int, asset: Asset) -> list[Entry]:
    """The other side of points given (below zero: taken back): what the shop bears, and the mall the rest."""
    return [Entry(batches.bearer(shop_id), asset, -shop_points), Entry(batches.bearer(0), asset, shop_points - points)]


def _kept(facts: Facts, sale: Sale, by: str, capped: bool) -> dict[str, Any]:
    """The facts as they were, so that the award can be explained and undone years later, and played again by other rules."""
    measured = {"refunded_fen": sale.refunded_measure_fen, "whole_fen": sale.measure_fen}
    return facts.kept() | measured | {"by": by, "capped": capped}


def activate_due(limit: int = 200) -> int:
    """Make pending awards whose return window has closed spendable, at most `limit`; returns how many."""
    due = (
        select(Award)
        .where(Award.state == AwardState.PENDING, Award.active_from_at <= clock.now())
        .order_by(Award.member_id, Award.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    awards = session.scalars(due.execution_options(populate_existing=True)).all()
    for each in awards:
        activate(each, reason="return window closed")
    return len(awards)


def activate(award: Award, *, reason: str) -> None:
    """Make a pending award spendable: its points move from the pending account, into a batch of their own."""
    owner, shop_points = (
        batches.member_account(award.member_id),
        sum(part["shop_points"] - part.get("shop_taken", 0) for part in award.parts),
    )
    points = award.points - award.taken_back
    entries = [
        Entry(owner, Asset.POINTS_PENDING, -points),
        *borne(award.shop_id, -points, -shop_points, Asset.POINTS_PENDING),
        Entry(owner, Asset.POINTS, points),
        *borne(award.shop_id, points, shop_points, Asset.POINTS),
    ]
    posted = ledger.post_with_balances("points_activation", award.id, entries)
    batches.open_for_award(award, posted)
    states.move(award, AwardState.ACTIVE, by="system", reason=reason)
